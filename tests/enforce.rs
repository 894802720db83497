//! What the agent changes on the machine: only what the policy asks for, only when told to, and it can be taken back.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::binary::{check_json, guestward, text};
use crate::support::tree;

struct World {
    folder: tempfile::TempDir,
    policy: PathBuf,
    state: PathBuf,
}

impl World {
    fn new(decoys: &[(&Path, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (policy, state) = (folder.path().join("policy.toml"), folder.path().join("state"));
        let world = Self { folder, policy, state };
        world.write(decoys);
        world
    }

    fn write(&self, decoys: &[(&Path, &str)]) {
        let decoy = |(path, plant): &(&Path, &str)| {
            format!("[[files.decoys]]\npath = {:?}\nplant = \"{plant}\"\n", path.to_str().unwrap())
        };
        fs::write(&self.policy, decoys.iter().map(decoy).collect::<String>()).unwrap();
    }

    fn enforce(&self, arguments: &[&str]) -> Output {
        let mut command = guestward();
        command.env("GUESTWARD_STATE", &self.state).arg("enforce").args(arguments);
        command.arg("--policy").arg(&self.policy).output().unwrap()
    }

    /// Exit code, and the outcome of each decoy.
    fn outcomes(&self, action: &str) -> (i32, Vec<String>) {
        let output = self.enforce(&[action, "decoys", "--format", "json"]);
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
        assert_eq!(
            (&document["schema"], &document["action"]),
            (&"guestward.enforce/1".into(), &action.into())
        );
        let decoys = document["decoys"].as_array().unwrap();
        let outcomes = decoys.iter().map(|decoy| decoy["outcome"].as_str().unwrap().to_owned());
        (output.status.code().unwrap(), outcomes.collect())
    }
}

fn told(code: i32, outcomes: &[&str]) -> (i32, Vec<String>) {
    (code, outcomes.iter().map(|&outcome| outcome.to_owned()).collect())
}

#[test]
fn decoys_are_shown_planted_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let paths = ["key", "aws", "wallet", "text"].map(place);
    let plants = ["ssh-key", "aws-credentials", "wallet", "text"];
    let decoys: Vec<(&Path, &str)> = paths.iter().map(PathBuf::as_path).zip(plants).collect();
    let world = World::new(&decoys);

    let plan = world.enforce(&["plan"]);
    assert_eq!(plan.status.code(), Some(1), "{}", text(&plan.stderr));
    let shown = text(&plan.stdout);
    assert!(shown.contains("would-plant") && shown.contains("mode 0600, owner 0:0"), "{shown}");
    assert!(shown.contains("| -----BEGIN OPENSSH PRIVATE KEY-----"), "{shown}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "a plan changes nothing");
    assert!(!world.state.exists(), "nor keeps anything");

    assert_eq!(world.outcomes("apply"), told(0, &["planted"; 4]));
    for path in &paths {
        let meta = fs::metadata(path).unwrap();
        assert_eq!((meta.mode() & 0o7777, meta.uid(), meta.gid()), (0o600, 0, 0), "{}", path.display());
    }
    let memory = fs::metadata(world.state.join("enforce/planted")).unwrap();
    assert_eq!(memory.mode() & 0o7777, 0o600, "which files are decoys is nobody else's to know");
    assert_eq!(world.outcomes("plan"), told(0, &["stands"; 4]));
    assert_eq!(world.outcomes("apply"), told(0, &["stands"; 4]));

    fs::write(&paths[3], "mine now").unwrap();
    assert_eq!(world.outcomes("undo"), told(1, &["removed", "removed", "removed", "changed"]));
    assert_eq!(fs::read_to_string(&paths[3]).unwrap(), "mine now");
    assert_eq!(world.outcomes("undo"), told(0, &[]));
    assert_eq!(world.outcomes("apply"), told(1, &["planted", "planted", "planted", "taken"]));
}

#[test]
fn nothing_is_written_over_and_no_link_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (victim, link, way) =
        (folder.path().join("victim"), folder.path().join("link"), folder.path().join("way"));
    fs::write(&victim, "untouched").unwrap();
    symlink(&victim, &link).unwrap();
    symlink(folder.path(), &way).unwrap();
    let (through, absent) = (way.join("new"), folder.path().join("absent/new"));
    let world = World::new(&[
        (victim.as_path(), "text"),
        (link.as_path(), "text"),
        (through.as_path(), "text"),
        (absent.as_path(), "text"),
    ]);
    for action in ["plan", "apply"] {
        assert_eq!(world.outcomes(action), told(1, &["taken", "taken", "cannot", "cannot"]), "{action}");
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn where_the_policy_asks_for_nothing_there_is_nothing_to_do() {
    let world = World::new(&[]);
    for action in ["plan", "apply", "undo"] {
        let output = world.enforce(&[action]);
        assert_eq!(output.status.code(), Some(0), "{action}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains("planted"), "{}", text(&output.stdout));
    }
    fs::write(&world.policy, "[[files.decoys]]\nplant = \"text\"\n").unwrap();
    for (action, code) in [("plan", 2), ("apply", 2), ("undo", 0)] {
        assert_eq!(
            world.enforce(&[action]).status.code(),
            Some(code),
            "{action} with a policy that is wrong"
        );
    }
}

#[test]
fn nobody_takes_a_planted_key_for_a_real_one() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("id_ed25519");
    let world = World::new(&[(key.as_path(), "ssh-key")]);
    assert_eq!(world.outcomes("apply"), told(0, &["planted"]));
    for parser in [
        &["ssh-keygen", "-y", "-P", "", "-f"][..],
        &["ssh-keygen", "-l", "-f"],
        &["openssl", "pkey", "-noout", "-in"],
    ] {
        let output = Command::new(parser[0]).args(&parser[1..]).arg(&key).output().unwrap();
        assert!(!output.status.success(), "{parser:?}: {}", text(&output.stdout));
    }
}

#[test]
fn our_own_decoys_are_no_keys_that_leaked() {
    let tree = tree::base("debian12");
    let aws = tree.path().join("root/.aws");
    fs::create_dir_all(&aws).unwrap();
    let decoy = aws.join("credentials");
    let mut world = World::new(&[(decoy.as_path(), "aws-credentials")]);
    // That of the machine below this root.
    world.state = tree.path().join("var/lib/guestward");
    let verdict = || {
        let (_, document) = check_json(tree.path(), &["credentials-homes"]);
        document["findings"][0]["verdict"].as_str().unwrap().to_owned()
    };
    let before = verdict();
    assert_ne!(before, "fail");
    assert_eq!(world.outcomes("apply"), told(0, &["planted"]));
    assert_eq!(verdict(), "pass");
    fs::copy(&decoy, aws.join("credentials.bak")).unwrap();
    assert_eq!(verdict(), "pass", "a copy is worth as little");

    // It looks like one that leaked: without the memory it is told.
    let memory = world.state.join("enforce/planted");
    let aside = world.folder.path().join("aside");
    fs::rename(&memory, &aside).unwrap();
    assert_eq!(verdict(), "fail");
    fs::copy(&aside, &memory).unwrap();
    assert_eq!(verdict(), "pass");
    // Nor does a decoy hide the key that somebody adds to it.
    let mut content = fs::read_to_string(&decoy).unwrap();
    content.push_str("[mine]\n");
    content.push_str(&content.clone().replace("AKIA7", "AKIAQ"));
    fs::write(&decoy, content).unwrap();
    assert_eq!(verdict(), "fail");
}
