//! A group's events by Logs Insights, slice of time by slice: one query gives ten thousand rows and does not say how many
//! more there are, so a slice that gives as many is halved and asked for again.

use std::time::{Duration, Instant};

use aws_sdk_cloudwatchlogs::types::{QueryStatus, ResultField};
use jiff::Timestamp;

use super::{Asking, Event, LogGroup, Trouble};
use crate::ship::aws::Failure;

pub(super) fn each(
    group: &LogGroup,
    asking: &Asking,
    take: &mut dyn FnMut(Event<'_>),
) -> Result<(), Trouble> {
    let query = Query { group, asking };
    let end = Timestamp::now().as_second() + AHEAD;
    let since = group.since.unwrap_or(0).div_euclid(1000).max(0);
    let Some(mut start) = query.first(since, end)? else { return Ok(()) };
    let mut length = FIRST_SLICE;
    while start <= end {
        // Both belong to it, as whole seconds.
        let last = start.saturating_add(length - 1).min(end);
        match query.rows(start, last)? {
            Some(rows) => {
                rows.iter().filter(|row| is_wanted(group, row)).for_each(|row| take(row.event()));
                start = last + 1;
                if rows.len() < FEW {
                    length = length.saturating_mul(2);
                }
            }
            None if last > start => length = (last - start + 1) / 2,
            None => {
                let at =
                    Timestamp::from_second(start).map_or_else(|_| start.to_string(), |at| at.to_string());
                return Err(Trouble::Crowded { at });
            }
        }
    }
    Ok(())
}

/// A slice begins with a whole second, and the question may not.
fn is_wanted(group: &LogGroup, row: &Row) -> bool {
    let is_late = group.since.is_none_or(|since| row.time.is_none_or(|time| time >= since));
    is_late && group.prefix.as_ref().is_none_or(|prefix| row.stream.starts_with(prefix))
}

struct Query<'q> {
    group: &'q LogGroup,
    asking: &'q Asking,
}

impl Query<'_> {
    /// When the first event is, in seconds: what was before it need not be paid for.
    fn first(&self, start: i64, end: i64) -> Result<Option<i64>, Trouble> {
        let rows = match self.run(start, end, 1)? {
            Answer::Rows(rows) => rows,
            Answer::TooSlow => return Ok(Some(start)),
        };
        let time = rows.first().map(|row| row.time.map_or(start, |time| time.div_euclid(1000)));
        Ok(time.map(|time| time.max(start)))
    }

    /// All rows of a slice; `None` if there may be more than one query gives.
    fn rows(&self, start: i64, last: i64) -> Result<Option<Vec<Row>>, Trouble> {
        // Whether the last second belongs to a query as a whole, or only its beginning, is not said: so one more is asked
        // for, and what is in it left to the next slice.
        let end = last.saturating_add(1);
        let mut rows = match self.run(start, end, MOST_ROWS)? {
            Answer::Rows(rows) if i32::try_from(rows.len()).is_ok_and(|count| count < MOST_ROWS) => rows,
            _ => return Ok(None),
        };
        rows.retain(|row| row.time.is_none_or(|time| time < end.saturating_mul(1000)));
        Ok(Some(rows))
    }

    fn run(&self, start: i64, last: i64, limit: i32) -> Result<Answer, Trouble> {
        let trouble = |failure, permission| self.group.trouble(failure, permission, self.asking);
        let text = text(self.group.prefix.as_deref(), limit);
        let started = self.asking.patiently(|| {
            let call = self
                .asking
                .logs
                .start_query()
                .log_group_name(&self.group.name)
                .start_time(start)
                .end_time(last)
                .query_string(&text)
                .send();
            async { call.await.map_err(Failure::of("StartQuery")) }
        });
        let id = started.map_err(|failure| trouble(failure, "logs:StartQuery"))?.query_id.unwrap_or_default();
        let asked = Instant::now();
        let mut pause = FIRST_LOOK;
        loop {
            self.asking.wait(pause);
            pause = (pause * 2).min(LAST_LOOK);
            let found = self.asking.patiently(|| {
                let call = self.asking.logs.get_query_results().query_id(&id).send();
                async { call.await.map_err(Failure::of("GetQueryResults")) }
            });
            let found = found.map_err(|failure| trouble(failure, "logs:GetQueryResults"))?;
            match found.status() {
                Some(QueryStatus::Complete) => {
                    let rows = found.results.unwrap_or_default();
                    return Ok(Answer::Rows(rows.into_iter().map(Row::from).collect()));
                }
                Some(QueryStatus::Scheduled | QueryStatus::Running) if asked.elapsed() < LONGEST_QUERY => {}
                Some(QueryStatus::Timeout) if last > start => return Ok(Answer::TooSlow),
                status => {
                    let status = status.map_or("nothing", QueryStatus::as_str);
                    return Err(Trouble::Other(format!("Logs Insights came to an end with {status}")));
                }
            }
        }
    }
}

enum Answer {
    Rows(Vec<Row>),
    /// The slice is more than Logs Insights gets through.
    TooSlow,
}

#[derive(Debug, Default)]
struct Row {
    stream: String,
    time: Option<i64>,
    message: String,
}

impl From<Vec<ResultField>> for Row {
    fn from(fields: Vec<ResultField>) -> Self {
        let mut row = Self::default();
        for ResultField { field, value, .. } in fields {
            let value = value.unwrap_or_default();
            match field.as_deref() {
                Some("@logStream") => row.stream = value,
                Some("@timestamp") => row.time = time(&value),
                Some("@message") => row.message = value,
                _ => {}
            }
        }
        row
    }
}

impl Row {
    fn event(&self) -> Event<'_> {
        Event { stream: &self.stream, time: self.time, message: &self.message }
    }
}

/// `2026-11-22 10:16:39.259`, in UTC.
fn time(text: &str) -> Option<i64> {
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

fn text(prefix: Option<&str>, limit: i32) -> String {
    let streams = prefix.map_or_else(String::new, |prefix| {
        // Whatever has a meaning of its own in a pattern loses it.
        let escape =
            |c: char| if c.is_alphanumeric() || "-_".contains(c) { c.to_string() } else { format!("\\{c}") };
        format!(" | filter @logStream like /^{}/", prefix.chars().map(escape).collect::<String>())
    });
    format!("fields @timestamp, @message, @logStream{streams} | sort @timestamp asc | limit {limit}")
}

/// As many as Logs Insights gives to one query.
const MOST_ROWS: i32 = 10_000;
/// A slice with fewer is followed by one of twice its length.
const FEW: usize = 2500;
/// A day, in seconds: whatever is busier is halved.
const FIRST_SLICE: i64 = 86_400;
/// Events may lie two hours ahead.
const AHEAD: i64 = 2 * 3600 + 60;
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LAST_LOOK: Duration = Duration::from_secs(2);
/// Logs Insights ends a query after an hour by itself.
const LONGEST_QUERY: Duration = Duration::from_secs(3700);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_text_and_no_pattern() {
        assert_eq!(
            text(Some("i-1/.*"), 5),
            r"fields @timestamp, @message, @logStream | filter @logStream like /^i-1\/\.\*/ | sort @timestamp asc | limit 5"
        );
    }

    #[test]
    fn the_time_of_a_row_is_utc() {
        assert_eq!(time("1970-01-01 00:00:01.500"), Some(1500));
        assert_eq!(time("soon"), None);
    }
}
