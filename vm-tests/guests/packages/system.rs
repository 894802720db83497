//! A Debian in a directory, into which packages are installed. Nothing runs in it but what a test starts; its
//! `systemctl` notes what it is asked, as a system's that runs would be.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use tempfile::TempDir;

use super::made_of::{said, show};

#[derive(Debug)]
pub(super) struct Debian {
    root: TempDir,
}

impl Debian {
    pub(super) fn of(suite: &str) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        // mktemp's directories are closed to others, and a system's root is not.
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("open the root");
        said("tar", &["-C", &show(root.path()), "-xf", &show(&archive(suite))]);
        Self { root }
    }

    pub(super) fn path(&self, absolute: &str) -> PathBuf {
        self.root.path().join(absolute.trim_start_matches('/'))
    }

    pub(super) fn read(&self, absolute: &str) -> String {
        fs::read_to_string(self.path(absolute)).unwrap_or_else(|error| panic!("{absolute}: {error}"))
    }

    pub(super) fn write(&self, absolute: &str, bytes: &str, mode: u32) {
        let path = self.path(absolute);
        fs::create_dir_all(path.parent().expect("a file's directory")).expect("make the directory");
        fs::write(&path, bytes).expect("write the file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set its mode");
    }

    /// From now on systemd runs, for all that a script can see; what `failing` names it cannot do.
    pub(super) fn boot(&self, failing: &str) {
        fs::create_dir_all(self.path("/run/systemd/system")).expect("make the directory");
        // In its place, and not before it in the search path: rpm gives its scriptlets a path of its own.
        if !self.path(REAL).exists() {
            fs::rename(self.path("/bin/systemctl"), self.path(REAL)).expect("set systemctl aside");
        }
        self.write("/bin/systemctl", &STUB.replace("FAILING", failing), 0o755);
    }

    /// What systemctl was asked since it runs, a line each.
    pub(super) fn asked(&self) -> String {
        fs::read_to_string(self.path("/asked")).unwrap_or_default()
    }

    pub(super) fn install(&self, deb: &str) {
        fs::copy(deb, self.path("/package.deb")).expect("copy the package");
        self.run(&["dpkg", "--install", "/package.deb"]);
        fs::remove_file(self.path("/package.deb")).expect("remove the copy");
    }

    pub(super) fn rpm(&self, arguments: &[&str]) {
        // The dependencies are in dpkg's records, not in rpm's.
        let around = ["--root", &show(self.root.path()), "--dbpath", "/var/lib/rpm", "--nodeps"];
        let output =
            Command::new("rpm").args(around).args(arguments).env("PATH", SEARCH).output().expect("rpm");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !told.contains("failed"), "{arguments:?}: {told}");
    }

    /// What it prints, in the system; it succeeds.
    pub(super) fn run(&self, line: &[&str]) -> String {
        let output = self.try_run(line);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line:?}: {told}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(super) fn try_run(&self, line: &[&str]) -> Output {
        let mut command = Command::new("/usr/sbin/chroot");
        command.arg(self.root.path()).args(line).env_clear();
        command.env("PATH", SEARCH).env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
        command.output().expect("chroot")
    }

    /// dpkg's two letters.
    pub(super) fn state(&self) -> String {
        let lines = self.run(&["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}", "guestward"]);
        lines.trim().to_owned()
    }

    /// What of ours a boot would start.
    pub(super) fn enabled(&self) -> Vec<String> {
        let wanted = ["multi-user", "timers"]
            .map(|target| fs::read_dir(self.path(&format!("/etc/systemd/system/{target}.target.wants"))));
        let entries = wanted.into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut ours: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
        ours.retain(|name| name.starts_with("guestward"));
        ours.sort();
        ours
    }

    /// Every path, but for those that a package manager itself writes to.
    pub(super) fn files(&self) -> BTreeSet<String> {
        let lines = said("find", &[&show(self.root.path()), "-mindepth", "1", "-printf", "/%P\n"]);
        lines
            .lines()
            .filter(|path| !NOT_OURS.iter().any(|prefix| path.starts_with(prefix)))
            .map(str::to_owned)
            .collect()
    }
}

/// Made once: half a minute, and a look at Debian's archive.
fn archive(suite: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let cache = env::var_os("GUESTWARD_VM_CACHE").map_or_else(
        || Path::new(&env::var_os("HOME").expect("HOME")).join(".cache/guestward-vm"),
        PathBuf::from,
    );
    let archive = cache.join(format!("tree-{suite}.tar"));
    if !archive.exists() {
        fs::create_dir_all(&cache).expect("make the cache");
        let place = tempfile::tempdir_in(&cache).expect("a directory");
        let made = place.path().join("tree.tar");
        said(
            "mmdebstrap",
            &["--quiet", "--variant=minbase", "--include=systemd", suite, &show(&made), MIRROR],
        );
        fs::rename(&made, &archive).expect("keep the tree");
    }
    archive
}

const MIRROR: &str = "http://deb.debian.org/debian";
const SEARCH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const REAL: &str = "/bin/systemctl.real";
/// What is enabled is told by the links, and changed by the real one, which needs no system that runs for that.
const STUB: &str = r#"#!/bin/sh
echo "$*" >> /asked
for word; do
  case $word in
    --version) exec /bin/systemctl.real --version ;;
    -*) continue ;;
    is-active) exit 3 ;;
    is-enabled)
      for unit; do :; done
      [ -L "/etc/systemd/system/multi-user.target.wants/$unit" ] ||
        [ -L "/etc/systemd/system/timers.target.wants/$unit" ] || exit 1
      echo enabled
      exit 0
      ;;
    preset | disable) SYSTEMD_OFFLINE=1 exec /bin/systemctl.real "$@" ;;
  esac
  for verb in FAILING; do
    [ "$word" != "$verb" ] || exit 1
  done
  exit 0
done
"#;
/// dpkg's and rpm's own records, the users, and what the test itself made.
const NOT_OURS: &[&str] = &[
    "/asked",
    "/bin/systemctl",
    "/dev/",
    "/etc/group",
    "/etc/gshadow",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/subgid",
    "/etc/subuid",
    "/etc/.pwd.lock",
    "/run/systemd",
    "/usr/bin/systemctl",
    "/var/cache/",
    "/var/lib/dpkg/",
    "/var/log/dpkg.log",
];
