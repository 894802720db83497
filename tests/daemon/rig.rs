//! A state directory, a policy, and the processes on them; in a mount namespace where a test needs another /etc or disk.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::binary::text;
use crate::support::mounts::Mounts;

#[derive(Debug)]
pub(super) struct Rig {
    folder: tempfile::TempDir,
    pub(super) mounts: Option<Mounts>,
    variables: Vec<(String, String)>,
}

impl Rig {
    /// On this machine as it is; only these topics and checks are on.
    pub(super) fn new(topics: &[&str], settings: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let rig = Self { folder, mounts: None, variables: Vec::new() };
        rig.write_policy(topics, settings);
        rig
    }

    /// With a copy of /etc in the place of /etc, and whatever the line of shell mounts beside it; `$1` is the folder.
    pub(super) fn with_mounts(topics: &[&str], settings: &str, line: &str) -> Self {
        let mut rig = Self::new(topics, settings);
        let etc = "cp -a /etc \"$1/etc\"; mount --bind \"$1/etc\" /etc";
        rig.mounts = Some(Mounts::made_by(&format!("{etc}\n{line}"), rig.folder.path()));
        rig
    }

    pub(super) fn with_etc(topics: &[&str], settings: &str) -> Self {
        Self::with_mounts(topics, settings, "")
    }

