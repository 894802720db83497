//! What a machine is: whether anything runs below this root, a container or a machine of its own, EC2 or elsewhere,
//! with systemd or without. Checks ask it first, so that each can say why a question does not arise.

use super::{Cause, Host, Text, Unreadable};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether a system runs below this root; an image or a plain chroot has only files.
    pub runs: bool,
    /// Whether it is a container: its kernel, clock and mounts are its host's.
    pub is_container: bool,
    /// Whether systemd is PID 1, as sd_booted(3) tells.
    pub has_systemd: bool,
    /// As the firmware says.
    pub is_ec2: Result<bool, Unreadable>,
}

impl Surroundings {
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        Ok(Self {
            runs: host.is_live() || host.exists("/proc/1")?,
            is_container: is_container(host)?,
            has_systemd: host.exists("/run/systemd/system")?,
            is_ec2: is_ec2(host),
        })
    }
}

/// As systemd-detect-virt(1) --container, and what docker and podman leave.
fn is_container(host: &Host) -> Result<bool, Unreadable> {
    for mark in ["/run/systemd/container", "/run/.containerenv"] {
        if host.exists(mark)? {
            return Ok(true);
        }
    }
    // Docker's mark is a file on disk and stays in machine images that were made of containers. A machine of its own
    // shows the kernel's threads, of which this is the first; a container has its own process ids.
    let is_first = |comm: Vec<u8>| comm.trim_ascii_end() == b"kthreadd";
    if host.exists("/.dockerenv")? && !host.read("/proc/2/comm", MAX_LINE).is_ok_and(is_first) {
        return Ok(true);
    }
    // Only root may read it; the marks above are for everyone.
    let environment = host.read("/proc/1/environ", MAX_ENVIRONMENT).unwrap_or_default();
    let value = environment.split(|&byte| byte == 0).find_map(|pair| pair.strip_prefix(b"container="));
    Ok(value.is_some_and(|value| !value.is_empty()))
}

/// Nitro says so in the vendor, Xen in the UUID (EC2 user guide, "Detect whether your instance is an EC2 instance").
fn is_ec2(host: &Host) -> Result<bool, Unreadable> {
    for (path, with) in SIGNS_OF_EC2 {
        let value = match host.read(path, MAX_LINE) {
            Err(Unreadable { cause: Cause::Absent, .. }) => continue,
            value => value?,
        };
        if Text::from_bytes(value.trim_ascii()).as_str().to_ascii_lowercase().starts_with(with) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the firmware says on EC2, in small letters.
const SIGNS_OF_EC2: [(&str, &str); 4] = [
    ("/sys/devices/virtual/dmi/id/sys_vendor", "amazon ec2"),
    ("/sys/devices/virtual/dmi/id/board_asset_tag", "i-"),
    ("/sys/devices/virtual/dmi/id/bios_version", "4.11.amazon"),
    ("/sys/hypervisor/uuid", "ec2"),
];
const MAX_ENVIRONMENT: u64 = 1024 * 1024;
const MAX_LINE: u64 = 4096;
