//! Programs of the host, with their complaints where they fail.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// A command line of the host's shell that must succeed; what it printed.
pub fn sh(line: &str) -> String {
    run(Command::new("sh").args(["-ec", line]))
}

/// The same in a directory.
pub fn sh_in(directory: &Path, line: &str) -> String {
    run(Command::new("sh").args(["-ec", line]).current_dir(directory))
}

/// A program that must succeed; what it printed.
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", name(command.get_program())));
    assert!(
        output.status.success(),
        "{:?} ended with {}:\n{}{}",
        command,
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn name(program: &OsStr) -> String {
    program.to_string_lossy().into_owned()
}
