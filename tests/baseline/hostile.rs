//! Trees that somebody made to be looked at: names of any bytes, files that grow, metadata that lie, and an agent that is
//! killed meanwhile.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use serde_json::Value;

use super::mutations::{self, Dice};
use super::{ALL, Machine};
use crate::support::binary;

/// A name of any bytes but the two that none can have.
fn name(dice: &mut Dice) -> Vec<u8> {
    let length = dice.below(40) + 1;
    let byte = |dice: &mut Dice| loop {
        let byte = dice.next().to_le_bytes()[1];
        if byte != 0 && byte != b'/' {
            return byte;
        }
    };
    let name: Vec<u8> = (0..length).map(|_| byte(dice)).collect();
    if name == b"." || name == b".." { b"dots".to_vec() } else { name }
}

/// The exact bytes of each entry's path.
fn exact(drift: &Value) -> BTreeSet<Vec<u8>> {
    let entries = drift["entries"].as_array().unwrap();
    let path = |entry: &Value| match entry["path_b64"].as_str() {
        Some(exact) => base64::engine::general_purpose::STANDARD.decode(exact).unwrap(),
        None => entry["path"].as_str().unwrap().as_bytes().to_vec(),
    };
    entries.iter().map(path).collect()
}

#[test]
fn ten_thousand_names_of_any_bytes_come_back_as_they_are() {
    let machine = Machine::new(ALL);
    let (root, mut dice) = (machine.root(), Dice::new(11));
    let mut names = BTreeSet::new();
    while names.len() < 10_000 {
        let name = name(&mut dice);
        if names.insert(name.clone()) {
            fs::write(root.join(OsStr::from_bytes(&name)), b"x").unwrap();
        }
    }
    machine.expect(0, &["create"]);
    machine.diff(0, &[]);
    machine.diff(0, &["--quick"]);
    for name in &names {
        fs::write(root.join(OsStr::from_bytes(name)), b"y").unwrap();
    }
    let told = exact(&machine.diff(1, &[]));
    let expected: BTreeSet<Vec<u8>> = names.iter().map(|name| [b"/", &name[..]].concat()).collect();
    assert_eq!(told, expected);
    let text = machine.expect(1, &["diff"]);
    let is_plain = |c: char| !c.is_control() || c == '\n';
    assert!(text.chars().all(is_plain), "no control character reaches a terminal");
}

#[test]
fn a_file_that_grows_while_it_is_read_ends_and_is_never_called_as_agreed() {
    let machine = Machine::new(ALL);
    let path = machine.root().join("growing");
    fs::write(&path, vec![0; 1 << 20]).unwrap();
    machine.expect(0, &["create"]);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            // Bounded, should the look never end.
            for _ in 0..20_000 {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                file.write_all(&[1; 4_096]).unwrap();
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        while fs::metadata(&path).unwrap().len() == 1 << 20 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let drift = machine.diff(1, &[]);
        is_over.store(true, Ordering::Relaxed);
        let change = drift["entries"][0]["change"].as_str().unwrap();
        assert!(["unstable", "modified"].contains(&change), "{drift}");
        assert_eq!(drift["summary"]["verified"]["by_hash"], 0);
    });
}

/// What is written past the file system has the metadata that were agreed.
#[test]
fn a_content_behind_the_same_metadata_is_found_by_its_hash_and_never_called_verified_without() {
    let machine = Machine::new(ALL);
    let (image, root) = (machine.path("disk"), machine.root());
    fs::File::create(&image).unwrap().set_len(16 << 20).unwrap();
    run("mkfs.ext4", &[OsStr::new("-q"), image.as_os_str()]);
    let mounted = Mounted::at(&image, &root);
    fs::write(root.join("file"), "the content as it was agreed\n".repeat(500)).unwrap();
    machine.expect(0, &["create"]);
    drop(mounted);
    let mut bytes = fs::read(&image).unwrap();
    let at = memchr_find(&bytes, b"the content as it was agreed").expect("it is somewhere on the disk");
    bytes[at] = b'T';
    fs::write(&image, &bytes).unwrap();
    let _mounted = Mounted::at(&image, &root);
    let quick = machine.diff(0, &["--quick"]);
    assert_eq!(quick["summary"]["verified"]["by_hash"], 0, "{quick}");
    assert_eq!(quick["summary"]["verified"]["by_metadata"], 1, "{quick}");
    let drift = machine.diff(1, &[]);
    assert_eq!(super::entries(&drift)["/file"].1, ["content"]);
    let quick = machine.diff(1, &["--quick"]);
    assert_eq!(
        super::entries(&quick)["/file"].1,
        ["content"],
        "metadata that lied once are not believed again"
    );
}

fn memchr_find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

struct Mounted(std::path::PathBuf);

