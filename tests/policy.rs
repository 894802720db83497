//! The policy: what is written is what happens, and what is wrong is named with its place and a way out.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use guestward::policy::settings::{LOCAL_PATH, SETTINGS};

use crate::check_command::golden;
use crate::support::binary::{check_json, guestward, text};
use crate::support::tree;

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest_name() {
    refused(
        "fail-on = \"high\"\n\n[checks.accounts-extra-uid-0]\n  severty = \"low\"\n",
        "policy.toml:4:3: unknown key 'severty' in [checks.accounts-extra-uid-0]; did you mean 'severity'?",
    );
}

#[test]
fn an_unknown_check_is_refused_with_the_nearest_one() {
    refused(
        "[checks.accounts-extra-uid]\nenabled = false\n",
        "policy.toml:1:9: unknown check 'accounts-extra-uid'; did you mean 'accounts-extra-uid-0'?",
    );
}

#[test]
fn a_wrong_type_is_refused_with_its_place() {
    refused("[checks.accounts-extra-uid-0]\nenabled = \"no\"\n", "policy.toml:2:11: must be true or false");
    refused(
        "fail-on = 3\n",
        "policy.toml:1:11: a severity is one of informational, low, medium, high, critical",
    );
    refused("checks = 3\n", "policy.toml:1:10: 'checks' must be a table");
}

#[test]
fn a_threshold_has_bounds_and_units() {
    refused("[checks.ssh-max-auth-tries]\nmax = 0\n", "policy.toml:2:7: 'max' must be from 1 to ");
    refused(
        "[checks.ssh-login-grace]\nmax = \"soon\"\n",
        "policy.toml:2:7: 'max' must be seconds, or a time such as",
    );
}

#[test]
fn the_agents_own_settings_have_bounds_and_units() {
    refused("[run]\nheartbeat = \"2d\"\n", "policy.toml:2:13: 'heartbeat' must be from \"1s\" to \"1d\"");
    refused(
        "[journal]\nmax-bytes = \"1GB\"\n",
        "policy.toml:2:13: 'max-bytes' must be bytes, or a size such as \"64KiB\", \"16MiB\" or \"1GiB\"",
    );
    refused(
        "[journal]\nmax-bytes = 1024\n",
        "policy.toml:2:13: 'max-bytes' must be from \"16MiB\" to \"64GiB\"",
    );
    refused("[ship.local]\nkeep = \"5\"\n", "policy.toml:2:8: 'keep' must be a whole number");
    refused("[ship]\nlocal = 1\n", "policy.toml:2:9: 'local' must be a table");
    refused("[ship.local]\nstdout = 1\n", "policy.toml:2:10: must be true or false");
}

#[test]
fn a_path_that_is_not_absolute_is_refused() {
    for path in ["records.jsonl", "/var/../etc/shadow", "/var/log/", "/", "", "/var/log/a\\nb"] {
        refused(
            &format!("[ship.local]\npath = \"{path}\"\n"),
            "policy.toml:2:8: 'path' must be a file's absolute path",
        );
    }
}

#[test]
fn an_unknown_setting_is_refused_with_the_nearest_name() {
    refused("[runn]\nheartbeat = 1\n", "policy.toml:1:2: unknown key 'runn'; did you mean 'run'?");
    refused(
        "[run]\nheartbeet = 1\n",
        "policy.toml:2:1: unknown key 'heartbeet' in [run]; did you mean 'heartbeat'?",
    );
    refused("[ship.locale]\n", "policy.toml:1:7: unknown key 'locale' in [ship]; did you mean 'local'?");
    refused("[journal]\nmax-byte = 1\n", "unknown key 'max-byte' in [journal]; did you mean 'max-bytes'?");
}

