//! The lane `ssm`.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use guestward::finding::Severity;
use guestward::finding::wire::record::Kind;
use guestward::journal::Draft;
use guestward::ship::local::{self, LocalFile};
use guestward::ship::ssm::{Described, Settings, Ssm};
use guestward::ship::{self, Delivered, Destination, Places, Shipper as _, Stop, Trouble};
use serde_json::{Value, json};

use super::{Cloud, INSTANCE};
use crate::support::aws::{Fault, Kind as Wrong};
use crate::support::journal::until;

fn settings() -> Settings {
    let describe = |check: &str| {
        let topic = if check.starts_with("packages") { "packages" } else { "ssh" };
        Some(Described { topic, title: "its title", severity: Severity::Medium })
    };
    // Nobody waits in a test, but where it says so.
    Settings { pause: Duration::ZERO, ..Settings::new(true, true, describe) }
}

fn lane(cloud: &Cloud, settings: Settings) -> Ssm {
    let mut ssm = Ssm::new(settings, cloud.client(Some(INSTANCE)), cloud.matters(), cloud.cursors());
    ssm.resume(None);
    ssm
}

fn finding(change: &str, check: &str, subject: &str, verdict: &str) -> Draft {
    let body = json!({
        "change": change, "check": check, "subject": subject, "verdict": verdict, "severity": "high",
        "title": format!("{check} of {subject}"), "since": "2026-11-22T08:00:00.000Z", "digest": "x",
    });
    Draft {
        time: jiff::Timestamp::now(),
        kind: Kind::Finding,
        severity: Severity::High,
        body: body.to_string(),
    }
}

fn inventory(fail: &[&str], pass: &[&str]) -> Draft {
    let verdicts = json!({"fail": fail, "unknown": [], "pass": pass, "not_applicable": []});
    let body = json!({"digest": "x", "verdicts": verdicts}).to_string();
    Draft { time: jiff::Timestamp::now(), kind: Kind::Inventory, severity: Severity::Informational, body }
}

fn beat() -> Draft {
    let (kind, severity) = (Kind::Heartbeat, Severity::Informational);
    Draft { time: jiff::Timestamp::now(), kind, severity, body: "{}".to_owned() }
}

/// Every record is taken, whatever becomes of the posture.
#[track_caller]
fn deliver(ssm: &mut Ssm, cloud: &mut Cloud, drafts: &[Draft]) {
    let entries = cloud.record(drafts);
    assert_eq!(ssm.deliver(&entries), Ok(Delivered::first(entries.len())));
}

fn items(cloud: &Cloud) -> Vec<Value> {
    cloud.aws.compliance().into_iter().flat_map(|compliance| compliance.items).collect()
}

#[test]
fn what_fails_is_a_compliance_item_until_it_does_not() {
    let mut cloud = Cloud::new();
    let mut ssm = lane(&cloud, settings());
    deliver(&mut ssm, &mut cloud, &[finding("new", "ssh-root", "sshd:22", "fail")]);
    assert_eq!(cloud.count("PutComplianceItems"), 0, "nobody knows yet what is missing");
    deliver(&mut ssm, &mut cloud, &[inventory(&["ssh-root"], &["packages-signed", "ssh-keys"])]);
    let [item] = &items(&cloud)[..] else { panic!("{:?}", items(&cloud)) };
    assert_eq!(
        (&item["Id"], &item["Status"], &item["Severity"], &item["Title"]),
        (&json!("ssh-root"), &json!("NON_COMPLIANT"), &json!("HIGH"), &json!("ssh-root of sshd:22"))
    );
    assert_eq!(
        item["Details"],
        json!({"verdict": "fail", "subjects": "1", "since": "2026-11-22T08:00:00.000Z"})
    );
    let compliance = &cloud.aws.compliance()[0];
    assert_eq!((compliance.instance.as_str(), compliance.kind.as_str()), (INSTANCE, "Custom:guestward"));
    assert_eq!(compliance.hash.as_ref().map(String::len), Some(64));

    let types: Vec<_> =
        cloud.aws.inventory().into_iter().map(|each| (each.type_name, each.entries.len())).collect();
    assert_eq!(types, [("Custom:GuestwardPatch".to_owned(), 1), ("Custom:GuestwardPosture".to_owned(), 3)]);
    let posture = cloud.aws.inventory()[1].clone();
    let root = posture.entries.iter().find(|entry| entry["Check"] == "ssh-root").unwrap();
    assert_eq!(
        *root,
        json!({"Check": "ssh-root", "Topic": "ssh", "Verdict": "fail", "Severity": "high", "Subjects": "1",
               "Since": "2026-11-22T08:00:00.000Z", "Suppressed": "0"})
    );

    deliver(&mut ssm, &mut cloud, &[finding("new", "ssh-keys", "x", "unknown")]);
    assert_eq!(items(&cloud).len(), 2);
    deliver(&mut ssm, &mut cloud, &[finding("resolved", "ssh-root", "sshd:22", "pass")]);
    assert_eq!(items(&cloud)[0]["Details"]["verdict"], "unknown");
    deliver(&mut ssm, &mut cloud, &[finding("resolved", "ssh-keys", "x", "pass")]);
    assert_eq!(items(&cloud), [json!(null); 0], "an empty list clears what was there");
    assert_eq!(cloud.open(), []);
}

