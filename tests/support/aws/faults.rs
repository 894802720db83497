//! What goes wrong when a test wants it: for one action or for all, so many times or until it is taken back.

use std::sync::Mutex;
use std::time::Duration;

use memchr::memmem;
use serde_json::{Value, json};

use super::Service;
use super::answer::{JSON, Refusal};
use super::http::{Answer, Reply};
use super::state::Asked;

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    kind: Kind,
    action: Option<&'static str>,
    times: Option<usize>,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// Too many calls; with so many seconds in Retry-After, or without it.
    Throttle(Option<u64>),
    /// InternalFailure.
    Failure,
    /// ServiceUnavailableException.
    Unavailable,
    /// RST before anything is done.
    Reset,
    /// It is done, and then RST: the reply is lost.
    LostReply,
    /// The request is read, and never answered.
    Silent,
    /// It is done, and answered with a byte each time.
    Slow(Duration),
    /// A page with that status, from whatever stands between.
    Page(u16),
    /// Done, but the body ends in the middle of the JSON.
    Truncated,
    /// Done, but the connection ends in the middle of the body.
    Cut,
    /// 64 MB of a body.
    Huge,
    /// 200 with nothing behind it, and nothing is done.
    Empty,
    /// Each batch with that text in it.
    Poison(&'static str),
    /// Everything, as something that will never be taken.
    RefuseAll,
    /// What AWS may say besides: status, code, text.
    Refuse(u16, &'static str, &'static str),
    /// Done, but `rejectedLogEventsInfo` is nonsense.
    WrongIndexes,
    ExpiredToken,
}

impl Fault {
    /// Until it is taken back.
    pub(crate) fn always(kind: Kind) -> Self {
        Self { kind, action: None, times: None }
    }

    pub(crate) fn times(times: usize, kind: Kind) -> Self {
        Self { kind, action: None, times: Some(times) }
    }

    /// Only for that action, as `PutLogEvents`.
    pub(crate) fn on(mut self, action: &'static str) -> Self {
        self.action = Some(action);
        self
    }
}

/// The faults in force; the first that fits a request is the one that happens.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn push(&self, fault: Fault) {
        self.0.lock().expect("faults").push(fault);
    }

    /// These and no others.
    pub(crate) fn set(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.0.lock().expect("faults") = faults.into_iter().collect();
    }

    pub(crate) fn clear(&self) {
        self.set([]);
    }

    /// The one for this request, which counts as used.
    pub(super) fn take(&self, asked: &Asked, body: &[u8]) -> Option<Kind> {
        let mut faults = self.0.lock().expect("faults");
        let at = faults.iter().position(|fault| {
            fault.action.is_none_or(|action| action == asked.action) && fault.kind.fits(body)
        })?;
        let kind = faults[at].kind.clone();
        if let Some(times) = &mut faults[at].times {
            *times -= 1;
            if *times == 0 {
                faults.remove(at);
            }
        }
        Some(kind)
    }
}

impl Kind {
    fn fits(&self, body: &[u8]) -> bool {
        match self {
            Self::Poison(text) => memmem::find(body, text.as_bytes()).is_some(),
            _ => true,
        }
    }

    /// What happens before anybody looks who is calling.
    pub(super) fn first(&self) -> Option<(Reply, u16, Option<&'static str>)> {
        let page = |status| Answer::new(status, "text/html", PAGE);
        Some(match self {
            Self::Reset => (Reply::Reset, 0, Some("reset")),
            Self::Silent => (Reply::Silent, 0, Some("silent")),
            Self::Page(status) => (Reply::Whole(page(*status)), *status, Some("page")),
            Self::Empty => (Reply::Whole(Answer::new(200, JSON, "")), 200, Some("empty")),
            Self::Huge => {
                let piece = Answer::new(
                    200,
                    JSON,
                    br#"{"a":"#.iter().copied().chain([b'['; 65_531]).collect::<Vec<u8>>(),
                );
                (Reply::Endless(piece, HUGE), 200, Some("huge"))
            }
            _ => return None,
        })
    }

    /// What happens in place of what was asked for.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        Some(match self {
            Self::Throttle(_) => Refusal::throttled(),
            Self::Failure => Refusal::new("InternalFailure", "").status(500),
            Self::Unavailable => {
                Refusal::new("ServiceUnavailableException", "The service cannot complete the request.")
                    .status(503)
            }
            Self::Poison(_) | Self::RefuseAll => Refusal::parameter("One or more parameters are not valid."),
            Self::Refuse(status, code, text) => Refusal::new(code, *text).status(*status),
            Self::ExpiredToken => Refusal::expired(),
            _ => return None,
        })
    }

    /// What becomes of the answer, once all is done.
    pub(super) fn last(&self, service: Service, mut answer: Answer) -> Reply {
        match self {
            Self::LostReply => Reply::Reset,
            Self::Slow(pause) => Reply::Slow(answer, *pause),
            Self::Cut => {
                if answer.body.len() < 4 {
                    answer.body.resize(64, b' ');
                }
                Reply::Cut(answer)
            }
            Self::Truncated => {
                // A whole object is closed: whatever is left open is not JSON.
                answer.body.pop();
                Reply::Whole(answer)
            }
            Self::WrongIndexes if service == Service::Logs && answer.status == 200 => {
                answer.body = wrong_indexes().to_string().into_bytes();
                Reply::Whole(answer)
            }
            Self::Throttle(Some(seconds)) => {
                answer.headers.push(("retry-after", seconds.to_string()));
                Reply::Whole(answer)
            }
            _ => Reply::Whole(answer),
        }
    }
}

fn wrong_indexes() -> Value {
    json!({ "rejectedLogEventsInfo": {
        "tooNewLogEventStartIndex": -7,
        "tooOldLogEventEndIndex": 1_000_000,
        "expiredLogEventEndIndex": i32::MAX,
    }})
}

const PAGE: &str = "<!DOCTYPE html>\n<html><title>502 Bad Gateway</title><h1>Please log in</h1></html>\n";
const HUGE: usize = 64 * 1024 * 1024;
