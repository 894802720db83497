//! The loop against destinations that play every trick: nothing is passed over, and nothing holds up the rest.

use super::*;
use crate::finding::Severity;
use crate::finding::wire::record::{Id, Kind};
use crate::ship::Bounds;

/// Refuses, fails and stops as told; takes everything else.
#[derive(Debug, Default)]
struct Moody {
    poisoned: Vec<u64>,
    /// Whether it says which records it refuses.
    says_which: bool,
    /// So many failures before each success.
    failures: u32,
    failed: u32,
    after: Option<Duration>,
    at_most: Option<usize>,
    taken: Vec<u64>,
    calls: u32,
}

impl Shipper for Moody {
    fn name(&self) -> &'static str {
        "moody"
    }

    fn bounds(&self) -> Bounds {
        Bounds::default()
    }

    fn deliver(&mut self, batch: &[Entry]) -> Result<Delivered, Trouble> {
        self.calls += 1;
        if self.failed < self.failures {
            self.failed += 1;
            return Err(Trouble::Retry { after: self.after, text: "503".to_owned() });
        }
        let poisoned = batch.iter().filter(|entry| self.poisoned.contains(&entry.position.seq));
        let poisoned: Vec<Position> = poisoned.map(|entry| entry.position).collect();
        if !poisoned.is_empty() {
            let positions = if self.says_which { poisoned } else { Vec::new() };
            return Err(Trouble::Refused { positions, text: "too old".to_owned() });
        }
        self.failed = 0;
        let count = self.at_most.unwrap_or(usize::MAX).min(batch.len());
        self.taken.extend(batch[..count].iter().map(|entry| entry.position.seq));
        Ok(Delivered::first(count))
    }
}

/// Time that only passes when somebody waits.
#[derive(Debug, Default)]
struct Played {
    waited: Vec<Duration>,
    random: u64,
    /// Asks to stop at this wait.
    stops_at: Option<usize>,
    told: Vec<String>,
}

impl Pace for Played {
    fn wait(&mut self, time: Duration) -> bool {
        self.waited.push(time);
        assert!(self.waited.len() < 10_000, "it waits for ever");
        self.is_stopped()
    }

    fn is_stopped(&self) -> bool {
        self.stops_at.is_some_and(|at| self.waited.len() >= at)
    }

    fn random(&mut self) -> u64 {
        self.random
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn tell(&mut self, text: &str) {
        self.told.push(text.to_owned());
    }
}

struct Case {
    shipper: Moody,
    pace: Played,
    standing: Standing,
    kept: Vec<u64>,
    /// So many times the cursor's disk fails first.
    cursor_fails: u32,
}

impl Case {
    fn new(shipper: Moody) -> Self {
        let pace = Played { random: u64::MAX, ..Played::default() };
        Self { shipper, pace, standing: Standing::new("moody"), kept: Vec::new(), cursor_fails: 0 }
    }

