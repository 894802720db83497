//! Who caused something, as records tell it.

use serde::{Deserialize, Serialize};

use super::super::object::{exact, hex, text};
use super::words::Told;
use crate::host::Text;
use crate::host::actor::{Actor, Ancestor, Hand, MAX_PARENTS, Program};

/// A process, at the moment when it did something. What is null is not known, or there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ActorBody {
    pub pid: u32,
    pub began: Option<Told>,
    pub program: Option<ProgramBody>,
    pub command: Option<Told>,
    pub uid: Option<u32>,
    pub euid: Option<u32>,
    pub login_uid: Option<u32>,
    pub unit: Option<Told>,
    pub container: Option<Told>,
    pub terminal: Option<Told>,
    pub ssh: Option<Told>,
    pub hand: Option<HandBody>,
    pub parents: Vec<AncestorBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProgramBody {
    pub path: Told,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
    pub device: u64,
    pub inode: u64,
    pub sha256: Option<Told>,
    pub package: Option<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HandBody {
    pub name: Told,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AncestorBody {
    pub pid: u32,
    pub path: Option<Told>,
    pub command: Option<Told>,
}

impl ActorBody {
    pub fn of(actor: &Actor) -> Self {
        let told = |text: &Option<Text>| text.as_ref().map(Told::from);
        Self {
            pid: actor.pid,
            began: actor.began.map(|began| Told::new(&super::super::rfc3339_millis(began))),
            program: actor.program.as_ref().map(ProgramBody::of),
            command: told(&actor.command),
            uid: actor.uid,
            euid: actor.euid,
            login_uid: actor.login_uid,
            unit: told(&actor.unit),
            container: told(&actor.container),
            terminal: told(&actor.terminal),
            ssh: told(&actor.ssh),
            hand: actor.hand.as_ref().map(HandBody::of),
            parents: actor.parents.iter().take(MAX_PARENTS).map(AncestorBody::of).collect(),
            unknown: told(&actor.unknown),
        }
    }
}

impl ProgramBody {
    fn of(program: &Program) -> Self {
        Self {
            path: text(&program.path),
            path_b64: exact(&program.path),
            device: program.device,
            inode: program.inode,
            sha256: program.digest.map(|digest| Told::new(&hex(&digest))),
            package: program.package.as_ref().map(Told::from),
        }
    }
}

impl HandBody {
    fn of(hand: &Hand) -> Self {
        let command = match hand {
            Hand::Ssm { command } => command.as_ref().map(Told::from),
            Hand::Ansible | Hand::CloudInit => None,
        };
        Self { name: Told::new(hand.name()), command }
    }
}

impl AncestorBody {
    fn of(ancestor: &Ancestor) -> Self {
        Self {
            pid: ancestor.pid,
            path: ancestor.path.as_deref().map(text),
            command: ancestor.command.as_ref().map(Told::from),
        }
    }
}
