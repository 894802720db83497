//! Posture after posture against a simple model, crashes at every point, and damage to what is kept.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::finding::wire::body::Change::{Changed, New, Reopened, Resolved};
use crate::finding::{Evidence, Source, Suppressed, Text};

const CHECKS: [&str; 3] = ["a", "b", "c"];

#[test]
fn a_failure_is_told_once() {
    let mut state = State::new("e");
    let posture = [fail("a", "1")];
    assert_eq!(tell(&mut state, &posture, 1), ["new a 1 fail"]);
    assert_eq!(tell(&mut state, &posture, 2), NOTHING);
    assert_eq!(since(&state, "a", "1"), at(1));
}

#[test]
fn what_passes_is_never_told_until_it_failed() {
    let mut state = State::new("e");
    assert_eq!(
        tell(&mut state, &[of("a", "1", Verdict::Pass), of("b", "1", Verdict::NotApplicable)], 1),
        NOTHING
    );
    assert_eq!(tell(&mut state, &[of("a", "1", Verdict::Unknown)], 2), ["new a 1 unknown"]);
    assert_eq!(tell(&mut state, &[of("a", "1", Verdict::Pass)], 3), ["resolved a 1 pass"]);
}

#[test]
fn whatever_is_told_differently_is_a_change() {
    let base = fail("a", "1");
    let evidence = vec![Evidence::new(Source::path("/x"), "o", "e")];
    let reason = Some(Text::new("r"));
    let suppressed =
        |expired| Some(Suppressed { who: "w".into(), why: "y".into(), until: "u".into(), expired });
    let mut state = State::new("e");
    tell(&mut state, std::slice::from_ref(&base), 1);
    for (index, other) in [
        of("a", "1", Verdict::Unknown),
        Finding { severity: Severity::Critical, ..base.clone() },
        Finding { title: Text::new("another"), ..base.clone() },
        Finding { evidence, ..base.clone() },
        Finding { reason, ..base.clone() },
        Finding { suppressed: suppressed(false), ..base.clone() },
        Finding { suppressed: suppressed(true), ..base.clone() },
    ]
    .into_iter()
    .enumerate()
    {
        let told = tell(&mut state, std::slice::from_ref(&other), 2);
        assert_eq!(told, [format!("changed a 1 {}", other.verdict)], "{index}");
        assert_eq!(tell(&mut state, &[other], 3), NOTHING);
    }
    assert_eq!(since(&state, "a", "1"), at(1));
    assert_eq!(state.open[&key("a", "1")].changed, at(2));
}

#[test]
fn the_sixth_piece_of_evidence_counts_though_a_record_has_five() {
    let with = |last: &str| {
        let names = ["1", "2", "3", "4", "5", last];
        let evidence = names.map(|name| Evidence::new(Source::path(name), "o", "e"));
        Finding { evidence: evidence.to_vec(), ..fail("a", "1") }
    };
    let mut state = State::new("e");
    tell(&mut state, &[with("6")], 1);
    assert_eq!(tell(&mut state, &[with("7")], 2), ["changed a 1 fail"]);
}

#[test]
fn neither_the_order_of_evidence_nor_a_repetition_is_a_change() {
    let of = |names: &[&str]| {
        let evidence = names.iter().map(|name| Evidence::new(Source::path(name), "o", "e")).collect();
        Finding { evidence, ..fail("a", "1") }
    };
    let mut state = State::new("e");
    tell(&mut state, &[of(&["1", "2"])], 1);
    assert_eq!(tell(&mut state, &[of(&["2", "1", "2"])], 2), NOTHING);
}

#[test]
fn a_subject_that_is_gone_is_resolved_when_its_check_was_asked() {
    let mut state = State::new("e");
    tell(&mut state, &[fail("a", "1"), fail("a", "2"), fail("b", "1")], 1);
    let findings = [fail("a", "2")];
    let judged = Judged { asked: ["a"].into(), enabled: CHECKS.into(), findings: &findings };
    let changes = state.compare(&judged, at(2));
    assert_eq!(lines(&changes), ["resolved a 1 null"]);
    assert_eq!(changes[0].reason.as_ref().unwrap().as_str(), GONE);
    assert_eq!(changes[0].title.as_str(), "it fails", "what is resolved is named");
    assert!(state.open.contains_key(&key("b", "1")), "nobody asked b");
}

