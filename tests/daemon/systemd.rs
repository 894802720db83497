//! What the service manager is told: sd_notify(3), systemd.service(5).

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};

use super::rig::{ROOTS, Rig, SELDOM};

#[test]
fn the_service_manager_is_told_of_the_start_each_reload_its_life_and_the_end() {
    let mut rig = Rig::new(&[ROOTS], SELDOM);
    let socket = rig.folder().join("notify");
    let manager = Manager(UnixDatagram::bind(&socket).unwrap());
    manager.0.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    rig.set("NOTIFY_SOCKET", socket.to_str().unwrap());
    rig.set("WATCHDOG_USEC", "2000000");
    let before = micros();
    let sensor = rig.spawn(&mut rig.command(&["run"]), "run");
    manager.wait_for("READY=1");
    assert!(
        rig.records().iter().any(|record| record["body"]["event"] == "start"),
        "ready before it recorded that"
    );
    for _ in 0..3 {
        manager.wait_for("WATCHDOG=1");
    }

    sensor.signal(Signal::SIGHUP);
    let reloading = manager.wait_for("RELOADING=1");
    let at = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
    assert!((before..micros()).contains(&at.parse::<u128>().unwrap()), "{reloading}");
    manager.wait_for("READY=1");

    sensor.signal(Signal::SIGTERM);
    manager.wait_for("STOPPING=1");
    sensor.stop();
}

struct Manager(UnixDatagram);

impl Manager {
    /// The next message with this line.
    fn wait_for(&self, line: &str) -> String {
        let mut buffer = [0; 4096];
        for _ in 0..200 {
            let length = self.0.recv(&mut buffer).unwrap_or_else(|error| panic!("no {line}: {error}"));
            let message = String::from_utf8(buffer[..length].to_vec()).unwrap();
            if message.lines().any(|other| other == line) {
                return message;
            }
        }
        panic!("never {line}");
    }
}

fn micros() -> u128 {
    Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap()).as_micros()
}
