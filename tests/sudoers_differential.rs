//! sudoers(5) against the programs that own the format: what `cvtsudoers` makes of a file must be what guestward
//! makes of it, and what `visudo` refuses guestward must refuse.
//!
//! Deliberate differences, which the generator keeps away from:
//! - `APPARMOR_PROFILE=` is read although this sudo was built without it: later ones have it.
//! - regular expressions are not compiled, so a wrong one is taken for a command.
//! - names and types of settings are not judged.
//! - `\r\n` right behind a command is taken for a line's end, as later releases take it; 1.9.13 drops such a line.
//! - cvtsudoers shows ROLE and TYPE only where both are set, so the generator always sets both.

mod dice;
mod ours;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;

use guestward::host::sudoers::{
    AliasKind, Command, DefectKind, Listed, Members, Rule, Scope, Sudoers, Value as Setting, What, Where, Who,
};
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use dice::Dice;
use ours::{difference, ours};

fn cases(default: u32) -> Config {
    let cases = std::env::var("GUESTWARD_SUDOERS_CASES").ok().and_then(|text| text.parse().ok());
    Config { failure_persistence: None, max_shrink_iters: 0, ..Config::with_cases(cases.unwrap_or(default)) }
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn a_file_means_what_cvtsudoers_says(seed in any::<u64>()) {
        let text = Dice(seed | 1).file();
        let sudoers = Sudoers::of_bytes(Path::new("/etc/sudoers"), text.as_bytes());
        let refused: Vec<_> = sudoers.defects.iter().filter(|d| d.kind == DefectKind::Syntax).collect();
        let refusal = visudo_refusal(&text);
        prop_assert!(refusal.is_none(), "the generator wrote what visudo refuses:\n{text}{}", refusal.unwrap());
        prop_assert!(refused.is_empty(), "{refused:?}\n{text}");
        prop_assert_eq!(difference(&ours(&sudoers), &theirs(&text)), None, "{}", text);
    }

    #[test]
    fn what_visudo_refuses_is_refused(seed in any::<u64>()) {
        let mut dice = Dice(seed | 1);
        let text = dice.file();
        let text = dice.damage(text.replace('\r', ""));
        let sudoers = Sudoers::of_bytes(Path::new("/etc/sudoers"), text.as_bytes());
        let accepted = !sudoers.defects.iter().any(|defect| defect.kind == DefectKind::Syntax);
        let refusal = visudo_refusal(&text);
        // What only a table of settings can know is not ours to judge.
        if !refusal.as_deref().is_some_and(is_not_ours) {
            prop_assert_eq!(accepted, refusal.is_none(), "{}\n{:?}\n{:?}", text, sudoers.defects, refusal);
            if accepted {
                prop_assert_eq!(difference(&ours(&sudoers), &theirs(&text)), None, "{}", text);
            }
        }
    }

    #[test]
    fn no_bytes_make_the_reader_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Sudoers::of_bytes(Path::new("/etc/sudoers"), &bytes);
    }

    #[test]
    fn no_soup_of_words_makes_the_reader_fail(words in proptest::collection::vec(0..SOUP.len(), 0..60)) {
        let text: String = words.iter().map(|&word| SOUP[word]).collect();
        let _ = Sudoers::of_bytes(Path::new("/etc/sudoers"), text.as_bytes());
    }
}

const SOUP: &[&str] = &[
    "Defaults",
    "User_Alias",
    "Cmnd_Alias",
    " ",
    " ",
    "\n",
    "\\\n",
    "\\",
    "\"",
    "#",
    "#5",
    "!",
    ",",
    ":",
    "=",
    "(",
    ")",
    "ALL",
    "A",
    "bob",
    "/bin/ls",
    "/",
    "^a$",
    "^",
    "$",
    "sha224",
    "sudoedit",
    "list",
    "%",
    "+",
    "+=",
    "-=",
    "@include",
    "#include ",
    "CWD",
    "TIMEOUT",
    "NOPASSWD:",
    "1.2.3.4",
    "::",
    "fe80::1",
    "\t",
    "\r\n",
    "\0",
    "*",
];

fn file_with(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// What visudo says against a file.
fn visudo_refusal(text: &str) -> Option<String> {
    let file = file_with(text);
    let output =
        Process::new("visudo").args(["-c", "-f"]).arg(file.path()).env("LC_ALL", "C").output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Whether a complaint is about the name or value of a setting, a regular expression or a file to include.
fn is_not_ours(complaint: &str) -> bool {
    let about = [
        "unknown defaults entry",
        "is invalid for option",
        "no value specified for",
        "does not take a value",
        "invalid operator",
        "regular expression",
        "Unmatched",
        "Invalid",
        "Trailing backslash",
        "No such file or directory",
        "option \"",
    ];
    let about_a_path = complaint.contains("must start with a '/'")
        && !["\"CWD\"", "\"CHROOT\""].iter().any(|option| complaint.contains(option));
    about_a_path || about.iter().any(|words| complaint.contains(words))
}

/// What cvtsudoers makes of a file, in a form that does not depend on how it groups things.
fn theirs(text: &str) -> Value {
    let file = file_with(text);
    let output = Process::new("cvtsudoers")
        .args(["-f", "json"])
        .arg(file.path())
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // This cvtsudoers writes some members of arrays without the braces that make them objects.
    let bare = ["\"runcwd\":", "\"runchroot\":", "\"role\":", "\"type\":"];
    let mended: String = text
        .lines()
        .map(|line| {
            let trimmed = line.trim();
            if !bare.iter().any(|name| trimmed.starts_with(name)) {
                return format!("{line}\n");
            }
            let (body, comma) = trimmed.strip_suffix(',').map_or((trimmed, ""), |body| (body, ","));
            format!("{{ {body} }}{comma}\n")
        })
        .collect();
    let document: Value = if mended.trim().is_empty() {
        json!({})
    } else {
        serde_json::from_str(&mended).unwrap_or_else(|error| panic!("{error}\n{mended}"))
    };
    json!({
        "rules": their_rules(&document),
        "settings": their_settings(&document),
        "aliases": [
            document.get("User_Aliases").cloned().unwrap_or(json!({})),
            document.get("Runas_Aliases").cloned().unwrap_or(json!({})),
            document.get("Host_Aliases").cloned().unwrap_or(json!({})),
            document.get("Command_Aliases").cloned().unwrap_or(json!({})),
        ],
    })
}

fn list<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    value.get(key).and_then(Value::as_array).map(|list| list.iter().collect()).unwrap_or_default()
}

fn their_rules(document: &Value) -> Vec<Value> {
    let mut rules = Vec::new();
    for specification in list(document, "User_Specs") {
        for commands in list(specification, "Cmnd_Specs") {
            let mut options = BTreeMap::new();
            for option in list(commands, "Options").into_iter().chain(list(commands, "SELinux_Spec")) {
                for (name, value) in option.as_object().unwrap() {
                    options.insert(name.clone(), value.clone());
                }
            }
            for command in list(commands, "Commands") {
                rules.push(json!({
                    "users": specification["User_List"],
                    "hosts": specification["Host_List"],
                    "runas_users": commands.get("runasusers"),
                    "runas_groups": commands.get("runasgroups"),
                    "options": options,
                    "command": command,
                }));
            }
        }
    }
    rules
}

fn their_settings(document: &Value) -> Vec<Value> {
    let mut settings = Vec::new();
    for entry in list(document, "Defaults") {
        for option in list(entry, "Options") {
            settings.push(json!({"scope": entry.get("Binding"), "option": option}));
        }
    }
    settings
}
