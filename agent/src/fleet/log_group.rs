//! Everything that a log group holds, event by event, in whatever way its class lets it be read.

use super::{Asking, Event, Trouble, insights};
use crate::ship::aws::{Failure, Reason};

/// A log group, and which of its events are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    pub name: String,
    /// Only of streams that begin so.
    pub prefix: Option<String>,
    /// Only those from this time on, in milliseconds of Unix time.
    pub since: Option<i64>,
    /// Ask Logs Insights, whatever the class.
    pub insights: bool,
}

impl LogGroup {
    /// Hands over each event as it comes. In which order is not promised.
    pub fn each(&self, asking: &Asking, take: &mut dyn FnMut(Event<'_>)) -> Result<(), Trouble> {
        if self.insights {
            return insights::each(self, asking, take);
        }
        match self.filter(asking, take) {
            Err(failure) if is_about_the_class(&failure) => insights::each(self, asking, take),
            Err(failure) => Err(self.trouble(failure, "logs:FilterLogEvents", asking)),
            Ok(()) => Ok(()),
        }
    }

    /// Page by page. A page may be empty and have another behind it.
    fn filter(&self, asking: &Asking, take: &mut dyn FnMut(Event<'_>)) -> Result<(), Failure> {
        let mut token: Option<String> = None;
        loop {
            let page = asking.patiently(|| {
                let call = asking
                    .logs
                    .filter_log_events()
                    .log_group_name(&self.name)
                    .set_log_stream_name_prefix(self.prefix.clone())
                    .set_start_time(self.since)
                    .set_next_token(token.clone())
                    .send();
                async { call.await.map_err(Failure::of("FilterLogEvents")) }
            })?;
            for event in page.events() {
                take(Event {
                    stream: event.log_stream_name().unwrap_or_default(),
                    time: event.timestamp(),
                    message: event.message().unwrap_or_default(),
                });
            }
            match page.next_token {
                None => return Ok(()),
                // Whoever sends us in a circle would have us ask for ever.
                next if next == token => {
                    return Err(Failure::new(
                        Reason::Other,
                        "FilterLogEvents: the same page again".to_owned(),
                    ));
                }
                next => token = next,
            }
        }
    }

    pub(super) fn trouble(&self, failure: Failure, permission: &'static str, asking: &Asking) -> Trouble {
        Trouble::of(failure, permission, || format!("log group {}", self.name), asking.region())
    }
}

/// Groups of the class INFREQUENT_ACCESS do not know the question. AWS's words for it are `InvalidOperationException` and
/// `ValidationException`, and that it is about the class.
fn is_about_the_class(failure: &Failure) -> bool {
    let may_be = matches!(failure.reason, Reason::Invalid | Reason::Other);
    may_be && failure.text.to_ascii_lowercase().contains("class")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_for_the_class_is_told_from_others() {
        for (reason, text, is) in [
            (
                Reason::Other,
                "InvalidOperationException: The log group /x is of log-group-class INFREQUENT_ACCESS. FilterLogEvents is not supported for this log class.",
                true,
            ),
            (
                Reason::Other,
                "ValidationException: This operation is only supported on the Standard log class.",
                true,
            ),
            (Reason::Invalid, "InvalidParameterException: The specified nextToken is invalid.", false),
            (Reason::Denied, "AccessDeniedException: no class", false),
        ] {
            assert_eq!(is_about_the_class(&Failure::new(reason, text.to_owned())), is, "{text}");
        }
    }
}
