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

const ID: UpdateId = UpdateId(1);
const MANAGER: OfRun = OfRun { id: ID, is_manager: true };
const SCRIPT: OfRun = OfRun { id: ID, is_manager: false };

#[test]
fn what_a_run_touched_is_told_as_one_at_its_end() {
    let held = Held::default();
    let mut runs = Runs::new(held.clone(), 10);
    assert!(runs.take(MANAGER, &touch("/b"), None) && runs.take(MANAGER, &touch("/a"), None));
    assert!(runs.take(SCRIPT, &touch("/b"), None) && runs.contains(b"/b") && held.is_held(b"/b"));
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
        runs.take(MANAGER, &touch(path), None);
    }
    let left = runs.leave(&path("/d"), true);
    let mut left: Vec<_> = left.iter().map(|(path, _)| &path[..]).collect();
    left.sort_unstable();
    assert_eq!(left, [&b"/d"[..], b"/d/x"]);
    assert!(!runs.take(MANAGER, &touch("/d/x"), None), "it comes back to the run");
    runs.share(MANAGER, &path("/pending"));
    assert!(!runs.take(MANAGER, &touch("/pending"), None));
    let update = runs.finish(ended(ID)).unwrap();
    assert_eq!(update.touched.len(), 1);
}

#[test]
fn what_is_too_much_is_not_kept_and_said_to_be_missing() {
    let mut runs = Runs::new(Held::default(), 1);
    assert!(runs.take(MANAGER, &touch("/a"), None) && !runs.take(MANAGER, &touch("/b"), None));
    assert!(runs.finish(ended(ID)).unwrap().is_cut);
    assert!(runs.take(MANAGER, &touch("/b"), None), "there is room again");
}
