//! An image booted once and saved with its memory: a test has a running guest within two seconds.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cache;
use crate::image::{Image, say};
use crate::network;
use crate::qemu::{Begin, Machine, PAYLOAD, Qemu, STATE};
use crate::shell::run;

/// A saved machine in the cache.
#[derive(Debug, Clone)]
pub struct Snapshot {
    place: PathBuf,
}

impl Snapshot {
    /// Of this image; made where the cache does not have it yet.
    pub fn of(image: &Image) -> Self {
        let name = image.place.to_string_lossy().into_owned();
        let kind = format!("running-{}", image.suite);
        let ingredients: [&[u8]; 3] = [name.as_bytes(), RECIPE.as_bytes(), network::GUEST.as_bytes()];
        let place =
            cache::entry(&kind, &ingredients, |place| network::inside("snapshot", || make(image, place)));
        Self { place }
    }

    pub fn memory(&self) -> PathBuf {
        self.place.join("memory")
    }

    pub fn root(&self) -> PathBuf {
        self.place.join("root.qcow2")
    }
}

fn make(image: &Image, place: &Path) {
    let began = Instant::now();
    let [root, payload, state] = ["root.qcow2", "payload", "state"].map(|name| place.join(name));
    overlay(&root, &image.root(), "raw");
    blank(&payload, PAYLOAD);
    blank(&state, STATE);
    let machine = Machine {
        image,
        root: &root,
        payload: &payload,
        state: &state,
        instance: INSTANCE,
        begin: Begin::Boot,
    };
    let mut qemu = Qemu::start(&machine, place);
    let mut agent = qemu.agent(BOOT).unwrap_or_else(|error| {
        let console = fs::read_to_string(place.join("console.log")).unwrap_or_default();
        panic!("{} does not boot: {error}\n{console}", image.suite)
    });
    // What a test will read from the other disks must not be what is in the cache now.
    let settle =
        "systemctl is-system-running --wait; udevadm settle; sync; echo 3 > /proc/sys/vm/drop_caches";
    let ended = agent.sh(settle, BOOT).unwrap_or_else(|error| panic!("{}: {error}", image.suite));
    let failed = || agent_says(&qemu, "systemctl --failed");
    assert!(ended.stdout.starts_with("running"), "{} is {}\n{}", image.suite, ended.stdout, failed());
    qemu.qmp.must("stop", &json!({}));
    qemu.qmp.must("migrate-set-parameters", &json!({ "max-bandwidth": 10_000_000_000_u64 }));
    let memory = place.join("memory");
    qemu.qmp.must("migrate", &json!({ "uri": format!("exec:cat > '{}'", memory.display()) }));
    let until = Instant::now() + BOOT;
    while qemu.qmp.must("query-migrate", &json!({}))["status"] != "completed" {
        assert!(Instant::now() < until, "the memory of {} is not saved", image.suite);
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = qemu.qmp.call("quit", &json!({}));
    qemu.wait(BOOT);
    let _ = (fs::remove_file(payload), fs::remove_file(state));
    say(&format!("{} is booted and saved, after {} s", image.suite, began.elapsed().as_secs()));
}

fn agent_says(qemu: &Qemu, script: &str) -> String {
    let said = qemu.agent(BOOT).and_then(|mut agent| agent.sh(script, BOOT));
    said.map(|ended| ended.stdout).unwrap_or_default()
}

/// A disk that holds what is written over another.
pub(crate) fn overlay(path: &Path, base: &Path, format: &str) {
    run(Command::new("/usr/bin/qemu-img")
        .args(["create", "-q", "-f", "qcow2", "-F", format, "-b"])
        .args([base, path]));
}

/// A disk without anything on it.
pub(crate) fn blank(path: &Path, size: u64) {
    File::create(path).and_then(|file| file.set_len(size)).expect("a disk");
}

/// Who the guests of all tests are, unless one says otherwise.
pub const INSTANCE: &str = "i-0123456789abcdef0";
/// Nine seconds on a quiet machine.
pub(crate) const BOOT: Duration = Duration::from_secs(240);

const RECIPE: &str = concat!(include_str!("snapshot.rs"), include_str!("qemu.rs"));
