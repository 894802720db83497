//! dnf's answer, from the metadata that it has: which packages are newer, and which of these are security updates.
//!
//! dnf writes beside what it reads: caches of its own, a log, a lock. It gets a directory for all that, in which links stand
//! for the metadata, and so it needs no power and leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::process;
use std::time::Duration;

use super::child::run;
use super::place::Place;
use super::program;
use crate::host::Host;
use crate::host::packages::compared::Answer;

pub(super) fn ask(host: &Host) -> Result<Answer, String> {
    let place = linked(host).map_err(|error| format!("no directory for dnf to write in: {error}"))?;
    let dnf = Dnf { host, place };
    let newer = dnf.newer()?;
    let security = dnf.security()?;
    Ok(Answer { newer, security: Some(security), ..Answer::default() })
}

/// With links to the metadata of each repository.
fn linked(host: &Host) -> std::io::Result<Place> {
    let place = Place::new("dnf")?;
    let cache = place.path().join("cache");
    fs::create_dir(&cache)?;
    for entry in fs::read_dir(host.root_path().join("var/cache/dnf"))?.take(MAX_ENTRIES) {
        let entry = entry?;
        let metadata = entry.path().join("repodata");
        if metadata.is_dir() {
            let own = cache.join(entry.file_name());
            fs::create_dir(&own)?;
            symlink(metadata, own.join("repodata"))?;
        }
    }
    if let Some(macros) = super::database(host) {
        place.write(".rpmmacros", &macros)?;
    }
    Ok(place)
}

struct Dnf<'a> {
    host: &'a Host,
    place: Place,
}

impl Dnf<'_> {
    fn command(&self) -> process::Command {
        // dnf puts these below another root, so the way leads out of it again; at the top, `..` stays there.
        let out = if self.host.is_live() { String::new() } else { "/..".repeat(MAX_DEPTH) };
        let place = format!("{out}{}", self.place.path().display());
        let mut command = program("dnf");
        command.args(["-C", "-q", "--setopt", &format!("cachedir={place}/cache")]);
        command.args(["--setopt", &format!("logdir={place}"), "--setopt", &format!("persistdir={place}")]);
        if !self.host.is_live() {
            let root = self.host.root_path();
            command.arg("--installroot").arg(root).arg("-c").arg(root.join("etc/dnf/dnf.conf"));
            command.arg("--setopt").arg(format!("reposdir={}", root.join("etc/yum.repos.d").display()));
            // Where rpm's database is in there, and not where this machine has its own.
            command.env("HOME", self.place.path());
        }
        command
    }

    /// `name.architecture  version  repository`, broken into lines where it is wide.
    fn newer(&self) -> Result<BTreeMap<String, String>, String> {
        let said = run(self.command().arg("check-update"), LONGEST)?;
        match said.status.code() {
            Some(0 | WITH_UPDATES) => Ok(newer(&said.output)),
            _ => Err(failed("check-update", &said.errors)),
        }
    }

    fn security(&self) -> Result<BTreeSet<String>, String> {
        let said = run(self.command().args(["updateinfo", "list", "--security", "--updates"]), LONGEST)?;
        match said.status.success() {
            true => Ok(said.output.lines().filter_map(security).collect()),
            false => Err(failed("updateinfo", &said.errors)),
        }
    }
}

fn failed(what: &str, errors: &str) -> String {
    let why = errors.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it did not say why");
    format!("dnf -C {what} failed: {why}")
}

fn newer(output: &str) -> BTreeMap<String, String> {
    let listed = output.split("Obsoleting Packages").next().unwrap_or_default();
    let words: Vec<&str> = listed.split_whitespace().collect();
    let rows = words.chunks_exact(3).filter_map(|row| {
        let (name, architecture) = row[0].rsplit_once('.')?;
        Some((format!("{name}:{architecture}"), row[1].to_owned()))
    });
    rows.collect()
}

/// `ALAS2023-2026-1  Important/Sec.  openssl-1:3.0.8-1.amzn2023.x86_64`
fn security(line: &str) -> Option<String> {
    let nevra = line.split_whitespace().nth(2)?;
    let (rest, architecture) = nevra.rsplit_once('.')?;
    let (rest, _release) = rest.rsplit_once('-')?;
    let (name, _version) = rest.rsplit_once('-')?;
    Some(format!("{name}:{architecture}"))
}

/// dnf(8), check-update.
const WITH_UPDATES: i32 = 100;
/// A small instance takes half a minute where dnf's own cache is to be made anew.
const LONGEST: Duration = Duration::from_secs(180);
/// How deep another root may lie.
const MAX_DEPTH: usize = 40;
const MAX_ENTRIES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_row_is_broken_and_what_is_obsolete_is_no_update() {
        let said = "\na.noarch    2-1    r\nvery-long-name.x86_64\n      1:5-3.amzn2023\n    amazonlinux\n\
                    Obsoleting Packages\nb.noarch 3-1 r\n    old.noarch 1-1 @System\n";
        let found = newer(said);
        let found: Vec<(&str, &str)> = found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(found, [("a:noarch", "2-1"), ("very-long-name:x86_64", "1:5-3.amzn2023")]);
    }

    #[test]
    fn a_row_of_updateinfo_names_a_package() {
        let row = "ALAS2023-2026-1 Important/Sec. openssl-libs-1:3.0.8-1.amzn2023.x86_64";
        assert_eq!(security(row), Some("openssl-libs:x86_64".to_owned()));
        assert_eq!(security("x"), None);
    }
}
