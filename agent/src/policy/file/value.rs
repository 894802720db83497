//! Single values of a policy: what was written becomes what was meant, or an error with its place.

use jiff::civil::Date;
use toml::de::DeValue;

use super::super::Unit;
use super::{Key, Reader, Text, Value};
use crate::finding::Severity;

impl Reader<'_> {
    pub(super) fn amount(&mut self, name: &str, unit: Unit, value: &Value<'_>) -> Option<u64> {
        let amount = match (unit, value.get_ref()) {
            (_, DeValue::Integer(integer)) => integer.as_str().parse().ok(),
            (Unit::Seconds, DeValue::String(text)) => seconds(text),
            (Unit::Bytes, DeValue::String(text)) => bytes(text),
            _ => None,
        };
        if amount.is_none() {
            let wanted = match unit {
                Unit::Count => "a whole number",
                Unit::Seconds => "seconds, or a time such as \"90s\", \"30m\", \"36h\" or \"7d\"",
                Unit::Bytes => "bytes, or a size such as \"64KiB\", \"16MiB\" or \"1GiB\"",
            };
            self.refuse(&value.span(), format!("'{name}' must be {wanted}"));
        }
        amount
    }

    pub(super) fn boolean(&mut self, value: &Value<'_>) -> Option<bool> {
        if let DeValue::Boolean(boolean) = value.get_ref() {
            return Some(*boolean);
        }
        self.refuse(&value.span(), "must be true or false".into());
        None
    }

    pub(super) fn string(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            _ => {
                self.refuse(
                    &value.span(),
                    format!("'{}' must be text, and not empty", Text::new(key.get_ref())),
                );
                None
            }
        }
    }

    pub(super) fn severity(&mut self, value: &Value<'_>) -> Option<Severity> {
        let names = Severity::ALL.map(Severity::name);
        let DeValue::String(name) = value.get_ref() else {
            self.refuse(&value.span(), format!("a severity is one of {}", names.join(", ")));
            return None;
        };
        let found = Severity::from_name(name);
        if found.is_none() {
            let hint = nearest(name, &names);
            let what =
                format!("unknown severity '{}'{hint}; it is one of {}", Text::new(name), names.join(", "));
            self.refuse(&value.span(), what);
        }
        found
    }

    pub(super) fn date(&mut self, value: &Value<'_>) -> Option<Date> {
        let parsed = match value.get_ref() {
            DeValue::Datetime(datetime) => match (datetime.date, datetime.time) {
                (Some(date), None) => date.to_string().parse().ok(),
                _ => None,
            },
            DeValue::String(text) => text.parse().ok(),
            _ => None,
        };
        if parsed.is_none() {
            self.refuse(&value.span(), "'until' must be a day, such as 2027-03-31".into());
        }
        parsed
    }
}

/// `90`, `90s`, `30m`, `36h`, `7d`.
fn seconds(text: &str) -> Option<u64> {
    measured(text, TIMES)
}

/// `4096`, `64KiB`, `16MiB`, `1GiB`.
fn bytes(text: &str) -> Option<u64> {
    measured(text, SIZES)
}

fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let name = &text[digits.len()..];
    let factor = if name.is_empty() { 1 } else { units.iter().find(|(unit, _)| *unit == name)?.1 };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// An amount as a policy may have it: a number, or text in quotes with the largest unit that leaves nothing over.
pub fn written(amount: u64, unit: Unit) -> String {
    let units = match unit {
        Unit::Count => return amount.to_string(),
        Unit::Seconds => TIMES,
        Unit::Bytes => SIZES,
    };
    let fitting = units.iter().find(|(_, factor)| amount >= *factor && amount.is_multiple_of(*factor));
    fitting.map_or_else(|| amount.to_string(), |(name, factor)| format!("\"{}{name}\"", amount / factor))
}

const TIMES: &[(&str, u64)] = &[("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
const SIZES: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// `; did you mean 'x'?`, or nothing when nothing is near.
pub(super) fn nearest(name: &str, names: &[&str]) -> String {
    // A name that somebody mistyped shares most of it; Jaro-Winkler favours a right beginning.
    names
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, known)| format!("; did you mean '{known}'?"))
}

pub(super) fn one_line(message: &str) -> String {
    Text::new(&message.lines().collect::<Vec<_>>().join("; ")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_have_units() {
        assert_eq!(seconds("7d"), Some(604_800));
        assert_eq!(seconds("90"), Some(90));
        assert_eq!(seconds("1w"), None);
        assert_eq!(seconds("99999999999999999999d"), None);
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("64KiB"), Some(65_536));
        assert_eq!(bytes("4096"), Some(4_096));
        assert_eq!(bytes("1GB"), None, "a thousand or 1,024? Nobody knows");
        assert_eq!(bytes("-1GiB"), None);
        assert_eq!(bytes("99999999999GiB"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(amount in prop_oneof![any::<u64>(), 0..100_000_u64]) {
            prop_assert_eq!(seconds(written(amount, Unit::Seconds).trim_matches('"')), Some(amount));
            prop_assert_eq!(bytes(written(amount, Unit::Bytes).trim_matches('"')), Some(amount));
        }
    }
}
