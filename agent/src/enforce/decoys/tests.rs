//! Planting and taking back, on directories of our own.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;
use crate::policy::{Location, Vocabulary};

struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("d")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("d").join(name)
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn policy(&self, decoys: &[(&str, Option<Plant>)]) -> Policy {
        let mut text = String::new();
        for (name, plant) in decoys {
            text.push_str(&format!("[[files.decoys]]\npath = {:?}\n", self.path(name)));
            plant.iter().for_each(|plant| text.push_str(&format!("plant = \"{plant}\"\n")));
        }
        let file = self.folder.path().join("policy.toml");
        fs::write(&file, text).unwrap();
        crate::policy::load(&Location::File(file), &Vocabulary::default()).unwrap()
    }
}

fn names(steps: &[Step]) -> Vec<&'static str> {
    steps.iter().map(|step| step.outcome.name()).collect()
}

#[test]
fn what_is_missing_is_planted_once_and_taken_back() {
    let world = World::new();
    let all: Vec<_> = Plant::ALL.iter().map(|plant| (plant.name(), Some(*plant))).collect();
    let policy = world.policy(&[&all[..], &[("own", None)]].concat());
    assert_eq!(names(&plan(&policy, &world.state()).unwrap()), ["would-plant"; 4]);
    assert!(!world.state().exists(), "a plan writes nothing");
    assert_eq!(names(&apply(&policy, &world.state()).unwrap()), ["planted"; 4]);
    for (name, _) in &all {
        let meta = fs::metadata(world.path(name)).unwrap();
        assert_eq!((meta.mode() & 0o7777, meta.nlink()), (0o600, 1), "{name}");
    }
    assert!(!world.path("own").exists(), "the operator's own is the operator's");
    let before = fs::read(world.path("text")).unwrap();
    assert_eq!(names(&apply(&policy, &world.state()).unwrap()), ["stands"; 4]);
    assert_eq!(names(&plan(&policy, &world.state()).unwrap()), ["stands"; 4]);
    assert_eq!(fs::read(world.path("text")).unwrap(), before);
    assert_eq!(names(&undo(&world.state()).unwrap()), ["removed"; 4]);
    assert_eq!(fs::read_dir(world.folder.path().join("d")).unwrap().count(), 0);
    assert_eq!(undo(&world.state()).unwrap(), []);
    assert_eq!(names(&apply(&policy, &world.state()).unwrap()), ["planted"; 4]);
}

