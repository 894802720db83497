//! A policy as it is written: TOML, every key known, every error with its file, line and column.
//!
//! ```toml
//! fail-on = "high"
//!
//! [topics.packages]
//! enabled = false
//!
//! [checks.ssh-max-auth-tries]
//! severity = "low"
//! max = 6
//!
//! [journal]
//! max-bytes = "1GiB"
//!
//! [[files.rules]]
//! paths = ["/srv/www/**"]
//! severity = "high"
//!
//! [[suppressions]]
//! check = "ssh-x11"
//! subject = "sshd:22"
//! who = "alice@example.com"
//! why = "the CAD hosts need it until they are replaced"
//! until = 2027-03-31
//! ```

mod decoys;
mod rules;
mod settings;
mod value;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Origin, Parameter, Policy, Setting, Suppression, Vocabulary};
use crate::host::{Host, Text};
pub use value::written;
use value::{nearest, one_line};

/// Where a policy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A file that somebody named: it must exist.
    File(PathBuf),
    /// `/etc/guestward/policy.toml` with `/etc/guestward/policy.d/*.toml` over it, as far as they exist.
    System,
}

/// Everything that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyErrors(pub Vec<PolicyError>);

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// Line 0 when the whole file is meant.
    pub origin: Origin,
    pub what: String,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin.line {
            0 => write!(f, "{}", self.what),
            _ => write!(f, "{}: {}", self.origin, self.what),
        }
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {}
impl std::error::Error for PolicyErrors {}

/// Reads a policy, or says everything that is wrong with it.
pub fn load(location: &Location, vocabulary: &Vocabulary) -> Result<Policy, PolicyErrors> {
    let host = Host::at("/").map_err(|cause| whole_file("/", cause.to_string()))?;
    let mut policy = Policy::default();
    let mut errors = Vec::new();
    for path in files(&host, location)? {
        let name = Text::from_bytes(path.as_os_str().as_encoded_bytes()).to_string();
        let text = read(&host, &path)?;
        Reader { vocabulary, text: &text, file: &name, policy: &mut policy, errors: &mut errors }.read();
        policy.sources.push(name);
    }
    if errors.is_empty() { Ok(policy) } else { Err(PolicyErrors(errors)) }
}

fn files(host: &Host, location: &Location) -> Result<Vec<PathBuf>, PolicyErrors> {
    if let Location::File(path) = location {
        return std::path::absolute(path)
            .map(|path| vec![path])
            .map_err(|error| whole_file("policy", format!("cannot find the policy: {error}")));
    }
    let cannot =
        |cause: crate::host::Unreadable| whole_file("policy", format!("cannot read the policy: {cause}"));
    let mut files = Vec::new();
    if host.exists(MAIN_FILE).map_err(cannot)? {
        files.push(PathBuf::from(MAIN_FILE));
    }
    match host.list(DROP_INS, MAX_DROP_INS) {
        Ok(names) => files.extend(
            names
                .iter()
                .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "toml"))
                .map(|name| Path::new(DROP_INS).join(name)),
        ),
        Err(cause) if cause.is_absent() => {}
        Err(cause) => return Err(cannot(cause)),
    }
    Ok(files)
}

fn read(host: &Host, path: &Path) -> Result<String, PolicyErrors> {
    let fail = |what: String| whole_file(&path.to_string_lossy(), format!("cannot read the policy: {what}"));
    let bytes = host.read(path, MAX_BYTES).map_err(|cause| fail(cause.to_string()))?;
    // Who can write the policy can silence any finding.
    let meta = host.stat(path).map_err(|cause| fail(cause.to_string()))?;
    if meta.is_world_writable() {
        let path = Text::from_bytes(path.as_os_str().as_encoded_bytes());
        return Err(fail(format!("{path} can be written by everyone; chmod o-w {path}")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        fail(format!("{} is not UTF-8 at byte {at}", Text::from_bytes(path.as_os_str().as_encoded_bytes())))
    })
}

fn whole_file(file: &str, what: String) -> PolicyErrors {
    PolicyErrors(vec![PolicyError { origin: Origin { file: file.to_owned(), line: 0, column: 0 }, what }])
}

/// Lays one file over the policy read so far.
struct Reader<'a> {
    vocabulary: &'a Vocabulary,
    text: &'a str,
    file: &'a str,
    policy: &'a mut Policy,
    errors: &'a mut Vec<PolicyError>,
}

type Key<'t> = Spanned<Cow<'t, str>>;
type Value<'t> = Spanned<DeValue<'t>>;

