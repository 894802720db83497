//! Who caused an event, as far as it can be known: a process, what it executes, as whom, for which unit, and from where.
//!
//! Everything but the numbers is the process's own word or its parents', so that each text has a bound.

mod details;
mod parse;

use jiff::Timestamp;

pub use details::{Details, Looks, is_there};

use super::Text;

/// A process, at the moment when it did something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Actor {
    pub pid: u32,
    /// When the process began: with the pid it is one process, and no later one with the same number.
    pub began: Option<Timestamp>,
    pub program: Option<Program>,
    /// The arguments, blanks between them; at most [`MAX_COMMAND`] bytes of what was there.
    pub command: Option<Text>,
    /// The real and the effective user.
    pub uid: Option<u32>,
    pub euid: Option<u32>,
    /// As whom somebody logged in, pam_loginuid(8); none for what nobody logged in for.
    pub login_uid: Option<u32>,
    /// Of systemd: `cron.service`, `session-3.scope`.
    pub unit: Option<Text>,
    /// The id that its container has in the control group's path.
    pub container: Option<Text>,
    /// `pts/0`.
    pub terminal: Option<Text>,
    /// Where the ssh connection comes from, `203.0.113.9 port 51234`.
    pub ssh: Option<Text>,
    /// Whose hand it was: what ran it on behalf of somebody elsewhere.
    pub hand: Option<Hand>,
    /// The one that started it first, then whoever started that.
    pub parents: Vec<Ancestor>,
    /// What is not known, and why.
    pub unknown: Option<Text>,
}

/// What a process executes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Program {
    pub path: Vec<u8>,
    /// Of the very file that was executed, whatever has its name now.
    pub device: u64,
    pub inode: u64,
    /// SHA-256 of that file, where it could be read.
    pub digest: Option<[u8; 32]>,
    /// `vim-tiny:amd64`, where the file is as that package records it.
    pub package: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ancestor {
    pub pid: u32,
    pub path: Option<Vec<u8>>,
    pub command: Option<Text>,
}

/// A service that runs what others want done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hand {
    /// Systems Manager's Run Command or Session Manager, and which one, where it says so.
    Ssm {
        command: Option<Text>,
    },
    Ansible,
    CloudInit,
}

impl Hand {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ssm { .. } => "ssm",
            Self::Ansible => "ansible",
            Self::CloudInit => "cloud-init",
        }
    }
}

/// Longer command lines are cut.
pub const MAX_COMMAND: usize = 1_024;
/// The chain goes on to PID 1; who looks at it wants the nearest.
pub const MAX_PARENTS: usize = 8;
