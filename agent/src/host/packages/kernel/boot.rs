//! Which kernel the next start brings, where the bootloader has been told to start a certain one.
//!
//! GRUB starts the newest unless `GRUB_DEFAULT` in `/etc/default/grub` says otherwise: a certain entry, or `saved`, the one
//! that its environment block names (grub's manual, "Simple configuration"). The entry is found among those of the Boot
//! Loader Specification (RHEL, Fedora, Amazon Linux 2023), or by the name that Debian's grub-mkconfig gives it. What only
//! `grub.cfg` could tell is not told: it is a script.

mod entries;
mod grubenv;

use super::{Family, InstalledKernel, Kernel, Reboot};
use crate::host::Host;

/// The kernel of the entry that starts next, by somebody's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// As `uname -r` will say it.
    pub release: String,
    pub by: Choice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// `next_entry` in the environment block: for one start.
    Once,
    /// `saved_entry` in the environment block.
    Saved,
    /// `GRUB_DEFAULT` names the entry.
    Fixed,
}

impl Kernel {
    /// A restart that would not bring the newer kernel is told with what would.
    pub(super) fn with_boot(&self, reboot: Reboot, running: &str, newest: &InstalledKernel) -> Reboot {
        let Some(boot) = self.boot.as_ref().filter(|boot| !self.is_running(newest, &boot.release)) else {
            return reboot;
        };
        let Reboot::Needed { reason, newest: name } = reboot else { return reboot };
        // Whoever chose a kernel of another line did not choose an old one.
        let of_line = self.flavour(&boot.release).is_none_or(|flavour| flavour == newest.flavour);
        let (by, remedy) = match (boot.by, self.family) {
            (Choice::Once, _) => ("for one start", String::new()),
            (Choice::Fixed, _) => ("by GRUB_DEFAULT in /etc/default/grub", String::new()),
            (Choice::Saved, Family::Dpkg) => ("by grub-set-default", ": grub-set-default 0".to_owned()),
            (Choice::Saved, Family::Rpm) => {
                let variant = running.find('+').and_then(|at| running.get(at..)).unwrap_or_default();
                (
                    "by saved_entry",
                    format!(": grubby --set-default /boot/vmlinuz-{}{variant}", newest.release),
                )
            }
        };
        let remedy = if of_line { remedy } else { String::new() };
        let reason = format!(
            "{reason}; a restart alone starts {}, the bootloader's default {by}{remedy}",
            boot.release
        );
        Reboot::Needed { reason, newest: name }
    }
}

/// Nothing where nobody chose, and where it cannot be told.
pub(super) fn of(host: &Host, family: Family, installed: &[InstalledKernel]) -> Option<Boot> {
    if installed.is_empty() {
        return None;
    }
    let (entry, by) = chosen(host, &default(host, family)?)?;
    let release = entries::release(host, &entry).or_else(|| of_debian(&entry, installed))?;
    Some(Boot { release, by })
}

fn chosen(host: &Host, default: &str) -> Option<(String, Choice)> {
    let block = BLOCKS.iter().find_map(|path| host.read(path, MAX_BLOCK).ok());
    let variable = |name: &str| {
        let value = grubenv::value(block.as_deref()?, name.as_bytes())?;
        Some(String::from_utf8(value).ok()?).filter(|value| !value.is_empty())
    };
    if let Some(entry) = variable("next_entry") {
        return Some((entry, Choice::Once));
    }
    match default {
        "saved" => Some((variable("saved_entry")?, Choice::Saved)),
        entry => Some((entry.to_owned(), Choice::Fixed)),
    }
}

/// What `GRUB_DEFAULT` is; Debian's grub-mkconfig reads a directory of more files.
fn default(host: &Host, family: Family) -> Option<String> {
    let mut found = assigned(&host.read(CONFIG, MAX_CONFIG).ok()?, None)?;
    let names = match family {
        Family::Dpkg => host.list(MORE_CONFIG, MAX_FILES).unwrap_or_default(),
        Family::Rpm => Vec::new(),
    };
    for name in names.iter().filter_map(|name| name.to_str()).filter(|name| name.ends_with(".cfg")) {
        found = assigned(&host.read(format!("{MORE_CONFIG}/{name}"), MAX_CONFIG).ok()?, found)?;
    }
    found
}

/// What is assigned at the end of a file, if it was `before` at its beginning; `None` where only a shell could tell.
fn assigned(text: &[u8], before: Option<String>) -> Option<Option<String>> {
    let mut found = before;
    for line in text.split(|&byte| byte == b'\n') {
        if let Some(value) = line.trim_ascii_start().strip_prefix(b"GRUB_DEFAULT=") {
            found = Some(plain(std::str::from_utf8(value).ok()?)?);
        }
    }
    Some(found)
}

/// A word of the shell in which nothing is expanded.
fn plain(value: &str) -> Option<String> {
    let (word, rest) = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value.get(1..)?.split_once(quote)?,
        _ => value.split_at(value.find(|c: char| c.is_whitespace()).unwrap_or(value.len())),
    };
    let is_literal = !word.contains(['$', '`', '\\', '"', '\'']);
    let is_all = rest.is_empty()
        || rest.starts_with(char::is_whitespace) && {
            let rest = rest.trim_start();
            rest.is_empty() || rest.starts_with('#')
        };
    (is_literal && is_all).then(|| word.to_owned())
}

