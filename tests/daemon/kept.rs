//! The service manager keeps the watches of a sensor that dies, and hands them to the next.

use std::fs;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::Duration;

use rustix::cmsg_space;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::rig::{ROOTS, Rig, SELDOM, until};
use super::watched::{EVENTS_ALONE, of_path, watching};

#[test]
fn what_changed_while_the_sensor_was_dead_is_in_the_queue_that_was_kept() {
    let mut rig = Rig::with_etc(&[ROOTS], SELDOM);
    let manager = Manager::of(&mut rig);
    let sensor = rig.start("run");
    let kept = manager.wait_for("FDSTORE=1\nFDNAME=inputs\n");
    rig.wait_for_first_look();
    sensor.kill();
    rig.append_to_etc("passwd", "toor:x:0:0::/root:/bin/sh\n");

    let from = rig.records().len() as u64 + 1;
    let _sensor = rig.spawn(&mut handed(&rig, kept, "inputs"), "run");
    // The first look after a start is at everything. That one at the changed topic follows is what the queue told.
    rig.record_from(from, "the new account is told", |record| record["body"]["check"] == ROOTS);
    rig.sensor_until("the change that waited is looked at", |sensor| sensor["last_look"]["whole"] == false);
    let heard = manager.heard();
    let is_of_it = |message: &String| message.starts_with("FDSTORE") && message.contains("FDNAME=inputs");
    assert!(
        !heard.iter().any(is_of_it),
        "it is the manager's still, and is neither given again nor forgotten"
    );

    let before = rig.records().len() as u64 + 1;
    let passwd = fs::read_to_string(rig.etc("passwd")).unwrap();
    fs::write(rig.etc("passwd"), passwd.replace("toor:x:0:", "toor:x:4000:")).unwrap();
    rig.record_from(before, "changes are still noticed", |record| record["body"]["change"] == "resolved");
}

#[test]
fn who_changed_a_file_while_the_sensor_was_dead_is_in_the_queue_that_was_kept() {
    let (mut rig, watched) = watching(&["one"], EVENTS_ALONE);
    let manager = Manager::of(&mut rig);
    let sensor = rig.start("run");
    let kept = manager.wait_for("FDSTORE=1\nFDNAME=files\n");
    rig.sensor_until("it watches", |sensor| sensor["files"]["live"]["state"] == "watching");
    sensor.kill();
    fs::write(watched.join("one"), "while nobody lives").unwrap();

    let _sensor = rig.spawn(&mut handed(&rig, kept, "files"), "run");
    let body = of_path(&rig, &watched.join("one"), "new")["body"].clone();
    assert_eq!(
        (&body["seen"], &body["actor"]["pid"]),
        (&"event".into(), &std::process::id().into()),
        "{body:#}"
    );
}

#[test]
fn a_descriptor_that_is_something_else_is_refused_and_told() {
    let mut rig = Rig::new(&[ROOTS], SELDOM);
    let manager = Manager::of(&mut rig);
    for name in ["inputs", "files", "strange"] {
        let (ours, theirs) = std::io::pipe().unwrap();
        let from = recorded(&rig).len() as u64 + 1;
        let sensor = rig.spawn(&mut handed(&rig, theirs.into(), name), "run");
        until("it says so", || {
            let said = |record: &&serde_json::Value| {
                let reason = record["body"]["reason"].as_str().unwrap_or_default();
                record["seq"].as_u64() >= Some(from)
                    && reason.contains("handed over")
                    && reason.contains(name)
            };
            recorded(&rig).iter().find(said).map(|_| ())
        });
        manager.wait_for(&format!("FDSTOREREMOVE=1\nFDNAME={name}\n"));
        drop(manager.wait_for("FDSTORE=1\nFDNAME=inputs\n"));
        let mut ours = ours;
        assert_eq!(std::io::Read::read(&mut ours, &mut [0]).unwrap(), 0, "closed");
        sensor.stop();
    }
}

/// What is recorded; nothing where no sensor has begun to.
fn recorded(rig: &Rig) -> Vec<serde_json::Value> {
    if rig.state().join("journal").exists() { rig.records() } else { Vec::new() }
}

/// `guestward run` that is handed a descriptor as sd_listen_fds(3) has it.
fn handed(rig: &Rig, descriptor: OwnedFd, name: &str) -> std::process::Command {
    let program = env!("CARGO_BIN_EXE_guestward");
    let mut command = rig.command_of("sh");
    command.args(["-c", "LISTEN_PID=$$ exec \"$0\" run 3<&0 0</dev/null", program]);
    command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", name).stdin(Stdio::from(descriptor));
    command
}

struct Manager(UnixDatagram);

impl Manager {
    fn of(rig: &mut Rig) -> Self {
        let path = rig.folder().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        rig.set("NOTIFY_SOCKET", path.to_str().unwrap());
        Self(socket)
    }

    /// The descriptor that comes with this message; where none does, /dev/null.
    fn wait_for(&self, wanted: &str) -> OwnedFd {
        for _ in 0..200 {
            let (message, with) = self.receive(RecvFlags::empty()).unwrap_or_else(|| panic!("no {wanted:?}"));
            if message == wanted {
                return with.unwrap_or_else(|| fs::File::open("/dev/null").unwrap().into());
            }
        }
        panic!("never {wanted:?}");
    }

    /// What has been said up to now.
    fn heard(&self) -> Vec<String> {
        std::iter::from_fn(|| self.receive(RecvFlags::DONTWAIT)).map(|(message, _)| message).collect()
    }

    fn receive(&self, flags: RecvFlags) -> Option<(String, Option<OwnedFd>)> {
        let (mut bytes, mut space) = ([0; 4096], [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))]);
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = flags | RecvFlags::CMSG_CLOEXEC;
        let received = recvmsg(&self.0, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, flags).ok()?;
        let with = ancillary.drain().find_map(|with| match with {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        Some((String::from_utf8(bytes[..received.bytes].to_vec()).unwrap(), with))
    }
}
