//! What rpm has installed, as guestward reads it, and as rpm says it is.

mod boot;
mod forms;
mod hostile;
mod log;
mod restart;
mod versions;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use guestward::host::packages::rpm::Installed;
use guestward::host::packages::{Manager, Packages};
use guestward::host::{Host, Unreadable};

use crate::support::rpm::{Root, Rpm, SYSIMAGE, VAR};

fn installed(root: &Path) -> Result<Installed, Unreadable> {
    Installed::of(&Host::at(root).unwrap())
}

/// As [`told`] has it from rpm, of what guestward reads.
fn read(root: &Path) -> Vec<String> {
    let installed = installed(root).unwrap();
    let line = |package: &guestward::host::packages::rpm::Package| {
        format!(
            "{} {} {} {} {} {} {} {} {}",
            package.name,
            package.epoch,
            package.version,
            package.release,
            package.architecture,
            package.source_rpm,
            package.vendor,
            package.installed.unwrap().as_second(),
            package.module.as_deref().unwrap_or("(none)"),
        )
    };
    let mut lines: Vec<String> = installed.packages.iter().map(line).collect();
    lines.sort_unstable();
    lines
}

/// The same from rpm itself.
const FORMAT: &str = "%{NAME} %|EPOCH?{%{EPOCH}}:{0}| %{VERSION} %{RELEASE} %{ARCH} %{SOURCERPM} %{VENDOR} \
                      %{INSTALLTIME} %{MODULARITYLABEL}";

/// Headers within a page, and of many pages.
fn some() -> Vec<Rpm> {
    let package = |number: u32| {
        let package = Rpm::new(&format!("p{number}"), &format!("{number}.0~rc1"), "1.el9");
        let package = if number.is_multiple_of(3) { package.epoch(number) } else { package.noarch() };
        let files = [0, 1, 150, 0, 20, 0][number as usize % 6];
        (0..files).fold(package, |package, file| {
            package.file(&format!("/usr/share/p{number}/some-directory/file-{file}"), "x", 0o644)
        })
    };
    let module =
        Rpm::new("m", "18", "2.module_el8").module("nodejs:18:8080020221213:ad008a3a").source("nodejs");
    (0..12).map(package).chain([module.vendor("Somebody Else")]).collect()
}

/// Names, contents and times of everything in a directory.
fn state(directory: &Path) -> BTreeMap<String, (i64, i64, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut state: BTreeMap<_, _> = entries
        .map(|path| {
            let meta = fs::metadata(&path).unwrap();
            (path.display().to_string(), (meta.mtime(), meta.mtime_nsec(), fs::read(&path).unwrap()))
        })
        .collect();
    let meta = fs::metadata(directory).unwrap();
    state.insert(".".to_owned(), (meta.mtime(), meta.mtime_nsec(), Vec::new()));
    state
}

#[test]
fn what_is_read_is_what_rpm_says_and_nothing_changes_by_it() {
    for database in [VAR, SYSIMAGE] {
        let root = Root::knowing(database, &some());
        let before = state(&root.place());
        let found = read(root.path());
        assert_eq!(state(&root.place()), before);
        assert_eq!(found, root.query(FORMAT));
        assert_eq!(found.len(), 13);
        root.erase(&["p2", "p11"]);
        root.change(&["-U", "--justdb"], &[Rpm::new("p1", "2", "1").source("other")]);
        assert_eq!(read(root.path()), root.query(FORMAT));
        assert_eq!(installed(root.path()).unwrap().packages.len(), 11);
    }
}

#[test]
fn what_is_really_installed_is_known_and_a_key_is_no_package() {
    let a = Rpm::new("a", "1.0", "1.amzn2023").epoch(2).noarch().config("/etc/a.conf", "x\n");
    let b =
        Rpm::new("b", "2.0", "3").line("Provides: d = 4").link("/usr/bin/b", "a").directory("/usr/d", 0o700);
    let root = Root::with(VAR, &[a, b, Rpm::new("gpg-pubkey", "d832c631", "6515c85e")]);
    assert!(root.path().join("etc/a.conf").exists() && root.path().join("usr/d").exists());
    assert_eq!(root.query("%{NAME}"), ["a", "b", "gpg-pubkey"]);
    let installed = installed(root.path()).unwrap();
    let mut names: Vec<String> =
        installed.packages.iter().map(|package| format!("{} {}", package.name, package.evr())).collect();
    names.sort_unstable();
    assert_eq!(names, ["a 2:1.0-1.amzn2023", "b 2.0-3"]);
    root.upgrade(&[Rpm::new("b", "2.0", "4")]);
    assert!(self::installed(root.path()).unwrap().packages.iter().any(|package| package.release == "4"));
}

fn manager(root: &Path) -> Manager {
    Packages::of(&Host::at(root).unwrap()).manager.unwrap()
}

#[test]
fn a_database_that_nobody_uses_is_no_manager_and_a_damaged_one_is() {
    let root = Root::new(VAR);
    assert_eq!(manager(root.path()), Manager::None, "no package");
    fs::create_dir_all(root.path().join("etc/dnf")).unwrap();
    assert_eq!(manager(root.path()), Manager::Dnf, "no package, where dnf is");
    let cause = installed(root.path()).unwrap_err().to_string();
    assert!(cause.contains("it knows of no package at all"), "{cause}");
    fs::remove_dir(root.path().join("etc/dnf")).unwrap();
    fs::write(root.place().join("rpmdb.sqlite"), "SQLite format").unwrap();
    assert_eq!(manager(root.path()), Manager::Dnf, "a damaged database");
    for file in fs::read_dir(root.place()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    assert_eq!(manager(root.path()), Manager::None, "an empty directory");
    fs::create_dir_all(root.path().join("etc/zypp")).unwrap();
    assert_eq!(manager(root.path()), Manager::Zypper);
    assert!(!installed(root.path()).unwrap_err().is_absent(), "a manager without a database is no answer");
}
