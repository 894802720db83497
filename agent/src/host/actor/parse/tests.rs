//! Literal samples, random bytes, and ps(1) as a second opinion.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::host::Host;
use crate::host::actor::{Details, Looks};

#[test]
fn a_name_with_a_parenthesis_does_not_shift_the_fields() {
    let stat = b"7 (a) b) S 6 7 7 34816 -1 4194308 2 3 4 5 6 7 8 9 20 0 1 0 4242 0 0";
    assert_eq!(Stat::parse(stat), Some(Stat { parent: 6, terminal: 34816, began: 4242 }));
    assert_eq!(Stat::parse(b"7 (a) S 6"), None);
}

#[test]
fn the_first_two_ids_are_the_real_and_the_effective_one() {
    assert_eq!(
        Ids::parse(b"Name:\tx\nUid:\t1000\t0\t0\t0\nGid:\t5\t5\t5\t5\n"),
        Some(Ids { real: 1000, effective: 0 })
    );
    assert_eq!(Ids::parse(b"Uid:\t1000\n"), None);
    assert_eq!(login_uid(b"1000"), Some(1000));
    assert_eq!(login_uid(b"4294967295"), None);
    assert_eq!(booted(b"cpu 1 2\nbtime 1700000000\nprocesses 9\n"), Some(1_700_000_000));
}

#[test]
fn arguments_are_told_with_blanks_and_without_control_bytes() {
    let command = |line: &[u8]| command(line).map(|text| text.as_str().to_owned());
    assert_eq!(command(b"sh\0-c\0a b\0").unwrap(), "sh -c a b");
    assert_eq!(command(b"x\0\x1b[2J\n\0\0").unwrap(), "x \\x1b[2J\\n");
    assert_eq!(command(b""), None);
    assert_eq!(command(b"\0\0"), None);
}

#[test]
fn a_terminals_number_has_a_name() {
    for (number, name) in [
        (0, None),
        (0x8800, Some("pts/0")),
        (0x8805, Some("pts/5")),
        (0x0010_8801, Some("pts/257")),
        (0x8902, Some("pts/258")),
        (0x0401, Some("tty1")),
        (0x0440, Some("ttyS0")),
        (0xcc40, Some("ttyAMA0")),
        (0xe500, Some("hvc0")),
        (0x0502, Some("5:2")),
    ] {
        assert_eq!(terminal(number).as_ref().map(Text::as_str), name, "{number:#x}");
    }
}

#[test]
fn an_ssh_connection_is_an_address_and_a_port_or_nothing() {
    let ssh = |environ: &[u8]| ssh(environ).map(|text| text.as_str().to_owned());
    assert_eq!(
        ssh(b"A=1\0SSH_CONNECTION=203.0.113.9 51234 10.0.0.5 22\0").unwrap(),
        "203.0.113.9 port 51234"
    );
    assert_eq!(ssh(b"SSH_CONNECTION=fe80::1%eth0 5 fe80::2%eth0 22").unwrap(), "fe80::1%eth0 port 5");
    for none in [
        &b"A=SSH_CONNECTION=1.2.3.4 5 6 7\0"[..],
        b"SSH_CONNECTION=",
        b"SSH_CONNECTION=me 1 2 3",
        b"SSH_CONNECTION=1.2.3.4 x",
    ] {
        assert_eq!(ssh(none), None, "{}", none.escape_ascii());
    }
}

