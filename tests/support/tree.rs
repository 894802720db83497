//! Fixtures: small trees written as text, because Git keeps neither modes nor owners nor FIFOs.
//!
//! A fixture file is a list of cases, a case a list of lines:
//!
//! ```text
//! # a remark
//! case a second account with uid 0
//! use debian12                                  the tree in tests/fixtures/base/debian12.txt first
//! now 2026-11-22T00:00:00Z                      the time of the look, if it matters
//! file etc/passwd 0644 0:0                      mode and owner are optional (0644, 0:0)
//! | root:x:0:0:root:/root:/bin/bash             its lines; {KEY_ID} and {SECRET} become an access key
//! dir var/empty 0755
//! link etc/localtime -> /usr/share/zoneinfo/UTC
//! fifo etc/shadow
//! sparse var/log/huge 1099511627776
//! copy usr/bin/x from tests/fixtures/data/x     bytes that are no text
//! remove etc/hostname
//! capability usr/bin/ping cap_net_raw=ep        as setcap(8) takes it
//! nft                                           the case runs in a network namespace with these rules
//! | table inet t { chain c { type filter hook input priority 0; policy drop; } }
//! run ip addr add 192.0.2.1/32 dev lo           … in which this was run
//! imds tokens=required hops=1 ipv6=on           … and in which instance metadata are to be had
//! expect fail subject=user:toor severity=critical source=/etc/passwd:2 observed~"uid 0"
//! ```
//!
//! `key=value` is equality and `key~value` containment. Every finding must match one of the case's
//! expectations, and every expectation some finding.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use super::keys;

/// One case of a fixture file.
#[derive(Debug, Default)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) expectations: Vec<Expectation>,
    pub(crate) now: Option<jiff::Timestamp>,
    /// What is done in a network namespace of its own, if the case needs a kernel.
    pub(crate) kernel: Vec<KernelStep>,
}

#[derive(Debug)]
pub(crate) enum KernelStep {
    Nft(String),
    Run(String),
    /// The options of `metadata_service`.
    Imds(String),
}

#[derive(Debug)]
pub(crate) enum Step {
    Use(String),
    File { path: PathBuf, mode: u32, owner: (u32, u32), text: Vec<u8> },
    Copy { path: PathBuf, from: PathBuf },
    Directory { path: PathBuf, mode: u32, owner: (u32, u32) },
    Link { path: PathBuf, target: PathBuf },
    Fifo(PathBuf),
    Sparse { path: PathBuf, size: u64 },
    Remove(PathBuf),
    Capability { path: PathBuf, text: String },
}

#[derive(Debug)]
pub(crate) struct Expectation {
    pub(crate) verdict: String,
    /// Key, whether containment is enough, value.
    pub(crate) fields: Vec<(String, bool, String)>,
    pub(crate) line: usize,
}

/// The folder that holds the fixtures.
pub(crate) fn folder() -> PathBuf {
    // The fuzz targets build this file, too, from a folder of their own.
    let mut above =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("tests/fixtures"));
    above.find(|folder| folder.is_dir()).expect("tests/fixtures")
}

/// A tree from the base of that name, in a directory that goes away with the value.
pub(crate) fn base(name: &str) -> tempfile::TempDir {
    build(&[Step::Use(name.to_owned())])
}

pub(crate) fn build(steps: &[Step]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory for a tree");
    apply(root.path(), steps);
    root
}

/// The steps of a tree that is written in a test.
pub(crate) fn steps(text: &str) -> Vec<Step> {
    let mut cases = parse(&format!("case inline\n{text}"), "inline");
    cases.remove(0).steps
}

pub(crate) fn parse(text: &str, name: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut rules_are_open = false;
    for (index, line) in text.lines().enumerate() {
        let bad = |what: &str| -> ! { panic!("{name}:{}: {what}: {line}", index + 1) };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word == "case" {
            cases.push(Case { name: rest.to_owned(), ..Case::default() });
            continue;
        }
        // Text belongs to the line before it: to an nft, or to a file.
        rules_are_open = word == "nft" || (word == "|" && rules_are_open);
        let Some(case) = cases.last_mut() else { bad("a line before the first case") };
        match word {
            "nft" => case.kernel.push(KernelStep::Nft(String::new())),
            "run" => case.kernel.push(KernelStep::Run(rest.to_owned())),
            "imds" => case.kernel.push(KernelStep::Imds(rest.to_owned())),
            "|" if rules_are_open => match case.kernel.last_mut() {
                Some(KernelStep::Nft(rules)) => rules.push_str(&format!("{rest}\n")),
                _ => bad("rules that belong to no nft"),
            },
            "|" => match case.steps.last_mut() {
                Some(Step::File { text, .. }) => {
                    text.extend_from_slice(keys::expand(rest).as_bytes());
                    text.push(b'\n');
                }
                _ => bad("text that belongs to no file"),
            },
            "now" => case.now = Some(rest.parse().unwrap_or_else(|_| bad("not a time"))),
            "expect" => case.expectations.push(expectation(rest, index + 1)),
            _ => match step(word, rest) {
                Some(step) => case.steps.push(step),
                None => bad("not a line of a fixture"),
            },
        }
    }
    cases
}

