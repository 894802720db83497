//! What the kernel really tells, on small trees.

use super::*;
use crate::sys::notify::stored;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};

#[test]
fn a_file_that_an_editor_replaces_is_a_change() {
    let (tree, mut inputs) = tree(&["etc/ssh"]);
    fs::write(tree.path().join("etc/ssh/sshd_config.new"), "Port 22\n").unwrap();
    fs::rename(tree.path().join("etc/ssh/sshd_config.new"), tree.path().join("etc/ssh/sshd_config")).unwrap();
    let (topics, path) = changed(&mut inputs);
    assert_eq!(topics, Topics::from(["ssh"]));
    assert!(path.as_str().ends_with("/etc/ssh/sshd_config.new"), "{path}");
}

#[test]
fn creating_writing_changing_the_mode_and_deleting_are_changes() {
    let (tree, mut inputs) = tree(&["etc"]);
    let shadow = tree.path().join("etc/shadow");
    let both = Topics::from(["accounts", "ssh"]);
    fs::write(&shadow, "").unwrap();
    assert_eq!(changed(&mut inputs).0, both);
    fs::write(&shadow, "root:*:1::::::\n").unwrap();
    assert_eq!(changed(&mut inputs).0, both);
    fs::set_permissions(&shadow, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(changed(&mut inputs).0, both);
    File::options().write(true).open(&shadow).unwrap().set_len(3).unwrap();
    assert_eq!(changed(&mut inputs).0, both);
    fs::remove_file(&shadow).unwrap();
    assert_eq!(changed(&mut inputs).0, both);
}

#[test]
fn reading_is_no_change_and_neither_is_what_nobody_depends_on() {
    let (tree, mut inputs) = tree(&["etc"]);
    fs::write(tree.path().join("etc/passwd"), "").unwrap();
    changed(&mut inputs);
    fs::read(tree.path().join("etc/passwd")).unwrap();
    fs::read_dir(tree.path().join("etc")).unwrap();
    fs::write(tree.path().join("etc/mtab"), "").unwrap();
    // What comes first is what came after all of these.
    fs::write(tree.path().join("etc/nftables.conf"), "").unwrap();
    assert_eq!(changed(&mut inputs).0, Topics::from(["network"]));
    assert_eq!(inputs.next(Duration::from_millis(300)), None);
}

#[test]
fn a_directory_that_is_made_later_is_watched_from_then_on() {
    let (tree, mut inputs) = tree(&[]);
    let folder = tree.path().join("etc/audit/rules.d");
    fs::create_dir_all(&folder).unwrap();
    assert!(changed(&mut inputs).0.contains("logging"));
    quiet(&mut inputs);
    fs::write(folder.join("x.rules"), "").unwrap();
    assert_eq!(changed(&mut inputs).0, Topics::from(["logging"]));
}

#[test]
fn a_directory_that_is_replaced_is_watched_in_its_new_place_and_the_old_one_is_not() {
    let (tree, mut inputs) = tree(&["etc/systemd/system", "new/system"]);
    let at = |path: &str| tree.path().join(path);
    // What is moved is the directory above the watched one, which the watched one itself is not told.
    fs::rename(at("etc/systemd"), at("etc/old")).unwrap();
    fs::rename(at("new"), at("etc/systemd")).unwrap();
    assert!(changed(&mut inputs).0.contains("services"));
    quiet(&mut inputs);
    fs::write(at("etc/old/system/x.service"), "").unwrap();
    fs::write(at("etc/systemd/system/y.service"), "").unwrap();
    let (topics, path) = changed(&mut inputs);
    assert!(
        topics.contains("services") && path.as_str().ends_with("/etc/systemd/system/y.service"),
        "{path}"
    );
}

#[test]
fn a_directory_that_is_deleted_and_made_again_is_watched_again() {
    let (tree, mut inputs) = tree(&["root/.ssh"]);
    let folder = tree.path().join("root/.ssh");
    fs::remove_dir(&folder).unwrap();
    assert!(changed(&mut inputs).0.contains("ssh"));
    fs::create_dir(&folder).unwrap();
    assert!(changed(&mut inputs).0.contains("ssh"));
    quiet(&mut inputs);
    fs::write(folder.join("authorized_keys"), "").unwrap();
    assert_eq!(changed(&mut inputs).0, Topics::from(["credentials", "ssh"]));
}

#[test]
fn directories_named_by_a_pattern_are_watched_whenever_they_are_made() {
    let (tree, mut inputs) = tree(&["etc/systemd/system/a.wants"]);
    let system = tree.path().join("etc/systemd/system");
    symlink("/x", system.join("a.wants/x.service")).unwrap();
    assert!(changed(&mut inputs).1.as_str().ends_with("a.wants/x.service"));
    fs::create_dir(system.join("b.wants")).unwrap();
    changed(&mut inputs);
    quiet(&mut inputs);
    symlink("/x", system.join("b.wants/x.service")).unwrap();
    assert!(changed(&mut inputs).1.as_str().ends_with("b.wants/x.service"));
}

#[test]
fn what_the_shipper_leaves_is_noticed_in_the_usual_place_and_in_another() {
    let usual = "var/lib/guestward/cursors";
    let (tree, mut inputs) = tree(&[usual]);
    let elsewhere = tempfile::tempdir().unwrap();
    for (inputs, cursors) in [
        (&mut inputs, tree.path().join(usual)),
        (&mut Inputs::start(Path::new("/"), Some(elsewhere.path().into())).unwrap(), elsewhere.path().into()),
    ] {
        fs::write(cursors.join("cloudwatch"), "17").unwrap();
        fs::write(cursors.join("delivery.json.next"), "{}").unwrap();
        fs::rename(cursors.join("delivery.json.next"), cursors.join("delivery.json")).unwrap();
        let word = cursors.canonicalize().unwrap().join("delivery.json").display().to_string();
        // On the machine itself something else may change, too.
        while changed(inputs).1.as_str() != word {}
    }
}

#[test]
fn one_directory_of_two_names_serves_the_topics_of_both() {
    let (tree, mut inputs) = tree(&["run", "var"]);
    symlink("../run", tree.path().join("var/run")).unwrap();
    assert!(changed(&mut inputs).0.contains("packages"));
    quiet(&mut inputs);
    fs::create_dir(tree.path().join("run/sysctl.d")).unwrap();
    assert!(changed(&mut inputs).0.contains("kernel"));
    fs::write(tree.path().join("run/reboot-required"), "").unwrap();
    assert!(changed(&mut inputs).0.contains("packages"));
}

#[test]
fn a_link_out_of_the_tree_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let (tree, mut inputs) = tree(&["etc"]);
    symlink(outside.path(), tree.path().join("etc/ssh")).unwrap();
    assert!(changed(&mut inputs).0.contains("ssh"));
    quiet(&mut inputs);
    fs::write(outside.path().join("sshd_config"), "").unwrap();
    fs::write(tree.path().join("etc/nftables.conf"), "").unwrap();
    assert_eq!(changed(&mut inputs).0, Topics::from(["network"]));
}

