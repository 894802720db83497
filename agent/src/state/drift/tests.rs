//! Looks against a simple model, crashes at every point, and a baseline that goes, comes back, and is another.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::baseline::diff::{Counts, Depth, Identity, Steady};
use crate::baseline::drift::{Accounted, Change, Fields, Records, Unseen};
use crate::baseline::standing::{Accepted, Sealed, Standing, Stands};

#[test]
fn a_difference_is_told_once_and_its_end_is() {
    let mut state = DriftState::new("e");
    assert_eq!(tell(&mut state, &[drift("/a")], 1), ["new /a high"]);
    assert_eq!(tell(&mut state, &[drift("/a")], 2), NOTHING);
    let other = Drift { fields: Fields::OWNER, ..drift("/a") };
    assert_eq!(tell(&mut state, &[other], 3), ["changed /a high"]);
    assert_eq!(tell(&mut state, &[], 4), ["reverted /a informational"]);
    assert_eq!(tell(&mut state, &[], 5), NOTHING);
}

#[test]
fn what_ends_because_the_baseline_is_another_is_settled() {
    let mut state = DriftState::new("e");
    tell(&mut state, &[drift("/a"), drift("/b")], 1);
    let of_another = |drifts: &[Drift]| {
        let identity = Identity { state: [9; 32], ..Identity::default() };
        Report { identity, ..report(drifts) }
    };
    let left = of_another(&[drift("/b")]);
    assert_eq!(lines(&state.compare(&left, &NOBODY, at(2))), ["settled /a informational"]);
    assert_eq!(lines(&state.compare(&of_another(&[]), &NOBODY, at(3))), ["reverted /b informational"]);
}

#[test]
fn what_was_not_seen_keeps_its_state() {
    let mut state = DriftState::new("e");
    tell(&mut state, &[drift("/a/b"), drift("/ab"), drift("/c")], 1);
    let unseen = |path: &str, counted| {
        let unseen = vec![Unseen { path: path.into(), why: "denied".into() }];
        let counts = Counts { unseen: counted, ..Counts::default() };
        Report { unseen, counts, ..report(&[]) }
    };
    assert_eq!(lines(&state.compare(&unseen("/", 1), &NOBODY, at(2))), NOTHING);
    assert_eq!(
        lines(&state.compare(&unseen("/c", 2), &NOBODY, at(2))),
        NOTHING,
        "the other one is not named"
    );
    assert_eq!(
        lines(&state.compare(&unseen("/a", 1), &NOBODY, at(2))),
        ["reverted /ab informational", "reverted /c informational"]
    );
    let mut cut = report(&[]);
    cut.counts.modified = 1;
    assert_eq!(lines(&state.compare(&cut, &NOBODY, at(3))), NOTHING, "one differs that is not named");
    assert_eq!(tell(&mut state, &[], 4), ["reverted /a/b informational"]);
}

#[test]
fn what_a_package_explains_is_one_matter() {
    let mut state = DriftState::new("e");
    tell(&mut state, &[drift("/usr/a")], 1);
    let all = [explained("/usr/a"), explained("/usr/b"), drift("/etc/x")];
    assert_eq!(
        tell(&mut state, &all, 2),
        ["new /etc/x high", "changed /usr/a informational", "new openssl 3 2 informational"]
            .map(str::to_owned)
    );
    assert_eq!(tell(&mut state, &all, 3), NOTHING);
    assert_eq!(state.count(), 1);
    assert_eq!(tell(&mut state, &all[1..], 4), ["changed openssl 3 1 informational"]);
    let by_hand = [drift("/usr/b"), drift("/etc/x")];
    assert_eq!(tell(&mut state, &by_hand, 5), ["new /usr/b high", "settled openssl 3 0 informational"]);
}

#[test]
fn the_worst_is_told_first_and_the_rest_at_the_next_look() {
    let mut state = DriftState { most_told: 2, ..DriftState::new("e") };
    tell(&mut state, &[weighing("/z", Severity::Critical)], 1);
    let all = [weighing("/a", Severity::Low), weighing("/b", Severity::High), weighing("/c", Severity::Low)];
    assert_eq!(tell(&mut state, &all, 2), ["reverted /z informational", "new /b high"]);
    assert_eq!(state.untold(), 2);
    assert_eq!(tell(&mut state, &all, 3), ["new /a low", "new /c low"]);
    assert_eq!((tell(&mut state, &all, 4), state.untold()), (Vec::<String>::new(), 0));
}

