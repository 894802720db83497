//! What keeping the record needs: a directory of its own, room, the two daemons, and a clock that is right.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, eaccess};
use serde_json::Value;

use crate::finding::need::{Area, Need};
use crate::finding::wire::record::{self, Id};
use crate::journal::places::Places;
use crate::journal::{Directory, Entry, Reader, Storage as _};
use crate::policy::Policy;
use crate::ship::doctor::Speaker;
use crate::sys::{clock, socket};

pub(super) fn needs(policy: &Policy, places: &Places) -> Vec<Need> {
    vec![
        directory(places),
        writable(places.state()),
        space(policy, places),
        in_force(policy),
        daemon("sensor", "run", &places.sensor_socket()),
        daemon("shipper", "ship", &places.shipper_socket()),
        kernel_clock(),
    ]
}

/// Who the records are from: as the sensor says, or else as the journal's last record does, if there is one.
pub(super) fn speaker(places: &Places) -> Option<Speaker> {
    let said = socket::ask(&places.sensor_socket(), DEADLINE, MAX_STATUS).ok();
    let said: Value = said.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let word = |key: &str| said[key].as_str().and_then(|word| word.parse::<Id>().ok());
    match (word("agent"), word("epoch")) {
        (Some(agent), Some(epoch)) => Some(Speaker { agent: agent.to_string(), epoch: epoch.to_string() }),
        _ => last_speaker(places),
    }
}

fn last_speaker(places: &Places) -> Option<Speaker> {
    let began = Instant::now();
    let mut reader = Reader::new(Directory::open(&places.journal()).ok()?, None);
    let mut last: Option<Entry> = None;
    let mut nothing = 0;
    while nothing < 2 && began.elapsed() < READING {
        let batch = reader.next_batch(BATCH, BATCH).ok()?;
        nothing = if batch.entries.is_empty() { nothing + 1 } else { 0 };
        last = batch.entries.into_iter().next_back().or(last);
    }
    let last = last?;
    let record = record::parse(&last.line).ok()?;
    Some(Speaker { agent: record.agent.to_string(), epoch: record.epoch.to_string() })
}

fn directory(places: &Places) -> Need {
    let id = "state-directory";
    let mut wide = Vec::new();
    let all = [places.state().to_owned(), places.journal(), places.cursors(), places.seal()];
    for (path, most) in all.iter().zip([0o755, 0o750, 0o770, 0o700]) {
        let meta = match fs::symlink_metadata(path) {
            Ok(meta) => meta,
            // The daemons make what they need below the first.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && path != places.state() => continue,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                let why = format!("there is no {}", path.display());
                return Need::missing(id, Area::Keep, &why, "guestward run makes it");
            }
            Err(cause) => return Need::unknown(id, Area::Keep, &format!("{}: {cause}", path.display())),
        };
        if !meta.is_dir() {
            let why = format!("{} is no directory", path.display());
            return Need::missing(id, Area::Keep, &why, format!("rm {}", path.display()));
        }
        let mode = meta.mode() & 0o7777;
        // Whoever may write here could put another record in the place of ours.
        if mode & 0o777 & !most != 0 {
            wide.push((path, most, format!("{} has mode {mode:04o}", path.display())));
        }
    }
    let Some((path, most, _)) = wide.first() else {
        let here = places.state().display();
        return Need::ok(id, Area::Keep, &format!("{here} and what is in it are for their owner alone"));
    };
    let whys: Vec<&str> = wide.iter().map(|(_, _, why)| why.as_str()).collect();
    Need::missing(id, Area::Keep, &whys.join(", "), format!("chmod {most:04o} {}", path.display()))
}

fn writable(state: &Path) -> Need {
    let id = "state-writable";
    let path = nearest(state);
    let here = path.display();
    match eaccess(path, AccessFlags::W_OK | AccessFlags::X_OK) {
        Ok(()) => Need::ok(id, Area::Keep, &format!("{here} can be written")),
        Err(errno) => Need::missing(
            id,
            Area::Keep,
            &format!("{here} cannot be written: {}", errno.desc()),
            format!("Be root; where it is mounted read-only, `findmnt -T {here}` says so"),
        ),
    }
}

