//! `guestward policy check|show`, and which policy the other commands use.

mod rules;

use std::io::{self, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::json;

use super::args::{Format, PolicyAction, PolicyArgs};
use super::{Exit, Failure};
use crate::check::{self, Unit};
use crate::finding::{Text, wire};
use crate::policy::settings::{Kind, Meant, SETTINGS};
use crate::policy::{self, Location, Origin, Policy, Setting};

pub(super) fn run(args: &PolicyArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (target, show) = match &args.action {
        PolicyAction::Check(target) => (target, false),
        PolicyAction::Show(target) => (target, true),
    };
    let policy = load(target.file())?;
    let written = match (show, target.format.format) {
        (false, Format::Text) => confirm(&policy, out),
        (false, Format::Json) => {
            writeln!(
                out,
                "{}",
                json!({ "schema": "guestward.policy-check/1", "valid": true, "sources": policy.sources })
            )
        }
        (true, Format::Text) => show_text(&policy, out),
        (true, Format::Json) => writeln!(out, "{}", show_json(&policy)),
    };
    written.map_err(|error| Failure::output(error, Exit::Clean))?;
    Ok(Exit::Clean)
}

/// The policy in force: the one named, `$GUESTWARD_POLICY`, the system's, or the built-in one where there is none.
pub(super) fn load(named: Option<&PathBuf>) -> Result<Policy, Failure> {
    let named = named.cloned().or_else(|| std::env::var_os("GUESTWARD_POLICY").map(PathBuf::from));
    let location = named.map_or(Location::System, Location::File);
    policy::load(&location, &check::vocabulary()).map_err(Failure::trouble)
}

fn confirm(policy: &Policy, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "valid: {}", sources(policy))?;
    let now = Timestamp::now();
    for suppression in policy.suppressions.iter().filter(|suppression| suppression.has_expired(now)) {
        let (origin, check, until) = (&suppression.origin, suppression.check, suppression.until);
        writeln!(out, "{origin}: the suppression of {check} ran out on {until} and silences nothing")?;
    }
    Ok(())
}

fn sources(policy: &Policy) -> String {
    if policy.sources.is_empty() { "the built-in policy".to_owned() } else { policy.sources.join(", ") }
}

/// As TOML that can be saved and read again, each value with its origin.
fn show_text(policy: &Policy, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# In force: {}.\n# Digest: {}", sources(policy), digest(policy))?;
    let (fail_on, from) = told(policy.fail_on.as_ref(), policy.fail_on());
    writeln!(out, "fail-on = \"{fail_on}\" # {from}")?;
    show_settings(policy, out)?;
    for (topic, check) in check::all() {
        let own = policy.checks.get(check.id);
        let enabled = own.and_then(|own| own.enabled.as_ref()).or_else(|| policy.topics.get(topic.name));
        let (enabled, enabled_from) = told(enabled, true);
        let (severity, severity_from) = told(own.and_then(|own| own.severity.as_ref()), check.severity);
        writeln!(out, "\n[checks.{}]", check.id)?;
        writeln!(out, "enabled = {enabled} # {enabled_from}")?;
        // Written out, the check's own severity would override what it says of a milder case.
        let comment = if own.is_some_and(|own| own.severity.is_some()) { "" } else { "# " };
        writeln!(out, "{comment}severity = \"{severity}\" # {severity_from}")?;
        for parameter in check.parameters {
            let (value, from) =
                told(own.and_then(|own| own.thresholds.get(parameter.name)), parameter.default);
            let unit = if parameter.unit == Unit::Seconds { "seconds, " } else { "" };
            writeln!(out, "{} = {value} # {unit}{from}", parameter.name)?;
        }
    }
    let now = Timestamp::now();
    for suppression in &policy.suppressions {
        let state = if suppression.has_expired(now) { ", ran out: silences nothing" } else { "" };
        writeln!(out, "\n[[suppressions]] # {}{state}", suppression.origin)?;
        writeln!(out, "check = \"{}\"", suppression.check)?;
        if let Some(subject) = &suppression.subject {
            writeln!(out, "subject = {}", quoted(subject))?;
        }
        writeln!(out, "who = {}\nwhy = {}", quoted(&suppression.who), quoted(&suppression.why))?;
        writeln!(out, "until = {}", suppression.until)?;
    }
    Ok(())
}

