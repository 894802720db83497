//! The daemons killed, stopped and starved.

use std::time::Duration;

use vm_tests::Suite;

use crate::ec2::{Ec2, UP};

pub(crate) fn a_daemon_that_is_killed_starved_or_hangs_is_back_and_nothing_is_lost(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    killed(&ec2);
    starved(&ec2);
    hanging(&ec2);
}

fn killed(ec2: &Ec2) {
    ec2.toggle();
    for unit in ["guestward", "guestward-ship", "guestward"] {
        let before = main_pid(ec2, unit);
        let accepted = ec2.accepted();
        ec2.guest.sh(&format!("systemctl kill --signal=KILL {unit}"));
        until_another(ec2, unit, &before);
        ec2.until_all_up_to(&accepted);
        ec2.until_active();
    }
    ec2.stop_toggle();
    ec2.until_delivered();
    assert!(ec2.records().iter().all(|record| record["kind"] != "gap"));
}

/// The service manager replaces a sensor that is silent for a minute. The shipper has nobody who could speak for all its
/// lanes: it goes on where it was, and what the sensor makes of its silence is a finding.
fn hanging(ec2: &Ec2) {
    let accepted = ec2.accepted();
    let before = main_pid(ec2, "guestward");
    ec2.guest.sh("systemctl kill --signal=STOP guestward guestward-ship");
    until_another(ec2, "guestward", &before);
    let said = ec2.guest.sh("journalctl -u guestward --no-pager -o cat");
    assert!(said.contains("atchdog"), "{said}");
    ec2.guest.sh("systemctl kill --signal=CONT guestward-ship");
    ec2.until_active();
    ec2.until_all_up_to(&accepted);
}

/// Another of the slice takes all the memory that there is for it: that one is ended, and nothing is lost.
fn starved(ec2: &Ec2) {
    let before = ec2.accepted();
    ec2.guest.sh("systemd-run --quiet --unit=hog --slice=guestward.slice -p OOMScoreAdjust=900 \
         perl -e 'my @all; push @all, \"x\" x 1048576 while 1'");
    ec2.guest.wait_for("an end of the hog", UP, || {
        let state = ec2.guest.try_sh("systemctl is-active hog").stdout;
        let events = ec2.guest.sh("cat /sys/fs/cgroup/guestward.slice/memory.events");
        (state != "active\n" && !events.contains("oom_kill 0")).then_some(())
    });
    ec2.flow();
    let accepted = ec2.guest.wait_for("records after that", UP, || {
        let accepted = ec2.accepted();
        (accepted.1 >= before.1 + 10).then_some(accepted)
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
    ec2.guest.wait_for(&format!("another {unit}"), Duration::from_secs(600), || {
        let is_active = ec2.guest.try_sh(&format!("systemctl is-active {unit}")).stdout == "active\n";
        let pid = main_pid(ec2, unit);
        (is_active && pid != before && pid != "0").then_some(())
    });
}
