//! The kernel that runs, and those that are installed.

mod boot;
mod livepatch;
mod rpm;

use std::cmp::Ordering;

use super::dpkg::{Database, State};
pub use boot::{Boot, Choice};
use livepatch::Livepatch;

use super::rpm::Installed;
use super::stanza::word;
use super::version;
use crate::host::{Host, Unreadable};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kernel {
    /// `uname -r`; `None` in a tree in which nothing runs.
    pub running: Option<String>,
    /// The version of the package that the running kernel was built from, where it says so.
    pub build: Option<String>,
    pub installed: Vec<InstalledKernel>,
    /// `/run/reboot-required`, which packages make to ask for a restart.
    pub request: Option<Request>,
    /// Whether this is the system that is running, and not a tree on its disk.
    pub is_live: bool,
    pub family: Family,
    /// The live patches in the running kernel: each mends something, and none is the newer kernel.
    pub livepatches: Vec<Livepatch>,
    /// The kernel that the bootloader was told to start, where it was told so and can tell.
    pub boot: Option<Boot>,
}

/// Whose packages the kernels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    #[default]
    Dpkg,
    Rpm,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledKernel {
    pub package: String,
    /// What `uname -r` will say: `6.1.0-50-cloud-amd64`.
    pub release: String,
    pub version: String,
    /// Kernels of one flavour succeed one another: `cloud-amd64`, `kernel6.12`.
    pub flavour: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub path: &'static str,
    pub packages: Vec<String>,
}

/// Whether a restart of the machine is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reboot {
    Needed { reason: String, newest: Option<String> },
    NotNeeded { newest: Option<String> },
    NotApplicable { reason: String },
    Unknown { reason: String },
}

impl Kernel {
    pub(super) fn of(host: &Host, database: &Database) -> Result<Self, Unreadable> {
        let running = line(host, "/proc/sys/kernel/osrelease")?.filter(|running| !running.is_empty());
        let build = match line(host, "/proc/version_signature")? {
            Some(signature) => ubuntu_build(&signature),
            None => line(host, "/proc/version")?.and_then(|version| debian_build(&version)),
        };
        let installed = installed(database);
        Ok(Self {
            running,
            build,
            boot: boot::of(host, Family::Dpkg, &installed),
            installed,
            request: request(host)?,
            is_live: host.is_live(),
            family: Family::Dpkg,
            livepatches: livepatch::all(host),
        })
    }

    pub(super) fn of_rpm(host: &Host, installed: &Installed) -> Result<Self, Unreadable> {
        let kernel = Self::of(host, &Database::default())?;
        // Which build of a release runs is told by the release itself: rpm's has the build in it.
        let (installed, family) = (rpm::installed(installed), Family::Rpm);
        Ok(Self { build: None, boot: boot::of(host, family, &installed), family, installed, ..kernel })
    }

    /// Whether the machine should be restarted, as far as the kernel and the packages tell.
    pub fn reboot(&self) -> Reboot {
        if let Some(request) = &self.request {
            let by = match request.packages.as_slice() {
                [] => "a package".to_owned(),
                packages => packages.join(", "),
            };
            return Reboot::Needed { reason: format!("{by} asked for a restart"), newest: None };
        }
        let Some(running) = &self.running else {
            let reason = "nothing runs in this tree: it has no /proc/sys/kernel/osrelease";
            return match self.is_live {
                true => Reboot::Unknown { reason: "/proc/sys/kernel/osrelease does not exist".to_owned() },
                false => Reboot::NotApplicable { reason: reason.to_owned() },
            };
        };
        if self.installed.is_empty() {
            let reason =
                format!("no kernel package is installed; the running kernel {running} comes from outside");
            return Reboot::NotApplicable { reason };
        }
        let wanted = self.flavour(running);
        let newest = self
            .installed
            .iter()
            .filter(|kernel| Some(&kernel.flavour) == wanted.as_ref())
            .max_by(|a, b| self.newer(a, b));
        let Some(newest) = newest else {
            let reason = format!(
                "the running kernel {running} is of no flavour that is installed, so no package tells its age"
            );
            return Reboot::Unknown { reason };
        };
        self.with_livepatches(self.with_boot(self.against(running, newest), running, newest))
    }

    fn flavour(&self, running: &str) -> Option<String> {
        match self.family {
            Family::Dpkg => Some(flavour(running).to_owned()),
            Family::Rpm => {
                let own = self.installed.iter().find(|kernel| rpm::is_running(kernel, running));
                own.map(|kernel| kernel.flavour.clone()).or_else(|| rpm::flavour(running, &self.installed))
            }
        }
    }

    /// A live patch is told, and the kernel is still the old one.
    fn with_livepatches(&self, reboot: Reboot) -> Reboot {
        match reboot {
            Reboot::Needed { reason, newest } if !self.livepatches.is_empty() => {
                let names: Vec<&str> = self.livepatches.iter().map(|patch| patch.name.as_str()).collect();
                let until = format!("{reason}; until then it is patched live ({})", names.join(", "));
                Reboot::Needed { reason: until, newest }
            }
            reboot => reboot,
        }
    }

