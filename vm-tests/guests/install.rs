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
    let posture = ec2.until_posture();
    let took = installed.elapsed().as_secs_f64();
    tell(&format!("{suite}: the first posture was in CloudWatch {took:.1} s after dpkg"));
    assert_eq!(posture["instance"], "i-0123456789abcdef0");
    assert_eq!(posture["account"], ACCOUNT.id);
    assert_eq!(posture["region"], ACCOUNT.region);
    ec2.until_delivered();
    assert_eq!(ec2.guest.try_sh("systemctl is-system-running").stdout, "running\n");
    let doctor = ec2.guest.try_sh("guestward doctor --format json");
    let doctor_said: Value = serde_json::from_str(&doctor.stdout).unwrap();
    assert_eq!(doctor.code, 0, "{doctor_said:#}");
    both_daemons_have_given_up_what_they_do_not_need(&ec2);
    let said = ec2.guest.try_sh("guestward check --format json").stdout;
    let by_root: Value = serde_json::from_str(&said).unwrap();
    it_finds_nothing_wrong_with_itself(&by_root);
    // The package starts the sensor while dpkg is still at work.
    ec2.until_record("the end of dpkg's work", |record| tells(record, "packages-half-installed", "pass"));
    the_sensor_sees_what_root_sees(&by_root, &posture);
    the_package_manager_is_asked_without_power(&ec2);
}

/// What the timer starts every night: its user, without a network, may ask and keep the answer.
fn the_package_manager_is_asked_without_power(ec2: &Ec2) {
    let timer = ec2.guest.try_sh("systemctl is-active guestward-self-check.timer");
    assert_eq!(timer.stdout, "active\n");
    let ran = ec2.guest.try_sh("systemctl start guestward-self-check.service");
    assert_eq!(ran.code, 0, "{}", ec2.guest.try_sh("journalctl --no-pager -u guestward-self-check").stdout);
    let kept = ec2.guest.try_sh("stat -c %U /var/lib/guestward/packages/compared.json && cat /var/lib/guestward/packages/compared.json");
    let (owner, compared) = kept.stdout.split_once('\n').expect("what came of it is kept");
    let compared: Value = serde_json::from_str(compared).unwrap();
    assert_eq!((owner, compared["agreed"].is_u64()), ("guestward", true), "{compared:#}");
}

/// Either kind of record that has verdicts.
fn tells(record: &Value, check: &str, verdict: &str) -> bool {
    match record["kind"].as_str() {
        Some("inventory") if record["body"]["of"].is_null() => verdict_of(record, check) == verdict,
        Some("finding") => record["body"]["check"] == check && record["body"]["verdict"] == verdict,
        _ => false,
    }
}

fn both_daemons_have_given_up_what_they_do_not_need(ec2: &Ec2) {
    let status = ec2.status();
    for daemon in ["sensor", "shipper"] {
        let confinement = &status[daemon]["confinement"];
        assert_eq!(confinement["no_new_privs"], true, "{daemon}: {confinement}");
        assert_eq!(confinement["seccomp"], true, "{daemon}: {confinement}");
        assert_eq!(confinement["trouble"], serde_json::json!([]), "{daemon}: {confinement}");
    }
    assert_eq!(status["shipper"]["confinement"]["capabilities"], serde_json::json!([]));
    let mut kept: Vec<String> =
        serde_json::from_value(status["sensor"]["confinement"]["capabilities"].clone()).unwrap();
    kept.sort();
    let wanted = ["CAP_DAC_READ_SEARCH", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE"];
    assert_eq!(kept, wanted);
    // Debian 11's kernel has no Landlock.
    let has_landlock = ec2.guest.sh("cat /sys/kernel/security/lsm").contains("landlock");
    assert_eq!(!status["shipper"]["confinement"]["landlock"].is_null(), has_landlock, "{status:#}");
}

/// The agent passes its own checks on the host where it is installed.
fn it_finds_nothing_wrong_with_itself(posture: &Value) {
    let findings = posture["findings"].as_array().unwrap();
    assert!(findings.len() > 100, "{} findings", findings.len());
    let about_us: Vec<&Value> = findings
        .iter()
        .filter(|finding| finding["verdict"] == "fail" || finding["verdict"] == "unknown")
        // Nobody has agreed on the files of this guest: that is an operator's to do.
        .filter(|finding| finding["check"] != "files-integrity-checked")
        .filter(|finding| {
            let evidence = format!("{} {}", finding["evidence"], finding["subject"]);
            evidence.contains("guestward")
                || finding["check"].as_str().unwrap().starts_with("logging-delivery")
        })
        .collect();
    assert!(about_us.is_empty(), "{about_us:#?}");
}

/// Confinement takes nothing from the sensor's sight.
fn the_sensor_sees_what_root_sees(by_root: &Value, inventory: &Value) {
    let mut worst_by_root: BTreeMap<&str, &str> = BTreeMap::new();
    for finding in by_root["findings"].as_array().unwrap() {
        let (check, verdict) = (finding["check"].as_str().unwrap(), finding["verdict"].as_str().unwrap());
        let worst = worst_by_root.entry(check).or_insert(verdict);
        if badness(verdict) > badness(worst) {
            *worst = verdict;
        }
    }
    let differing: Vec<String> = worst_by_root
        .iter()
        // How delivery goes, and whether the clock is right by now, differs by the moment and not by who looks.
        .filter(|(check, _)| {
            !check.starts_with("logging-delivery")
                && !["logging-seal-key", "logging-time-sync", "packages-half-installed"].contains(check)
        })
        .map(|(check, verdict)| (check, verdict, verdict_of(inventory, check)))
        .filter(|(_, root, sensor)| root != &sensor)
        // Linux 5.10 lets only user 0 read fs.protected_*, and no capability helps.
        .filter(|(check, _, sensor)| (**check, *sensor) != ("kernel-protected-links", "unknown"))
        .map(|(check, root, sensor)| format!("{check}: root {root}, sensor {sensor}"))
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
