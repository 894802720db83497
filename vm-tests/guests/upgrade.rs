//! The package replaced by its next version while records flow, removed, and purged.

use std::path::PathBuf;

use vm_tests::Suite;
use vm_tests::shell::sh;

use crate::ec2::{Ec2, install};
use crate::made;
use crate::processes::main_pid;

pub(crate) fn an_upgrade_loses_nothing_a_removal_keeps_and_a_purge_leaves_nothing(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    upgraded_under_load(&ec2);
    removed_and_purged(&ec2);
}

fn upgraded_under_load(ec2: &Ec2) {
    ec2.toggle();
    let before = [main_pid(ec2, "guestward"), main_pid(ec2, "guestward-ship")];
    let next = next_version();
    let accepted = ec2.accepted();
    install(&ec2.guest, &next);
    ec2.until_active();
    ec2.stop_toggle();
    let after = [main_pid(ec2, "guestward"), main_pid(ec2, "guestward-ship")];
    assert!(before[0] != after[0] && before[1] != after[1], "the old code still runs");
    ec2.until_all_up_to(&accepted);
    ec2.until_delivered();
    assert!(ec2.records().iter().all(|record| record["kind"] != "gap"));
}

fn removed_and_purged(ec2: &Ec2) {
    ec2.guest.sh("dpkg --remove guestward");
    ec2.guest.sh("test -d /var/lib/guestward/journal && test -e /etc/guestward/policy.toml");
    assert_eq!(ec2.guest.try_sh("pgrep -c guestward").stdout, "0\n");
    ec2.install();
    ec2.until_active();
    ec2.until_record("a second start", |record| {
        record["kind"] == "lifecycle"
            && record["seq"].as_u64() > Some(10)
            && record.to_string().contains("\"start\"")
    });
    ec2.guest.sh("dpkg --purge guestward");
    let left = ec2.guest.sh("find / -xdev -name '*guestward*' -not -path '/root/*' -not -path '/proc/*'");
    assert_eq!(left, "", "left behind");
    assert_eq!(ec2.guest.try_sh("systemctl is-system-running").stdout, "running\n");
}

/// The package again, with nothing but a higher version.
fn next_version() -> PathBuf {
    let package = made::deb();
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("next");
    let next = directory.join("guestward-next.deb");
    sh(&format!(
        "rm -rf '{0}' && mkdir -p '{0}' && dpkg-deb --raw-extract '{1}' '{0}/tree' &&
         sed -i 's/^Version: .*/Version: 99.0.0-1/' '{0}/tree/DEBIAN/control' &&
         dpkg-deb --root-owner-group -Zgzip --build '{0}/tree' '{2}'",
        directory.display(),
        package.display(),
        next.display()
    ));
    next
}
