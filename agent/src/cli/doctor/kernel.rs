//! What this kernel has of that which the agent is held by, or sees more with. Whatever is not there is done without.

use std::path::Path;

use nix::errno::Errno;

use super::see::{AS_ROOT, IN_A_CONTAINER};
use crate::finding::need::{Area, Need};
use crate::host::{Host, sysctl};
use crate::sys::probe::{self, Has, Report};

pub(super) fn needs(host: &Host) -> Vec<Need> {
    let mut needs = vec![release(host), seccomp(host), landlock(), cgroup(Path::new(CGROUP))];
    for (id, report, since) in REPORTS {
        needs.push(told(id, probe::reports(report), since));
    }
    needs.push(told("fanotify-file-system", probe::marks_file_system(Path::new("/")), FILE_SYSTEMS));
    needs.push(bpf(host));
    needs.push(types(host));
    needs.push(told(
        "bpf-cgroup",
        probe::cgroup_programs(Path::new(CGROUP)),
        "CONFIG_CGROUP_BPF and cgroup v2",
    ));
    needs.push(told("audit", probe::audit(), "CONFIG_AUDIT, and audit=0 not on its command line"));
    needs
}

fn release(host: &Host) -> Need {
    let id = "kernel";
    let release = match sysctl::text(host, "kernel.osrelease") {
        Ok(release) => release,
        Err(cause) => return Need::unknown(id, Area::Run, &cause.to_string()),
    };
    let detail = format!("Linux {release}");
    match numbers(release.as_str()) {
        Some(numbers) if numbers >= OLDEST => Need::ok(id, Area::Run, &detail),
        Some(_) => {
            let detail = format!("{detail} is older than any that guestward is made for");
            Need::degraded(id, Area::Run, &detail, "Update to a kernel that somebody still mends")
        }
        None => Need::unknown(id, Area::Run, &format!("{detail} has no number")),
    }
}

