//! What the packages promise that needs no guest: read with the tools that own their formats, and installed, upgraded,
//! removed and purged in a Debian tree whose systemctl only notes what it was asked.
//!
//! `GUESTWARD_PACKAGES` names a directory with one .deb and one .rpm, as `packaging/build` makes them.

mod made_of;
mod system;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use made_of::{PROGRAM, deb, pack, packed_as, rpm, run, said, show, sources, unpack_deb, unpack_rpm};
use system::Debian;

// --- What is in them

pub(crate) fn lintian_has_nothing_to_say() {
    let lines = said("lintian", &["--allow-root", "--fail-on", "none", &deb()]);
    let serious = lines.lines().any(|line| ["E: ", "W: "].iter().any(|tag| line.starts_with(tag)));
    assert!(!serious, "{lines}");
}

pub(crate) fn rpmlint_has_nothing_to_say() {
    let rules = sources().join("packaging/rpm/rpmlint.toml");
    let output = run("rpmlint", &["-c", &show(&rules), &rpm()]);
    let lines = String::from_utf8_lossy(&output.stdout);
    assert!(lines.contains(" 0 errors, 0 warnings"), "{lines}");
}

pub(crate) fn every_exception_has_its_reason() {
    for file in ["packaging/deb/lintian-overrides", "packaging/rpm/rpmlint.toml"] {
        let written = fs::read_to_string(sources().join(file)).expect(file);
        let mut reason = false;
        for line in written.lines().map(str::trim) {
            let exception = line.starts_with("guestward:") || line.starts_with('"');
            assert!(!exception || reason, "{file}: no reason above: {line}");
            reason = line.starts_with('#') || (reason && !exception);
        }
    }
}

pub(crate) fn each_file_is_where_it_belongs_with_root_for_its_owner() {
    let listed = said("dpkg-deb", &["--contents", &deb()]);
    let deb: BTreeSet<String> = listed.lines().filter_map(deb_entry).collect();
    assert_eq!(deb, with(COMMON, DEB_ONLY));

    let format = "[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]";
    let listed = said("rpm", &["-qp", "--qf", format, &rpm()]);
    let rpm: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
    assert_eq!(rpm, with(COMMON, RPM_ONLY));
}

pub(crate) fn settings_are_never_overwritten() {
    let conffiles = said("dpkg-deb", &["--info", &deb(), "conffiles"]);
    assert_eq!(conffiles.trim(), POLICY);
    let flags = "[%{FILENAMES} %{FILEFLAGS:fflags}\n]";
    let listed = said("rpm", &["-qp", "--qf", flags, &rpm()]);
    // c: configuration; n: noreplace.
    let settings: Vec<&str> = listed.lines().filter(|line| line.ends_with(" cn")).collect();
    assert_eq!(settings, [format!("{POLICY} cn")]);
}

pub(crate) fn both_hold_the_same_program() {
    let (deb, rpm) = (unpack_deb(), unpack_rpm());
    let program = |tree: &tempfile::TempDir| fs::read(tree.path().join(PROGRAM)).expect(PROGRAM);
    assert!(program(&deb) == program(&rpm));
}

pub(crate) fn the_program_needs_no_glibc_after_2_17() {
    let tree = unpack_deb();
    let symbols = said("objdump", &["-T", &show(&tree.path().join(PROGRAM))]);
    let versions: BTreeSet<(u32, u32)> = symbols.split("GLIBC_").skip(1).map(version).collect();
    let newest = versions.last().expect("a program that is linked against glibc");
    assert!(*newest <= (2, 17), "{newest:?} of {versions:?}");
}

pub(crate) fn the_program_does_not_tell_where_it_was_built() {
    let tree = unpack_deb();
    let bytes = fs::read(tree.path().join(PROGRAM)).expect(PROGRAM);
    let home = std::env::var("HOME").expect("HOME");
    for place in [show(&sources()), format!("{home}/.cargo"), format!("{home}/.rustup")] {
        let found = bytes.windows(place.len()).position(|window| window == place.as_bytes());
        assert_eq!(found, None, "{place}");
    }
}

