//! With moments that are made up.

use jiff::Timestamp;

use super::super::How;
use super::*;

fn touch(path: &str, how: How, settle: Settle) -> Touch {
    let path = path.as_bytes().into();
    Touch { path, is_tree: false, how, count: 1, at: Timestamp::UNIX_EPOCH, settle, alias: None }
}

fn created(path: &str) -> Touch {
    touch(path, How::CREATED, Settle::Created)
}

fn written(path: &str) -> Touch {
    touch(path, How::WRITTEN, Settle::AtOnce)
}

fn deleted(path: &str) -> Touch {
    touch(path, How::DELETED, Settle::Deleted)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

struct Table {
    pending: Pending,
    held: Held,
    start: Instant,
}

impl Table {
    fn new() -> Self {
        let held = Held::default();
        Self { pending: Pending::new(held.clone(), 4), held, start: Instant::now() }
    }

    fn take(&mut self, touch: &Touch, at: u64) -> Taken {
        self.pending.take(touch, None, self.start + millis(at))
    }

    fn ready(&mut self, at: u64) -> Vec<String> {
        let ready = self.pending.ready(self.start + millis(at), 10);
        ready.into_iter().map(|touched| String::from_utf8(touched.path).unwrap()).collect()
    }
}

#[test]
fn what_is_closed_is_due_at_once_and_what_is_made_when_it_is_closed() {
    let mut table = Table::new();
    table.take(&created("/made"), 0);
    table.take(&written("/closed"), 0);
    table.take(&deleted("/gone"), 0);
    assert_eq!(table.ready(0), ["/closed"]);
    assert_eq!(table.ready(9), [""; 0]);
    assert_eq!(table.ready(10), ["/gone"]);
    table.take(&written("/made"), 20);
    assert_eq!(table.ready(20), ["/made"]);
    table.take(&created("/never-closed"), 30);
    assert_eq!(table.ready(529), [""; 0]);
    assert_eq!(table.ready(530), ["/never-closed"]);
}

#[test]
fn what_is_replaced_by_deleting_it_first_is_looked_at_when_it_is_back() {
    let mut table = Table::new();
    table.take(&deleted("/a"), 0);
    table.take(&created("/a"), 5);
    // Given to its owner before it is written.
    table.take(&touch("/a", How::ATTRIBUTES, Settle::AsItIs), 6);
    assert_eq!(table.ready(100), [""; 0]);
    table.take(&written("/a"), 110);
    assert_eq!(table.ready(110), ["/a"]);
}

#[test]
fn nobody_puts_it_off_for_ever() {
    let mut table = Table::new();
    for at in (0..990).step_by(9) {
        table.take(&deleted("/a"), at);
        table.take(&created("/a"), at);
        assert_eq!(table.ready(at), [""; 0]);
    }
    assert_eq!(table.ready(1000), ["/a"]);
}

#[test]
fn what_goes_on_is_told_less_and_less_often_and_counted_exactly() {
    let mut table = Table::new();
    let (mut times, mut counted) = (Vec::new(), 0);
    for at in (0..30_000).step_by(10) {
        table.take(&written("/noisy"), at);
        let ready = table.pending.ready(table.start + millis(at), 10);
        if let [touched] = &ready[..] {
            times.push(at);
            counted += touched.count;
        }
    }
    assert_eq!(times, [0, 100, 300, 700, 1500, 3100, 6300, 12700, 22700]);
    assert_eq!(counted, 2271);
    // It kept quiet for long enough.
    assert_eq!(table.ready(33_000), ["/noisy"]);
    table.take(&written("/noisy"), 60_000);
    assert_eq!(table.ready(60_000), ["/noisy"]);
    table.take(&written("/noisy"), 60_010);
    assert_eq!(table.ready(60_100), ["/noisy"]);
}

#[test]
fn a_path_is_held_once_for_each_time_that_it_is_handed_over() {
    let mut table = Table::new();
    table.take(&written("/a"), 0);
    assert_eq!(table.take(&written("/a"), 0), Taken::Known);
    table.ready(0);
    table.take(&written("/a"), 1);
    table.held.release([&b"/a"[..]].into_iter());
    assert!(table.held.is_held(b"/a"));
    table.ready(200);
    table.held.release([&b"/a"[..]].into_iter());
    assert!(!table.held.is_held(b"/a"));
}

#[test]
fn what_was_kept_elsewhere_is_held_for_that_already() {
    let mut table = Table::new();
    let earlier = || Gathered::of(&written("/a"), None);
    table.take(&deleted("/a"), 0);
    table.held.hold(b"/a");
    table.pending.take_over(&b"/a"[..].into(), earlier(), table.start);
    table.held.hold(b"/b");
    table.pending.take_over(&b"/b"[..].into(), earlier(), table.start);
    let ready = table.pending.ready(table.start + millis(10), 10);
    assert_eq!(ready.iter().map(|touched| touched.count).sum::<u64>(), 3);
    table.held.release([&b"/a"[..], b"/b"].into_iter());
    assert!(!table.held.is_held(b"/a") && !table.held.is_held(b"/b"));
}

#[test]
fn there_is_room_for_so_many() {
    let mut table = Table::new();
    for path in ["/a", "/b", "/c", "/d"] {
        assert_eq!(table.take(&created(path), 0), Taken::New);
    }
    assert_eq!(table.take(&created("/e"), 0), Taken::NoRoom);
    assert!(!table.held.is_held(b"/e"));
    assert_eq!(table.take(&created("/a"), 0), Taken::Known);
    assert_eq!(table.pending.ready(table.start + millis(500), 3).len(), 3);
    assert_eq!(table.take(&created("/e"), 500), Taken::New);
}

#[test]
fn the_last_actors_come_first_and_the_others_are_counted() {
    let mut table = Table::new();
    for pid in [1, 2, 3, 4, 2, 5] {
        let actor = Arc::new(Actor { pid, ..Actor::default() });
        table.pending.take(&written("/a"), Some(actor), table.start);
    }
    let ready = table.pending.ready(table.start, 1);
    let pids: Vec<u32> = ready[0].actors.iter().map(|actor| actor.pid).collect();
    assert_eq!((pids, ready[0].more_actors), (vec![5, 2, 4], 2));
}
