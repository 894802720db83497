//! What keeping the record needs: a directory of its own, room, the two daemons, and a clock that is right.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::see::AS_ROOT;
use super::{disk, patience, units};
use crate::finding::Text;
use crate::finding::need::{Area, Need};
use crate::finding::wire::record::{self, Id};
use crate::host::Host;
use crate::journal::places::Places;
use crate::journal::{Directory, Entry, Reader};
use crate::policy::Policy;
use crate::ship::doctor::Speaker;
use crate::sys::clock;
use crate::sys::socket::{self, NoAnswer, Why};

/// A daemon, and what it says when it is asked.
#[derive(Debug)]
pub(super) struct Daemon {
    id: &'static str,
    command: &'static str,
    said: Result<Option<Value>, NoAnswer>,
    took: Duration,
}

impl Daemon {
    pub(super) fn sensor(places: &Places) -> Self {
        Self::ask("sensor", "run", &places.sensor_socket())
    }

    pub(super) fn shipper(places: &Places) -> Self {
        Self::ask("shipper", "ship", &places.shipper_socket())
    }

    fn ask(id: &'static str, command: &'static str, at: &Path) -> Self {
        let began = Instant::now();
        let said = socket::ask(at, DEADLINE, MAX_STATUS);
        let said = said.map(|bytes| serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object));
        Self { id, command, said, took: began.elapsed() }
    }

    fn word(&self, key: &str) -> Option<&Value> {
        self.said.as_ref().ok()?.as_ref()?.get(key)
    }

    /// How it sees changes of files as they happen; nothing where it does not run, or says nothing of it.
    pub(super) fn live(&self) -> Option<&Value> {
        self.word("files")?.get("live")
    }

    pub(super) fn pid(&self) -> Option<u32> {
        u32::try_from(self.word("pid")?.as_u64()?).ok()
    }

    fn need(&self) -> Need {
        self.judged().in_time(self.took)
    }

    fn judged(&self) -> Need {
        let said = match &self.said {
            Ok(Some(said)) => said,
            Ok(None) => return Need::unknown(self.id, Area::Keep, "what it says is no status"),
            Err(NoAnswer { why: Why::Denied, path }) => {
                let why = format!("no permission to ask at {}", path.display());
                return Need::unknown(self.id, Area::Keep, &why).with_remedy(AS_ROOT);
            }
            Err(why) => {
                let start = format!(
                    "systemctl start {}, or in the foreground: guestward {}",
                    self.unit(),
                    self.command
                );
                return Need::missing(self.id, Area::Keep, &format!("it does not run: {why}"), start);
            }
        };
        let troubles = said["trouble"].as_array().into_iter().flatten();
        let shippers = said["shippers"].as_array().into_iter().flatten();
        let errors = shippers.map(|shipper| &shipper["last_error"]);
        let troubles: Vec<&str> = troubles.chain(errors).filter_map(Value::as_str).collect();
        let runs = format!("it runs, pid {}", said["pid"]);
        match troubles.is_empty() {
            true => Need::ok(self.id, Area::Keep, &runs),
            false => {
                let detail = format!("{runs}, in trouble: {}", troubles.join("; "));
                Need::missing(self.id, Area::Keep, &detail, "guestward status")
            }
        }
    }

    fn unit(&self) -> &'static str {
        if self.command == "ship" { units::SHIPPER } else { units::SENSOR }
    }
}

pub(super) fn needs(host: &Host, policy: &Policy, places: &Places, daemons: [&Daemon; 2]) -> Vec<Need> {
    let mut needs = disk::needs(policy.journal_max_bytes(), places);
    needs.push(in_force(policy));
    needs.extend(daemons.map(Daemon::need));
    needs.extend([kernel_clock(), clock_source(host)]);
    needs
}