    fn deliver(&mut self, seqs: std::ops::RangeInclusive<u64>) -> Result<(), Halt> {
        let Self { shipper, pace, standing, kept, cursor_fails } = self;
        let mut keep = |to: Position| {
            if *cursor_fails > 0 {
                *cursor_fails -= 1;
                return Err(io::Error::from_raw_os_error(nix::libc::EIO));
            }
            kept.push(to.seq);
            Ok(())
        };
        Loop { shipper, keep: &mut keep, pace, standing }.deliver(seqs.map(entry).collect())
    }
}

fn entry(seq: u64) -> Entry {
    Entry {
        position: Position { segment: 1, epoch: Id::new([1; 8]), seq },
        kind: if seq.is_multiple_of(2) { Kind::Finding } else { Kind::Gap },
        severity: Severity::Low,
        line: b"{}".to_vec(),
    }
}

#[test]
fn trouble_is_waited_out_however_long_it_lasts() {
    let mut case = Case::new(Moody { failures: 5000, ..Moody::default() });
    case.deliver(1..=10).unwrap();
    assert_eq!(case.shipper.taken, (1..=10).collect::<Vec<_>>());
    assert_eq!(case.kept, [10]);
    assert_eq!(case.standing.now().retries, 5000);
    assert!(case.pace.waited.iter().all(|waited| *waited <= LONGEST));
    assert_eq!(
        case.pace.told.len(),
        2,
        "told once that it fails and once that it works: {:?}",
        case.pace.told
    );
    assert!(!case.standing.now().failing);
}

#[test]
fn waits_grow_to_a_bound_and_are_spread_below_it() {
    let mut most = Backoff::default();
    let longest: Vec<u128> = (0..12).map(|_| most.next(None, u64::MAX).as_millis()).collect();
    assert_eq!(longest[..5], [200, 400, 800, 1600, 3200]);
    assert_eq!(longest[10..], [60_000, 60_000]);
    assert_eq!(Backoff::default().next(None, 0), Duration::ZERO);
    assert_eq!(Backoff::default().next(None, u64::MAX / 2).as_millis(), 99);
}

#[test]
fn a_destination_that_names_a_time_is_not_asked_before_it() {
    let after = Duration::from_secs(7);
    for random in [0, 1 << 40, u64::MAX] {
        let mut backoff = Backoff::default();
        for _ in 0..20 {
            let wait = backoff.next(Some(after), random);
            assert!(wait >= after && wait <= after * 2, "{wait:?}");
        }
    }
    let absurd = Backoff::default().next(Some(Duration::MAX), u64::MAX);
    assert!(absurd <= LONGEST_NAMED * 2, "{absurd:?}");
    let mut case = Case::new(Moody { failures: 3, after: Some(after), ..Moody::default() });
    case.deliver(1..=1).unwrap();
    assert!(case.pace.waited.iter().all(|waited| *waited >= after));
}

#[test]
fn poisoned_records_hold_up_nobody_and_are_named() {
    for says_which in [true, false] {
        let poisoned = vec![1, 7, 8, 100];
        let mut case = Case::new(Moody { poisoned: poisoned.clone(), says_which, ..Moody::default() });
        case.deliver(1..=100).unwrap();
        let wanted: Vec<u64> = (1..=100).filter(|seq| !poisoned.contains(seq)).collect();
        assert_eq!(case.shipper.taken, wanted, "each of the others once");
        assert_eq!(case.kept.last(), Some(&100), "the cursor is behind the last although that was refused");
        let status = case.standing.now();
        let named: Vec<u64> = status.refusals.iter().map(|(_, refusal)| refusal.position.seq).collect();
        assert_eq!(named, poisoned);
        assert_eq!(status.refused.into_iter().collect::<Vec<_>>(), [(Kind::Finding, 2), (Kind::Gap, 2)]);
        assert_eq!(status.delivered.records, 96);
        assert!(case.shipper.calls < 60, "{} calls", case.shipper.calls);
        assert!(case.pace.waited.is_empty());
    }
}

#[test]
fn a_destination_that_refuses_everything_ends_with_everything_named() {
    let mut case = Case::new(Moody { poisoned: (1..=30).collect(), ..Moody::default() });
    case.deliver(1..=30).unwrap();
    assert_eq!(case.standing.now().refused.values().sum::<u64>(), 30);
    assert_eq!(case.kept, [30]);
}

#[test]
fn a_destination_that_takes_a_few_at_a_time_gets_all_in_order() {
    let mut case = Case::new(Moody { at_most: Some(3), ..Moody::default() });
    case.deliver(1..=10).unwrap();
    assert_eq!(case.shipper.taken, (1..=10).collect::<Vec<_>>());
    assert_eq!(case.kept, [3, 6, 9, 10]);
}

#[test]
fn nothing_more_is_delivered_before_the_cursor_knows() {
    let mut case = Case::new(Moody { at_most: Some(5), ..Moody::default() });
    case.cursor_fails = 4;
    case.deliver(1..=10).unwrap();
    assert_eq!(case.shipper.calls, 2);
    assert_eq!(case.kept, [5, 10]);
    assert_eq!(case.pace.waited.len(), 4);
}

#[test]
fn whoever_asks_to_stop_is_heard_in_the_middle_of_trouble() {
    let mut case = Case::new(Moody { failures: u32::MAX, ..Moody::default() });
    case.pace.stops_at = Some(3);
    assert_eq!(case.deliver(1..=10), Err(Halt::Asked));
    assert_eq!((case.pace.waited.len(), case.kept.len()), (3, 0), "the cursor stays where it was");
}
