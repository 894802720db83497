//! One PutLogEvents: as many events, in their order, as one request may have.
//!
//! The rules are those of the API reference: at most 10,000 events and 1,048,576 bytes (of UTF-8, and 26 for each
//! event), in chronological order, within 24 hours.

use std::ops::Range;

use super::plan::Part;

/// An event, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Milliseconds since 1970.
    pub(super) timestamp: i64,
    pub(super) message: String,
    pub(super) part: Part,
    /// Which of the batch it stands for.
    pub(super) entries: Range<usize>,
}

/// Events that go together.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) events: Vec<Event>,
    bytes: usize,
}

impl Request {
    /// Takes an event, or gives it back because it does not fit behind the others.
    pub(super) fn push(&mut self, event: Event, most: usize) -> Result<(), Event> {
        let bytes = event.message.len() + OVERHEAD;
        let fits = match (self.events.first(), self.events.last()) {
            (Some(first), Some(last)) => {
                self.events.len() < most.min(MAX_EVENTS)
                    && self.bytes + bytes <= MAX_BYTES
                    // Cut where time goes back: each record keeps its own time, and all of them their order.
                    && event.timestamp >= last.timestamp
                    && event.timestamp - first.timestamp < MAX_SPAN
            }
            _ => true,
        };
        if !fits {
            return Err(event);
        }
        self.bytes += bytes;
        self.events.push(event);
        Ok(())
    }
}

/// What an event may have beside the 26 bytes that each costs.
pub(super) const MAX_MESSAGE: usize = MAX_BYTES - OVERHEAD;
pub(super) const MAX_EVENTS: usize = 10_000;
pub(super) const MAX_BYTES: usize = 1_048_576;
pub(super) const OVERHEAD: usize = 26;
const MAX_SPAN: i64 = 24 * 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(timestamp: i64, length: usize) -> Event {
        Event { timestamp, message: "x".repeat(length), part: Part::Record, entries: 0..1 }
    }

    proptest! {
        #[test]
        fn no_request_breaks_a_rule(events in proptest::collection::vec((0i64..200_000_000, 1usize..400_000), 1..40), most in 1usize..50) {
            let mut request = Request::default();
            let mut taken = 0;
            for (timestamp, length) in events {
                if request.push(event(timestamp, length), most).is_err() {
                    break;
                }
                taken += 1;
            }
            prop_assert!(taken >= 1, "an event alone always fits");
            let times: Vec<i64> = request.events.iter().map(|event| event.timestamp).collect();
            prop_assert!(times.is_sorted() && times[times.len() - 1] - times[0] < MAX_SPAN);
            let bytes: usize = request.events.iter().map(|event| event.message.len() + OVERHEAD).sum();
            prop_assert!(bytes <= MAX_BYTES && request.events.len() <= most);
        }
    }
}
