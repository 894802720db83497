//! `Match`: when a block of directives counts.

use super::lex::next_word;
use super::pattern::{self, Match};
use super::value::Surroundings;
use super::{Context, Version};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Criterion {
    All,
    User(Vec<u8>),
    Group(Vec<u8>),
    Host(Vec<u8>),
    Address(Vec<u8>),
    LocalAddress(Vec<u8>),
    LocalPort(u16),
    RDomain(Vec<u8>),
    InvalidUser,
    /// About sshd itself: whether it is so is known without a connection.
    Version(bool),
}

impl Criterion {
    pub(super) fn patterns(&self) -> Option<&[u8]> {
        match self {
            Self::User(patterns)
            | Self::Group(patterns)
            | Self::Host(patterns)
            | Self::Address(patterns)
            | Self::LocalAddress(patterns)
            | Self::RDomain(patterns) => Some(patterns),
            Self::All | Self::LocalPort(_) | Self::InvalidUser | Self::Version(_) => None,
        }
    }

    pub(super) fn is_met(&self, context: &Context) -> bool {
        let yes = |found: Match| found == Match::Yes;
        match self {
            Self::All => true,
            Self::User(patterns) => yes(pattern::list(patterns, &context.user)),
            Self::Group(patterns) => !context.invalid_user && pattern::group_list(patterns, &context.groups),
            Self::Host(patterns) => yes(pattern::host_list(patterns, &context.host)),
            Self::Address(patterns) => {
                pattern::address_list(patterns, Some(&context.address)) == Ok(Match::Yes)
            }
            Self::LocalAddress(patterns) => {
                pattern::address_list(patterns, Some(&context.local_address)) == Ok(Match::Yes)
            }
            Self::LocalPort(port) => *port == context.local_port,
            Self::RDomain(patterns) => {
                context.rdomain.as_ref().is_some_and(|domain| yes(pattern::list(patterns, domain)))
            }
            Self::InvalidUser => context.invalid_user,
            Self::Version(met) => *met,
        }
    }

    /// Whether it holds while sshd reads its configuration and there is no connection yet.
    fn holds_without_connection(&self) -> bool {
        matches!(self, Self::All | Self::Version(true))
    }
}

pub(super) fn hold_without_connection(criteria: &[Criterion]) -> bool {
    criteria.iter().all(Criterion::holds_without_connection)
}

/// The criteria after `Match`, or why sshd refuses them.
pub(super) fn parse(
    rest: &[u8],
    has_arguments: bool,
    around: Surroundings<'_>,
) -> Result<Vec<Criterion>, String> {
    let version = around.version;
    let mut criteria = Vec::new();
    let mut rest = Some(rest);
    while let Some(word) = next_word(&mut rest, true) {
        if word.is_empty() {
            break;
        }
        if word.starts_with(b"#") {
            rest = None;
            break;
        }
        let name = word.to_ascii_lowercase();
        if name == b"all" {
            let next = next_word(&mut rest, true).unwrap_or_default();
            if !criteria.is_empty() || !(next.is_empty() || next.starts_with(b"#")) {
                return Err("'all' stands alone".to_owned());
            }
            if next.starts_with(b"#") {
                rest = None;
            }
            criteria.push(Criterion::All);
            break;
        }
        if name == b"invalid-user" && version >= Version::new(9, 9) {
            criteria.push(Criterion::InvalidUser);
            continue;
        }
        let argument = next_word(&mut rest, true)
            .filter(|argument| !argument.is_empty() && !argument.starts_with(b"#"))
            .ok_or("a criterion of Match has no value")?;
        criteria.push(criterion(&name, argument, around)?);
    }
    if rest.is_some_and(|rest| !rest.is_empty()) && has_arguments {
        return Err("there are extra arguments at the end of the line".to_owned());
    }
    if criteria.is_empty() { Err("Match has no criteria".to_owned()) } else { Ok(criteria) }
}

fn criterion(name: &[u8], argument: Vec<u8>, around: Surroundings<'_>) -> Result<Criterion, String> {
    let version = around.version;
    let networks = |argument: Vec<u8>| match pattern::address_list(&argument, None) {
        Ok(_) => Ok(argument),
        Err(pattern::Inconsistent) => Err("a network of Match is inconsistent".to_owned()),
    };
    Ok(match name {
        b"user" => Criterion::User(argument),
        b"group" => Criterion::Group(argument),
        b"host" => Criterion::Host(argument),
        b"address" => Criterion::Address(networks(argument)?),
        b"localaddress" => Criterion::LocalAddress(networks(argument)?),
        b"localport" => {
            Criterion::LocalPort(around.services.port(&argument).ok_or("LocalPort wants a port")?)
        }
        b"rdomain" if version >= Version::new(7, 7) => Criterion::RDomain(argument),
        b"version" if version >= Version::new(10, 0) => {
            let release = format!("OpenSSH_{version}p1");
            Criterion::Version(pattern::list(&argument, release.as_bytes()) == Match::Yes)
        }
        _ => {
            let name = super::Text::from_bytes_within(name, 60);
            return Err(format!("Match has no criterion '{name}'"));
        }
    })
}
