//! The packages that are tested, others made of the same program, and what is in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::made;

/// The .deb that is tested.
pub(super) fn deb() -> String {
    show(&made::deb())
}

/// The .rpm that is tested.
pub(super) fn rpm() -> String {
    show(&made::rpm())
}

/// Both packages under another version.
#[derive(Debug)]
pub(super) struct Made(TempDir);

impl Made {
    pub(super) fn deb(&self) -> String {
        only(self.0.path(), ".deb")
    }

    pub(super) fn rpm(&self) -> String {
        only(self.0.path(), ".rpm")
    }
}

/// Which program it is makes no difference to what an upgrade does to a system, and a short one is packed at once.
pub(super) fn packed_as(version: &str) -> Made {
    let place = tempfile::tempdir().expect("a directory");
    pack(Path::new("/bin/true"), version, place.path(), &[]);
    Made(place)
}

pub(super) fn pack(program: &Path, version: &str, into: &Path, environment: &[(&str, &str)]) {
    let packed = Command::new(sources().join("packaging/pack"))
        .args(["--version", version, "--binary"])
        .arg(program)
        .arg("--out")
        .arg(into)
        .envs(environment.iter().copied())
        .output()
        .expect("packaging/pack");
    assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
}

pub(super) fn unpack_deb() -> TempDir {
    let tree = tempfile::tempdir().expect("a directory");
    said("dpkg-deb", &["--extract", &deb(), &show(tree.path())]);
    tree
}

pub(super) fn unpack_rpm() -> TempDir {
    let tree = tempfile::tempdir().expect("a directory");
    let unpack = "cd \"$1\" && rpm2cpio \"$2\" | cpio --quiet -idm";
    said("sh", &["-c", unpack, "sh", &show(tree.path()), &rpm()]);
    tree
}

/// What a program printed that succeeded.
pub(super) fn said(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(super) fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C").output();
    output.unwrap_or_else(|error| panic!("{program}: {error}"))
}

pub(super) fn sources() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the crate lies in the workspace").to_owned()
}

pub(super) fn show(path: &Path) -> String {
    path.display().to_string()
}

fn only(place: &Path, ending: &str) -> String {
    let entries = fs::read_dir(place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    let names = entries.map(|entry| show(&entry.expect("an entry").path()));
    let mut found: Vec<String> = names.filter(|name| name.ends_with(ending)).collect();
    assert_eq!(found.len(), 1, "one {ending} in {}: {found:?}", place.display());
    found.remove(0)
}

pub(super) const PROGRAM: &str = "usr/bin/guestward";
