//! Outdated processes, on this very machine: real processes whose program is really gone.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use guestward::host::Host;
use guestward::host::processes::{Owner, Process, Processes};

#[test]
fn a_program_that_no_package_owns_may_be_gone() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = folder.path().join("some program");
    fs::copy("/bin/cat", &program).unwrap();
    let running = Running::start(&mut Command::new(&program));
    fs::remove_file(&program).unwrap();
    assert!(running.maps().contains("some program (deleted)"), "the case is not the one meant");
    assert_eq!(running.seen(), None);
}

/// The process sees a file of its own in the place of a package's, in a mount namespace of its own as systemd
/// makes them; then the file goes away, as an update makes it go.
#[test]
fn a_package_s_program_that_is_gone_is_told_with_its_package() {
    let folder = Path::new("/usr/lib/openssh");
    let (name, package) = packaged_file(folder);
    let program = folder.join(name);
    let script = "mount -t tmpfs tmpfs \"$1\" && cp /bin/cat \"$2\" && exec \"$2\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]).arg(folder).arg(&program);
    let running = Running::start(&mut command);
    let theirs =
        PathBuf::from(format!("/proc/{}/root", running.child.id())).join(program.strip_prefix("/").unwrap());
    fs::remove_file(&theirs).unwrap();
    assert!(program.exists(), "only the process's own copy may go");
    let seen = running.seen().unwrap();
    assert_eq!(seen.uid, 0);
    let gone: Vec<_> = seen.gone.iter().map(|gone| (gone.path.clone(), gone.owner.clone())).collect();
    assert_eq!(gone, [(program, Owner::Package(package.as_str().into()))]);
}

struct Running {
    child: Child,
}

impl Running {
    /// Starts something that turns into cat; when a line has come back, it has.
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"here\n").unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "here\n");
        Self { child }
    }

    fn maps(&self) -> String {
        fs::read_to_string(format!("/proc/{}/maps", self.child.id())).unwrap()
    }

    fn seen(&self) -> Option<Process> {
        let processes = Processes::of(&Host::at("/").unwrap()).unwrap();
        for cause in &processes.unreadable {
            // Even root may be refused, by a sandbox; then by the kernel and not by us.
            assert!(cause.is_denied() && fs::read(&cause.path).is_err(), "{cause}");
        }
        processes.outdated.into_iter().find(|process| process.pid == self.child.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file in `folder` that dpkg knows, and its package.
fn packaged_file(folder: &Path) -> (String, String) {
    let output = Command::new("dpkg-query").arg("-S").arg(folder.join("*")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (package, path) = text.lines().next().unwrap().split_once(": ").unwrap();
    // dpkg names its lists with the architecture only where a package may be there twice.
    (Path::new(path).file_name().unwrap().to_str().unwrap().to_owned(), package.to_owned())
}
