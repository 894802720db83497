//! Which vendors libzypp takes for the same: a package stays with its vendor (libzypp's VendorAttr, zypp.conf(5)).

use std::path::Path;

use super::ini::Ini;
use crate::host::{Host, Unreadable};

/// Beginnings of names that are equivalent, in small letters.
#[derive(Debug)]
pub(super) struct Vendors {
    groups: Vec<Vec<String>>,
}

impl Default for Vendors {
    fn default() -> Self {
        Self { groups: vec![vec!["suse".to_owned()]] }
    }
}

impl Vendors {
    /// Each file of the directory names some that are equivalent.
    pub(super) fn of(host: &Host, directory: &Path) -> Result<Self, Unreadable> {
        let mut vendors = Self::default();
        let names = match host.list(directory, MAX_FILES) {
            Err(cause) if cause.is_absent() => return Ok(vendors),
            names => names?,
        };
        for name in names {
            let Some(ini) = Ini::of(host, &directory.join(name))? else { continue };
            if let Some(said) = ini.section("main").and_then(|main| main.value("vendors")) {
                vendors.add(said.split([',', '\n']));
            }
        }
        Ok(vendors)
    }

    /// A group takes those in that share a name with it.
    fn add<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        let mut group: Vec<String> = names.map(|name| name.trim().to_lowercase()).collect();
        group.retain(|name| !name.is_empty());
        let (shared, mut groups): (Vec<_>, Vec<_>) = std::mem::take(&mut self.groups)
            .into_iter()
            .partition(|other| other.iter().any(|name| group.contains(name)));
        group.extend(shared.into_iter().flatten());
        groups.push(group);
        self.groups = groups;
    }

    pub(super) fn are_equivalent(&self, one: &str, other: &str) -> bool {
        let (one, other) = (one.to_lowercase(), other.to_lowercase());
        one == other || self.group(&one).is_some_and(|group| self.group(&other) == Some(group))
    }

    /// The group with the longest beginning of that name; openSUSE's projects count only whole.
    fn group(&self, vendor: &str) -> Option<usize> {
        let fits = |name: &str| match vendor.starts_with("opensuse") {
            true => name == vendor,
            false => vendor.starts_with(name),
        };
        let names = self.groups.iter().enumerate().flat_map(|(number, group)| {
            group.iter().filter(|name| fits(name)).map(move |name| (name.len(), number))
        });
        names.max_by_key(|(length, _)| *length).map(|(_, number)| number)
    }
}

const MAX_FILES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suse_is_one_vendor_and_opensuse_another_unless_somebody_says_so() {
        let mut vendors = Vendors::default();
        assert!(vendors.are_equivalent("SUSE LLC <https://www.suse.com/>", "suse"));
        assert!(vendors.are_equivalent("Acme", "acme") && !vendors.are_equivalent("Acme", "acme corp"));
        assert!(!vendors.are_equivalent("openSUSE", "SUSE") && !vendors.are_equivalent("", "SUSE"));
        vendors.add("suse, openSUSE,".split(','));
        assert!(vendors.are_equivalent("openSUSE", "SUSE LLC"));
        assert!(!vendors.are_equivalent("openSUSE Education", "SUSE"));
        vendors.add("Packman,obs://".split(','));
        assert!(vendors.are_equivalent("obs://build.opensuse.org/x", "packman two"));
        vendors.add("obs://, opensuse".split(','));
        assert!(vendors.are_equivalent("Packman", "SUSE"));
    }
}
