//! The daemons killed, stopped and starved.

use std::time::Duration;

use vm_tests::Suite;

use crate::ec2::{Ec2, UP};

pub(crate) fn a_killed_daemon_is_back_and_nothing_is_lost(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    ec2.until_record("posture", |record| record["kind"] == "inventory");
    ec2.flow();
    for unit in ["guestward", "guestward-ship", "guestward"] {
        let before = main_pid(&ec2, unit);
        let accepted = ec2.accepted();
        ec2.guest.sh(&format!("systemctl kill --signal=KILL {unit}"));
        until_another(&ec2, unit, &before);
        ec2.until_all_up_to(&accepted);
        // A policy that cannot be read keeps a daemon from starting.
        ec2.until_active();
    }
    ec2.stop_flow();
    ec2.until_delivered();
    assert!(ec2.records().iter().all(|record| record["kind"] != "gap"));
}

pub(crate) fn a_daemon_that_hangs_is_replaced(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    ec2.until_record("posture", |record| record["kind"] == "inventory");
    let accepted = ec2.accepted();
    for unit in ["guestward", "guestward-ship"] {
        let before = main_pid(&ec2, unit);
        ec2.guest.sh(&format!("systemctl kill --signal=STOP {unit}"));
        until_another(&ec2, unit, &before);
        let result = ec2.guest.sh(&format!("journalctl -u {unit} --no-pager -o cat"));
        assert!(result.contains("atchdog"), "{result}");
    }
    ec2.until_active();
    ec2.until_all_up_to(&accepted);
}

/// Another of the slice takes all the memory that there is for it.
pub(crate) fn memory_pressure_costs_no_record(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    ec2.until_record("posture", |record| record["kind"] == "inventory");
    ec2.flow();
    let accepted = ec2.accepted();
    ec2.guest.sh("systemd-run --quiet --unit=hog --slice=guestward.slice -p OOMScoreAdjust=900 \
         perl -e 'my @all; push @all, \"x\" x 1048576 while 1'");
    ec2.guest.wait_for("an end of the hog", UP, || {
        let state = ec2.guest.sh("systemctl show --value -p Result hog; systemctl is-active hog || true");
        (state.contains("oom-kill") || state.contains("failed")).then_some(())
    });
    ec2.stop_flow();
    ec2.until_active();
    ec2.until_all_up_to(&accepted);
    ec2.until_delivered();
}

pub(crate) fn main_pid(ec2: &Ec2, unit: &str) -> String {
    ec2.guest.sh(&format!("systemctl show --value -p MainPID {unit}"))
}

fn until_another(ec2: &Ec2, unit: &str, before: &str) {
    ec2.guest.wait_for(&format!("another {unit}"), Duration::from_secs(300), || {
        let is_active = ec2.guest.try_sh(&format!("systemctl is-active {unit}")).stdout == "active\n";
        let pid = main_pid(ec2, unit);
        (is_active && pid != before && pid != "0").then_some(())
    });
}
