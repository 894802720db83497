//! What a policy may set of the agent itself: how often it looks, how much it keeps, where it writes.
//!
//! One list; reading, `policy show`, the manual and the digest derive from it.

mod cloud;
mod files;
mod table;
mod template;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Origin, Policy, Setting, Unit};
pub use table::SETTINGS;
pub use template::{Names, Rule};

/// A setting that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The table that it stands in: `ship.local`.
    pub table: &'static str,
    pub key: &'static str,
    pub kind: Kind,
    pub help: &'static str,
}

/// What may stand there, and what holds where nothing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Both ends of the range are included.
    Number {
        default: u64,
        range: (u64, u64),
        unit: Unit,
    },
    Flag {
        default: bool,
    },
    /// An absolute path. Where none is set, whoever writes there knows the usual one.
    Path {
        usual: &'static str,
    },
    /// One of a few words.
    Word {
        default: &'static str,
        words: &'static [&'static str],
    },
    /// A name that a rule allows. Without a default, what it names is not wanted until somebody names it.
    Name {
        default: Option<&'static str>,
        example: &'static str,
        rule: Rule,
    },
}

/// What somebody set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    Number(u64),
    Flag(bool),
    Path(PathBuf),
    Word(&'static str),
    Name(String),
}

impl Known {
    /// `ship.local.max-bytes`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.table, self.key)
    }

    /// What holds where nobody set anything; `None` for a path, and for a name without a default.
    pub fn default(&self) -> Option<Meant> {
        match self.kind {
            Kind::Number { default, .. } => Some(Meant::Number(default)),
            Kind::Flag { default } => Some(Meant::Flag(default)),
            Kind::Path { .. } => None,
            Kind::Word { default, .. } => Some(Meant::Word(default)),
            Kind::Name { default, .. } => default.map(|name| Meant::Name(name.to_owned())),
        }
    }
}

impl Policy {
    /// How often everything is looked at, even if nothing was seen to change.
    pub fn posture_interval(&self) -> Duration {
        self.duration("run", "posture-interval")
    }

    pub fn heartbeat_interval(&self) -> Duration {
        self.duration("run", "heartbeat")
    }

    pub fn inventory_interval(&self) -> Duration {
        self.duration("run", "inventory")
    }

    /// At most this long after a record, the journal is sealed.
    pub fn checkpoint_delay(&self) -> Duration {
        self.duration("run", "checkpoint")
    }

    pub fn journal_max_bytes(&self) -> u64 {
        self.number("journal", "max-bytes")
    }

    /// What was delivered is freed when it is older; what was not, only for room.
    pub fn journal_max_age(&self) -> Duration {
        self.duration("journal", "max-age")
    }

    pub fn local_enabled(&self) -> bool {
        self.flag("ship.local", "enabled")
    }

    /// Where a policy wants the records; `None` where it says nothing, see [`LOCAL_PATH`].
    pub fn local_path(&self) -> Option<&Path> {
        self.file("ship.local", "path")
    }

    /// The size at which a file is put aside for the next one.
    pub fn local_max_bytes(&self) -> u64 {
        self.number("ship.local", "max-bytes")
    }

    /// How many files that were put aside are kept.
    pub fn local_keep(&self) -> u64 {
        self.number("ship.local", "keep")
    }

    pub fn local_stdout(&self) -> bool {
        self.flag("ship.local", "stdout")
    }

    /// What is in force, and who said so; `None` for what nobody set and what has no default.
    pub fn in_force(&self, known: &Known) -> (Option<Meant>, Option<&Origin>) {
        match self.set(known.table, known.key) {
            Some(setting) => (Some(setting.value.clone()), Some(&setting.origin)),
            None => (known.default(), None),
        }
    }

    fn set(&self, table: &str, key: &str) -> Option<&Setting<Meant>> {
        // By position, as the map's keys borrow for ever and ours do not.
        let index = SETTINGS.iter().position(|known| known.table == table && known.key == key)?;
        self.settings.get(&index)
    }

    fn duration(&self, table: &str, key: &str) -> Duration {
        Duration::from_secs(self.number(table, key))
    }

    fn number(&self, table: &str, key: &str) -> u64 {
        match self.meant(table, key) {
            Some(Meant::Number(number)) => number,
            _ => 0,
        }
    }

    fn flag(&self, table: &str, key: &str) -> bool {
        matches!(self.meant(table, key), Some(Meant::Flag(true)))
    }

    fn word(&self, table: &str, key: &str) -> &'static str {
        match self.meant(table, key) {
            Some(Meant::Word(word)) => word,
            _ => "",
        }
    }

    fn name(&self, table: &str, key: &str) -> Option<String> {
        match self.meant(table, key) {
            Some(Meant::Name(name)) => Some(name),
            _ => None,
        }
    }

    fn file(&self, table: &str, key: &str) -> Option<&Path> {
        match self.set(table, key).map(|setting| &setting.value) {
            Some(Meant::Path(path)) => Some(path),
            _ => None,
        }
    }

    /// A name that is not in the list is a mistake in this file: the tests below ask for each.
    fn meant(&self, table: &str, key: &str) -> Option<Meant> {
        let known = SETTINGS.iter().find(|known| known.table == table && known.key == key);
        debug_assert!(known.is_some(), "no setting {table}.{key}");
        self.in_force(known?).0
    }
}

/// Where the records go when the policy does not say.
pub const LOCAL_PATH: &str = "/var/log/guestward/records.jsonl";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_can_be_asked_for_and_has_its_default() {
        let policy = Policy::default();
        assert_eq!(policy.posture_interval(), Duration::from_secs(3_600));
        assert_eq!(policy.heartbeat_interval(), Duration::from_secs(3_600));
        assert_eq!(policy.inventory_interval(), Duration::from_secs(86_400));
        assert_eq!(policy.checkpoint_delay(), Duration::from_secs(60));
        assert_eq!(policy.journal_max_bytes(), 268_435_456);
        assert_eq!(policy.journal_max_age(), Duration::from_secs(2_592_000));
        assert!(policy.local_enabled() && !policy.local_stdout());
        assert_eq!(
            (policy.local_path(), policy.local_max_bytes(), policy.local_keep()),
            (None, 16_777_216, 5)
        );
    }

    #[test]
    fn every_default_is_within_its_own_range_and_no_name_is_there_twice() {
        for (index, known) in SETTINGS.iter().enumerate() {
            if let Kind::Number { default, range: (low, high), .. } = known.kind {
                assert!((low..=high).contains(&default), "{}", known.name());
            }
            assert!(SETTINGS[..index].iter().all(|other| other.name() != known.name()), "{}", known.name());
        }
    }
}
