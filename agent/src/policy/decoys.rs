//! Decoys: files that nobody has a reason to open, so that whoever does says something about itself.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Origin, Policy};
use crate::finding::Severity;

/// A decoy as the operator wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoy {
    /// Absolute, without `..`.
    pub path: PathBuf,
    /// Units of systemd that may open it: a backup reads everything.
    pub units: Vec<String>,
    /// What `guestward enforce` puts there; `None` where the file is the operator's own.
    pub plant: Option<Plant>,
    /// Of its being opened.
    pub severity: Severity,
    pub origin: Origin,
}

/// What a planted decoy looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plant {
    AwsCredentials,
    SshKey,
    Text,
    Wallet,
}

impl Plant {
    pub const ALL: [Self; 4] = [Self::AwsCredentials, Self::SshKey, Self::Text, Self::Wallet];

    pub fn name(self) -> &'static str {
        match self {
            Self::AwsCredentials => "aws-credentials",
            Self::SshKey => "ssh-key",
            Self::Text => "text",
            Self::Wallet => "wallet",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plant| plant.name() == name)
    }
}

impl fmt::Display for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Policy {
    /// In the order in which the files have them; no path is there twice.
    pub fn files_decoys(&self) -> &[Decoy] {
        &self.decoys
    }

    /// The decoy at a path.
    pub fn decoy(&self, path: &Path) -> Option<&Decoy> {
        self.decoys.iter().find(|decoy| decoy.path == path)
    }

    /// A later file's word goes over an earlier one's, as everywhere.
    pub(super) fn add_decoy(&mut self, decoy: Decoy) {
        self.decoys.retain(|other| other.path != decoy.path);
        self.decoys.push(decoy);
    }
}
