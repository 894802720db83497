//! CloudWatch Logs: groups, streams, and what they hold. The rules are those of the service's model and its quotas.

mod filter;
mod insights;
mod put;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::answer::Refusal;

/// What a log group can do. A class cannot be changed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Standard,
    /// Half the price; its events are read with Logs Insights alone.
    InfrequentAccess,
}

/// What a stream took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) stream: String,
    pub(crate) timestamp: i64,
    pub(crate) message: String,
    pub(crate) ingested: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Logs {
    pub(super) groups: BTreeMap<String, Group>,
    queries: HashMap<String, insights::Query>,
    /// Every other page of a search is empty, with a token, as AWS may do.
    pub(super) has_empty_pages: bool,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(super) class: Class,
    pub(super) retention_days: Option<i64>,
    pub(super) streams: BTreeMap<String, i64>,
    pub(super) events: Vec<Event>,
    /// Time, and place in `events`: the order in which a search gives them.
    by_time: BTreeSet<(i64, usize)>,
}

type Answered = Result<Value, Refusal>;

impl Logs {
    pub(super) fn group(&mut self, name: &str) -> &mut Group {
        self.groups.entry(name.to_owned()).or_insert_with(|| Group {
            class: Class::Standard,
            retention_days: None,
            streams: BTreeMap::new(),
            events: Vec::new(),
            by_time: BTreeSet::new(),
        })
    }

    pub(super) fn call(&mut self, action: &str, body: Map<String, Value>, now: i64) -> Answered {
        match action {
            "PutLogEvents" => self.put(body, now),
            "CreateLogStream" => self.create_stream(&body, now),
            "FilterLogEvents" => self.filter(&body, now),
            "GetLogEvents" => self.get(&body, now),
            "StartQuery" => self.start_query(&body, now),
            "GetQueryResults" => self.query_results(&body),
            "DescribeLogStreams" => self.describe_streams(&body),
            "DescribeLogGroups" => Ok(self.describe_groups()),
            _ => Err(Refusal::new("UnknownOperationException", "")),
        }
    }

    fn create_stream(&mut self, body: &Map<String, Value>, now: i64) -> Answered {
        let (group, stream) = (group_name(body)?, stream_name(body)?);
        let streams = &mut self.existing(group)?.streams;
        if streams.contains_key(stream) {
            return Err(Refusal::new(
                "ResourceAlreadyExistsException",
                "The specified log stream already exists",
            ));
        }
        streams.insert(stream.to_owned(), now);
        Ok(json!({}))
    }

    fn describe_streams(&mut self, body: &Map<String, Value>) -> Answered {
        let group = group_name(body)?;
        let prefix = body.get("logStreamNamePrefix").and_then(Value::as_str).unwrap_or_default();
        let streams = &self.existing(group)?.streams;
        let found: Vec<Value> = streams
            .iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .take(50)
            .map(|(name, created)| json!({ "logStreamName": name, "creationTime": created }))
            .collect();
        Ok(json!({ "logStreams": found }))
    }

    fn describe_groups(&self) -> Value {
        let groups: Vec<Value> = self.groups.keys().map(|name| json!({ "logGroupName": name })).collect();
        json!({ "logGroups": groups })
    }

    fn existing(&mut self, name: &str) -> Result<&mut Group, Refusal> {
        self.groups.get_mut(name).ok_or_else(|| {
            Refusal::new("ResourceNotFoundException", "The specified log group does not exist.")
        })
    }
}

impl Group {
    pub(super) fn seed(&mut self, stream: &str, events: impl IntoIterator<Item = (i64, String)>, now: i64) {
        self.streams.insert(stream.to_owned(), now);
        for (timestamp, message) in events {
            self.keep(Event { stream: stream.to_owned(), timestamp, message, ingested: now });
        }
    }

    fn keep(&mut self, event: Event) {
        self.by_time.insert((event.timestamp, self.events.len()));
        self.events.push(event);
    }

    /// Since when its events are kept.
    fn horizon(&self, now: i64) -> i64 {
        self.retention_days.map_or(i64::MIN, |days| now - days * DAY)
    }

    fn has(&self, stream: &str) -> Result<(), Refusal> {
        if self.streams.contains_key(stream) {
            return Ok(());
        }
        Err(Refusal::new("ResourceNotFoundException", "The specified log stream does not exist."))
    }

    /// The documentation says that such groups do not know FilterLogEvents and GetLogEvents; with which words they are
    /// refused is not known.
    fn searchable(&self) -> Result<(), Refusal> {
        match self.class {
            Class::Standard => Ok(()),
            Class::InfrequentAccess => Err(Refusal::parameter(
                "This operation is not supported for log groups of the class INFREQUENT_ACCESS.",
            )),
        }
    }
}

fn group_name(body: &Map<String, Value>) -> Result<&str, Refusal> {
    let name = text(body, "logGroupName")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/#".contains(c);
    if !name.chars().all(fits) {
        return Err(unfit("logGroupName", name, "satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"));
    }
    // Reserved for AWS itself.
    if name.starts_with("aws/") {
        return Err(Refusal::parameter("Log groups starting with AWS/ are reserved for AWS."));
    }
    Ok(name)
}

fn stream_name(body: &Map<String, Value>) -> Result<&str, Refusal> {
    let name = text(body, "logStreamName")?;
    if name.contains([':', '*']) {
        return Err(unfit("logStreamName", name, "satisfy regular expression pattern: [^:*]*"));
    }
    Ok(name)
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refusal> {
    let value = body.get(name).and_then(Value::as_str).ok_or_else(|| unfit(name, "null", "not be null"))?;
    match value.chars().count() {
        0 => Err(unfit(name, value, "have length greater than or equal to 1")),
        1..=512 => Ok(value),
        _ => Err(unfit(name, value, "have length less than or equal to 512")),
    }
}

/// What is not there is `None`, what is there must be a number that fits.
fn number(body: &Map<String, Value>, name: &str, least: i64, most: i64) -> Result<Option<i64>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64() {
            Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(unfit(name, &value.to_string(), &format!("be between {least} and {most}"))),
        },
    }
}

fn unfit(name: &str, value: &str, rule: &str) -> Refusal {
    Refusal::parameter(format!(
        "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must {rule}"
    ))
}

pub(super) const HOUR: i64 = 3_600_000;
pub(super) const DAY: i64 = 24 * HOUR;