#[test]
fn a_check_that_is_turned_off_resolves_what_it_said() {
    let mut state = State::new("e");
    tell(&mut state, &[fail("a", "1"), fail("b", "1")], 1);
    let judged = Judged { asked: ["a"].into(), enabled: ["a"].into(), findings: &[fail("a", "1")] };
    let changes = state.compare(&judged, at(2));
    assert_eq!(lines(&changes), ["resolved b 1 null"]);
    assert!(changes[0].reason.as_ref().unwrap().as_str().starts_with("turned off by the policy"));
    assert_eq!(tell(&mut state, &[fail("a", "1"), fail("b", "1")], 3), ["reopened b 1 fail"]);
}

#[test]
fn what_flaps_is_told_each_time_and_stays_as_old_as_it_is() {
    let mut state = State::new("e");
    tell(&mut state, &[fail("a", "1")], 1);
    for round in 0..5 {
        assert_eq!(tell(&mut state, &[of("a", "1", Verdict::Pass)], 2 + round), ["resolved a 1 pass"]);
        assert_eq!(tell(&mut state, &[fail("a", "1")], 3 + round), ["reopened a 1 fail"]);
        assert_eq!(since(&state, "a", "1"), at(1));
    }
    assert_eq!(state.resolved.len(), 0);
}

#[test]
fn a_thousand_resolved_matters_are_remembered_and_no_more() {
    let mut state = State::new("e");
    let many: Vec<Finding> = (0..1_001).map(|n| fail("a", &format!("{n:04}"))).collect();
    tell(&mut state, &many, 1);
    assert_eq!(tell(&mut state, &[of("a", "x", Verdict::Pass)], 2).len(), 1_001);
    let back = tell(&mut state, &many, 3);
    assert_eq!(back.iter().filter(|line| line.starts_with("reopened")).count(), 1_000);
    assert!(back.contains(&"new a 0000 fail".to_owned()), "the one that went first");
}

#[test]
fn what_an_incomplete_look_does_not_see_is_not_said_to_be_well() {
    let mut state = State::new("e");
    tell(&mut state, &[fail("a", "user:bob")], 1);
    let dark = [of("a", "accounts", Verdict::Unknown)];
    assert_eq!(tell(&mut state, &dark, 2), ["changed a user:bob unknown", "new a accounts unknown"]);
    assert_eq!(tell(&mut state, &dark, 3), NOTHING);
    let light = [fail("a", "user:bob")];
    assert_eq!(tell(&mut state, &light, 4), ["resolved a accounts null", "changed a user:bob fail"]);
}

#[test]
fn what_was_seen_in_the_same_twilight_is_gone_when_it_is_not_seen() {
    let mut state = State::new("e");
    let twilight = of("a", "processes", Verdict::Unknown);
    tell(&mut state, &[fail("a", "unit:nginx"), twilight.clone()], 1);
    assert_eq!(tell(&mut state, &[twilight], 2), ["resolved a unit:nginx null"]);
}

#[test]
fn two_answers_about_one_subject_are_one_matter_of_the_worst() {
    let mut state = State::new("e");
    let both = [of("a", "1", Verdict::Unknown), fail("a", "1"), of("a", "1", Verdict::Pass)];
    assert_eq!(tell(&mut state, &both, 1), ["new a 1 fail"]);
    assert_eq!(tell(&mut state, &[both[1].clone(), both[0].clone(), both[2].clone()], 2), NOTHING);
    assert_eq!(tell(&mut state, &both[2..], 3), ["resolved a 1 pass"]);
}

#[test]
fn a_part_of_a_posture_changes_its_own_counts_only() {
    let mut state = State::new("e");
    tell(
        &mut state,
        &[fail("a", "1"), fail("a", "2"), of("b", "1", Verdict::Pass), of("c", "1", Verdict::Unknown)],
        1,
    );
    let findings = [of("a", "1", Verdict::Pass)];
    state.compare(&Judged { asked: ["a"].into(), enabled: ["a", "b"].into(), findings: &findings }, at(2));
    assert_eq!(state.counts(), Summary { pass: 2, ..Summary::default() }, "c is turned off");
    tell(&mut state, &[fail("b", "1")], 3);
    assert_eq!(state.counts(), Summary { fail: 1, worst: Some(Severity::High), ..Summary::default() });
}

