//! Runs of a package manager, played by hand.

use jiff::Timestamp;

use super::super::How;
use super::super::gathered::Settle;
use super::*;

fn touch(path: &str) -> Touch {
    let (path, at) = (path.as_bytes().into(), Timestamp::UNIX_EPOCH);
    Touch { path, is_tree: false, how: How::WRITTEN, count: 1, at, settle: Settle::AtOnce, alias: None }
}

fn path(path: &str) -> Arc<[u8]> {
    path.as_bytes().into()
}

fn ended(id: UpdateId) -> Ended {
    let at = Timestamp::UNIX_EPOCH;
    Ended { id, manager: "dpkg", by: Arc::default(), began: at, ended: at, is_cut: false }
}

fn now() -> Instant {
    Instant::now()
}

const ID: UpdateId = UpdateId(1);
const MANAGER: OfRun = OfRun { id: ID, is_manager: true };
const SCRIPT: OfRun = OfRun { id: ID, is_manager: false };

#[test]
fn what_a_run_touched_is_told_as_one_at_its_end() {
    let held = Held::default();
    let mut runs = Runs::new(held.clone(), 10);
    assert!(runs.take(MANAGER, &touch("/b"), None, now()) && runs.take(MANAGER, &touch("/a"), None, now()));
    assert!(runs.take(SCRIPT, &touch("/b"), None, now()) && runs.contains(b"/b") && held.is_held(b"/b"));
    let update = runs.finish(ended(ID)).unwrap();
    let told: Vec<_> =
        update.touched.iter().map(|of| (&of.touched.path[..], of.touched.count, of.by_manager)).collect();
    assert_eq!(told, [(&b"/a"[..], 1, true), (b"/b", 2, false)]);
    assert!(!update.is_cut && held.is_held(b"/a"), "whoever receives it releases it");
    assert!(runs.finish(ended(ID)).is_none());
}

#[test]
fn what_somebody_else_touches_too_leaves_it_for_good() {
    let mut runs = Runs::new(Held::default(), 10);
    for path in ["/d", "/d/x", "/dx"] {
        runs.take(MANAGER, &touch(path), None, now());
    }
    let left = runs.leave(&path("/d"), true);
    let mut left: Vec<_> = left.iter().map(|(path, _)| &path[..]).collect();
    left.sort_unstable();
    assert_eq!(left, [&b"/d"[..], b"/d/x"]);
    assert!(!runs.take(MANAGER, &touch("/d/x"), None, now()), "it comes back to the run");
    runs.share(MANAGER, &path("/pending"));
    assert!(!runs.take(MANAGER, &touch("/pending"), None, now()));
    let update = runs.finish(ended(ID)).unwrap();
    assert_eq!(update.touched.len(), 1);
}

#[test]
fn what_is_too_much_is_not_kept_and_said_to_be_missing() {
    let mut runs = Runs::new(Held::default(), 1);
    assert!(runs.take(MANAGER, &touch("/a"), None, now()) && !runs.take(MANAGER, &touch("/b"), None, now()));
    assert!(runs.finish(ended(ID)).unwrap().is_cut);
    assert!(runs.take(MANAGER, &touch("/b"), None, now()), "there is room again");
}

#[test]
fn what_others_did_is_told_before_the_end_once_they_leave_it_alone() {
    let held = Held::default();
    let mut runs = Runs::new(held.clone(), 10);
    let now = now();
    runs.take(MANAGER, &touch("/by-manager"), None, now);
    assert_eq!((runs.due(), runs.meanwhile(now + REST, 9)), (None, vec![]));
    runs.take(SCRIPT, &touch("/b"), None, now);
    runs.take(SCRIPT, &touch("/a"), None, now + REST / 2);
    assert_eq!(runs.due(), Some(now + REST));
    let names = |told: Vec<OfUpdate>| told.into_iter().map(|of| of.touched.path).collect::<Vec<_>>();
    assert_eq!(names(runs.meanwhile(now + REST, 9)), [b"/b"]);
    assert_eq!(names(runs.meanwhile(now + REST * 2, 9)), [b"/a"]);
    assert_eq!((runs.due(), held.is_held(b"/a")), (None, true));
    // Whoever never leaves it alone is not waited for.
    let end = (0..=40).map(|turn| now + REST * 2 + REST / 4 * turn);
    let told = end.map(|now| {
        runs.take(SCRIPT, &touch("/b"), None, now);
        names(runs.meanwhile(now, 9)).len()
    });
    assert_eq!(told.sum::<usize>(), 1);
    let update = runs.finish(ended(ID)).unwrap();
    assert_eq!(update.touched.len(), 3, "they are part of it all the same");
}