impl Mounted {
    fn at(image: &Path, point: &Path) -> Self {
        run("mount", &[OsStr::new("-o"), OsStr::new("loop"), image.as_os_str(), point.as_os_str()]);
        Self(point.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn run(program: &str, arguments: &[&OsStr]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn whoever_is_killed_while_creating_leaves_nothing_or_goes_on() {
    let machine = Machine::new(ALL);
    let mut dice = Dice::new(23);
    mutations::plant(&machine.root(), 12_000, &mut dice);
    let mut killed = 0;
    for round in 0..25 {
        let mut child = binary::guestward()
            .args(["baseline", "create", "--root"])
            .arg(machine.root())
            .env("GUESTWARD_STATE", machine.state())
            .env("GUESTWARD_POLICY", machine.policy())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Ever later: the first die before they have done anything.
        std::thread::sleep(Duration::from_millis(dice.next() % (15 * (round + 1))));
        let _ = child.kill();
        if child.wait().unwrap().success() {
            break;
        }
        killed += 1;
    }
    assert!(killed > 0, "nobody was killed");
    if machine.run(&["show"]).status.code() == Some(2) {
        machine.expect(0, &["create"]);
    }
    machine.expect(0, &["verify"]);
    machine.diff(0, &[]);
}

#[test]
fn whoever_is_killed_while_accepting_has_accepted_all_or_nothing() {
    let machine = Machine::new(ALL);
    let mut dice = Dice::new(29);
    let (files, _) = mutations::plant(&machine.root(), 2_000, &mut dice);
    machine.expect(0, &["create"]);
    for round in 0..12_u8 {
        for path in files.iter().skip(usize::from(round)).step_by(13) {
            fs::write(mutations::below(&machine.root(), path), [round; 9]).unwrap();
        }
        let differed = machine.diff(1, &["--quick"])["entries"].as_array().unwrap().len();
        let mut child = binary::guestward()
            .args(["baseline", "accept", "--all", "--reason", "x", "--root"])
            .arg(machine.root())
            .env("GUESTWARD_STATE", machine.state())
            .env("GUESTWARD_POLICY", machine.policy())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(dice.next() % 250));
        let _ = child.kill();
        child.wait().unwrap();
        let output = machine.run(&["diff", "--quick", "--format", "json"]);
        let drift: Value = serde_json::from_slice(&output.stdout).expect("the baseline is whole");
        let differs = drift["entries"].as_array().unwrap().len();
        assert!(differs == 0 || differs == differed, "round {round}: {differs} of {differed}");
        machine.expect(0, &["accept", "--all", "--reason", "x"]);
    }
}

#[test]
fn a_directory_that_goes_takes_all_that_is_in_it_along() {
    let machine = Machine::new(ALL);
    for path in ["/a/b/c/one", "/a/b/two", "/a/three"] {
        super::write(&machine.root(), path, "x");
    }
    machine.expect(0, &["create"]);
    fs::remove_dir_all(machine.root().join("a/b")).unwrap();
    let told = super::entries(&machine.diff(1, &[]));
    let told: Vec<_> = told.iter().map(|(path, (change, _))| (path.as_str(), change.as_str())).collect();
    let gone = ["/a/b", "/a/b/c", "/a/b/c/one", "/a/b/two"].map(|path| (path, "removed"));
    assert_eq!(told, gone);
    fs::write(machine.root().join("a/b"), "a file now").unwrap();
    let told = super::entries(&machine.diff(1, &[]));
    assert_eq!((told.len(), told["/a/b"].0.as_str()), (4, "modified"), "{told:?}");
}

#[test]
fn what_may_not_be_read_is_neither_gone_nor_as_agreed() {
    let machine = Machine::new(ALL);
    for path in ["/open/file", "/closed/below/file", "/secret"] {
        super::write(&machine.root(), path, "x");
    }
    machine.expect(0, &["create"]);
    // Whoever it is that looks, this is not allowed to them.
    let nobody = |path: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(machine.root().join(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    nobody("closed", 0o700);
    nobody("secret", 0o600);
    let everybody = |path: &Path| run("chmod", &[OsStr::new("-R"), OsStr::new("a+rX"), path.as_os_str()]);
    everybody(&machine.state());
    let folder = machine.path("");
    run("chmod", &[OsStr::new("a+x"), folder.as_os_str()]);
    let output = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all"])
        .arg(env!("CARGO_BIN_EXE_guestward"))
        .args(["baseline", "diff", "--format", "json", "--root"])
        .arg(machine.root())
        .env("GUESTWARD_STATE", machine.state())
        .env("GUESTWARD_POLICY", machine.policy())
        .output()
        .unwrap();
    let drift: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let told = super::entries(&drift);
    assert!(told.values().all(|(change, _)| change != "removed"), "{drift}");
    let unseen = drift["unseen"].to_string();
    assert!(unseen.contains("/closed") && unseen.contains("/secret"), "{drift}");
    assert_eq!(drift["summary"]["verified"]["by_hash"], 1, "{drift}");
}

/// One look at everything makes up for a clock that was set, until it is set again.
#[test]
fn after_a_step_of_the_clock_everything_is_read_once() {
    let machine = Machine::new(ALL);
    super::write(&machine.root(), "/etc/app.conf", "colour = red\n");
    // Which boot it is, is a fact of the machine below the root.
    super::write(&machine.root(), "/proc/sys/kernel/random/boot_id", "3f1c\n");
    machine.expect(0, &["create"]);
    // The time of day is an hour ahead; the time since the boot is not.
    let quick = |ahead: &str| {
        let mut command = machine.command(&["diff", "--quick", "--format", "json"]);
        command
            .env("LD_PRELOAD", crate::support::binary::FAKETIME)
            .env("FAKETIME", ahead)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let output = command.output().unwrap();
        let drift: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let verified = &drift["summary"]["verified"];
        let told = |name: &str| verified[name].as_str().unwrap().to_owned();
        (told("clock"), told("depth"), verified["by_hash"].as_u64().unwrap())
    };
    let found = |clock: &str, depth: &str, by_hash| (clock.to_owned(), depth.to_owned(), by_hash);
    assert_eq!(quick("+0"), found("unwatched", "metadata", 0));
    assert_eq!(quick("+1h"), found("stepped", "full", 2));
    assert_eq!(quick("+1h"), found("stepped", "metadata", 0));
    assert_eq!(quick("+2h"), found("stepped", "full", 2), "another step");
    assert_eq!(quick("+2h"), found("stepped", "metadata", 0));
}
