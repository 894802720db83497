//! The daemons as the users of their units, and what root does by hand in between.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::confined::{GROUP, SENSOR_USER, SHIPPER_USER, directories, program, setpriv};
use super::{SENSOR, SHIPPER, read, values};
use crate::support::binary::text;

struct Rig {
    folder: tempfile::TempDir,
    program: PathBuf,
    state: PathBuf,
}

/// A daemon; killed at the latest when the test ends.
struct Daemon(Child, u32);

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (program, state) = (program(folder.path()), directories(folder.path()));
        Self { folder, program, state }
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("GUESTWARD_STATE", &self.state);
        command.env("GUESTWARD_POLICY", self.policy()).stdin(Stdio::null());
        command
    }

    /// One topic, so that a look is short.
    fn policy(&self) -> PathBuf {
        let path = self.folder.path().join("policy.toml");
        let topics = guestward::check::TOPICS.iter().filter(|topic| topic.name != "kernel");
        let off: String = topics.map(|topic| format!("[topics.{}]\nenabled = false\n", topic.name)).collect();
        fs::write(&path, off).unwrap();
        path
    }

    fn as_service(&self, unit: &str, subcommand: &str) -> Daemon {
        let user = if unit == SENSOR { SENSOR_USER } else { SHIPPER_USER };
        let mut command = self.command("setpriv");
        // setpriv becomes the program itself.
        self.spawn(command.args(setpriv(unit, user, None)).arg(&self.program).arg(subcommand), subcommand)
    }

    fn by_hand(&self, subcommand: &str) -> Daemon {
        self.spawn(self.command(&self.program).arg(subcommand), subcommand)
    }

    fn spawn(&self, command: &mut Command, which: &str) -> Daemon {
        let log =
            File::options().create(true).append(true).open(self.folder.path().join(format!("{which}.log")));
        let child = command.stdout(Stdio::null()).stderr(log.unwrap()).spawn().unwrap();
        let pid = child.id();
        Daemon(child, pid)
    }

    fn delivered(&self) -> usize {
        fs::read_to_string(self.state.join("log/records.jsonl")).unwrap_or_default().lines().count()
    }

    fn status(&self) -> serde_json::Value {
        let output = self.command(&self.program).args(["status", "--format", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(120);
        while !is_so() {
            let log = |which: &str| fs::read_to_string(self.folder.path().join(which)).unwrap_or_default();
            assert!(
                Instant::now() < end,
                "not in two minutes: {what}\n{}{}",
                log("run.log"),
                log("ship.log")
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Both run until everything is delivered, and more than before.
    fn work(&self, sensor: Daemon, shipper: Daemon) {
        let before = self.delivered();
        self.until("both answer, and everything is delivered", || {
            let status = self.status();
            let head =
                status["sensor"]["head"]["seq"].as_u64().or(status["sensor"]["last_record"]["seq"].as_u64());
            let delivered = self.delivered();
            let looked = status["sensor"]["last_look"].is_object();
            looked && delivered > before && head.is_none_or(|head| delivered as u64 >= head)
        });
        sensor.stop();
        shipper.stop();
    }
}

impl Daemon {
    fn stop(mut self) {
        kill(Pid::from_raw(self.1.cast_signed()), Signal::SIGTERM).unwrap();
        assert!(self.0.wait().unwrap().success(), "it ends well");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = kill(Pid::from_raw(self.1.cast_signed()), Signal::SIGKILL);
            let _ = self.0.wait();
        }
    }
}

#[test]
fn what_root_does_by_hand_leaves_the_services_able_to_go_on() {
    let rig = Rig::new();
    // Whoever comes first: the shipper may be there before there is a journal.
    let shipper = rig.as_service(SHIPPER, "ship");
    rig.until("the shipper answers", || rig.state.join("run/shipper.sock").exists());
    rig.work(rig.as_service(SENSOR, "run"), shipper);

    let key = rig.folder.path().join("first.key");
    let output =
        rig.command(&rig.program).args(["journal", "init-key", "--new-epoch"]).arg(&key).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    // All anew, so that everything is made by root.
    for file in
        ["cursors/local.cursor", "cursors/lock", "journal/lock", "state/open.json", "log/records.jsonl"]
    {
        fs::remove_file(rig.state.join(file)).unwrap();
    }
    rig.work(rig.by_hand("run"), rig.by_hand("ship"));
    assert_eq!(owned(&rig.state.join("seal/key.slots")), (SENSOR_USER, GROUP, 0o600));
    assert_eq!(owned(&rig.state.join("state/open.json")), (SENSOR_USER, GROUP, 0o640));
    assert_eq!(owned(&rig.state.join("cursors/local.cursor")), (SENSOR_USER, GROUP, 0o660));
    assert_eq!(owned(&rig.state.join("log/records.jsonl")), (SHIPPER_USER, GROUP, 0o640));
    assert_eq!(owned(&key).0, 0, "the operator's own file is the operator's");
    let foreign: Vec<_> = every_file(&rig.state).into_iter().filter(|path| owned(path).0 == 0).collect();
    assert!(foreign.is_empty(), "{foreign:?} belong to root");

    rig.work(rig.as_service(SENSOR, "run"), rig.as_service(SHIPPER, "ship"));
    assert!(
        rig.status()["sensor"].is_null() || rig.status()["sensor"]["running"] == false,
        "{}",
        rig.status()
    );
}

#[test]
fn their_units_let_them_ask_the_kernel_for_all_that_they_ask() {
    let rig = Rig::new();
    for (unit, subcommand, user) in [(SENSOR, "run", SENSOR_USER), (SHIPPER, "ship", SHIPPER_USER)] {
        let trace = rig.folder.path().join(format!("{subcommand}.trace"));
        let mut command = rig.command("strace");
        command.args(["-f", "-qq", "-o"]).arg(&trace).arg("setpriv");
        let mut daemon =
            rig.spawn(command.args(setpriv(unit, user, None)).arg(&rig.program).arg(subcommand), subcommand);
        rig.until("it answers", || match subcommand {
            "run" => rig.status()["sensor"]["last_look"].is_object(),
            _ => rig.delivered() > 0,
        });
        let tracer = daemon.1;
        let children = fs::read_to_string(format!("/proc/{tracer}/task/{tracer}/children")).unwrap();
        daemon.1 = children.trim().parse().unwrap();
        daemon.stop();
        let asked = asked(&fs::read_to_string(&trace).unwrap());
        assert!(asked.len() > 30 && asked.contains("openat"), "{asked:?}");
        let allowed = allowed(&read(unit));
        let refused: Vec<_> = asked.difference(&allowed).collect();
        assert!(refused.is_empty(), "{unit} refuses {refused:?}");
    }
}

#[test]
fn what_neither_ever_needs_neither_can_ask_for() {
    for unit in [SENSOR, SHIPPER] {
        let allowed = allowed(&read(unit));
        assert!(allowed.len() > 150, "{} system calls", allowed.len());
        for name in NEVER.split_whitespace() {
            assert!(!allowed.contains(name), "{unit} allows {name}");
        }
    }
}

/// Into other processes, into the kernel, to other ids, and around what was taken away.
const NEVER: &str = "ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp mount umount2 move_mount pivot_root chroot \
                     init_module finit_module bpf perf_event_open kexec_load reboot io_uring_setup userfaultfd setuid \
                     setresuid setgroups chown fchown clock_settime settimeofday swapon keyctl iopl";

/// The names of the system calls after the program itself was started.
fn asked(trace: &str) -> BTreeSet<String> {
    let is_start = |line: &str| {
        let started = line.split_once("execve(\"").and_then(|(_, rest)| rest.split_once('"'));
        started.is_some_and(|(program, _)| program.ends_with("/guestward"))
    };
    let lines = trace.lines().skip_while(|line| !is_start(line));
    let call = |line: &str| {
        let (name, _) = line.split_once('(')?;
        let name = name.rsplit(' ').next()?;
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            .then(|| name.to_owned())
    };
    lines.filter(|line| !line.contains("resumed>")).filter_map(call).collect()
}

/// What a unit's SystemCallFilter= lines come to: systemd.exec(5).
fn allowed(unit: &str) -> BTreeSet<String> {
    let mut allowed = members("@default");
    for line in values(unit, "SystemCallFilter") {
        let is_taken = line.starts_with('~');
        for name in line.trim_start_matches('~').split(' ') {
            for member in members(name) {
                let _ = if is_taken { allowed.remove(&member) } else { allowed.insert(member) };
            }
        }
    }
    allowed
}

fn members(name: &str) -> BTreeSet<String> {
    if !name.starts_with('@') {
        return [name.to_owned()].into();
    }
    let output =
        Command::new("systemd-analyze").args(["syscall-filter", "--no-pager", name]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let listed = text(&output.stdout);
    let names =
        listed.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    names.flat_map(members).collect()
}

fn owned(path: &Path) -> (u32, u32, u32) {
    let meta = fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (meta.uid(), meta.gid(), meta.mode() & 0o7777)
}

fn every_file(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { every_file(&path) } else { vec![path] }).collect()
}