#[test]
fn a_rule_of_files_that_is_wrong_is_refused_with_its_place() {
    let rule = |line: &str| format!("[[files.rules]]\npaths = [\"/srv/**\"]\n{line}\n");
    refused(
        &rule("severty = \"low\""),
        "policy.toml:3:1: unknown key 'severty' in [[files.rules]]; did you mean 'severity'?",
    );
    refused(
        &rule("compare = \"contents\""),
        "policy.toml:3:11: unknown comparison 'contents'; did you mean 'content'?",
    );
    refused(&rule("severity = \"hihg\""), "policy.toml:3:12: unknown severity 'hihg'; did you mean 'high'?");
    refused(&rule("text-diff = 1"), "policy.toml:3:13: must be true or false");
    for (path, complaint) in [
        ("srv/**", "'srv/**': a path must be absolute"),
        ("/srv/[a", "'/srv/[a': a [ needs its ]"),
        ("/srv/a**", "'/srv/a**': ** must stand alone"),
        ("/srv/../etc", "'/srv/../etc': a path must not have . or .. in it"),
        ("/srv/", "everything below is written /directory/**"),
    ] {
        let policy = format!("[files]\n[[files.rules]]\npaths = [\"/ok\", \"{path}\"]\n");
        refused(&policy, &format!("policy.toml:3:17: '{path}'"));
        refused(&policy, complaint);
    }
    refused("[[files.rules]]\nseverity = \"low\"\n", "policy.toml:1:1: a rule needs 'paths'");
    refused("[[files.rules]]\npaths = []\n", "policy.toml:2:9: 'paths' must be a list of absolute paths");
    refused("[files]\nrules = 1\n", "policy.toml:2:9: 'rules' must be a list of tables");
    refused("[files]\nrule = 1\n", "policy.toml:2:1: unknown key 'rule' in [files]; did you mean 'rules'?");
    refused("[files]\nreHash = 1\n", "unknown key 'reHash' in [files]; did you mean 'rehash'?");
    refused(
        "[files]\nnetwork-file-systems = \"nfs4\"\n",
        "policy.toml:2:24: 'network-file-systems' must be a list of types",
    );
    refused("[files]\ncpu = 0\n", "policy.toml:2:7: 'cpu' must be from 1 to 100");
}

#[test]
fn what_is_watched_closely_is_refused_with_its_place_where_it_is_wrong() {
    let decoy = |line: &str| format!("[[files.decoys]]\npath = \"/root/x\"\n{line}\n");
    refused(
        &decoy("plnat = \"text\""),
        "policy.toml:3:1: unknown key 'plnat' in [[files.decoys]]; did you mean 'plant'?",
    );
    refused(
        &decoy("plant = \"aws\""),
        "policy.toml:3:9: unknown thing to plant 'aws'; did you mean 'aws-credentials'?",
    );
    refused(&decoy("units = [\"backup\"]"), "policy.toml:3:10: 'units' must be a list of names of units");
    refused(&decoy("units = \"a.service\""), "policy.toml:3:9: 'units' must be a list of names of units");
    refused(&decoy("severity = \"bad\""), "policy.toml:3:12: unknown severity 'bad'");
    refused(
        &decoy("[[files.decoys]]\npath = \"/root/x\""),
        "policy.toml:3:1: there is a decoy of that path already",
    );
    refused("[[files.decoys]]\nplant = \"text\"\n", "policy.toml:1:1: a decoy needs 'path'");
    refused(
        "[[files.decoys]]\npath = \"/a/../b\"\n",
        "policy.toml:2:8: 'path' must be a file's absolute path",
    );
    refused("[files]\nhot = [\"a\"]\n", "policy.toml:2:8: 'hot' must be a file's absolute path");
    refused("[files]\nhot = \"/a\"\n", "policy.toml:2:7: 'hot' must be a list of files");
    refused("[files]\ndecoys = 1\n", "policy.toml:2:10: 'decoys' must be a list of tables");
    refused("[files]\nsweep = \"9s\"\n", "policy.toml:2:9: 'sweep' must be from \"10s\" to \"1d\"");
    refused("[files]\nlive = 1\n", "policy.toml:2:8: must be true or false");
}

