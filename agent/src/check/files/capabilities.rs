//! Programs that have a part of root's rights by their file, without being set-uid.

use super::set_id::{CONTROLS, is_escape};
use super::{SUBJECT, bounded, cannot_look, is_below, pass_if_all_was_seen, shown, survey};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::files::{Capable, Files};

pub(super) const CAPABILITIES: Check = Check {
    id: "files-capabilities",
    title: "Programs have capabilities only as their packages gave them",
    why: "setcap cap_setuid+ep on a copy of python3 is a root shell that no list of set-uid files shows. Files with \
          capabilities are few on a server, and those that matter come with their packages.",
    severity: Severity::High,
    controls: CONTROLS,
    remediation: "getcap FILE shows them, setcap -r FILE takes them away. A service gets what it needs from its unit \
                  instead (AmbientCapabilities= with CapabilityBoundingSet=), where only that service has it.",
    parameters: &[],
    evaluate,
};

fn evaluate(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let (files, survey) = match survey(facts) {
        Ok(found) => found,
        Err(outcomes) => return outcomes,
    };
    if !survey.asked_capabilities {
        let reason = "/proc is not mounted, and without it no file can be asked for its capabilities";
        return vec![Outcome::unknown(SUBJECT, reason)];
    }
    let found: Vec<(Severity, &Capable)> =
        survey.capable.list.iter().filter_map(|file| Some((weight(files, file)?, file))).collect();
    let Some((severity, first)) = found.iter().max_by_key(|(severity, _)| *severity) else {
        return vec![match survey.capable.more {
            _ if !survey.unread.is_empty() => cannot_look(SUBJECT, &survey.unread),
            0 => pass_if_all_was_seen(survey),
            more => {
                Outcome::unknown(SUBJECT, format!("{more} more files with capabilities than are looked at"))
            }
        }];
    };
    let more = if found.len() > 1 {
        format!(", and {} more programs have some", found.len() - 1)
    } else {
        String::new()
    };
    let headline = format!("{} has {}{more}", shown(&first.path), described(first));
    let evidence = found.iter().map(|(_, file)| {
        let owner = files.package(&file.path).map_or_else(|| "no package".to_owned(), ToString::to_string);
        Evidence::new(
            Source::path(&file.path),
            format!("{}, mode {:04o}, owned by {owner}", described(file), file.meta.mode),
            "no capabilities, or those that its package ships",
        )
    });
    vec![
        Outcome::fail(SUBJECT, headline)
            .at(*severity)
            .with_all(bounded(evidence.collect(), survey.capable.more)),
    ]
}

/// How bad it is; `None` where a package ships it so, or what it has opens nothing.
fn weight(files: &Files, file: &Capable) -> Option<Severity> {
    let Some(capabilities) = file.capabilities else { return Some(Severity::Low) };
    if capabilities.permitted().all(|name| HARMLESS.contains(&name)) || is_shipped(files, file) {
        return None;
    }
    let can_run = file.meta.mode & 0o011 != 0;
    let is_strong = capabilities.has(AS_GOOD_AS_ROOT) && capabilities.root.is_none();
    let is_packaged = files.package(&file.path).is_some();
    Some(match (is_strong, can_run) {
        (true, true) if !is_packaged || is_escape(&file.path) => Severity::Critical,
        (true, true) => Severity::High,
        (true, false) => Severity::Medium,
        (false, _) => Severity::Low,
    })
}

/// Whether it is a file that distributions ship with at least these, and nobody but root can have put it there.
fn is_shipped(files: &Files, file: &Capable) -> bool {
    let Some(path) = file.path.to_str() else { return false };
    let is_roots = file.meta.uid == 0 && file.meta.mode & 0o002 == 0 && !is_below(&file.path, NO_PACKAGES);
    // Where packages cannot be asked, the place has to do.
    let is_owned = files.owners.as_ref().is_ok_and(Option::is_none)
        || files.owners.is_err()
        || files.package(&file.path).is_some();
    is_roots
        && is_owned
        && file.capabilities.is_some_and(|capabilities| {
            SHIPPED.iter().any(|(end, names)| {
                path.ends_with(end) && capabilities.permitted().all(|name| names.contains(&name))
            })
        })
}

fn described(file: &Capable) -> String {
    match &file.capabilities {
        None => "capabilities that are not understood".to_owned(),
        Some(capabilities) => match capabilities.root {
            None => capabilities.to_string(),
            Some(root) => format!("{capabilities} in namespaces of uid {root}"),
        },
    }
}

/// Ports below 1024, memory that is not swapped, timing: nothing that leads to another's rights.
const HARMLESS: &[&str] = &[
    "cap_block_suspend",
    "cap_ipc_lock",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_sys_nice",
    "cap_wake_alarm",
];
/// Each of them leads to root in a step or two (capabilities(7); grsecurity, "False Boundaries and Arbitrary Code
/// Execution").
const AS_GOOD_AS_ROOT: &[&str] = &[
    "cap_bpf",
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_mac_admin",
    "cap_mknod",
    "cap_setfcap",
    "cap_setgid",
    "cap_setpcap",
    "cap_setuid",
    "cap_sys_admin",
    "cap_sys_chroot",
    "cap_sys_module",
    "cap_sys_ptrace",
    "cap_sys_rawio",
];
const NO_PACKAGES: &[&str] = &["/home", "/root", "/srv", "/tmp", "/usr/local", "/var/tmp"];
/// What packages of Debian, Ubuntu, Amazon Linux and Red Hat give their own programs, most by setcap after unpacking.
const SHIPPED: &[(&str, &[&str])] = &[
    ("/bin/arping", &["cap_net_raw"]),
    ("/sbin/arping", &["cap_net_raw"]),
    ("/sbin/clockdiff", &["cap_net_raw"]),
    ("/bin/clockdiff", &["cap_net_raw"]),
    ("/bin/dumpcap", &["cap_net_admin", "cap_net_raw"]),
    ("/bin/fping", &["cap_net_raw"]),
    ("/sbin/fping", &["cap_net_raw"]),
    // Debian's iproute2, where debconf was told so; it drops them but for the virtual routing of users.
    ("/bin/ip", &["cap_dac_override", "cap_net_admin", "cap_sys_admin"]),
    ("/bin/mtr-packet", &["cap_net_raw"]),
    ("/sbin/mtr-packet", &["cap_net_raw"]),
    ("/bin/newgidmap", &["cap_setgid"]),
    ("/bin/newuidmap", &["cap_setuid"]),
    ("/bin/ping", &["cap_net_raw", "cap_net_admin"]),
    ("/bin/systemd-detect-virt", &["cap_dac_override", "cap_sys_ptrace"]),
    ("/sbin/suexec", &["cap_setgid", "cap_setuid"]),
    ("/gst-ptp-helper", &["cap_net_admin", "cap_net_bind_service", "cap_sys_nice"]),
    (
        "/snapd/snap-confine",
        &[
            "cap_chown",
            "cap_dac_override",
            "cap_dac_read_search",
            "cap_fowner",
            "cap_setgid",
            "cap_setuid",
            "cap_sys_admin",
            "cap_sys_chroot",
            "cap_sys_ptrace",
            "cap_sys_resource",
        ],
    ),
];