/// The directory, or the first one upwards that there is.
fn nearest(path: &Path) -> &Path {
    path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"))
}

/// Room for what the journal may still grow.
fn space(policy: &Policy, places: &Places) -> Need {
    let id = "space";
    let place = nearest(places.state());
    let Ok(file_system) = statvfs(place) else {
        return Need::unknown(id, Area::Keep, &format!("the room in {} is not told", place.display()));
    };
    let free = file_system.blocks_available().saturating_mul(file_system.fragment_size());
    let (most, used) = (policy.journal_max_bytes(), journal_bytes(places));
    let wanted = most.saturating_sub(used);
    let detail = format!(
        "{} MiB free; the journal has {} MiB and may have {} MiB",
        free / MIB,
        used / MIB,
        most / MIB
    );
    match free >= wanted {
        true => Need::ok(id, Area::Keep, &detail),
        false => Need::missing(
            id,
            Area::Keep,
            &detail,
            format!(
                "Make room on {}, or set a smaller max-bytes in [journal] of the policy",
                place.display()
            ),
        ),
    }
}

fn journal_bytes(places: &Places) -> u64 {
    let Ok(directory) = Directory::open(&places.journal()) else { return 0 };
    let names = directory.names().unwrap_or_default();
    names.iter().filter_map(|name| directory.size(name).ok()).sum()
}

/// A policy that cannot be read ends the command before; what is left to say is which one it is.
fn in_force(policy: &Policy) -> Need {
    let sources = match policy.sources.is_empty() {
        true => "the built-in one: there is no file".to_owned(),
        false => policy.sources.join(", "),
    };
    Need::ok("policy", Area::Keep, &sources)
}

fn daemon(name: &'static str, command: &str, at: &Path) -> Need {
    let began = Instant::now();
    let start = format!("systemctl start guestward-{name}, or in the foreground: guestward {command}");
    let said = match socket::ask(at, DEADLINE, MAX_STATUS) {
        Ok(bytes) => serde_json::from_slice::<Value>(&bytes).ok(),
        Err(why) => {
            let why = format!("it does not run: {why}");
            return Need::missing(name, Area::Keep, &why, start).in_time(began.elapsed());
        }
    };
    let Some(said) = said.filter(Value::is_object) else {
        return Need::unknown(name, Area::Keep, "what it says is no status").in_time(began.elapsed());
    };
    let troubles = said["trouble"].as_array().into_iter().flatten();
    let shippers = said["shippers"].as_array().into_iter().flatten();
    let errors = shippers.map(|shipper| &shipper["last_error"]);
    let troubles: Vec<&str> = troubles.chain(errors).filter_map(Value::as_str).collect();
    let runs = format!("it runs, pid {}", said["pid"]);
    let need = match troubles.is_empty() {
        true => Need::ok(name, Area::Keep, &runs),
        false => {
            let detail = format!("{runs}, in trouble: {}", troubles.join("; "));
            Need::missing(name, Area::Keep, &detail, "guestward status")
        }
    };
    need.in_time(began.elapsed())
}

fn kernel_clock() -> Need {
    let id = "clock";
    match clock::is_synchronised() {
        Ok(true) => Need::ok(id, Area::Keep, "the kernel takes its clock for synchronised"),
        Ok(false) => Need::missing(
            id,
            Area::Keep,
            "nobody has told the kernel that its clock is right",
            "timedatectl set-ntp true, or: systemctl enable --now chronyd. On EC2 the source is 169.254.169.123",
        ),
        Err(cause) => {
            Need::unknown(id, Area::Keep, &format!("the kernel does not tell of its clock: {cause}"))
        }
    }
}

/// A daemon that lives answers at once; the time goes off what is left to ask AWS.
const DEADLINE: Duration = Duration::from_secs(3);
const MAX_STATUS: usize = 1024 * 1024;
const MIB: u64 = 1024 * 1024;
const BATCH: usize = 1024 * 1024;
/// A full journal on a slow disk; whose its records are changes seldom.
const READING: Duration = Duration::from_secs(3);