#[test]
fn beyond_the_limit_the_least_severe_are_left_out_and_counted() {
    let mut state = State { max_open: 3, ..State::new("e") };
    let weigh = |subject: &str, severity| Finding { severity, ..fail("a", subject) };
    let low: Vec<Finding> = ["1", "2", "3", "4"].iter().map(|name| weigh(name, Severity::Low)).collect();
    assert_eq!(tell(&mut state, &low, 1), ["new a 1 fail", "new a 2 fail", "new a 3 fail"]);
    assert_eq!(state.left_out(), 1);
    assert_eq!(tell(&mut state, &low, 2), NOTHING, "what has no room does not come back at each look");
    let worse = [&low[..], &[weigh("9", Severity::Critical)]].concat();
    assert_eq!(tell(&mut state, &worse, 3), ["new a 9 fail"], "the worst always has room");
    assert_eq!((state.open.len(), state.left_out()), (3, 2));
}

#[test]
fn what_is_kept_has_the_promised_members() {
    let mut state = State::new("00000000000000ee");
    tell(&mut state, &[fail("a", "1"), fail("b", "1")], 1);
    tell(&mut state, &[fail("a", "1")], 2);
    state.accepted(3);
    let digest = state.open[&key("a", "1")].digest.as_str().to_owned();
    let text = String::from_utf8(state.to_bytes()).unwrap();
    let (document, hash) = text.split_once('\n').unwrap();
    let expected = format!(
        r#"{{"schema":"guestward.open/1","epoch":"00000000000000ee","seq":3,"left_out":0,"open":[{{"check":"a","subject":"1","verdict":"fail","severity":"high","digest":"{digest}","title":"it fails","since":"1970-01-01T00:00:01.000Z","changed":"1970-01-01T00:00:01.000Z"}}],"resolved":[{{"check":"b","subject":"1","since":"1970-01-01T00:00:01.000Z"}}]}}"#
    );
    assert_eq!(document, expected);
    assert_eq!(hash.len(), 44);
}

#[test]
fn what_is_kept_of_a_hostile_machine_is_bounded() {
    let mut state = State::new("e");
    let long = "\"".repeat(510);
    let entry = Open {
        verdict: Verdict::Fail,
        severity: Severity::Low,
        digest: Told::default(),
        title: Told::new(&long),
        since: at(1),
        changed: at(1),
    };
    for n in 0..400 {
        let severity = if n == 7 { Severity::Critical } else { Severity::Low };
        state.open.insert(key(&n.to_string(), &long), Open { severity, ..entry.clone() });
    }
    let bytes = state.bytes_within(500_000);
    assert!(bytes.len() <= 500_000, "{}", bytes.len());
    let read = State::from_bytes(&bytes).unwrap();
    assert!(read.open.len() > 100, "{}", read.open.len());
    assert_eq!(read.left_out() + u64::try_from(read.open.len()).unwrap(), 400);
    assert!(read.open.contains_key(&key("7", &long)), "the worst is kept");
}

#[test]
fn no_damage_goes_unnoticed() {
    let mut state = State::new("e");
    tell(&mut state, &[fail("a", "1"), fail("b", "ü")], 1);
    let bytes = state.to_bytes();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            assert!(State::from_bytes(&damaged).is_err(), "bit {bit} of byte {at}");
        }
        assert!(State::from_bytes(&bytes[..at]).is_err(), "cut at {at}");
    }
    assert!(State::from_bytes(&[&bytes[..], b"\n"].concat()).is_err());
    assert!(State::from_bytes(&[&bytes[..], &bytes[..]].concat()).is_err());
    assert_eq!(State::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    assert!(State::from_bytes(b"").unwrap_err().to_string().starts_with("the file ends too early"));
}

#[test]
fn another_schema_is_not_guessed_at() {
    use sha2::Digest as _;
    let text = String::from_utf8(State::new("e").to_bytes()).unwrap();
    let document = text.lines().next().unwrap().replace("open/1", "open/2");
    let hash = crate::finding::wire::base64url(&sha2::Sha256::digest(&document));
    let damaged = State::from_bytes(format!("{document}\n{hash}\n").as_bytes()).unwrap_err();
    assert!(matches!(damaged, Damaged::NotUnderstood(_)), "{damaged}");
}

