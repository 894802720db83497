//! A mount namespace of its own for a piece of a test: a small disk, another /etc, that nobody else sees.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Lives as long as it is held; then the kernel takes its mounts away.
#[derive(Debug)]
pub(crate) struct Mounts(Child);

impl Mounts {
    /// Prepared by a line of shell, in which `$1` is the argument.
    pub(crate) fn made_by(line: &str, argument: &Path) -> Self {
        let script = format!("set -e; {line}\necho ready; exec cat");
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", &script, "sh"])
            .arg(argument)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare");
        let mut said = String::new();
        BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "{line}: these tests run as root");
        Self(holder)
    }

    /// A command inside. The process that is started becomes the program itself.
    pub(crate) fn command(&self, program: &OsStr) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.0.id())).arg("--").arg(program);
        command
    }

    /// A line of shell that must succeed inside.
    pub(crate) fn shell(&self, line: &str) {
        let output = self.command("sh".as_ref()).args(["-c", line]).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Where a path inside is for us.
    pub(crate) fn path(&self, inside: &Path) -> PathBuf {
        Path::new("/proc").join(self.0.id().to_string()).join("root").join(inside.strip_prefix("/").unwrap())
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
