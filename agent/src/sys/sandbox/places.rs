//! The only files and ports that a process may still reach: landlock(7), as much of it as the kernel has.
//!
//! Rules are about what lies at a path at that moment. A file that others replace by a new one is therefore named by its
//! directory, and a directory that is not there yet by the one in which it will be made.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, AccessFs, AccessNet, LandlockStatus, NetPort, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

/// What a daemon needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Files and directories to read; `None` where that cannot be known.
    pub reads: Option<Vec<PathBuf>>,
    /// Directories to read and write.
    pub writes: Vec<PathBuf>,
    /// TCP ports to connect to; `None` where that cannot be known.
    pub ports: Option<Vec<u16>>,
}

impl Reach {
    /// Whether a process that has confined itself to this could also do with the other.
    pub fn covers(&self, other: &Self) -> bool {
        let inside = |path: &PathBuf| self.writes.iter().any(|place| path.starts_with(there(place)));
        let covers = |ours: &Option<Vec<u16>>, theirs: &Option<Vec<u16>>| match (ours, theirs) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => theirs.iter().all(|port| ours.contains(port)),
        };
        let reads = match (&self.reads, &other.reads) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => {
                theirs.iter().all(|path| inside(path) || ours.iter().any(|place| path.starts_with(place)))
            }
        };
        reads && other.writes.iter().all(inside) && covers(&self.ports, &other.ports)
    }
}

/// Of this thread and all that it starts. The version of the kernel's interface; `None` where it has none.
pub(super) fn restrict(reach: &Reach) -> Result<Option<u32>, String> {
    let status = apply(reach).map_err(|error| error.to_string())?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => Ok(None),
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok(effective_abi.to_string().parse().ok()),
        (_, LandlockStatus::NotEnabled | LandlockStatus::NotImplemented) => Ok(None),
    }
}

fn apply(reach: &Reach) -> Result<landlock::RestrictionStatus, RulesetError> {
    // Running another program is never among what is allowed, so that no filter alone holds that.
    let reading = AccessFs::from_read(KNOWN) & !AccessFs::Execute;
    let writing = AccessFs::from_write(KNOWN);
    let handled = if reach.reads.is_some() { writing | reading } else { writing } | AccessFs::Execute;
    let mut ruleset = Ruleset::default().handle_access(handled)?.handle_access(AccessNet::BindTcp)?;
    if reach.ports.is_some() {
        ruleset = ruleset.handle_access(AccessNet::ConnectTcp)?;
    }
    let mut ruleset = ruleset.scope(Scope::Signal)?.create()?;
    if let Some(reads) = &reach.reads {
        let reads = reads.iter().map(|path| there(path));
        ruleset = ruleset.add_rules(path_beneath_rules(reads, reading))?;
    }
    let writes = reach.writes.iter().map(|path| there(path));
    let both = if reach.reads.is_some() { writing | reading } else { writing };
    ruleset = ruleset.add_rules(path_beneath_rules(writes, both))?;
    for &port in reach.ports.iter().flatten() {
        ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    ruleset.restrict_self()
}

/// The directory, or the nearest above it that there is.
fn there(path: &Path) -> &Path {
    path.ancestors().find(|path| path.exists()).unwrap_or(path)
}

/// The newest interface whose rights are all thought through here; an older kernel applies what it has.
const KNOWN: ABI = ABI::V6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_covered_by_the_same_or_less_and_by_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let one = |reads: &[&str], writes: &str, ports: &[u16]| Reach {
            reads: Some(reads.iter().map(PathBuf::from).collect()),
            writes: vec![folder.path().join(writes)],
            ports: Some(ports.to_vec()),
        };
        for name in ["a", "b"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let had = one(&["/etc", "/usr"], "a", &[443]);
        assert!(had.covers(&had));
        assert!(had.covers(&one(&["/etc/ssl"], "a/deeper", &[])));
        assert!(!had.covers(&one(&["/etc"], "b", &[443])));
        assert!(!had.covers(&one(&["/srv"], "a", &[443])));
        assert!(!had.covers(&one(&["/etc"], "a", &[443, 80])));
        let anything = Reach { reads: None, ports: None, ..had.clone() };
        assert!(anything.covers(&had) && !had.covers(&anything));
    }
}
