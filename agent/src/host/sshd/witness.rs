//! The connections worth asking about: for each user, source, and local end one of every kind that the
//! configuration tells apart. Two that no pattern tells apart get the same answer, so one of them will do.

use std::collections::HashSet;
use std::net::IpAddr;

use super::criteria::Criterion;
use super::pattern::{self, Match, Network};
use super::people::{Membership, passwords};
use super::tree::Node;
use super::{Config, Context};
use crate::host::accounts::{Accounts, User};
use crate::host::{Cause, Unreadable};

/// A connection, and what is known of its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    pub context: Context,
    /// Whether the account is in passwd(5). Another may come from a directory.
    pub is_local: bool,
    /// Whether it has a password that could be guessed; `None` if that could not be seen.
    pub has_password: Option<bool>,
}

impl Witness {
    /// As `sshd -T -C` takes it.
    pub fn specification(&self) -> String {
        let Context { user, address, local_address, local_port, host, .. } = &self.context;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut shown = format!("user={},addr={}", text(user), text(address));
        if host != address {
            shown.push_str(&format!(",host={}", text(host)));
        }
        if local_address != ANY_LOCAL {
            shown.push_str(&format!(",laddr={}", text(local_address)));
        }
        shown + &format!(",lport={local_port}")
    }
}

/// The connections to ask about, the most telling first.
pub(super) fn witnesses(config: &Config, accounts: &Accounts) -> Result<Vec<Witness>, Unreadable> {
    let asked = Asked::of(config);
    let users = asked.users(accounts)?;
    let sources = asked.sources(config.outside_match().is_on("UseDNS"))?;
    let locals = asked.locals()?;
    let ports = asked.ports(config);
    let domains = asked.domains();
    let count = [users.len(), sources.len(), locals.len(), ports.len(), domains.len()];
    let count = count.into_iter().fold(1, usize::saturating_mul);
    if count > MOST {
        return Err(too_many(MOST));
    }
    let most_groups = users.iter().map(|user| user.context.groups.len()).max().unwrap_or(0);
    asked.afford(count.saturating_mul(1 + most_groups))?;
    let mut witnesses = Vec::new();
    let mut answers = HashSet::new();
    for user in &users {
        for (address, host) in &sources {
            for local_address in &locals {
                for &local_port in &ports {
                    for rdomain in &domains {
                        let context = Context {
                            address: address.clone(),
                            host: host.clone(),
                            local_address: local_address.clone(),
                            local_port,
                            rdomain: rdomain.clone(),
                            ..user.context.clone()
                        };
                        let witness = Witness { context, ..*user };
                        if answers.insert(answer(config, &witness)) {
                            witnesses.push(witness);
                        }
                    }
                }
            }
        }
    }
    Ok(witnesses)
}

/// All that anybody can learn from a connection; the first of those that teach the same is enough.
fn answer(config: &Config, witness: &Witness) -> impl Eq + std::hash::Hash + use<> {
    let of_account = (witness.context.user == b"root", witness.is_local, witness.has_password);
    let of_config = config.evaluate(&witness.context).ok().map(|effective| {
        let away = effective.turns_away(&witness.context).map(|away| away.keyword);
        (effective.set_by_match(), away)
    });
    (of_account, of_config)
}

/// Everything by which the configuration tells connections apart.
#[derive(Debug, Default)]
struct Asked {
    criteria: Vec<Criterion>,
    /// The patterns of AllowUsers and DenyUsers: the user's part, the place's.
    users: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// The patterns of AllowGroups and DenyGroups.
    groups: Vec<Vec<u8>>,
    /// What it takes to hold one connection against everything: the bytes of all patterns, and a step for each line.
    effort: usize,
}

/// Address and name of a client.
type Source = (Vec<u8>, Vec<u8>);

fn too_many(limit: usize) -> Unreadable {
    Unreadable::new("the list of connections that sshd's Match blocks tell apart", Cause::TooMany { limit })
}

impl Asked {
    fn of(config: &Config) -> Self {
        let mut asked = Self::default();
        asked.collect(&config.nodes);
        for directive in &config.directives {
            match directive.keyword.name {
                "AllowUsers" | "DenyUsers" => {
                    for value in &directive.values {
                        let at = value.iter().position(|&byte| byte == b'@');
                        let (user, place) = match at {
                            Some(at) => (&value[..at], Some(value[at + 1..].to_vec())),
                            None => (value.as_slice(), None),
                        };
                        asked.users.push((user.to_vec(), place));
                    }
                }
                "AllowGroups" | "DenyGroups" => asked.groups.extend(directive.values.iter().cloned()),
                _ => {}
            }
        }
        distinct(&mut asked.criteria);
        distinct(&mut asked.users);
        distinct(&mut asked.groups);
        asked.effort = asked.effort() + config.directives.len();
        asked
    }

    fn effort(&self) -> usize {
        let criteria = self.criteria.iter().map(|criterion| criterion.patterns().map_or(1, <[u8]>::len));
        let places = self.users.iter().map(|(user, place)| user.len() + place.as_ref().map_or(1, Vec::len));
        criteria.chain(places).chain(self.groups.iter().map(Vec::len)).map(|length| length + 1).sum()
    }

