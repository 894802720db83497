//! The packages under test: those in `GUESTWARD_PACKAGES`, or what `packaging/build` makes now, once.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use vm_tests::network;
use vm_tests::shell::run;

pub(crate) fn deb() -> PathBuf {
    only("deb")
}

pub(crate) fn rpm() -> PathBuf {
    only("rpm")
}

/// The one with this suffix: two would leave open which was tested.
fn only(suffix: &str) -> PathBuf {
    let directory = directory();
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == suffix))
        .collect();
    assert_eq!(found.len(), 1, "one .{suffix} is to be in {}: {found:?}", directory.display());
    found.remove(0)
}

fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| match env::var_os("GUESTWARD_PACKAGES") {
        // Cargo runs a test in its crate's directory, and whoever typed the name was above it.
        Some(directory) => Path::new(ROOT).join(directory),
        None => {
            let build = Path::new(ROOT).join("packaging/build");
            let out = Path::new(ROOT).join("target/packages");
            network::outside(|| run(Command::new(build).args(["--profile", "release", "--out"]).arg(&out)));
            out
        }
    })
}

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
