//! What a test holds: a running guest that runs its scripts, takes its files, and can be broken in every way.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::agent::{Agent, Ended};
use crate::image::Image;
use crate::qemu::{Begin, Machine, PAYLOAD, Qemu, STATE};
use crate::shell::run;
use crate::snapshot::{BOOT, INSTANCE, MEMORY, ROOT, Snapshot, blank, copy, overlay};
use crate::suite::Suite;

/// A guest on the calling thread's network (`network::inside`).
#[derive(Debug)]
pub struct Guest {
    image: Image,
    directory: TempDir,
    instance: String,
    /// `None` while it is off.
    on: RefCell<Option<On>>,
}

#[derive(Debug)]
struct On {
    qemu: Qemu,
    agent: Agent,
}

impl Guest {
    /// One that has been up for a while.
    pub fn running(suite: Suite) -> Self {
        let image = Image::of(suite);
        let snapshot = Snapshot::booted(&image);
        Self::resumed(suite, &snapshot)
    }

    /// A saved one that goes on, with today's time and its own randomness.
    pub fn resumed(suite: Suite, snapshot: &Snapshot) -> Self {
        let guest = Self::off(Image::of(suite), &snapshot.root(), "qcow2", INSTANCE);
        guest.start(Begin::Resume(&snapshot.memory()));
        guest.set_clock(SystemTime::now());
        // RNDRESEEDCRNG of random(4), after some of the host's own: two guests of one snapshot would else draw the same.
        let seed = STANDARD.encode(random());
        guest.sh(&format!(
            "echo {seed} | perl -e 'open(my $f, \">\", \"/dev/urandom\"); print $f <STDIN>; $f->flush; \
             ioctl($f, 0x5207, 0) or die' -MIO::Handle"
        ));
        guest
    }

    /// Its memory and its root disk, for guests that go on from here.
    pub(crate) fn save(self, place: &Path) {
        // What a test will read from the other disks must not be what is in the cache now.
        self.sh("udevadm settle; sync; for disk in /dev/vdb /dev/vdc; do blockdev --flushbufs $disk; done");
        self.monitor("stop", &json!({}));
        self.monitor("migrate-set-parameters", &json!({ "max-bandwidth": 10_000_000_000_u64 }));
        self.monitor("migrate", &json!({ "uri": format!("exec:cat > '{}'", place.join(MEMORY).display()) }));
        self.wait_for("end of saving", BOOT, || {
            (self.monitor("query-migrate", &json!({}))["status"] == "completed").then_some(())
        });
        self.monitor("quit", &json!({}));
        self.on.borrow_mut().take().expect("a guest that is on").qemu.wait(BOOT);
        copy(&self.root(), &place.join(ROOT));
    }

    /// One of a disk's own, which is switched off; [`Guest::boot`] starts it.
    pub fn of_disk(suite: Suite, disk: &Path, instance: &str) -> Self {
        Self::off(Image::of(suite), disk, "qcow2", instance)
    }

    /// A bare one that boots, as when an instance is launched.
    pub fn launched(suite: Suite) -> Self {
        let image = Image::of(suite);
        let root = image.root();
        let guest = Self::off(image, &root, "raw", INSTANCE);
        guest.boot();
        guest
    }

    fn off(image: Image, base: &Path, format: &str, instance: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("guest-").tempdir().expect("a directory for a guest");
        let guest = Self { image, directory, instance: instance.to_owned(), on: RefCell::new(None) };
        overlay(&guest.root(), base, format);
        blank(&guest.own("payload"), PAYLOAD);
        blank(&guest.own("state"), STATE);
        guest
    }

    /// Its root disk, for another guest to be made of once this one is off.
    pub fn root(&self) -> PathBuf {
        self.own(ROOT)
    }

    pub fn suite(&self) -> Suite {
        self.image.suite
    }

    fn own(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Switches it on; how long it was until its agent answered.
    pub fn boot(&self) -> Duration {
        let began = Instant::now();
        self.start(Begin::Boot);
        began.elapsed()
    }

    fn start(&self, begin: Begin<'_>) {
        let (root, payload, state) = (self.root(), self.own("payload"), self.own("state"));
        let machine = Machine {
            image: &self.image,
            root: &root,
            payload: &payload,
            state: &state,
            instance: &self.instance,
            begin,
        };
        assert!(self.on.borrow().is_none(), "the guest is on already");
        let mut qemu = Qemu::start(&machine, self.directory.path());
        if matches!(begin, Begin::Resume(_)) {
            qemu.qmp.leave("inmigrate");
            qemu.qmp.must("cont", &json!({}));
        }
        let agent = qemu
            .agent(BOOT)
            .unwrap_or_else(|error| panic!("the guest does not answer: {error}\n{}", self.console_tail()));
        *self.on.borrow_mut() = Some(On { qemu, agent });
    }

    /// Pulls the plug. What the guest had not flushed to its disk is gone.
    pub fn cut_power(&self) {
        let on = self.on.borrow_mut().take().expect("a guest that is on");
        on.qemu.kill();
    }

    /// Orderly, with all its services stopped.
    pub fn power_off(&self) {
        let On { qemu, mut agent } = self.on.borrow_mut().take().expect("a guest that is on");
        // Its agent goes down with it, and may not answer any more.
        let _ = agent.sh("systemctl poweroff --no-block", Duration::from_secs(20));
        qemu.wait(BOOT);
    }

    /// Off and on again, by the guest's own hand.
    pub fn reboot(&self) -> Duration {
        self.power_off();
        self.boot()
    }

    /// Runs a script as root; it must succeed. What it printed, without the last newline.
    pub fn sh(&self, script: &str) -> String {
        let ended = self.try_sh(script);
        assert!(
            ended.code == 0,
            "in the guest: {script}\nended with {}:\n{}{}",
            ended.code,
            ended.stdout,
            ended.stderr
        );
        ended.stdout.trim_end().to_owned()
    }

    /// Runs a script as root, whatever comes of it.
    pub fn try_sh(&self, script: &str) -> Ended {
        self.try_sh_for(script, PATIENCE).unwrap_or_else(|error| panic!("in the guest: {script}: {error}"))
    }

    /// The same with another deadline, and where the guest may be in no state to answer.
    pub fn try_sh_for(&self, script: &str, patience: Duration) -> io::Result<Ended> {
        let mut on = self.on.borrow_mut();
        on.as_mut().expect("a guest that is on").agent.sh(script, patience)
    }

    /// Asks again until the answer is there; what for, in words, where it never is.
    pub fn wait_for<T>(&self, what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
        let until = Instant::now() + within;
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            assert!(Instant::now() < until, "no {what} within {} s", within.as_secs());
            std::thread::sleep(PAUSE);
        }
    }