    /// Whether so many comparisons end in a moment. A configuration made to be slow gets no answer instead.
    fn afford(&self, comparisons: usize) -> Result<(), Unreadable> {
        match comparisons.saturating_mul(self.effort) <= BUDGET {
            true => Ok(()),
            false => Err(too_many(BUDGET / self.effort.max(1))),
        }
    }

    fn collect(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Match(criteria) => self.criteria.extend(criteria.iter().cloned()),
                Node::Include(files) => files.iter().for_each(|file| self.collect(file)),
                Node::Set(_) => {}
            }
        }
    }

    fn users(&self, accounts: &Accounts) -> Result<Vec<Witness>, Unreadable> {
        let local = accounts.users.as_ref().map_err(Clone::clone)?;
        let groups = Membership::of(accounts)?;
        let passwords = passwords(accounts);
        let mut local: Vec<&User> = local.iter().collect();
        // Who could be asked for a password comes first, root before all, and those without a shell last.
        let may_type = |user: &User| passwords.as_ref().is_some_and(|set| set.contains(user.name.as_slice()));
        local.sort_by_key(|user| {
            (user.name != b"root", !may_type(user), !user.has_login_shell(), user.uid < 1000)
        });
        let mut candidates: Vec<Witness> = local
            .iter()
            .map(|user| Witness {
                context: Context {
                    user: user.name.clone(),
                    groups: groups.of_user(&user.name, user.gid),
                    ..Context::default()
                },
                is_local: true,
                has_password: passwords.as_ref().map(|set| set.contains(user.name.as_slice())),
            })
            .collect();
        let known: HashSet<&[u8]> = local.iter().map(|user| user.name.as_slice()).collect();
        let mut names = vec![STRANGER.to_vec()];
        names.extend(self.user_patterns().filter_map(instance));
        distinct(&mut names);
        for name in names.into_iter().filter(|name| !known.contains(name.as_slice())) {
            let context = Context { user: name, ..Context::default() };
            candidates.push(Witness { context, is_local: false, has_password: None });
        }
        self.afford(candidates.iter().map(|witness| 1 + witness.context.groups.len()).sum())?;
        let mut seen = HashSet::new();
        candidates.retain(|witness| seen.insert(self.signature_of_user(witness)));
        Ok(candidates)
    }

    fn user_patterns(&self) -> impl Iterator<Item = &[u8]> {
        let matched = self.criteria.iter().filter_map(|criterion| match criterion {
            Criterion::User(patterns) => Some(patterns.as_slice()),
            _ => None,
        });
        let listed = self.users.iter().map(|(user, _)| user.as_slice());
        matched.flat_map(pattern::entries).map(|(_, entry)| entry).chain(listed)
    }

    /// All that the configuration can know of a user.
    fn signature_of_user(&self, witness: &Witness) -> (bool, bool, Option<bool>, Vec<bool>) {
        let Context { user, groups, .. } = &witness.context;
        let mut bits = Vec::new();
        for criterion in &self.criteria {
            match criterion {
                Criterion::User(_) | Criterion::Group(_) => bits.push(criterion.is_met(&witness.context)),
                _ => {}
            }
        }
        bits.extend(self.users.iter().map(|(patterns, _)| pattern::matches(patterns, user)));
        bits.extend(
            self.groups.iter().map(|wanted| groups.iter().any(|group| pattern::matches(wanted, group))),
        );
        (user == b"root", witness.is_local, witness.has_password, bits)
    }

    /// Address and name of the client.
    fn sources(&self, names_are_looked_up: bool) -> Result<Vec<Source>, Unreadable> {
        let mut addresses: Vec<Vec<u8>> = SOURCES.iter().map(|source| source.to_vec()).collect();
        let mut names: Vec<Vec<u8>> = Vec::new();
        let places = self.users.iter().filter_map(|(_, place)| place.as_deref());
        let matched = self.criteria.iter().filter_map(|criterion| match criterion {
            Criterion::Address(patterns) | Criterion::Host(patterns) => Some(patterns.as_slice()),
            _ => None,
        });
        for (_, entry) in places.chain(matched).flat_map(pattern::entries) {
            addresses.extend(addresses_for(entry));
            names.extend(instance(entry));
        }
        distinct(&mut addresses);
        distinct(&mut names);
        let looked_up = if names_are_looked_up { names.len() } else { 0 };
        self.afford(addresses.len().saturating_mul(looked_up + 1))?;
        let mut sources: Vec<Source> =
            addresses.iter().map(|address| (address.clone(), address.clone())).collect();
        if names_are_looked_up {
            for name in names {
                sources.extend(addresses.iter().map(|address| (address.clone(), name.clone())));
            }
        }
        let mut seen = HashSet::new();
        sources.retain(|(address, host)| seen.insert(self.signature_of_source(address, host)));
        Ok(sources)
    }

    fn signature_of_source(&self, address: &[u8], host: &[u8]) -> Vec<bool> {
        let context = Context { address: address.to_vec(), host: host.to_vec(), ..Context::default() };
        let mut bits: Vec<bool> = self
            .criteria
            .iter()
            .filter(|criterion| matches!(criterion, Criterion::Address(_) | Criterion::Host(_)))
            .map(|criterion| criterion.is_met(&context))
            .collect();
        bits.extend(self.users.iter().filter_map(|(_, place)| place.as_ref()).map(|place| {
            let pattern = [b"*@", place.as_slice()].concat();
            pattern::user_at_host(&pattern, b"", host, address) == Ok(true)
        }));
        bits
    }

    fn locals(&self) -> Result<Vec<Vec<u8>>, Unreadable> {
        let lists: Vec<&Vec<u8>> = self
            .criteria
            .iter()
            .filter_map(|criterion| match criterion {
                Criterion::LocalAddress(patterns) => Some(patterns),
                _ => None,
            })
            .collect();
        let mut locals: Vec<Vec<u8>> = LOCALS.iter().map(|local| local.to_vec()).collect();
        locals
            .extend(lists.iter().flat_map(|list| pattern::entries(list)).flat_map(|(_, e)| addresses_for(e)));
        distinct(&mut locals);
        self.afford(locals.len())?;
        let mut seen = HashSet::new();
        locals.retain(|local| {
            let met = |list: &&Vec<u8>| pattern::address_list(list, Some(local)) == Ok(Match::Yes);
            seen.insert(lists.iter().map(met).collect::<Vec<bool>>())
        });
        Ok(locals)
    }

    /// Only ports that sshd listens on: a Match for another never happens.
    fn ports(&self, config: &Config) -> Vec<u16> {
        let mut ports = config.ports();
        let asked = |port: &u16| self.criteria.contains(&Criterion::LocalPort(*port));
        // Ports that nobody asks for are one.
        let mut plain = false;
        ports.retain(|port| asked(port) || !std::mem::replace(&mut plain, true));
        // Socket activation listens where the unit says, which is not in this file.
        let others = self.criteria.iter().filter_map(|criterion| match criterion {
            Criterion::LocalPort(port) => Some(*port),
            _ => None,
        });
        for port in others {
            if !ports.contains(&port) {
                ports.push(port);
            }
        }
        ports
    }

    fn domains(&self) -> Vec<Option<Vec<u8>>> {
        let mut domains = vec![None];
        for criterion in &self.criteria {
            if let Criterion::RDomain(patterns) = criterion {
                domains.extend(pattern::entries(patterns).filter_map(|(_, entry)| instance(entry)).map(Some));
            }
        }
        domains.truncate(8);
        domains
    }
}

