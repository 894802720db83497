//! The packet filter's rules as the kernel has them: nf_tables, where the rules of nft(8), iptables-nft, ufw and
//! firewalld end up. What a rule means for a packet is `fate`.

mod expressions;
mod sets;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nix::errno::Errno;

use crate::host::{Cause, Text, Unreadable};
use crate::sys::netlink::{self, Attributes, Message, Part};
pub use expressions::{Compare, Expression, Verdict};
pub use sets::{Element, Mapped, Set};

/// Every table that can hold packets of IPv4 or IPv6.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ruleset {
    pub tables: Vec<Table>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub family: Family,
    pub name: Text,
    /// Switched off as a whole.
    pub is_dormant: bool,
    pub chains: BTreeMap<Text, Chain>,
    pub sets: BTreeMap<Text, Set>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Both of the others.
    Inet,
    Ip,
    Ip6,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pub name: Text,
    /// Where packets enter it by themselves; other chains are jumped to.
    pub base: Option<Base>,
    pub rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub hook: Hook,
    pub priority: i32,
    /// `filter`, `nat` or `route`.
    pub kind: Text,
    /// Whether its policy is to drop.
    pub drops: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
    /// A device's own, or one that we do not know.
    Other(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub handle: u64,
    pub expressions: Vec<Expression>,
}

impl Family {
    fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Inet),
            2 => Some(Self::Ip),
            10 => Some(Self::Ip6),
            // arp, bridge and netdev stand elsewhere.
            _ => None,
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Inet => 1,
            Self::Ip => 2,
            Self::Ip6 => 10,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
        }
    }
}

impl Ruleset {
    /// Asks the kernel; a kernel without nf_tables has no rules in it.
    ///
    /// Asking loads nf_tables where it is a module that is not loaded yet, as `nft list ruleset` does.
    pub fn read() -> Result<Self, Unreadable> {
        for _ in 0..MAX_TRIES {
            match Self::read_once() {
                Err(Errno::EINTR) => {}
                // nfnetlink knows no such subsystem, or there is no nfnetlink.
                Err(Errno::EINVAL | Errno::EOPNOTSUPP | Errno::EPROTONOSUPPORT | Errno::EAFNOSUPPORT) => {
                    return Ok(Self::default());
                }
                read => return read.map_err(|errno| Unreadable::from_errno(Path::new(NAME), errno)),
            }
        }
        Err(Unreadable::new(NAME, Cause::Unsupported("the rules change faster than they can be read".into())))
    }

    /// `EINTR`, if the rules changed in between.
    fn read_once() -> Result<Self, Errno> {
        let mut ruleset = Self::default();
        let tables = dump(GET_TABLE, 0, &[])?;
        let chains = dump(GET_CHAIN, 0, &[])?;
        let rules = dump(GET_RULE, 0, &[])?;
        let sets = dump(GET_SET, 0, &[])?;
        let mut generations: Vec<u16> =
            [&tables, &chains, &rules, &sets].into_iter().flatten().filter_map(generation).collect();
        ruleset.take(&tables, &chains, &rules, &sets).ok_or(Errno::EBADMSG)?;
        let mut elements = 0;
        for table in &mut ruleset.tables {
            let used = table.sets_in_use();
            for set in table.sets.values_mut().filter(|set| used.contains(&set.name)) {
                let mut request = attribute(ELEMENTS_TABLE, table.name.as_str());
                request.extend(attribute(ELEMENTS_SET, set.name.as_str()));
                match dump(GET_ELEMENTS, table.family.number(), &request) {
                    Ok(messages) => {
                        generations.extend(messages.iter().filter_map(generation));
                        set.take(&messages);
                        elements += set.elements.as_ref().map_or(0, Vec::len);
                    }
                    // It went away, so something changed.
                    Err(Errno::ENOENT) => return Err(Errno::EINTR),
                    Err(Errno::EFBIG) => set.elements = None,
                    Err(errno) => return Err(errno),
                }
                if elements > MAX_ELEMENTS {
                    return Err(Errno::EFBIG);
                }
            }
        }
        match generations.windows(2).all(|pair| pair[0] == pair[1]) {
            true => Ok(ruleset),
            false => Err(Errno::EINTR),
        }
    }

