//! What is generated from the command line and the registry: the manual page and the shell completions.
//!
//! They are kept in `packaging/`, so that a package needs no generator, and compared here.
//! `GUESTWARD_BLESS=1 tests/all` (or `cargo test generated`) writes them anew.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap_complete::Shell;
use guestward::policy::settings::{Kind, SETTINGS};
use guestward::{check, cli, policy};

#[test]
fn the_manual_page_is_the_one_in_packaging() {
    compare("man/guestward.1", &manual());
}

#[test]
fn the_shell_completions_are_the_ones_in_packaging() {
    for (shell, name) in
        [(Shell::Bash, "guestward.bash"), (Shell::Fish, "guestward.fish"), (Shell::Zsh, "_guestward")]
    {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut cli::command(), "guestward", &mut script);
        compare(&format!("completions/{name}"), &String::from_utf8(script).unwrap());
    }
}

#[test]
fn the_manual_names_every_command_option_and_check() {
    let manual = manual().replace("\\-", "-");
    for (_, check) in check::all() {
        assert!(manual.contains(check.id), "{}", check.id);
    }
    each_command(&cli::command(), &mut |command| {
        assert!(manual.contains(command.get_name()), "{}", command.get_name());
        for option in command.get_arguments().filter_map(|argument| argument.get_long()) {
            assert!(manual.contains(&format!("--{option}")), "--{option} of {}", command.get_name());
        }
    });
}

#[test]
fn the_manual_page_renders_without_a_warning() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/man/guestward.1");
    let output = Command::new("man")
        .args(["--warnings", "-E", "UTF-8", "-Tutf8", "-Z", "-l"])
        .arg(page)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn each_command(command: &clap::Command, visit: &mut dyn FnMut(&clap::Command)) {
    visit(command);
    command.get_subcommands().for_each(|inner| each_command(inner, visit));
}

/// One page for all: the program, each command, each check.
fn manual() -> String {
    let mut roff = Vec::new();
    let mut command = cli::command().disable_help_subcommand(true);
    command.build();
    let page = clap_mangen::Man::new(command.clone()).date("").manual("guestward");
    page.render_title(&mut roff).unwrap();
    page.render_name_section(&mut roff).unwrap();
    page.render_synopsis_section(&mut roff).unwrap();
    page.render_description_section(&mut roff).unwrap();
    let mut text = String::from_utf8(roff).unwrap();
    text.push_str(".SH COMMANDS\n");
    for inner in command.get_subcommands() {
        subcommand(inner, "guestward", &mut text);
    }
    text.push_str(".SH CHECKS\n");
    for (topic, check) in check::all() {
        writeln!(text, ".TP\n\\fB{}\\fR ({}, {})", roff_safe(check.id), topic.name, check.severity).unwrap();
        writeln!(text, "{}. {}", roff_safe(check.title), roff_safe(check.why)).unwrap();
    }
    text.push_str(TAIL);
    text.push_str(&settings());
    text
}

/// What a policy may set of the agent itself.
fn settings() -> String {
    let mut text = ".SS \"Settings of the agent\"\n".to_owned();
    for known in SETTINGS {
        let default = match known.kind {
            Kind::Number { default, range: (low, high), unit } => {
                let [default, low, high] = [default, low, high].map(|number| policy::written(number, unit));
                format!("{default}; from {low} to {high}")
            }
            Kind::Flag { default } => default.to_string(),
            Kind::Path { usual } => format!("\"{usual}\""),
            Kind::Word { default, words } => format!("\"{default}\"; one of {}", words.join(", ")),
            Kind::Name { default: Some(default), .. } => format!("\"{default}\""),
            Kind::Name { default: None, example, .. } => format!("none; such as \"{example}\""),
        };
        let (name, help) = (roff_safe(&known.name()), roff_safe(known.help));
        writeln!(text, ".TP\n\\fB{name}\\fR = {}\n{help}.", roff_safe(&default)).unwrap();
    }
    text
}

fn subcommand(command: &clap::Command, before: &str, text: &mut String) {
    let name = format!("{before} {}", command.get_name());
    writeln!(text, ".SS \"{}\"", roff_safe(&name)).unwrap();
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        writeln!(text, "{}.", roff_safe(&about.to_string())).unwrap();
    }
    for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
        let value = argument.get_value_names().map(|names| names.join(" ")).unwrap_or_default();
        let label = match argument.get_long() {
            Some(long) if argument.get_action().takes_values() => format!("--{long} {value}"),
            Some(long) => format!("--{long}"),
            None => value,
        };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        writeln!(text, ".TP\n\\fB{}\\fR\n{}.", roff_safe(&label), roff_safe(&help)).unwrap();
    }
    if let Some(after) = command.get_after_help() {
        writeln!(text, ".PP\n{}.", roff_safe(&after.to_string())).unwrap();
    }
    for inner in command.get_subcommands() {
        subcommand(inner, &name, text);
    }
}

/// roff reads backslashes, hyphens (as line-breaking ones) and a dot at the start of a line.
fn roff_safe(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace("\n", " ").replace('\'', "\\(aq")
}

#[track_caller]
fn compare(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging").join(name);
    if std::env::var_os("GUESTWARD_BLESS").is_some() {
        fs::create_dir_all(path.parent().map_or_else(PathBuf::new, Path::to_owned)).unwrap();
        fs::write(&path, made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "packaging/{name} is not what the program makes now: GUESTWARD_BLESS=1 writes it anew"
    );
}

const TAIL: &str = r#".SH EXIT STATUS
.TP
.B 0
Nothing failed at or above \fB\-\-fail\-on\fR.
.TP
.B 1
Something failed at or above \fB\-\-fail\-on\fR; for \fBpackages\fR, a security update is outstanding; for
\fBstatus\fR, a daemon does not run or is in trouble; for \fBjournal verify\fR, something does not verify.
.TP
.B 2
A usage, policy or internal error.
.TP
.B 3
Something could not be looked at, and nothing failed at or above \fB\-\-fail\-on\fR; for \fBjournal verify\fR, there was no record.
.SH ENVIRONMENT
.TP
.B GUESTWARD_POLICY
The policy file, where \fB\-\-policy\fR names none.
.TP
.B NO_COLOR
When not empty, no colour.
.SH FILES
.TP
.I /etc/guestward/policy.toml
The policy.
.TP
.I /etc/guestward/policy.d/*.toml
Laid over it, in the order of their names.
.SH POLICY
A policy is TOML. \fBguestward policy show\fR prints the one in force with the origin of each value, in a form that can be saved and edited.
.PP
.nf
fail\-on = "high"

[topics.packages]
enabled = false

[checks.ssh\-max\-auth\-tries]
severity = "low"
max = 6

[[suppressions]]
check = "ssh\-x11"
subject = "sshd:22"
who = "alice@example.com"
why = "the CAD hosts need it until they are replaced"
until = 2027\-03\-31
.fi
.PP
A suppression needs all of \fIcheck\fR, \fIwho\fR, \fIwhy\fR and \fIuntil\fR, the last day (UTC) on which it holds. It silences a failure and never deletes it; once it has run out it silences nothing, and the finding says so.
"#;
