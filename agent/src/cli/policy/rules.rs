//! The rules of file integrity as `guestward policy show` tells them.

use std::io::{self, Write};

use serde_json::json;

use super::{from, quoted};
use crate::policy::Policy;
use crate::policy::decoys::{Decoy, Plant};
use crate::policy::rules::{Pattern, Rule};

/// As TOML. The built-in rules are remarks: written out as rules, they would hold twice where it is read again.
pub(super) fn show_text(policy: &Policy, out: &mut dyn Write) -> io::Result<()> {
    let types: Vec<String> = policy.network_file_systems().iter().map(|name| quoted(name)).collect();
    let origin = from(policy.network_file_systems_origin());
    writeln!(out, "network-file-systems = [{}] # {origin}", types.join(", "))?;
    let hot: Vec<String> = policy.files_hot().iter().map(|path| quoted(&path.to_string_lossy())).collect();
    writeln!(out, "hot = [{}] # {}", hot.join(", "), from(policy.files_hot_origin()))?;
    for decoy in policy.files_decoys() {
        show_decoy(decoy, out)?;
    }
    writeln!(
        out,
        "\n# The last rule that matches a path decides. First the built-in ones, as built-in-rules says:"
    )?;
    let rules = policy.rules();
    for rule in rules.iter().filter(|rule| rule.origin.is_none()) {
        writeln!(out, "#")?;
        show(rule, "# ", &rule.name, out)?;
    }
    for rule in rules.iter() {
        if let Some(origin) = &rule.origin {
            writeln!(out)?;
            show(rule, "", &origin.to_string(), out)?;
        }
    }
    Ok(())
}

fn show(rule: &Rule, before: &str, from: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{before}[[files.rules]] # {from}")?;
    writeln!(out, "{before}paths = [")?;
    for path in &rule.paths {
        writeln!(out, "{before}    {},", quoted(path.as_str()))?;
    }
    writeln!(out, "{before}]")?;
    writeln!(out, "{before}compare = \"{}\"", rule.compare)?;
    writeln!(out, "{before}severity = \"{}\"", rule.severity)?;
    writeln!(out, "{before}text-diff = {}", rule.text_diff)?;
    writeln!(out, "{before}per-host = {}", rule.per_host)
}

fn show_decoy(decoy: &Decoy, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n[[files.decoys]] # {}", decoy.origin)?;
    writeln!(out, "path = {}", quoted(&decoy.path.to_string_lossy()))?;
    let units: Vec<String> = decoy.units.iter().map(|unit| quoted(unit)).collect();
    writeln!(out, "units = [{}]", units.join(", "))?;
    if let Some(plant) = decoy.plant {
        writeln!(out, "plant = \"{plant}\"")?;
    }
    writeln!(out, "severity = \"{}\"", decoy.severity)
}

pub(super) fn decoys_json(policy: &Policy) -> Vec<serde_json::Value> {
    let shown = policy.files_decoys().iter().map(|decoy| {
        json!({
            "path": decoy.path.to_string_lossy(),
            "units": decoy.units,
            "plant": decoy.plant.map(Plant::name),
            "severity": decoy.severity.name(),
            "from": decoy.origin.to_string(),
        })
    });
    shown.collect()
}

pub(super) fn show_json(policy: &Policy) -> Vec<serde_json::Value> {
    let rules = policy.rules();
    let shown = rules.iter().map(|rule| {
        json!({
            "name": rule.name,
            "paths": rule.paths.iter().map(Pattern::as_str).collect::<Vec<_>>(),
            "compare": rule.compare.name(),
            "severity": rule.severity.name(),
            "text_diff": rule.text_diff,
            "per_host": rule.per_host,
            "from": from(rule.origin.as_ref()),
        })
    });
    shown.collect()
}