#[test]
fn a_containers_id_is_in_the_control_groups_path() {
    let id = "0123456789abcdef".repeat(4);
    let task = "0123456789abcdef".repeat(2);
    let of = |path: &str| container(path.as_bytes()).map(|text| text.as_str().to_owned());
    for path in [
        format!("0::/system.slice/docker-{id}.scope\n"),
        format!("12:pids:/docker/{id}\n1:name=systemd:/docker/{id}\n"),
        format!("0::/kubepods/burstable/pod7c1d2a8e-1f2b-4c3d-8e9f-001122334455/{id}"),
        format!("0::/kubepods.slice/kubepods-pod7c1d.slice/cri-containerd-{id}.scope"),
        format!("0::/kubepods.slice/kubepods-besteffort.slice/crio-{id}.scope/container"),
        format!("0::/machine.slice/libpod-{id}.scope"),
        format!("4:memory:/ecs/{task}/{id}"),
        format!("0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{id}.scope/container"),
    ] {
        assert_eq!(of(&path).as_deref(), Some(id.as_str()), "{path}");
    }
    assert_eq!(of("0::/lxc.payload.web/system.slice/cron.service").unwrap(), "web");
    assert_eq!(of("9:cpu:/lxc/web").unwrap(), "web");
    for path in
        ["0::/", "0::/system.slice/ssh.service", "0::/docker/short", "", "0::/user.slice/session-3.scope"]
    {
        assert_eq!(of(path), None, "{path}");
    }
}

#[test]
fn ps_says_the_same_of_our_own_processes() {
    let host = Host::at("/").unwrap();
    let looks = Looks::new(&host);
    let mut sleep = Command::new("sleep");
    let mut child = sleep.arg("300").env("SSH_CONNECTION", "192.0.2.7 40000 10.0.0.1 22").spawn().unwrap();
    // Whoever spawns it goes on just before the kernel is done with executing it.
    let is_whole = |of: &Details| of.command.as_ref().is_some_and(|command| command.as_str() == "sleep 300");
    let end = Instant::now() + Duration::from_secs(60);
    while !looks.at(child.id()).as_ref().is_some_and(is_whole) {
        assert!(Instant::now() < end);
        std::thread::yield_now();
    }
    for pid in [child.id(), std::process::id()] {
        let (ours, theirs) = (looks.at(pid).unwrap(), ps(pid));
        assert_eq!(ours.parent.to_string(), theirs["ppid"]);
        assert_eq!(ours.uid.to_string(), theirs["ruid"]);
        assert_eq!(ours.euid.to_string(), theirs["euid"]);
        assert_eq!(ours.terminal.as_ref().map_or("?", Text::as_str), theirs["tty"]);
        // Of the command it has fewer blanks here.
        let command = ours.command.unwrap();
        assert!(command.as_str().starts_with(&theirs["args"]), "{command} {theirs:?}");
        let began: i64 = ours.began.unwrap().as_second();
        let age: i64 = theirs["etimes"].parse().unwrap();
        let off = (jiff::Timestamp::now().as_second() - began - age).abs();
        assert!(off < 120, "{off} seconds between two ways to tell when it began");
        let file = std::fs::metadata(format!("/proc/{pid}/exe")).unwrap();
        let program = ours.program.unwrap();
        assert_eq!((program.device, program.inode), (file.dev(), file.ino()));
    }
    let details = looks.at(child.id()).unwrap();
    assert_eq!(details.ssh.unwrap().as_str(), "192.0.2.7 port 40000");
    assert_eq!(details.command.unwrap().as_str(), "sleep 300");
    assert!(details.program.unwrap().path.ends_with(b"/sleep"));
    assert!(looks.pids().contains(&child.id()));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(looks.at(child.id()), None);
}

fn ps(pid: u32) -> BTreeMap<&'static str, String> {
    let names = ["stat", "ppid", "ruid", "euid", "tty", "etimes", "args"];
    let output = Command::new("ps")
        .args(["-o", "stat=,ppid=,ruid=,euid=,tty=,etimes=,args=", "-p", &pid.to_string()])
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    names.into_iter().zip(output.split_whitespace().map(str::to_owned)).collect()
}

proptest! {
    #[test]
    fn no_bytes_of_proc_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = (Stat::parse(&bytes), Ids::parse(&bytes), login_uid(&bytes), booted(&bytes));
        let _ = (command(&bytes), ssh(&bytes), container(&bytes));
    }

    #[test]
    fn no_path_and_no_number_makes_it_panic(path in "[0-9a-f/:.\\-]{0,200}", number in any::<u32>()) {
        let _ = (container(path.as_bytes()), terminal(number));
        let _ = ssh(format!("SSH_CONNECTION={path}").as_bytes());
    }
}
