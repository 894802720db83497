//! Which machine this is: the `host` of every document.

use super::{Host, Text};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    pub hostname: Option<Text>,
    pub machine_id: Option<Text>,
    /// `ID` and `VERSION_ID` of os-release(5): `debian 12`.
    pub os: Option<Text>,
    pub kernel: Option<Text>,
    /// The EC2 instance id, from DMI (Nitro puts it there); `None` elsewhere.
    pub instance_id: Option<Text>,
}

impl Identity {
    pub fn of(host: &Host) -> Self {
        let hostname =
            first_line(host, "/proc/sys/kernel/hostname").or_else(|| first_line(host, "/etc/hostname"));
        let os_release = OsRelease::of(host);
        Self {
            hostname,
            machine_id: first_line(host, "/etc/machine-id"),
            os: os_release.map(|os| Text::new(format!("{} {}", os.id, os.version_id).trim())),
            kernel: first_line(host, "/proc/sys/kernel/osrelease"),
            instance_id: instance_id(host),
        }
    }
}

fn instance_id(host: &Host) -> Option<Text> {
    let vendor = first_line(host, "/sys/devices/virtual/dmi/id/sys_vendor")?;
    let tag = first_line(host, "/sys/devices/virtual/dmi/id/board_asset_tag")?;
    (vendor.as_str() == "Amazon EC2" && tag.as_str().starts_with("i-")).then_some(tag)
}

fn first_line(host: &Host, path: &str) -> Option<Text> {
    let bytes = host.read(path, LIMIT).ok()?;
    let line = bytes.split(|&byte| byte == b'\n').next()?;
    let text = Text::from_bytes_within(line.trim_ascii(), MAX_NAME);
    (!text.as_str().is_empty()).then_some(text)
}

/// The distribution, as os-release(5) names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OsRelease {
    pub id: String,
    /// What it descends from: `ubuntu debian`.
    pub id_like: String,
    pub version_id: String,
    pub codename: String,
}

impl OsRelease {
    pub fn of(host: &Host) -> Option<Self> {
        let bytes =
            host.read("/etc/os-release", LIMIT).or_else(|_| host.read("/usr/lib/os-release", LIMIT)).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let value = |key: &str| {
            text.lines()
                .rev()
                .find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))
                .map(|value| value.trim().trim_matches(['"', '\'']).to_owned())
                .unwrap_or_default()
        };
        Some(Self {
            id: value("ID"),
            id_like: value("ID_LIKE"),
            version_id: value("VERSION_ID"),
            codename: value("VERSION_CODENAME"),
        })
    }
}

const LIMIT: u64 = 64 * 1024;
/// Longer than any host name (RFC 1123: 255) and short enough for one line.
const MAX_NAME: usize = 256;
