//! What telling changes of files as they happen needs of this machine, and whether a sensor that runs does it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::kernel::{numbers, told};
use crate::finding::need::{Area, Need};
use crate::host::files::mounts::{Mount, Mounts};
use crate::host::{Host, sysctl};
use crate::policy::Policy;
use crate::sys::probe::{self, Has, Report};

/// `live` is what the sensor says of it, where one runs.
pub(super) fn needs(host: &Host, policy: &Policy, live: Option<&Value>) -> Vec<Need> {
    let mut needs = vec![whole(policy, live)];
    match Mounts::of(host) {
        Ok(mounts) => needs.extend([disks(&mounts), containers(host, &mounts)]),
        Err(cause) => needs.push(Need::unknown("watch-files-disks", Area::See, &cause.to_string())),
    }
    needs.push(told(
        "watch-files-processes",
        probe::process_events(),
        "CONFIG_PROC_EVENTS, and run it on the host and not in a container",
    ));
    needs.push(match sysctl::optional_number(host, QUEUE) {
        Ok(length) => queue(length),
        Err(cause) => Need::unknown("watch-files-queue", Area::See, &cause.to_string()),
    });
    needs
}

fn whole(policy: &Policy, live: Option<&Value>) -> Need {
    let id = "watch-files";
    if !policy.files_live() {
        return Need::off(id, Area::See, "the policy does not ask for it: live = false in [files]");
    }
    match live {
        Some(live) => running(live),
        None => possible(probe::reports(Report::Names), || probe::marks_file_system(Path::new("/"))),
    }
}

