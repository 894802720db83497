//! Figures, told while the tests run: none of them decides a test, for the machine may have other work.
//!
//! `GUESTWARD_VM_QUIET=3600 cargo test -p vm-tests -- what_it_costs` makes the README's table.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use vm_tests::{Guest, Suite};

use crate::ec2::Ec2;
use crate::power::start_of;

pub(crate) fn tell(what: &str) {
    let _ = writeln!(io::stderr(), "figure: {what}");
}

/// Whether there is time for everything.
pub(crate) fn is_long() -> bool {
    std::env::var_os("GUESTWARD_LONG").is_some()
}

pub(crate) fn what_it_costs(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    ec2.until_posture();
    ec2.until_delivered();
    let quiet = Duration::from_secs(quiet());
    let before = UNITS.map(|unit| cpu(&ec2.guest, unit));
    let began = Instant::now();
    std::thread::sleep(quiet);
    let hours = began.elapsed().as_secs_f64() / 3600.0;
    for (unit, before) in UNITS.into_iter().zip(before) {
        let per_hour = (cpu(&ec2.guest, unit) - before) / hours;
        tell(&format!(
            "{suite}: {unit}: PSS {:.1} MiB, RSS {:.1} MiB after {} s of quiet; {per_hour:.1} CPU s an hour, emulated",
            memory(&ec2.guest, unit, "Pss"),
            memory(&ec2.guest, unit, "Rss"),
            quiet.as_secs()
        ));
    }
    ec2.guest.link(false);
    ec2.flow();
    let first = ec2.accepted().1;
    ec2.guest
        .wait_for("a flood", Duration::from_secs(600), || (ec2.accepted().1 > first + FLOOD).then_some(()));
    ec2.stop_flow();
    ec2.guest.link(true);
    ec2.until_delivered();
    for unit in UNITS {
        let pss = memory(&ec2.guest, unit, "Pss");
        tell(&format!("{suite}: {unit}: PSS {pss:.1} MiB at the end of a flood of {FLOOD} records"));
        ec2.guest.sh(&format!("systemctl restart {unit}"));
        tell(&format!("{suite}: {unit}: ready {:.2} s after systemctl start", start_of(&ec2, unit)));
    }
    ec2.guest.sh("sync");
    ec2.guest.power_off();
    let came = ec2.records().len();
    let began = Instant::now();
    ec2.guest.boot();
    let booted = began.elapsed();
    ec2.guest.wait_for("a record after the boot", Duration::from_secs(240), || {
        (ec2.records().len() > came).then_some(())
    });
    tell(&format!(
        "{suite}: {:.1} s from power to the first record in CloudWatch, {:.1} s of them until the guest agent answered",
        began.elapsed().as_secs_f64(),
        booted.as_secs_f64()
    ));
}

/// So many seconds; an hour for the README.
fn quiet() -> u64 {
    std::env::var("GUESTWARD_VM_QUIET")
        .map_or(10, |seconds| seconds.parse().expect("GUESTWARD_VM_QUIET: seconds"))
}

/// Seconds of a processor since the unit's start.
fn cpu(guest: &Guest, unit: &str) -> f64 {
    let nanoseconds = guest.sh(&format!("systemctl show --value -p CPUUsageNSec {unit}"));
    nanoseconds.parse::<f64>().unwrap() / 1e9
}

/// MiB of the unit's main process, by a line of smaps_rollup.
fn memory(guest: &Guest, unit: &str, line: &str) -> f64 {
    let kib = guest.sh(&format!(
        "sed -n 's/^{line}: *\\([0-9]*\\) kB/\\1/p' /proc/$(systemctl show --value -p MainPID {unit})/smaps_rollup"
    ));
    kib.parse::<f64>().unwrap() / 1024.0
}

const UNITS: [&str; 2] = ["guestward", "guestward-ship"];
const FLOOD: u64 = 1000;
