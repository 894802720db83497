//! What dpkg records, out of small trees.

use std::fs;

use super::*;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccccccccccccccccccc";

fn status(conffiles: &str) -> String {
    let stanza = |name: &str, rest: &str| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1-2\n{rest}\n")
    };
    [stanza("dpkg", ""), stanza("dash", "Multi-Arch: same\n"), stanza("sshd", conffiles)].concat()
}

/// A machine with a merged /usr and three packages.
fn host(extra: &[(&str, &str)]) -> (tempfile::TempDir, Host) {
    let root = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("usr/bin", root.path().join("bin")).unwrap();
    let conffiles = format!("Conffiles:\n /etc/default/sshd {C}\n /etc/old {B} obsolete\n");
    let status = status(&conffiles);
    let sums = format!("{A}  bin/dash\n{A}  usr/share/taken\n");
    let sshd = format!("{B}  usr/sbin/sshd\nnonsense\n");
    let files = [
        ("var/lib/dpkg/status", status.as_str()),
        ("var/lib/dpkg/info/dpkg.list", "/.\n/usr\n/usr/bin\n/usr/bin/dpkg\n"),
        ("var/lib/dpkg/info/dash:amd64.list", "/.\n/bin\n/bin/dash\n/bin/sh\n/usr\n"),
        ("var/lib/dpkg/info/dash:amd64.md5sums", &sums),
        ("var/lib/dpkg/info/sshd.list", "/.\n/usr/sbin/sshd\n/etc/default/sshd\n/usr/share/taken"),
        ("var/lib/dpkg/info/sshd.md5sums", &sshd),
        ("var/lib/dpkg/info/nobody.list", "/usr/bin/nobody\n"),
    ];
    for (path, text) in files.iter().chain(extra) {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let host = Host::at(root.path()).unwrap();
    (root, host)
}

fn told(recorded: &Recorded, path: &str) -> String {
    let Some(record) = recorded.get(path.as_bytes()) else { return "none".to_owned() };
    let digest = record.digest.map_or("listed".to_owned(), |digest| format!("{:02x}", digest.bytes()[0]));
    let configuration = if record.is_configuration { " configuration" } else { "" };
    assert_eq!(recorded.packages()[record.index], *record.owner);
    format!("{} {} {digest}{configuration}", record.owner.package, record.owner.version)
}

#[track_caller]
fn check(extra: &[(&str, &str)], expected: &[(&str, &str)]) {
    let (_root, host) = host(extra);
    let all = all(&host).unwrap().unwrap();
    let some = of(&host, expected.iter().map(|(path, _)| path.as_bytes())).unwrap().unwrap();
    for (path, expected) in expected {
        assert_eq!(told(&all, path), *expected, "{path}");
        assert_eq!(told(&some, path), *expected, "{path}, asked for alone");
    }
    let known = expected.iter().filter(|(_, expected)| *expected != "none").count();
    assert!(some.len() <= known && all.len() >= some.len());
}

#[test]
fn a_file_is_its_packages_with_what_the_package_records() {
    check(
        &[],
        &[
            ("/usr/bin/dash", "dash:amd64 1-2 aa"),
            ("/bin/dash", "dash:amd64 1-2 aa"),
            ("/usr/bin/sh", "dash:amd64 1-2 listed"),
            ("/usr/bin/dpkg", "dpkg:amd64 1-2 listed"),
            ("/usr/sbin/sshd", "sshd:amd64 1-2 bb"),
            ("/etc/default/sshd", "sshd:amd64 1-2 cc configuration"),
            ("/etc/old", "sshd:amd64 1-2 bb configuration"),
            ("/usr/bin/nobody", "none"),
            ("/usr/bin/other", "none"),
            ("/usr/bin/dash/", "none"),
        ],
    );
}

#[test]
fn a_digest_of_what_another_package_took_over_says_nothing() {
    check(&[], &[("/usr/share/taken", "sshd:amd64 1-2 listed")]);
}

#[test]
fn a_diverted_file_is_where_it_was_put() {
    check(
        &[("var/lib/dpkg/diversions", "/usr/bin/dash\n/usr/bin/dash.real\nsshd\n/bin/sh\n/bin/sh.old\n:\n")],
        &[
            ("/usr/bin/dash.real", "dash:amd64 1-2 aa"),
            ("/usr/bin/dash", "none"),
            ("/usr/bin/sh.old", "dash:amd64 1-2 listed"),
            ("/usr/bin/sh", "none"),
        ],
    );
}

#[test]
fn the_links_of_an_alternative_are_listed() {
    check(
        &[(
            "var/lib/dpkg/alternatives/editor",
            "auto\n/usr/bin/editor\ned.1\n/usr/share/ed.1\n\n/bin/ed\n1\n\n",
        )],
        &[
            ("/usr/bin/editor", "dpkg:amd64 1-2 listed"),
            ("/etc/alternatives/editor", "dpkg:amd64 1-2 listed"),
            ("/etc/alternatives/ed.1", "dpkg:amd64 1-2 listed"),
            ("/bin/ed", "none"),
        ],
    );
}

#[test]
fn the_journal_of_dpkg_goes_over_its_status() {
    let entry = "Package: sshd\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 9\n";
    check(
        &[("var/lib/dpkg/updates/0001", entry)],
        &[("/usr/sbin/sshd", "sshd:amd64 9 bb"), ("/etc/default/sshd", "sshd:amd64 9 listed")],
    );
}

#[test]
fn a_distroless_image_has_digests_and_no_lists() {
    let root = tempfile::tempdir().unwrap();
    let parts = root.path().join("var/lib/dpkg/status.d");
    fs::create_dir_all(&parts).unwrap();
    fs::write(parts.join("base"), "Package: base-files\nVersion: 12\nArchitecture: amd64\n").unwrap();
    fs::write(parts.join("base.md5sums"), format!("{A}  etc/x\n")).unwrap();
    let all = all(&Host::at(root.path()).unwrap()).unwrap().unwrap();
    assert_eq!(told(&all, "/etc/x"), "base-files:amd64 12 aa");
}

#[test]
fn no_package_manager_is_none_and_a_database_that_is_not_there_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let host = Host::at(root.path()).unwrap();
    assert!(all(&host).unwrap().is_none());
    fs::create_dir_all(root.path().join("etc/dnf")).unwrap();
    assert!(all(&host).is_err());
    assert!(of(&host, [].into_iter()).is_err());
}

#[test]
fn a_pipe_in_place_of_a_list_is_an_error_and_no_trap() {
    let (root, host) = host(&[]);
    let list = root.path().join("var/lib/dpkg/info/dpkg.list");
    fs::remove_file(&list).unwrap();
    nix::unistd::mkfifo(&list, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    assert!(all(&host).is_err());
}