/// Version 4.11, of 2013: no payload but gzip and xz, and a digest over header and payload, or it takes it for damaged.
pub(crate) fn amazon_linux_2_can_read_the_rpm() {
    let format = "%{PAYLOADCOMPRESSOR} %{SIGMD5} %{FILEDIGESTALGO}";
    let lines = said("rpm", &["-qp", "--qf", format, &rpm()]);
    let words: Vec<&str> = lines.split(' ').collect();
    assert_eq!((words[0], words[1].len(), words[2]), ("gzip", 32, "8"), "{lines}");

    let needs = said("rpm", &["-qp", "--requires", &rpm()]);
    let of_rpm: BTreeSet<&str> = needs.lines().filter(|line| line.starts_with("rpmlib(")).collect();
    let old = [
        "rpmlib(CompressedFileNames) <= 3.0.4-1",
        "rpmlib(FileDigests) <= 4.6.0-1",
        "rpmlib(PayloadFilesHavePrefix) <= 4.0-1",
    ];
    assert_eq!(of_rpm, BTreeSet::from(old));
    let others =
        ["/bin/sh", "/usr/sbin/useradd", "config(guestward)", "ld-linux-x86-64.so.2", "lib", "rpmlib("];
    for need in needs.lines() {
        assert!(others.iter().any(|other| need.starts_with(other)), "{need}");
    }
}

pub(crate) fn the_policy_that_comes_along_changes_nothing() {
    let tree = unpack_deb();
    let policy = tree.path().join("etc/guestward/policy.toml");
    assert_eq!(in_force(tree.path(), &policy), in_force(tree.path(), &nothing(&tree)));
}

/// What stands in its comments is the truth about what holds without them, and can be uncommented.
pub(crate) fn each_line_of_the_policy_shows_what_holds_without_it() {
    let tree = unpack_deb();
    let written = fs::read_to_string(tree.path().join("etc/guestward/policy.toml")).expect("the policy");
    let lines: Vec<&str> =
        written.lines().filter_map(|line| line.strip_prefix("# ").filter(|line| setting(line))).collect();
    assert!(lines.len() > 15, "{lines:?}");
    let policy = tree.path().join("uncommented.toml");
    fs::write(&policy, lines.join("\n")).expect("write the policy");
    assert_eq!(in_force(tree.path(), &policy), in_force(tree.path(), &nothing(&tree)));
}

pub(crate) fn the_same_program_makes_the_same_packages() {
    let tree = unpack_deb();
    let program = tree.path().join(PROGRAM);
    let (one, other) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    pack(&program, "0.1.0", one.path(), &[("TZ", "UTC"), ("LANG", "C")]);
    let copy = other.path().join("elsewhere");
    fs::copy(&program, &copy).expect("copy the program");
    pack(&copy, "0.1.0", other.path(), &[("TZ", "Asia/Kathmandu"), ("LANG", "de_DE.UTF-8")]);
    for name in ["guestward_0.1.0-1_amd64.deb", "guestward-0.1.0-1.x86_64.rpm"] {
        let bytes = |place: &tempfile::TempDir| fs::read(place.path().join(name)).expect(name);
        assert!(bytes(&one) == bytes(&other), "{name} differs");
    }
}

// --- What they do to a system

/// A golden image is made like this: everything is there and enabled, and nothing has begun.
pub(crate) fn an_image_gets_the_program_and_no_state() {
    for suite in ["bullseye", "bookworm"] {
        let debian = Debian::of(suite);
        debian.install(&deb());
        for place in STATE {
            assert!(!debian.path(place).exists(), "{suite}: {place}");
        }
        assert_eq!(debian.asked(), "", "{suite}");
        assert_eq!(debian.enabled(), UNITS, "{suite}");
        let users = debian.read("/etc/passwd");
        assert!(users.contains("\nguestward:") && users.contains("\nguestward-ship:"), "{suite}: {users}");

        let lines = debian.run(&["guestward", "--version"]);
        assert!(lines.starts_with("guestward "), "{suite}: {lines}");
        let looked = debian.try_run(&["guestward", "check", "ssh", "accounts"]);
        assert!(matches!(looked.status.code(), Some(0 | 1 | 3)), "{suite}: {looked:?}");
    }
}

pub(crate) fn a_system_without_sysusers_gets_the_users_all_the_same() {
    let debian = Debian::of("bullseye");
    fs::remove_file(debian.path("/bin/systemd-sysusers")).expect("remove systemd-sysusers");
    debian.install(&deb());
    let ship = debian.run(&["id", "guestward-ship"]);
    assert!(ship.contains("(guestward-ship)") && ship.contains("(guestward)"), "{ship}");
    let shell = debian.run(&["getent", "passwd", "guestward"]);
    assert!(shell.trim().ends_with(":/var/lib/guestward:/usr/sbin/nologin"), "{shell}");
}

