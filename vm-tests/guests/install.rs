//! From a bare guest to records in CloudWatch, by `dpkg -i` alone.

use std::time::Instant;

use serde_json::Value;
use vm_tests::Suite;

use crate::ec2::{ACCOUNT, Ec2};

pub(crate) fn the_package_is_all_it_takes(suite: Suite) {
    let ec2 = Ec2::bare(suite);
    ec2.deliver();
    ec2.install();
    let installed = Instant::now();
    ec2.until_active();
    let posture = ec2.until_record("posture", |record| record["kind"] == "inventory");
    eprintln!("{suite}: the first posture was in CloudWatch {:.1} s after dpkg", installed.elapsed().as_secs_f64());
    assert_eq!(posture["instance"], "i-0123456789abcdef0");
    assert_eq!(posture["account"], ACCOUNT.id);
    assert_eq!(posture["region"], ACCOUNT.region);
    assert_eq!(ec2.guest.try_sh("systemctl is-system-running").stdout, "running\n");
    let doctor = ec2.guest.try_sh("guestward doctor --format json");
    let doctor_said: Value = serde_json::from_str(&doctor.stdout).unwrap();
    assert_eq!(doctor.code, 0, "{doctor_said:#}");
}