/// `gnulinux-6.1.0-13-amd64-advanced-UUID`, or `Debian GNU/Linux, with Linux 6.1.0-13-amd64`; before it and a `>` may be
/// the submenu's (grub's util/grub.d/10_linux.in).
fn of_debian(entry: &str, installed: &[InstalledKernel]) -> Option<String> {
    let entry = entry.rsplit('>').next()?;
    let by_id = || {
        let rest = entry.strip_prefix("gnulinux-")?;
        ["-advanced-", "-recovery-"].iter().find_map(|end| Some(rest.split_once(end)?.0))
    };
    let by_title = || {
        let (_, release) = entry.split_once(", with Linux ")?;
        Some(release.strip_suffix(" (recovery mode)").unwrap_or(release))
    };
    let release = by_id().or_else(by_title)?;
    // An entry that is not there makes GRUB start the first one.
    installed.iter().any(|kernel| kernel.release == release).then(|| release.to_owned())
}

const CONFIG: &str = "/etc/default/grub";
const MORE_CONFIG: &str = "/etc/default/grub.d";
/// RHEL's and Amazon's, Debian's.
const BLOCKS: [&str; 2] = ["/boot/grub2/grubenv", "/boot/grub/grubenv"];
/// A block has 1024 bytes.
const MAX_BLOCK: u64 = 64 * 1024;
const MAX_CONFIG: u64 = 256 * 1024;
const MAX_FILES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    fn kernel(release: &str) -> InstalledKernel {
        InstalledKernel {
            package: String::new(),
            release: release.to_owned(),
            version: String::new(),
            flavour: String::new(),
        }
    }

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn boot(files: &[(&str, &str)]) -> Option<(String, Choice)> {
        let root = tempfile::tempdir().unwrap();
        files.iter().for_each(|(path, text)| write(root.path(), path, text));
        let installed = [kernel("6.1.0-13-amd64"), kernel("6.1.0-50-amd64")];
        let boot = of(&Host::at(root.path()).unwrap(), Family::Dpkg, &installed)?;
        Some((boot.release, boot.by))
    }

    const ID: &str = "gnulinux-advanced-1f>gnulinux-6.1.0-13-amd64-advanced-1f";

    #[test]
    fn a_default_that_names_an_entry_is_that_kernel() {
        let told = |text: &str| boot(&[("etc/default/grub", text)]);
        let old = Some(("6.1.0-13-amd64".to_owned(), Choice::Fixed));
        assert_eq!(told(&format!("GRUB_DEFAULT=\"{ID}\"\n")), old);
        assert_eq!(
            told("GRUB_DEFAULT='Advanced options for Debian>Debian, with Linux 6.1.0-13-amd64' # x\n"),
            old
        );
        assert_eq!(told(&format!("GRUB_DEFAULT=0\n  GRUB_DEFAULT={ID}\n")), old, "the last one counts");
        for unknown in [
            "",
            "GRUB_DEFAULT=0\n",
            "GRUB_DEFAULT=\"1>2\"\n",
            "GRUB_DEFAULT=\"$X\"\n",
            "GRUB_DEFAULT=\"gnulinux-6.1.0-13-amd64-advanced-1f\n",
            "GRUB_DEFAULT=gnulinux-6.1.0-12-amd64-advanced-1f\n",
            "GRUB_DEFAULT=gnulinux-simple-1f\n",
            "GRUB_DEFAULT=saved\n",
        ] {
            assert_eq!(told(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_is_saved_counts_where_it_is_to_and_what_is_for_once_goes_before() {
        let block = |lines: &str| format!("# GRUB Environment Block\n{lines}########");
        let told = |default: &str, lines: &str| {
            let default = format!("GRUB_DEFAULT={default}\n");
            boot(&[("etc/default/grub", &default), ("boot/grub/grubenv", &block(lines))]).map(|(_, by)| by)
        };
        assert_eq!(told("saved", &format!("saved_entry={ID}\n")), Some(Choice::Saved));
        assert_eq!(told("0", &format!("saved_entry={ID}\n")), None);
        assert_eq!(told("0", &format!("saved_entry=\nnext_entry={ID}\n")), Some(Choice::Once));
        assert_eq!(told("saved", "saved_entry=\n"), None);
    }

    #[test]
    fn more_files_of_debians_have_the_last_word() {
        let files = [
            ("etc/default/grub", "GRUB_DEFAULT=0\n"),
            ("etc/default/grub.d/a.cfg", "GRUB_DEFAULT=gnulinux-6.1.0-13-amd64-advanced-1f\n"),
            ("etc/default/grub.d/b.off", "GRUB_DEFAULT=0\n"),
        ];
        assert_eq!(boot(&files), Some(("6.1.0-13-amd64".to_owned(), Choice::Fixed)));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(GRUB_DEFAULT=)?[ -~\\n\u{e9}]{0,60}") {
            let _ = (assigned(text.as_bytes(), None), plain(&text), of_debian(&text, &[kernel(&text)]));
        }
    }
}
