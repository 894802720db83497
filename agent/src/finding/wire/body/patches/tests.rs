//! The literal text of the body, and that it never outgrows a record.

use std::sync::Arc;

use super::super::MAX_BODY;
use super::*;
use crate::finding::patch::Standing;
use crate::host::packages::advisory::{Interval, Kind};
use crate::host::packages::{Database, Metadata, Pending, PendingState};
use crate::host::{Host, Wanted};

const NOW: &str = "2026-11-22T00:00:00Z";

fn facts() -> Facts {
    let root = tempfile::tempdir().unwrap();
    let now: Timestamp = NOW.parse().unwrap();
    let mut facts = Facts::gather(&Host::at(root.path()).unwrap(), Wanted::NONE, now, &mut |_| {});
    Arc::make_mut(&mut facts.packages).manager = Ok(Manager::Dnf);
    Arc::make_mut(&mut facts.packages).database = Ok(Database::default());
    Arc::make_mut(&mut facts.packages).updates = Ok(Updates {
        locked: Some(Locked {
            release: "2023.9.20261101".into(),
            by: "system-release".into(),
            date: None,
            newest: None,
        }),
        ..Updates::default()
    });
    Arc::make_mut(&mut facts.packages).metadata =
        Metadata { newest: Some(now), checked: Some(now), ..Metadata::default() };
    facts
}

fn pending(name: &str) -> Pending {
    let advisory = Advisory {
        id: "ALAS2023-2026-1".into(),
        kind: Kind::Security,
        urgency: Some(Urgency::Critical),
        issued: None,
        cves: vec!["CVE-2026-0001".into()],
    };
    Pending {
        name: name.into(),
        architecture: "x86_64".into(),
        installed: "1".into(),
        candidate: "2".into(),
        is_security: true,
        state: PendingState::Held,
        origin: "amazonlinux".into(),
        reason: Some("/etc/dnf/dnf.conf:3".into()),
        hidden_fix: None,
        advisories: vec![advisory],
        available: Interval { not_before: None, not_after: NOW.parse().ok() },
    }
}

fn patch(pending: &Pending) -> Patch<'_> {
    Patch { pending, exploited: vec!["CVE-2026-0001"], standing: Standing::Overdue }
}

#[test]
fn the_body_is_this_text_and_is_read_back() {
    let openssl = pending("openssl");
    let body = PatchesBody::of(&facts(), &[patch(&openssl)], 60);
    let digest = body.digest.as_str();
    let text = format!(
        concat!(
            r#"{{"of":"packages","digest":"{}","manager":"dnf","installed":0,"#,
            r#""counts":{{"pending":1,"security":1,"exploited":1,"critical":1,"high":0,"medium":0,"low":0,"unrated":0,"held":1,"phased":0,"pinned":0,"kept_back":0}},"#,
            r#""pending":[{{"name":"openssl","arch":"x86_64","installed":"1","candidate":"2","security":true,"state":"held","#,
            r#""origin":"amazonlinux","reason":"/etc/dnf/dnf.conf:3","hidden_fix":null,"severity":"critical","exploited":["CVE-2026-0001"],"#,
            r#""advisories":[{{"id":"ALAS2023-2026-1","severity":"critical","cves":["CVE-2026-0001"],"cve_count":1}}],"advisory_count":1,"#,
            r#""not_before":null,"not_after":"2026-11-22T00:00:00.000Z"}}],"left_out":0,"#,
            r#""reboot":{{"needed":null,"reason":"packages was not looked at"}},"restart":null,"#,
            r#""metadata":{{"state":"fresh","as_of":"2026-11-22T00:00:00.000Z","checked":"2026-11-22T00:00:00.000Z","reason":null}},"#,
            r#""locked":{{"release":"2023.9.20261101","by":"system-release","newest":null}},"exploited_as_of":null}}"#
        ),
        digest
    );
    assert_eq!(body.to_json(), text);
    assert_eq!(PatchesBody::parse(&text), Some(Ok(body)));
    assert_eq!(PatchesBody::parse(r#"{"digest":"x","verdicts":{}}"#), None);
    assert!(PatchesBody::parse(r#"{"of":"packages"}"#).unwrap().is_err());
}

#[test]
fn only_what_means_something_makes_another_digest() {
    let digest = |facts: &Facts, pending: &Pending| PatchesBody::of(facts, &[patch(pending)], 60).digest;
    let (openssl, before) = (pending("openssl"), facts());
    let first = digest(&before, &openssl);
    let later = Pending { available: Interval::default(), ..openssl.clone() };
    assert_eq!(digest(&before, &later), first, "a list's date is none");
    for other in [
        Pending { candidate: "3".into(), ..openssl.clone() },
        Pending { state: PendingState::Pending, ..openssl.clone() },
        Pending { advisories: Vec::new(), ..openssl.clone() },
    ] {
        assert_ne!(digest(&before, &other), first, "{other:?}");
    }
    let mut stale = facts();
    Arc::make_mut(&mut stale.packages).metadata.checked = "2026-01-01T00:00:00Z".parse().ok();
    assert_ne!(digest(&stale, &openssl), first, "what cannot be believed any more is told");
}

#[test]
fn what_has_no_room_is_counted_and_no_text_makes_it_longer_than_a_record() {
    let long = "\u{1b}\"x".repeat(1_000);
    let mut big = pending(&long);
    big.reason = Some(long.clone());
    big.advisories = vec![Advisory { cves: vec![long.clone(); 100], ..big.advisories[0].clone() }; 100];
    let patches = vec![patch(&big); 20];
    let body = PatchesBody::of(&facts(), &patches, 60);
    assert!(body.to_json().len() <= MAX_BODY, "{}", body.to_json().len());
    let kept = count(body.pending.as_ref().unwrap().len());
    assert_eq!(kept + body.left_out, 20);
    let small = pending("openssl");
    let patches = vec![patch(&small); 2_000];
    let body = PatchesBody::of(&facts(), &patches, 60);
    assert!(body.to_json().len() <= MAX_BODY && body.left_out > 0);
    assert!(count(body.pending.unwrap().len()) > 300);
}

#[test]
fn updates_that_could_not_be_looked_for_are_null() {
    let mut facts = facts();
    Arc::make_mut(&mut facts.packages).updates = Err(crate::host::Unreadable::not_asked("packages"));
    let body = PatchesBody::of(&facts, &[], 60);
    assert_eq!((&body.pending, &body.counts), (&None, &None));
    assert_eq!(body.metadata.state.as_str(), "unknown");
}
