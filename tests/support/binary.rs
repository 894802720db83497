//! The built `guestward`, run as a user would run it.

use std::path::Path;
use std::process::{Command, Output};

/// A command with nothing of the tester's own environment that could change an answer.
pub(crate) fn guestward() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guestward"));
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// `guestward check --format json --root TREE ARGS…`, parsed.
pub(crate) fn check_json(root: &Path, args: &[&str]) -> (Output, serde_json::Value) {
    let output = guestward()
        .args(["check", "--format", "json", "--root"])
        .arg(root)
        .args(args)
        .output()
        .expect("guestward starts");
    let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("not JSON ({error}): {}{}", text(&output.stdout), text(&output.stderr));
    });
    (output, document)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What sets a clock for one program alone, preloaded.
pub(crate) const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