impl Reader<'_> {
    fn read(&mut self) {
        let text = self.text;
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                return self.refuse(&span, one_line(error.message()));
            }
        };
        for (key, value) in table.get_ref() {
            match key.get_ref().as_ref() {
                "fail-on" => {
                    if let Some(severity) = self.severity(value) {
                        self.policy.fail_on = Some(self.setting(value, severity));
                    }
                }
                "topics" => self.each(key, value, Self::topic),
                "checks" => self.each(key, value, Self::check),
                "suppressions" => self.suppressions(value),
                "files" => self.files(key, value),
                _ => self.of_the_agent(key, value),
            }
        }
    }

    fn each(&mut self, key: &Key<'_>, value: &Value<'_>, entry: fn(&mut Self, &Key<'_>, &DeTable<'_>)) {
        let Some(table) = self.table(key, value) else { return };
        for (name, settings) in table {
            if let Some(settings) = self.table(name, settings) {
                entry(self, name, settings);
            }
        }
    }

    fn topic(&mut self, name: &Key<'_>, settings: &DeTable<'_>) {
        let vocabulary = self.vocabulary;
        let Some(topic) = self.known(name, "topic", &vocabulary.topics) else { return };
        for (key, value) in settings {
            match key.get_ref().as_ref() {
                "enabled" => {
                    if let Some(enabled) = self.boolean(value) {
                        let setting = self.setting(value, enabled);
                        self.policy.topics.insert(topic, setting);
                    }
                }
                _ => self.unknown_key(key, &format!(" in [topics.{topic}]"), &["enabled"]),
            }
        }
    }

    fn check(&mut self, name: &Key<'_>, settings: &DeTable<'_>) {
        let Some(check) = self.check_id(name.span(), name.get_ref()) else { return };
        let parameters = self
            .vocabulary
            .checks
            .iter()
            .find(|known| known.id == check)
            .map_or(&[][..], |found| found.parameters);
        for (key, value) in settings {
            match key.get_ref().as_ref() {
                "enabled" => {
                    if let Some(enabled) = self.boolean(value) {
                        let setting = self.setting(value, enabled);
                        self.policy.checks.entry(check).or_default().enabled = Some(setting);
                    }
                }
                "severity" => {
                    if let Some(severity) = self.severity(value) {
                        let setting = self.setting(value, severity);
                        self.policy.checks.entry(check).or_default().severity = Some(setting);
                    }
                }
                other => match parameters.iter().find(|parameter| parameter.name == other) {
                    Some(parameter) => self.threshold(check, parameter, value),
                    None => {
                        let mut names = vec!["enabled", "severity"];
                        names.extend(parameters.iter().map(|parameter| parameter.name));
                        self.unknown_key(key, &format!(" in [checks.{check}]"), &names);
                    }
                },
            }
        }
    }

    fn threshold(&mut self, check: &'static str, parameter: &'static Parameter, value: &Value<'_>) {
        let Parameter { name, unit, range: (low, high), .. } = *parameter;
        let Some(amount) = self.amount(name, unit, value) else { return };
        if !(low..=high).contains(&amount) {
            return self.refuse(&value.span(), format!("'{name}' must be from {low} to {high}"));
        }
        let setting = self.setting(value, amount);
        self.policy.checks.entry(check).or_default().thresholds.insert(parameter.name, setting);
    }

    fn suppressions(&mut self, value: &Value<'_>) {
        let DeValue::Array(entries) = value.get_ref() else {
            return self
                .refuse(&value.span(), "'suppressions' must be a list of tables: [[suppressions]]".into());
        };
        for entry in entries {
            match entry.get_ref() {
                DeValue::Table(table) => self.suppression(&entry.span(), table),
                _ => self.refuse(&entry.span(), "a suppression must be a table: [[suppressions]]".into()),
            }
        }
    }

    fn suppression(&mut self, span: &Range<usize>, table: &DeTable<'_>) {
        let before = self.errors.len();
        let (mut check, mut subject, mut who, mut why, mut until) = (None, None, None, None, None);
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "check" => {
                    check = self.string(key, value).and_then(|name| self.check_id(value.span(), &name));
                }
                "subject" => subject = self.string(key, value),
                "who" => who = self.string(key, value),
                "why" => why = self.string(key, value),
                "until" => until = self.date(value),
                _ => self.unknown_key(
                    key,
                    " in [[suppressions]]",
                    &["check", "subject", "who", "why", "until"],
                ),
            }
        }
        // What is there but wrong has been said already.
        for (name, means) in [
            ("check", "which check it silences"),
            ("who", "who decided it"),
            ("why", "the reason"),
            ("until", "the last day on which it holds, such as 2027-03-31"),
        ] {
            if !table.iter().any(|(key, _)| key.get_ref() == name) {
                self.refuse(span, format!("a suppression needs '{name}': {means}"));
            }
        }
        if let (Some(check), Some(who), Some(why), Some(until), true) =
            (check, who, why, until, self.errors.len() == before)
        {
            let origin = self.origin(span);
            self.policy.suppressions.push(Suppression { check, subject, who, why, until, origin });
        }
    }

    fn check_id(&mut self, span: Range<usize>, name: &str) -> Option<&'static str> {
        let ids: Vec<&'static str> = self.vocabulary.checks.iter().map(|known| known.id).collect();
        self.known(&Spanned::new(span, Cow::Borrowed(name)), "check", &ids)
    }

    fn known(&mut self, name: &Key<'_>, what: &str, names: &[&'static str]) -> Option<&'static str> {
        let found = names.iter().find(|known| **known == name.get_ref().as_ref()).copied();
        if found.is_none() {
            let hint = nearest(name.get_ref(), names);
            self.refuse(&name.span(), format!("unknown {what} '{}'{hint}", Text::new(name.get_ref())));
        }
        found
    }

    fn unknown_key(&mut self, key: &Key<'_>, place: &str, names: &[&str]) {
        let hint = nearest(key.get_ref(), names);
        self.refuse(&key.span(), format!("unknown key '{}'{place}{hint}", Text::new(key.get_ref())));
    }

    fn table<'v, 't>(&mut self, key: &Key<'_>, value: &'v Value<'t>) -> Option<&'v DeTable<'t>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(table);
        }
        self.refuse(&value.span(), format!("'{}' must be a table", Text::new(key.get_ref())));
        None
    }

    fn setting<T>(&self, value: &Value<'_>, meant: T) -> Setting<T> {
        Setting { value: meant, origin: self.origin(&value.span()) }
    }

    fn origin(&self, span: &Range<usize>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Origin {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    fn refuse(&mut self, span: &Range<usize>, what: String) {
        let origin = self.origin(span);
        self.errors.push(PolicyError { origin, what });
    }
}

pub(super) const MAIN_FILE: &str = "/etc/guestward/policy.toml";
pub(super) const DROP_INS: &str = "/etc/guestward/policy.d";
const MAX_BYTES: u64 = 1024 * 1024;
const MAX_DROP_INS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::super::{CheckName, Unit};
    use super::*;
    use proptest::prelude::*;

    const PARAMETERS: &[Parameter] =
        &[Parameter { name: "max", default: 4, range: (1, 10), unit: Unit::Count, help: "how many" }];

    fn vocabulary() -> Vocabulary {
        let check = CheckName { id: "ssh-tries", topic: "ssh", parameters: PARAMETERS };
        Vocabulary { topics: vec!["ssh"], checks: vec![check] }
    }

    fn read(text: &str) -> (Policy, Vec<PolicyError>) {
        let vocabulary = vocabulary();
        let (mut policy, mut errors) = (Policy::default(), Vec::new());
        Reader { vocabulary: &vocabulary, text, file: "p", policy: &mut policy, errors: &mut errors }.read();
        (policy, errors)
    }

    #[test]
    fn a_later_file_goes_over_an_earlier_one_value_by_value() {
        let vocabulary = vocabulary();
        let (mut policy, mut errors) = (Policy::default(), Vec::new());
        for (file, text) in
            [("1", "[checks.ssh-tries]\nmax = 5\nenabled = false"), ("2", "[checks.ssh-tries]\nmax = 6")]
        {
            Reader { vocabulary: &vocabulary, text, file, policy: &mut policy, errors: &mut errors }.read();
        }
        let settings = &policy.checks["ssh-tries"];
        assert_eq!(settings.thresholds["max"].value, 6);
        assert_eq!(settings.thresholds["max"].origin.file, "2");
        assert!(!settings.enabled.as_ref().unwrap().value);
        assert_eq!(errors, []);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_error_has_a_place(text in "[ -~\n]{0,120}|(\\[(checks|topics|suppressions|run|journal|ship.local)[.a-z\\]]{0,9}\n|[a-z]{0,8} ?= ?[0-9a-z\"\\[\\]{}-]{0,9}\n){0,8}") {
            let (_, errors) = read(&text);
            let lines = text.matches('\n').count() + 1;
            for error in errors {
                prop_assert!((1..=lines).contains(&error.origin.line) && error.origin.column >= 1, "{error:?}");
            }
        }
    }
}