#[test]
fn beyond_the_limit_the_least_severe_are_left_out_and_counted() {
    let mut state = DriftState { max_open: 2, ..DriftState::new("e") };
    let low = ["/1", "/2", "/3"].map(|path| weighing(path, Severity::Low));
    assert_eq!(tell(&mut state, &low, 1), ["new /1 low", "new /2 low"]);
    assert_eq!((tell(&mut state, &low, 2), state.left_out()), (Vec::<String>::new(), 1));
    let worse = [&low[..], &[weighing("/9", Severity::Critical)]].concat();
    assert_eq!(tell(&mut state, &worse, 3), ["new /9 critical"], "the worst always has room");
    assert_eq!((state.count(), state.left_out()), (2, 1));
    assert_eq!(tell(&mut state, &worse, 4), NOTHING);
}

#[test]
fn what_passes_by_itself_is_no_change() {
    let base = crate::finding::wire::object::tests::object();
    let fields = Fields(Fields::CONTENT.0 | Fields::OWNER.0);
    let with = |object| Drift { fields, after: Some(object), ..drift("/a") };
    let mut state = DriftState::new("e");
    tell(&mut state, &[with(base.clone())], 1);
    let mut passing = base.clone();
    (passing.inode, passing.links, passing.size) = (1, 9, 9);
    passing.modified.seconds += 1;
    passing.changed.seconds += 1;
    assert_eq!(tell(&mut state, &[with(passing)], 2), NOTHING);
    let mut other = base;
    other.uid = 7;
    assert_eq!(tell(&mut state, &[with(other)], 3), ["changed /a high"]);
}

#[test]
fn a_baseline_is_told_with_what_was_accepted_and_each_thing_once() {
    let mut state = DriftState::new("e");
    assert_eq!(stand(&mut state, &Stands::None), NOTHING);
    let mut first = standing(1, 10);
    assert_eq!(stand(&mut state, &sound(&first)), ["created 1 medium"]);
    assert_eq!(stand(&mut state, &sound(&first)), NOTHING);
    accept(&mut first, 11);
    accept(&mut first, 12);
    assert_eq!(stand(&mut state, &sound(&first)), ["accepted 10>11 medium", "accepted 11>12 medium"]);
    assert_eq!(stand(&mut state, &sound(&first)), NOTHING);
    first.sealed = Some(Sealed { by: "alice".into(), at: at(1) });
    assert_eq!(stand(&mut state, &sound(&first)), ["sealed 1 low"]);
    assert_eq!(stand(&mut state, &sound(&first)), NOTHING);
    let merged = Standing { first_root: [12; 32], previous: Some([12; 32]), ..standing(2, 20) };
    assert_eq!(stand(&mut state, &sound(&merged)), ["merged 2 informational"]);
    assert_eq!(
        stand(&mut state, &sound(&standing(3, 30))),
        ["created 3 medium it does not follow the one that was seen before it"]
    );
    assert_eq!(state.known().unwrap().version, 3);
}

#[test]
fn a_baseline_that_goes_or_is_damaged_is_told_until_it_is_back() {
    let mut state = DriftState::new("e");
    let first = standing(1, 10);
    stand(&mut state, &sound(&first));
    let gone = ["missing critical there was one, and it is gone"];
    assert_eq!(stand(&mut state, &Stands::None), gone);
    assert_eq!(stand(&mut state, &Stands::None), NOTHING);
    assert_eq!(stand(&mut state, &Stands::Damaged("torn".into())), ["damaged critical torn"]);
    assert_eq!(stand(&mut state, &Stands::Damaged("torn".into())), NOTHING);
    assert_eq!(stand(&mut state, &Stands::Damaged("cut".into())), ["damaged critical cut"]);
    assert!(state.trouble().is_some());
    assert_eq!(stand(&mut state, &sound(&first)), ["restored 1 low"]);
    assert_eq!(state.trouble(), None);
    assert_eq!(stand(&mut state, &Stands::None), gone);
}

#[test]
fn an_older_or_another_baseline_is_a_trouble_until_a_newer_one_is_made() {
    let mut state = DriftState::new("e");
    let mut third = standing(3, 30);
    accept(&mut third, 31);
    stand(&mut state, &sound(&third));
    let cut = standing(3, 30);
    let told = "rolled-back 3 critical version 3 is not what it was, and no acceptance says why";
    assert_eq!(stand(&mut state, &sound(&cut)), [told], "an acceptance that was taken back in silence");
    assert_eq!(stand(&mut state, &sound(&cut)), NOTHING);
    let first = standing(1, 10);
    assert_eq!(
        stand(&mut state, &sound(&first)),
        ["rolled-back 1 critical version 1 is where version 3 was"]
    );
    let mut state_back = DriftState::from_bytes(&state.to_bytes()).unwrap();
    assert_eq!(stand(&mut state_back, &sound(&first)), NOTHING);
    assert!(state_back.trouble().is_some());
    let next = Standing { previous: Some([10; 32]), ..standing(2, 20) };
    assert_eq!(stand(&mut state, &sound(&next)), ["created 2 medium"]);
    assert_eq!(state.trouble(), None);
}

