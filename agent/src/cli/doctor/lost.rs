//! What is lost without each need, in plain words. One line a need, by the beginning of its id.

/// What a host does without that lacks it; `None` for a need of which nobody said so.
pub(super) fn without(id: &str) -> Option<&'static str> {
    LOST.iter().find(|(start, _)| id.starts_with(start)).map(|(_, lost)| *lost)
}

/// The first that fits counts: what begins as another stands before it.
const LOST: &[(&str, &str)] = &[
    ("kernel", "everything below that a newer kernel brings, and mends for its own holes"),
    ("seccomp", "the daemons can make any system call: whoever takes one over can, too"),
    (
        "landlock",
        "a daemon that is taken over is held by its unit alone, and not by itself, from files that are not its own",
    ),
    ("cgroup", "the units' soft bound on memory, and figures of what a daemon waits for; hard bounds hold"),
    (
        "systemd",
        "start at boot, again after a crash or a hang, with bounds and confinement: nobody does it by itself",
    ),
    ("unit-sensor", "the sensor is not started at boot or after a crash by its own unit, nor confined by it"),
    (
        "unit-shipper",
        "the shipper is not started at boot or after a crash by its own unit, nor confined by it",
    ),
    ("root", "whatever only root may read: up to half of the checks are unknown"),
    ("processes", "which programs run, what old code they still run, and whose listeners are"),
    ("netlink", "every check of the network: addresses, routes, listeners, packet filter"),
    ("metadata", "which instance this is, and every check of its metadata service"),
    ("capability-dac-read-search", "whatever only root may read: up to half of the checks are unknown"),
    ("capability-net-admin", "the packet filter's rules: what the network can reach is unknown"),
    ("capability-sys-ptrace", "which programs other users' processes run, and from which files"),
    ("capability-sys-admin", "changes of files as they happen, and who made them: a sweep finds them later"),
    ("capability-bpf", "nothing yet; watching connections as they are made will take it"),
    (
        "fanotify-target",
        "of a renamed or linked file, which file it is, told with the event: it is looked up instead",
    ),
    (
        "fanotify-pidfd",
        "nothing where the process connector is; without both, a process that was quick is known by its number only",
    ),
    (
        "fanotify-file-system",
        "whole file systems: only the directories that are known are watched, and not who changes them",
    ),
    (
        "fanotify",
        "the names of what changes: directories are watched by inotify instead, and not who changes them",
    ),
    (
        "watch-files-disks",
        "changes on these disks as they happen, and who made them: a sweep finds them later",
    ),
    (
        "watch-files-containers",
        "changes in containers as they happen, and who made them: a sweep finds them later",
    ),
    ("watch-files-processes", "who changed a file, where that process was gone within a millisecond"),
    (
        "watch-files-queue",
        "what changes in a burst while the sensor waits for a processor: it looks at everything instead",
    ),
    ("watch-files", "changes of files as they happen, and who made them: a sweep finds them later"),
    ("bpf-types", "nothing yet; programs that watch processes could not fit themselves to this kernel"),
    ("bpf-cgroup", "nothing yet; connections could not be told by the unit that makes them"),
    ("bpf", "nothing yet; processes and connections could be polled, and not watched as they begin"),
    ("audit", "the kernel's own trail: which person, by login, is behind what root did"),
    ("state-directory", "whoever may write there can put another record in the place of ours"),
    ("state-owner", "a daemon cannot go on with what is not its own: no record, or none that is sealed"),
    ("state-file-system", "what was found and not yet delivered, after a crash or a start of the machine"),
    ("state-writable", "every record: they wait in memory, and what it cannot hold is counted and gone"),
    ("state-flush", "the promise that a record, once accepted, outlives a power cut"),
    ("space", "room while AWS cannot be reached: the oldest and least of the records go first"),
    ("policy", "the operator's wishes"),
    ("sensor", "nobody looks at this machine by itself"),
    ("shipper", "nothing leaves this machine: records wait in the journal"),
    ("clock-source", "a clock that runs evenly: times in records jump or lag"),
    ("clock", "the order of events among machines; far enough off, AWS refuses signatures and drops records"),
    ("pin", "everything: without a proven account and region nothing is sent"),
    ("sts-", "proof of whose the credentials are, and without it nothing is sent"),
    ("skew", "right times in records; from five minutes on, AWS refuses what is signed by this clock"),
    ("credentials", "everything that goes to AWS"),
    ("account", "everything: what is another account's is sent nothing"),
    ("logs-create-stream", "a stream of its own for this instance: its records are refused"),
    ("logs", "records in CloudWatch: they wait in the journal until it is full"),
    ("ssm-compliance", "this instance's compliance in Systems Manager"),
    ("ssm-inventory", "this instance's inventory in Systems Manager"),
    ("ssm-", "compliance, inventory and the first key in Systems Manager"),
    ("seal", "the first key away from this machine: seals cannot be opened without trusting it"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_hides_another() {
        for (at, (start, lost)) in LOST.iter().enumerate() {
            assert_eq!(without(start), Some(*lost), "{start} is said by one of the first {at}");
        }
        assert_eq!(without("bpf-cgroup"), without("bpf-cgroup-x"));
        assert_eq!(without("nothing-known"), None);
    }
}
