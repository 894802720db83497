//! Writers that live for less than a millisecond, of each kind there is: who wrote is told from both of the kernel's
//! queues, when nobody is left to be looked at. It takes root, and a kernel that tells.

use std::collections::BTreeMap;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::fanotify::{EventFFlags, Fanotify, InitFlags, MarkFlags, MaskFlags};

use super::super::{Lineage, Sources};
use crate::host::Host;
use crate::host::actor::{Actor, Looks};
use crate::sys::process_events::ProcessEvents;
use crate::watch::files::updates::Recognised;
use crate::watch::files::who::{Executed, Who as _};

/// What a written file's name says of its writer, and who was told to have written it.
struct Written {
    name: String,
    actor: Arc<Actor>,
}

struct Rig {
    folder: tempfile::TempDir,
    group: Fanotify,
    lineage: Lineage,
    /// How long the reader sleeps before it reads.
    delay: Duration,
}

impl Rig {
    /// None where the kernel does not let us.
    fn new(delay: Duration) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let flags = InitFlags::FAN_CLASS_NOTIF
            | InitFlags::FAN_NONBLOCK
            | InitFlags::FAN_CLOEXEC
            | InitFlags::FAN_UNLIMITED_QUEUE;
        let group = Fanotify::init(flags, EventFFlags::O_RDONLY | EventFFlags::O_CLOEXEC).ok()?;
        for place in [folder.path(), Path::new("/usr/bin/env")] {
            let mask = MaskFlags::FAN_OPEN_EXEC | MaskFlags::FAN_CLOSE_WRITE;
            group
                .mark(
                    MarkFlags::FAN_MARK_ADD | MarkFlags::FAN_MARK_FILESYSTEM,
                    mask,
                    std::io::stdin(),
                    Some(place),
                )
                .ok()?;
        }
        let host = Arc::new(Host::at("/").unwrap());
        let (looks, pids) = (Looks::new(Arc::clone(&host)), Looks::new(host));
        let sources = Sources {
            events: Some(ProcessEvents::listen().ok()?),
            look: Box::new(move |pid| looks.at(pid)),
            pids: Box::new(move || pids.pids()),
        };
        let lineage = Lineage::start(sources, Recognised::default());
        Some(Self { folder, group, lineage, delay })
    }

    /// A program of ours; written before anything is counted.
    fn compile(&self, name: &str, source: &str) -> PathBuf {
        let tools = self.folder.path().join("tools");
        std::fs::create_dir_all(&tools).unwrap();
        let (code, program) = (tools.join(format!("{name}.c")), tools.join(name));
        std::fs::write(&code, source).unwrap();
        assert!(Command::new("cc").args(["-O1", "-o"]).args([&program, &code]).status().unwrap().success());
        program
    }

    /// Reads until so many files were written, and then somewhat, and asks who did it each time.
    fn read(&mut self, count: usize) -> Vec<Written> {
        let (mut written, mut end) = (Vec::new(), Instant::now() + PATIENCE);
        let out = self.folder.path().join("out");
        while written.len() < count {
            assert!(Instant::now() < end, "{} of {count}", written.len());
            poll(&mut [PollFd::new(self.group.as_fd(), PollFlags::POLLIN)], PollTimeout::from(1000_u16))
                .unwrap();
            std::thread::sleep(self.delay);
            let mut marks = Vec::new();
            while let Ok(events) = self.group.read_events() {
                for event in events {
                    let fd = event.fd().unwrap();
                    let path = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap();
                    let pid = u32::try_from(event.pid()).unwrap();
                    if event.mask().contains(MaskFlags::FAN_OPEN_EXEC) {
                        let meta = std::fs::File::from(fd.try_clone_to_owned().unwrap()).metadata().unwrap();
                        let path = path.into_os_string().into_vec();
                        self.lineage.executed(pid, Executed { path, device: meta.dev(), inode: meta.ino() });
                    } else {
                        let mark = self.lineage.mark(pid, None);
                        if path.parent() == Some(&out) {
                            marks.push((path.file_name().unwrap().to_str().unwrap().to_owned(), mark));
                        }
                    }
                }
            }
            self.lineage.drain();
            for (name, mark) in marks {
                let actor = self.lineage.actor(&mark).unwrap();
                written.push(Written { name, actor });
                end = Instant::now() + PATIENCE;
            }
        }
        written
    }
}