fn step(word: &str, rest: &str) -> Option<Step> {
    let mut words = rest.split_whitespace();
    let path = PathBuf::from(words.next()?);
    let mode =
        |word: Option<&str>, default| word.map_or(Some(default), |mode| u32::from_str_radix(mode, 8).ok());
    let owner = |word: Option<&str>| match word {
        None => Some((0, 0)),
        Some(word) => {
            word.split_once(':').and_then(|(uid, gid)| Some((uid.parse().ok()?, gid.parse().ok()?)))
        }
    };
    Some(match word {
        "use" => Step::Use(rest.to_owned()),
        "file" => {
            let mode = mode(words.next(), 0o644)?;
            Step::File { path, mode, owner: owner(words.next())?, text: Vec::new() }
        }
        "dir" => {
            let mode = mode(words.next(), 0o755)?;
            Step::Directory { path, mode, owner: owner(words.next())? }
        }
        "copy" => Step::Copy { path, from: words.nth(1)?.into() },
        "link" => Step::Link { path, target: rest.split_once(" -> ")?.1.trim_start().into() },
        "fifo" => Step::Fifo(path),
        "sparse" => Step::Sparse { path, size: words.next()?.parse().ok()? },
        "remove" => Step::Remove(path),
        "capability" => Step::Capability { path, text: words.next()?.to_owned() },
        _ => return None,
    })
}

fn expectation(rest: &str, line: usize) -> Expectation {
    let (verdict, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut fields = Vec::new();
    while let Some(at) = rest.find(['=', '~']) {
        let key = rest[..at].trim().to_owned();
        let contains = rest[at..].starts_with('~');
        let value = &rest[at + 1..];
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').expect("a closing quote"),
            None => value.split_once(' ').unwrap_or((value, "")),
        };
        fields.push((key, contains, value.to_owned()));
        rest = after;
    }
    Expectation { verdict: verdict.to_owned(), fields, line }
}

pub(crate) fn apply(root: &Path, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Use(name) => {
                let file = folder().join("base").join(format!("{name}.txt"));
                let text =
                    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                let cases = parse(&format!("case {name}\n{text}"), name);
                apply(root, &cases[0].steps);
            }
            Step::File { path, mode, owner, text } => {
                let path = clear(root, path);
                fs::write(&path, text).expect("a file");
                own(&path, *mode, *owner);
            }
            Step::Copy { path, from } => {
                let from = folder().join("../..").join(from);
                fs::copy(&from, clear(root, path))
                    .unwrap_or_else(|error| panic!("{}: {error}", from.display()));
            }
            Step::Directory { path, mode, owner } => {
                let path = root.join(path);
                fs::create_dir_all(&path).expect("a directory");
                stays_inside(root, &path);
                own(&path, *mode, *owner);
            }
            Step::Link { path, target } => symlink(target, clear(root, path)).expect("a link"),
            Step::Fifo(path) => {
                let mode = nix::sys::stat::Mode::from_bits_truncate(0o600);
                nix::unistd::mkfifo(&clear(root, path), mode).expect("a FIFO");
            }
            Step::Sparse { path, size } => {
                fs::File::create(clear(root, path))
                    .and_then(|file| file.set_len(*size))
                    .expect("a sparse file");
            }
            Step::Remove(path) => {
                clear(root, path);
            }
            Step::Capability { path, text } => {
                let done =
                    std::process::Command::new("/usr/sbin/setcap").arg(text).arg(root.join(path)).output();
                let output = done.expect("setcap");
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
        }
    }
}

/// The place of a new object: parents made, whatever was there gone.
fn clear(root: &Path, path: &Path) -> PathBuf {
    let path = root.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).expect("parents");
        stays_inside(root, parent);
    }
    if path.is_dir() && !path.is_symlink() {
        fs::remove_dir_all(&path).expect("room");
    } else if path.symlink_metadata().is_ok() {
        fs::remove_file(&path).expect("room");
    }
    path
}

/// A link in a tree may lead to this machine's own files, which no test may touch.
fn stays_inside(root: &Path, path: &Path) {
    let (root, real) = (root.canonicalize().expect("a root"), path.canonicalize().expect("a path"));
    assert!(real.starts_with(&root), "{} leads out of the tree, to {}", path.display(), real.display());
}

fn own(path: &Path, mode: u32, owner: (u32, u32)) {
    chown(path, Some(owner.0), Some(owner.1)).expect("an owner: these tests run as root");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}
