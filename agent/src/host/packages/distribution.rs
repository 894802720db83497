//! Which archives are the distribution's own, and which somebody else's.
//!
//! An archive says in its `Origin` whose it is, and os-release(5) says which distribution this is: the two agree for
//! Debian (`debian`, `Debian`), Ubuntu (`ubuntu`, `Ubuntu`) and their descendants, whose `ID_LIKE` names the parents
//! that they take packages from. A vendor's archive has another origin, whatever its suites are called.

use crate::host::Host;
use crate::host::identity::OsRelease;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Distribution {
    names: Vec<String>,
}

impl Distribution {
    /// Debian and Ubuntu where nothing tells: nobody else has archives that go by these names.
    pub(super) fn of(host: &Host) -> Self {
        let names = OsRelease::of(host).map(|os| format!("{} {}", os.id, os.id_like)).unwrap_or_default();
        let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        match names.is_empty() {
            true => Self { names: vec!["debian".to_owned(), "ubuntu".to_owned()] },
            false => Self { names },
        }
    }

    /// What the distribution maintains beside its releases has origins of its own: `Debian Backports`, `UbuntuESM`,
    /// `UbuntuESMApps`.
    pub(super) fn owns(&self, origin: &str) -> bool {
        self.names.iter().any(|name| {
            let own = origin.get(..name.len()).filter(|own| own.eq_ignore_ascii_case(name));
            let rest = own.and_then(|own| origin.strip_prefix(own));
            rest.is_some_and(|rest| matches!(rest, "" | " Backports" | "ESM" | "ESMApps"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_the_distributions_or_somebody_elses() {
        let distribution =
            |names: &[&str]| Distribution { names: names.iter().map(ToString::to_string).collect() };
        for (names, origin, expected) in [
            (&["debian"][..], "Debian", true),
            (&["debian"], "Debian Multimedia", false),
            (&["debian"], "Debian Backports", true),
            (&["debian"], "Ubuntu", false),
            (&["ubuntu", "debian"], "UbuntuESMApps", true),
            (&["ubuntu", "debian"], "UbuntuPro", false),
            (&["ubuntu", "debian"], "LP-PPA-ubuntu", false),
            (&["raspbian", "debian"], "Raspbian", true),
            (&["debian"], "", false),
            (&["débian"], "Deb", false),
        ] {
            assert_eq!(distribution(names).owns(origin), expected, "{origin} of {names:?}");
        }
    }
}
