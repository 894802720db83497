//! FilterLogEvents and GetLogEvents: how events are read again from a group of the standard class.

use serde_json::{Map, Value, json};

use super::{Answered, Event, Group, Logs, group_name, number, stream_name, unfit};
use crate::support::aws::answer::Refusal;

impl Logs {
    /// In the order of their times; of equal ones, as they came in.
    pub(super) fn filter(&mut self, body: &Map<String, Value>, now: i64) -> Answered {
        let has_empty_pages = self.has_empty_pages;
        let wanted = Wanted::of(body)?;
        let group = self.existing(group_name(body)?)?;
        group.searchable()?;
        for name in wanted.streams.iter().flatten() {
            group.has(name)?;
        }
        let (from, came_empty) = match body.get("nextToken") {
            None | Some(Value::Null) => ((wanted.start.max(group.horizon(now)), 0), false),
            Some(token) => {
                position(token).ok_or_else(|| Refusal::parameter("The specified nextToken is invalid."))?
            }
        };
        if has_empty_pages && !came_empty {
            return Ok(json!({ "events": [], "searchedLogStreams": [], "nextToken": token(from, true) }));
        }
        let mut page = Page { most: wanted.limit, events: Vec::new(), bytes: 0 };
        let mut next = None;
        let inside = group.by_time.range(from..).take_while(|(time, _)| *time <= wanted.end);
        // A page looks at so many and no more, whether they are wanted or not: then it is short, or empty.
        for (looked, (time, at)) in inside.enumerate() {
            let event = &group.events[*at];
            let is_wanted = wanted.includes(event);
            if looked == MOST_LOOKED || (is_wanted && !page.has_room(event)) {
                next = Some(token((*time, *at), false));
                break;
            }
            if is_wanted {
                page.push(
                    json!({
                        "logStreamName": event.stream,
                        "timestamp": event.timestamp,
                        "message": event.message,
                        "ingestionTime": event.ingested,
                        "eventId": format!("{:0>56}", at),
                    }),
                    event,
                );
            }
        }
        let mut answer = json!({ "searchedLogStreams": [] });
        answer["events"] = Value::Array(page.events);
        if let Some(next) = next {
            answer["nextToken"] = json!(next);
        }
        Ok(answer)
    }

    /// The end of a stream is a token that stays the same.
    pub(super) fn get(&mut self, body: &Map<String, Value>, now: i64) -> Answered {
        let (start, end) = (number(body, "startTime", 0, i64::MAX)?, number(body, "endTime", 0, i64::MAX)?);
        let limit =
            number(body, "limit", 1, 10_000)?.map_or(10_000, |limit| usize::try_from(limit).unwrap_or(0));
        let (name, stream) = (group_name(body)?, stream_name(body)?);
        let group = self.existing(name)?;
        group.searchable()?;
        group.has(stream)?;
        let start = start.unwrap_or(i64::MIN).max(group.horizon(now));
        // Unlike a search's, this end is exclusive.
        let end = end.unwrap_or(i64::MAX);
        let all: Vec<&Event> =
            in_time(group, start).filter(|event| event.timestamp < end && event.stream == stream).collect();
        let is_from_head = body.get("startFromHead").and_then(Value::as_bool).unwrap_or(false);
        let token = body.get("nextToken").and_then(Value::as_str);
        let place = |text: &str| text[2..].parse::<usize>().ok();
        let first = match token {
            None if is_from_head => 0,
            None => last_page(&all, limit),
            Some(token) if token.starts_with("f/") => place(token).unwrap_or(0).min(all.len()),
            Some(token) if token.starts_with("b/") => {
                last_page(&all[..place(token).unwrap_or(0).min(all.len())], limit)
            }
            Some(_) => return Err(Refusal::parameter("The specified nextToken is invalid.")),
        };
        let end = match token {
            Some(token) if token.starts_with("b/") => place(token).unwrap_or(0).min(all.len()),
            _ => all.len(),
        };
        let mut page = Page { most: limit, events: Vec::new(), bytes: 0 };
        for event in &all[first..end] {
            if !page.has_room(event) {
                break;
            }
            page.push(
                json!({
                    "timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested,
                }),
                event,
            );
        }
        let next = first + page.events.len();
        let mut answer =
            json!({ "nextForwardToken": format!("f/{next}"), "nextBackwardToken": format!("b/{first}") });
        answer["events"] = Value::Array(page.events);
        Ok(answer)
    }
}