#[test]
fn the_same_posture_is_put_once_also_by_the_next_process() {
    let mut cloud = Cloud::new();
    let mut ssm = lane(&cloud, settings());
    deliver(&mut ssm, &mut cloud, &[finding("new", "ssh-root", "a", "fail"), inventory(&["ssh-root"], &[])]);
    let calls = cloud.aws.calls().len();
    deliver(&mut ssm, &mut cloud, &[inventory(&["ssh-root"], &[]), beat()]);
    let mut ssm = lane(&cloud, settings());
    deliver(&mut ssm, &mut cloud, &[inventory(&["ssh-root"], &[]), beat()]);
    assert_eq!(cloud.aws.calls().len(), calls);

    // The file is damaged: the next inventory tells what is open, and a hash tells that the content is there.
    fs::write(cloud.cursors().join("ssm.json"), "{").unwrap();
    let mut ssm = lane(&cloud, settings());
    deliver(&mut ssm, &mut cloud, &[beat()]);
    assert_eq!(cloud.aws.calls().len(), calls);
    deliver(
        &mut ssm,
        &mut cloud,
        &[finding("changed", "ssh-root", "a", "fail"), inventory(&["ssh-root"], &[])],
    );
    let posture = cloud.aws.inventory()[1].clone();
    assert_eq!((posture.puts, posture.hashes), (1, 1));
    assert_eq!(cloud.aws.compliance()[0].skipped, 1);
}

