//! The bodies of drift as the literal texts that readers rely on, and what hostile objects make of them.

use jiff::Timestamp;
use proptest::prelude::*;

use super::super::object::tests::object;
use super::super::record::Hash;
use super::*;
use crate::baseline::drift::{Accounted, Change, Drift, Fields, Records};
use crate::host::Kind;
use crate::host::object::{Content, Moment, Object, Value, Xattr};

#[test]
fn an_object_that_differs_has_the_promised_members_in_their_order() {
    let plain = Object {
        mode: 0o644,
        xattrs: Vec::new(),
        content: Content::Unasked,
        flags: Default::default(),
        verity: None,
        born: None,
        modified: Moment::default(),
        ..object()
    };
    let after = Object { uid: 1000, ..plain.clone() };
    let mut drift = drift(b"/etc/\xff");
    drift.before = Some(plain);
    drift.after = Some(after);
    drift.text = Some("-a\n+b\u{1b}\n".into());
    let body = DriftBody::Object(Box::new(ObjectDrift::of(DriftChange::New, &drift, since(), "abc")));
    pinned(
        &body,
        r#"{"about":"object","change":"new","path":"/etc/\\xff","path_b64":"L2V0Yy//","drift":"modified","fields":["content","owner"],"severity":"high","explained":null,"package":{"name":"openssl:amd64 3.0","records":"differs"},"before":{"type":"file","mode":"0644","owner":0,"group":42,"size":3,"links":1,"inode":77,"mtime":"1970-01-01T00:00:00.000000000Z","ctime":"1970-01-01T00:00:00.000000000Z"},"after":{"type":"file","mode":"0644","owner":1000,"group":42,"size":3,"links":1,"inode":77,"mtime":"1970-01-01T00:00:00.000000000Z","ctime":"1970-01-01T00:00:00.000000000Z"},"text":"-a\n+b\\x1b\n","since":"2026-11-22T01:02:03.004Z","digest":"abc"}"#,
    );
    assert_eq!(body.severity(), Severity::High);
}