#[test]
fn what_is_kept_has_the_promised_members() {
    let mut state = DriftState::new("00000000000000ee");
    stand(&mut state, &sound(&standing(1, 0)));
    tell(&mut state, &[drift("/\u{1b}a"), explained("/b")], 1);
    state.accepted(3);
    let digest = state.open().next().unwrap().1.digest.as_str().to_owned();
    let package = state.packages().next().unwrap().1.digest.as_str().to_owned();
    let hash = "A".repeat(43);
    let text = String::from_utf8(state.to_bytes()).unwrap();
    let (document, _) = text.split_once('\n').unwrap();
    let expected = format!(
        r#"{{"schema":"guestward.open-drift/1","epoch":"00000000000000ee","seq":3,"compared":"{hash}","baseline":{{"version":1,"root":"{hash}","state":"{hash}"}},"seal":null,"trouble":null,"left_out":0,"open":[{{"path":"/\\x1ba","path_b64":"Lxth","severity":"high","since":"1970-01-01T00:00:01.000Z","digest":"{digest}"}}],"packages":[{{"package":"openssl 3","count":1,"since":"1970-01-01T00:00:01.000Z","digest":"{package}"}}]}}"#
    );
    assert_eq!(document, expected);
}

#[test]
fn no_damage_goes_unnoticed() {
    let mut state = DriftState::new("e");
    tell(&mut state, &[drift("/a"), explained("/b")], 1);
    let bytes = state.to_bytes();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(DriftState::from_bytes(&damaged).is_err(), "byte {at}");
        assert!(DriftState::from_bytes(&bytes[..at]).is_err(), "cut at {at}");
    }
}

proptest! {
    /// However little is told at a time, after enough looks at the same everything was told, once.
    #[test]
    fn everything_is_told_in_the_end_and_nothing_twice(looks in looks(), most in 1_usize..4) {
        let mut state = DriftState { most_told: most, ..DriftState::new("e") };
        for drifts in &looks {
            prop_assert!(state.compare(&report(drifts), &NOBODY, at(1)).len() <= most);
        }
        let last = looks.last().cloned().unwrap_or_default();
        for _ in 0..20 {
            state.compare(&report(&last), &NOBODY, at(2));
        }
        prop_assert_eq!(state.untold(), 0);
        prop_assert_eq!(lines(&state.compare(&report(&last), &NOBODY, at(3))), NOTHING);
        let open: Vec<&[u8]> = state.open().map(|(path, _)| path).collect();
        let mut wanted: Vec<&[u8]> =
            last.iter().filter(|drift| !drift.is_explained()).map(|drift| drift.path.as_slice()).collect();
        wanted.sort_unstable();
        prop_assert_eq!(open, wanted);
    }

    /// What was written before some look, and the records that the journal accepted since: the rest is told by the next
    /// look, nothing twice and nothing never.
    #[test]
    fn a_crash_at_any_point_repeats_nothing_and_loses_nothing(
        looks in looks(),
        saved in proptest::collection::btree_set(0..8_usize, 0..4),
    ) {
        let mut state = DriftState::new("e");
        let mut kept = state.to_bytes();
        let mut records: Vec<String> = Vec::new();
        for (index, drifts) in looks.iter().enumerate() {
            let changes = state.compare(&report(drifts), &NOBODY, at(1));
            let older = records.len();
            records.extend(changes.iter().map(DriftBody::to_json));
            for cut in 0..=changes.len() {
                let mut back = DriftState::from_bytes(&kept).unwrap();
                for (seq, body) in (back.seq() + 1..).zip(&records[..older + cut]) {
                    let body = DriftBody::parse(body).unwrap();
                    back.replay(seq, &body);
                    back.replay(seq, &body);
                }
                prop_assert_eq!(lines(&back.compare(&report(drifts), &NOBODY, at(9))), lines(&changes[cut..]));
                prop_assert_eq!(&back.open, &state.open.iter().map(|(path, open)| {
                    let is_new = back.open.get(path).is_none_or(|back| back.since != open.since);
                    (path.clone(), if is_new { Open { since: at(9), ..open.clone() } } else { open.clone() })
                }).collect::<BTreeMap<_, _>>());
                prop_assert!(back.packages.keys().eq(state.packages.keys()));
            }
            if saved.contains(&index) {
                state.accepted(records.len() as u64 + state.seq());
                kept = state.to_bytes();
                records.clear();
            }
        }
    }
}