#[test]
fn what_is_watched_closely_is_shown_and_is_a_part_of_what_is_meant() {
    let text_of = |policy: &str| {
        let policy = written(policy);
        let output = guestward().args(["policy", "show", "--policy"]).arg(&policy.1).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).replace(policy.1.to_str().unwrap(), "policy.toml")
    };
    let policy = "[files]\nsweep = 90\nhot = [\"/srv/b\", \"/srv/a\"]\n[[files.decoys]]\npath = \"/root/\\\"x\\\"\"\n\
                  plant = \"wallet\"\nunits = [\"b.service\", \"a@1.service\"]\n";
    let shown = text_of(policy);
    for line in [
        "live = true # built-in\n",
        "sweep = \"90s\" # policy.toml:2:9\n",
        "hot = [\"/srv/a\", \"/srv/b\"] # policy.toml:3:7\n",
        "[[files.decoys]] # policy.toml:4:1\npath = \"/root/\\\"x\\\"\"\nunits = [\"a@1.service\", \"b.service\"]\n\
         plant = \"wallet\"\nseverity = \"critical\"\n",
    ] {
        assert!(shown.contains(line), "{line} is not in {shown}");
    }
    assert_eq!(digest(&shown), digest(policy));
    let mut seen = vec![digest(""), digest(policy)];
    for (one, other) in [
        ("\"wallet\"", "\"text\""),
        ("plant = \"wallet\"\n", ""),
        ("a@1.service", "c.service"),
        ("/srv/a", "/srv/c"),
        ("plant", "severity = \"low\"\nplant"),
        ("sweep", "live = false\nsweep"),
    ] {
        let other = digest(&policy.replace(one, other));
        assert!(!seen.contains(&other), "{one}");
        seen.push(other);
    }
    let document = show_json(&written(policy).1);
    assert_eq!(document["hot"]["value"], serde_json::json!(["/srv/a", "/srv/b"]));
    let decoy = &document["decoys"][0];
    assert_eq!((&decoy["plant"], &decoy["severity"]), (&"wallet".into(), &"critical".into()));
}

#[test]
fn the_rules_of_files_are_shown_with_the_built_in_ones_as_remarks() {
    let shown = |policy: &str| {
        let policy = written(policy);
        let output = guestward().args(["policy", "show", "--policy"]).arg(&policy.1).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).replace(policy.1.to_str().unwrap(), "policy.toml")
    };
    let files = |shown: &str| {
        let from = shown.find("[files]").unwrap();
        let to = shown.find("\n[checks.").unwrap();
        shown[from..to].to_owned()
    };
    let policy = "[files]\nhash = \"blake3\"\nnetwork-file-systems = [\"nfs4\"]\n\n[[files.rules]]\n\
                  paths = [\"/srv/\\\"www\\\"/**\"]\nseverity = \"high\"\ntext-diff = true\n";
    golden("policy-files.toml", &files(&shown(policy)));
    // What it shows means the same, and so does what that one shows.
    let again = shown(policy);
    let meaning = |shown: &str| -> Vec<String> {
        shown.lines().map(|line| line.split(" # ").next().unwrap().to_owned()).collect()
    };
    assert_eq!(meaning(&files(&shown(&again))), meaning(&files(&again)));
    let without = shown("[files]\nbuilt-in-rules = false\n");
    assert!(!without.contains("[[files.rules]]"), "{without}");
    assert_eq!(digest(&again), digest(policy));
}

