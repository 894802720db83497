//! Systems Manager: compliance, inventory and Parameter Store, by the rules of the service's model.

mod compliance;
mod inventory;
mod parameters;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::answer::Refusal;
pub(crate) use compliance::Compliance;
pub(crate) use inventory::Inventory;
pub(crate) use parameters::Parameter;

#[derive(Debug, Default)]
pub(crate) struct Ssm {
    pub(super) parameters: BTreeMap<String, Parameter>,
    /// By instance and type.
    pub(super) compliance: BTreeMap<(String, String), Compliance>,
    pub(super) inventory: BTreeMap<(String, String), Inventory>,
}

type Answered = Result<Value, Refusal>;

impl Ssm {
    pub(super) fn call(
        &mut self,
        action: &str,
        body: &Map<String, Value>,
        now: i64,
        place: &str,
    ) -> Answered {
        match action {
            "PutComplianceItems" => self.put_compliance(body),
            "PutInventory" => self.put_inventory(body),
            "PutParameter" => self.put_parameter(body, now),
            "GetParameter" => self.get_parameter(body, place),
            "GetParametersByPath" => self.parameters_by_path(body, place),
            _ => Err(Refusal::new("UnknownOperationException", "")),
        }
    }
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refusal> {
    body.get(name).and_then(Value::as_str).ok_or_else(|| unfit(name, "null", "not be null"))
}

fn optional<'a>(body: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => text(body, name).map(Some),
    }
}

/// A list that is there, with so many items.
fn list<'a>(
    body: &'a Map<String, Value>,
    name: &str,
    least: usize,
    most: usize,
) -> Result<&'a [Value], Refusal> {
    let list = body.get(name).and_then(Value::as_array).ok_or_else(|| unfit(name, "null", "not be null"))?;
    if !(least..=most).contains(&list.len()) {
        return Err(unfit(name, "[…]", &format!("have length between {least} and {most}")));
    }
    Ok(list)
}

fn object<'a>(value: &'a Value, name: &str) -> Result<&'a Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| unfit(name, &value.to_string(), "be a structure"))
}

/// The hash by which equal content is known.
fn hash(body: &Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match optional(body, name)? {
        Some(hash) if hash.chars().count() > 256 => {
            Err(unfit(name, hash, "have length less than or equal to 256"))
        }
        hash => Ok(hash.map(str::to_owned)),
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// `(^i-(\w{8}|\w{17})$)|(^mi-\w{17}$)`
fn is_instance(id: &str) -> bool {
    let (id, lengths): (&str, &[usize]) = match id.strip_prefix("mi-") {
        Some(id) => (id, &[17]),
        None => (id.strip_prefix("i-").unwrap_or_default(), &[8, 17]),
    };
    lengths.contains(&id.len()) && id.chars().all(is_word)
}

fn unfit(name: &str, value: &str, rule: &str) -> Refusal {
    Refusal::validation(format!(
        "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must {rule}"
    ))
}
