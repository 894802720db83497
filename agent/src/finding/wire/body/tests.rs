//! Every kind's body as the literal text that readers rely on, and what a hostile machine makes of it.

use jiff::Timestamp;
use proptest::prelude::*;

use super::super::gap::{Cause, Gap, MAX_RUNS, Run};
use super::super::record::Hash;
use super::*;
use crate::finding::{Evidence, Source, Suppressed, Text};

#[test]
fn a_finding_has_the_promised_members_in_their_order() {
    let finding = Finding {
        evidence: vec![
            Evidence::new(Source::line("/etc/ssh/sshd_config", 3), "PasswordAuthentication yes", "no")
                .with_witness("user=bob"),
        ],
        ..finding("sshd:22")
    };
    let body = FindingBody::of(Change::New, &finding, &finding.evidence, since(), "abc");
    pinned(
        &body.to_json(),
        r#"{"change":"new","check":"ssh-password","subject":"sshd:22","verdict":"fail","severity":"critical","title":"Passwords are let in","evidence":[{"source":"/etc/ssh/sshd_config:3","observed":"PasswordAuthentication yes","expected":"no","witness":"user=bob"}],"since":"2026-11-22T01:02:03.004Z","digest":"abc"}"#,
    );
    assert_eq!(FindingBody::parse(&body.to_json()), Ok(body));
}

#[test]
fn a_suppression_its_end_and_a_reason_are_told() {
    let suppressed = Suppressed {
        who: Text::new("alice"),
        why: Text::new("w"),
        until: "2026-01-01".into(),
        expired: true,
    };
    let finding = Finding { suppressed: Some(suppressed), reason: Some(Text::new("r")), ..finding("s") };
    let body = FindingBody { verdict: None, ..FindingBody::of(Change::Resolved, &finding, [], since(), "d") };
    pinned(
        &body.to_json(),
        r#"{"change":"resolved","check":"ssh-password","subject":"s","verdict":null,"severity":"critical","title":"Passwords are let in","reason":"r","suppression":{"who":"alice","until":"2026-01-01","expired":true},"since":"2026-11-22T01:02:03.004Z","digest":"d"}"#,
    );
    assert_eq!(FindingBody::parse(&body.to_json()), Ok(body));
}

#[test]
fn a_heartbeat_has_the_promised_members_in_their_order() {
    let heartbeat = Heartbeat {
        posture: Summary {
            pass: 61,
            fail: 3,
            unknown: 1,
            not_applicable: 9,
            suppressed: 2,
            worst: Some(Severity::High),
        },
        version: "0.1.0",
        policy: [7; 32],
        backlog_records: 5,
        backlog_bytes: 4_096,
        gaps: 1,
        dropped: 12,
        cpu: Duration::from_millis(12_345),
        rss: 9_437_184,
        up: Duration::from_secs(3_600),
    };
    pinned(
        &heartbeat.to_json(),
        r#"{"counts":{"pass":61,"fail":3,"unknown":1,"not_applicable":9,"suppressed":2},"worst":"high","version":"0.1.0","policy":"BwcHBwcHBwcH","backlog":{"records":5,"bytes":4096},"gaps":1,"dropped":12,"cpu_s":12.3,"rss":9437184,"up_s":3600}"#,
    );
}

#[test]
fn an_inventory_names_each_check_once_under_its_worst_verdict() {
    let of = |check, subject: &str, verdict| Finding { check, verdict, ..finding(subject) };
    let mut findings = vec![
        of("a", "1", Verdict::Pass),
        of("a", "2", Verdict::Fail),
        of("b", "1", Verdict::NotApplicable),
        of("c", "1", Verdict::Unknown),
        of("c", "2", Verdict::Pass),
        of("d", "1", Verdict::Pass),
    ];
    let inventory = Inventory::of(&findings);
    pinned(
        &inventory.to_json(),
        r#"{"digest":"S_N02hUawLb7XxzDaR92IV6nkIW06TNhlAqnUs9_1_Y","verdicts":{"fail":["a"],"unknown":["c"],"pass":["d"],"not_applicable":["b"]}}"#,
    );
    findings.reverse();
    assert_eq!(Inventory::of(&findings), inventory, "the order of a posture means nothing");
    findings[0].verdict = Verdict::NotApplicable;
    assert_ne!(Inventory::of(&findings).digest, inventory.digest);
}

