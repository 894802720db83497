//! PutLogEvents: the one call by which records get in, and all that it refuses.

use serde_json::{Map, Value, json};

use super::{Answered, DAY, Event, Group, HOUR, Logs, group_name, stream_name, unfit};
use crate::support::aws::answer::Refusal;

impl Logs {
    /// In which order AWS looks at a request that breaks several rules is not known; here it is from the cheapest to the
    /// dearest, as its answers suggest.
    pub(super) fn put(&mut self, mut body: Map<String, Value>, now: i64) -> Answered {
        let events = events(&mut body)?;
        let (name, stream) = (group_name(&body)?, stream_name(&body)?);
        let group = self.existing(name)?;
        group.has(stream)?;
        in_order(&events)?;
        small_enough(&events)?;
        let taken = Taken::of(&events, group, now);
        within_a_day(&events[taken.first..taken.end])?;
        let (first, end) = (taken.first, taken.end);
        for (timestamp, message) in events.into_iter().take(end).skip(first) {
            group.keep(Event { stream: stream.to_owned(), timestamp, message, ingested: now });
        }
        Ok(taken.answer())
    }
}

type Timed = (i64, String);

fn events(body: &mut Map<String, Value>) -> Result<Vec<Timed>, Refusal> {
    let Some(Value::Array(events)) = body.remove("logEvents") else {
        return Err(unfit("logEvents", "null", "not be null"));
    };
    match events.len() {
        0 => return Err(unfit("logEvents", "[]", "have length greater than or equal to 1")),
        1..=MOST_EVENTS => {}
        _ => return Err(unfit("logEvents", "[…]", "have length less than or equal to 10000")),
    }
    events.into_iter().enumerate().map(|(at, event)| timed(at + 1, event)).collect()
}

fn timed(number: usize, mut event: Value) -> Result<Timed, Refusal> {
    let place = |what: &str| format!("logEvents.{number}.member.{what}");
    let timestamp = event["timestamp"].as_i64().filter(|time| *time >= 0).ok_or_else(|| {
        unfit(&place("timestamp"), &event["timestamp"].to_string(), "have value greater than or equal to 0")
    })?;
    match event["message"].take() {
        Value::String(message) if message.is_empty() => {
            Err(unfit(&place("message"), "", "have length greater than or equal to 1"))
        }
        Value::String(message) => Ok((timestamp, message)),
        _ => Err(unfit(&place("message"), "null", "not be null")),
    }
}

fn in_order(events: &[Timed]) -> Result<(), Refusal> {
    if events.is_sorted_by_key(|(time, _)| *time) {
        return Ok(());
    }
    Err(Refusal::parameter("Log events in a single PutLogEvents request must be in chronological order."))
}

/// The documentation gives one event as much as a whole batch: 1 MB, in UTF-8 and with 26 bytes for each.
fn small_enough(events: &[Timed]) -> Result<(), Refusal> {
    let sizes = events.iter().map(|(_, message)| message.len() + PER_EVENT);
    if let Some(size) = sizes.clone().find(|size| *size > MOST_BYTES) {
        return Err(Refusal::parameter(format!(
            "Log event too large: {size} bytes exceeds limit of {MOST_BYTES}"
        )));
    }
    match sizes.sum::<usize>() {
        size if size > MOST_BYTES => {
            Err(Refusal::parameter(format!("Upload too large: {size} bytes exceeds limit of {MOST_BYTES}")))
        }
        _ => Ok(()),
    }
}

/// Of those that are taken: the documentation counts no others.
fn within_a_day(taken: &[Timed]) -> Result<(), Refusal> {
    match taken {
        [(first, _), .., (last, _)] if last - first > DAY => Err(Refusal::parameter(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        )),
        _ => Ok(()),
    }
}

/// Which of the events are kept, and why the others are not.
struct Taken {
    first: usize,
    end: usize,
    info: Map<String, Value>,
}

impl Taken {
    /// Exactly two hours ahead, fourteen days or the retention ago is still taken; that AWS does the same to the
    /// millisecond is not known.
    fn of(events: &[Timed], group: &Group, now: i64) -> Self {
        let older = |limit: i64| events.partition_point(|(time, _)| *time < limit);
        let (too_old, expired) = (older(now - MOST_AGE), older(group.horizon(now)));
        let end = events.partition_point(|(time, _)| *time <= now + MOST_AHEAD);
        let mut info = Map::new();
        if end < events.len() {
            info.insert("tooNewLogEventStartIndex".to_owned(), json!(end));
        }
        // Exclusive, both: the index behind the last of them.
        if too_old > 0 {
            info.insert("tooOldLogEventEndIndex".to_owned(), json!(too_old));
        }
        // An event that is older than both limits is told in both fields here; of AWS that is not known.
        if expired > 0 {
            info.insert("expiredLogEventEndIndex".to_owned(), json!(expired));
        }
        let first = too_old.max(expired);
        Self { first, end: end.max(first), info }
    }

    /// The sequence token means nothing any more, and is sent all the same.
    fn answer(self) -> Value {
        let mut answer = json!({ "nextSequenceToken": "49039859627138496736252632" });
        if !self.info.is_empty() {
            answer["rejectedLogEventsInfo"] = Value::Object(self.info);
        }
        answer
    }
}

const MOST_EVENTS: usize = 10_000;
const MOST_BYTES: usize = 1_048_576;
const PER_EVENT: usize = 26;
const MOST_AHEAD: i64 = 2 * HOUR;
const MOST_AGE: i64 = 14 * DAY;
