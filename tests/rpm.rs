//! What rpm has installed, as guestward reads it, and as rpm says it is.

use guestward::host::Host;
use guestward::host::packages::rpm::Installed;

use crate::support::rpm::{Root, Rpm, SYSIMAGE, VAR};

/// As [`told`] has it from rpm, of what guestward reads.
fn read(root: &Root) -> Vec<String> {
    let installed = Installed::of(&Host::at(root.path()).unwrap()).unwrap();
    let mut lines: Vec<String> = installed
        .packages
        .iter()
        .map(|package| {
            let module = package.module.as_deref().unwrap_or("(none)");
            let installed = package.installed.unwrap().as_second();
            format!(
                "{} {} {} {} {} {} {} {installed} {module}",
                package.name,
                package.epoch,
                package.version,
                package.release,
                package.architecture,
                package.source_rpm,
                package.vendor,
            )
        })
        .collect();
    lines.sort_unstable();
    lines
}

/// The same from rpm itself.
fn told(root: &Root) -> Vec<String> {
    root.query(
        "%{NAME} %|EPOCH?{%{EPOCH}}:{0}| %{VERSION} %{RELEASE} %{ARCH} %{SOURCERPM} %{VENDOR} %{INSTALLTIME} \
         %{MODULARITYLABEL}",
    )
}

#[test]
fn what_is_read_is_what_rpm_says() {
    let many: Vec<Rpm> = (0..30)
        .map(|number| {
            let package = Rpm::new(&format!("p{number}"), &format!("{number}.0~rc1"), "1.el9");
            let package = if number % 3 == 0 { package.epoch(number) } else { package.noarch() };
            // From a header within a page to one of many pages.
            (0..[0, 0, 300, 0, 20][number as usize % 5] * u32::from(number < 10)).fold(
                package,
                |package, file| {
                    package.file(&format!("/usr/share/p{number}/some-directory/file-{file}"), "x", 0o644)
                },
            )
        })
        .collect();
    let root = Root::knowing(VAR, &many);
    assert_eq!(read(&root), told(&root));
    assert_eq!(read(&root).len(), 30);
    root.erase(&["p3", "p29"]);
    root.change(&["-U", "--justdb"], &[Rpm::new("p1", "2", "1").source("other")]);
    assert_eq!(read(&root), told(&root));
    assert_eq!(read(&root).len(), 28);
}

#[test]
fn the_packages_of_a_root_are_those_that_were_built() {
    for database in [VAR, SYSIMAGE] {
        let a = Rpm::new("a", "1.0", "1.amzn2023").epoch(2).noarch().config("/etc/a.conf", "x\n");
        let b = Rpm::new("b", "2.0", "3.amzn2023").source("c").module("nodejs:18:8080020221213:ad008a3a");
        let b = b.line("Provides: d = 4").link("/usr/bin/b", "a").file("/usr/bin/a", "x", 0o755);
        let root = Root::with(database, &[a, b]);
        let told =
            root.query("%{NAME} %{EPOCH} %{VERSION}-%{RELEASE} %{ARCH} %{SOURCERPM} %{MODULARITYLABEL}");
        assert_eq!(
            told,
            [
                "a 2 1.0-1.amzn2023 noarch a-src-1.0-1.amzn2023.src.rpm (none)",
                "b (none) 2.0-3.amzn2023 x86_64 c-2.0-3.amzn2023.src.rpm nodejs:18:8080020221213:ad008a3a",
            ]
        );
        assert!(root.path().join("etc/a.conf").exists() && root.place().join("rpmdb.sqlite").exists());
    }
}