#[test]
fn the_rules_of_files_are_told_as_json_in_the_order_in_which_they_hold() {
    let policy = written("[[files.rules]]\npaths = [\"/srv/**\"]\nper-host = true\n");
    let document = show_json(&policy.1);
    let rules = document["rules"].as_array().unwrap();
    assert!(rules.len() > 20);
    assert_eq!((&rules[0]["name"], &rules[0]["from"]), (&"volatile".into(), &"built-in".into()));
    let own = rules.last().unwrap();
    assert_eq!((&own["compare"], &own["severity"]), (&"content".into(), &"medium".into()));
    assert_eq!((&own["per_host"], &own["text_diff"]), (&true.into(), &false.into()));
    assert_eq!(own["paths"], serde_json::json!(["/srv/**"]));
    assert!(own["from"].as_str().unwrap().ends_with("policy.toml:1:1"), "{own}");
    assert_eq!(document["network_file_systems"]["value"], serde_json::json!([]));
}

#[test]
fn a_suppression_without_a_reason_is_refused() {
    refused(
        "[[suppressions]]\ncheck = \"ssh-x11\"\nwho = \"alice\"\nuntil = 2027-01-01\n",
        "policy.toml:1:1: a suppression needs 'why': the reason",
    );
    refused(
        "[[suppressions]]\ncheck = \"ssh-x11\"\nwho = \"alice\"\nwhy = \" \"\nuntil = 2027-01-01\n",
        "policy.toml:4:7: 'why' must be text, and not empty",
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let output = policy_check("colour = true\nfail-on = \"hihg\"\n");
    let errors = text(&output.stderr);
    assert!(errors.contains("unknown key 'colour'") && errors.contains("did you mean 'high'?"), "{errors}");
}

#[test]
fn toml_that_is_no_toml_is_refused_with_its_place() {
    refused("fail-on = \n", "policy.toml:1:11: ");
    refused("[checks\n", "policy.toml:1:8: ");
}

#[test]
fn a_policy_that_cannot_be_read_is_an_error_and_not_the_built_in_one() {
    let tree = tree::base("debian12");
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("policy.toml");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    for path in [fifo, folder.path().join("absent.toml"), folder.path().to_owned()] {
        let output = guestward()
            .arg("check")
            .arg("--root")
            .arg(tree.path())
            .arg("--policy")
            .arg(&path)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", path.display());
        assert!(output.stdout.is_empty(), "no posture without the policy");
        assert!(text(&output.stderr).contains("cannot read the policy"), "{}", text(&output.stderr));
    }
}

#[test]
fn a_policy_that_everyone_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let policy = written("");
    fs::set_permissions(&policy.1, fs::Permissions::from_mode(0o666)).unwrap();
    let output = guestward().args(["policy", "check", "--policy"]).arg(&policy.1).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("can be written by everyone"), "{}", text(&output.stderr));
}

