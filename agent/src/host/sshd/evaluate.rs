//! What the configuration comes to, for one connection.

use std::borrow::Cow;

use super::algorithms;
use super::defaults;
use super::keyword::{self, Fold, Form, Keyword, ONE_KEYBOARD_OPTION, Place};
use super::tree::{Directive, Node};
use super::{Config, Defect, Origin, Version, witness};
use crate::host::Unreadable;
use crate::host::accounts::{Accounts, User};

/// What sshd knows about a connection when it asks its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    pub user: Vec<u8>,
    /// The names of the groups that the user is in.
    pub groups: Vec<Vec<u8>>,
    /// Whether there is no such user.
    pub invalid_user: bool,
    pub address: Vec<u8>,
    /// The client's name, or its address where names are not looked up (`UseDNS no`).
    pub host: Vec<u8>,
    pub local_address: Vec<u8>,
    pub local_port: u16,
    pub rdomain: Option<Vec<u8>>,
}

impl Context {
    /// A user of this machine, coming from the internet to the usual port.
    pub fn of_user(user: &User, accounts: &Accounts) -> Result<Self, Unreadable> {
        let groups = accounts.groups_of(user).map_err(Clone::clone)?;
        Ok(Self {
            user: user.name.clone(),
            groups: groups.into_iter().map(<[u8]>::to_vec).collect(),
            address: witness::SOURCES[0].to_vec(),
            host: witness::SOURCES[0].to_vec(),
            local_address: witness::ANY_LOCAL.to_vec(),
            local_port: 22,
            ..Self::default()
        })
    }
}

/// Which directives count, by keyword. Few in number, so a list does.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings(Vec<(&'static Keyword, Vec<usize>)>);

impl Settings {
    pub(super) fn directives(&self, name: &str) -> &[usize] {
        self.0.iter().find(|(keyword, _)| keyword.name == name).map_or(&[], |(_, numbers)| numbers)
    }

    pub(super) fn add(
        &mut self,
        keyword: &'static Keyword,
        number: usize,
        directives: &[Directive],
        version: Version,
    ) {
        // A line of AllowUsers without a name adds nothing, and sets nothing either.
        if directives[number].values.is_empty() {
            return;
        }
        let asks_the_wrong_one = keyword.name == PRINCIPALS_COMMAND && version < PRINCIPALS_COMMAND_MENDED;
        if asks_the_wrong_one && !self.directives("AuthorizedKeysCommand").is_empty() {
            return;
        }
        let Some((_, numbers)) = self.0.iter_mut().find(|(known, _)| std::ptr::eq(*known, keyword)) else {
            self.0.push((keyword, vec![number]));
            return;
        };
        match keyword.fold_in(version) {
            Fold::First if asks_the_wrong_one => *numbers = vec![number],
            Fold::First => {}
            Fold::Last => *numbers = vec![number],
            Fold::Append => numbers.push(number),
            Fold::Rekey => {
                if numbers.iter().all(|&other| directives[other].values.len() < 2) {
                    numbers.push(number);
                }
            }
        }
    }
}

/// The settings in force for one connection.
#[derive(Debug, Clone)]
pub struct Effective<'a> {
    config: &'a Config,
    local: Settings,
}

impl Config {
    /// What counts for a connection; an error is one on which sshd drops the connection.
    pub fn evaluate(&self, context: &Context) -> Result<Effective<'_>, Defect> {
        let mut local = Settings::default();
        self.walk(&self.nodes, context, true, false, &mut false, &mut local);
        let effective = Effective { config: self, local };
        effective.check_local()?;
        Ok(effective)
    }

    /// What counts outside every Match block.
    pub fn outside_match(&self) -> Effective<'_> {
        Effective { config: self, local: Settings::default() }
    }

    /// sshd's second pass: only what stands below a Match that is met, or in a file included there.
    fn walk(
        &self,
        nodes: &[Node],
        context: &Context,
        mut match_only: bool,
        never: bool,
        active: &mut bool,
        found: &mut Settings,
    ) {
        if never {
            return;
        }
        for node in nodes {
            match node {
                Node::Match(criteria) => {
                    *active = criteria.iter().all(|criterion| criterion.is_met(context));
                    match_only = false;
                }
                Node::Set(number) => {
                    let keyword = self.directives[*number].keyword;
                    if *active && keyword.place == Place::Anywhere {
                        found.add(keyword, *number, &self.directives, self.version);
                    }
                }
                Node::Include(files) => {
                    for file in files {
                        let before = *active;
                        self.walk(file, context, match_only, !match_only && !before, active, found);
                        *active = before;
                    }
                }
            }
        }
    }
}