pub(crate) fn a_service_that_does_not_start_breaks_nothing() {
    for suite in ["bullseye", "bookworm"] {
        let debian = Debian::of(suite);
        debian.boot("start restart stop daemon-reload");
        debian.install(&deb());
        assert!(
            debian.asked().contains("start guestward.service guestward-ship.service"),
            "{suite}: {}",
            debian.asked()
        );
        assert_eq!(debian.state(), "ii");
        debian.install(&packed_as("9.9.9").deb());
        assert!(debian.asked().contains("restart guestward.service guestward-ship.service"), "{suite}");
        assert!(debian.asked().contains("restart guestward-self-check.timer"), "{suite}");
        debian.run(&["dpkg", "--purge", "guestward"]);
        assert!(debian.asked().contains("stop guestward-ship.service guestward.service"), "{suite}");
    }
}

pub(crate) fn whoever_forbids_services_to_start_is_obeyed() {
    let debian = Debian::of("bookworm");
    debian.boot("");
    debian.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755);
    debian.install(&deb());
    assert!(!debian.asked().contains("start guestward"), "{}", debian.asked());
}

pub(crate) fn an_upgrade_and_a_removal_keep_what_was_recorded_and_purge_does_not() {
    let debian = Debian::of("bullseye");
    let before = debian.files();
    debian.boot("");
    debian.install(&deb());
    for (path, bytes) in LEFT {
        debian.write(path, bytes, 0o640);
    }
    let kept = |what: &str| {
        for (path, bytes) in LEFT {
            assert_eq!(debian.read(path), *bytes, "{what}: {path}");
        }
    };

    debian.install(&packed_as("9.9.9").deb());
    kept("upgrade");
    debian.run(&["dpkg", "--remove", "guestward"]);
    kept("remove");
    assert!(!debian.path("/usr/bin/guestward").exists());

    debian.run(&["dpkg", "--purge", "guestward"]);
    let left: Vec<String> = debian.files().difference(&before).cloned().collect();
    assert!(left.is_empty(), "{left:?}");
}

pub(crate) fn what_was_turned_off_stays_off_and_removal_forgets_nothing() {
    let debian = Debian::of("bookworm");
    debian.install(&deb());
    debian.run(&["/bin/systemctl", "disable", "guestward-ship.service"]);
    debian.install(&packed_as("9.9.9").deb());
    assert_eq!(debian.enabled(), ["guestward-self-check.timer", "guestward.service"]);
    debian.run(&["dpkg", "--remove", "guestward"]);
    debian.install(&deb());
    assert_eq!(debian.enabled(), ["guestward-self-check.timer", "guestward.service"]);
}

/// rpm's own program, and its scriptlets in the tree; only what is around them is Debian's.
pub(crate) fn the_rpm_installs_upgrades_and_goes() {
    let debian = Debian::of("bookworm");
    debian.rpm(&["-i", &rpm()]);
    assert_eq!(debian.enabled(), UNITS);
    assert!(debian.read("/etc/passwd").contains("\nguestward-ship:"));
    for place in STATE {
        assert!(!debian.path(place).exists(), "{place}");
    }
    debian.rpm(&["-V", "guestward"]);

    debian.boot("start try-restart stop daemon-reload preset");
    debian.write(POLICY, "fail-on = \"low\"\n", 0o644);
    debian.rpm(&["-U", &packed_as("9.9.9").rpm()]);
    assert!(
        debian.asked().contains("\ntry-restart guestward.service guestward-ship.service"),
        "{}",
        debian.asked()
    );
    assert!(!debian.asked().contains("\nstart"), "{}", debian.asked());
    assert_eq!(debian.read(POLICY), "fail-on = \"low\"\n");

    debian.rpm(&["-e", "guestward"]);
    let asked = debian.asked();
    assert!(
        asked.contains("disable guestward-ship.service") && asked.contains("\nstop guestward-ship"),
        "{asked}"
    );
    assert!(!debian.path("/usr/bin/guestward").exists());
    assert_eq!(debian.read("/etc/guestward/policy.toml.rpmsave"), "fail-on = \"low\"\n");

    debian.rpm(&["-i", &rpm()]);
    for unit in UNITS {
        let asked = debian.asked();
        assert!(asked.contains(&format!("\nstart {unit}\n")), "{asked}");
    }
}

/// A policy that sets nothing.
fn nothing(tree: &tempfile::TempDir) -> PathBuf {
    let policy = tree.path().join("nothing.toml");
    fs::write(&policy, "").expect("write a policy");
    policy
}

/// The list of files of one format: what both have, and what is its own.
fn with(common: &[&str], own: &[&str]) -> BTreeSet<String> {
    common.iter().chain(own).map(|line| (*line).to_owned()).collect()
}

