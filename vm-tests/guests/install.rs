//! From a bare guest to records in CloudWatch, by `dpkg -i` alone.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;
use vm_tests::Suite;

use crate::ec2::{ACCOUNT, Ec2};
use crate::figures::tell;

pub(crate) fn the_package_is_all_it_takes(suite: Suite) {
    let ec2 = Ec2::bare(suite);
    ec2.deliver();
    ec2.install();
    let installed = Instant::now();
    ec2.until_active();
    let posture = ec2.until_record("posture", |record| record["kind"] == "inventory");
    tell(&format!(
        "{suite}: the first posture was in CloudWatch {:.1} s after dpkg",
        installed.elapsed().as_secs_f64()
    ));
    assert_eq!(posture["instance"], "i-0123456789abcdef0");
    assert_eq!(posture["account"], ACCOUNT.id);
    assert_eq!(posture["region"], ACCOUNT.region);
    assert_eq!(ec2.guest.try_sh("systemctl is-system-running").stdout, "running\n");
    let doctor = ec2.guest.try_sh("guestward doctor --format json");
    let doctor_said: Value = serde_json::from_str(&doctor.stdout).unwrap();
    assert_eq!(doctor.code, 0, "{doctor_said:#}");
}

/// The agent passes its own checks on the host where it is installed.
pub(crate) fn it_finds_nothing_wrong_with_itself(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    ec2.until_record("posture", |record| record["kind"] == "inventory");
    ec2.until_delivered();
    let said = ec2.guest.try_sh("guestward check --format json").stdout;
    let posture: Value = serde_json::from_str(&said).unwrap();
    let findings = posture["findings"].as_array().unwrap();
    assert!(findings.len() > 100, "{} findings", findings.len());
    let about_us: Vec<&Value> = findings
        .iter()
        .filter(|finding| finding["verdict"] == "fail" || finding["verdict"] == "unknown")
        .filter(|finding| {
            let evidence = format!("{} {}", finding["evidence"], finding["subject"]);
            evidence.contains("guestward")
                || finding["check"].as_str().unwrap().starts_with("logging-delivery")
        })
        .collect();
    assert!(about_us.is_empty(), "{about_us:#?}");
}

/// Confinement takes nothing from the sensor's sight.
pub(crate) fn the_sensor_sees_what_root_sees(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    let inventory = ec2.until_record("posture", |record| record["kind"] == "inventory");
    let said = ec2.guest.try_sh("guestward check --format json").stdout;
    let posture: Value = serde_json::from_str(&said).unwrap();
    let mut by_root: BTreeMap<&str, &str> = BTreeMap::new();
    for finding in posture["findings"].as_array().unwrap() {
        let (check, verdict) = (finding["check"].as_str().unwrap(), finding["verdict"].as_str().unwrap());
        let worst = by_root.entry(check).or_insert(verdict);
        if badness(verdict) > badness(worst) {
            *worst = verdict;
        }
    }
    let differing: Vec<String> = by_root
        .iter()
        // How delivery goes differs from moment to moment, and not by who looks.
        .filter(|(check, _)| !check.starts_with("logging-delivery"))
        .map(|(check, verdict)| (check, verdict, verdict_of(&inventory, check)))
        .filter(|(_, by_root, by_sensor)| by_root != &by_sensor)
        .map(|(check, by_root, by_sensor)| format!("{check}: root {by_root}, sensor {by_sensor}"))
        .collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

fn badness(verdict: &str) -> usize {
    ["not_applicable", "pass", "unknown", "fail"].iter().position(|one| *one == verdict).expect("a verdict")
}

fn verdict_of<'a>(inventory: &'a Value, check: &str) -> &'a str {
    let lists = inventory["body"]["verdicts"].as_object().expect("verdicts");
    let has_it = |list: &Value| list.as_array().is_some_and(|checks| checks.iter().any(|one| one == check));
    lists.iter().find(|(_, list)| has_it(list)).map_or("none", |(verdict, _)| verdict)
}