    fn against(&self, running: &str, newest: &InstalledKernel) -> Reboot {
        let name = Some(newest.release.clone());
        if self.is_running(newest, running) {
            return match &self.build {
                Some(build) if version::compare(build, &newest.version) == Ordering::Less => Reboot::Needed {
                    reason: format!(
                        "the running kernel {running} was built as {build}, and {} is installed",
                        newest.version
                    ),
                    newest: name,
                },
                _ => Reboot::NotNeeded { newest: name },
            };
        }
        match self.order(running, newest) {
            Ordering::Less => Reboot::Needed {
                reason: format!("the kernel {running} runs, and {} is installed", newest.release),
                newest: name,
            },
            _ if self.installed.iter().any(|kernel| self.is_running(kernel, running)) => {
                Reboot::NotNeeded { newest: name }
            }
            _ => Reboot::Unknown {
                reason: format!(
                    "the running kernel {running} belongs to no installed package, and none is newer"
                ),
            },
        }
    }

    fn is_running(&self, kernel: &InstalledKernel, running: &str) -> bool {
        match self.family {
            Family::Dpkg => kernel.release == running,
            Family::Rpm => rpm::is_running(kernel, running),
        }
    }

    fn order(&self, running: &str, newest: &InstalledKernel) -> Ordering {
        match self.family {
            Family::Dpkg => version::compare(number(running), number(&newest.release)),
            Family::Rpm => rpm::compare(running, &newest.release),
        }
    }

    fn newer(&self, a: &InstalledKernel, b: &InstalledKernel) -> Ordering {
        match self.family {
            Family::Dpkg => version::compare(number(&a.release), number(&b.release))
                .then_with(|| version::compare(&a.version, &b.version)),
            Family::Rpm => rpm::compare(&a.version, &b.version),
        }
    }
}

/// The packages whose name ends in the release that they boot. Metapackages have no number.
fn installed(database: &Database) -> Vec<InstalledKernel> {
    let is_bootable = |state| {
        matches!(
            state,
            State::Installed | State::TriggersAwaited | State::TriggersPending | State::HalfConfigured
        )
    };
    database
        .packages
        .iter()
        .filter(|package| is_bootable(package.state))
        .filter_map(|package| {
            let release = package.name.strip_prefix("linux-image-")?;
            let release = release.strip_prefix("unsigned-").unwrap_or(release);
            let release = release.strip_suffix("-unsigned").unwrap_or(release);
            let is_release = release.starts_with(|c: char| c.is_ascii_digit()) && !release.ends_with("-dbg");
            is_release.then(|| InstalledKernel {
                package: package.key(),
                release: release.to_owned(),
                version: package.version.clone(),
                flavour: flavour(release).to_owned(),
            })
        })
        .collect()
}

/// `cloud-amd64` of `6.1.0-50-cloud-amd64`, `generic` of `6.8.0-31-generic`, `amd64` of `6.12.43+deb13-amd64`.
fn flavour(release: &str) -> &str {
    let start = number(release).len();
    release[start..].trim_start_matches('-')
}

/// The upstream version and the number of its interface: `6.1.0-50`.
fn number(release: &str) -> &str {
    let mut end = 0;
    for (index, part) in release.split('-').enumerate() {
        // Debian's 32-bit flavours are the only ones whose names start with a digit.
        let is_number = part.starts_with(|c: char| c.is_ascii_digit()) && part != "686";
        if index > 0 && !is_number {
            break;
        }
        end += part.len() + usize::from(index > 0);
    }
    &release[..end]
}

/// `… #1 SMP PREEMPT_DYNAMIC Debian 6.1.164-1 (2026-03-01)`
fn debian_build(version: &str) -> Option<String> {
    let (_, rest) = version.rsplit_once(" Debian ")?;
    let build = rest.split_whitespace().next()?;
    build.starts_with(|c: char| c.is_ascii_digit()).then(|| build.to_owned())
}

/// `Ubuntu 6.8.0-31.31-generic 6.8.1`
fn ubuntu_build(signature: &str) -> Option<String> {
    let mut words = signature.split_whitespace();
    let build = (words.next()? == "Ubuntu").then(|| words.next())??;
    Some(number(build).to_owned())
}

fn request(host: &Host) -> Result<Option<Request>, Unreadable> {
    for path in REQUESTS {
        if !host.exists(path)? {
            continue;
        }
        let packages = match host.read(format!("{path}.pkgs"), MAX_REQUEST) {
            Ok(bytes) => bytes.split(|&byte| byte == b'\n').filter_map(word).collect(),
            // It is only a remark on the request, which stands without it.
            Err(_) => Vec::new(),
        };
        return Ok(Some(Request { path, packages: unique(packages) }));
    }
    Ok(None)
}

fn unique(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names.truncate(MAX_NAMES);
    names
}

/// The first line of a file in `/proc`, in printable ASCII; `None` where there is no such file.
fn line(host: &Host, path: &str) -> Result<Option<String>, Unreadable> {
    match host.read(path, MAX_LINE) {
        Ok(bytes) => {
            let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
            match line.iter().all(|byte| (0x20..0x7f).contains(byte)) {
                true => Ok(Some(String::from_utf8_lossy(line).trim().to_owned())),
                false => Err(Unreadable::malformed(path, 1, "not a line of text")),
            }
        }
        Err(cause) if cause.is_absent() => Ok(None),
        Err(cause) => Err(cause),
    }
}

const REQUESTS: [&str; 2] = ["/run/reboot-required", "/var/run/reboot-required"];
const MAX_REQUEST: u64 = 64 * 1024;
const MAX_LINE: u64 = 4096;
/// More names than this help nobody.
const MAX_NAMES: usize = 50;

#[cfg(test)]
mod tests;
