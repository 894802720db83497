//! What rpm believes to be installed: its database, whichever of the three forms it has, read without rpm.
//!
//! Amazon Linux 2023, RHEL 9 and Fedora keep it in SQLite, Amazon Linux 2 and RHEL 8 in a hash of Berkeley DB, SUSE in rpm's
//! own ndb. In each, a package is one header, as rpm's file format has it. Nothing is locked and nothing written: what changes
//! while it is read is read again.

mod berkeley;
pub mod files;
pub mod header;
mod ndb;
mod place;
mod settled;
mod sqlite;
pub mod version;

use std::ops::ControlFlow;
use std::path::PathBuf;

use header::{Header, tag};
use jiff::Timestamp;

use super::database::{field, source};
use super::dpkg::{self, Database};
use crate::host::{Cause, Host, Unreadable};
use place::{Form, Place};
use settled::settled;
use source::malformed;

/// rpm's database.
#[derive(Debug, Clone, Default)]
pub struct Installed {
    pub packages: Vec<Package>,
    /// The file that it was read from.
    pub file: PathBuf,
}

/// One installed package.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
        let (packages, file) = gather(host, |packages: &mut Vec<Package>, header| {
            packages.push(Package::of(header)?);
            Ok(())
        })?;
        Ok(Self { packages, file })
    }
}

impl Package {
    fn of(header: &Header<'_>) -> Result<Self, String> {
        let text = |tag| header.string(tag).map(|value| String::from_utf8_lossy(value).into_owned());
        let needed = |tag| {
            text(tag).filter(|value| !value.is_empty()).ok_or_else(|| format!("a package without tag {tag}"))
        };
        let number = |tag| header.numbers(tag).next();
        let installed = number(tag::INSTALL_TIME).and_then(|seconds| i64::try_from(seconds).ok());
        Ok(Self {
            name: needed(tag::NAME)?,
            epoch: number(tag::EPOCH).and_then(|epoch| u32::try_from(epoch).ok()).unwrap_or(0),
            version: needed(tag::VERSION)?,
            release: needed(tag::RELEASE)?,
            architecture: needed(tag::ARCHITECTURE)?,
            source_rpm: text(tag::SOURCE_RPM).unwrap_or_default(),
            vendor: text(tag::VENDOR).unwrap_or_default(),
            installed: installed.and_then(|seconds| Timestamp::from_second(seconds).ok()),
            module: text(tag::MODULARITY_LABEL).filter(|label| !label.is_empty()),
        })
    }
}

/// Called with the bytes of each header, those of keys as well, until it has enough.
type Visit<'a> = dyn FnMut(&[u8]) -> Result<ControlFlow<()>, Cause> + 'a;

/// Whether this machine's packages are rpm's: there are some in its database, or it cannot be read, or it is empty and what
/// looks after it is there. rpm alone, as a tool, is no sign: its directory is there, and nothing in it.
pub fn is_used(host: &Host) -> Result<bool, Unreadable> {
    let Some(place) = place::find(host)? else { return place::has_manager(host) };
    let mut is_empty = true;
    let read = settled(|| {
        each(host, &place, &mut |_| {
            is_empty = false;
            Ok(ControlFlow::Break(()))
        })
    });
    Ok(read.is_err() || !is_empty || place::has_manager(host)?)
}

/// Hands every package's header to `each`, one in memory at a time, and says which file they came from. What `each` says
/// against a header is said of the file. Where rpm changes the database meanwhile it fails, after `each` was called:
/// [`gather`] begins again.
pub fn each_header(
    host: &Host,
    mut each: impl FnMut(&Header<'_>) -> Result<(), String>,
) -> Result<PathBuf, Unreadable> {
    once(host, &mut each)
}

/// What `add` makes of every package's header, and which file they came from; from the beginning where rpm changes the
/// database meanwhile.
pub fn gather<T: Default>(
    host: &Host,
    mut add: impl FnMut(&mut T, &Header<'_>) -> Result<(), String>,
) -> Result<(T, PathBuf), Unreadable> {
    settled(|| {
        let mut gathered = T::default();
        let file = once(host, &mut |header| add(&mut gathered, header))?;
        Ok((gathered, file))
    })
}

fn once(host: &Host, take: &mut dyn FnMut(&Header<'_>) -> Result<(), String>) -> Result<PathBuf, Unreadable> {
    let Some(place) = place::find(host)? else {
        return Err(Unreadable::malformed(place::DIRECTORIES[1], 0, "rpm's database is not there"));
    };
    let mut count = 0_usize;
    each(host, &place, &mut |bytes| {
        let header = Header::parse(bytes).map_err(malformed)?;
        if header.string(tag::NAME) == Some(KEY) {
            return Ok(ControlFlow::Continue(()));
        }
        count = count.saturating_add(1);
        if count > MAX_PACKAGES {
            return Err(Cause::TooMany { limit: MAX_PACKAGES });
        }
        take(&header).map_err(malformed)?;
        Ok(ControlFlow::Continue(()))
    })?;
    if count == 0 {
        // rpm itself is a package.
        return Err(Unreadable::malformed(place.file, 0, "it knows of no package at all"));
    }
    Ok(place.file)
}

fn each(host: &Host, place: &Place, visit: &mut Visit<'_>) -> Result<(), Unreadable> {
    match place.form {
        Form::Sqlite => sqlite::each(host, &place.file, visit),
        Form::Ndb => ndb::each(host, &place.file, visit),
        Form::BerkeleyDb => berkeley::each(host, &place.file, visit),
    }
}

/// A key that was imported to verify packages with; rpm files it as one.
const KEY: &[u8] = b"gpg-pubkey";
/// The largest installations have ten thousand.
const MAX_PACKAGES: usize = 200_000;
