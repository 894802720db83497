//! PutInventory.

use serde_json::{Map, Value, json};

use super::{Answered, Ssm, hash, is_instance, list, object, text, unfit};
use crate::support::aws::answer::Refusal;

/// What is known of one instance about one type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inventory {
    pub(crate) instance: String,
    pub(crate) type_name: String,
    pub(crate) schema_version: String,
    pub(crate) capture_time: String,
    pub(crate) hash: Option<String>,
    pub(crate) entries: Vec<Value>,
    /// How often content came, and how often its hash alone.
    pub(crate) puts: usize,
    pub(crate) hashes: usize,
}

impl Ssm {
    /// All items or none.
    pub(super) fn put_inventory(&mut self, body: &Map<String, Value>) -> Answered {
        let instance = text(body, "InstanceId")?;
        if !is_instance(instance) {
            return Err(Refusal::new("InvalidInstanceId", "The instance ID is not valid."));
        }
        let items = list(body, "Items", 1, MOST_ITEMS)?;
        let mut changed = Vec::new();
        for item in items {
            let item = self.item(instance, object(item, "items")?)?;
            if changed.iter().any(|other: &Inventory| other.type_name == item.type_name) {
                // With which word AWS refuses a type that comes twice is not known.
                return Err(content(format!("{} comes twice", item.type_name)));
            }
            changed.push(item);
        }
        if body["Items"].to_string().len() > MOST_BYTES {
            return Err(Refusal::new(
                "TotalSizeLimitExceededException",
                "The size of inventory data has exceeded the total size limit for the resource.",
            ));
        }
        for item in changed {
            self.inventory.insert((instance.to_owned(), item.type_name.clone()), item);
        }
        Ok(json!({}))
    }

    fn item(&self, instance: &str, item: &Map<String, Value>) -> Result<Inventory, Refusal> {
        let type_name = type_name(item)?;
        let schema_version = text(item, "SchemaVersion")?;
        if !is_version(schema_version) {
            return Err(unfit(
                "schemaVersion",
                schema_version,
                "satisfy regular expression pattern: ^([0-9]{1,6})(\\.[0-9]{1,6})$",
            ));
        }
        let capture_time = text(item, "CaptureTime")?;
        if !is_capture_time(capture_time) {
            return Err(unfit(
                "captureTime",
                capture_time,
                "satisfy regular expression pattern: ^(20)[0-9][0-9]-…Z$",
            ));
        }
        let hash = hash(item, "ContentHash")?;
        let before = self.inventory.get(&(instance.to_owned(), type_name.to_owned()));
        let mut new = Inventory {
            instance: instance.to_owned(),
            type_name: type_name.to_owned(),
            schema_version: schema_version.to_owned(),
            capture_time: capture_time.to_owned(),
            hash: hash.clone(),
            entries: Vec::new(),
            puts: before.map_or(0, |before| before.puts),
            hashes: before.map_or(0, |before| before.hashes),
        };
        if item.get("Content").is_some_and(|content| !content.is_null()) {
            new.entries = entries(item)?;
            new.puts += 1;
            return Ok(new);
        }
        // Without content the hash must be the one that was put last.
        match before.filter(|before| hash.is_some() && before.hash == hash) {
            Some(before) => new.entries.clone_from(&before.entries),
            None => {
                return Err(Refusal::new(
                    "ItemContentMismatchException",
                    "The inventory item has invalid content.",
                ));
            }
        }
        new.hashes += 1;
        Ok(new)
    }
}

/// `^(AWS|Custom):.*$`; those of AWS have schemas of their own, which a guest other than its agent does not put.
fn type_name(item: &Map<String, Value>) -> Result<&str, Refusal> {
    let name = text(item, "TypeName")?;
    if name.starts_with("Custom:") && name.chars().count() <= 100 {
        return Ok(name);
    }
    if name.starts_with("AWS:") {
        return Err(Refusal::new("InvalidTypeNameException", "The parameter type name is not valid."));
    }
    Err(unfit("typeName", name, "satisfy regular expression pattern: ^(AWS|Custom):.*$"))
}

fn entries(item: &Map<String, Value>) -> Result<Vec<Value>, Refusal> {
    let entries = list(item, "Content", 0, MOST_ENTRIES)?;
    for entry in entries {
        let entry = object(entry, "content")?;
        if entry.len() > 50 {
            return Err(content("an entry has more than 50 attributes".to_owned()));
        }
        for name in entry.keys() {
            let value = text(entry, name)?;
            if !(1..=64).contains(&name.chars().count()) || value.chars().count() > 4096 {
                return Err(content(format!("the attribute {name} is too long")));
            }
        }
    }
    if item["Content"].to_string().len() > MOST_TYPE {
        let text = "The inventory item size has exceeded the size limit.";
        return Err(Refusal::new("ItemSizeLimitExceededException", text));
    }
    Ok(entries.to_vec())
}

fn content(text: String) -> Refusal {
    Refusal::new("InvalidItemContentException", text)
}

fn is_version(text: &str) -> bool {
    let is_number = |part: &str| (1..=6).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

/// `2026-11-22T12:00:00Z`, in this century, each part within its bounds.
fn is_capture_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    if shape != "0000-00-00T00:00:00Z" || !text.starts_with("20") {
        return false;
    }
    let part = |at: usize| text[at..at + 2].parse::<u8>().unwrap_or(u8::MAX);
    (1..=12).contains(&part(5))
        && (1..=31).contains(&part(8))
        && part(11) < 24
        && part(14) < 60
        && part(17) < 60
}

const MOST_ITEMS: usize = 30;
const MOST_ENTRIES: usize = 10_000;
/// The quotas of inventory: 1 MB a call, and 200 KB for each custom type. What exactly is counted is not published.
const MOST_BYTES: usize = 1024 * 1024;
const MOST_TYPE: usize = 200 * 1024;
