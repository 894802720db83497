//! PutComplianceItems.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Answered, Ssm, hash, is_instance, is_word, list, object, optional, text, unfit};
use crate::support::aws::answer::Refusal;

/// What is known of one instance about one type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Compliance {
    pub(crate) instance: String,
    pub(crate) kind: String,
    pub(crate) items: Vec<Value>,
    pub(crate) hash: Option<String>,
    /// Seconds since 1970, as they came.
    pub(crate) execution_time: f64,
    pub(crate) execution: Map<String, Value>,
    /// How often it was put, and how often that was for nothing because the hash was the same.
    pub(crate) puts: usize,
    pub(crate) skipped: usize,
}

impl Ssm {
    pub(super) fn put_compliance(&mut self, body: &Map<String, Value>) -> Answered {
        let (instance, kind) = resource(body)?;
        let summary = object(body.get("ExecutionSummary").unwrap_or(&Value::Null), "executionSummary")?;
        let execution_time = summary
            .get("ExecutionTime")
            .and_then(Value::as_f64)
            .ok_or_else(|| unfit("executionSummary.executionTime", "null", "not be null"))?;
        for (name, most) in [("ExecutionId", 100), ("ExecutionType", 50)] {
            within(optional(summary, name)?.unwrap_or_default(), name, most)?;
        }
        let items = list(body, "Items", 0, MOST_ITEMS)?;
        for item in items {
            judge(object(item, "items")?)?;
        }
        // The model speaks of a limit without a number; 800 KB is what quotas of its time said.
        if body["Items"].to_string().len() >= MOST_BYTES {
            return Err(Refusal::new(
                "TotalSizeLimitExceededException",
                "The size of compliance data has exceeded the total size limit for the resource.",
            ));
        }
        let is_whole = match optional(body, "UploadType")? {
            None | Some("COMPLETE") => true,
            Some("PARTIAL") => false,
            Some(other) => {
                return Err(unfit("uploadType", other, "satisfy enum value set: [COMPLETE, PARTIAL]"));
            }
        };
        let hash = hash(body, "ItemContentHash")?;
        let known =
            self.compliance.entry((instance.to_owned(), kind.to_owned())).or_insert_with(|| Compliance {
                instance: instance.to_owned(),
                kind: kind.to_owned(),
                items: Vec::new(),
                hash: None,
                execution_time,
                execution: Map::new(),
                puts: 0,
                skipped: 0,
            });
        known.puts += 1;
        // Whether equal content at least renews the time of the execution is not known; here nothing changes.
        if hash.is_some() && hash == known.hash {
            known.skipped += 1;
            return Ok(json!({}));
        }
        if is_whole {
            known.items.clear();
        }
        let id = |item: &Value| item["Id"].as_str().map(str::to_owned);
        let mut places: HashMap<String, usize> =
            known.items.iter().enumerate().filter_map(|(at, item)| Some((id(item)?, at))).collect();
        // What AWS does with an id that comes twice in one call is not known; here the last one is kept.
        for item in items {
            let next = known.items.len();
            match id(item).map(|id| *places.entry(id).or_insert(next)) {
                Some(at) if at < next => known.items[at] = item.clone(),
                _ => known.items.push(item.clone()),
            }
        }
        (known.hash, known.execution_time) = (hash, execution_time);
        known.execution.clone_from(summary);
        Ok(json!({}))
    }
}

fn resource(body: &Map<String, Value>) -> Result<(&str, &str), Refusal> {
    let instance = text(body, "ResourceId")?;
    if text(body, "ResourceType")? != "ManagedInstance" {
        return Err(Refusal::new(
            "InvalidResourceType",
            "The resource type is not valid. For example, if you are attempting to tag an EC2 instance, the \
             instance must be a registered managed node.",
        ));
    }
    if !is_instance(instance) {
        let text = "The resource ID is not valid. Verify that you entered the correct ID and try again.";
        return Err(Refusal::new("InvalidResourceId", text));
    }
    let kind = text(body, "ComplianceType")?;
    let name = kind.strip_prefix("Custom:").unwrap_or_default();
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|c| is_word(c) || c == '-');
    // The model allows Patch and Association as well, which are not a guest's to put.
    if kind.len() > 100 || name.len() < 2 || !begins || !letters.all(is_word) {
        return Err(unfit(
            "complianceType",
            kind,
            "satisfy regular expression pattern: Custom:[a-zA-Z0-9_\\-]\\w+",
        ));
    }
    Ok((instance, kind))
}

fn judge(item: &Map<String, Value>) -> Result<(), Refusal> {
    optional(item, "Id")?;
    within(optional(item, "Title")?.unwrap_or_default(), "title", 500)?;
    one_of(text(item, "Severity")?, "severity", SEVERITIES)?;
    one_of(text(item, "Status")?, "status", &["COMPLIANT", "NON_COMPLIANT"])?;
    let Some(details) = item.get("Details").filter(|details| !details.is_null()) else { return Ok(()) };
    let details = object(details, "details")?;
    for name in details.keys() {
        if name.is_empty() {
            return Err(unfit("details", name, "have length greater than or equal to 1"));
        }
        within(name, "details", 64)?;
        within(text(details, name)?, "details", 4096)?;
    }
    Ok(())
}

fn within(text: &str, name: &str, most: usize) -> Result<(), Refusal> {
    if text.chars().count() > most {
        return Err(unfit(name, text, &format!("have length less than or equal to {most}")));
    }
    Ok(())
}

fn one_of(word: &str, name: &str, words: &[&str]) -> Result<(), Refusal> {
    if words.contains(&word) {
        return Ok(());
    }
    Err(unfit(name, word, &format!("satisfy enum value set: [{}]", words.join(", "))))
}

const SEVERITIES: &[&str] = &["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNSPECIFIED"];
const MOST_ITEMS: usize = 10_000;
const MOST_BYTES: usize = 800 * 1024;
