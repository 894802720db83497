//! libzypp's own settings, as far as they decide which updates there are (`/etc/zypp/zypp.conf`).

use std::path::PathBuf;

use super::super::PendingState;
use super::super::rpm::Package;
use super::ini::{Ini, Section};
use super::locks::{Asked, Locks};
use super::primary::Offered;
use super::rules::Withheld;
use super::vendors::Vendors;
use super::wanted::Evr;
use crate::host::{Host, Unreadable};

#[derive(Debug)]
pub(super) struct Zypp {
    /// Where what the repositories gave is kept, a directory for each.
    pub(super) raw: PathBuf,
    pub(super) repositories: PathBuf,
    pub(super) locks: Locks,
    pub(super) vendors: Vendors,
    changes_vendor: bool,
}

impl Zypp {
    pub(super) fn of(host: &Host) -> Result<Self, Unreadable> {
        let ini = Ini::of(host, FILE.as_ref())?.unwrap_or_default();
        let main = ini.section("main").cloned().unwrap_or_default();
        let configuration = place(&main, "configdir").unwrap_or_else(|| CONFIGURATION.into());
        let cache = place(&main, "cachedir").unwrap_or_else(|| CACHE.into());
        let locks = place(&main, "locksfile.path").unwrap_or_else(|| configuration.join("locks"));
        let vendors = place(&main, "vendordir").unwrap_or_else(|| configuration.join("vendors.d"));
        Ok(Self {
            raw: place(&main, "metadatadir").unwrap_or_else(|| cache.join("raw")),
            repositories: place(&main, "reposdir").unwrap_or_else(|| configuration.join("repos.d")),
            locks: Locks::of(host, &locks)?,
            vendors: Vendors::of(host, &vendors)?,
            changes_vendor: main.is_true("solver.allowVendorChange") == Some(true),
        })
    }

    /// Why nothing takes the place of an installed package, or not this.
    pub(super) fn withhold(&self, package: &Package, offered: &Offered, repo: &str) -> Option<Withheld> {
        let installed = Asked { name: &package.name, evr: &Evr::of(package), repo: None };
        let coming = Asked { name: &offered.name, evr: &offered.evr, repo: Some(repo) };
        let held = self.locks.place(&installed).or_else(|| self.locks.place(&coming));
        if let Some(reason) = held {
            return Some(Withheld { state: PendingState::Held, reason });
        }
        if self.changes_vendor || self.vendors.are_equivalent(&package.vendor, &offered.vendor) {
            return None;
        }
        let reason =
            format!("zypper does not change the vendor from {} to {}", package.vendor, offered.vendor);
        Some(Withheld { state: PendingState::KeptBack, reason })
    }
}

fn place(main: &Section, key: &str) -> Option<PathBuf> {
    main.value(key).filter(|value| !value.is_empty()).map(PathBuf::from)
}

const FILE: &str = "/etc/zypp/zypp.conf";
const CONFIGURATION: &str = "/etc/zypp";
const CACHE: &str = "/var/cache/zypp";
