//! The capabilities that each daemon keeps, each with its reason: capabilities(7).

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

/// A capability and what it is kept for.
#[derive(Debug)]
struct Power {
    what: CapabilitySet,
    _why: &'static str,
}

/// Of the user of its unit none but these; by hand, root's own besides.
pub(super) fn of_sensor() -> CapabilitySet {
    let own = if geteuid().is_root() { OF_ROOT } else { &[] };
    all(SENSOR) | all(own)
}

/// None: whoever has them in its unit's stead is root by hand, and root without them is nobody where another user owns
/// the directories.
pub(super) fn of_shipper(writes: &[PathBuf]) -> CapabilitySet {
    let is_needed = geteuid().is_root() && writes.iter().any(|path| is_anothers(path));
    if is_needed { all(OF_ROOT) } else { CapabilitySet::empty() }
}

/// Gives up all others, in every set; the bounding set where we may.
pub(super) fn keep_only(wanted: CapabilitySet) -> Result<(), Errno> {
    // Kernels before 4.3 have no ambient set.
    let _ = clear_ambient_capability_set();
    let held = capabilities(None)?;
    if held.effective.contains(CapabilitySet::SETPCAP) {
        empty_the_bounding_set()?;
    }
    let left = held.permitted & wanted;
    let (effective, inheritable) = (left, CapabilitySet::empty());
    set_capabilities(None, CapabilitySets { effective, permitted: left, inheritable })
}

/// What this thread has in effect.
pub(super) fn names() -> Vec<String> {
    let held = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    held.iter_names().map(|(name, _)| format!("CAP_{name}")).collect()
}

fn empty_the_bounding_set() -> Result<(), Errno> {
    for number in 0..u64::BITS {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            Ok(()) => {}
            // The kernel knows fewer.
            Err(Errno::INVAL) => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn all(powers: &[Power]) -> CapabilitySet {
    powers.iter().fold(CapabilitySet::empty(), |all, power| all | power.what)
}

/// What is there of the path belongs to another user.
fn is_anothers(path: &Path) -> bool {
    let owner = path.ancestors().find_map(|path| path.metadata().ok()).map(|metadata| metadata.uid());
    owner.is_some_and(|owner| owner != geteuid().as_raw())
}

const SENSOR: &[Power] = &[
    Power {
        what: CapabilitySet::DAC_READ_SEARCH,
        _why: "reads what only its owner may: shadow files, keys, other homes",
    },
    Power { what: CapabilitySet::SYS_PTRACE, _why: "/proc/PID/exe, fd and maps of other users' processes" },
    Power { what: CapabilitySet::NET_ADMIN, _why: "nf_tables tells its rules to nobody without it" },
    Power { what: CapabilitySet::NET_RAW, _why: "no TCP socket tells with which hop limit an answer came" },
    Power {
        what: CapabilitySet::SYS_ADMIN,
        _why: "fanotify watches a whole file system, also one that is mounted later, and names the process; calls.rs leaves \
               no other call that asks for it",
    },
];
/// Root without these may write nothing in a directory of the user of a unit.
const OF_ROOT: &[Power] = &[
    Power { what: CapabilitySet::CHOWN, _why: "gives files of the state to the group that reads them" },
    Power { what: CapabilitySet::DAC_OVERRIDE, _why: "writes in the state's directories, whoever owns them" },
    Power { what: CapabilitySet::FOWNER, _why: "sets the modes of its own files there" },
    Power { what: CapabilitySet::FSETID, _why: "keeps the group of a directory that passes it on" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_keeps_the_powers_to_change_the_machine() {
        let kept = all(SENSOR) | all(OF_ROOT);
        for power in [
            CapabilitySet::SYS_MODULE,
            CapabilitySet::SYS_RAWIO,
            CapabilitySet::BPF,
            CapabilitySet::SETUID,
            CapabilitySet::SETPCAP,
            CapabilitySet::MKNOD,
        ] {
            assert!(!kept.contains(power), "{power:?}");
        }
        // What is left of this one is for calls::tests to hold.
        assert!(
            all(SENSOR).contains(CapabilitySet::SYS_ADMIN)
                && !all(OF_ROOT).contains(CapabilitySet::SYS_ADMIN)
        );
        assert!(!all(SENSOR).intersects(CapabilitySet::CHOWN | CapabilitySet::DAC_OVERRIDE));
    }

    #[test]
    fn the_shipper_keeps_nothing_where_the_directories_are_its_own() {
        let own = tempfile::tempdir().unwrap();
        assert!(of_shipper(&[own.path().join("not/there/yet")]).is_empty());
    }
}
