//! What is installed, as the metadata is asked about it, and the versions that it is compared by.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::super::rpm::{Installed, Package};
use super::evr::compare_evr;

/// Epoch, version and release.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Evr {
    pub(super) epoch: u32,
    pub(super) version: String,
    pub(super) release: String,
}

impl Evr {
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        compare_evr(self.parts(), other.parts())
    }

    fn parts(&self) -> (u32, &str, &str) {
        (self.epoch, &self.version, &self.release)
    }

    /// From attributes as the metadata has them; no epoch, or an empty one, is 0.
    pub(super) fn new(epoch: Option<&str>, version: &str, release: &str) -> Result<Self, String> {
        let epoch = match epoch.map(str::trim) {
            None | Some("" | "None") => 0,
            Some(epoch) => epoch.parse().map_err(|_| "an epoch is no number".to_owned())?,
        };
        Ok(Self { epoch, version: version.to_owned(), release: release.to_owned() })
    }

    pub(super) fn of(package: &Package) -> Self {
        Self { epoch: package.epoch, version: package.version.clone(), release: package.release.clone() }
    }
}

impl std::fmt::Display for Evr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.epoch > 0 {
            write!(f, "{}:", self.epoch)?;
        }
        write!(f, "{}-{}", self.version, self.release)
    }
}

/// The newest of every installed name and architecture: of kernels, several are installed at once.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    names: HashMap<&'a str, Vec<(&'a Package, Evr)>>,
}

impl<'a> Wanted<'a> {
    pub(super) fn of(installed: &'a Installed) -> Self {
        let mut names: HashMap<&str, Vec<(&Package, Evr)>> = HashMap::new();
        for package in &installed.packages {
            let evr = Evr::of(package);
            let all = names.entry(&package.name).or_default();
            match all.iter_mut().find(|(other, _)| other.architecture == package.architecture) {
                Some((_, newest)) if newest.compare(&evr) != Ordering::Less => {}
                Some(place) => *place = (package, evr),
                None => all.push((package, evr)),
            }
        }
        Self { names }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// As [`Wanted::has`], of bytes.
    pub(super) fn has_bytes(&self, name: &[u8]) -> bool {
        std::str::from_utf8(name).is_ok_and(|name| self.has(name))
    }

    /// Every architecture of one name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &(&'a Package, Evr)> {
        self.names.get(name).into_iter().flatten()
    }

    pub(super) fn exactly(&self, name: &str, architecture: &str) -> Option<&(&'a Package, Evr)> {
        self.all(name).find(|(package, _)| package.architecture == architecture)
    }

    /// What a package would take the place of, as libdnf's `what_upgrades` has it: an architecture goes over into
    /// `noarch` and back, and where something as new is installed already, nothing is upgraded.
    pub(super) fn upgraded_by(&self, name: &str, architecture: &str, evr: &Evr) -> Option<&'a Package> {
        let mut upgraded: Option<&(&Package, Evr)> = None;
        for candidate in self.all(name) {
            let other = candidate.0.architecture.as_str();
            if other != architecture && other != NOARCH && architecture != NOARCH {
                continue;
            }
            if candidate.1.compare(evr) != Ordering::Less {
                return None;
            }
            if upgraded.is_none_or(|upgraded| upgraded.1.compare(&candidate.1) == Ordering::Less) {
                upgraded = Some(candidate);
            }
        }
        upgraded.map(|(package, _)| *package)
    }
}

const NOARCH: &str = "noarch";
