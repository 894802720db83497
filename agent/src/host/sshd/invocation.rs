//! How the sshd that is running was started: `-o`, `-p` and `-f` come before any file.
//!
//! A listener writes its own arguments into its title, joined by spaces: `sshd: /usr/sbin/sshd -D -o X=Y [listener]
//! 0 of 10-100 startups`. Anybody can give a process such a title, so only one that root owns is believed.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::path_of;
use crate::host::{Host, Unreadable};

/// How sshd was started, as far as that changes its configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invocation {
    /// `-f`.
    pub file: Option<PathBuf>,
    /// `-o`, and `-p` as `Port=…`; they come before any file.
    pub options: Vec<Vec<u8>>,
    /// Whether there was a `-p`: then the ports of the files do not count, as they do beside `-o Port=…`.
    pub ports_are_fixed: bool,
}

impl Invocation {
    /// Of the listener with the lowest process id; where none runs, nothing is overridden.
    pub(super) fn of_listener(host: &Host, binary: &Path) -> Result<Self, Unreadable> {
        // The listener writes its number down; only without that is everybody asked.
        let noted = host.read(PID_FILE, 32).ok();
        let noted = noted.and_then(|text| std::str::from_utf8(&text).ok()?.trim().parse().ok());
        if let Some(invocation) = noted.and_then(|pid| Self::of_process(host, pid, binary)) {
            return Ok(invocation);
        }
        let names = match host.list("/proc", MOST_ENTRIES) {
            Ok(names) => names,
            Err(cause) if cause.is_absent() => return Ok(Self::default()),
            Err(cause) => return Err(cause),
        };
        let mut pids: Vec<u32> = names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect();
        pids.sort_unstable();
        let found = pids.into_iter().find_map(|pid| Self::of_process(host, pid, binary));
        Ok(found.unwrap_or_default())
    }

    fn of_process(host: &Host, pid: u32, binary: &Path) -> Option<Self> {
        let directory = format!("/proc/{pid}");
        // Processes come and go, and a title that is longer than this is no listener's.
        let title = host.read(format!("{directory}/cmdline"), LONGEST_TITLE).ok()?;
        let invocation = Self::of_title(&title, binary)?;
        host.stat(&directory).is_ok_and(|meta| meta.uid == 0).then_some(invocation)
    }

    /// `None`: not the title of a listener of this binary.
    fn of_title(title: &[u8], binary: &Path) -> Option<Self> {
        let title = title.strip_prefix(b"sshd: ")?;
        let end = memchr::memmem::rfind(title, b" [listener]")?;
        let mut words = title[..end].split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        if words.next()? != binary.as_os_str().as_bytes() {
            return None;
        }
        let mut invocation = Self::default();
        let words: Vec<&[u8]> = words.collect();
        let mut at = 0;
        while let Some(word) = words.get(at) {
            at += 1;
            let [b'-', flags @ ..] = *word else { continue };
            // `-De` is two flags; one that takes a value takes the rest of its word, or what follows.
            let Some(taker) = flags.iter().position(|flag| TAKE_A_VALUE.contains(flag)) else { continue };
            let mut value = flags[taker + 1..].to_vec();
            // The title lost its quotes: `-o "PermitRootLogin yes"` ends where the next flag begins.
            let several = flags[taker] == b'o';
            while let Some(next) = words.get(at) {
                let is_more = value.is_empty() || (several && !next.starts_with(b"-"));
                if !is_more {
                    break;
                }
                if !value.is_empty() {
                    value.push(b' ');
                }
                value.extend_from_slice(next);
                at += 1;
            }
            match flags[taker] {
                b'o' => invocation.options.push(value),
                b'p' => {
                    invocation.options.push([b"Port=", value.as_slice()].concat());
                    invocation.ports_are_fixed = true;
                }
                b'f' => invocation.file = Some(path_of(&value)),
                _ => {}
            }
        }
        Some(invocation)
    }
}

const PID_FILE: &str = "/run/sshd.pid";
/// The flags of sshd that have a value.
const TAKE_A_VALUE: &[u8] = b"CEbcfghkoptu";
/// More processes than a kernel has by default.
const MOST_ENTRIES: usize = 4 * 1024 * 1024;
/// A title has the room of the arguments and the environment that a process was started with.
const LONGEST_TITLE: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(title: &str, expected: Option<(Option<&str>, &[&str])>) {
        let found = Invocation::of_title(title.as_bytes(), Path::new("/usr/sbin/sshd"));
        let expected = expected.map(|(file, options)| Invocation {
            file: file.map(PathBuf::from),
            options: options.iter().map(|option| option.as_bytes().to_vec()).collect(),
            ports_are_fixed: title.contains(" -p "),
        });
        assert_eq!(found, expected, "{title}");
    }

    #[test]
    fn a_listener_says_how_it_was_started() {
        check("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", Some((None, &[])));
        check(
            "sshd: /usr/sbin/sshd -D -o PermitRootLogin=yes -p 2222 -f /etc/x [listener] 0 of 10-100 startups",
            Some((Some("/etc/x"), &["PermitRootLogin=yes", "Port=2222"])),
        );
        check(
            "sshd: /usr/sbin/sshd -Deo PermitRootLogin yes -oUsePAM=no [listener] 0 of 1-1 startups",
            Some((None, &["PermitRootLogin yes", "UsePAM=no"])),
        );
    }

    #[test]
    fn other_processes_do_not() {
        check("sshd: admin [priv]", None);
        check("sshd: /opt/other/sshd -o X=Y [listener] 0 of 1-1 startups", None);
        check("/usr/sbin/sshd -D", None);
    }
}