impl<'a> Effective<'a> {
    /// The directives that set a keyword; none means the default.
    pub fn directives(&self, name: &str) -> impl Iterator<Item = &'a Directive> + use<'a, '_> {
        let local = self.local.directives(name);
        let numbers = if local.is_empty() { self.config.global.directives(name) } else { local };
        numbers.iter().map(|&number| &self.config.directives[number])
    }

    /// Where a keyword got its (first) value.
    pub fn origin(&self, name: &str) -> Origin {
        match self.directives(name).next() {
            Some(directive) => directive.origin.clone(),
            None => Origin::Default(self.config.version),
        }
    }

    /// All values of a keyword, its default if nobody set it.
    pub fn values(&self, name: &str) -> Vec<Cow<'a, [u8]>> {
        let set: Vec<Cow<'_, [u8]>> = self
            .directives(name)
            .flat_map(|directive| &directive.values)
            .map(|v| v.as_slice().into())
            .collect();
        if set.is_empty() {
            defaults::of(name, self.config.version).iter().map(|v| Cow::Borrowed(v.as_bytes())).collect()
        } else {
            set
        }
    }

    /// The only value of a keyword that has one.
    pub fn value(&self, name: &str) -> Cow<'a, [u8]> {
        self.values(name).into_iter().next().unwrap_or_default()
    }

    /// A yes-or-no keyword. [`Self::keyboard_interactive`] knows the one that is not as simple.
    pub fn is_on(&self, name: &str) -> bool {
        *self.value(name) == *b"yes"
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        std::str::from_utf8(&self.value(name)).ok()?.parse().ok()
    }

    /// Whether keyboard-interactive is on, and where that was decided.
    ///
    /// Before 8.7 ChallengeResponseAuthentication, on by default, turned it on whatever it said itself.
    pub fn keyboard_interactive(&self) -> (bool, Origin) {
        let keyword = self.keyboard_interactive_keyword();
        (self.is_on(keyword), self.origin(keyword))
    }

    /// The keyword that decides about keyboard-interactive.
    pub fn keyboard_interactive_keyword(&self) -> &'static str {
        let (own, old) = ("KbdInteractiveAuthentication", "ChallengeResponseAuthentication");
        let is_old = self.config.version < ONE_KEYBOARD_OPTION;
        if is_old && !self.is_local(own) && self.is_on(old) { old } else { own }
    }

    /// An algorithm list, after `+`, `-` and `^`.
    pub fn algorithms(&self, name: &str) -> Vec<String> {
        self.assemble(name).unwrap_or_default()
    }

    fn assemble(&self, name: &str) -> Option<Vec<String>> {
        let Form::Algorithms(family) = keyword::by_name(name)?.form else { return None };
        let written =
            self.directives(name).next().map(|d| String::from_utf8_lossy(&d.values[0]).into_owned());
        let version = self.config.version;
        let default: Vec<&str> = match self.config.release.list(name) {
            Some(compiled_in) => compiled_in.iter().map(String::as_str).collect(),
            None => algorithms::default(name, version),
        };
        let list = algorithms::assemble(family, &written.unwrap_or_default(), &default, version)?;
        // For the connection sshd takes an emptied list for one that nobody set, unless it was just emptied there.
        if list.is_empty() && !self.is_local(name) {
            return Some(default.iter().map(|&name| name.to_owned()).collect());
        }
        Some(list)
    }

    fn check_local(&self) -> Result<(), Defect> {
        let refuse = |name: &str, what: &str| Defect { origin: self.origin(name), what: what.to_owned() };
        for (keyword, _) in &self.local.0 {
            if matches!(keyword.form, Form::Algorithms(_)) && self.assemble(keyword.name).is_none() {
                return Err(refuse(keyword.name, NO_ALGORITHM));
            }
        }
        let methods = self.values(METHODS);
        if methods.len() > 1 && methods.iter().any(|value| **value == *b"any") {
            return Err(refuse(METHODS, "\"any\" must stand alone"));
        }
        Ok(())
    }

    /// What sshd looks at once it has read everything, before it listens.
    pub(super) fn check_global(&self) -> Result<(), Defect> {
        let refuse = |name: &str, what: &str| Defect { origin: self.origin(name), what: what.to_owned() };
        for keyword in keyword::KEYWORDS {
            let is_list = matches!(keyword.form, Form::Algorithms(_));
            if is_list
                && self.directives(keyword.name).next().is_some()
                && self.assemble(keyword.name).is_none()
            {
                return Err(refuse(keyword.name, NO_ALGORITHM));
            }
        }
        for (command, user) in [
            ("AuthorizedKeysCommand", "AuthorizedKeysCommandUser"),
            ("AuthorizedPrincipalsCommand", "AuthorizedPrincipalsCommandUser"),
        ] {
            let is_set = !self.value(command).eq_ignore_ascii_case(b"none");
            if is_set && self.directives(user).next().is_none() {
                return Err(refuse(command, "the command has no user to run as"));
            }
        }
        let any_satisfiable = self.values(METHODS).iter().any(|list| {
            **list == *b"any" || list.split(|&byte| byte == b',').all(|method| self.is_enabled(method))
        });
        if !any_satisfiable {
            return Err(refuse(METHODS, "no list of AuthenticationMethods can be satisfied"));
        }
        Ok(())
    }

    /// Whether an authentication method (`password`, `keyboard-interactive:pam`) is turned on.
    pub fn is_enabled(&self, method: &[u8]) -> bool {
        match method.split(|&byte| byte == b':').next().unwrap_or_default() {
            b"none" => true,
            b"publickey" => self.is_on("PubkeyAuthentication"),
            b"password" => self.is_on("PasswordAuthentication"),
            b"keyboard-interactive" => self.keyboard_interactive().0,
            b"hostbased" => self.is_on("HostbasedAuthentication"),
            b"gssapi-keyex" | b"gssapi-with-mic" => self.is_on("GSSAPIAuthentication"),
            _ => false,
        }
    }

    pub fn version(&self) -> Version {
        self.config.version
    }

    /// The directives of Match blocks that count here, by keyword.
    pub(super) fn set_by_match(&self) -> Vec<(&'static str, Vec<usize>)> {
        self.local.0.iter().map(|(keyword, numbers)| (keyword.name, numbers.clone())).collect()
    }

    /// Whether a Match block set it.
    pub(super) fn is_local(&self, name: &str) -> bool {
        !self.local.directives(name).is_empty()
    }
}

/// sshd used to ask whether AuthorizedKeysCommand was set before it set this one.
const PRINCIPALS_COMMAND: &str = "AuthorizedPrincipalsCommand";
const PRINCIPALS_COMMAND_MENDED: Version = Version::new(10, 1);
const METHODS: &str = "AuthenticationMethods";
const NO_ALGORITHM: &str = "the list has no algorithm that this sshd knows";