    /// A small file.
    pub fn write(&self, path: &str, text: &str) {
        let text = STANDARD.encode(text);
        self.sh(&format!("mkdir -p \"$(dirname '{path}')\" && echo {text} | base64 -d > '{path}'"));
    }

    /// Files of the host, however large, into a directory of the guest. They travel on a disk of their own.
    pub fn bring(&self, files: &[&Path], directory: &str) {
        let tar = self.own("payload.tar");
        let mut command = Command::new("tar");
        command.arg("-cf").arg(&tar);
        for file in files {
            let parent = file.parent().unwrap_or(Path::new("/"));
            command.arg("-C").arg(parent).arg(file.file_name().expect("a file's name"));
        }
        run(&mut command);
        let mut disk = File::options().write(true).open(self.own("payload")).expect("the guest's disk");
        let copied =
            io::copy(&mut File::open(&tar).expect("what we wrote"), &mut disk).expect("the guest's disk");
        assert!(copied <= PAYLOAD, "more than the disk holds");
        disk.flush().expect("the guest's disk");
        let _ = fs::remove_file(&tar);
        self.sh(&format!(
            "mkdir -p '{directory}' && dd if=/dev/vdb iflag=direct bs=1M status=none | tar -xf - -C '{directory}'"
        ));
    }

    /// The cable, pulled or plugged in.
    pub fn link(&self, is_up: bool) {
        self.monitor("set_link", &json!({ "name": "nic", "up": is_up }));
    }

    /// The disk `/dev/vdc` answers each write with an error, or no longer does.
    pub fn break_disk(&self, is_broken: bool) {
        if is_broken {
            let error = json!([{ "event": "none", "iotype": "write", "errno": 5 }]);
            self.monitor(
                "blockdev-add",
                &json!({ "driver": "blkdebug", "node-name": "broken", "image": "state-file", "inject-error": error }),
            );
        }
        let below = if is_broken { "broken" } else { "state-file" };
        self.monitor(
            "blockdev-reopen",
            &json!({ "options": [{ "driver": "raw", "node-name": "state", "file": below }] }),
        );
        if !is_broken {
            self.monitor("blockdev-del", &json!({ "node-name": "broken" }));
        }
    }

    /// A command of QEMU's monitor, for what has no function here.
    pub fn monitor(&self, command: &str, arguments: &Value) -> Value {
        self.on.borrow_mut().as_mut().expect("a guest that is on").qemu.qmp.must(command, arguments)
    }

    pub fn set_clock(&self, time: SystemTime) {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
        self.sh(&format!("date -s @{}.{:03} > /dev/null", since.as_secs(), since.subsec_millis()));
    }

    /// What its kernel and its services said on the console, since it was made.
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.own("console.log")).unwrap_or_default()).into_owned()
    }

    fn console_tail(&self) -> String {
        let console = self.console();
        let lines: Vec<&str> = console.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Guest {
    /// Whoever reads of a failure has the guest's own words.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let name = std::thread::current().name().unwrap_or("test").replace([':', '/', ' '], "_");
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/vm-failures").join(name);
        let _ = fs::create_dir_all(&place);
        for name in ["console.log", "qemu.err"] {
            let _ = fs::copy(self.own(name), place.join(name));
        }
        let journal = self.on.get_mut().as_mut().and_then(|on| {
            on.agent.sh("journalctl -b --no-pager -o short-precise -n 2000", Duration::from_secs(20)).ok()
        });
        let journal = journal.map(|ended| ended.stdout).unwrap_or_default();
        let _ = fs::write(place.join("journal"), &journal);
        let lines: Vec<&str> = journal.lines().collect();
        let last = lines[lines.len().saturating_sub(40)..].join("\n");
        let _ = writeln!(
            io::stderr(),
            "the guest's console ended with:\n{}\nits journal with:\n{last}\nmore in {}",
            self.console_tail(),
            place.display()
        );
    }
}

fn random() -> [u8; 64] {
    let mut bytes = [0; 64];
    io::Read::read_exact(&mut File::open("/dev/urandom").expect("randomness"), &mut bytes)
        .expect("randomness");
    bytes
}

/// Between two questions; each is a process that an emulated guest has to start.
const PAUSE: Duration = Duration::from_millis(500);
/// For a script in the guest; whatever takes longer says so.
const PATIENCE: Duration = Duration::from_secs(300);