    /// Puts the kernel's messages together; none if one of them is not what it should be.
    pub fn take(
        &mut self,
        tables: &[Message],
        chains: &[Message],
        rules: &[Message],
        sets: &[Message],
    ) -> Option<()> {
        for message in tables {
            self.tables.extend(table(message)?);
        }
        for message in chains {
            if let Some((family, table, chain)) = chain(message)? {
                self.table(family, &table)?.chains.insert(chain.name.clone(), chain);
            }
        }
        for message in sets {
            if let Some((family, body)) = of_family(message)? {
                let table = text(body, SET_TABLE)?;
                let set = Set::of(body)?;
                self.table(family, &table)?.sets.insert(set.name.clone(), set);
            }
        }
        for message in rules {
            if let Some((family, table, name, rule)) = rule(message)? {
                self.table(family, &table)?.chains.get_mut(&name)?.rules.push(rule);
            }
        }
        Some(())
    }

    fn table(&mut self, family: Family, name: &Text) -> Option<&mut Table> {
        self.tables.iter_mut().find(|table| table.family == family && table.name == *name)
    }

    pub fn rule_count(&self) -> usize {
        self.tables.iter().flat_map(|table| table.chains.values()).map(|chain| chain.rules.len()).sum()
    }
}

impl Table {
    fn sets_in_use(&self) -> BTreeSet<Text> {
        let rules = self.chains.values().flat_map(|chain| &chain.rules);
        rules
            .flat_map(|rule| &rule.expressions)
            .filter_map(|expression| match expression {
                Expression::Lookup { set, .. } => Some(set.clone()),
                _ => None,
            })
            .collect()
    }
}

/// The table of a message; `Some(None)`, if it is of a family that does not matter here.
fn table(message: &Message) -> Option<Option<Table>> {
    let Some((family, body)) = of_family(message)? else { return Some(None) };
    let flags = Attributes::find(body, TABLE_FLAGS).and_then(be32).unwrap_or(0);
    let (chains, sets) = (BTreeMap::new(), BTreeMap::new());
    let is_dormant = flags & TABLE_DORMANT != 0;
    Some(Some(Table { family, name: text(body, TABLE_NAME)?, is_dormant, chains, sets }))
}

fn chain(message: &Message) -> Option<Option<(Family, Text, Chain)>> {
    let Some((family, body)) = of_family(message)? else { return Some(None) };
    let base = match Attributes::find(body, CHAIN_HOOK) {
        None => None,
        Some(hook) => Some(Base {
            hook: Hook::from_number(be32(Attributes::find(hook, HOOK_NUMBER)?)?),
            priority: be32(Attributes::find(hook, HOOK_PRIORITY)?)?.cast_signed(),
            kind: text(body, CHAIN_TYPE)?,
            drops: Attributes::find(body, CHAIN_POLICY).and_then(be32) == Some(0),
        }),
    };
    let chain = Chain { name: text(body, CHAIN_NAME)?, base, rules: Vec::new() };
    Some(Some((family, text(body, CHAIN_TABLE)?, chain)))
}

fn rule(message: &Message) -> Option<Option<(Family, Text, Text, Rule)>> {
    let Some((family, body)) = of_family(message)? else { return Some(None) };
    let handle = Attributes::find(body, RULE_HANDLE)?.try_into().ok().map(u64::from_be_bytes)?;
    let list = Attributes::find(body, RULE_EXPRESSIONS).unwrap_or_default();
    let expressions = expressions::list(list)?;
    Some(Some((family, text(body, RULE_TABLE)?, text(body, RULE_CHAIN)?, Rule { handle, expressions })))
}