/// What the sensor that runs makes of it.
fn running(live: &Value) -> Need {
    let id = "watch-files";
    let without: Vec<&str> =
        live["without"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let without =
        if without.is_empty() { String::new() } else { format!(", without {}", without.join(", ")) };
    match live["state"].as_str() {
        Some("watching") => {
            let watched = live["watched"].as_u64().unwrap_or(0);
            Need::ok(id, Area::See, &format!("the sensor watches {watched} file systems{without}"))
        }
        Some("fallback") => {
            let detail = format!("the sensor watches directories, and no whole file system{without}");
            Need::degraded(id, Area::See, &detail, REMEDY)
        }
        Some("blind") => {
            Need::missing(id, Area::See, &format!("the sensor cannot watch{without}"), "guestward status")
        }
        Some("off") => Need::off(id, Area::See, "the sensor has no baseline to compare with"),
        _ => Need::unknown(id, Area::See, "the sensor does not say whether it watches"),
    }
}

/// Whether one that is started could.
fn possible(names: Has, marks: impl FnOnce() -> Has) -> Need {
    let id = "watch-files";
    match (names, marks()) {
        (Has::Yes, Has::Yes) => {
            Need::ok(id, Area::See, "whole file systems can be watched, with the names of what changes")
        }
        (Has::Untold(errno), _) | (_, Has::Untold(errno)) => {
            let detail = format!("the kernel does not say: {}", errno.desc());
            Need::unknown(id, Area::See, &detail).with_remedy(super::see::AS_ROOT)
        }
        (Has::No(errno), _) | (_, Has::No(errno)) => {
            let detail =
                format!("only directories can be watched, and no whole file system: {}", errno.desc());
            Need::degraded(id, Area::See, &detail, REMEDY)
        }
    }
}

/// Each disk of this machine by one of the places where it is mounted. What an overlay shows lies on one of them.
fn disks(mounts: &Mounts) -> Need {
    let id = "watch-files-disks";
    let mut devices = BTreeSet::new();
    let mut marked = Vec::new();
    let is_disk = |mount: &&Mount| mount.is_local_disk() && mount.kind.as_str() != OVERLAY;
    for mount in mounts.list.iter().filter(is_disk).take(MAX_MOUNTS) {
        // Of what lies on one place the uppermost is what a path leads to.
        let is_seen = mounts.on(&mount.point).is_some_and(|seen| seen.id == mount.id);
        if is_seen && devices.insert(mount.device) {
            marked.push((mount, probe::marks_file_system(&mount.point)));
        }
    }
    judged(id, &marked)
}

fn judged(id: &str, marked: &[(&Mount, Has)]) -> Need {
    let name = |mount: &Mount| format!("{} ({})", mount.point.display(), mount.kind);
    let refused: Vec<String> = marked
        .iter()
        .filter_map(|(mount, has)| match has {
            Has::No(errno) => Some(format!("{}: {}", name(mount), errno.desc())),
            Has::Yes | Has::Untold(_) => None,
        })
        .collect();
    let untold = marked.iter().find_map(|(mount, has)| match has {
        Has::Untold(errno) => Some((name(mount), errno.desc())),
        Has::Yes | Has::No(_) => None,
    });
    match (marked.len(), refused.as_slice(), untold) {
        (0, _, _) => Need::off(id, Area::See, "no disk of this machine's own is mounted"),
        (count, [], None) => Need::ok(id, Area::See, &format!("each of {count} can be watched as a whole")),
        (_, [], Some((name, why))) => {
            Need::unknown(id, Area::See, &format!("{name}: {why}")).with_remedy(super::see::AS_ROOT)
        }
        (_, refused, _) => Need::degraded(id, Area::See, &refused.join("; "), REMEDY),
    }
}

/// A write through an overlay is told as one to the file system below from Linux 6.5 on (commit bc2473c90fca).
fn containers(host: &Host, mounts: &Mounts) -> Need {
    let count = mounts.list.iter().filter(|mount| mount.kind.as_str() == OVERLAY).count();
    let release = sysctl::text(host, "kernel.osrelease").ok();
    overlays(count, release.and_then(|release| numbers(release.as_str())))
}

fn overlays(count: usize, release: Option<(u32, u32)>) -> Need {
    let id = "watch-files-containers";
    let what = match count {
        0 => return Need::off(id, Area::See, "no overlay of a container's is mounted"),
        1 => "the file system of 1 container".to_owned(),
        count => format!("the file systems of {count} containers"),
    };
    match release {
        Some(release) if release >= SEES_OVERLAYS => {
            Need::ok(id, Area::See, &format!("what is written in {what} is seen below"))
        }
        Some(_) => {
            let detail = format!("what is written in {what} is not told by this kernel");
            Need::degraded(id, Area::See, &detail, "Boot Linux 6.5 or later")
        }
        None => Need::unknown(id, Area::See, "the kernel does not say which it is"),
    }
}

fn queue(length: Option<i64>) -> Need {
    let id = "watch-files-queue";
    match length {
        Some(length) if length >= RECOMMENDED => {
            Need::ok(id, Area::See, &format!("the kernel keeps {length} changes until they are read"))
        }
        Some(length) => Need::degraded(
            id,
            Area::See,
            &format!(
                "the kernel keeps {length} changes until they are read, and {RECOMMENDED} are recommended"
            ),
            format!(
                "sysctl -w {QUEUE}={RECOMMENDED}, and the same line in /etc/sysctl.d; the packages bring it"
            ),
        ),
        None => Need::degraded(
            id,
            Area::See,
            "the kernel keeps 16384 changes until they are read, and nobody can set that",
            "Boot Linux 5.13 or later",
        ),
    }
}

const QUEUE: &str = "fs.fanotify.max_queued_events";
/// As systemd/guestward.sysctl has it.
const RECOMMENDED: i64 = 262_144;
const OVERLAY: &str = "overlay";
const SEES_OVERLAYS: (u32, u32) = (6, 5);
/// Each takes a system call or three; nobody has as many disks.
const MAX_MOUNTS: usize = 10_000;
const REMEDY: &str = "Boot Linux 5.9 or later with CONFIG_FANOTIFY, keep what matters on ext4 or XFS, and let the sensor have \
    CAP_SYS_ADMIN as its unit does";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::need::State;
    use nix::errno::Errno;
    use serde_json::json;

    #[test]
    fn a_sensor_that_runs_says_itself_whether_it_watches() {
        for (said, state) in [
            (json!({ "state": "watching", "watched": 3 }), State::Ok),
            (json!({ "state": "fallback", "without": ["who did it"] }), State::Degraded),
            (json!({ "state": "blind" }), State::Missing),
            (json!({ "state": "off" }), State::Off),
            (json!(null), State::Unknown),
        ] {
            assert_eq!(whole(&Policy::default(), Some(&said)).state, state, "{said}");
        }
    }

    #[test]
    fn what_the_kernel_does_not_tell_is_unknown_and_what_it_does_not_have_is_done_without() {
        let (no, untold) = (Has::No(Errno::EINVAL), Has::Untold(Errno::EPERM));
        for (names, marks, state) in [
            (Has::Yes, Has::Yes, State::Ok),
            (Has::Yes, no, State::Degraded),
            (no, Has::Yes, State::Degraded),
            (no, untold, State::Unknown),
            (Has::Yes, untold, State::Unknown),
        ] {
            assert_eq!(possible(names, || marks).state, state, "{names:?} {marks:?}");
        }
        let mounts = Mounts::parse(b"1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /srv rw - btrfs b rw\n").unwrap();
        let [root, srv] = &mounts.list[..] else { panic!() };
        let state = |marked: &[(&Mount, Has)]| judged("x", marked).state;
        assert_eq!(state(&[]), State::Off);
        assert_eq!(state(&[(root, Has::Yes), (srv, Has::Yes)]), State::Ok);
        assert_eq!(state(&[(root, Has::Yes), (srv, untold)]), State::Unknown);
        let refused = judged("x", &[(root, untold), (srv, Has::No(Errno::EXDEV))]);
        assert_eq!(refused.state, State::Degraded);
        assert!(refused.detail.starts_with("/srv (btrfs): "), "{refused:?}");
    }

    #[test]
    fn the_queue_is_as_long_as_the_packages_make_it() {
        let text = include_str!("../../../../systemd/guestward.sysctl");
        assert!(text.contains(&format!("-{QUEUE} = {RECOMMENDED}\n")), "{text}");
        assert_eq!(queue(Some(RECOMMENDED)).state, State::Ok);
        for length in [Some(16_384), None] {
            assert_eq!(queue(length).state, State::Degraded, "{length:?}");
        }
    }

    #[test]
    fn containers_are_seen_from_a_certain_kernel_on() {
        for (count, release, state) in [
            (0, Some((5, 10)), State::Off),
            (1, Some((6, 1)), State::Degraded),
            (2, Some((6, 5)), State::Ok),
            (2, Some((7, 0)), State::Ok),
            (2, None, State::Unknown),
        ] {
            assert_eq!(overlays(count, release).state, state, "{count} {release:?}");
        }
    }
}
