//! A state directory with a real journal in it, and the shipper that delivers it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use guestward::finding::Severity;
use guestward::finding::wire::record::Kind;
use guestward::journal::{Claim, Directory, Draft, Journal, Limits, cursor};
use jiff::Timestamp;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::binary::guestward;

pub(crate) struct State(TempDir);

impl State {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.path().join("log/records.jsonl")
    }

    /// What `[ship.local]` says from now on.
    pub(crate) fn set_policy(&self, local: &str) {
        fs::write(self.path().join("policy.toml"), format!("[ship.local]\n{local}\n")).unwrap();
    }

    pub(crate) fn journal(&self, limits: Limits) -> Journal<Directory> {
        open(self.path(), limits)
    }

    /// `guestward` with this state.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = guestward();
        command.args(args).env("GUESTWARD_STATE", self.path());
        let policy = self.path().join("policy.toml");
        if policy.exists() {
            command.env("GUESTWARD_POLICY", policy);
        }
        command
    }

    pub(crate) fn ship(&self) -> Running {
        let log = fs::File::options().create(true).append(true).open(self.path().join("stderr")).unwrap();
        Running::start(self.command(&["ship"]).stdout(Stdio::null()).stderr(log))
    }

    /// Everything that shippers said.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.path().join("stderr")).unwrap_or_default()
    }

    /// The local files, oldest first.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut numbered: Vec<(u32, PathBuf)> = fs::read_dir(self.path().join("log"))
            .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_else(|_| Vec::new())
            .into_iter()
            .map(|path: PathBuf| {
                let number =
                    path.to_str().unwrap().rsplit_once("jsonl.").map_or(0, |(_, n)| n.parse().unwrap());
                (number, path)
            })
            .collect();
        numbered.sort();
        numbered.into_iter().rev().map(|(_, path)| path).collect()
    }

    /// Their lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        let texts = self.files().into_iter().map(|path| fs::read_to_string(path).unwrap());
        texts.flat_map(|text| text.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}

pub(crate) fn open(state: &Path, limits: Limits) -> Journal<Directory> {
    let storage = Directory::create(&state.join("journal"), 0o750, None).unwrap();
    let delivered = delivered(state);
    let mut random = || std::array::from_fn(|index| u8::try_from(index).unwrap());
    Journal::open(storage, limits, Claim::default(), delivered, &mut random, Timestamp::now()).unwrap()
}

/// How far the local shipper came for certain.
pub(crate) fn delivered(state: &Path) -> Option<cursor::Position> {
    let cursors = Directory::open(&state.join("cursors")).ok()?;
    cursor::durable(&cursors, "local").unwrap()
}

pub(crate) fn drafts(range: std::ops::Range<u64>, severity: Severity) -> Vec<Draft> {
    let draft = |n| Draft {
        time: Timestamp::now(),
        kind: Kind::Finding,
        severity,
        body: format!("{{\"n\":{n},\"check\":\"ssh-password\",\"title\":\"Passwords log in\"}}"),
    };
    range.map(draft).collect()
}

/// A process that is gone when the test is.
pub(crate) struct Running {
    child: Child,
    /// Whether it runs below strace: then that is the child.
    traced: bool,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self { child: command.spawn().unwrap(), traced: false }
    }

    /// The same command, killed by its own system call: the `when`th of that name.
    pub(crate) fn start_doomed(command: &Command, syscall: &str, when: u64) -> Self {
        let mut traced = Command::new("/usr/bin/strace");
        traced
            .args(["-f", "-o", "/dev/null", "-e", &format!("trace={syscall}"), "-e"])
            .arg(format!("inject={syscall}:signal=KILL:when={when}"))
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        traced.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        Self { child: traced.spawn().unwrap(), traced: true }
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    pub(crate) fn is_gone(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end, as long as it may take.
    pub(crate) fn end(&mut self, at_most: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + at_most;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            if Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn terminate(&mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        kill(self.pid(), Signal::SIGTERM).unwrap();
        let status = self.end(Duration::from_secs(30)).expect("it ends when asked");
        (status, asked.elapsed())
    }

    /// As `kill -9`.
    pub(crate) fn kill(&mut self) {
        if !self.traced {
            let _ = self.child.kill();
            self.child.wait().unwrap();
            return;
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.is_gone() {
            assert!(Instant::now() < deadline, "strace does not end");
            let children = format!("/proc/{pid}/task/{pid}/children", pid = self.pid());
            for pid in fs::read_to_string(children).unwrap_or_default().split_whitespace() {
                let _ = kill(Pid::from_raw(pid.parse().unwrap()), Signal::SIGKILL);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !std::thread::panicking() || !self.is_gone() {
            self.kill();
        }
    }
}

/// Waits until it is so, for as long as the slowest machine may need.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