/// Each once, the first place of each kept.
fn distinct<T: Clone + Eq + std::hash::Hash>(list: &mut Vec<T>) {
    let mut seen = HashSet::new();
    list.retain(|entry| seen.insert(entry.clone()));
}

/// A name that a pattern matches.
fn instance(pattern: &[u8]) -> Option<Vec<u8>> {
    if pattern.is_empty() || pattern == b"*" {
        return None;
    }
    Some(pattern.iter().map(|&byte| if matches!(byte, b'*' | b'?') { b'x' } else { byte }).collect())
}

/// Addresses in and just outside of a network, or one that a wildcard matches.
fn addresses_for(entry: &[u8]) -> Vec<Vec<u8>> {
    let text = |address: IpAddr| address.to_string().into_bytes();
    match Network::parse(entry) {
        Ok(network) => network.inside().into_iter().chain(network.outside()).map(text).collect(),
        Err(_) => {
            let numbers: Vec<u8> =
                entry.iter().map(|&byte| if matches!(byte, b'*' | b'?') { b'7' } else { byte }).collect();
            let mut full = numbers.clone();
            while full.iter().filter(|&&byte| byte == b'.').count() < 3 {
                full.extend_from_slice(b".7");
            }
            let is_address = |bytes: &Vec<u8>| pattern::parse_address(bytes).is_some();
            [numbers, full].into_iter().filter(is_address).collect()
        }
    }
}

/// The internet, then a private network, then this very machine.
pub(super) const SOURCES: &[&[u8]] = &[b"203.0.113.9", b"10.0.0.9", b"127.0.0.1", b"::1", b"2001:db8::9"];
/// The local address where none is asked for.
pub(super) const ANY_LOCAL: &[u8] = b"192.0.2.1";
/// A public and a private address, and both kinds of this very machine's own.
const LOCALS: &[&[u8]] = &[ANY_LOCAL, b"10.0.0.5", b"127.0.0.1", b"::1", b"2001:db8::1"];
/// Somebody whom no list of this machine names, from a directory perhaps.
const STRANGER: &[u8] = b"somebody";
/// Far more than any configuration tells apart.
const MOST: usize = 65_536;
/// Bytes of patterns to compare: some tenths of a second, and a thousand times what real configurations need.
const BUDGET: usize = 100_000_000;