/// Who the records are from: as the sensor says, or else as the journal's last record does, if there is one.
pub(super) fn speaker(places: &Places, sensor: &Daemon) -> Option<Speaker> {
    let word = |key: &str| sensor.word(key)?.as_str()?.parse::<Id>().ok();
    match (word("agent"), word("epoch")) {
        (Some(agent), Some(epoch)) => Some(Speaker { agent: agent.to_string(), epoch: epoch.to_string() }),
        _ => {
            // Whoever reads from a disk that does not answer hangs.
            let places = places.clone();
            patience::within(READING * 2, move || last_speaker(&places)).flatten()
        }
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

/// A policy that cannot be read ends the command before; what is left to say is which one it is.
fn in_force(policy: &Policy) -> Need {
    let sources = match policy.sources.is_empty() {
        true => "the built-in one: there is no file".to_owned(),
        false => policy.sources.join(", "),
    };
    Need::ok("policy", Area::Keep, &sources)
}

fn kernel_clock() -> Need {
    let id = "clock";
    let up = clock::since_boot().map_or_else(|_| String::new(), |up| format!("; up for {}", told(up)));
    match clock::kept() {
        Ok(kept) if kept.is_synchronised => {
            let off = kept.most_off.as_millis();
            Need::ok(id, Area::Keep, &format!("somebody keeps it right, within {off} ms{up}"))
        }
        // Records have their order without it, and doctor asks AWS how far it is off.
        Ok(_) => Need::degraded(
            id,
            Area::Keep,
            &format!("nobody has told the kernel that its clock is right{up}"),
            "timedatectl set-ntp true, or: systemctl enable --now chronyd. On EC2 the source is 169.254.169.123",
        ),
        Err(cause) => {
            Need::unknown(id, Area::Keep, &format!("the kernel does not tell of its clock: {cause}"))
        }
    }
}

/// What the kernel counts time by. The last resort counts its own ticks, and loses some.
fn clock_source(host: &Host) -> Need {
    let id = "clock-source";
    match host.read(CLOCK_SOURCE, MAX_NAME) {
        Ok(name) => {
            let name = Text::from_bytes(name.trim_ascii());
            match LAST_RESORTS.contains(&name.as_str()) {
                false => Need::ok(id, Area::Keep, &format!("{name}")),
                true => Need::degraded(
                    id,
                    Area::Keep,
                    &format!("{name}: the kernel counts its own ticks"),
                    format!("Choose another in {CLOCK_SOURCE}; available_clocksource beside it lists them"),
                ),
            }
        }
        Err(cause) if cause.is_absent() => Need::unknown(id, Area::Keep, "the kernel does not tell it"),
        Err(cause) => Need::unknown(id, Area::Keep, &cause.to_string()),
    }
}

fn told(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match (minutes / (24 * 60), minutes / 60, minutes) {
        (0, 0, 0) => format!("{} s", time.as_secs()),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, _) => format!("{hours} h"),
        (days, ..) => format!("{days} d"),
    }
}

/// A daemon that lives answers at once; the time goes off what is left to ask AWS.
const DEADLINE: Duration = Duration::from_secs(3);
const MAX_STATUS: usize = 1024 * 1024;
const BATCH: usize = 1024 * 1024;
/// A full journal on a slow disk; whose its records are changes seldom.
const READING: Duration = Duration::from_secs(3);
const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
const MAX_NAME: u64 = 4096;
const LAST_RESORTS: [&str; 2] = ["jiffies", "refined-jiffies"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::need::State;

    #[test]
    fn a_clock_that_counts_ticks_is_done_with_and_one_that_is_not_told_is_unknown() {
        let root = tempfile::tempdir().unwrap();
        let host = || Host::at(root.path()).unwrap();
        assert_eq!(clock_source(&host()).state, State::Unknown);
        let file = root.path().join(CLOCK_SOURCE.trim_start_matches('/'));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        for (name, state) in
            [("kvm-clock\n", State::Ok), ("tsc\n", State::Ok), ("refined-jiffies\n", State::Degraded)]
        {
            std::fs::write(&file, name).unwrap();
            assert_eq!(clock_source(&host()).state, state, "{name}");
        }
    }

    #[test]
    fn a_time_is_told_in_its_largest_unit() {
        for (seconds, text) in [(7, "7 s"), (119, "1 min"), (7200, "2 h"), (200_000, "2 d")] {
            assert_eq!(told(Duration::from_secs(seconds)), text);
        }
    }
}