/// The agent's own settings. They come before the checks' in the file, as they do in a reader's interest.
fn show_settings(policy: &Policy, out: &mut dyn Write) -> io::Result<()> {
    let mut table = "";
    for known in SETTINGS {
        if known.table != table {
            table = known.table;
            writeln!(out, "\n[{table}]")?;
        }
        let (meant, origin) = policy.in_force(known);
        let (key, from) = (known.key, from(origin));
        match (meant, known.kind) {
            (Some(Meant::Flag(flag)), _) => writeln!(out, "{key} = {flag} # {from}")?,
            (Some(Meant::Path(path)), _) => {
                writeln!(out, "{key} = {} # {from}", quoted(&path.to_string_lossy()))?;
            }
            (Some(Meant::Number(number)), Kind::Number { unit, .. }) => {
                writeln!(out, "{key} = {} # {from}", policy::written(number, unit))?;
            }
            (Some(Meant::Word(word)), _) => writeln!(out, "{key} = \"{word}\" # {from}")?,
            (Some(Meant::Name(name)), _) => writeln!(out, "{key} = {} # {from}", quoted(&name))?,
            (None, Kind::Name { example, .. }) => writeln!(out, "# {key} = {} # not set", quoted(example))?,
            // Written out, the usual path would hold where another one is usual, too.
            (_, Kind::Path { usual }) => writeln!(out, "# {key} = {} # {from}", quoted(usual))?,
            (_, _) => {}
        }
    }
    rules::show_text(policy, out)
}

fn digest(policy: &Policy) -> String {
    wire::base64url(&policy.digest(&check::vocabulary()))
}

fn told<T: Copy>(setting: Option<&Setting<T>>, default: T) -> (T, String) {
    setting.map_or((default, "built-in".to_owned()), |set| (set.value, set.origin.to_string()))
}

/// A TOML basic string. JSON's escapes are a part of TOML's.
fn quoted(text: &str) -> String {
    json!(Text::new(text).as_str()).to_string()
}

fn show_json(policy: &Policy) -> serde_json::Value {
    let checks: Vec<_> = check::all()
        .map(|(topic, check)| {
            let own = policy.checks.get(check.id);
            let thresholds: serde_json::Map<_, _> = check
                .parameters
                .iter()
                .map(|parameter| {
                    let set = own.and_then(|own| own.thresholds.get(parameter.name));
                    (parameter.name.to_owned(), value(set, parameter.default))
                })
                .collect();
            let enabled = own.and_then(|own| own.enabled.as_ref()).or_else(|| policy.topics.get(topic.name));
            let severity = own.and_then(|own| own.severity.as_ref());
            json!({
                "check": check.id,
                "enabled": value(enabled, true),
                "severity": { "value": severity.map_or(check.severity, |set| set.value).name(), "from": from(severity.map(|set| &set.origin)) },
                "thresholds": thresholds,
            })
        })
        .collect();
    let settings: serde_json::Map<_, _> = SETTINGS
        .iter()
        .map(|known| {
            let (meant, origin) = policy.in_force(known);
            let value = match (meant, known.kind) {
                (Some(Meant::Number(number)), _) => json!(number),
                (Some(Meant::Flag(flag)), _) => json!(flag),
                (Some(Meant::Path(path)), _) => json!(path.to_string_lossy()),
                (Some(Meant::Word(word)), _) => json!(word),
                (Some(Meant::Name(name)), _) => json!(name),
                (None, Kind::Path { usual }) => json!(usual),
                (None, _) => serde_json::Value::Null,
            };
            (known.name(), json!({ "value": value, "from": from(origin) }))
        })
        .collect();
    let now = Timestamp::now();
    let suppressions: Vec<_> = policy
        .suppressions
        .iter()
        .map(|suppression| {
            json!({
                "check": suppression.check,
                "subject": suppression.subject,
                "who": suppression.who,
                "why": suppression.why,
                "until": suppression.until.to_string(),
                "expired": suppression.has_expired(now),
                "from": suppression.origin.to_string(),
            })
        })
        .collect();
    let fail_on = policy.fail_on.as_ref();
    let hot: Vec<_> = policy.files_hot().iter().map(|path| path.to_string_lossy()).collect();
    json!({
        "schema": "guestward.policy/1",
        "sources": policy.sources,
        "digest": digest(policy),
        "fail_on": { "value": policy.fail_on().name(), "from": from(fail_on.map(|set| &set.origin)) },
        "settings": settings,
        "network_file_systems": { "value": policy.network_file_systems(), "from": from(policy.network_file_systems_origin()) },
        "hot": { "value": hot, "from": from(policy.files_hot_origin()) },
        "decoys": rules::decoys_json(policy),
        "rules": rules::show_json(policy),
        "checks": checks,
        "suppressions": suppressions,
    })
}

fn value<T: Copy + serde::Serialize>(setting: Option<&Setting<T>>, default: T) -> serde_json::Value {
    json!({ "value": setting.map_or(default, |set| set.value), "from": from(setting.map(|set| &set.origin)) })
}

fn from(origin: Option<&Origin>) -> String {
    origin.map_or_else(|| "built-in".to_owned(), Origin::to_string)
}
