//! A change is told as it happens, with who made it; however it was made, it comes out as one truthful record.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::Value;

use super::rig::{Daemon, Rig, until};
use super::watched::{EVENTS_ALONE, about, event, of_path, succeed, watching};

#[test]
fn a_change_is_told_with_who_made_it_and_from_what() {
    let (rig, watched) = watching(&["one", "two"], EVENTS_ALONE);
    let sensor = started(&rig);
    // The shell writes by itself, and is gone at once.
    let line = format!("echo another > {}", watched.join("one").display());
    let mut shell = Command::new("sh").args(["-c", &line]).spawn().unwrap();
    let pid = shell.id();
    shell.wait().unwrap();
    let body = of_path(&rig, &watched.join("one"), "new")["body"].clone();
    assert_eq!((&body["drift"], &body["seen"]), (&"modified".into(), &"event".into()), "{body:#}");
    let actor = &body["actor"];
    assert_eq!((&actor["pid"], &actor["uid"]), (&pid.into(), &0.into()), "{body:#}");
    let program = fs::canonicalize("/bin/sh").unwrap();
    assert_eq!(actor["program"]["path"], program.to_str().unwrap(), "{body:#}");
    assert_eq!(actor["program"]["sha256"], sha256(&program), "{body:#}");
    let parent = &actor["parents"][0];
    assert_eq!(parent["pid"], std::process::id(), "{body:#}");
    sensor.stop();
    rig.assert_whole(&[]);
}

