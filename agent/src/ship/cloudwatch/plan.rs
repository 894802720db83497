//! Planning a request: which events the records at the front of a batch become, and under which time.

use std::sync::Arc;

use super::request::{Event, MAX_MESSAGE, Request};
use super::when::{Now, When};
use super::{CloudWatch, key};
use crate::finding::wire::gap::Cause;
use crate::finding::wire::note::Summing;
use crate::finding::wire::record::{self, Record};
use crate::finding::wire::{cut, metrics};
use crate::journal::Entry;
use crate::policy::settings::Names;
use crate::ship::aws::Session;

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Record,
    /// A heartbeat's numbers.
    Metrics,
    /// It says in the records' place that they are missing.
    Note,
}

/// Records that are told of together.
struct Digest {
    summing: Summing,
    from: usize,
    to: usize,
}

/// A request that grows until something does not fit.
struct Draft {
    request: Request,
    digest: Option<Digest>,
    now: i64,
    most: usize,
}

impl CloudWatch {
    /// The stream of the first record that is not done, and as many events as go there at once.
    pub(super) fn plan(&self, batch: &[Entry], session: &Session) -> (String, Request) {
        let now = self.now();
        let rest = batch.iter().enumerate().filter(|(_, entry)| self.settings.select.takes(entry));
        let mut rest = rest.filter(|(_, entry)| !self.lacks(entry).is_empty()).peekable();
        let Some((_, first)) = rest.peek() else { return Default::default() };
        let (epoch, stream) = (first.position.epoch, self.stream(first, session));
        let mut draft = Draft { request: Request::default(), digest: None, now: now.server, most: self.most };
        for (index, entry) in rest {
            // Each epoch has its own stream.
            if entry.position.epoch != epoch || !self.add(&mut draft, index, entry, &now) {
                break;
            }
        }
        draft.end_digest();
        (stream, draft.request)
    }

    /// The answer is whether there was room.
    fn add(&self, draft: &mut Draft, index: usize, entry: &Entry, now: &Now) -> bool {
        // Whatever the journal holds was a record once; should a later version's not be readable, it goes as it is.
        let record = record::parse(&entry.line).ok();
        let time = record.as_ref().and_then(|record| record.time.parse::<jiff::Timestamp>().ok());
        let when = time.map_or(When::At(now.server), |time| now.when(time.as_millisecond()));
        let is_retimed = self.progress.retimed.contains(&key(entry));
        let is_refused = self.progress.refused.contains(&key(entry));
        let digests = self.settings.digests_the_old && when == When::TooOld && !is_retimed;
        if let Some(record) = record.as_ref().filter(|_| is_refused || digests) {
            let cause = if is_refused { Cause::Refused } else { Cause::TooOld };
            return draft.sum_up(cause, record, entry, index);
        }
        let timestamp = match when {
            When::At(time) if !is_retimed => time,
            _ => now.server,
        };
        draft.end_digest()
            && self.lacks(entry).into_iter().all(|part| {
                let message = match part {
                    Part::Metrics => self.metrics(record.as_ref()),
                    _ => Some(message(record.as_ref(), &entry.line)),
                };
                let event =
                    message.map(|message| Event { timestamp, message, part, entries: index..index + 1 });
                event.is_none_or(|event| draft.request.push(event, draft.most).is_ok())
            })
    }

    fn metrics(&self, record: Option<&Record<'_>>) -> Option<String> {
        let (namespace, fleet) = self.settings.metrics.as_ref()?;
        // One that cannot be read has no numbers; an empty object is no event that anybody counts.
        Some(
            record
                .and_then(|record| metrics::event(record, namespace, fleet))
                .unwrap_or_else(|| "{}".to_owned()),
        )
    }

    pub(super) fn group(&self, session: &Arc<Session>) -> String {
        names(session, "", "").fill(&self.settings.group)
    }

    fn stream(&self, first: &Entry, session: &Session) -> String {
        let agent = record::parse(&first.line)
            .map_or_else(|_| "unknown".to_owned(), |record| record.agent.to_string());
        names(session, &agent, &first.position.epoch.to_string()).fill(&self.settings.stream)
    }

    fn now(&self) -> Now {
        let clock = self.aws.clock();
        let server = clock.now().as_millisecond();
        Now { server, skew: clock.skew(), oldest: server.saturating_sub(self.max_age()) }
    }
}

impl Draft {
    fn sum_up(&mut self, cause: Cause, record: &Record<'_>, entry: &Entry, index: usize) -> bool {
        if let Some(digest) = &mut self.digest
            && cause == Cause::TooOld
            && digest.summing.push(record, entry.severity, &entry.line)
        {
            digest.to = index + 1;
            return true;
        }
        let has_room = self.end_digest();
        let summing = Summing::new(cause, record, entry.severity, &entry.line);
        self.digest = Some(Digest { summing, from: index, to: index + 1 }).filter(|_| has_room);
        // What is refused is told of alone.
        has_room && (cause == Cause::TooOld || self.end_digest())
    }

    fn end_digest(&mut self) -> bool {
        let Some(Digest { summing, from, to }) = self.digest.take() else { return true };
        let event =
            Event { timestamp: self.now, message: summing.to_line(), part: Part::Note, entries: from..to };
        self.request.push(event, self.most).is_ok()
    }
}

/// The line itself: bytes that are no UTF-8 come as U+FFFD, which is what is counted.
fn message(record: Option<&Record<'_>>, line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    match record {
        Some(record) if text.len() > MAX_MESSAGE => cut::cut(record, line, MAX_MESSAGE),
        _ => text.into_owned(),
    }
}

fn names<'a>(session: &'a Session, agent: &'a str, epoch: &'a str) -> Names<'a> {
    let pin = &session.pin;
    let instance = pin.instance.as_deref().unwrap_or(agent);
    Names { instance, agent, epoch, account: &pin.account, region: &pin.region }
}
