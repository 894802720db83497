//! `guestward baseline` as its users run it: what was agreed, what differs, what is accepted; and AIDE on the same tree.

#[path = "baseline/aide.rs"]
mod aide;
#[path = "baseline/commands.rs"]
mod commands;
#[path = "baseline/hostile.rs"]
mod hostile;
#[path = "baseline/mutations.rs"]
mod mutations;
#[path = "baseline/packages.rs"]
mod packages;
#[path = "baseline/packages_rpm.rs"]
mod packages_rpm;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::binary;

/// A tree to look after, on a real disk, with a policy and a state of its own.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    pub(crate) fn new(policy: &str) -> Self {
        let folder =
            tempfile::Builder::new().prefix("baseline-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let machine = Self { folder };
        fs::create_dir(machine.root()).unwrap();
        fs::create_dir(machine.state()).unwrap();
        fs::write(machine.policy(), policy).unwrap();
        machine
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn policy(&self) -> PathBuf {
        self.folder.path().join("policy.toml")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = binary::guestward();
        command.arg("baseline").args(arguments).arg("--root").arg(self.root());
        command.env("GUESTWARD_STATE", self.state()).env("GUESTWARD_POLICY", self.policy());
        command
    }

    /// As [`Self::run`], and what it printed on standard output; it must end with this code.
    pub(crate) fn expect(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (binary::text(&output.stdout), binary::text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
        out
    }

    /// What it says on standard error when it ends with 2.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{}", binary::text(&output.stdout));
        binary::text(&output.stderr)
    }

    pub(crate) fn diff(&self, code: i32, arguments: &[&str]) -> Value {
        let arguments = [&["diff", "--format", "json"], arguments].concat();
        serde_json::from_str(&self.expect(code, &arguments)).unwrap()
    }
}

/// Path, change and fields of each entry.
pub(crate) fn entries(drift: &Value) -> BTreeMap<String, (String, Vec<String>)> {
    let entries = drift["entries"].as_array().unwrap();
    let fields = |entry: &Value| -> Vec<String> {
        entry["fields"].as_array().unwrap().iter().map(|field| field.as_str().unwrap().to_owned()).collect()
    };
    entries
        .iter()
        .map(|entry| {
            let path = entry["path"].as_str().unwrap().to_owned();
            (path, (entry["change"].as_str().unwrap().to_owned(), fields(entry)))
        })
        .collect()
}

fn write(root: &Path, path: &str, text: &str) {
    let file = mutations::below(root, path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// Everything is important, and nothing else is said.
pub(crate) const ALL: &str = "[files]\nbuilt-in-rules = false\n[[files.rules]]\npaths = [\"/**\"]\ncompare = \"content\"\nseverity = \"high\"\n";