/// `6.1` of `6.1.0-56-cloud-amd64`.
pub(super) fn numbers(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Which actions a filter of system calls may take. The file came with Linux 4.14.
fn seccomp(host: &Host) -> Need {
    let id = "seccomp";
    match sysctl::text(host, "kernel.seccomp.actions_avail") {
        Ok(actions) => filters(actions.as_str()),
        Err(cause) if cause.is_absent() => {
            let why = "the kernel tells of no filter of system calls";
            Need::degraded(id, Area::Run, why, "Boot a kernel of 4.14 or later with CONFIG_SECCOMP_FILTER")
        }
        Err(cause) => Need::unknown(id, Area::Run, &cause.to_string()),
    }
}

fn filters(actions: &str) -> Need {
    let can = |action: &&str| !actions.split_ascii_whitespace().any(|known| known == *action);
    let lacking: Vec<&str> = ACTIONS.into_iter().filter(can).collect();
    match lacking.is_empty() {
        true => Need::ok("seccomp", Area::Run, "system calls can be filtered"),
        false => Need::degraded(
            "seccomp",
            Area::Run,
            &format!("a filter of system calls knows no {}", lacking.join(", ")),
            "Boot a kernel of 4.14 or later",
        ),
    }
}

fn landlock() -> Need {
    let id = "landlock";
    match probe::landlock() {
        Ok(Some(version)) => Need::ok(id, Area::Run, &format!("version {version}")),
        Ok(None) => Need::degraded(
            id,
            Area::Run,
            "the kernel has none, or it was not turned on at boot",
            "Boot Linux 5.13 or later with CONFIG_SECURITY_LANDLOCK, and landlock in lsm= of its command line",
        ),
        Err(errno) => untold(id, Area::Run, errno),
    }
}

fn cgroup(at: &Path) -> Need {
    let id = "cgroup";
    let old = |detail: &str| {
        let remedy = "Boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line";
        Need::degraded(id, Area::Run, detail, remedy)
    };
    match probe::file_system(at) {
        Ok(on) if on.magic == CGROUP2 => Need::ok(id, Area::Run, "version 2"),
        Ok(_) if at.join("systemd").exists() => old("version 1"),
        Ok(_) | Err(Errno::ENOENT) => old(&format!("none is mounted on {}", at.display())),
        Err(errno) => untold(id, Area::Run, errno),
    }
}

fn bpf(host: &Host) -> Need {
    let mut need = told("bpf", probe::programs(), "CONFIG_BPF_SYSCALL");
    let who = match sysctl::optional_number(host, "kernel.unprivileged_bpf_disabled") {
        Ok(Some(0)) => "every user may load programs",
        Ok(Some(_)) => "only root may load programs",
        Ok(None) => return need,
        Err(_) => "who may load programs is not told",
    };
    need.detail = format!("{}; {who}", need.detail);
    need
}

/// What a program needs to be moved from the kernel that it was made on to this one.
fn types(host: &Host) -> Need {
    let id = "bpf-types";
    match host.stat(BTF) {
        Ok(meta) => Need::ok(id, Area::See, &format!("{BTF} has {} KiB", meta.size / 1024)),
        Err(cause) if cause.is_absent() => {
            let remedy = "Boot a kernel with CONFIG_DEBUG_INFO_BTF";
            Need::degraded(id, Area::See, "the kernel does not tell its types", remedy)
        }
        Err(cause) => Need::unknown(id, Area::See, &cause.to_string()),
    }
}

pub(super) fn told(id: &str, has: Has, since: &str) -> Need {
    match has {
        Has::Yes => Need::ok(id, Area::See, "the kernel has it"),
        Has::No(errno) => {
            let detail = format!("the kernel does not have it: {}", errno.desc());
            Need::degraded(id, Area::See, &detail, format!("Boot a kernel with it: {since}"))
        }
        Has::Untold(errno) => untold(id, Area::See, errno),
    }
}

fn untold(id: &str, area: Area, errno: Errno) -> Need {
    let detail = format!("the kernel does not say: {}", errno.desc());
    let remedy = if nix::unistd::geteuid().is_root() { IN_A_CONTAINER } else { AS_ROOT };
    Need::unknown(id, area, &detail).with_remedy(remedy)
}

/// Linux of the oldest distributions that the package is for: Amazon Linux 2 and, with 4.18, RHEL 8.
const OLDEST: (u32, u32) = (4, 14);
/// What a filter does with a call: let it go, refuse it, or end the process.
const ACTIONS: [&str; 3] = ["allow", "errno", "kill_process"];
const REPORTS: [(&str, Report, &str); 3] = [
    ("fanotify", Report::Names, "Linux 5.9 or later, CONFIG_FANOTIFY"),
    ("fanotify-target", Report::Targets, "Linux 5.17 or later"),
    ("fanotify-pidfd", Report::Processes, "Linux 5.15 or later"),
];
const FILE_SYSTEMS: &str =
    "Linux 4.20 or later, and a root file system with an id and handles, as ext4 and XFS have";
const CGROUP: &str = "/sys/fs/cgroup";
/// CGROUP2_SUPER_MAGIC of include/uapi/linux/magic.h.
const CGROUP2: u64 = 0x6367_7270;
const BTF: &str = "/sys/kernel/btf/vmlinux";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::need::State;

    #[test]
    fn a_release_has_two_numbers() {
        for (release, wanted) in [
            ("6.1.0-56-cloud-amd64", Some((6, 1))),
            ("4.14.355-276.639.amzn2.x86_64", Some((4, 14))),
            ("5.10", Some((5, 10))),
            ("6-rc1", None),
            ("", None),
            ("99999999999.1", None),
        ] {
            assert_eq!(numbers(release), wanted, "{release}");
        }
    }

    #[test]
    fn what_the_kernel_does_not_have_is_done_without_and_what_it_does_not_say_is_unknown() {
        assert_eq!(told("x", Has::Yes, "1").state, State::Ok);
        let without = told("x", Has::No(Errno::EINVAL), "Linux 9");
        assert_eq!((without.state, without.remedy.is_some()), (State::Degraded, true));
        let silent = told("x", Has::Untold(Errno::EPERM), "Linux 9");
        assert_eq!((silent.state, silent.remedy.is_some()), (State::Unknown, true));
    }

    #[test]
    fn a_filter_needs_each_of_its_actions() {
        assert!(filters("kill_process kill_thread trap errno user_notif trace log allow").is_ok());
        let older = filters("kill_thread trap errno trace allow");
        assert_eq!(older.state, State::Degraded);
        assert!(older.detail.contains("kill_process"), "{older:?}");
    }
}
