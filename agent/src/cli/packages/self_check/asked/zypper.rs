//! zypper's answer, from the metadata that it has: what it would update, what is newer than that, and which security
//! patches are needed.
//!
//! It needs no power and no lock. What it makes of the metadata, its log and its temporary files go into a directory that is
//! thrown away. Where it has no metadata of a repository it would get it in spite of `--no-refresh`, so that it is not asked
//! then.

mod said;

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::process;
use std::time::Duration;

use super::child::run;
use super::place::Place;
use super::program;
use crate::host::Host;
use crate::host::packages::Metadata;
use crate::host::packages::compared::Answer;
use said::Said;

pub(super) fn ask(host: &Host, metadata: &Metadata) -> Result<Answer, String> {
    let unsure = metadata.unsure.iter().map(ToString::to_string);
    if let Some(why) = metadata.missing.iter().cloned().chain(unsure).next() {
        return Err(format!("zypper could not be asked, for it would fetch what is missing: {why}"));
    }
    let place = placed(host).map_err(|error| format!("no directory for zypper to write in: {error}"))?;
    let zypper = Zypper { host, place };
    let updates = zypper.said(&["list-updates"])?;
    let all = zypper.said(&["list-updates", "--all"])?;
    let patches = zypper.said(&["list-patches"])?;
    Ok(answer(updates, all, patches))
}

/// For another root, one of links: zypper puts what it makes of what is installed below the root, wherever that is to go.
fn placed(host: &Host) -> io::Result<Place> {
    let place = Place::new("zypper")?;
    if host.is_live() {
        return Ok(place);
    }
    if let Some(macros) = super::database(host) {
        place.write(".rpmmacros", &macros)?;
    }
    for entry in fs::read_dir(std::path::absolute(host.root_path())?)?.take(MAX_ENTRIES) {
        let entry = entry?;
        if !OWN.iter().any(|own| entry.file_name() == *own) {
            symlink(entry.path(), place.path().join(entry.file_name()))?;
        }
    }
    Ok(place)
}

struct Zypper<'a> {
    host: &'a Host,
    place: Place,
}

impl Zypper<'_> {
    fn command(&self) -> process::Command {
        let place = self.place.path();
        let mut command = program("zypper");
        command.args(["--non-interactive", "--no-refresh", "--xmlout", "--solv-cache-dir"]);
        command.arg(place.join("solv"));
        // It takes no lock then (libzypp's ZYppFactory), although it be root.
        command.env("ZYPP_READONLY_HACK", "1");
        command.env("ZYPPTMPDIR", place).env("ZYPP_LOGFILE", place.join("log"));
        if !self.host.is_live() {
            command.arg("--root").arg(place).env("HOME", place);
            // It would go by this machine's own settings.
            command.env("ZYPP_CONF", place.join("etc/zypp/zypp.conf"));
        }
        command
    }

    fn said(&self, question: &[&str]) -> Result<Said, String> {
        let told = run(self.command().args(question), LONGEST)?;
        let failed = |why: &str| format!("zypper {} failed: {why}", question.join(" "));
        let said =
            Said::parse(&told.output).map_err(|what| failed(&format!("its answer is no XML, {what}")))?;
        match (&said.trouble, told.status.success()) {
            (Some(trouble), _) => Err(failed(trouble)),
            (None, false) => {
                let errors = told.errors.lines().map(str::trim).find(|line| !line.is_empty());
                Err(failed(errors.unwrap_or("it did not say why")))
            }
            (None, true) => Ok(said),
        }
    }
}

fn answer(updates: Said, all: Said, patches: Said) -> Answer {
    let key = |update: &said::Update| format!("{}:{}", update.name, update.architecture);
    Answer {
        newer: updates.packages.into_iter().map(|update| (key(&update), update.edition)).collect(),
        beyond: all.packages.into_iter().map(|update| (update.name, update.edition)).collect(),
        notices: Some(patches.security),
        ..Answer::default()
    }
}

/// What zypper writes in, or we.
const OWN: [&str; 5] = ["tmp", "run", "solv", "log", ".rpmmacros"];
const MAX_ENTRIES: usize = 10_000;
/// A small instance takes a minute where what zypper makes of the metadata is to be made anew.
const LONGEST: Duration = Duration::from_secs(180);
