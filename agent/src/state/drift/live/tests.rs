//! What is told as it happens, beside what the looks at everything tell; and crashes in between.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::baseline::diff::{Counts, Identity};
use crate::baseline::drift::{Fields, Matter, Unseen};
use crate::host::actor::{Actor, Program};
use crate::state::drift::tests::{NOBODY, NOTHING, at, drift, explained, lines, report};
use crate::watch::files::{OfUpdate, Update};

pub(in crate::state::drift) fn looked(drifts: &[Drift], paths: &[&str]) -> Looked {
    let is_tree = |path: &str| path.ends_with('/');
    let look = |path: &&str| Look {
        path: if *path == "/" { "/" } else { path.trim_end_matches('/') }.into(),
        is_tree: is_tree(path),
    };
    Looked {
        identity: Identity::default(),
        at: at(0),
        looked: paths.iter().map(look).collect(),
        drifts: drifts.to_vec(),
        passed: Vec::new(),
        unseen: Vec::new(),
        counts: Counts { modified: drifts.len() as u64, ..Counts::default() },
        contents: 0,
    }
}

pub(in crate::state::drift) fn touched(path: &str, how: How) -> Touched {
    let program = Program { path: b"/usr/bin/vi".to_vec(), ..Program::default() };
    let actor = Actor { pid: 7, program: Some(program), ..Actor::default() };
    Touched {
        path: path.into(),
        is_tree: false,
        how,
        count: 3,
        first: at(10),
        last: at(11),
        actors: vec![Arc::new(actor.clone()), Arc::new(Actor { pid: 8, ..actor })],
        more_actors: 1,
        alias: None,
    }
}

fn all(touched: &[Touched]) -> AllTouched<'_> {
    touched.iter().map(|one| (one.path.clone(), one)).collect()
}

fn live(state: &mut DriftState, looked: &Looked, of: &[Touched]) -> Vec<String> {
    lines(&state.live(looked, &all(of), at(20)))
}

fn sweep(state: &mut DriftState, drifts: &[Drift]) -> Vec<String> {
    lines(&state.compare(&report(drifts), &NOBODY, at(30)))
}

#[test]
fn a_change_is_told_with_who_did_it_and_no_sweep_tells_it_again() {
    let mut state = DriftState::new("e");
    let changes = state.live(&looked(&[drift("/a")], &["/a"]), &all(&[touched("/a", How::WRITTEN)]), at(20));
    let DriftBody::Object(told) = &changes[0] else { panic!() };
    assert_eq!((told.change, told.noticed.count, told.noticed.more_actors), (DriftChange::New, Some(3), 1));
    let actor = told.noticed.actor.as_ref().unwrap();
    assert_eq!((actor.pid, told.noticed.others[0].pid), (7, 8));
    assert_eq!(actor.program.as_ref().unwrap().path.as_str(), "/usr/bin/vi");
    assert_eq!(sweep(&mut state, &[drift("/a")]), NOTHING);
    let of = [touched("/a", How::WRITTEN)];
    assert_eq!(live(&mut state, &looked(&[drift("/a")], &["/a"]), &of), NOTHING);
    assert_eq!(live(&mut state, &looked(&[], &["/a"]), &of), ["reverted /a informational"]);
}

#[test]
fn what_was_not_looked_at_did_not_end() {
    let mut state = DriftState::new("e");
    sweep(&mut state, &["/a", "/a/b", "/ab", "/c"].map(drift));
    assert_eq!(live(&mut state, &looked(&[], &["/c/d"]), &[]), NOTHING);
    assert_eq!(live(&mut state, &looked(&[drift("/a")], &["/a"]), &[]), NOTHING, "not what is below it");
    assert_eq!(live(&mut state, &looked(&[drift("/a")], &["/a/"]), &[]), ["reverted /a/b informational"]);
    let unseen = vec![Unseen { path: "/c".into(), why: "denied".into() }];
    let counts = Counts { unseen: 1, ..Counts::default() };
    let hidden = Looked { unseen, counts, ..looked(&[], &["/c"]) };
    assert_eq!(live(&mut state, &hidden, &[]), NOTHING);
    assert_eq!(state.count(), 3);
}

