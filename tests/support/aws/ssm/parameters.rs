//! Parameter Store, as far as values of the standard tier go.

use serde_json::{Map, Value, json};

use super::{Answered, Ssm, optional, text, unfit};
use crate::support::aws::answer::Refusal;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) value: String,
    /// `String`, `StringList` or `SecureString`.
    pub(crate) kind: String,
    pub(crate) version: u64,
    pub(crate) modified: i64,
}

impl Ssm {
    pub(super) fn put_parameter(&mut self, body: &Map<String, Value>, now: i64) -> Answered {
        let (name, value) = (text(body, "Name")?, text(body, "Value")?);
        judge_name(name)?;
        judge_value(value, optional(body, "Tier")?)?;
        let before = self.parameters.get(name);
        let overwrite = body.get("Overwrite").and_then(Value::as_bool).unwrap_or(false);
        if before.is_some() && !overwrite {
            return Err(Refusal::new(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to \
                 true.",
            ));
        }
        let kind = match (optional(body, "Type")?, before) {
            (Some(kind @ ("String" | "StringList" | "SecureString")), _) => kind.to_owned(),
            (Some(kind), _) => {
                return Err(unfit(
                    "type",
                    kind,
                    "satisfy enum value set: [SecureString, StringList, String]",
                ));
            }
            (None, Some(before)) => before.kind.clone(),
            (None, None) => {
                return Err(Refusal::validation("A parameter type is required when you create a parameter."));
            }
        };
        if let Some(pattern) = optional(body, "AllowedPattern")? {
            allowed(pattern, value)?;
        }
        let version = before.map_or(1, |before| before.version + 1);
        let (name, value) = (name.to_owned(), value.to_owned());
        self.parameters.insert(name.clone(), Parameter { name, value, kind, version, modified: now });
        Ok(json!({ "Version": version, "Tier": "Standard" }))
    }

    pub(super) fn get_parameter(&mut self, body: &Map<String, Value>, place: &str) -> Answered {
        let name = text(body, "Name")?;
        let is_plain = body.get("WithDecryption").and_then(Value::as_bool).unwrap_or(false);
        // AWS says no more than this code.
        let found = self.parameters.get(name).ok_or_else(|| Refusal::new("ParameterNotFound", ""))?;
        Ok(json!({ "Parameter": found.shown(is_plain, place) }))
    }

    pub(super) fn parameters_by_path(&mut self, body: &Map<String, Value>, place: &str) -> Answered {
        let path = text(body, "Path")?;
        if !path.starts_with('/') {
            return Err(Refusal::validation(
                "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a \
                 forward slash \"/\".",
            ));
        }
        let is = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or(false);
        let most = match body.get("MaxResults").filter(|most| !most.is_null()) {
            None => MOST_A_PAGE,
            Some(most) => most
                .as_u64()
                .filter(|most| (1..=10).contains(most))
                .and_then(|most| usize::try_from(most).ok())
                .ok_or_else(|| {
                    unfit("maxResults", &most.to_string(), "have value less than or equal to 10")
                })?,
        };
        let from = optional(body, "NextToken")?.unwrap_or_default();
        let inside = format!("{}/", path.trim_end_matches('/'));
        let mut found = self.parameters.range(from.to_owned()..).filter(|(name, _)| {
            name.strip_prefix(&inside).is_some_and(|rest| is("Recursive") || !rest.contains('/'))
        });
        let shown: Vec<Value> = found
            .by_ref()
            .take(most)
            .map(|(_, parameter)| parameter.shown(is("WithDecryption"), place))
            .collect();
        let mut answer = json!({ "Parameters": shown });
        if let Some((name, _)) = found.next() {
            answer["NextToken"] = json!(name);
        }
        Ok(answer)
    }
}

impl Parameter {
    /// Of a secret, what KMS made of it.
    fn shown(&self, is_plain: bool, place: &str) -> Value {
        let is_hidden = self.kind == "SecureString" && !is_plain;
        let value = if is_hidden { format!("AQICAHg{}", self.value.len()) } else { self.value.clone() };
        let slash = if self.name.starts_with('/') { "" } else { "/" };
        json!({
            "Name": self.name,
            "Type": self.kind,
            "Value": value,
            "Version": self.version,
            "LastModifiedDate": self.modified / 1000,
            "ARN": format!("arn:aws:ssm:{place}:parameter{slash}{}", self.name),
            "DataType": "text",
        })
    }
}

fn judge_name(name: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    if name.is_empty() || name.len() > 1011 || !name.chars().all(fits) {
        return Err(Refusal::validation(
            "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist \
             of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the \
             following 3 symbols .-_",
        ));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(Refusal::validation("Parameter name must be a fully qualified name."));
    }
    let first = name.trim_start_matches('/').to_ascii_lowercase();
    if first.starts_with("aws") || first.starts_with("ssm") {
        return Err(Refusal::new("AccessDeniedException", "No access to reserved parameter name"));
    }
    if name.matches('/').count() > 15 {
        let text = "A hierarchy can have a maximum of 15 levels.";
        return Err(Refusal::new("HierarchyLevelLimitExceededException", text));
    }
    Ok(())
}

/// The documentation counts KB, the refusal characters; where they differ the stricter one counts here: bytes.
fn judge_value(value: &str, tier: Option<&str>) -> Result<(), Refusal> {
    if value.is_empty() {
        return Err(unfit("value", "", "have length greater than or equal to 1"));
    }
    if value.contains("{{") {
        return Err(Refusal::validation(
            "Parameter values can't nest another parameter: no {{}} or {{ssm:parameter-name}}",
        ));
    }
    if !matches!(tier, None | Some("Standard")) {
        return Err(Refusal::validation("The double has the standard tier only."));
    }
    if value.len() > MOST_BYTES {
        return Err(Refusal::validation(
            "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger \
             parameter value, upgrade the parameter to use the advanced-parameter tier.",
        ));
    }
    Ok(())
}

fn allowed(pattern: &str, value: &str) -> Result<(), Refusal> {
    let invalid = |_| {
        Refusal::new(
            "InvalidAllowedPatternException",
            "The request does not meet the regular expression requirement.",
        )
    };
    // The value as a whole: that AWS anchors the pattern is not documented.
    let pattern = regex_lite::Regex::new(&format!("^(?:{pattern})$")).map_err(invalid)?;
    if pattern.is_match(value) {
        return Ok(());
    }
    Err(Refusal::new(
        "ParameterPatternMismatchException",
        format!("Parameter value, cannot be validated against allowedPattern: {pattern}"),
    ))
}

const MOST_BYTES: usize = 4096;
const MOST_A_PAGE: usize = 10;
