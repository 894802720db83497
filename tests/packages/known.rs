//! The packages asked again: nothing is read twice that has not changed, and whatever changes is seen.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use guestward::host::packages::Known;
use nix::time::{ClockId, clock_gettime};

use super::scenarios::{SECURITY, STABLE, Tree};
use super::*;

/// Asks until the answer is the last one: what was written just now could change again without a trace.
fn settle(known: &Known, host: &Host) -> Arc<Packages> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let packages = known.now(host);
        if Arc::ptr_eq(&packages, &known.now(host)) {
            return packages;
        }
        assert!(Instant::now() < end, "no answer is kept");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn tree() -> tempfile::TempDir {
    let tree = Tree::new()
        .installed("x", "1")
        .status("y", "1", "hold ok installed", "amd64")
        .archive("a", STABLE, &["x 2 amd64 Phased-Update-Percentage=50", "y 2"])
        .archive("b", SECURITY, &["x 1.1"])
        .write("etc/apt/apt.conf.d/1", "APT::Default-Release \"stable\";\n")
        .write("etc/apt/preferences.d/x", "Package: x\nPin: release l=Debian-Security\nPin-Priority: 995\n")
        .write("etc/apt/sources.list.d/more.sources", "Enabled: no\nTypes: deb\nURIs: http://c\nSuites: s\n")
        .write("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        .write("etc/os-release", "ID=debian\n")
        .finish();
    for folder in ["var/lib/dpkg/updates", "proc/sys/kernel", "run", "usr/share/doc/x"] {
        fs::create_dir_all(tree.path().join(folder)).unwrap();
    }
    fs::write(tree.path().join("proc/sys/kernel/osrelease"), "6.1.0-1-amd64\n").unwrap();
    tree
}

type Change = (&'static str, fn(&Path));

#[test]
fn whatever_changes_is_seen_at_once() {
    let changes: &[Change] = &[
        ("var/lib/dpkg/status", |path| edit(path, "Version: 1\n", "Version: 2\n")),
        ("var/lib/dpkg/updates/0001", |path| {
            let text = "Package: x\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.5\n";
            fs::write(path, text).unwrap();
        }),
        ("var/lib/dpkg/status.d", |path| {
            fs::create_dir(path).unwrap();
            fs::write(path.join("z"), "Package: z\nArchitecture: all\nVersion: 1\n").unwrap();
        }),
        ("var/lib/dpkg/arch", |path| fs::write(path, "amd64\ni386\n").unwrap()),
        ("var/lib/apt/lists/a.example_r_dists_s_main_binary-amd64_Packages", |path| {
            edit(path, "Version: 2\n", "Version: 3\n");
        }),
        ("var/lib/apt/lists/a.example_r_dists_s_main_binary-amd64_Packages", |path| {
            fs::remove_file(path).unwrap();
        }),
        ("var/lib/apt/lists/a.example_r_dists_s_InRelease", |path| edit(path, "stable", "unstab")),
        ("var/lib/apt/lists/partial/x", |path| fs::write(path, "").unwrap()),
        ("var/lib/apt/periodic", |path| {
            fs::create_dir(path).unwrap();
            fs::write(path.join("update-success-stamp"), "").unwrap();
        }),
        ("etc/apt/apt.conf", |path| fs::write(path, "APT::Default-Release \"x\";\n").unwrap()),
        ("etc/apt/apt.conf.d/1", |path| edit(path, "stable", "12.5")),
        ("etc/apt/preferences", |path| {
            fs::write(path, "Package: *\nPin: release *\nPin-Priority: -1\n").unwrap();
        }),
        ("etc/apt/preferences.d/x", |path| fs::rename(path, path.with_extension("off")).unwrap()),
        ("etc/apt/sources.list", |path| edit(path, "a.example", "x.example")),
        ("etc/apt/sources.list.d/more.sources", |path| edit(path, "Enabled: no", "Enabled: on")),
        ("etc/apt/sources.list.d/z.list", |path| fs::write(path, "deb http://z.example/ s main\n").unwrap()),
        ("etc/machine-id", |path| edit(path, "0123", "4567")),
        ("etc/os-release", |path| edit(path, "debian", "ubuntu")),
        ("etc/os-release", |path| {
            fs::write(path.with_extension("x"), "ID=other\n").unwrap();
            fs::remove_file(path).unwrap();
            symlink("os-release.x", path).unwrap();
        }),
        ("proc/sys/kernel/osrelease", |path| edit(path, "6.1.0-1", "6.1.0-2")),
        ("run/reboot-required", |path| fs::write(path, "").unwrap()),
        ("usr/share/doc/x/changelog.gz", |path| {
            let text = "x (1) s; urgency=low\n\n -- X <x@x>  Mon, 01 Jan 2024 10:00:00 +0100\n";
            fs::write(path.with_extension("txt"), text).unwrap();
            let packed = Command::new("gzip").arg("-c").arg(path.with_extension("txt")).output().unwrap();
            fs::write(path, packed.stdout).unwrap();
        }),
    ];
    for (file, change) in changes {
        let tree = tree();
        let host = Host::at(tree.path()).unwrap();
        let known = Known::default();
        let before = settle(&known, &host);
        change(&tree.path().join(file));
        let (after, fresh) = (known.now(&host), Packages::of(&host));
        assert_eq!(format!("{after:?}"), format!("{fresh:?}"), "after {file}");
        assert!(!Arc::ptr_eq(&before, &after), "{file} is read");
    }
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// Any file of the tree, any of some changes, one after the other: what is known is what a first look finds.
#[test]
fn sixty_changes_leave_nothing_stale() {
    let tree = tree();
    let host = Host::at(tree.path()).unwrap();
    let known = Known::default();
    let mut random = versions::Random(7);
    let mut answers = BTreeSet::new();
    for round in 0..60 {
        // What could not be read is asked for anew each time.
        if is_sure(&Packages::of(&host)) {
            settle(&known, &host);
        }
        let files = files(tree.path());
        let path = &files[random.below(files.len())];
        let whole = fs::read(path).unwrap();
        match random.below(5) {
            0 => fs::write(path, &whole[..random.below(whole.len() + 1)]).unwrap(),
            1 => fs::remove_file(path).unwrap(),
            2 => fs::rename(path, path.with_file_name(format!("moved{round}"))).unwrap(),
            3 => fs::write(path, [whole.as_slice(), b"\n"].concat()).unwrap(),
            _ => {
                let mut bytes = whole.clone();
                let place = random.below(bytes.len().max(1));
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1;
                }
                fs::write(path, bytes).unwrap();
            }
        }
        let (now, fresh) = (format!("{:?}", known.now(&host)), format!("{:?}", Packages::of(&host)));
        assert_eq!(now, fresh, "after a change of {}", path.display());
        answers.insert(now);
        // Mostly it goes on from a tree that can be read.
        if random.below(4) != 0 {
            fs::write(path, whole).unwrap();
        }
    }
    assert!(answers.len() > 5, "only {} different answers show too little", answers.len());
}

fn is_sure(packages: &Packages) -> bool {
    packages.updates.as_ref().is_ok_and(|updates| updates.unsure.is_empty()) && packages.kernel.is_ok()
}

fn files(root: &Path) -> Vec<PathBuf> {
    let output = Command::new("find").arg(root).args(["-type", "f"]).output().unwrap();
    let mut files: Vec<PathBuf> = text(&output.stdout).lines().map(PathBuf::from).collect();
    files.sort();
    files
}

/// The least of many, so that it is what it costs and not what others do to the caches meanwhile.
#[test]
#[ignore = "tests/bench-packages runs it"]
fn what_asking_again_costs() {
    let host = Host::at("/").unwrap();
    let known = Known::default();
    settle(&known, &host);
    let used = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
    let once = || {
        let before = used();
        let packages = known.now(&host);
        (used() - before, packages)
    };
    let again = (0..50).map(|_| once().0).min().unwrap();
    let packages = known.now(&host);
    let (installed, pending) =
        (&packages.database.as_ref().unwrap().packages, &packages.updates.as_ref().unwrap().pending);
    println!(
        "{} microseconds of CPU, with {} packages and {} updates",
        again.as_micros(),
        installed.len(),
        pending.len()
    );
    assert!(again < Duration::from_millis(1), "{again:?}");
}
