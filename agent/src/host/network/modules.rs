//! Protocols that few need and anybody may load: whether their modules are there, and whether modprobe.d(5) keeps them
//! from being loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::host::{Cause, Host, Unreadable};

/// A protocol whose module may be loaded by whoever opens a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol {
    pub name: &'static str,
    pub is_loaded: bool,
    /// Where the module is, for the kernels that are installed; none: nothing to load.
    pub module: Option<PathBuf>,
    /// What keeps it from being loaded: file and line.
    pub barred: Option<(PathBuf, usize)>,
}

/// What modprobe.d says, by module or alias.
#[derive(Debug, Default)]
pub struct Bars {
    /// Modules that are not loaded, and where it says so.
    barred: BTreeMap<String, (PathBuf, usize)>,
}

/// The protocols; none of them, where no kernel is installed.
pub fn read(host: &Host) -> Result<Vec<Protocol>, Unreadable> {
    let kernels = kernels(host)?;
    let loaded = loaded(host)?;
    if kernels.is_empty() && loaded.is_empty() {
        return Ok(Vec::new());
    }
    let bars = Bars::of(host)?;
    PROTOCOLS
        .iter()
        .map(|&(name, alias)| {
            let mut module = None;
            for kernel in &kernels {
                let folder = kernel.join("kernel/net").join(name);
                if host.exists(&folder)? {
                    module = Some(folder);
                    break;
                }
            }
            let barred = bars.barred.get(name).or_else(|| bars.barred.get(alias)).cloned();
            Ok(Protocol { name, is_loaded: loaded.contains(name), module, barred })
        })
        .collect()
}

/// The running kernel's modules; below a root where nothing runs, those of every kernel.
fn kernels(host: &Host) -> Result<Vec<PathBuf>, Unreadable> {
    let folder = Path::new("/lib/modules");
    if let Ok(release) = host.read("/proc/sys/kernel/osrelease", MAX_LINE) {
        let release = String::from_utf8_lossy(release.trim_ascii()).into_owned();
        let own = folder.join(&release);
        return Ok(if !release.contains('/') && host.exists(&own)? { vec![own] } else { Vec::new() });
    }
    match host.list(folder, MAX_KERNELS) {
        Ok(names) => Ok(names.into_iter().map(|name| folder.join(name)).collect()),
        Err(cause) if cause.is_absent() => Ok(Vec::new()),
        Err(cause) => Err(cause),
    }
}

fn loaded(host: &Host) -> Result<BTreeSet<String>, Unreadable> {
    let text = match host.read("/proc/modules", MAX_MODULES) {
        // A kernel without modules, or a root where nothing runs.
        Err(cause) if cause.is_absent() => return Ok(BTreeSet::new()),
        text => text?,
    };
    let lines = text.split(|&byte| byte == b'\n');
    let names = lines.filter_map(|line| line.split(|&byte| byte == b' ').next());
    Ok(names.filter_map(|name| std::str::from_utf8(name).ok()).map(str::to_owned).collect())
}

impl Bars {
    /// Every configuration file; one in `/etc` goes before one of the same name elsewhere.
    fn of(host: &Host) -> Result<Self, Unreadable> {
        let mut files: BTreeMap<_, PathBuf> = BTreeMap::new();
        for folder in FOLDERS {
            let names = match host.list(folder, MAX_FILES) {
                Err(cause) if cause.is_absent() => continue,
                names => names?,
            };
            for name in names.into_iter().filter(|name| name.as_encoded_bytes().ends_with(b".conf")) {
                let path = Path::new(folder).join(&name);
                files.entry(name).or_insert(path);
            }
        }
        let mut bars = Self::default();
        for path in files.into_values() {
            match host.read(&path, MAX_FILE) {
                Ok(text) => bars.take(&path, &text),
                // A link to /dev/null is how a file of a package is switched off.
                Err(Unreadable {
                    cause: Cause::Absent | Cause::NotRegular(crate::host::Kind::CharacterDevice),
                    ..
                }) => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(bars)
    }

    /// Takes in a file's lines.
    pub fn take(&mut self, path: &Path, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let mut whole = line.to_owned();
            while whole.ends_with('\\') {
                whole.pop();
                whole.push(' ');
                let Some((_, next)) = lines.next() else { break };
                whole.push_str(next);
            }
            if let Some(name) = barred(&whole) {
                self.barred.entry(name).or_insert((path.to_owned(), index + 1));
            }
        }
    }

    pub fn is_barred(&self, module: &str) -> bool {
        self.barred.contains_key(module)
    }
}

/// The module or alias that a line keeps from being loaded.
fn barred(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let (word, name) = (words.next()?, words.next()?);
    let is_it = match word {
        // Its own aliases are ignored, and by those a socket loads it.
        "blacklist" => true,
        "install" => {
            let command = words.next().map_or("", |command| command.rsplit('/').next().unwrap_or_default());
            matches!(command, "false" | "true") && words.next().is_none()
        }
        "alias" => words.next() == Some("off"),
        _ => false,
    };
    // modprobe takes both for the same.
    is_it.then(|| if word == "alias" { name.to_owned() } else { name.replace('-', "_") })
}

/// The module and the alias by which opening a socket asks for it.
const PROTOCOLS: [(&str, &str); 4] = [
    ("dccp", "net-pf-2-proto-33"),
    ("sctp", "net-pf-2-proto-132"),
    ("rds", "net-pf-21"),
    ("tipc", "net-pf-30"),
];
const FOLDERS: [&str; 5] = [
    "/etc/modprobe.d",
    "/run/modprobe.d",
    "/usr/local/lib/modprobe.d",
    "/usr/lib/modprobe.d",
    "/lib/modprobe.d",
];
const MAX_LINE: u64 = 4096;
const MAX_KERNELS: usize = 1000;
const MAX_FILES: usize = 10_000;
const MAX_FILE: u64 = 1024 * 1024;
/// A line a module; a kernel has some thousand.
const MAX_MODULES: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_bars_a_module_if_nothing_else_is_run_for_it() {
        assert_eq!(barred("install dccp /bin/false").as_deref(), Some("dccp"));
        assert_eq!(barred("  blacklist  snd-pcm").as_deref(), Some("snd_pcm"));
        assert_eq!(barred("alias net-pf-21 off").as_deref(), Some("net-pf-21"));
        assert_eq!(barred("install sctp /sbin/modprobe --ignore-install sctp"), None);
        assert_eq!(barred("install sctp /bin/true; modprobe sctp"), None);
        assert_eq!(barred("# blacklist sctp"), None);
        assert_eq!(barred("options sctp off"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            Bars::default().take(Path::new("/etc/modprobe.d/x.conf"), &bytes);
        }
    }
}