#[test]
fn whoever_was_there_first_stays() {
    let world = World::new();
    let decoys = ["file", "link", "dangling", "folder", "pipe"].map(|name| (name, Some(Plant::Text)));
    let policy = world.policy(&decoys);
    let outside = world.folder.path().join("outside");
    fs::write(&outside, "mine").unwrap();
    fs::write(world.path("file"), "mine").unwrap();
    symlink(&outside, world.path("link")).unwrap();
    symlink(world.folder.path().join("nowhere"), world.path("dangling")).unwrap();
    fs::create_dir(world.path("folder")).unwrap();
    nix::unistd::mkfifo(&world.path("pipe"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    assert_eq!(names(&plan(&policy, &world.state()).unwrap()), ["taken"; 5]);
    assert_eq!(names(&apply(&policy, &world.state()).unwrap()), ["taken"; 5]);
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
    assert!(!world.folder.path().join("nowhere").exists());
    assert_eq!(undo(&world.state()).unwrap(), []);
    assert_eq!(fs::read_to_string(world.path("file")).unwrap(), "mine");
}

#[test]
fn no_link_on_the_way_is_followed_and_no_directory_is_made() {
    let world = World::new();
    symlink(world.folder.path(), world.path("way")).unwrap();
    let policy = world.policy(&[("way/x", Some(Plant::Wallet)), ("no/x", Some(Plant::Wallet))]);
    assert_eq!(names(&apply(&policy, &world.state()).unwrap()), ["cannot"; 2]);
    assert!(!world.folder.path().join("x").exists() && !world.path("no").exists());
}

#[test]
fn what_somebody_made_his_own_is_not_removed() {
    let world = World::new();
    let decoys = ["written", "replaced", "moved", "back-dated"].map(|name| (name, Some(Plant::Text)));
    let policy = world.policy(&decoys);
    apply(&policy, &world.state()).unwrap();
    fs::write(world.path("written"), "now mine").unwrap();
    fs::write(world.path("new"), "another").unwrap();
    fs::rename(world.path("new"), world.path("replaced")).unwrap();
    fs::rename(world.path("moved"), world.path("elsewhere")).unwrap();
    // As long as before, and as old.
    let meta = fs::metadata(world.path("back-dated")).unwrap();
    fs::write(world.path("back-dated"), vec![b'x'; usize::try_from(meta.len()).unwrap()]).unwrap();
    let file = fs::File::options().write(true).open(world.path("back-dated")).unwrap();
    file.set_modified(meta.modified().unwrap()).unwrap();
    assert_eq!(
        names(&plan(&policy, &world.state()).unwrap()),
        ["changed", "taken", "would-plant", "stands"],
        "a plan opens none of them"
    );
    assert_eq!(names(&undo(&world.state()).unwrap()), ["changed", "changed", "gone", "changed"]);
    assert_eq!(fs::read_to_string(world.path("written")).unwrap(), "now mine");
    assert_eq!(fs::read_to_string(world.path("replaced")).unwrap(), "another");
    assert!(world.path("elsewhere").exists() && world.path("back-dated").exists());
}

#[test]
fn what_the_policy_no_longer_wants_is_left_over_until_it_is_taken_back() {
    let world = World::new();
    apply(&world.policy(&[("a", Some(Plant::SshKey))]), &world.state()).unwrap();
    let other = world.policy(&[("b", Some(Plant::SshKey))]);
    assert_eq!(names(&plan(&other, &world.state()).unwrap()), ["would-plant", "left-over"]);
    assert_eq!(names(&apply(&other, &world.state()).unwrap()), ["planted", "left-over"]);
    fs::remove_file(world.path("a")).unwrap();
    assert_eq!(names(&plan(&other, &world.state()).unwrap()), ["stands", "gone"]);
    assert_eq!(names(&undo(&world.state()).unwrap()), ["gone", "removed"]);
}

#[test]
fn what_was_remembered_and_never_got_its_name_is_planted_again() {
    let world = World::new();
    let policy = world.policy(&[("a", Some(Plant::Text))]);
    apply(&policy, &world.state()).unwrap();
    fs::remove_file(world.path("a")).unwrap();
    assert_eq!(names(&apply(&policy, &world.state()).unwrap()), ["planted"]);
    assert_eq!(names(&undo(&world.state()).unwrap()), ["removed"]);
}

#[test]
fn a_memory_that_others_could_have_written_removes_nothing() {
    let world = World::new();
    let policy = world.policy(&[("a", Some(Plant::Text))]);
    apply(&policy, &world.state()).unwrap();
    let own = world.state().join("enforce");
    fs::set_permissions(&own, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(undo(&world.state()).unwrap_err().contains("who put it there?"));
    fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(own.join("planted"), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(undo(&world.state()).is_err());
    assert!(world.path("a").exists());
}

#[test]
fn it_belongs_to_whom_the_directory_belongs() {
    // Only root can give a directory away.
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let world = World::new();
    std::os::unix::fs::chown(world.folder.path().join("d"), Some(4_711), Some(4_712)).unwrap();
    let policy = world.policy(&[("a", Some(Plant::AwsCredentials))]);
    apply(&policy, &world.state()).unwrap();
    let meta = fs::metadata(world.path("a")).unwrap();
    assert_eq!((meta.uid(), meta.gid(), meta.mode() & 0o7777), (4_711, 4_712, 0o600));
}
