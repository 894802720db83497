//! When a change is worth a look: not in the middle of somebody's work, not for ever later, and not all the time.
//!
//! Free of clocks: the caller says what time it is.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Topics;

/// The topics that have changed since they were looked at.
#[derive(Debug, Default)]
pub struct Settle {
    waiting: BTreeMap<&'static str, Changes>,
    /// Before which moment a topic is not looked at again.
    rests: BTreeMap<&'static str, Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Changes {
    first: Instant,
    last: Instant,
}

impl Settle {
    /// Something changed that these topics depend on.
    pub fn changed(&mut self, topics: &Topics, now: Instant) {
        for topic in topics {
            let changes = self.waiting.entry(topic).or_insert(Changes { first: now, last: now });
            changes.last = changes.last.max(now);
        }
    }

    /// The topics whose time has come; the caller looks at them now. A change that comes meanwhile counts anew.
    pub fn take_due(&mut self, now: Instant) -> Topics {
        let due: Topics =
            self.waiting.keys().copied().filter(|topic| self.due_at(topic) <= Some(now)).collect();
        for topic in &due {
            self.waiting.remove(topic);
            self.rests.insert(topic, now + PAUSE);
        }
        due
    }

    /// These topics were looked at, for whatever reason: what had changed before that began is settled.
    pub fn looked(&mut self, topics: &Topics, began: Instant, ended: Instant) {
        // A look that costs much is rarer, so that all of them together stay within a share of one processor.
        let pause = PAUSE.max(ended.duration_since(began) * RARER);
        for topic in topics {
            if self.waiting.get(topic).is_some_and(|changes| changes.last <= began) {
                self.waiting.remove(topic);
            }
            self.rests.insert(topic, ended + pause);
        }
    }

    /// When to ask [`Settle::take_due`] next; `None` while nothing has changed.
    pub fn next_due(&self) -> Option<Instant> {
        self.waiting.keys().filter_map(|topic| self.due_at(topic)).min()
    }

    fn due_at(&self, topic: &str) -> Option<Instant> {
        let changes = self.waiting.get(topic)?;
        let settled = (changes.last + QUIET).min(changes.first + PATIENCE);
        Some(self.rests.get(topic).map_or(settled, |rest| settled.max(*rest)))
    }
}

/// An editor or a package's script has done what belongs together.
const QUIET: Duration = Duration::from_secs(1);
/// Whoever keeps writing must not keep us from looking.
const PATIENCE: Duration = Duration::from_secs(5);
/// Whoever keeps writing must not keep us busy either.
const PAUSE: Duration = Duration::from_secs(10);
/// A twentieth of a processor at most, however much there is to look at.
const RARER: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_change_is_due_a_second_after_the_last_of_its_kind() {
        let (mut settle, at) = start();
        assert_eq!(settle.next_due(), None);
        settle.changed(&topics(&["ssh"]), at(0));
        settle.changed(&topics(&["ssh"]), at(600));
        assert_eq!(settle.next_due(), Some(at(1600)));
        assert!(settle.take_due(at(1599)).is_empty());
        assert_eq!(settle.take_due(at(1600)), topics(&["ssh"]));
        assert!(settle.take_due(at(99_000)).is_empty(), "it is told once");
        assert_eq!(settle.next_due(), None);
    }

    #[test]
    fn who_keeps_writing_delays_a_look_by_five_seconds_at_most() {
        let (mut settle, at) = start();
        for millis in (0..5000).step_by(500) {
            settle.changed(&topics(&["ssh"]), at(millis));
            assert!(settle.take_due(at(millis)).is_empty());
        }
        settle.changed(&topics(&["ssh"]), at(5000));
        assert_eq!(settle.take_due(at(5000)), topics(&["ssh"]));
    }

    #[test]
    fn after_a_look_changes_wait_ten_seconds_and_are_not_forgotten() {
        let (mut settle, at) = start();
        settle.changed(&topics(&["ssh"]), at(0));
        assert_eq!(settle.take_due(at(1000)), topics(&["ssh"]));
        settle.changed(&topics(&["ssh"]), at(1500));
        settle.looked(&topics(&["ssh"]), at(1000), at(1400));
        assert_eq!(settle.next_due(), Some(at(11_400)));
        assert!(settle.take_due(at(11_399)).is_empty());
        assert_eq!(settle.take_due(at(11_400)), topics(&["ssh"]));
    }

    #[test]
    fn a_look_for_another_reason_settles_what_changed_before_it_and_nothing_else() {
        let (mut settle, at) = start();
        settle.changed(&topics(&["accounts", "ssh"]), at(0));
        settle.changed(&topics(&["ssh"]), at(300));
        settle.looked(&topics(&["accounts", "ssh"]), at(200), at(400));
        assert_eq!(settle.next_due(), Some(at(10_400)));
        assert_eq!(settle.take_due(at(20_000)), topics(&["ssh"]));
    }

    #[test]
    fn a_look_that_took_long_is_not_repeated_soon() {
        let (mut settle, at) = start();
        settle.looked(&topics(&["files"]), at(0), at(3000));
        settle.changed(&topics(&["files"]), at(4000));
        assert_eq!(settle.next_due(), Some(at(63_000)));
    }

    #[test]
    fn one_topic_does_not_wait_for_another() {
        let (mut settle, at) = start();
        settle.looked(&topics(&["files"]), at(0), at(0));
        settle.changed(&topics(&["files", "ssh"]), at(0));
        assert_eq!(settle.take_due(at(1000)), topics(&["ssh"]));
        assert_eq!(settle.take_due(at(10_000)), topics(&["files"]));
    }

    proptest! {
        #[test]
        fn every_change_is_followed_by_a_look_and_looks_are_ten_seconds_apart(
            steps in proptest::collection::vec((0_u64..3000, any::<bool>()), 1..200),
        ) {
            let (mut settle, at) = start();
            let (mut now, mut changed, mut looks) = (0, None::<u64>, Vec::new());
            for (step, is_change) in steps.into_iter().chain([(30_000, false)]) {
                // The loop sleeps until the next due time, as the daemon does.
                let target = now + step;
                while let Some(due) = settle.next_due().filter(|due| *due <= at(target)) {
                    let due = due.max(at(now));
                    prop_assert_eq!(settle.take_due(due), topics(&["ssh"]));
                    let due = u64::try_from(due.duration_since(at(0)).as_millis()).unwrap();
                    let last_look = looks.last().map_or(0, |look| look + 10_000);
                    prop_assert!(due <= (changed.unwrap() + 5000).max(last_look), "too late");
                    looks.push(due);
                    changed = None;
                }
                now = target;
                if is_change {
                    settle.changed(&topics(&["ssh"]), at(now));
                    changed = changed.or(Some(now));
                }
            }
            prop_assert_eq!(changed, None, "a change was forgotten");
            prop_assert!(looks.windows(2).all(|pair| pair[1] - pair[0] >= 10_000));
        }
    }

    fn start() -> (Settle, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        (Settle::default(), move |millis| start + Duration::from_millis(millis))
    }

    fn topics(names: &[&'static str]) -> Topics {
        names.iter().copied().collect()
    }
}
