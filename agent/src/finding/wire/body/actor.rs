//! Who did something, as a record tells it: a process, what it executes, as whom, for which unit, and from where.
//!
//! Nearly all of it is the process's own word or its parents': each text has an end, and the further ones a nearer one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::object::{exact, hex, text};
use super::words::{Told, cut, moment};
use crate::host::actor::{Actor, Ancestor, Hand, MAX_PARENTS, Program};

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ActorBody {
    pub pid: u32,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "maybe")]
    pub began: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<ProgramBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub euid: Option<u32>,
    /// As whom somebody logged in, pam_loginuid(8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_uid: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand: Option<HandBody>,
    /// The one that started it first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<AncestorBody>,
    /// What is not known, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Told>,
}

/// The very file that was executed, whatever has its name now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProgramBody {
    pub path: Told,
    /// The exact bytes, where the text is not all that there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
    pub inode: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Told>,
    /// Whose it is, where it is as that package records it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AncestorBody {
    pub pid: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Told>,
}

/// A service that runs what others want done: `ssm`, `ansible`, `cloud-init`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HandBody {
    pub name: Told,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Told>,
}

/// One of several, in short.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OtherActor {
    pub pid: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Told>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
}

impl ActorBody {
    pub fn of(actor: &Actor) -> Self {
        let Actor { pid, began, program, command, uid, euid, login_uid, .. } = actor;
        Self {
            pid: *pid,
            // As exact as it is told, so that what is read back is the same.
            began: began.and_then(|began| Timestamp::from_millisecond(began.as_millisecond()).ok()),
            program: program.as_ref().map(ProgramBody::of),
            command: command.as_ref().map(Told::from),
            uid: *uid,
            euid: *euid,
            login_uid: *login_uid,
            unit: actor.unit.as_ref().map(|unit| within(unit.as_str(), NAME)),
            container: actor.container.as_ref().map(|container| within(container.as_str(), NAME)),
            terminal: actor.terminal.as_ref().map(|terminal| within(terminal.as_str(), WORD)),
            ssh: actor.ssh.as_ref().map(|ssh| within(ssh.as_str(), WORD)),
            hand: actor.hand.as_ref().map(HandBody::of),
            parents: actor.parents.iter().take(MAX_PARENTS).map(AncestorBody::of).collect(),
            unknown: actor.unknown.as_ref().map(|unknown| within(unknown.as_str(), NAME)),
        }
    }
}

impl ProgramBody {
    fn of(program: &Program) -> Self {
        Self {
            path: text(&program.path),
            path_b64: exact(&program.path),
            inode: program.inode,
            sha256: program.digest.map(|digest| Told::new(&hex(&digest))),
            package: program.package.as_ref().map(|package| within(package.as_str(), NAME)),
        }
    }
}

impl AncestorBody {
    fn of(ancestor: &Ancestor) -> Self {
        Self {
            pid: ancestor.pid,
            path: ancestor.path.as_deref().map(|path| within(text(path).as_str(), NAME)),
            command: ancestor.command.as_ref().map(|command| within(command.as_str(), NAME)),
        }
    }
}

impl HandBody {
    fn of(hand: &Hand) -> Self {
        let command = match hand {
            Hand::Ssm { command } => command.as_ref(),
            Hand::Ansible | Hand::CloudInit => None,
        };
        Self { name: Told::new(hand.name()), command: command.map(|command| within(command.as_str(), NAME)) }
    }
}

impl OtherActor {
    pub fn of(actor: &Actor) -> Self {
        let program = actor.program.as_ref().map(|program| within(text(&program.path).as_str(), NAME));
        Self { pid: actor.pid, program, uid: actor.uid }
    }
}

fn within(raw: &str, limit: usize) -> Told {
    Told::new(&cut(Told::new(raw).as_str(), limit))
}

/// A time that may not be known.
pub(super) mod maybe {
    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

    use super::{Timestamp, moment};

    #[derive(serde::Serialize, Deserialize)]
    struct Moment(#[serde(with = "moment")] Timestamp);

    #[expect(clippy::ref_option, reason = "serde hands a reference")]
    pub(in crate::finding::wire::body) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(Moment).serialize(serializer)
    }

    pub(in crate::finding::wire::body) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<Moment>::deserialize(deserializer)?.map(|moment| moment.0))
    }
}

/// Enough of a name, of a path, of somebody else's command.
const NAME: usize = 160;
const WORD: usize = 64;
