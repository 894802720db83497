//! The plug pulled while records flow.

use std::time::Duration;

use vm_tests::Suite;

use crate::ec2::Ec2;
use crate::figures::{is_long, tell};

pub(crate) fn what_was_accepted_survives_power_cuts(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    for cut in 0..cuts() {
        // Every other time the records are nowhere but on the guest's disk.
        ec2.guest.link(cut % 2 == 0);
        ec2.flow();
        let before = ec2.accepted();
        let accepted = ec2.guest.wait_for("records", Duration::from_secs(300), || {
            let accepted = ec2.accepted();
            (accepted.1 >= before.1 + 5 + cut).then_some(accepted)
        });
        ec2.guest.cut_power();
        let booted = ec2.guest.boot();
        ec2.until_active();
        let started = start_of(&ec2, "guestward");
        tell(&format!(
            "{suite}: cut {cut}: {} accepted; up after {:.1} s; the sensor was ready after {started:.2} s",
            accepted.1,
            booted.as_secs_f64()
        ));
        ec2.until_all_up_to(&accepted);
    }
    ec2.until_delivered();
    assert!(
        ec2.records().iter().all(|record| record["kind"] != "gap"),
        "nothing was lost, and so there is no gap"
    );
}

/// Seconds from a unit's start until it said that it was ready.
pub(crate) fn start_of(ec2: &Ec2, unit: &str) -> f64 {
    let times = ec2.guest.sh(&format!(
        "systemctl show -p ExecMainStartTimestampMonotonic -p ActiveEnterTimestampMonotonic --value {unit}"
    ));
    let mut times: Vec<f64> = times.lines().map(|line| line.parse().unwrap()).collect();
    times.sort_by(f64::total_cmp);
    (times[1] - times[0]) / 1e6
}

/// Ten in `tests/all --long`: a boot of an emulated guest is a minute where the machine has other work.
fn cuts() -> u64 {
    if is_long() { 10 } else { 3 }
}
