//! A command that is run for its output: in a time and a size, with an environment of its own, ended with all it started.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{self, Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// What it said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: ExitStatus,
    pub(super) output: String,
    pub(super) errors: String,
}

/// Runs it to its end, or says why there is none.
pub(super) fn run(command: &mut process::Command, longest: Duration) -> Result<Said, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command
        // A group of its own, so that what it starts ends with it.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().map_err(|error| format!("{name} cannot be run: {error}"))?;
    let mut group = Group { child, is_over: false };
    let pipes = (group.child.stdout.take(), group.child.stderr.take());
    let (Some(output), Some(errors)) = pipes else { return Err(format!("{name} has no output")) };
    let mut pipes = [Pipe::new(output.into()), Pipe::new(errors.into())];
    let deadline = Instant::now() + longest;
    while pipes.iter().any(|pipe| pipe.is_open) {
        let Some(left) = deadline.checked_duration_since(Instant::now()) else {
            return Err(format!("{name} did not answer within {} seconds", longest.as_secs()));
        };
        wait(&mut pipes, left).map_err(|error| format!("{name}: {error}"))?;
        for pipe in pipes.iter_mut().filter(|pipe| pipe.is_ready) {
            pipe.take().map_err(|error| format!("{name}: {error}"))?;
        }
    }
    let status = group.end(deadline).map_err(|error| format!("{name}: {error}"))?;
    let [output, errors] = pipes.map(|pipe| String::from_utf8_lossy(&pipe.bytes).into_owned());
    Ok(Said { status, output, errors })
}

/// The child and what it started: gone with this.
struct Group {
    child: Child,
    is_over: bool,
}

impl Group {
    /// It closed its output, so it is about to end.
    fn end(&mut self, deadline: Instant) -> Result<ExitStatus, String> {
        loop {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                self.is_over = true;
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err("it closed its output and did not end".to_owned());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.is_over {
            let group = i32::try_from(self.child.id()).map(Pid::from_raw);
            let _ = group.map(|group| killpg(group, Signal::SIGKILL));
            let _ = self.child.wait();
        }
    }
}

struct Pipe {
    file: File,
    bytes: Vec<u8>,
    is_open: bool,
    is_ready: bool,
}

impl Pipe {
    fn new(file: OwnedFd) -> Self {
        Self { file: file.into(), bytes: Vec::new(), is_open: true, is_ready: false }
    }

    fn take(&mut self) -> Result<(), String> {
        let mut piece = [0; 16 * 1024];
        match self.file.read(&mut piece) {
            Ok(0) => self.is_open = false,
            Ok(count) => self.bytes.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.to_string()),
        }
        match self.bytes.len() <= MAX_OUTPUT {
            true => Ok(()),
            false => Err(format!("it said more than {MAX_OUTPUT} bytes")),
        }
    }
}

/// Until one of them can be read, or ended, or so long.
fn wait(pipes: &mut [Pipe; 2], longest: Duration) -> Result<(), Errno> {
    // One that has ended would be told as ended again and again, and nobody would wait.
    let mut polled: Vec<PollFd<'_>> = pipes
        .iter()
        .filter(|pipe| pipe.is_open)
        .map(|pipe| PollFd::new(pipe.file.as_fd(), PollFlags::POLLIN))
        .collect();
    let longest = u16::try_from(longest.as_millis()).unwrap_or(u16::MAX);
    match poll(&mut polled, PollTimeout::from(longest)) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(errno),
    }
    let ready: Vec<bool> = polled.iter().map(|polled| polled.any().unwrap_or(true)).collect();
    pipes.iter_mut().for_each(|pipe| pipe.is_ready = false);
    for (pipe, is_ready) in pipes.iter_mut().filter(|pipe| pipe.is_open).zip(ready) {
        pipe.is_ready = is_ready;
    }
    Ok(())
}

/// A thousand times what a machine has outstanding.
const MAX_OUTPUT: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::super::program;
    use super::*;

    fn sh(script: &str, longest: Duration) -> Result<Said, String> {
        run(program("/bin/sh").args(["-c", script]), longest)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn both_outputs_and_the_end_are_told_and_the_environment_is_not_ours() {
        let said = sh("echo a; echo b >&2; echo $LC_ALL $HOME; exit 7", LONG).unwrap();
        assert_eq!((said.output.as_str(), said.errors.as_str()), ("a\nC\n", "b\n"));
        assert_eq!(said.status.code(), Some(7));
    }

    #[test]
    fn what_does_not_end_is_ended_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {0}.next; mv {0}.next {0}; wait", file.display());
        let refused = sh(&script, Duration::from_secs(2)).unwrap_err();
        assert!(refused.contains("did not answer"), "{refused}");
        // On a machine that took two seconds to start a shell there is nobody to look for.
        if let Ok(pid) = std::fs::read_to_string(file) {
            let stat = format!("/proc/{}/stat", pid.trim());
            // Gone, or dead and not yet buried.
            let is_over = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
            let end = Instant::now() + LONG;
            while !is_over() {
                assert!(Instant::now() < end, "{pid} runs on");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    #[test]
    fn an_output_that_is_closed_early_is_not_waited_for_in_a_circle() {
        use nix::time::{ClockId, clock_gettime};
        let used = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
        let before = used();
        let said = sh("exec 1>&-; sleep 1; echo late >&2", LONG).unwrap();
        let spent = used() - before;
        assert_eq!((said.output.as_str(), said.errors.as_str()), ("", "late\n"));
        // A circle takes the whole second.
        assert!(spent < Duration::from_millis(200), "{spent:?} of its own");
    }

    #[test]
    fn what_never_stops_talking_is_stopped() {
        assert!(sh("exec yes", LONG).unwrap_err().contains("bytes"));
    }

    #[test]
    fn what_cannot_be_run_is_named() {
        assert!(run(&mut program("/nowhere/apt-get"), LONG).unwrap_err().contains("/nowhere/apt-get"));
    }
}
