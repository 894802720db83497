//! The files of `/proc` that say who a process is, as bytes: proc_pid_stat(5), proc_pid_status(5), proc_pid_cgroup(5),
//! and the environment as environ(7) has it. Most of it is the process's own word.

use std::net::IpAddr;

use crate::host::Text;

/// `/proc/PID/stat`, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) parent: u32,
    /// The controlling terminal's device number, as the kernel encodes it; 0 if there is none.
    pub(super) terminal: u32,
    /// In clock ticks since the system started.
    pub(super) began: u64,
}

impl Stat {
    pub(super) fn parse(stat: &[u8]) -> Option<Self> {
        // The name is in parentheses and may hold any byte, also a parenthesis.
        let after_name = stat.iter().rposition(|&byte| byte == b')')?;
        let fields = std::str::from_utf8(stat.get(after_name + 1..)?).ok()?;
        // The 4th field, the 7th and the 22nd; two are before the parenthesis.
        let mut fields = fields.split_ascii_whitespace().skip(1);
        let parent = fields.next()?.parse().ok()?;
        // It is an int, and printed as one.
        let terminal: i32 = fields.nth(2)?.parse().ok()?;
        Some(Self { parent, terminal: terminal.cast_unsigned(), began: fields.nth(14)?.parse().ok()? })
    }
}

/// The real and the effective user, of `/proc/PID/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) real: u32,
    pub(super) effective: u32,
}

impl Ids {
    pub(super) fn parse(status: &[u8]) -> Option<Self> {
        let line = status.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
        let mut fields = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
        Some(Self { real: fields.next()?.parse().ok()?, effective: fields.next()?.parse().ok()? })
    }
}

/// `/proc/PID/loginuid`; -1 means that nobody logged in.
pub(super) fn login_uid(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.trim_ascii().parse().ok().filter(|&uid| uid != u32::MAX)
}

/// When the system started, in seconds since 1970: `btime` of `/proc/stat`.
pub(super) fn booted(stat: &[u8]) -> Option<i64> {
    let line = stat.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"btime "))?;
    std::str::from_utf8(line).ok()?.trim_ascii().parse().ok()
}

/// The arguments with blanks in place of the NULs between them.
pub(super) fn command(line: &[u8]) -> Option<Text> {
    let end = line.iter().rposition(|&byte| byte != 0)? + 1;
    let line: Vec<u8> = line[..end].iter().map(|&byte| if byte == 0 { b' ' } else { byte }).collect();
    Some(Text::from_bytes(&line))
}

/// `pts/0`, `tty1`, `ttyS0`: Documentation/admin-guide/devices.txt, and how the kernel writes a device's number.
pub(super) fn terminal(number: u32) -> Option<Text> {
    let (major, minor) = ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xf_ff00));
    let name = match (major, minor) {
        (0, _) => return None,
        (4, 0..64) => format!("tty{minor}"),
        (4, _) => format!("ttyS{}", minor - 64),
        // Eight numbers of 256 each, before there was room for all in one.
        (136..=143, _) => format!("pts/{}", minor + (major - 136) * 256),
        (204, 64..80) => format!("ttyAMA{}", minor - 64),
        (229, _) => format!("hvc{minor}"),
        _ => format!("{major}:{minor}"),
    };
    Some(Text::from(name))
}

/// `203.0.113.9 port 51234` of `SSH_CONNECTION=203.0.113.9 51234 10.0.0.5 22`, ssh(1).
pub(super) fn ssh(environ: &[u8]) -> Option<Text> {
    let value =
        environ.split(|&byte| byte == 0).find_map(|variable| variable.strip_prefix(b"SSH_CONNECTION="))?;
    let mut fields = std::str::from_utf8(value).ok()?.split(' ');
    let (address, port) = (fields.next()?, fields.next()?.parse::<u16>().ok()?);
    // A scope follows a link-local address.
    let _: IpAddr = address.split('%').next()?.parse().ok()?;
    Some(Text::from_bytes_within(format!("{address} port {port}").as_bytes(), MAX_NAME))
}

/// The container's id as its engine has it in the control group's path: `docker-<id>.scope`, `/docker/<id>`,
/// `/kubepods/burstable/pod<uid>/<id>`, `cri-containerd-<id>.scope`, `/ecs/<task>/<id>`, `libpod-<id>.scope`,
/// `lxc.payload.<name>`.
pub(super) fn container(cgroup: &[u8]) -> Option<Text> {
    let paths = cgroup.split(|&byte| byte == b'\n').filter_map(|line| {
        // The hierarchy's number, its controllers, the path.
        line.splitn(3, |&byte| byte == b':').nth(2)
    });
    paths.filter_map(in_path).next().map(|id| Text::from_bytes_within(id, MAX_NAME))
}

fn in_path(path: &[u8]) -> Option<&[u8]> {
    let parts: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    // The innermost: a container may hold others.
    parts.iter().enumerate().rev().find_map(|(at, part)| {
        let above = at.checked_sub(1).and_then(|above| parts.get(above)).copied().unwrap_or_default();
        let part = part.strip_suffix(b".scope").unwrap_or(part);
        let id = part.rsplit(|&byte| byte == b'-').next().unwrap_or(part);
        let is_id = (MIN_ID..=MAX_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_hexdigit);
        match part.strip_prefix(b"lxc.payload.") {
            Some(name) if !name.is_empty() => Some(name),
            _ if matches!(above, b"lxc" | b"lxc.payload") && !part.is_empty() => Some(part),
            _ if is_id && !part.starts_with(b"pod") => Some(id),
            _ => None,
        }
    })
}

/// Engines have SHA-256's 64 digits, ECS 32 for what it calls a task.
const MIN_ID: usize = 32;
const MAX_ID: usize = 64;
const MAX_NAME: usize = 256;

#[cfg(test)]
mod tests;