#[test]
fn what_is_aside_is_neither_told_nor_ended_by_a_sweep() {
    let mut state = DriftState::new("e");
    sweep(&mut state, &[drift("/a")]);
    let aside = |path: &[u8]| path == b"/a" || path == b"/b" || path == b"/p";
    let mut look = |drifts: &[Drift]| lines(&state.compare(&report(drifts), &aside, at(30)));
    assert_eq!(look(&[drift("/b"), drift("/c")]), ["new /c high"]);
    assert_eq!(
        look(&[drift("/c"), explained("/p"), explained("/q")]),
        NOTHING,
        "a package of which one is aside"
    );
    assert_eq!(sweep(&mut state, &[drift("/b"), drift("/c")]), ["reverted /a informational", "new /b high"]);
}

#[test]
fn what_is_as_a_package_records_it_is_not_explained_when_somebody_else_wrote_it() {
    let mut state = DriftState::new("e");
    let (of_package, of) = (explained("/p"), [touched("/p", How::WRITTEN)]);
    let changes = state.live(&looked(std::slice::from_ref(&of_package), &["/p"]), &all(&of), at(20));
    assert_eq!(lines(&changes), ["new /p high"]);
    assert!(
        changes[0].to_json().contains(r#""explained":null,"package":{"name":"openssl 3","records":"same"}"#)
    );
    let mut back = DriftState::from_bytes(&state.to_bytes()).unwrap();
    for state in [&mut state, &mut back] {
        assert_eq!(sweep(state, std::slice::from_ref(&of_package)), NOTHING, "it stays as it was told");
        assert_eq!(state.packages().count(), 0);
    }
    let mut state = DriftState::new("e");
    for of in [&[][..], &[touched("/p", How::ATTRIBUTES)], &[touched("/p", How::FOUND)]] {
        assert_eq!(live(&mut state, &looked(std::slice::from_ref(&of_package), &["/p"]), of), NOTHING);
    }
    assert_eq!(sweep(&mut state, &[of_package]), ["new openssl 3 1 informational"]);
}

#[test]
fn what_was_another_for_a_moment_is_told_where_it_matters() {
    let passed = |path: &str, is_there, matter| Passed {
        path: path.into(),
        severity: Severity::High,
        matter,
        is_there,
        is_directory: path.ends_with('d'),
    };
    let mut state = DriftState::new("e");
    sweep(&mut state, &[drift("/open")]);
    let mut tell = |one: Passed, how: How| {
        let path = String::from_utf8(one.path.clone()).unwrap();
        let looked = Looked { passed: vec![one], ..looked(&[drift("/open")], &[&path]) };
        live(&mut state, &looked, &[touched(&path, how)])
    };
    assert_eq!(tell(passed("/a", true, None), How::WRITTEN), ["passed /a high"]);
    assert_eq!(tell(passed("/a", true, None), How::ATTRIBUTES), ["passed /a low"]);
    assert_eq!(tell(passed("/a", true, None), How::FOUND), NOTHING);
    assert_eq!(tell(passed("/d", true, None), How::CREATED), NOTHING, "that is about a name in it");
    assert_eq!(tell(passed("/d", true, None), How::DELETED), ["passed /d high"]);
    assert_eq!(tell(passed("/gone", false, None), How::CREATED), NOTHING, "a temporary name");
    assert_eq!(tell(passed("/gone", false, Some(Matter::Unit)), How::CREATED), ["passed /gone high"]);
    assert_eq!(tell(passed("/open", true, None), How::WRITTEN), NOTHING);
    assert_eq!(state.count(), 1);
}

#[derive(Debug, Clone)]
enum Op {
    Sweep(Vec<Drift>),
    Live(Vec<Drift>, Vec<Touched>),
    Update(Vec<Drift>, Vec<OfUpdate>),
}

fn drifts() -> impl Strategy<Value = Vec<Drift>> {
    let one = (0_u8..6, 1_u16..4, any::<bool>()).prop_map(|(name, fields, is_explained)| {
        let path = format!("/{}", char::from(b'a' + name));
        let base = if is_explained { explained(&path) } else { drift(&path) };
        Drift { fields: Fields(fields), ..base }
    });
    proptest::collection::vec(one, 0..6).prop_map(|mut drifts| {
        drifts.sort_by(|a, b| a.path.cmp(&b.path));
        drifts.dedup_by(|a, b| a.path == b.path);
        drifts
    })
}

fn touches() -> impl Strategy<Value = Vec<Touched>> {
    let one = (0_u8..6, 1_u16..256)
        .prop_map(|(name, how)| touched(&format!("/{}", char::from(b'a' + name)), How(how)));
    proptest::collection::vec(one, 0..6)
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let of_update = |(all, by): (Vec<Touched>, bool)| -> Vec<OfUpdate> {
        all.into_iter().map(|touched| OfUpdate { touched, by_manager: by }).collect()
    };
    let op = prop_oneof![
        drifts().prop_map(Op::Sweep),
        (drifts(), touches()).prop_map(|(drifts, touched)| Op::Live(drifts, touched)),
        (drifts(), (touches(), any::<bool>()).prop_map(of_update))
            .prop_map(|(drifts, touched)| Op::Update(drifts, touched)),
    ];
    proptest::collection::vec(op, 0..7)
}

fn run(state: &mut DriftState, op: &Op) -> Vec<DriftBody> {
    match op {
        Op::Sweep(drifts) => state.compare(&report(drifts), &NOBODY, at(1)),
        Op::Live(drifts, of) => state.live(&looked(drifts, &["/"]), &all(of), at(2)),
        Op::Update(drifts, touched) => {
            let touched = touched.clone();
            let update = Update {
                manager: "dpkg",
                by: Arc::default(),
                began: at(3),
                ended: at(4),
                touched,
                is_cut: false,
            };
            state.update(&looked(drifts, &["/"]), &update, &Default::default(), at(5))
        }
    }
}

proptest! {
    /// Whatever was told in which way: the records bring back what was open, accounted for and explained, and what is
    /// read back from the file is the same.
    #[test]
    fn the_records_bring_back_what_was_known(ops in ops(), saved in 0..7_usize, cut in 0..100_usize) {
        let mut state = DriftState::new("e");
        let (mut kept, mut records, mut seq) = (state.to_bytes(), Vec::new(), 0);
        for (index, op) in ops.iter().enumerate() {
            for body in run(&mut state, op) {
                seq += 1;
                records.push((seq, body.to_json()));
            }
            if index == saved {
                state.accepted(seq);
                kept = state.to_bytes();
            }
        }
        let mut back = DriftState::from_bytes(&kept).unwrap();
        for (seq, record) in &records {
            back.replay(*seq, &DriftBody::parse(record).unwrap());
        }
        prop_assert_eq!(&back.open, &state.open);
        prop_assert_eq!(&back.packages, &state.packages);
        // A sweep forgets what differs no more without a word; the next one does so again.
        prop_assert!(state.accounted.iter().all(|(path, digest)| back.accounted.get(path) == Some(digest)));
        // As far as the records came, nothing that is known is known wrongly.
        let mut part = DriftState::from_bytes(&kept).unwrap();
        let short: Vec<_> = records.iter().take(cut.min(records.len())).collect();
        for (seq, record) in short {
            part.replay(*seq, &DriftBody::parse(record).unwrap());
        }
        let again = DriftState::from_bytes(&part.to_bytes()).unwrap();
        prop_assert_eq!((&again.open, &again.packages, &again.accounted), (&part.open, &part.packages, &part.accounted));
    }

    /// Whatever was told as it happened: a sweep that finds the same tells nothing of what is open.
    #[test]
    fn a_sweep_tells_no_object_twice(drifts in drifts(), touched in touches()) {
        let mut state = DriftState::new("e");
        run(&mut state, &Op::Live(drifts.clone(), touched));
        let told = state.compare(&report(&drifts), &NOBODY, at(9));
        prop_assert!(told.iter().all(|body| matches!(body, DriftBody::Package(_))), "{:?}", lines(&told));
        prop_assert_eq!(lines(&state.compare(&report(&drifts), &NOBODY, at(9))), NOTHING);
    }
}
