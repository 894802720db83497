//! The directories that everybody may write in, as they are mounted.

use std::path::Path;

use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::files::mounts::MOUNTS;

const WHY: &str = "Whoever breaks into a service writes their tools where everybody may write. Mounted nosuid, nodev and \
                   noexec such a place gives them no set-uid program and no device, and makes running them one step longer; \
                   as a file system of its own it cannot fill up the system's.";

pub(super) const TMP: Check = Check {
    id: "files-tmp-mount",
    title: "/tmp is a file system of its own with nodev, nosuid and noexec",
    why: WHY,
    severity: Severity::Low,
    controls: &[
        "CIS-AL2023:1.1.2.1",
        "CIS-AL2023:1.1.2.2",
        "CIS-AL2023:1.1.2.3",
        "CIS-AL2023:1.1.2.4",
        "CIS-Debian12:1.1.2.1.1",
        "CIS-Debian12:1.1.2.1.2",
        "CIS-Debian12:1.1.2.1.3",
        "CIS-Debian12:1.1.2.1.4",
        "CIS-Ubuntu22.04:1.1.2.1.1",
        "CIS-Ubuntu22.04:1.1.2.1.2",
        "CIS-Ubuntu22.04:1.1.2.1.3",
        "CIS-Ubuntu22.04:1.1.2.1.4",
        "CIS-Ubuntu24.04:1.1.2.1.1",
        "CIS-Ubuntu24.04:1.1.2.1.2",
        "CIS-Ubuntu24.04:1.1.2.1.3",
        "CIS-Ubuntu24.04:1.1.2.1.4",
        "NIST-800-53:CM-7",
        "NIST-800-53:AC-6",
        "NCSC:5",
    ],
    remediation: "Debian, Ubuntu: cp /usr/share/systemd/tmp.mount /etc/systemd/system/ && systemctl daemon-reload && \
                  systemctl enable --now tmp.mount. Amazon Linux: systemctl unmask tmp.mount && systemctl enable --now \
                  tmp.mount. Then systemctl edit tmp.mount: [Mount] Options=mode=1777,strictatime,nosuid,nodev,noexec,size=50%. \
                  Some installers run programs in /tmp: try it on one machine first.",
    parameters: &[],
    evaluate: |facts, _: &Thresholds<'_>| evaluate(facts, "/tmp"),
};

pub(super) const VAR_TMP: Check = Check {
    id: "files-var-tmp-mount",
    title: "/var/tmp is a file system of its own with nodev, nosuid and noexec",
    why: WHY,
    severity: Severity::Low,
    controls: &[
        "CIS-AL2023:1.1.4.1",
        "CIS-AL2023:1.1.4.2",
        "CIS-AL2023:1.1.4.3",
        "CIS-AL2023:1.1.4.4",
        "CIS-Debian12:1.1.2.5.1",
        "CIS-Debian12:1.1.2.5.2",
        "CIS-Debian12:1.1.2.5.3",
        "CIS-Debian12:1.1.2.5.4",
        "CIS-Ubuntu22.04:1.1.2.5.1",
        "CIS-Ubuntu22.04:1.1.2.5.2",
        "CIS-Ubuntu22.04:1.1.2.5.3",
        "CIS-Ubuntu22.04:1.1.2.5.4",
        "CIS-Ubuntu24.04:1.1.2.5.1",
        "CIS-Ubuntu24.04:1.1.2.5.2",
        "CIS-Ubuntu24.04:1.1.2.5.3",
        "CIS-Ubuntu24.04:1.1.2.5.4",
        "NIST-800-53:CM-7",
        "NIST-800-53:AC-6",
        "NCSC:5",
    ],
    remediation: "Give it a small volume of its own in /etc/fstab: UUID=… /var/tmp ext4 defaults,nodev,nosuid,noexec 0 2, \
                  or lay it over itself: /var/tmp /var/tmp none bind,nodev,nosuid,noexec 0 0.",
    parameters: &[],
    evaluate: |facts, _: &Thresholds<'_>| evaluate(facts, "/var/tmp"),
};

pub(super) const SHM: Check = Check {
    id: "files-shm-mount",
    title: "/dev/shm is a file system of its own with nodev, nosuid and noexec",
    why: WHY,
    severity: Severity::Low,
    controls: &[
        "CIS-AL2023:1.1.8.1",
        "CIS-AL2023:1.1.8.2",
        "CIS-AL2023:1.1.8.3",
        "CIS-AL2023:1.1.8.4",
        "CIS-Debian12:1.1.2.2.1",
        "CIS-Debian12:1.1.2.2.2",
        "CIS-Debian12:1.1.2.2.3",
        "CIS-Debian12:1.1.2.2.4",
        "CIS-Ubuntu22.04:1.1.2.2.1",
        "CIS-Ubuntu22.04:1.1.2.2.2",
        "CIS-Ubuntu22.04:1.1.2.2.3",
        "CIS-Ubuntu22.04:1.1.2.2.4",
        "CIS-Ubuntu24.04:1.1.2.2.1",
        "CIS-Ubuntu24.04:1.1.2.2.2",
        "CIS-Ubuntu24.04:1.1.2.2.3",
        "CIS-Ubuntu24.04:1.1.2.2.4",
        "NIST-800-53:CM-7",
        "NIST-800-53:AC-6",
        "NCSC:5",
    ],
    remediation: "echo 'tmpfs /dev/shm tmpfs defaults,nodev,nosuid,noexec 0 0' >> /etc/fstab && mount -o \
                  remount,nodev,nosuid,noexec /dev/shm. A few databases and language runtimes map programs from it: try it first.",
    parameters: &[],
    evaluate: |facts, _: &Thresholds<'_>| evaluate(facts, "/dev/shm"),
};

fn evaluate(facts: &Facts, place: &str) -> Vec<Outcome> {
    vec![outcome(facts, place)]
}

fn outcome(facts: &Facts, place: &str) -> Outcome {
    let (surroundings, files) = match (&facts.surroundings, &facts.files) {
        (Ok(surroundings), Ok(files)) => (surroundings, files),
        (_, Err(cause)) | (Err(cause), _) => return Outcome::unreadable(place, cause),
    };
    if !surroundings.runs {
        return Outcome::not_applicable(place, "nothing runs below this root, so nothing is mounted");
    }
    if surroundings.is_container {
        return Outcome::not_applicable(place, "this is a container: its mounts are its host's");
    }
    if files.mounts.list.is_empty() {
        return Outcome::unknown(place, format!("{MOUNTS} names no mount"));
    }
    let Some(mount) = files.mounts.on(Path::new(place)) else {
        return Outcome::fail(place, format!("{place} is a part of a larger file system"))
            .at(Severity::Informational)
            .with(Evidence::new(
                Source::named(MOUNTS),
                format!("nothing is mounted on {place}"),
                "a mount of its own",
            ));
    };
    let missing: Vec<&str> =
        ["nodev", "nosuid", "noexec"].into_iter().filter(|option| !mount.has(option)).collect();
    if missing.is_empty() {
        return Outcome::pass(place);
    }
    // Distributions leave out noexec on purpose, and it stops nobody who has an interpreter.
    let severity = if missing == ["noexec"] { Severity::Informational } else { Severity::Low };
    let options: Vec<&str> = mount.options.iter().map(crate::finding::Text::as_str).collect();
    let observed = format!("{}: {}", mount.kind, options.join(","));
    Outcome::fail(place, format!("{place} is mounted without {}", missing.join(", ")))
        .at(severity)
        .with(Evidence::new(Source::line(MOUNTS, mount.line), observed, "nodev, nosuid and noexec"))
}
