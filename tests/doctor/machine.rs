//! What the machine itself has to give: capabilities, whoever asks, and a disk in each of its bad moods.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use guestward::finding::Severity;
use guestward::journal::Limits;

use super::super::support::journal::{Running, State, drafts, until};
use super::super::support::mounts::Mounts;
use super::{Patient, Told};

#[test]
fn every_need_says_what_is_lost_without_it() {
    let patient = Patient::new();
    let told = patient.ask();
    for need in told.needs() {
        assert!(need["lost"].as_str().is_some_and(|lost| !lost.is_empty()), "{need:#}");
        let is_amiss = matches!(need["state"].as_str(), Some("missing" | "degraded"));
        assert!(!is_amiss || need["remedy"].is_string(), "{need:#}");
    }
    let text = patient.command(&[]).output().unwrap();
    let text = super::text(&text.stdout);
    assert!(
        text.contains("\nmissing  sensor: ") && text.contains("\n         lost: nobody looks at"),
        "{text}"
    );
}

#[test]
fn root_is_told_what_the_kernel_has_and_a_user_what_only_root_could_try() {
    let state = State::new();
    let told = ask(&mut state.command(&["doctor", "--format", "json"]));
    let features = ["kernel", "fanotify", "fanotify-file-system", "fanotify-pidfd", "bpf", "audit"];
    for id in features {
        assert!(matches!(told.state(id), "ok" | "degraded"), "{:#}", told.need(id));
    }
    for id in ["capability-dac-read-search", "capability-net-admin", "capability-sys-ptrace"] {
        assert_eq!(told.state(id), "ok", "{:#}", told.need(id));
    }
    assert_eq!((told.state("state-writable"), told.state("state-flush")), ("ok", "ok"));

    fs::set_permissions(state.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let told = ask(&mut as_nobody(&state));
    for id in ["root", "fanotify-file-system", "fanotify-pidfd", "state-writable", "state-flush"]
        .into_iter()
        .chain(["capability-dac-read-search", "capability-net-admin", "capability-sys-ptrace"])
    {
        let need = told.need(id);
        assert_eq!((&need["state"], &need["remedy"]), (&"unknown".into(), &"sudo guestward doctor".into()));
    }
    for id in ["kernel", "state-directory", "clock-source", "audit"] {
        assert!(matches!(told.state(id), "ok" | "degraded"), "{:#}", told.need(id));
    }
}

#[test]
fn of_a_sensor_that_runs_its_own_capabilities_count() {
    let state = State::new();
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-net_admin", env!("CARGO_BIN_EXE_guestward"), "run"]);
    command.env("GUESTWARD_STATE", state.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let _sensor = Running::start(&mut command);
    let mut told = None;
    until("the sensor answers", || {
        let now = ask(&mut state.command(&["doctor", "--format", "json"]));
        let answers = now.state("sensor") == "ok";
        told = Some(now);
        answers
    });
    let told = told.unwrap();
    let need = told.need("capability-net-admin");
    assert_eq!(need["state"], "missing", "{need:#}");
    assert!(need["detail"].as_str().unwrap().starts_with("the sensor (pid "), "{need:#}");
    assert_eq!(told.state("capability-sys-ptrace"), "ok");
}

#[test]
fn a_file_of_another_user_among_the_state_is_named() {
    let state = State::new();
    state.journal(Limits::default()).append(&drafts(0..3, Severity::Low), super::now()).unwrap();
    let owner = || ask(&mut state.command(&["doctor", "--format", "json"])).need("state-owner").clone();
    assert_eq!(owner()["state"], "ok", "{:#}", owner());
    let file = fs::read_dir(state.path().join("journal")).unwrap().next().unwrap().unwrap().path();
    chown(&file, Some(1234), None).unwrap();
    let need = owner();
    assert_eq!(need["state"], "missing", "{need:#}");
    let remedy = format!("chown --reference={} {}", state.path().display(), file.display());
    assert_eq!(need["remedy"], remedy);
    // The shipper is another user, and its cursors are its own.
    chown(&file, Some(0), None).unwrap();
    let cursors = state.path().join("cursors");
    fs::create_dir(&cursors).unwrap();
    fs::write(cursors.join("local"), "").unwrap();
    chown(cursors.join("local"), Some(1234), None).unwrap();
    assert_eq!(owner()["state"], "ok", "{:#}", owner());
}

#[test]
fn memory_a_read_only_mount_and_a_full_disk_are_told_apart() {
    for (mount, missing) in [
        ("mount -t tmpfs -o size=2m,mode=755 tmpfs \"$1/state\"", &["state-file-system"][..]),
        (
            "mount -t tmpfs -o size=2m,mode=755,ro tmpfs \"$1/state\"",
            &["state-file-system", "state-flush", "state-writable"],
        ),
        (
            "mount -t tmpfs -o size=64k,mode=755 tmpfs \"$1/state\"; cat /dev/zero > \"$1/state/fill\" 2>/dev/null || true",
            &["state-file-system", "state-flush"],
        ),
        (
            "truncate -s 8M \"$1/image\"; mkfs.ext4 -q \"$1/image\"; mount -o loop \"$1/image\" \"$1/state\"; \
             chmod 755 \"$1/state\"",
            &["space"],
        ),
    ] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        let mounts = Mounts::made_by(mount, folder.path());
        let told = ask(&mut inside(&mounts, folder.path()));
        let about = |id: &&str| id.starts_with("state-") || *id == "space";
        let found: Vec<&str> = told.those("keep", "missing").into_iter().filter(about).collect();
        let space = if mount.contains("tmpfs") { &["space"][..] } else { &[] };
        assert_eq!(found, [space, missing].concat(), "{mount}: {:#}", told.document);
        assert_eq!(told.output.status.code(), Some(1));
    }
}

/// As a disk or a server does that is gone: whoever writes there sleeps until it is back.
#[test]
fn a_disk_that_does_not_answer_is_told_so_and_hides_nothing_else() {
    let mount =
        "truncate -s 8M \"$1/image\"; mkfs.ext4 -q \"$1/image\"; mount -o loop \"$1/image\" \"$1/state\"";
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    let mounts = Mounts::made_by(mount, folder.path());
    mounts.shell(&format!("fsfreeze --freeze {}", state.display()));
    let mut child = inside(&mounts, folder.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    // A hang here is the failure.
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    mounts.shell(&format!("fsfreeze --unfreeze {}", state.display()));
    child.wait().unwrap();
    let document: serde_json::Value = serde_json::from_str(&line).unwrap();
    let state_of = |id: &str| {
        let needs = document["needs"].as_array().unwrap();
        needs.iter().find(|need| need["id"] == id).unwrap()["state"].as_str().unwrap().to_owned()
    };
    for id in ["state-directory", "state-file-system", "state-flush", "space"] {
        assert_eq!(state_of(id), "unknown", "{id}: {document:#}");
    }
    assert_eq!((&*state_of("kernel"), &*state_of("policy")), ("ok", "ok"));
}

fn ask(command: &mut Command) -> Told {
    Told::by(command)
}

/// `guestward doctor` where the state of that folder is a mount of its own.
fn inside(mounts: &Mounts, folder: &Path) -> Command {
    let mut command = mounts.command(env!("CARGO_BIN_EXE_guestward").as_ref());
    command.args(["doctor", "--format", "json"]).env("GUESTWARD_STATE", folder.join("state"));
    command
}

fn as_nobody(state: &State) -> Command {
    // The binary may lie where nobody else can reach it.
    let program = state.path().join("guestward");
    fs::copy(env!("CARGO_BIN_EXE_guestward"), &program).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]);
    command.arg(program).args(["doctor", "--format", "json"]);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("GUESTWARD_STATE", state.path());
    command
}