/// `-rwxr-xr-x root/root 123 2026-11-22 16:57 ./usr/bin/guestward`, without size and time; no plain directories.
fn deb_entry(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let path = fields[5].strip_prefix('.')?;
    (!path.ends_with('/')).then(|| format!("{} {} {path}", fields[0], fields[1]))
}

/// `2.17)  memcpy` is 2.17; `PRIVATE` is newer than anything.
fn version(after: &str) -> (u32, u32) {
    let end = after.find(|byte: char| !byte.is_ascii_digit() && byte != '.').unwrap_or(after.len());
    let mut numbers = after[..end].split('.').map(|number| number.parse().unwrap_or(u32::MAX));
    (numbers.next().unwrap_or(u32::MAX), numbers.next().unwrap_or(0))
}

/// A setting or the table that it is in, uncommented.
fn setting(line: &str) -> bool {
    let key = line.split(" = ").next().unwrap_or_default();
    line.starts_with('[')
        || (key != line && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
}

/// What the program makes of a policy, without where it comes from.
fn in_force(tree: &Path, policy: &Path) -> String {
    let lines = said(&show(&tree.join(PROGRAM)), &["policy", "show", &show(policy)]);
    // A path that holds unless another is set is printed as a comment.
    let values =
        lines.lines().map(|line| line.trim_start_matches("# ").split(" # ").next().unwrap_or_default());
    let values: Vec<&str> = values.filter(|line| line.starts_with('[') || line.contains(" = ")).collect();
    assert!(values.len() > 20, "{lines}");
    values.join("\n")
}

const POLICY: &str = "/etc/guestward/policy.toml";
const UNITS: [&str; 3] = ["guestward-self-check.timer", "guestward-ship.service", "guestward.service"];
const STATE: [&str; 3] = ["/var/lib/guestward", "/var/log/guestward", "/run/guestward"];
const LEFT: &[(&str, &str)] = &[
    ("/var/lib/guestward/journal/00000000000000000001.gwj", "records"),
    ("/var/log/guestward/records.jsonl", "records, too"),
    (POLICY, "fail-on = \"low\"\n"),
    ("/etc/guestward/policy.d/site.toml", "fail-on = \"medium\"\n"),
];

const COMMON: &[&str] = &[
    "-rw-r--r-- root/root /etc/guestward/policy.toml",
    "-rwxr-xr-x root/root /usr/bin/guestward",
    "-rw-r--r-- root/root /usr/lib/sysctl.d/60-guestward.conf",
    "-rw-r--r-- root/root /usr/lib/systemd/system/guestward-self-check.service",
    "-rw-r--r-- root/root /usr/lib/systemd/system/guestward-self-check.timer",
    "-rw-r--r-- root/root /usr/lib/systemd/system/guestward-ship.service",
    "-rw-r--r-- root/root /usr/lib/systemd/system/guestward.service",
    "-rw-r--r-- root/root /usr/lib/systemd/system/guestward.slice",
    "-rw-r--r-- root/root /usr/lib/sysusers.d/guestward.conf",
    "-rw-r--r-- root/root /usr/lib/tmpfiles.d/guestward.conf",
    "-rw-r--r-- root/root /usr/share/bash-completion/completions/guestward",
    "-rw-r--r-- root/root /usr/share/fish/vendor_completions.d/guestward.fish",
    "-rw-r--r-- root/root /usr/share/man/man1/guestward.1.gz",
];
const DEB_ONLY: &[&str] = &[
    "-rw-r--r-- root/root /usr/share/doc/guestward/changelog.Debian.gz",
    "-rw-r--r-- root/root /usr/share/doc/guestward/changelog.gz",
    "-rw-r--r-- root/root /usr/share/doc/guestward/copyright",
    "-rw-r--r-- root/root /usr/share/lintian/overrides/guestward",
    "-rw-r--r-- root/root /usr/share/zsh/vendor-completions/_guestward",
];
const RPM_ONLY: &[&str] = &[
    "-rw-r--r-- root/root /usr/lib/systemd/system-preset/90-guestward.preset",
    "-rw-r--r-- root/root /usr/share/doc/guestward/CHANGELOG.md",
    "-rw-r--r-- root/root /usr/share/licenses/guestward/LICENSE",
    "-rw-r--r-- root/root /usr/share/zsh/site-functions/_guestward",
    // Which of its own directories it removes when it goes.
    "drwxr-xr-x root/root /etc/guestward",
    "drwxr-xr-x root/root /etc/guestward/policy.d",
];