#[test]
fn the_agents_own_life_is_told_in_fixed_words() {
    let former = Former { agent: "0".into(), epoch: "1".into(), instance: Some("i-1".into()) };
    for (event, text) in [
        (
            Lifecycle::Start { version: "0.1.0", clean: None },
            r#"{"event":"start","version":"0.1.0","clean":null}"#,
        ),
        (Lifecycle::Stop { reason: "SIGTERM".into() }, r#"{"event":"stop","reason":"SIGTERM"}"#),
        (
            Lifecycle::Epoch { from: None, cause: EpochCause::FirstStart },
            r#"{"event":"epoch","from":null,"cause":"first-start"}"#,
        ),
        (
            Lifecycle::Epoch { from: Some(former), cause: EpochCause::OtherInstance },
            r#"{"event":"epoch","from":{"agent":"0","epoch":"1","instance":"i-1"},"cause":"other-instance"}"#,
        ),
        (
            Lifecycle::policy(&[0; 32], &["/etc/guestward/policy.toml".into()]),
            r#"{"event":"policy","digest":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","sources":["/etc/guestward/policy.toml"]}"#,
        ),
        (Lifecycle::PolicyRefused { error: "e".into() }, r#"{"event":"policy-refused","error":"e"}"#),
        (
            Lifecycle::SegmentLost { name: "n".into(), reason: "r".into() },
            r#"{"event":"segment-lost","name":"n","reason":"r"}"#,
        ),
        (Lifecycle::KeyCreated { from_seq: 3 }, r#"{"event":"key-created","from_seq":3}"#),
        (Lifecycle::KeyLost { reason: "r".into() }, r#"{"event":"key-lost","reason":"r"}"#),
    ] {
        pinned(&event.to_json(), text);
    }
}

#[test]
fn no_finding_makes_a_body_too_long() {
    for nasty in ["\"".repeat(9_000), "\u{10fffd}".repeat(9_000), "\\".repeat(9_000), "\u{1}".repeat(9_000)] {
        let finding = hostile(&nasty);
        let body = FindingBody::of(Change::Changed, &finding, &finding.evidence, since(), &nasty).to_json();
        assert!(body.len() < MAX_BODY, "{} bytes", body.len());
        assert!(body.contains(r#""more":995"#), "what is left out is counted");
        let read = FindingBody::parse(&body).unwrap();
        assert_eq!(read.to_json(), body, "cutting twice changes nothing");
        let inventory = Inventory::of(&vec![finding; 100]).to_json();
        assert!(inventory.len() < MAX_BODY);
        let stop = Lifecycle::policy(&[0; 32], &vec![nasty.clone(); 1_000]).to_json();
        assert!(stop.len() < MAX_BODY, "{} bytes", stop.len());
        let mut gap = Gap::new(Cause::Damaged);
        gap.runs = vec![Run { from: u64::MAX, to: u64::MAX, before: Some(Hash([255; 32])) }; MAX_RUNS];
        assert!(gap.to_json().len() < MAX_BODY, "{} bytes", gap.to_json().len());
    }
}

#[test]
fn a_time_that_is_written_in_another_way_is_refused() {
    let body = FindingBody::of(Change::New, &finding("s"), &[], since(), "d").to_json();
    let since = super::super::rfc3339_millis(since());
    assert!(FindingBody::parse(&body).is_ok());
    for other in [since.replace("Z", "1Z"), since.replace("Z", "+00:00"), since.replace('T', " ")] {
        assert!(FindingBody::parse(&body.replace(&since, &other)).is_err(), "{other}");
    }
}

#[test]
fn long_subjects_that_differ_at_their_end_stay_two() {
    let (one, other) = ("ä".repeat(600) + "1", "ä".repeat(600) + "2");
    assert_ne!(subject(&one), subject(&other));
    assert_eq!(subject(&one).as_str().chars().count(), 512);
    assert_eq!(subject("user:bob").as_str(), "user:bob");
}

proptest! {
    #[test]
    fn no_body_has_a_line_break_or_a_control_byte(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
        let finding = Finding { title: Text::from_bytes(&raw), ..finding(&String::from_utf8_lossy(&raw)) };
        let body = FindingBody::of(Change::New, &finding, &finding.evidence, since(), "d");
        prop_assert!(!body.to_json().chars().any(char::is_control));
        prop_assert_eq!(FindingBody::parse(&body.to_json()), Ok(body));
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC{0,80}|\\{\"runs\":\\[[0-9,\\[\\]nul\"]{0,40}\\]\\}") {
        let _ = FindingBody::parse(&text);
    }
}

#[track_caller]
fn pinned(body: &str, literal: &str) {
    assert_eq!(body, literal);
}

fn since() -> Timestamp {
    "2026-11-22T01:02:03.004Z".parse().unwrap()
}

fn finding(subject: &str) -> Finding {
    Finding {
        check: "ssh-password",
        topic: "ssh",
        verdict: Verdict::Fail,
        severity: Severity::Critical,
        subject: Text::new(subject),
        title: Text::new("Passwords are let in"),
        evidence: Vec::new(),
        why: "",
        remediation: "",
        controls: &[],
        reason: None,
        suppressed: None,
        denied: false,
    }
}

/// Everything in it is as long and as costly to write as it can be.
fn hostile(nasty: &str) -> Finding {
    use std::os::unix::ffi::OsStrExt as _;
    let path = std::ffi::OsStr::from_bytes(&[0xff; 5_000]);
    let long = std::ffi::OsStr::from_bytes(&[0xff; 4_096]);
    let text = Text::new(nasty);
    let [one, other] = [path, long]
        .map(|path| Evidence::new(Source::path(path), text.clone(), text.clone()).with_witness(text.clone()));
    let evidence = [one, other].into_iter().cycle().take(1_000);
    Finding {
        title: Text::new(nasty),
        evidence: evidence.collect(),
        reason: Some(Text::new(nasty)),
        suppressed: Some(Suppressed {
            who: Text::new(nasty),
            why: Text::new(nasty),
            until: nasty.to_owned(),
            expired: true,
        }),
        ..finding(nasty)
    }
}
