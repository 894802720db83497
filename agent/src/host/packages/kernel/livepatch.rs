//! Live patches: functions of the running kernel that were replaced without a restart, Documentation/livepatch in the kernel.

use crate::host::{Host, Text};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Livepatch {
    pub name: Text,
}

/// Those in force. Where nothing tells (a kernel without them, a tree on a disk) there are none: they only ever mitigate.
pub(super) fn all(host: &Host) -> Vec<Livepatch> {
    let Ok(names) = host.list(PLACE, MAX) else { return Vec::new() };
    let is_one = |name: &str, file: &str| {
        let path = format!("{PLACE}/{name}/{file}");
        host.read(path, MAX_BYTES).is_ok_and(|bytes| bytes.trim_ascii() == b"1")
    };
    let names = names.iter().filter_map(|name| name.to_str());
    // While it is in transition some tasks still run the old functions.
    let in_force = names.filter(|name| is_one(name, "enabled") && !is_one(name, "transition"));
    in_force.map(|name| Livepatch { name: Text::new(name) }).collect()
}

const PLACE: &str = "/sys/kernel/livepatch";
const MAX: usize = 1_000;
const MAX_BYTES: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wholly_in_force_counts() {
        let root = tempfile::tempdir().unwrap();
        for (name, enabled, transition) in
            [("done", "1\n", "0\n"), ("begun", "1\n", "1\n"), ("off", "0\n", "0\n")]
        {
            let place = root.path().join("sys/kernel/livepatch").join(name);
            std::fs::create_dir_all(&place).unwrap();
            std::fs::write(place.join("enabled"), enabled).unwrap();
            std::fs::write(place.join("transition"), transition).unwrap();
        }
        let found = all(&Host::at(root.path()).unwrap());
        assert_eq!(found, [Livepatch { name: Text::new("done") }]);
    }
}
