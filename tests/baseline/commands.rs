//! The story of a user: create, look, accept, seal, verify, show; and what goes wrong on the way.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use jiff::Timestamp;
use serde_json::Value;

use super::{ALL, Machine, entries, write};

fn small(policy: &str) -> Machine {
    let machine = Machine::new(policy);
    let root = machine.root();
    write(&root, "/etc/app.conf", "colour = red\nsize = 3\n");
    write(&root, "/etc/ssh/sshd_config", "PermitRootLogin no\n");
    write(&root, "/usr/bin/tool", "#!/bin/sh\necho tool\n");
    write(&root, "/var/log/app.log", "one\ntwo\n");
    symlink("tool", root.join("usr/bin/alias")).unwrap();
    machine
}

#[test]
fn what_was_created_is_what_is_there_until_something_changes() {
    let machine = small(ALL);
    let told = machine.expect(0, &["create"]);
    assert!(told.contains("12 objects"), "{told}");
    assert!(machine.expect(0, &["diff"]).contains("nothing differs"));
    let drift = machine.diff(0, &[]);
    assert_eq!(drift["schema"], "guestward.drift/1");
    assert_eq!(drift["summary"]["verified"]["by_hash"], 4, "{drift}");
    assert_eq!(drift["summary"]["verified"]["oldest_hash"], Value::Null, "{drift}");
    let quick = machine.diff(0, &["--quick"]);
    assert_eq!(quick["summary"]["verified"]["by_metadata"], 4, "{quick}");
    let read = quick["summary"]["verified"]["oldest_hash"].as_str().unwrap();
    let (read, compared): (Timestamp, Timestamp) =
        (read.parse().unwrap(), drift["time"].as_str().unwrap().parse().unwrap());
    assert_eq!(read.as_second(), compared.as_second(), "read last when everything was compared");

    fs::write(machine.root().join("etc/app.conf"), "colour = blue\nsize = 3\n").unwrap();
    fs::set_permissions(machine.root().join("usr/bin/tool"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::remove_file(machine.root().join("usr/bin/alias")).unwrap();
    write(&machine.root(), "/etc/new", "new\n");
    let entries = entries(&machine.diff(1, &[]));
    let told: Vec<_> = entries.iter().map(|(path, (change, _))| (path.as_str(), change.as_str())).collect();
    assert_eq!(
        told,
        [
            ("/etc/app.conf", "modified"),
            ("/etc/new", "added"),
            ("/usr/bin/alias", "removed"),
            ("/usr/bin/tool", "modified")
        ]
    );
    assert_eq!(entries["/usr/bin/tool"].1, ["mode"]);
    let text = machine.expect(1, &["diff"]);
    for expected in ["/etc/app.conf", "content", "/usr/bin/tool", "0644", "4755", "removed", "added"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(super::entries(&machine.diff(1, &["/usr"])).len(), 2, "only what is below the path");
    assert_eq!(super::entries(&machine.diff(0, &["/etc/ssh"])), BTreeMap::new());
}

#[test]
fn what_is_accepted_is_agreed_with_name_and_reason() {
    let machine = small(ALL);
    machine.expect(0, &["create"]);
    fs::write(machine.root().join("etc/app.conf"), "colour = blue\n").unwrap();
    fs::remove_file(machine.root().join("usr/bin/alias")).unwrap();
    write(&machine.root(), "/usr/bin/other", "x");
    assert!(machine.refused(&["accept", "/etc/app.conf"]).contains("--reason"));
    let before = machine.diff(1, &[])["baseline"]["root"].clone();
    let told = machine.expect(0, &["accept", "/etc/app.conf", "--reason", "ticket 12"]);
    assert!(told.contains("/etc/app.conf"), "{told}");
    assert_eq!(entries(&machine.diff(1, &[])).len(), 2);
    machine.expect(0, &["accept", "--all", "--reason", "a new tool"]);
    let drift = machine.diff(0, &[]);
    assert_ne!(drift["baseline"]["root"], before, "another state was agreed");
    let shown = machine.expect(0, &["show"]);
    assert!(shown.contains("ticket 12") && shown.contains("a new tool"), "{shown}");
    machine.expect(0, &["verify"]);
    assert!(machine.expect(0, &["accept", "--all", "--reason", "again"]).contains("nothing differs"));
    assert!(machine.refused(&["accept", "relative", "--reason", "x"]).contains("absolute"));
}

#[test]
fn a_path_is_shown_with_what_was_agreed_and_how_it_was_verified() {
    let machine = small(ALL);
    machine.expect(0, &["create"]);
    let shown = machine.expect(0, &["show", "/etc/app.conf"]);
    for expected in ["sha256", "0644", "by hash", "in no comparison"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let document: serde_json::Value =
        serde_json::from_str(&machine.expect(0, &["show", "/etc/app.conf", "--format", "json"])).unwrap();
    assert_eq!(document["agreed"]["type"], "file", "{document}");
    machine.diff(0, &["--quick"]);
    assert!(machine.expect(0, &["show", "/etc/app.conf"]).contains("by metadata"));
    assert!(machine.refused(&["show", "/etc/nothing"]).contains("/etc/nothing"));
}

#[test]
fn a_baseline_is_never_replaced_without_being_asked_and_never_learned_anew() {
    let machine = small(ALL);
    assert!(machine.refused(&["diff"]).contains("baseline create"));
    machine.expect(0, &["create"]);
    assert!(machine.refused(&["create"]).contains("--replace"));
    machine.expect(0, &["create", "--replace", "--reason", "rebuilt"]);
    let base = fs::read_dir(machine.state().join("baseline")).unwrap().map(|entry| entry.unwrap().path());
    let base =
        base.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("base.")).max().unwrap();
    let mut bytes = fs::read(&base).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&base, bytes).unwrap();
    for arguments in
        [&["diff"][..], &["verify"], &["accept", "--all", "--reason", "x"], &["show"], &["create"]]
    {
        let told = machine.refused(arguments);
        assert!(told.contains("damaged") || told.contains("--replace"), "{arguments:?}: {told}");
    }
}

#[test]
fn two_machines_of_one_image_have_one_root_and_find_what_differs() {
    let (one, other) = (small(ALL), small(ALL));
    one.expect(0, &["create"]);
    other.expect(0, &["create"]);
    assert_eq!(one.diff(0, &[])["baseline"]["root"], other.diff(0, &[])["baseline"]["root"]);
    fs::write(other.root().join("usr/bin/tool"), "#!/bin/sh\nexit\n").unwrap();
    other.expect(0, &["accept", "--all", "--reason", "x"]);
    let digests = |machine: &Machine| -> BTreeMap<String, String> {
        let lines = machine.expect(0, &["show", "--digests", "2"]);
        lines
            .lines()
            .map(|line| line.split_once("  ").unwrap())
            .map(|(digest, path)| (path.to_owned(), digest.to_owned()))
            .collect()
    };
    let (one, other) = (digests(&one), digests(&other));
    let differing: Vec<_> =
        one.keys().filter(|path| one[*path] != other[*path]).map(String::as_str).collect();
    assert_eq!(differing, ["/", "/usr", "/usr/bin"]);
}

#[test]
fn a_seal_is_known_by_its_key_and_by_nothing_else() {
    let machine = small(ALL);
    machine.expect(0, &["create"]);
    for name in ["right", "wrong"] {
        let (key, public) = (machine.path(&format!("{name}.key")), machine.path(&format!("{name}.pub")));
        let openssl =
            |arguments: &[&str]| assert!(Command::new("openssl").args(arguments).status().unwrap().success());
        openssl(&["genpkey", "-algorithm", "ed25519", "-out", key.to_str().unwrap()]);
        openssl(&["pkey", "-in", key.to_str().unwrap(), "-pubout", "-out", public.to_str().unwrap()]);
    }
    let (right, wrong) = (machine.path("right.pub"), machine.path("wrong.pub"));
    let (right, wrong) = (right.to_str().unwrap(), wrong.to_str().unwrap());
    assert!(machine.run(&["verify", "--key", right]).status.code() == Some(1), "there is no seal yet");
    machine.expect(0, &["seal", "--key", machine.path("right.key").to_str().unwrap()]);
    assert!(machine.expect(0, &["verify", "--key", right]).contains("sealed"));
    assert_eq!(machine.run(&["verify", "--key", wrong]).status.code(), Some(1));
    let demand = |key: &str| {
        let policy = ALL.replace("[files]\n", &format!("[files]\nseal-key = \"{key}\"\n"));
        fs::write(machine.policy(), policy).unwrap();
    };
    demand(wrong);
    assert!(machine.refused(&["diff"]).contains("another key"));
    demand(right);
    machine.diff(0, &[]);
    // Whoever replaces the baseline has no such key.
    machine.expect(0, &["create", "--replace", "--reason", "mine now"]);
    assert_eq!(machine.run(&["verify", "--key", right]).status.code(), Some(1));
    assert!(machine.refused(&["diff"]).contains("no seal"));
    let told = machine.refused(&["seal", "--key", machine.policy().to_str().unwrap()]);
    assert!(told.contains("openssl genpkey"), "{told}");
}

#[test]
fn rules_say_what_matters() {
    let policy = "[files]\nbuilt-in-rules = false\n\
        [[files.rules]]\npaths = [\"/etc/**\"]\ncompare = \"content\"\nseverity = \"critical\"\ntext-diff = true\n\
        [[files.rules]]\npaths = [\"/usr/**\"]\ncompare = \"permissions\"\nseverity = \"low\"\n\
        [[files.rules]]\npaths = [\"/var/log/*.log\"]\ncompare = \"log\"\nseverity = \"medium\"\n\
        [[files.rules]]\npaths = [\"/etc/new\"]\ncompare = \"nothing\"\n";
    let machine = small(policy);
    machine.expect(0, &["create"]);
    let root = machine.root();
    write(&root, "/etc/new", "nobody minds\n");
    write(&root, "/usr/bin/tool", "#!/bin/sh\nother\n");
    write(&root, "/var/log/app.log", "one\ntwo\nthree\n");
    machine.diff(0, &[]);
    write(&root, "/var/log/app.log", "one\n2wo\nthree\n");
    write(&root, "/etc/app.conf", "colour = blue\npassword = hunter2hunter2\n");
    let drift = machine.diff(1, &[]);
    let entries = drift["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "{drift}");
    let text = entries[0]["text"].as_str().unwrap();
    assert!(text.contains("-colour = red") && text.contains("+colour = blue"), "{text}");
    assert!(!drift.to_string().contains("hunter2"), "a secret is not told");
    assert_eq!((&entries[0]["severity"], &entries[1]["severity"]), (&"critical".into(), &"medium".into()));
    assert_eq!(entries[1]["path"], "/var/log/app.log");
}

#[test]
fn what_cannot_be_read_is_never_called_verified() {
    let machine = small(&ALL.replace("[files]", "[files]\nmax-file = \"64KiB\""));
    let huge = fs::File::create(machine.root().join("huge")).unwrap();
    machine.expect(0, &["create"]);
    huge.set_len(1 << 40).unwrap();
    // Agreed on without having been read: never as agreed, however it is looked at.
    machine.expect(0, &["accept", "--all", "--reason", "x"]);
    for how in [&[][..], &["--quick"]] {
        assert!(machine.diff(3, how)["unseen"].to_string().contains("max-file"));
    }
    huge.set_len(9).unwrap();
    machine.expect(0, &["accept", "/etc", "--reason", "x"]);
    assert!(machine.diff(1, &[])["unseen"].to_string().contains("nothing to compare it with"));
    huge.set_len(1 << 40).unwrap();
    fs::write(machine.root().join("etc/app.conf"), "other").unwrap();
    let drift = machine.diff(1, &[]);
    assert!(drift["unseen"].to_string().contains("max-file"), "{drift}");
    assert_eq!(drift["summary"]["verified"]["by_hash"], 3, "{drift}");
}