proptest! {
    /// Without an unknown, the changes are the difference of two lists.
    #[test]
    fn changes_are_what_a_simple_model_says(postures in postures(&[Verdict::Fail, Verdict::Pass, Verdict::NotApplicable])) {
        let (mut state, mut model) = (State::new("e"), Model::default());
        for (time, posture) in (1..).zip(&postures) {
            let told: BTreeSet<String> =
                lines(&state.compare(&posture.judged(), at(time))).into_iter().collect();
            prop_assert_eq!(told, model.compare(posture));
        }
    }

    #[test]
    fn an_answer_is_always_known_afterwards_and_nothing_is_told_twice(postures in postures(&ALL)) {
        let mut state = State::new("e");
        let mut first: BTreeMap<Key, Timestamp> = BTreeMap::new();
        for (time, posture) in (1..).zip(&postures) {
            let changes = state.compare(&posture.judged(), at(time));
            for finding in &posture.findings {
                let open = state.open.get(&key(finding.check, finding.subject.as_str()));
                let is_open = matches!(finding.verdict, Verdict::Fail | Verdict::Unknown);
                prop_assert_eq!(open.map(|open| open.verdict), is_open.then_some(finding.verdict));
            }
            for (key, open) in &state.open {
                prop_assert_eq!(open.since, *first.entry(key.clone()).or_insert(at(time)), "{:?}", key);
                let is_named = posture.findings.iter().any(|finding| finding.subject.as_str() == key.subject.as_str() && finding.check == key.check.as_str());
                let is_dark = posture.findings.iter().any(|finding| finding.check == key.check.as_str() && finding.verdict == Verdict::Unknown);
                prop_assert!(is_named || is_dark || !posture.asked.contains(key.check.as_str()), "{:?} is open for no reason", key);
            }
            prop_assert!(changes.iter().all(|change| change.change == Resolved || state.open.contains_key(&Key::of(change))));
            prop_assert_eq!(state.compare(&posture.judged(), at(time + 1)), vec![]);
        }
    }

    /// What was written before some posture, and the records that the journal accepted since: the rest is told by the
    /// next look, nothing twice and nothing never.
    #[test]
    fn a_crash_at_any_point_repeats_nothing_and_loses_nothing(
        postures in postures(&ALL),
        saved in proptest::collection::btree_set(0..8_i64, 0..4),
    ) {
        let mut state = State::new("e");
        let mut kept = state.to_bytes();
        let mut records: Vec<(Timestamp, String)> = Vec::new();
        for (index, posture) in (0..).zip(&postures) {
            let changes = state.compare(&posture.judged(), at(index));
            records.extend(changes.iter().map(|body| (at(index), body.to_json())));
            let older = records.len() - changes.len();
            for cut in 0..=changes.len() {
                let mut back = State::from_bytes(&kept).unwrap();
                let first = back.seq() + 1;
                for (seq, (time, body)) in (first..).zip(&records[..older + cut]) {
                    let body = FindingBody::parse(body).unwrap();
                    back.replay(seq, *time, &body);
                    back.replay(seq, *time, &body);
                }
                if cut == changes.len() {
                    state.accepted(back.seq());
                    prop_assert_eq!(text(&back), text(&state));
                }
                prop_assert_eq!(lines(&back.compare(&posture.judged(), at(99))), lines(&changes[cut..]));
            }
            if saved.contains(&index) {
                kept = state.to_bytes();
                records.clear();
            }
        }
    }

    #[test]
    fn what_is_kept_is_what_was_there(postures in postures(&ALL), at_byte in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut state = State::new("e");
        postures.iter().for_each(|posture| drop(state.compare(&posture.judged(), at(1))));
        let bytes = state.to_bytes();
        prop_assert_eq!(State::from_bytes(&bytes).unwrap().to_bytes(), bytes.clone());
        let mut damaged = bytes.clone();
        damaged[at_byte.index(bytes.len())] = byte;
        prop_assert!(damaged == bytes || State::from_bytes(&damaged).is_err());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(State::from_bytes(&bytes).is_err());
    }
}

const ALL: [Verdict; 4] = [Verdict::Fail, Verdict::Unknown, Verdict::Pass, Verdict::NotApplicable];
const NOTHING: [&str; 0] = [];

#[derive(Debug, Clone)]
struct Posture {
    asked: BTreeSet<&'static str>,
    enabled: BTreeSet<&'static str>,
    findings: Vec<Finding>,
}

impl Posture {
    fn judged(&self) -> Judged<'_> {
        Judged { asked: self.asked.clone(), enabled: self.enabled.clone(), findings: &self.findings }
    }
}

