//! Logs Insights, as far as an auditor needs it: fields, one filter on the stream, a sort by time, a limit.

use serde_json::{Map, Value, json};

use super::{Answered, Event, Logs, group_name, number, text};
use crate::support::aws::answer::Refusal;
use crate::support::aws::clock;

/// A query that was started; its rows are there at once, and told of late.
#[derive(Debug)]
pub(crate) struct Query {
    rows: Vec<Value>,
    asked: usize,
}

impl Logs {
    /// Both ends are inclusive, and whole seconds. Milliseconds, which AWS is said to take as well, are refused.
    pub(super) fn start_query(&mut self, body: &Map<String, Value>, now: i64) -> Answered {
        let time = |name| {
            number(body, name, 0, MOST_SECONDS)?
                .ok_or_else(|| Refusal::parameter(format!("{name} is missing")))
        };
        let (start, end) = (time("startTime")? * 1000, time("endTime")? * 1000);
        if start > end {
            return Err(Refusal::parameter("End time should not be less than start time"));
        }
        let steps = Steps::parse(text(body, "queryString")?).ok_or_else(|| {
            Refusal::new("MalformedQueryException", "The double does not know such a query.")
        })?;
        let most = number(body, "limit", 1, MOST_ROWS)?.unwrap_or(MOST_ROWS);
        let limit = usize::try_from(steps.limit.unwrap_or(most)).unwrap_or(0);
        let group = self.existing(group_name(body)?)?;
        let mut found: Vec<(usize, &Event)> = group
            .by_time
            .range((start.max(group.horizon(now)), 0)..)
            .take_while(|(time, _)| *time <= end)
            .map(|(_, at)| (*at, &group.events[*at]))
            .filter(|(_, event)| steps.stream.as_ref().is_none_or(|stream| stream.fits(&event.stream)))
            .collect();
        // In which order rows of the same time come is not promised: here the last is first.
        found.sort_by_key(|(at, event)| (event.timestamp, std::cmp::Reverse(*at)));
        if steps.is_descending {
            found.reverse();
        }
        let rows = found.iter().take(limit).map(|(at, event)| steps.row(*at, event)).collect();
        let id = format!("12ab3456-12ab-123a-789e-{:012}", self.queries.len());
        self.queries.insert(id.clone(), Query { rows, asked: 0 });
        Ok(json!({ "queryId": id }))
    }

    /// First nothing, then half of it, then all.
    pub(super) fn query_results(&mut self, body: &Map<String, Value>) -> Answered {
        let query = self.queries.get_mut(text(body, "queryId")?).ok_or_else(|| {
            Refusal::new("ResourceNotFoundException", "The specified query does not exist.")
        })?;
        query.asked += 1;
        let (status, rows) = match query.asked {
            1 => ("Scheduled", &query.rows[..0]),
            2 => ("Running", &query.rows[..query.rows.len() / 2]),
            _ => ("Complete", &query.rows[..]),
        };
        Ok(json!({
            "queryLanguage": "CWLI",
            "status": status,
            "results": rows,
            "statistics": { "recordsMatched": rows.len(), "recordsScanned": rows.len(), "bytesScanned": 0.0 },
        }))
    }
}

/// `fields @timestamp, @message, @logStream | filter @logStream like /^i-1/ | sort @timestamp asc | limit 10000`
#[derive(Debug, Default)]
struct Steps {
    fields: Vec<String>,
    stream: Option<Stream>,
    is_descending: bool,
    limit: Option<i64>,
}

#[derive(Debug)]
enum Stream {
    Is(String),
    Begins(String),
    Contains(String),
}

impl Stream {
    fn parse(words: &[&str]) -> Option<Self> {
        let quoted = |text: &str| {
            let inside = |quote| text.strip_prefix(quote)?.strip_suffix(quote).map(str::to_owned);
            inside('"').or_else(|| inside('\''))
        };
        match words {
            ["@logStream", "=", text] => Some(Self::Is(quoted(text)?)),
            ["@logStream", "like", text] if text.starts_with('/') => {
                let pattern = text.strip_prefix('/')?.strip_suffix('/')?;
                match pattern.strip_prefix('^') {
                    Some(begin) => Some(Self::Begins(literal(begin)?)),
                    None => Some(Self::Contains(literal(pattern)?)),
                }
            }
            ["@logStream", "like", text] => Some(Self::Contains(quoted(text)?)),
            _ => None,
        }
    }

    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Is(text) => name == text,
            Self::Begins(text) => name.starts_with(text),
            Self::Contains(text) => name.contains(text),
        }
    }
}

impl Steps {
    fn parse(query: &str) -> Option<Self> {
        let mut steps = Self::default();
        for step in query.split('|') {
            let words: Vec<&str> = step.split_whitespace().collect();
            match words.split_first()? {
                (&"fields", rest) => {
                    let fields = rest.concat();
                    steps.fields = fields.split(',').map(str::to_owned).collect();
                    if !steps.fields.iter().all(|field| FIELDS.contains(&field.as_str())) {
                        return None;
                    }
                }
                (&"filter", rest) => steps.stream = Some(Stream::parse(rest)?),
                (&"sort", ["@timestamp", order @ ("asc" | "desc")]) => steps.is_descending = *order == "desc",
                (&"limit", [limit]) => {
                    // One query gives ten thousand rows. Newer models speak of more, page by page; not here.
                    steps.limit = Some(limit.parse().ok().filter(|limit| (1..=MOST_ROWS).contains(limit))?);
                }
                _ => return None,
            }
        }
        (!steps.fields.is_empty()).then_some(steps)
    }

    fn row(&self, at: usize, event: &Event) -> Value {
        let mut row: Vec<Value> = self
            .fields
            .iter()
            .map(|field| {
                let value = match field.as_str() {
                    "@timestamp" => clock::insights(event.timestamp),
                    "@ingestionTime" => clock::insights(event.ingested),
                    "@message" => event.message.clone(),
                    _ => event.stream.clone(),
                };
                json!({ "field": field, "value": value })
            })
            .collect();
        row.push(json!({ "field": "@ptr", "value": format!("CmEKJgoi{at}") }));
        Value::Array(row)
    }
}

/// A pattern without any magic, its backslashes taken off.
fn literal(pattern: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => text.push(rest.next()?),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '$' | '^' => return None,
            c => text.push(c),
        }
    }
    Some(text)
}

const FIELDS: &[&str] = &["@timestamp", "@message", "@logStream", "@ingestionTime"];
const MOST_ROWS: i64 = 10_000;
/// Seconds until the year 5138: what is more was milliseconds.
const MOST_SECONDS: i64 = 99_999_999_999;
