//! Real processes of an rpm system whose packages the real rpm replaces beneath them.
//!
//! Their root is the root that rpm works on, as it is on a machine: a mount namespace and a process namespace of their own.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::binary::text;
use crate::support::rpm::{Root, Rpm, VAR, What};

#[test]
fn a_process_is_told_with_the_packages_that_rpm_replaced_beneath_it() {
    let root = Root::with(VAR, &[libraries(""), widget("")]);
    for own in ["usr/local/sbin/init", "usr/local/bin/own"] {
        let place = root.path().join(own);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy("/bin/cat", place).unwrap();
    }
    let mut system = System::start(root.path());
    let widget_pid = system.run("/usr/bin/widget", 4242, "0::/system.slice/widget.service\n");
    let own_pid = system.run("/usr/local/bin/own", 0, "0::/user.slice/session-3.scope\n");
    assert_eq!(system.restart(), json!([]), "nothing is replaced yet");

    fs::remove_file(root.path().join("usr/local/bin/own")).unwrap();
    assert!(system.maps(own_pid).contains("/usr/local/bin/own (deleted)"), "the case is not the one meant");
    assert_eq!(system.restart(), json!([]), "no package owns it");

    root.upgrade(&[widget("2")]);
    assert!(system.maps(widget_pid).contains("/usr/bin/widget (deleted)"), "the case is not the one meant");
    let of_widget = |packages: &[&str]| json!({"pid": widget_pid, "unit": "widget.service", "uid": 4242, "packages": packages});
    assert_eq!(system.restart(), json!([of_widget(&["widget"])]));

    root.upgrade(&[libraries("2")]);
    let init = json!({"pid": 1, "unit": null, "uid": 0, "packages": ["libraries"]});
    let own = json!({"pid": own_pid, "unit": "session-3.scope", "uid": 0, "packages": ["libraries"]});
    assert_eq!(system.restart(), json!([init, of_widget(&["libraries", "widget"]), own]));
}

/// What a program needs to start, where this machine has it; `build` makes the files others.
fn libraries(build: &str) -> Rpm {
    let maps = Command::new("/bin/cat").arg("/proc/self/maps").output().unwrap().stdout;
    let maps = text(&maps);
    let executed =
        maps.lines().filter(|line| line.contains(" r-xp ")).filter_map(|line| line.split_once('/'));
    let files = executed.map(|(_, path)| format!("/{path}")).filter(|path| path.contains(".so"));
    let files: Vec<String> = files.collect();
    assert_eq!(files.len(), 2, "{files:?}: the library, and who loads it");
    let loader = files.iter().find(|path| path.contains("/ld-linux")).unwrap();
    let package = Rpm::new("libraries", &format!("1{build}"), "1").link(LOADER, loader);
    files.iter().fold(package, |package, path| program(package, path, Path::new(path), build))
}

fn widget(build: &str) -> Rpm {
    program(Rpm::new("widget", &format!("1{build}"), "1"), "/usr/bin/widget", Path::new("/bin/cat"), build)
}

fn program(package: Rpm, path: &str, from: &Path, build: &str) -> Rpm {
    let mut bytes = fs::read(from).unwrap();
    bytes.extend(build.bytes());
    package.entry(path, What::File(bytes), 0o755, "")
}

/// Where programs say that it is.
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// A root in which programs run.
struct System {
    root: PathBuf,
    /// Waits for the first process, which ends with it; and the others with that.
    holder: Child,
    others: Vec<Child>,
    cgroups: tempfile::TempDir,
}

impl System {
    /// With `/usr/local/sbin/init` as process 1. Those who look in from outside see its processes in `proc` as well.
    fn start(root: &Path) -> Self {
        let script = "set -e; mkdir -p \"$1/proc\" \"$1/old\"; mount -t proc proc \"$1/proc\"\n\
             exec unshare --mount --propagation private sh -c 'set -e; mount --rbind \"$1\" \"$1\"; cd \"$1\"\n\
             pivot_root . old; exec /usr/local/sbin/init' sh \"$1\"";
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            script,
        ]);
        let holder = started(command.arg("sh").arg(root));
        let cgroups = tempfile::tempdir().unwrap();
        let system = Self { root: root.to_owned(), holder, others: Vec::new(), cgroups };
        system.put_into(1, "0::/\n");
        system
    }

    /// Runs a program as that user and in that cgroup; its number inside.
    fn run(&mut self, program: &str, uid: u32, cgroup: &str) -> u32 {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount={}", self.proc().join("1/ns/mnt").display()));
        command.arg(format!("--pid=/proc/{}/ns/pid_for_children", self.holder.id()));
        command.args(["--setuid", &uid.to_string(), "--setgid", &uid.to_string(), program]);
        self.others.push(started(&mut command));
        let name = program.rsplit('/').next().unwrap();
        let numbers = fs::read_dir(self.proc()).unwrap();
        let numbers = numbers.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok());
        let is_it = |pid: &u32| {
            fs::read_to_string(self.proc().join(format!("{pid}/comm"))).is_ok_and(|comm| comm.trim() == name)
        };
        let pid = numbers.filter(is_it).max().unwrap();
        self.put_into(pid, cgroup);
        pid
    }

    /// Tests make no cgroups on this machine: it only looks as if.
    fn put_into(&self, pid: u32, cgroup: &str) {
        let file = self.cgroups.path().join(pid.to_string());
        fs::write(&file, cgroup).unwrap();
        let place = self.root.join(format!("proc/{pid}/cgroup"));
        let output = self.outside("mount").arg("--bind").arg(file).arg(place).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// The processes' own /proc, for us.
    fn proc(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}", self.holder.id(), self.root.join("proc").display()))
    }

    fn maps(&self, pid: u32) -> String {
        fs::read_to_string(self.proc().join(format!("{pid}/maps"))).unwrap()
    }

    /// A command that has this machine's root, and sees the processes.
    fn outside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id())).arg("--").arg(program);
        command
    }

    fn restart(&self) -> Value {
        let mut command = self.outside(env!("CARGO_BIN_EXE_guestward"));
        let output =
            command.args(["packages", "--format", "json", "--root"]).arg(&self.root).output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
        document["restart"].clone()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        for child in self.others.iter_mut().chain([&mut self.holder]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Starts something that turns into a copy of cat; when a line has come back, it has.
fn started(command: &mut Command) -> Child {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"here\n").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "here\n", "{command:?}: these tests run as root");
    child
}