pub(super) const NOTHING: Vec<String> = Vec::new();
pub(super) const NOBODY: fn(&[u8]) -> bool = |_| false;

fn looks() -> impl Strategy<Value = Vec<Vec<Drift>>> {
    let one = (0_u8..6, 1_u16..4, 0_u8..3, any::<bool>()).prop_map(|(name, fields, weight, is_explained)| {
        let severity = [Severity::Low, Severity::High, Severity::Critical][usize::from(weight)];
        let path = format!("/{}", char::from(b'a' + name));
        let base = if is_explained { explained(&path) } else { drift(&path) };
        Drift { fields: Fields(fields), severity, ..base }
    });
    let look = proptest::collection::vec(one, 0..6).prop_map(|mut drifts| {
        drifts.sort_by(|a, b| a.path.cmp(&b.path));
        drifts.dedup_by(|a, b| a.path == b.path);
        drifts
    });
    proptest::collection::vec(look, 0..6)
}

fn tell(state: &mut DriftState, drifts: &[Drift], time: i64) -> Vec<String> {
    lines(&state.compare(&report(drifts), &NOBODY, at(time)))
}

fn stand(state: &mut DriftState, stands: &Stands) -> Vec<String> {
    let told = state.stands(stands);
    let bodies: Vec<DriftBody> = told.iter().map(|body| DriftBody::parse(&body.to_json()).unwrap()).collect();
    lines(&bodies)
}

pub(super) fn lines(changes: &[DriftBody]) -> Vec<String> {
    let word = |value: &dyn serde_json::value::Index, json: &serde_json::Value| {
        json[value].as_str().unwrap_or("").to_owned()
    };
    changes
        .iter()
        .map(|body| {
            let json: serde_json::Value = serde_json::from_str(&body.to_json()).unwrap();
            let change = word(&"change", &json);
            let rest = match body {
                DriftBody::Object(drift) => drift.path.as_str().to_owned(),
                DriftBody::Package(package) => format!("{} {}", package.package.as_str(), package.count),
                DriftBody::Acceptance(accepted) => {
                    format!("{}>{}", accepted.root_before.0[0], accepted.root.0[0])
                }
                DriftBody::Baseline(event) => {
                    event.version.map_or_else(String::new, |version| version.to_string())
                }
                DriftBody::Update(update) => format!("{} {}", update.manager.as_str(), update.count),
                DriftBody::Recheck(_) => String::new(),
            };
            let reason = word(&"reason", &json);
            [change, rest, body.severity().to_string(), reason]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

pub(super) fn report(drifts: &[Drift]) -> Report {
    Report {
        began: at(0),
        took: Duration::ZERO,
        drifts: drifts.to_vec(),
        counts: Counts { modified: drifts.len() as u64, ..Counts::default() },
        oldest_hash: None,
        unseen: Vec::new(),
        identity: Identity::default(),
        clock: Steady::Unknown,
        depth: Depth::Full,
        has_other_rules: false,
    }
}

pub(super) fn drift(path: &str) -> Drift {
    Drift {
        path: path.into(),
        change: Change::Modified,
        fields: Fields::CONTENT,
        before: None,
        after: None,
        severity: Severity::High,
        matter: None,
        package: None,
        text: None,
    }
}

pub(super) fn explained(path: &str) -> Drift {
    Drift { package: Some(Accounted { package: "openssl 3".into(), records: Records::Same }), ..drift(path) }
}

pub(super) fn weighing(path: &str, severity: Severity) -> Drift {
    Drift { severity, ..drift(path) }
}

/// A baseline without acceptances, whose root and state are this byte.
fn standing(version: u64, byte: u8) -> Standing {
    Standing {
        identity: Identity { version, root: [byte; 32], state: [byte; 32] },
        entries: 7,
        previous: None,
        first_root: [byte; 32],
        first_state: [byte; 32],
        acceptances: Vec::new(),
        sealed: None,
    }
}

fn accept(standing: &mut Standing, byte: u8) {
    let (root, state) = ([byte; 32], [byte; 32]);
    let (who, why) = ("alice".into(), "upgrade".into());
    standing.acceptances.push(Accepted {
        when: at(5),
        who,
        why,
        count: 1,
        paths: vec![b"/a".to_vec()],
        root,
        state,
    });
    standing.identity = Identity { root, state, ..standing.identity };
}

fn sound(standing: &Standing) -> Stands {
    Stands::Sound(Box::new(standing.clone()))
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}