#[test]
fn more_directories_than_may_be_watched_are_told_once() {
    let tree = tempfile::tempdir().unwrap();
    for n in 0..=MAX_WATCHES {
        fs::create_dir_all(tree.path().join(format!("etc/systemd/system/{n}.wants"))).unwrap();
    }
    let mut inputs = Inputs::start(tree.path(), None).unwrap();
    assert_eq!(inputs.count(), MAX_WATCHES);
    let Some(Seen::Blind(why)) = inputs.next(Duration::ZERO) else { panic!("nobody was told") };
    assert!(why.as_str().contains("more than 256"), "{why}");
    // Placing anew finds the same.
    fs::create_dir(tree.path().join("etc/systemd/system/x.wants")).unwrap();
    changed(&mut inputs);
    quiet(&mut inputs);
}

#[test]
fn what_the_kernel_could_not_keep_is_told() {
    let (tree, mut inputs) = tree(&["etc/ssh"]);
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    // Two names by turns, for the kernel keeps one of two equal events in a row.
    for n in 0..=limit {
        let path = tree.path().join(format!("etc/ssh/{}", n % 2));
        if fs::remove_file(&path).is_err() {
            File::create(&path).unwrap();
        }
    }
    let lost = std::iter::from_fn(|| inputs.next(Duration::from_secs(1)));
    assert!(lost.into_iter().any(|seen| matches!(seen, Seen::Blind(_))));
}