    /// What is mounted by [`Rig::mounts`] from now on nobody else sees.
    pub(super) fn in_own_namespace(mut self) -> Self {
        self.mounts = Some(Mounts::made_by("true", self.folder.path()));
        self
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn write_policy(&self, topics: &[&str], settings: &str) {
        let mut off = String::new();
        for topic in guestward::check::TOPICS.iter().filter(|topic| !topics.contains(&topic.name)) {
            if topic.checks().any(|check| topics.contains(&check.id)) {
                let others = topic.checks().filter(|check| !topics.contains(&check.id));
                others.for_each(|check| off += &format!("[checks.{}]\nenabled = false\n", check.id));
            } else {
                off += &format!("[topics.{}]\nenabled = false\n", topic.name);
            }
        }
        fs::write(self.policy(), format!("{settings}\n{off}")).unwrap();
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn policy(&self) -> PathBuf {
        self.folder.path().join("policy.toml")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A file of the copy of /etc.
    pub(super) fn etc(&self, name: &str) -> PathBuf {
        self.folder.path().join("etc").join(name)
    }

    pub(super) fn append_to_etc(&self, name: &str, line: &str) {
        use std::io::Write as _;
        let mut file = fs::OpenOptions::new().append(true).open(self.etc(name)).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }

    /// `guestward ARGS…`, with nothing of the tester's own environment.
    pub(super) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = self.command_of(env!("CARGO_BIN_EXE_guestward"));
        command.args(args);
        command
    }

    /// Any program where the rig is, with nothing of the tester's own environment.
    pub(super) fn command_of(&self, program: &str) -> Command {
        let program = OsStr::new(program);
        let mut command = match &self.mounts {
            Some(mounts) => mounts.command(program),
            None => Command::new(program),
        };
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("GUESTWARD_STATE", self.state()).env("GUESTWARD_POLICY", self.policy());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    pub(super) fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Starts a daemon and waits until it answers.
    pub(super) fn start(&self, which: &'static str) -> Daemon {
        let daemon = self.spawn(&mut self.command(&[which]), which);
        let half = half(which);
        until(&format!("`{which}` answers: {}", daemon.said()), || {
            self.status()[half]["running"].as_bool().filter(|&running| running)
        });
        daemon
    }

    pub(super) fn spawn(&self, command: &mut Command, which: &str) -> Daemon {
        let log = self.folder.path().join(format!("{which}.stderr"));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let child = command.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        Daemon { child, log }
    }

    pub(super) fn status(&self) -> Value {
        serde_json::from_slice(&self.output(&["status", "--format", "json"]).stdout).unwrap()
    }

    /// What the sensor says of itself, as soon as it is as asked for.
    pub(super) fn sensor_until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        until(what, || Some(self.status()["sensor"].clone()).filter(&is_so))
    }

    /// All records, by `guestward journal export`.
    pub(super) fn lines(&self) -> Vec<String> {
        let output = self.output(&["journal", "export"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).lines().map(str::to_owned).collect()
    }

    pub(super) fn records(&self) -> Vec<Value> {
        self.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The first record from `from` on that is as asked for, as soon as there is one.
    pub(super) fn record_from(&self, from: u64, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let seen = |record: &Value| record["seq"].as_u64().unwrap() >= from && is_it(record);
        until(what, || self.records().into_iter().find(seen))
    }

    pub(super) fn findings(&self) -> Vec<(String, String, String)> {
        let records = self.records();
        let findings = records.iter().filter(|record| record["kind"] == "finding");
        findings.map(|record| told(&record["body"])).collect()
    }

    /// `journal verify` of these files, with these first keys.
    pub(super) fn verify(&self, keys: &[&Path], files: &[PathBuf]) -> Output {
        let mut command = self.command(&["journal", "verify"]);
        for key in keys {
            command.arg("--key").arg(key);
        }
        command.args(files).output().unwrap()
    }

    /// The export as it is now is whole.
    pub(super) fn assert_whole(&self, keys: &[&Path]) {
        let export = self.folder.path().join("export.jsonl");
        fs::write(&export, self.lines().join("\n") + "\n").unwrap();
        let verified = self.verify(keys, &[export]);
        assert_eq!(verified.status.code(), Some(0), "{}{}", text(&verified.stdout), text(&verified.stderr));
    }

    /// The first look is over and recorded.
    pub(super) fn wait_for_first_look(&self) {
        self.sensor_until("the first look ends", |sensor| {
            sensor["last_look"]["whole"] == true && sensor["last_seq"].as_u64() > Some(2)
        });
    }
}

fn half(which: &str) -> &'static str {
    if which == "run" { "sensor" } else { "shipper" }
}

/// What a finding's record says: its change, its check, its subject.
pub(super) fn told(body: &Value) -> (String, String, String) {
    let word = |key: &str| body[key].as_str().unwrap().to_owned();
    (word("change"), word("check"), word("subject"))
}

/// Asks until there is an answer. The deadline is for a machine that does much else.
pub(super) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(90);
    while Instant::now() < end {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(150));
    }
    panic!("not in a minute and a half: {what}");
}

/// A running daemon; whatever a test leaves is killed.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// SIGSTOP, and every thread has stopped.
    pub(super) fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
        until("every thread has stopped", || {
            let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
            let stat = |task: fs::DirEntry| fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            let is_stopped =
                |stat: String| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'));
            tasks.flatten().map(stat).all(is_stopped).then_some(())
        });
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// SIGTERM, and how long it took to end.
    pub(super) fn terminate(mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        self.signal(Signal::SIGTERM);
        let status = self.child.wait().unwrap();
        (status, began.elapsed())
    }

    /// SIGTERM, and it ends well.
    pub(super) fn stop(self) {
        let log = self.log.clone();
        let (status, _) = self.terminate();
        assert!(status.success(), "{status}: {}", fs::read_to_string(log).unwrap_or_default());
    }

    /// kill -9.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks seldom by itself, so that what is seen was noticed.
pub(super) const SELDOM: &str = "[run]\nheartbeat = \"1h\"\nposture-interval = \"1h\"\ncheckpoint = \"1s\"";
/// Everything as often as it may.
pub(super) const OFTEN: &str = "[run]\nheartbeat = \"1s\"\nposture-interval = \"5s\"\ncheckpoint = \"1s\"";
/// Quick, and about one file: somebody beside root has uid 0.
pub(super) const ROOTS: &str = "accounts-extra-uid-0";