/// As the sensor records what is outstanding.
fn outstanding(names: &[&str]) -> Draft {
    let entry = |name: &&str| {
        json!({"name": name, "arch": "x86_64", "installed": "1", "candidate": "2", "security": true,
            "state": "pending", "origin": "amazonlinux", "reason": null, "hidden_fix": null, "severity": "high",
            "exploited": [], "advisories": [{"id": format!("ALAS2023-2026-{name}"), "severity": "high",
            "cves": ["CVE-2026-1234"], "cve_count": 1}], "advisory_count": 1, "not_before": null,
            "not_after": "2026-11-05T00:00:00.000Z"})
    };
    let pending: Vec<Value> = names.iter().map(entry).collect();
    let body = json!({"digest": "x", "manager": "dnf", "installed": 9, "counts": {"pending": names.len(),
        "security": names.len(), "exploited": 0, "critical": 0, "high": names.len(), "medium": 0, "low": 0,
        "unrated": 0, "held": 0, "phased": 0, "pinned": 0, "kept_back": 0}, "pending": pending, "left_out": 0,
        "reboot": {"needed": false, "reason": null}, "restart": 0, "metadata": {"state": "fresh",
        "as_of": "2026-11-22T00:00:00.000Z", "checked": null, "reason": null}, "locked": null,
        "exploited_as_of": null});
    let body = format!(r#"{{"of":"packages",{}"#, &body.to_string()[1..]);
    Draft { time: jiff::Timestamp::now(), kind: Kind::Inventory, severity: Severity::Informational, body }
}

#[test]
fn what_is_outstanding_is_a_compliance_type_of_its_own_and_an_inventory() {
    let mut cloud = Cloud::new();
    let mut ssm = lane(&cloud, settings());
    deliver(
        &mut ssm,
        &mut cloud,
        &[inventory(&["packages-security-updates"], &[]), outstanding(&["a", "b"])],
    );
    let of = |cloud: &Cloud, kind: &str| {
        let mut all = cloud.aws.compliance().into_iter();
        all.find(|compliance| compliance.kind == kind).unwrap().items
    };
    let ids = |items: &[Value]| {
        items.iter().map(|item| item["Id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let patches = of(&cloud, "Custom:GuestwardPatch");
    assert_eq!(ids(&patches), ["guestward-patches", "ALAS2023-2026-a", "ALAS2023-2026-b"]);
    assert_eq!((&patches[1]["Severity"], &patches[1]["Status"]), (&json!("HIGH"), &json!("NON_COMPLIANT")));
    assert_eq!(patches[1]["Title"], "ALAS2023-2026-a: a 1 -> 2");
    assert_eq!(ids(&of(&cloud, "Custom:guestward")), ["packages-security-updates"]);
    let rows = |cloud: &Cloud| {
        let mut all = cloud.aws.inventory().into_iter();
        all.find(|each| each.type_name == "Custom:GuestwardPackages").unwrap().entries
    };
    let named: Vec<Value> = rows(&cloud).iter().map(|row| row["Name"].clone()).collect();
    assert_eq!(named, ["a", "b"]);

    // Of the two types, the one that changed is put.
    let calls = cloud.count("PutComplianceItems");
    deliver(&mut ssm, &mut cloud, &[outstanding(&[])]);
    assert_eq!(cloud.count("PutComplianceItems"), calls + 1);
    let patches = of(&cloud, "Custom:GuestwardPatch");
    assert_eq!((patches.len(), &patches[0]["Status"]), (1, &json!("COMPLIANT")));
    assert_eq!(rows(&cloud).len(), 0);

    // Another process has what this one kept.
    let calls = cloud.aws.calls().len();
    let mut ssm = lane(&cloud, settings());
    deliver(&mut ssm, &mut cloud, &[outstanding(&[]), beat()]);
    assert_eq!(cloud.aws.calls().len(), calls);
}

#[test]
fn changes_are_put_together_and_a_critical_one_at_once() {
    let mut cloud = Cloud::new();
    let mut ssm = lane(&cloud, Settings { pause: Duration::from_secs(3600), ..settings() });
    deliver(&mut ssm, &mut cloud, &[inventory(&[], &["ssh-root"])]);
    for subject in ["a", "b", "c"] {
        deliver(&mut ssm, &mut cloud, &[finding("new", "ssh-root", subject, "fail")]);
    }
    assert_eq!(cloud.count("PutComplianceItems"), 1);
    let now = jiff::Timestamp::now();
    let late = cloud.record(&[finding("new", "ssh-root", "d", "fail"), beat()]);
    assert!(ssm.patience(&late, now) > Duration::from_secs(3000), "they wait in the journal");
    let mut critical = finding("new", "ssh-keys", "x", "fail");
    critical.severity = Severity::Critical;
    critical.body = critical.body.replace("\"high\"", "\"critical\"");
    let urgent = cloud.record(&[critical]);
    assert_eq!(ssm.patience(&urgent, now), Duration::ZERO);
    let all = [late, urgent].concat();
    assert_eq!(ssm.deliver(&all), Ok(Delivered::first(3)));
    assert_eq!(cloud.count("PutComplianceItems"), 2);
    assert_eq!(
        (items(&cloud)[0]["Severity"].clone(), items(&cloud)[1]["Details"]["subjects"].clone()),
        (json!("CRITICAL"), json!("4"))
    );
}

#[test]
fn only_what_the_policy_turns_on_is_put() {
    let mut cloud = Cloud::new();
    let mut ssm = lane(&cloud, Settings { compliance: false, ..settings() });
    deliver(&mut ssm, &mut cloud, &[inventory(&["ssh-root"], &[])]);
    assert_eq!((cloud.aws.compliance().len(), cloud.aws.inventory().len()), (0, 2));
}

#[test]
fn whoever_refuses_is_asked_again_later_and_the_records_go_on() {
    let mut cloud = Cloud::new();
    cloud.aws.deny("ssm:PutComplianceItems");
    let mut ssm = lane(&cloud, Settings { patience: Duration::from_secs(3600), ..settings() });
    deliver(&mut ssm, &mut cloud, &[inventory(&["ssh-root"], &[])]);
    assert_eq!(cloud.open().len(), 1);
    let (matter, observed) = cloud.open().remove(0);
    assert!(matter == "ssm" && observed.contains("PutComplianceItems: AccessDenied"), "{matter} {observed}");
    assert_eq!(cloud.aws.inventory().len(), 2, "the other one is not kept waiting");
    for subject in ["a", "b", "c"] {
        deliver(&mut ssm, &mut cloud, &[finding("new", "ssh-root", subject, "fail")]);
    }
    assert_eq!(cloud.count("PutComplianceItems"), 1);
    drop(ssm);

    cloud.aws.allow("ssm:PutComplianceItems");
    let mut ssm = lane(&cloud, Settings { patience: Duration::ZERO, ..settings() });
    deliver(&mut ssm, &mut cloud, &[beat()]);
    assert_eq!(
        items(&cloud)[0]["Details"]["subjects"],
        "4",
        "three, and one that only the inventory told of"
    );
    assert_eq!(cloud.open(), []);
}

#[test]
fn a_machine_that_is_no_managed_node_is_told_once_and_asks_nobody() {
    let mut cloud = Cloud::new();
    let mut ssm = Ssm::new(settings(), cloud.client(None), cloud.matters(), cloud.cursors());
    deliver(&mut ssm, &mut cloud, &[inventory(&["ssh-root"], &[])]);
    assert_eq!(cloud.aws.calls().len(), 0);
    assert!(
        cloud
            .open()
            .iter()
            .all(|(matter, observed)| matter == "ssm" && observed.contains("only a managed node"))
    );
    assert_eq!(cloud.open().len(), 2);

    let mut cloud = Cloud::new();
    let refused = Wrong::Refuse(400, "InvalidInstanceId", "The instance is not in valid state for account");
    cloud.aws.faults().push(Fault::times(1, refused).on("PutInventory"));
    let mut ssm = lane(&cloud, Settings { compliance: false, patience: Duration::ZERO, ..settings() });
    deliver(&mut ssm, &mut cloud, &[inventory(&["ssh-root"], &[])]);
    assert!(cloud.open()[0].1.contains("InvalidInstanceId"), "{:?}", cloud.open());
    deliver(&mut ssm, &mut cloud, &[beat()]);
    assert_eq!((cloud.open(), cloud.aws.inventory().len()), (vec![], 2));
}

#[test]
fn what_passes_by_itself_is_tried_again_and_counted_once() {
    let mut cloud = Cloud::new();
    let mut ssm = lane(&cloud, settings());
    let entries = cloud.record(&[finding("new", "ssh-root", "a", "fail"), inventory(&["ssh-root"], &[])]);
    for wrong in [Wrong::Throttle(None), Wrong::Failure, Wrong::Reset, Wrong::ExpiredToken] {
        cloud.aws.faults().set([Fault::times(1, wrong.clone()).on("PutComplianceItems")]);
        assert!(matches!(ssm.deliver(&entries), Err(Trouble::Retry { .. })), "{wrong:?}");
    }
    cloud.aws.faults().set([Fault::times(1, Wrong::LostReply).on("PutComplianceItems")]);
    assert!(matches!(ssm.deliver(&entries), Err(Trouble::Retry { .. })));
    assert_eq!(ssm.deliver(&entries), Ok(Delivered::first(entries.len())));
    assert_eq!(items(&cloud)[0]["Details"]["subjects"], "1");
    assert_eq!(cloud.open(), []);
}

#[test]
fn credentials_of_another_account_put_nothing() {
    let mut cloud = Cloud::new();
    cloud.metadata.credentials(Some(cloud.aws.foreign_credentials("999999999999")));
    let mut ssm = lane(&cloud, settings());
    let entries = cloud.record(&[inventory(&["ssh-root"], &[])]);
    let Err(Trouble::Retry { after: Some(_), .. }) = ssm.deliver(&entries) else { panic!("it was taken") };
    assert_eq!(cloud.open()[0].0, "account");
    assert_eq!(cloud.count("PutComplianceItems") + cloud.count("PutInventory"), 0);
    cloud.metadata.credentials(None);
    // The SDK keeps credentials until they expire; a new process does not have them.
    let mut ssm = lane(&cloud, settings());
    assert_eq!(ssm.deliver(&entries), Ok(Delivered::first(entries.len())));
    assert_eq!(items(&cloud).len(), 1);
}

/// As it runs: each destination on a thread of its own.
#[test]
fn a_systems_manager_that_takes_nothing_holds_up_no_record() {
    let mut cloud = Cloud::new();
    cloud.aws.deny("ssm:PutComplianceItems");
    cloud.aws.deny("ssm:PutInventory");
    let drafts: Vec<Draft> = (0..50).map(|n| finding("new", "ssh-root", &n.to_string(), "fail")).collect();
    cloud.record(&[inventory(&["ssh-root"], &[])]);
    cloud.record(&drafts);
    let ssm = Ssm::new(settings(), cloud.client(Some(INSTANCE)), cloud.matters(), cloud.cursors());
    let path = cloud.state.records();
    let local = LocalFile::new(local::Settings { path, max_bytes: 1 << 20, keep: 1 });
    let places = Places { journal: cloud.state.path().join("journal"), cursors: cloud.cursors() };
    let stop = Stop::new();
    let stopping = stop.clone();
    let destinations = vec![Destination::new(ssm), Destination::new(local)];
    let standings: Vec<_> = destinations.iter().map(Destination::standing).collect();
    let running = std::thread::spawn(move || {
        let tell: ship::Tell = Arc::new(|_| {});
        ship::run(destinations, &places, &stopping, &tell)
    });
    let cursor = || {
        let cursors = guestward::journal::Directory::open(&cloud.cursors()).unwrap();
        guestward::journal::cursor::newest(&cursors, "ssm").unwrap().map(|position| position.seq)
    };
    until("all are delivered", || cloud.state.lines().len() == 52 && cursor() == Some(52));
    stop.set();
    assert!(running.join().unwrap().unwrap());
    assert_eq!((cloud.count("PutComplianceItems"), cloud.count("PutInventory"), standings.len()), (1, 1, 2));
    assert_eq!(cloud.open().len(), 2);
}