#[test]
fn a_name_with_an_escape_is_shown_and_not_obeyed() {
    let (tree, mut inputs) = tree(&["etc/ssh"]);
    fs::write(tree.path().join("etc/ssh/\u{1b}[2J\n"), "").unwrap();
    assert!(changed(&mut inputs).1.as_str().ends_with("/etc/ssh/\\x1b[2J\\n"));
}

#[test]
fn this_machine_can_be_watched_within_the_bound() {
    let inputs = Inputs::start(Path::new("/"), None).unwrap();
    assert!((10..MAX_WATCHES).contains(&inputs.count()), "{}", inputs.count());
    assert!(inputs.failures.is_empty(), "{:?}", inputs.failures);
}

#[test]
fn what_changed_while_nobody_read_is_told_to_who_goes_on() {
    let (tree, inputs) = tree(&["etc/ssh"]);
    let kept = inputs.descriptor().try_clone_to_owned().unwrap();
    drop(inputs);
    fs::write(tree.path().join("etc/ssh/sshd_config"), "Port 22\n").unwrap();

    let mut inputs = Inputs::resume(stored::inotify(kept).unwrap(), tree.path(), None);
    let (topics, path) = changed(&mut inputs);
    assert_eq!(topics, Topics::from(["ssh"]));
    assert!(path.as_str().ends_with("/etc/ssh/sshd_config"), "{path}");
    fs::write(tree.path().join("etc/ssh/sshd_config"), "Port 23\n").unwrap();
    assert_eq!(changed(&mut inputs).0, Topics::from(["ssh"]));
}

#[test]
fn a_directory_that_moved_away_while_nobody_read_is_let_go() {
    let (tree, inputs) = tree(&["etc/ssh", "srv"]);
    let kept = inputs.descriptor().try_clone_to_owned().unwrap();
    drop(inputs);
    fs::rename(tree.path().join("etc/ssh"), tree.path().join("srv/ssh")).unwrap();
    fs::create_dir(tree.path().join("etc/ssh")).unwrap();

    let mut inputs = Inputs::resume(stored::inotify(kept).unwrap(), tree.path(), None);
    quiet(&mut inputs);
    fs::write(tree.path().join("srv/ssh/sshd_config"), "Port 22\n").unwrap();
    assert_eq!(inputs.next(Duration::from_millis(300)), None);
    fs::write(tree.path().join("etc/ssh/sshd_config"), "Port 22\n").unwrap();
    assert_eq!(changed(&mut inputs).0, Topics::from(["ssh"]));
    let link = format!("/proc/self/fdinfo/{}", std::os::fd::AsRawFd::as_raw_fd(&inputs.descriptor()));
    let watched =
        fs::read_to_string(link).unwrap().lines().filter(|line| line.starts_with("inotify")).count();
    assert_eq!(watched, inputs.count(), "the kernel still watches what nobody wants");
}

fn tree(folders: &[&str]) -> (tempfile::TempDir, Inputs) {
    let tree = tempfile::tempdir().unwrap();
    for folder in folders {
        fs::create_dir_all(tree.path().join(folder)).unwrap();
    }
    let inputs = Inputs::start(tree.path(), None).unwrap();
    assert!(inputs.waiting.is_empty(), "{:?}", inputs.waiting);
    (tree, inputs)
}

/// The next change; only a defect takes so long.
fn changed(inputs: &mut Inputs) -> (Topics, Text) {
    match inputs.next(Duration::from_secs(60)) {
        Some(Seen::Changed { topics, path }) => (topics, path),
        other => panic!("{other:?}"),
    }
}

/// Until nothing of what was done is left in the kernel's queue.
fn quiet(inputs: &mut Inputs) {
    while let Some(seen) = inputs.next(Duration::from_millis(300)) {
        assert!(matches!(seen, Seen::Changed { .. }), "{seen:?}");
    }
}