/// Up to eight postures of a small machine, some of them partial, some with checks turned off.
fn postures(verdicts: &'static [Verdict]) -> impl Strategy<Value = Vec<Posture>> {
    let finding = (prop::sample::select(verdicts), 0..3_usize, prop::bool::weighted(0.2)).prop_map(
        |(verdict, title, is_suppressed)| {
            let suppressed = is_suppressed.then(|| Suppressed {
                who: "w".into(),
                why: "y".into(),
                until: "u".into(),
                expired: title == 0,
            });
            Finding { title: Text::new(["one", "two", "three"][title]), suppressed, ..of("a", "x", verdict) }
        },
    );
    let findings = proptest::collection::btree_map((0..3_usize, 0..3_usize), finding, 0..9);
    let posture = (findings, prop::sample::subsequence(CHECKS.to_vec(), 0..=3), any::<bool>()).prop_map(
        |(findings, asked, is_policy)| {
            let asked: BTreeSet<&str> = asked.into_iter().collect();
            let enabled = if is_policy { asked.clone() } else { CHECKS.into() };
            let findings = findings
                .into_iter()
                .map(|((check, subject), finding)| Finding {
                    check: CHECKS[check],
                    subject: Text::new(&subject.to_string()),
                    ..finding
                })
                .filter(|finding| asked.contains(finding.check))
                .collect();
            Posture { asked, enabled, findings }
        },
    );
    proptest::collection::vec(posture, 1..8)
}

/// What failed at the last look, in words, and what ever failed.
#[derive(Default)]
struct Model {
    open: BTreeMap<(String, String), String>,
    ever: BTreeSet<(String, String)>,
}

impl Model {
    fn compare(&mut self, posture: &Posture) -> BTreeSet<String> {
        let mut told = BTreeSet::new();
        let answer = |check: &str, subject: &str| {
            posture
                .findings
                .iter()
                .find(|finding| finding.check == check && finding.subject.as_str() == subject)
        };
        for check in CHECKS {
            for subject in ["0", "1", "2"] {
                let id = (check.to_owned(), subject.to_owned());
                let finding = answer(check, subject);
                if finding.is_none() && !posture.asked.contains(check) && posture.enabled.contains(check) {
                    continue;
                }
                let failed = finding.filter(|finding| finding.verdict == Verdict::Fail);
                let said = failed.map(|finding| format!("{} {:?}", finding.title, finding.suppressed));
                let change = match (self.open.get(&id), &said) {
                    (None, Some(_)) if self.ever.contains(&id) => "reopened",
                    (None, Some(_)) => "new",
                    (Some(before), Some(now)) if before != now => "changed",
                    (Some(_), None) => "resolved",
                    _ => continue,
                };
                let verdict = finding.map_or("null", |finding| finding.verdict.name());
                told.insert(format!("{change} {check} {subject} {verdict}"));
                self.ever.insert(id.clone());
                match said {
                    Some(said) => drop(self.open.insert(id, said)),
                    None => drop(self.open.remove(&id)),
                }
            }
        }
        told
    }
}

/// A look at everything.
fn tell(state: &mut State, findings: &[Finding], time: i64) -> Vec<String> {
    let judged = Judged { asked: CHECKS.into(), enabled: CHECKS.into(), findings };
    lines(&state.compare(&judged, at(time)))
}

fn lines(changes: &[FindingBody]) -> Vec<String> {
    let line = |body: &FindingBody| {
        let change = match body.change {
            New => "new",
            Changed => "changed",
            Resolved => "resolved",
            Reopened => "reopened",
        };
        let verdict = body.verdict.map_or("null", Verdict::name);
        format!("{change} {} {} {verdict}", body.check.as_str(), body.subject.as_str())
    };
    changes.iter().map(line).collect()
}

fn text(state: &State) -> String {
    String::from_utf8(state.to_bytes()).unwrap()
}

fn since(state: &State, check: &str, subject: &str) -> Timestamp {
    state.open[&key(check, subject)].since
}

fn key(check: &str, subject: &str) -> Key {
    Key { check: Told::new(check), subject: Told::new(subject) }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn fail(check: &'static str, subject: &str) -> Finding {
    Finding { title: Text::new("it fails"), ..of(check, subject, Verdict::Fail) }
}

fn of(check: &'static str, subject: &str, verdict: Verdict) -> Finding {
    Finding {
        check,
        topic: "t",
        verdict,
        severity: Severity::High,
        subject: Text::new(subject),
        title: Text::new("it does not"),
        evidence: Vec::new(),
        why: "",
        remediation: "",
        controls: &[],
        reason: None,
        suppressed: None,
        denied: false,
    }
}
