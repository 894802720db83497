//! What rpm believes to be installed: its database, whichever of the three forms it has, read without rpm.
//!
//! Amazon Linux 2023, RHEL 9 and Fedora keep it in SQLite, Amazon Linux 2 and RHEL 8 in a hash of Berkeley DB, SUSE in rpm's
//! own ndb. In each, a package is one header, as rpm's file format has it.

pub mod files;
pub mod header;

use std::path::PathBuf;

use header::Header;
use jiff::Timestamp;

use super::dpkg::{self, Database};
use crate::host::{Cause, Host, Unreadable};

/// rpm's database.
#[derive(Debug, Clone, Default)]
pub struct Installed {
    pub packages: Vec<Package>,
    /// The file that it was read from.
    pub file: PathBuf,
}

/// One installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    /// An absent one is 0.
    pub epoch: u32,
    pub version: String,
    pub release: String,
    /// `noarch` is one.
    pub architecture: String,
    /// `openssl-3.0.8-1.amzn2023.src.rpm`
    pub source_rpm: String,
    pub vendor: String,
    pub installed: Option<Timestamp>,
    /// `nodejs:18:8080020221213:ad008a3a` of a package out of a module.
    pub module: Option<String>,
}

impl Package {
    /// `[epoch:]version-release`, as dnf writes it.
    pub fn evr(&self) -> String {
        match self.epoch {
            0 => format!("{}-{}", self.version, self.release),
            epoch => format!("{epoch}:{}-{}", self.version, self.release),
        }
    }
}

impl Installed {
    /// As every package manager's packages are told.
    pub fn to_database(&self) -> Database {
        let native = self.packages.iter().map(|package| &package.architecture).find(|name| *name != "noarch");
        let native = native.cloned().unwrap_or_default();
        let package = |package: &Package| {
            let (name, architecture) = (package.name.clone(), package.architecture.clone());
            dpkg::Package::whole(name, architecture, package.evr(), self.file.clone())
        };
        let packages = self.packages.iter().map(package).collect();
        Database { packages, architectures: vec![native.clone()], native }
    }

    /// Every package but the keys (`gpg-pubkey`), which are none.
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        let _ = each_header(host, |_| Ok(()))?;
        Err(Unreadable::new("/var/lib/rpm", Cause::Unsupported("rpm not read yet".to_owned())))
    }
}

/// Hands every package's header to `each`, one in memory at a time, and says which file they came from. What `each` says
/// against a header is said of the file.
pub fn each_header(
    host: &Host,
    each: impl FnMut(&Header<'_>) -> Result<(), String>,
) -> Result<PathBuf, Unreadable> {
    let _ = (host, each);
    Err(Unreadable::new("/var/lib/rpm", Cause::Unsupported("rpm not read yet".to_owned())))
}
