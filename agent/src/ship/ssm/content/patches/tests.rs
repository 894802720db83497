//! Items and rows of records as the sensor writes them.

use serde_json::{Value, json};

use super::*;

pub(super) fn body(pending: Value, left_out: u64, state: &str) -> PatchesBody {
    let count = pending.as_array().map_or(0, Vec::len);
    let zero = [
        "exploited",
        "critical",
        "high",
        "medium",
        "low",
        "unrated",
        "held",
        "phased",
        "pinned",
        "kept_back",
    ];
    let mut counts = json!({"pending": count, "security": count});
    zero.iter().for_each(|name| counts[*name] = json!(0));
    let body = json!({"digest": "x", "manager": "dnf", "installed": 9, "counts": counts, "pending": pending,
        "left_out": left_out, "reboot": {"needed": true, "reason": "r"}, "restart": 0,
        "metadata": {"state": state, "as_of": "2026-11-22T00:00:00.000Z", "checked": null, "reason": null},
        "locked": null, "exploited_as_of": null});
    let text = format!(r#"{{"of":"packages",{}"#, &body.to_string()[1..]);
    PatchesBody::parse(&text).unwrap().unwrap()
}

fn entry(name: &str, advisories: Value, exploited: Value) -> Value {
    json!({"name": name, "arch": "x86_64", "installed": "1", "candidate": "2", "security": true, "state": "held",
        "origin": "amazonlinux", "reason": "a hold", "hidden_fix": null, "severity": "high", "exploited": exploited,
        "advisories": advisories, "advisory_count": 1, "not_before": null, "not_after": "2026-11-05T00:00:00.000Z"})
}

fn notice(id: &str, severity: &str, cves: Value) -> Value {
    json!({"id": id, "severity": severity, "cves": cves, "cve_count": 1})
}

#[test]
fn an_advisory_is_one_item_however_many_packages_answer_it() {
    let first = notice("ALAS2023-2026-1", "high", json!(["CVE-2026-1"]));
    let second = notice("ALAS2023-2026-2", "low", json!(["CVE-2026-2", "CVE-2026-3"]));
    let pending = json!([
        entry("openssl", json!([first, second]), json!(["CVE-2026-3"])),
        entry("openssl-libs", json!([first]), json!([])),
        entry("debian-like", json!([]), json!([])),
    ]);
    let items = items(&body(pending, 0, "fresh"));
    let told: Vec<(&str, &str, Option<Severity>)> =
        items.iter().map(|item| (item.id.as_str(), item.title.as_str(), item.severity)).collect();
    assert_eq!(
        told,
        [
            ("guestward-patches", "3 security updates are outstanding", None),
            ("ALAS2023-2026-1", "ALAS2023-2026-1: openssl 1 -> 2 and 1 more", Some(Severity::High)),
            ("ALAS2023-2026-2", "ALAS2023-2026-2: openssl 1 -> 2", Some(Severity::Critical)),
            ("package:debian-like:x86_64", "debian-like 1 -> 2", Some(Severity::High)),
        ]
    );
    assert!(items.iter().all(|item| !item.is_compliant));
    let details = &items[2].details;
    assert_eq!(
        (details["cves"].as_str(), details["exploited"].as_str()),
        ("CVE-2026-2,CVE-2026-3", "CVE-2026-3")
    );
    assert_eq!(
        (details["state"].as_str(), details["not_after"].as_str()),
        ("held", "2026-11-05T00:00:00.000Z")
    );
}

#[test]
fn only_what_is_known_to_be_well_is_compliant() {
    for (state, compliant) in [("fresh", true), ("stale", false), ("unknown", false)] {
        let items = items(&body(json!([]), 0, state));
        assert_eq!((items.len(), items[0].is_compliant), (1, compliant), "{state}");
    }
    let mut unknown = body(json!([]), 0, "fresh");
    unknown.counts = None;
    unknown.pending = None;
    assert!(!items(&unknown)[0].is_compliant && rows(&unknown).is_empty());
}

#[test]
fn what_has_no_room_is_one_item_that_counts_it() {
    let cves: Vec<String> = (0..24).map(|n| format!("CVE-2026-{n:0400}")).collect();
    let many: Vec<Value> = (0..300)
        .map(|n| entry(&format!("p{n}"), json!([notice(&format!("A-{n}"), "low", json!(cves))]), json!([])))
        .collect();
    let body = body(json!(many), 7, "fresh");
    let items = items(&body);
    let bytes: usize = items.iter().map(|item| item.to_json().len()).sum();
    assert!(bytes < 800_000, "{bytes}");
    let last = items.last().unwrap();
    assert_eq!(last.id, "guestward-left-out");
    assert_eq!(last.details["left_out"], (300 - (items.len() - 2) + 7).to_string());
    let rows = rows(&body);
    assert_eq!((rows.len(), rows.last().unwrap()["Candidate"].as_str()), (301, "7"));
}
