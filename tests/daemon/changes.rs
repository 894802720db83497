//! What a check depends on changes, and the change is told at once: the policy here looks once an hour by itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use nix::sys::signal::Signal;

use super::rig::{ROOTS, Rig, SELDOM};

#[test]
fn an_account_that_becomes_root_is_told_when_it_goes_and_when_it_comes_back() {
    let rig = Rig::with_etc(&[ROOTS], SELDOM);
    let _sensor = rig.start("run");
    rig.wait_for_first_look();
    let plain = fs::read_to_string(rig.etc("passwd")).unwrap();
    let changed = format!("{plain}toor:x:0:0::/root:/bin/sh\n");
    let mut from = 1;
    let mut since = Vec::new();
    for (text, change) in [(&changed, "new"), (&plain, "resolved"), (&changed, "reopened")] {
        // As an editor does it: a new file in the place of the old one.
        fs::write(rig.etc("passwd.tmp"), text).unwrap();
        fs::rename(rig.etc("passwd.tmp"), rig.etc("passwd")).unwrap();
        let told = rig.record_from(from, change, |record| {
            record["body"]["change"] == change && record["body"]["subject"] == "user:toor"
        });
        from = told["seq"].as_u64().unwrap() + 1;
        since.push(told["body"]["since"].clone());
    }
    assert!(since.iter().all(|moment| *moment == since[0]), "{since:?}");
    assert_eq!(rig.findings().iter().filter(|(_, _, subject)| subject == "user:toor").count(), 3);
}

#[test]
fn a_directory_that_did_not_exist_at_the_start_is_noticed_when_it_comes() {
    let rig = Rig::with_etc(&["ssh"], SELDOM);
    let main = "Include /etc/ssh/sshd_config.d/*.conf\nX11Forwarding no\nMaxAuthTries 4\n";
    fs::write(rig.etc("ssh/sshd_config"), main).unwrap();
    let _ = fs::remove_dir_all(rig.etc("ssh/sshd_config.d"));
    let _sensor = rig.start("run");
    rig.wait_for_first_look();
    assert!(!rig.findings().iter().any(|(_, check, _)| check == "ssh-x11"), "{:#?}", rig.findings());

    fs::create_dir(rig.etc("ssh/sshd_config.d")).unwrap();
    fs::write(rig.etc("ssh/sshd_config.d/10-x.conf"), "X11Forwarding yes\n").unwrap();
    let told = rig.record_from(1, "X11 is forwarded", |record| record["body"]["check"] == "ssh-x11");
    assert_eq!(told["body"]["change"], "new");
    assert_eq!(told["body"]["evidence"][0]["source"], "/etc/ssh/sshd_config.d/10-x.conf:1");

    let from = told["seq"].as_u64().unwrap() + 1;
    fs::write(rig.etc("ssh/sshd_config.d/10-x.conf"), "X11Forwarding no\n").unwrap();
    rig.record_from(from, "X11 is no longer forwarded", |record| {
        record["body"]["check"] == "ssh-x11" && record["body"]["change"] == "resolved"
    });
}

/// One save of a file may concern a topic that takes a moment and one that takes a minute.
#[test]
fn a_topic_that_takes_long_holds_up_no_other() {
    let rig = Rig::with_etc(&[ROOTS, "files-cron-modes"], SELDOM);
    let _sensor = rig.start("run");
    rig.wait_for_first_look();
    let cron = rig.etc("cron.d/everybodys");
    fs::write(&cron, "# nothing\n").unwrap();
    fs::set_permissions(&cron, fs::Permissions::from_mode(0o666)).unwrap();
    rig.append_to_etc("passwd", "toor:x:0:0::/root:/bin/sh\n");
    let of = |check: &str| rig.record_from(1, check, |record| record["body"]["check"] == check);
    let (account, cron) = (of(ROOTS), of("files-cron-modes"));
    assert_ne!(account["time"], cron["time"], "one look for both: {account} {cron}");
}

/// More changes at once than the kernel keeps: that is said, and what was among them is found all the same.
#[test]
fn changes_that_the_kernel_dropped_are_told_and_looked_for() {
    let rig = Rig::with_etc(&[ROOTS], SELDOM);
    let sensor = rig.start("run");
    rig.wait_for_first_look();
    let kept = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let kept: usize = kept.trim().parse().unwrap();
    sensor.signal(Signal::SIGSTOP);
    for n in 0..kept {
        // Making it and writing to it are two events, and no two in a row are the same.
        fs::write(rig.etc("ssh").join(format!("x{}", n % 100)), "x").unwrap();
    }
    rig.append_to_etc("passwd", "toor:x:0:0::/root:/bin/sh\n");
    sensor.signal(Signal::SIGCONT);
    let told = rig.record_from(1, "the loss", |record| record["body"]["event"] == "trouble");
    assert_eq!(told["body"]["reason"], "more changed at once than the kernel keeps");
    rig.record_from(1, "the change", |record| record["body"]["subject"] == "user:toor");
    sensor.stop();
}