/// What a search asks for.
struct Wanted<'a> {
    streams: Option<Vec<&'a str>>,
    prefix: &'a str,
    start: i64,
    end: i64,
    limit: usize,
}

impl<'a> Wanted<'a> {
    fn of(body: &'a Map<String, Value>) -> Result<Self, Refusal> {
        let list = body.get("logStreamNames").filter(|list| !list.is_null());
        let streams = match list {
            None => None,
            Some(list) => {
                let names: Option<Vec<&str>> =
                    list.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
                Some(names.filter(|names| (1..=100).contains(&names.len())).ok_or_else(|| {
                    unfit("logStreamNames", &list.to_string(), "have length between 1 and 100")
                })?)
            }
        };
        let prefix = body.get("logStreamNamePrefix").filter(|prefix| !prefix.is_null());
        if streams.is_some() && prefix.is_some() {
            return Err(Refusal::parameter(
                "LogStreamNamePrefix and LogStreamNames parameters cannot be specified together.",
            ));
        }
        let prefix = prefix.map(|prefix| prefix.as_str().unwrap_or_default());
        if prefix == Some("") {
            return Err(unfit("logStreamNamePrefix", "", "have length greater than or equal to 1"));
        }
        if body.get("filterPattern").and_then(Value::as_str).is_some_and(|pattern| !pattern.is_empty()) {
            return Err(Refusal::parameter("The double knows no filter patterns."));
        }
        // Both ends are inclusive.
        let start = number(body, "startTime", 0, i64::MAX)?.unwrap_or(i64::MIN);
        let end = number(body, "endTime", 0, i64::MAX)?.unwrap_or(i64::MAX);
        let limit = number(body, "limit", 1, 10_000)?.unwrap_or(10_000);
        Ok(Self {
            streams,
            prefix: prefix.unwrap_or_default(),
            start,
            end,
            limit: usize::try_from(limit).unwrap_or(0),
        })
    }

    fn includes(&self, event: &Event) -> bool {
        let is_named = self.streams.as_ref().is_none_or(|names| names.contains(&event.stream.as_str()));
        is_named && event.stream.starts_with(self.prefix)
    }
}

/// At most so many events, and about a megabyte of them.
struct Page {
    most: usize,
    events: Vec<Value>,
    bytes: usize,
}

impl Page {
    fn has_room(&self, event: &Event) -> bool {
        let fits = self.bytes + event.message.len() <= MOST_BYTES || self.events.is_empty();
        self.events.len() < self.most && fits
    }

    fn push(&mut self, shown: Value, event: &Event) {
        self.bytes += event.message.len();
        self.events.push(shown);
    }
}

fn in_time(group: &Group, start: i64) -> impl Iterator<Item = &Event> {
    group.by_time.range((start, 0)..).map(|(_, at)| &group.events[*at])
}

fn last_page(events: &[&Event], limit: usize) -> usize {
    let mut bytes = 0;
    let fit = events.iter().rev().take(limit).take_while(|event| {
        bytes += event.message.len();
        bytes <= MOST_BYTES
    });
    events.len() - fit.count()
}

/// Where the next page begins, and whether the one before it was an empty one.
fn token((time, at): (i64, usize), was_empty: bool) -> String {
    format!("Bxkq6kVGFtq2y_MoigeqscPOdhXVbhiVtLoAmXb5jCr.{time}.{at}.{was_empty}")
}

fn position(token: &Value) -> Option<((i64, usize), bool)> {
    let parts: Vec<&str> = token.as_str()?.split('.').collect();
    match parts[..] {
        [_, time, at, was_empty] => Some(((time.parse().ok()?, at.parse().ok()?), was_empty.parse().ok()?)),
        _ => None,
    }
}

const MOST_BYTES: usize = 1_048_576;
/// How much AWS looks at for a page is not published; that a page may be empty and have a token is.
const MOST_LOOKED: usize = 20_000;
