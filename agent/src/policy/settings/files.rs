//! What a policy says of file integrity, but for its rules: how often, how fast, with what.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host::object::Algorithm;
use crate::policy::{Origin, Policy};

impl Policy {
    /// Whether the rules that come with the agent stand before the policy's.
    pub fn built_in_rules(&self) -> bool {
        self.flag("files", "built-in-rules")
    }

    /// How often everything that has a rule is looked at.
    pub fn files_interval(&self) -> Duration {
        self.duration("files", "interval")
    }

    /// Whether changes are told as they happen.
    pub fn files_live(&self) -> bool {
        self.flag("files", "live")
    }

    /// How often the metadata of everything that has a rule is gone through, for what gives no event.
    pub fn files_sweep(&self) -> Duration {
        self.duration("files", "sweep")
    }

    /// Files whose every write is told, although they stay open. Sorted.
    pub fn files_hot(&self) -> &[PathBuf] {
        self.hot.as_ref().map_or(&[], |set| set.value.as_slice())
    }

    /// Where they were set.
    pub fn files_hot_origin(&self) -> Option<&Origin> {
        self.hot.as_ref().map(|set| &set.origin)
    }

    /// No hash may be older.
    pub fn files_rehash(&self) -> Duration {
        self.duration("files", "rehash")
    }

    /// A larger file is not read.
    pub fn files_max_bytes(&self) -> u64 {
        self.number("files", "max-file")
    }

    /// Bytes a second that the sensor reads at most.
    pub fn files_rate(&self) -> u64 {
        self.number("files", "rate")
    }

    /// Percent of one processor that the sensor takes at most.
    pub fn files_cpu(&self) -> u64 {
        self.number("files", "cpu")
    }

    pub fn files_algorithm(&self) -> Algorithm {
        match self.word("files", "hash") {
            "blake3" => Algorithm::Blake3,
            _ => Algorithm::Sha256,
        }
    }

    /// The key that must have sealed the baseline; `None` where no seal is asked for.
    pub fn files_seal_key(&self) -> Option<&Path> {
        self.file("files", "seal-key")
    }

    /// Types of file systems that are gone into although they are not this machine's: `nfs4`.
    pub fn network_file_systems(&self) -> &[String] {
        self.network_file_systems.as_ref().map_or(&[], |set| set.value.as_slice())
    }

    /// Where they were set.
    pub fn network_file_systems_origin(&self) -> Option<&Origin> {
        self.network_file_systems.as_ref().map(|set| &set.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_files_can_be_asked_for_and_has_its_default() {
        let policy = Policy::default();
        assert!(policy.built_in_rules());
        assert_eq!(policy.files_interval(), Duration::from_secs(3_600));
        assert_eq!(policy.files_rehash(), Duration::from_secs(604_800));
        assert_eq!((policy.files_live(), policy.files_sweep()), (true, Duration::from_secs(60)));
        assert!(policy.files_hot().is_empty() && policy.files_decoys().is_empty());
        assert_eq!(policy.files_max_bytes(), 4_294_967_296);
        assert_eq!((policy.files_rate(), policy.files_cpu()), (41_943_040, 10));
        assert_eq!(policy.files_algorithm(), Algorithm::Sha256);
        assert_eq!((policy.files_seal_key(), policy.network_file_systems()), (None, &[][..]));
    }
}