#[test]
fn whatever_way_a_file_is_changed_it_is_one_record() {
    let names =
        ["kept", "replaced", "left", "right", "short", "mode", "owner", "label", "gone", "a/b/c", "linked"];
    // truncate(2) of a file that nobody opens gives no event.
    let (rig, watched) = watching(&names, "sweep = \"10s\"");
    let outside = rig.folder().join("outside");
    fs::create_dir(&outside).unwrap();
    let sensor = started(&rig);
    let at = |name: &str| watched.join(name);
    fs::write(outside.join("new"), "new").unwrap();
    fs::rename(outside.join("new"), at("replaced")).unwrap();
    python(&format!(
        "import ctypes, os\nos.chdir('{}')\nlibc = ctypes.CDLL(None, use_errno=True)\n\
         assert libc.renameat2(-100, b'left', -100, b'right', 2) == 0\nos.truncate('short', 2)\n\
         fd = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o600)\nos.write(fd, b'x')\n\
         assert libc.linkat(-100, f'/proc/self/fd/{{fd}}'.encode(), -100, b'unnamed', 0x400) == 0\nos.close(fd)\n\
         os.setxattr('label', 'user.label', b'x')\nos.chown('owner', 7, 7)\n",
        watched.display()
    ));
    fs::set_permissions(at("mode"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::remove_file(at("gone")).unwrap();
    fs::rename(at("a"), outside.join("a")).unwrap();
    symlink("/etc/shadow", at("symlink")).unwrap();
    // Written by a name that nobody watches.
    fs::hard_link(at("linked"), outside.join("alias")).unwrap();
    fs::write(outside.join("alias"), "by another name").unwrap();
    for (name, drift, fields) in [
        ("replaced", "modified", &["content"][..]),
        ("left", "modified", &["content"]),
        ("right", "modified", &["content"]),
        ("unnamed", "added", &[]),
        ("label", "modified", &["xattrs"]),
        ("owner", "modified", &["owner", "group"]),
        ("mode", "modified", &["mode"]),
        ("gone", "removed", &[]),
        ("a", "removed", &[]),
        ("a/b", "removed", &[]),
        ("a/b/c", "removed", &[]),
        ("symlink", "added", &[]),
    ] {
        let body = of_path(&rig, &at(name), "new")["body"].clone();
        let told: Vec<&str> =
            body["fields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert_eq!(body["drift"], drift, "{body:#}");
        assert!(fields.iter().all(|field| told.contains(field)), "{name}: {body:#}");
        assert_eq!(body["actor"]["uid"], 0, "{name}: {body:#}");
    }
    let mode = of_path(&rig, &at("mode"), "new")["body"].clone();
    assert_eq!((&mode["matter"], &mode["severity"]), (&"set-id".into(), &"critical".into()), "{mode:#}");
    // Once for the other name, once for what was written by it; or both at once.
    let linked = rig.record_from(1, "what was written by another name", |record| {
        record["body"]["path"] == at("linked").to_str().unwrap()
            && record["body"]["fields"].as_array().is_some_and(|fields| fields.contains(&"content".into()))
    });
    let alias = linked["body"]["alias"].as_str().map(PathBuf::from);
    assert!(alias.is_none_or(|alias| alias == outside.join("alias")), "{linked:#}");
    let told = about(&rig, "object");
    let kept = told.iter().filter(|body| body["path"] == at("kept").to_str().unwrap());
    assert_eq!(kept.count(), 0, "{told:#?}");
    assert_is_as_on_disk(&rig);
    sensor.stop();
}

#[test]
fn what_gives_no_event_is_swept_up() {
    let (rig, watched) = watching(&["mapped", "open", "short"], "sweep = \"10s\"\ninterval = \"1h\"");
    let sensor = started(&rig);
    let mut holder = Command::new("python3")
        .args(["-c", HOLDER, watched.to_str().unwrap()])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    for name in ["mapped", "open", "short"] {
        let body = of_path(&rig, &watched.join(name), "new")["body"].clone();
        assert!(body["fields"].as_array().unwrap().contains(&"content".into()), "{body:#}");
    }
    drop(holder.stdin.take());
    holder.wait().unwrap();
    sensor.stop();
}

/// Stores to a map, a write to a file that stays open, and truncate(2); then it stays until its input ends.
const HOLDER: &str = "
import mmap, os, sys
os.chdir(sys.argv[1])
f = os.open('mapped', os.O_RDWR)
m = mmap.mmap(f, 0); m[0:1] = b'X'; m.flush()
g = os.open('open', os.O_WRONLY); os.write(g, b'YYYY')
os.truncate('short', 1)
sys.stdin.read()
";

#[test]
fn what_differed_for_a_moment_only_is_told_all_the_same() {
    let (rig, watched) = watching(&["one"], EVENTS_ALONE);
    let sensor = started(&rig);
    // The look comes after both, so that it can find nothing.
    sensor.freeze();
    let one = watched.join("one");
    let modified = fs::metadata(&one).unwrap().modified().unwrap();
    fs::write(&one, "two").unwrap();
    fs::write(&one, "one").unwrap();
    fs::File::options().write(true).open(&one).unwrap().set_modified(modified).unwrap();
    sensor.signal(Signal::SIGCONT);
    let passed = of_path(&rig, &one, "passed")["body"].clone();
    assert_eq!((&passed["drift"], &passed["seen"]), (&Value::Null, &"event".into()), "{passed:#}");
    assert_eq!(passed["actor"]["pid"], std::process::id(), "{passed:#}");
    assert_is_as_on_disk(&rig);
    sensor.stop();
}

#[test]
fn more_than_the_kernel_keeps_is_a_gap_and_then_the_truth() {
    let (rig, watched) = watching(&["needle"], EVENTS_ALONE);
    let sensor = started(&rig);
    sensor.freeze();
    let queue: usize =
        fs::read_to_string("/proc/sys/fs/fanotify/max_queued_events").unwrap().trim().parse().unwrap();
    assert!(queue <= 1_000_000, "a queue of {queue} takes too long to fill");
    let noise = watched.join("noise");
    fs::create_dir(&noise).unwrap();
    // Of each comes one event that has its own name at least.
    for number in 0..queue + 10 {
        let path = noise.join(number.to_string());
        fs::write(&path, "").unwrap();
        fs::remove_file(&path).unwrap();
    }
    fs::write(watched.join("needle"), "found").unwrap();
    sensor.signal(Signal::SIGCONT);
    let gap = rig.record_from(1, "a gap", |record| record["kind"] == "gap");
    assert_eq!(gap["body"]["cause"], "overload", "{gap:#}");
    of_path(&rig, &watched.join("needle"), "new");
    of_path(&rig, &noise, "new");
    rig.record_from(1, "the look that closes the gap", |record| record["body"]["about"] == "recheck");
    assert_is_as_on_disk(&rig);
    sensor.stop();
}

#[test]
fn a_file_that_never_rests_is_told_with_its_count_and_holds_up_no_other() {
    let (rig, watched) = watching(&["noisy", "quiet"], EVENTS_ALONE);
    let sensor = started(&rig);
    let stop = rig.folder().join("stop");
    let line = format!(
        "n=0; while [ ! -e {} ]; do n=$((n+1)); echo $n > {}; done; echo $n > {}",
        stop.display(),
        watched.join("noisy").display(),
        rig.folder().join("count").display()
    );
    let mut noise = Command::new("sh").args(["-c", &line]).spawn().unwrap();
    of_path(&rig, &watched.join("noisy"), "new");
    fs::write(watched.join("quiet"), "changed").unwrap();
    of_path(&rig, &watched.join("quiet"), "new");
    fs::write(&stop, "").unwrap();
    noise.wait().unwrap();
    let written: u64 = fs::read_to_string(rig.folder().join("count")).unwrap().trim().parse().unwrap();
    let noisy = watched.join("noisy");
    let told = || -> Vec<Value> {
        let of_it = about(&rig, "object").into_iter();
        of_it.filter(|body| body["path"] == noisy.to_str().unwrap()).collect()
    };
    let last = sha256(&noisy);
    until("its last state is told", || {
        told().iter().any(|body| body["after"]["sha256"] == last.as_str()).then_some(())
    });
    let told = told();
    assert!((told.len() as u64) < written, "{} records of {written} writes", told.len());
    sensor.stop();
}

#[test]
fn a_mount_over_what_is_watched_is_noticed() {
    let (rig, watched) = watching(&["a/one"], EVENTS_ALONE);
    let rig = rig.in_own_namespace();
    let sensor = started(&rig);
    let a = watched.join("a");
    rig.mounts.as_ref().unwrap().shell(&format!("mount -t tmpfs none {}", a.display()));
    let over = rig.record_from(1, "a mount", |record| record["body"]["detection"] == "mount-over");
    assert_eq!(over["kind"], "detection");
    assert_eq!(
        (&over["body"]["path"], &over["body"]["kind"]),
        (&a.to_str().unwrap().into(), &"tmpfs".into())
    );
    sensor.stop();
}

#[test]
fn whoever_opens_a_decoy_gives_himself_away_unless_the_policy_lets_him() {
    let (rig, watched) = watching(&["key"], EVENTS_ALONE);
    let decoy = rig.folder().join("decoy");
    fs::write(&decoy, "nothing of value").unwrap();
    let more = format!("{EVENTS_ALONE}\n[[files.decoys]]\npath = \"{}\"\n", decoy.display());
    rig.write_policy(super::watched::CHECKS, &super::watched::settings(&watched, &more));
    let sensor = started(&rig);
    let mut cat = Command::new("cat").arg(&decoy).stdout(std::process::Stdio::null()).spawn().unwrap();
    let pid = cat.id();
    cat.wait().unwrap();
    let found = rig.record_from(1, "a detection", |record| record["kind"] == "detection");
    let body = &found["body"];
    assert_eq!((&body["detection"], &body["severity"]), (&"decoy".into(), &"critical".into()), "{found:#}");
    assert_eq!(
        (&body["path"], &body["actor"]["pid"]),
        (&decoy.to_str().unwrap().into(), &pid.into()),
        "{found:#}"
    );
    sensor.stop();
}

#[test]
fn another_baseline_is_the_one_that_events_are_held_against() {
    let (rig, watched) = watching(&["one"], "sweep = \"10s\"");
    let sensor = started(&rig);
    let one = watched.join("one");
    fs::write(&one, "two").unwrap();
    of_path(&rig, &one, "new");
    succeed(&rig, &["baseline", "accept", "--reason", "meant so", one.to_str().unwrap()]);
    of_path(&rig, &one, "settled");
    fs::write(&one, "one").unwrap();
    until("what was right once differs now", || {
        let told = about(&rig, "object");
        (told.iter().filter(|body| body["change"] == "new").count() == 2).then_some(())
    });
    sensor.stop();
}

/// The sensor watches.
fn started(rig: &Rig) -> Daemon {
    let sensor = rig.start("run");
    event(rig, "created");
    rig.sensor_until("it watches", |sensor| sensor["files"]["live"]["state"] == "watching");
    // What lies behind the first comparison is told by events alone.
    rig.sensor_until("the first comparison is over", |sensor| !sensor["files"]["last"].is_null());
    sensor
}

/// What the records leave open is what `baseline diff` finds.
fn assert_is_as_on_disk(rig: &Rig) {
    let output = rig.output(&["baseline", "diff", "--format", "json"]);
    let drift: Value = serde_json::from_slice(&output.stdout).unwrap();
    let path = |body: &Value| body["path"].as_str().unwrap().to_owned();
    let mut wanted: Vec<String> = drift["entries"].as_array().unwrap().iter().map(path).collect();
    wanted.sort();
    until("the records say what is on the disk", || {
        let mut open = std::collections::BTreeSet::new();
        for body in about(rig, "object") {
            match body["change"].as_str().unwrap() {
                "new" | "changed" => drop(open.insert(path(&body))),
                "reverted" | "settled" => drop(open.remove(&path(&body))),
                _ => {}
            }
        }
        (open.into_iter().collect::<Vec<_>>() == wanted).then_some(())
    });
}

fn python(script: &str) {
    assert!(Command::new("python3").args(["-c", script]).status().unwrap().success(), "{script}");
}

fn sha256(path: &Path) -> String {
    use sha2::Digest as _;
    let bytes = fs::read(path).unwrap();
    assert_eq!(bytes.len() as u64, fs::metadata(path).unwrap().size());
    sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