#[test]
fn what_a_package_explains_is_informational() {
    let mut drift = drift(b"/usr/bin/openssl");
    drift.package = Some(Accounted { package: "openssl:amd64 3.0".into(), records: Records::Same });
    let told = ObjectDrift::of(DriftChange::Changed, &drift, since(), "abc");
    assert_eq!(told.severity, Severity::Informational);
    assert!(!told.is_open());
    let body = DriftBody::Object(Box::new(told));
    assert!(body.to_json().contains(r#""explained":{"package":"openssl:amd64 3.0","records":"same"}"#));
    let drifts = [&drift, &drift];
    let package = PackageDrift::of(DriftChange::New, "openssl:amd64 3.0", &drifts, since(), "abc");
    pinned(
        &DriftBody::Package(package),
        r#"{"about":"package","change":"new","package":"openssl:amd64 3.0","severity":"informational","count":2,"added":0,"removed":0,"modified":2,"paths":["/usr/bin/openssl","/usr/bin/openssl"],"since":"2026-11-22T01:02:03.004Z","digest":"abc"}"#,
    );
}

#[test]
fn an_end_an_acceptance_and_the_baseline_itself_have_fixed_words() {
    let (one, other) = (Hash([0; 32]), Hash([1; 32]));
    let ended = ObjectDrift::ended(DriftChange::Reverted, b"/a", since(), "abc");
    pinned(
        &DriftBody::Object(Box::new(ended)),
        r#"{"about":"object","change":"reverted","path":"/a","drift":null,"severity":"informational","explained":null,"package":null,"before":null,"after":null,"since":"2026-11-22T01:02:03.004Z","digest":"abc"}"#,
    );
    let acceptance = Acceptance {
        change: Accepted::Accepted,
        who: "alice".into(),
        why: "upgrade".into(),
        when: since(),
        count: 12,
        paths: first([&b"/a"[..]].into_iter()),
        version: 3,
        root_before: one,
        root: other,
        state: other,
    };
    pinned(
        &DriftBody::Acceptance(acceptance),
        r#"{"about":"acceptance","change":"accepted","who":"alice","why":"upgrade","when":"2026-11-22T01:02:03.004Z","count":12,"paths":["/a"],"version":3,"root_before":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","root":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","state":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}"#,
    );
    for (change, word, severity) in [
        (BaselineChange::Created, "created", Severity::Medium),
        (BaselineChange::Merged, "merged", Severity::Informational),
        (BaselineChange::Sealed, "sealed", Severity::Low),
        (BaselineChange::Damaged, "damaged", Severity::Critical),
        (BaselineChange::Missing, "missing", Severity::Critical),
        (BaselineChange::RolledBack, "rolled-back", Severity::Critical),
        (BaselineChange::Restored, "restored", Severity::Low),
    ] {
        let event = BaselineEvent {
            change,
            version: Some(3),
            root: None,
            state: None,
            entries: None,
            who: None,
            reason: Some("r".into()),
        };
        let body = DriftBody::Baseline(event);
        assert_eq!(body.severity(), severity);
        pinned(
            &body,
            &format!(
                r#"{{"about":"baseline","change":"{word}","version":3,"root":null,"state":null,"reason":"r"}}"#
            ),
        );
    }
}

#[test]
fn no_object_makes_a_body_too_long() {
    for nasty in [&[0xff_u8][..], b"\"", b"\\", b"\x01", "\u{10fffd}".as_bytes()] {
        let long = nasty.repeat(5_000);
        let xattr = Xattr { name: long[..255].into(), value: Value::Whole(long[..512].into()) };
        let object = Object {
            kind: Kind::SymbolicLink,
            target: Some(long.clone().into()),
            xattrs: vec![xattr; 1_000],
            ..object()
        };
        let (before, after) = (Some(object.clone()), Some(object));
        let text = String::from_utf8_lossy(nasty).repeat(100) + "\n";
        let drift = Drift {
            before,
            after,
            text: Some(text.repeat(10_000)),
            ..drift(&nasty.repeat(4_096 / nasty.len()))
        };
        let body = DriftBody::Object(Box::new(ObjectDrift::of(DriftChange::New, &drift, since(), "abc")));
        let json = body.to_json();
        assert!(json.len() < MAX_BODY, "{} bytes", json.len());
        assert!(!json.chars().any(char::is_control));
        assert_eq!(DriftBody::parse(&json).unwrap().to_json(), json);
        let drifts = vec![&drift; 10_000];
        let package = PackageDrift::of(DriftChange::New, &"\"".repeat(9_000), &drifts, since(), "abc");
        let json = DriftBody::Package(package).to_json();
        assert!(json.len() < MAX_BODY, "{} bytes", json.len());
    }
}

proptest! {
    #[test]
    fn a_body_names_the_very_path(path in proptest::collection::vec(1_u8.., 1..600)) {
        let body = DriftBody::Object(Box::new(ObjectDrift::of(DriftChange::New, &drift(&path), since(), "abc")));
        let Ok(DriftBody::Object(read)) = DriftBody::parse(&body.to_json()) else { panic!() };
        prop_assert_eq!(read.path_bytes(), Some(path));
        prop_assert_eq!(DriftBody::Object(read), body);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}|\\{\"about\":\"[a-z]{0,10}\",[0-9,\\[\\]nul\"]{0,40}\\}") {
        let _ = DriftBody::parse(&text);
    }
}

#[track_caller]
fn pinned(body: &DriftBody, literal: &str) {
    assert_eq!(body.to_json(), literal);
    assert_eq!(DriftBody::parse(literal).as_ref(), Ok(body));
}

fn since() -> Timestamp {
    "2026-11-22T01:02:03.004Z".parse().unwrap()
}

fn drift(path: &[u8]) -> Drift {
    let mut fields = Fields::CONTENT;
    fields.insert(Fields::OWNER);
    Drift {
        path: path.to_vec(),
        change: Change::Modified,
        fields,
        before: None,
        after: None,
        severity: Severity::High,
        matter: None,
        package: Some(Accounted { package: "openssl:amd64 3.0".into(), records: Records::Differs }),
        text: None,
    }
}