/// What a rule's message says, for those who look for messages that we cannot take.
pub fn rule_expressions(message: &Message) -> Option<Vec<Expression>> {
    rule(message)?.map(|(_, _, _, rule)| rule.expressions)
}

impl Hook {
    fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Prerouting,
            1 => Self::Input,
            2 => Self::Forward,
            3 => Self::Output,
            4 => Self::Postrouting,
            other => Self::Other(other),
        }
    }
}

/// struct nfgenmsg begins with the family; the attributes follow.
fn of_family(message: &Message) -> Option<Option<(Family, &[u8])>> {
    let (head, body) = message.body.split_at_checked(NFGENMSG)?;
    Some(Family::from_number(head[0]).map(|family| (family, body)))
}

/// Which state of all rules a message is from.
fn generation(message: &Message) -> Option<u16> {
    message.body.get(2..4).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
}

fn dump(kind: u16, family: u8, attributes: &[u8]) -> Result<Vec<Message>, Errno> {
    let mut body = vec![family, 0, 0, 0];
    body.extend(attributes);
    netlink::dump(Part::Netfilter, SUBSYSTEM << 8 | kind, &body)
}

/// A string as an attribute: length and kind, NUL at the end, padded.
fn attribute(kind: u16, value: &str) -> Vec<u8> {
    let length = 4 + value.len() + 1;
    let mut bytes = Vec::with_capacity(length.next_multiple_of(4));
    bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value.as_bytes());
    bytes.resize(length.next_multiple_of(4), 0);
    bytes
}

fn text(body: &[u8], kind: u16) -> Option<Text> {
    Attributes::find(body, kind).map(until_nul)
}

fn until_nul(bytes: &[u8]) -> Text {
    Text::from_bytes(bytes.split(|&byte| byte == 0).next().unwrap_or_default())
}

/// Numbers are in network byte order, as everything of nfnetlink.
fn be32(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_be_bytes)
}

const NAME: &str = "nf_tables";
/// NFNL_SUBSYS_NFTABLES.
const SUBSYSTEM: u16 = 10;
const GET_TABLE: u16 = 1;
const GET_CHAIN: u16 = 4;
const GET_RULE: u16 = 7;
const GET_SET: u16 = 10;
const GET_ELEMENTS: u16 = 13;
/// The size of struct nfgenmsg: family, version, generation.
const NFGENMSG: usize = 4;
/// NFTA_TABLE_*, NFTA_CHAIN_*, NFTA_HOOK_*, NFTA_RULE_*, NFTA_SET_* and NFTA_SET_ELEM_LIST_* of nf_tables.h.
const TABLE_NAME: u16 = 1;
const TABLE_FLAGS: u16 = 2;
const TABLE_DORMANT: u32 = 1;
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_POLICY: u16 = 5;
const CHAIN_TYPE: u16 = 7;
const HOOK_NUMBER: u16 = 1;
const HOOK_PRIORITY: u16 = 2;
const RULE_TABLE: u16 = 1;
const RULE_CHAIN: u16 = 2;
const RULE_HANDLE: u16 = 3;
const RULE_EXPRESSIONS: u16 = 4;
const SET_TABLE: u16 = 1;
const ELEMENTS_TABLE: u16 = 1;
const ELEMENTS_SET: u16 = 2;
/// Rules that change while they are read are read again.
const MAX_TRIES: usize = 5;
/// A list of all networks of the world has some hundred thousand.
const MAX_ELEMENTS: usize = 2_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_message_makes_it_panic(bodies in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..200), 4)) {
            let of = |index: usize| vec![Message { kind: 0, body: bodies[index].clone() }];
            let _ = Ruleset::default().take(&of(0), &of(1), &of(2), &of(3));
            let _ = rule_expressions(&of(2)[0]);
            let mut set = Set::default();
            set.take(&of(3));
        }
    }
}