/// Runs `writers` in the background, and gives the share of `count` files whose writer was told right: each file is
/// called `uid.pid`.
fn share(rig: &mut Rig, count: usize, program: &str, writers: impl FnOnce(PathBuf) + Send) -> f64 {
    let out = rig.folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::set_permissions(&out, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let written = std::thread::scope(|scope| {
        let place = out.clone();
        let running = scope.spawn(move || writers(place));
        let written = rig.read(count);
        running.join().unwrap();
        written
    });
    std::fs::remove_dir_all(&out).unwrap();
    assert_eq!(rig.lineage.overruns(), 0);
    let mut wrong: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for Written { name, actor } in &written {
        let mut parts = name.split('.');
        let uid: u32 = parts.next().unwrap().parse().unwrap();
        let pid: u32 = parts.next().unwrap().parse().unwrap();
        let path = actor.program.as_ref().map(|of| String::from_utf8_lossy(&of.path).into_owned());
        let is_program = path.as_deref().is_some_and(|path| path.ends_with(program));
        let what = format!(
            "pid {} program {} uid {}",
            actor.pid == pid,
            is_program,
            actor.uid == Some(uid) && actor.euid == Some(uid)
        );
        let of = wrong.entry(what).or_insert_with(|| (0, format!("{name} {actor:?}")));
        of.0 += 1;
    }
    let right = wrong.remove("pid true program true uid true").map_or(0, |(count, _)| count);
    eprintln!("{program}: {right} of {} right; wrong: {wrong:#?}", written.len());
    right as f64 / written.len() as f64
}

/// Without a single file.
const PATIENCE: Duration = Duration::from_secs(120);

const WRITER: &str = r#"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.%d", argv[1], (int)getuid(), (int)getpid());
    close(open(path, O_WRONLY | O_CREAT, 0644));
    return 0;
}
"#;

/// Forks children that write and end; every second one is another user by then.
const FORKER: &str = r#"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv) {
    int count = atoi(argv[2]);
    for (int i = 0; i < count; i++) {
        if (fork() == 0) {
            char path[4096];
            if (i % 2 && setuid(65534)) return 1;
            snprintf(path, sizeof path, "%s/%d.%d", argv[1], (int)getuid(), (int)getpid());
            close(open(path, O_WRONLY | O_CREAT, 0644));
            _exit(0);
        }
        if (i % 4 == 3) while (wait(0) > 0) ;
    }
    while (wait(0) > 0) ;
    return 0;
}
"#;

fn executed(rig: &mut Rig, count: usize) -> f64 {
    let program = rig.compile("writer", WRITER);
    share(rig, count, "/writer", move |out| {
        for at in 0..count {
            let mut command = Command::new(&program);
            command.arg(&out);
            if at % 2 == 1 {
                command.uid(65534);
            }
            assert!(command.status().unwrap().success());
        }
    })
}

fn forked(rig: &mut Rig, count: usize) -> f64 {
    let program = rig.compile("forker", FORKER);
    share(rig, count, "/forker", move |out| {
        assert!(Command::new(&program).arg(&out).arg(count.to_string()).status().unwrap().success());
    })
}

fn subshells(rig: &mut Rig, count: usize) -> f64 {
    let shell = std::fs::canonicalize("/bin/sh").unwrap();
    let script = r#"i=0; while [ $i -lt $1 ]; do (read pid rest < /proc/self/stat; : > "$0/0.$pid") & i=$((i+1)); [ $((i%8)) -eq 0 ] && wait; done; wait"#;
    share(rig, count, shell.to_str().unwrap(), move |out| {
        assert!(
            Command::new("/bin/sh")
                .args(["-c", script])
                .arg(&out)
                .arg(count.to_string())
                .status()
                .unwrap()
                .success()
        );
    })
}

fn all_kinds(count: usize, delay: Duration) {
    let Some(mut rig) = Rig::new(delay) else { return };
    for kind in [executed, forked, subshells] {
        let share = kind(&mut rig, count);
        assert!(share > 0.999, "{share}");
    }
}

#[test]
fn writers_that_are_gone_are_told_right() {
    all_kinds(2_000, Duration::ZERO);
}

#[test]
fn a_reader_that_comes_late_tells_them_as_well() {
    all_kinds(2_000, Duration::from_millis(20));
}

#[test]
#[ignore = "takes minutes"]
fn a_hundred_thousand_writers_are_told_right() {
    all_kinds(100_000, Duration::from_millis(1));
}