#[test]
fn a_check_can_be_turned_off_and_still_be_asked_by_name() {
    let policy = written("[topics.accounts]\nenabled = false\n");
    let tree = second_root();
    let arguments = ["--policy", policy.1.to_str().unwrap()];
    let (_, without) = check_json(tree.path(), &arguments);
    assert!(!checks(&without).contains(&"accounts-extra-uid-0".to_owned()));
    let (output, asked) = check_json(tree.path(), &[&arguments[..], &["accounts-extra-uid-0"]].concat());
    assert_eq!(checks(&asked), ["accounts-extra-uid-0"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_policy_sets_severity_and_what_counts_as_failure() {
    let policy = written("fail-on = \"critical\"\n[checks.accounts-extra-uid-0]\nseverity = \"low\"\n");
    let tree = second_root();
    let arguments = ["accounts-extra-uid-0", "--policy", policy.1.to_str().unwrap()];
    let (output, document) = check_json(tree.path(), &arguments);
    assert_eq!(document["findings"][0]["severity"], "low");
    assert_eq!(output.status.code(), Some(0));
    let (output, _) = check_json(tree.path(), &[&arguments[..], &["--fail-on", "low"]].concat());
    assert_eq!(output.status.code(), Some(1), "the command line goes before the policy");
}

#[test]
fn a_suppression_silences_and_says_who_why_and_until_when() {
    let (output, document) = with_suppression("2999-12-31", "user:toor");
    let finding = &document["findings"][0];
    assert_eq!(finding["verdict"], "fail", "it silences, it never deletes");
    assert_eq!(finding["suppression"]["who"], "alice");
    assert_eq!(finding["suppression"]["why"], "until the console is back");
    assert_eq!(finding["suppression"]["expired"], false);
    assert_eq!((&document["summary"]["fail"], &document["summary"]["suppressed"]), (&0.into(), &1.into()));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn an_expired_suppression_stops_silencing_and_says_so() {
    let (output, document) = with_suppression("2020-12-31", "user:toor");
    assert_eq!(document["findings"][0]["suppression"]["expired"], true);
    assert_eq!(document["summary"]["fail"], 1);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_suppression_of_another_subject_silences_nothing() {
    let (output, document) = with_suppression("2999-12-31", "user:bob");
    assert!(document["findings"][0].get("suppression").is_none());
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_policy_show_prints_is_a_policy_that_means_the_same() {
    let policy = written(
        "fail-on = \"medium\"\n[checks.ssh-max-auth-tries]\nmax = 6\nseverity = \"low\"\n[topics.accounts]\nenabled = false\n\
         [run]\nposture-interval = 5400\nheartbeat = \"90s\"\n[journal]\nmax-bytes = \"17MiB\"\n\
         [ship.local]\npath = \"/srv/a \\\"b\\\".jsonl\"\nstdout = true\n\
         [[suppressions]]\ncheck = \"ssh-x11\"\nsubject = \"sshd:22\"\nwho = \"a \\\"b\\\"\"\nwhy = \"because\"\nuntil = 2999-01-01\n",
    );
    let show = |path: &PathBuf| {
        let output = guestward().args(["policy", "show", "--policy"]).arg(path).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let first = show(&policy.1);
    assert!(first.contains("max = 6 # "), "{first}");
    assert!(first.contains("policy.toml:3:7"), "each value with its origin: {first}");
    assert!(
        first.contains("posture-interval = \"90m\" # ") && first.contains("keep = 5 # built-in"),
        "{first}"
    );
    let again = written(&first);
    let meaning = |shown: &str| -> Vec<String> {
        shown
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split(" # ").next().unwrap().to_owned())
            .collect()
    };
    let second = show(&again.1);
    assert_eq!(meaning(&second), meaning(&first));
    let digest = |shown: &str| shown.lines().find(|line| line.starts_with("# Digest: ")).unwrap().to_owned();
    assert_eq!(digest(&second), digest(&first));
}

#[test]
fn the_digest_is_the_same_for_policies_that_mean_the_same_and_for_no_others() {
    let decision = |check: &str| {
        format!("[[suppressions]]\ncheck = \"{check}\"\nwho = \"a\"\nwhy = \"b\"\nuntil = 2999-01-01\n")
    };
    let both = |one: &str, other: &str| decision(one) + &decision(other);
    let base = digest("");
    assert_eq!(base.len(), 43, "{base}");
    for (one, other) in [
        ("fail-on = \"high\"\n[run]\nheartbeat = \"1h\"\n", "[run]\nheartbeat = 3600\n"),
        ("# a remark\n[journal]\nmax-bytes = \"256MiB\"\n", ""),
        ("[checks.ssh-max-auth-tries]\nenabled = true\n", ""),
        (&both("ssh-x11", "ssh-max-auth-tries"), &both("ssh-max-auth-tries", "ssh-x11")),
    ] {
        assert_eq!(digest(one), digest(other), "{one}");
    }
    let mut seen = vec![base];
    for policy in [
        "fail-on = \"low\"\n",
        "[run]\nheartbeat = \"2h\"\n",
        "[ship.local]\nenabled = false\n",
        "[ship.local]\npath = \"/var/log/guestward/records.jsonl\"\n",
        "[topics.ssh]\nenabled = false\n",
        "[checks.ssh-max-auth-tries]\nenabled = false\n",
        "[checks.ssh-max-auth-tries]\nmax = 9\n",
        "[checks.ssh-x11]\nseverity = \"low\"\n",
        "[files]\nrehash = \"1d\"\n",
        "[files]\nbuilt-in-rules = false\n",
        "[files]\nnetwork-file-systems = [\"nfs4\"]\n",
        "[[files.rules]]\npaths = [\"/srv/**\"]\n",
        "[[files.rules]]\npaths = [\"/srv/*\"]\n",
        "[[files.rules]]\npaths = [\"/srv/**\"]\ncompare = \"log\"\n",
        &decision("ssh-x11"),
        &decision("ssh-x11").replace("\"b\"", "\"c\""),
        &decision("ssh-x11").replace("who", "subject = \"sshd:22\"\nwho"),
    ] {
        let digest = digest(policy);
        assert!(!seen.contains(&digest), "{policy}");
        seen.push(digest);
    }
}

#[test]
fn the_settings_in_force_are_told_as_json_with_their_origin() {
    let policy = written("[journal]\nmax-age = \"7d\"\n");
    let document = show_json(&policy.1);
    let max_age = &document["settings"]["journal.max-age"];
    assert_eq!(max_age["value"], 604_800);
    assert!(max_age["from"].as_str().unwrap().ends_with("policy.toml:2:11"), "{max_age}");
    let path = &document["settings"]["ship.local.path"];
    assert_eq!((path["value"].as_str(), path["from"].as_str()), (Some(LOCAL_PATH), Some("built-in")));
    assert_eq!(document["settings"].as_object().unwrap().len(), SETTINGS.len());
}

#[test]
fn no_policy_at_all_is_the_built_in_one() {
    if PathBuf::from("/etc/guestward").exists() {
        panic!("this machine has a policy of its own in /etc/guestward: the test cannot tell");
    }
    let output = guestward().args(["policy", "check"]).output().unwrap();
    assert_eq!(text(&output.stdout), "valid: the built-in policy\n");
}

#[track_caller]
fn refused(policy: &str, complaint: &str) {
    let output = policy_check(policy);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains(complaint), "{errors}");
}

fn policy_check(policy: &str) -> Output {
    let policy = written(policy);
    let named = guestward().args(["policy", "check", "--policy"]).arg(&policy.1).output().unwrap();
    let bare = guestward().args(["policy", "check"]).arg(&policy.1).output().unwrap();
    assert_eq!(named.stderr, bare.stderr, "--policy FILE and FILE are the same");
    named
}

fn written(policy: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    fs::write(&path, policy).unwrap();
    (folder, path)
}

fn digest(policy: &str) -> String {
    show_json(&written(policy).1)["digest"].as_str().unwrap().to_owned()
}

fn show_json(path: &PathBuf) -> serde_json::Value {
    let output =
        guestward().args(["policy", "show", "--format", "json", "--policy"]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn with_suppression(until: &str, subject: &str) -> (Output, serde_json::Value) {
    let policy = written(&format!(
        "[[suppressions]]\ncheck = \"accounts-extra-uid-0\"\nsubject = \"{subject}\"\nwho = \"alice\"\n\
         why = \"until the console is back\"\nuntil = {until}\n"
    ));
    let tree = second_root();
    check_json(tree.path(), &["accounts-extra-uid-0", "--policy", policy.1.to_str().unwrap()])
}

fn second_root() -> tempfile::TempDir {
    tree::build(&tree::steps(
        "use debian12\nfile etc/passwd\n| root:x:0:0::/root:/bin/sh\n| toor:x:0:0::/root:/bin/sh\n",
    ))
}

fn checks(document: &serde_json::Value) -> Vec<String> {
    let findings = document["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["check"].as_str().unwrap().to_owned()).collect()
}
