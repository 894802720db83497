//! glob(3) as we do it, against perl's `bsd_glob`, which is the C library's by descent. Left out of the comparison:
//! character classes such as `[[:alpha:]]`, and brackets that are never closed, in which the two C libraries differ.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use guestward::host::{Host, glob};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[test]
fn the_same_files_in_the_same_order_as_the_c_library_finds() {
    let root = tempfile::tempdir().unwrap();
    for name in NAMES {
        fs::create_dir_all(root.path().join(name).parent().unwrap()).unwrap();
        fs::write(root.path().join(name), "").unwrap();
    }
    std::os::unix::fs::symlink("d", root.path().join("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", root.path().join("dangling")).unwrap();
    let mut runner = TestRunner::new(Config { cases: 30, ..Config::default() });
    let mut found = 0;
    // Many patterns a process: perl's start is what takes time.
    let patterns = proptest::collection::vec(pattern(), 40);
    let host = Host::at(root.path()).unwrap();
    let counted = std::cell::Cell::new(0);
    runner
        .run(&patterns, |patterns| {
            for (pattern, theirs) in patterns.iter().zip(globbed(root.path(), &patterns)) {
                let ours = glob::expand(&host, format!("/{pattern}").as_bytes()).unwrap();
                let ours: Vec<String> =
                    ours.iter().map(|path| path.to_str().unwrap()[1..].to_owned()).collect();
                counted.set(counted.get() + ours.len());
                prop_assert_eq!(ours, theirs, "{}", pattern);
            }
            Ok(())
        })
        .unwrap();
    found += counted.get();
    assert!(found > 500, "the patterns match next to nothing: {found}");
}

fn pattern() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        6 => "[abcAB.19-]",
        4 => Just("*".to_owned()),
        2 => Just("?".to_owned()),
        1 => "\\[[!]?[abAB1.]{1,2}\\]",
        1 => "\\[[!]?a-[bc]\\]",
        1 => "\\\\[ab*]",
        1 => Just("[]a]".to_owned()),
    ];
    let name = proptest::collection::vec(atom, 1..5).prop_map(|atoms| atoms.concat());
    let folder =
        prop_oneof![3 => Just(""), 1 => Just("d/"), 1 => Just("*/"), 1 => Just("link/"), 1 => Just("?/")];
    (folder, prop_oneof![4 => name, 1 => Just("*.conf".to_owned()), 1 => Just("*".to_owned())])
        .prop_map(|(folder, name)| format!("{folder}{name}"))
        // Names that end in a dot directory are another question.
        .prop_filter("dots", |pattern| !pattern.split('/').any(|part| matches!(part, "." | "..")))
}

fn globbed(root: &Path, patterns: &[String]) -> Vec<Vec<String>> {
    // GLOB_QUOTE lets a backslash escape; GLOB_ERR is left out, so that nothing stops it.
    let script = "use File::Glob qw(:bsd_glob); \
                  for (@ARGV) { print join(\"\\0\", sort grep { !m{(^|/)\\.\\.?$} } bsd_glob($_, GLOB_QUOTE)), \"\\n\" }";
    let output = Command::new("perl")
        .env("LC_ALL", "C")
        .current_dir(root)
        .args(["-e", script, "--"])
        .args(patterns.iter().map(|pattern| OsStr::from_bytes(pattern.as_bytes())))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
        .collect()
}

const NAMES: &[&str] = &[
    "a",
    "b",
    "A",
    "ab",
    "aB",
    "ba",
    "a.b",
    ".a",
    ".ab",
    "1a",
    "9-b",
    "10-a",
    "a-b",
    "a*b",
    "]a",
    "d/a",
    "d/b.conf",
    "d/.c",
    "d/10-a.conf",
    "d/9-b.conf",
    "x.conf",
    ".x.conf",
    "x.conf.bak",
    "e/a",
    "cc",
    "c.1",
];
