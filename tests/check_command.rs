//! `guestward check` as its user meets it: the document, the text, the exit code, and no trap on the way.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::binary::{check_json, guestward, text};
use crate::support::tree;

#[test]
fn this_machine_gets_a_whole_and_truthful_posture() {
    let (output, document) = check_json(Path::new("/"), &[]);
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{}", text(&output.stderr));
    let findings = document["findings"].as_array().unwrap();
    for (_, check) in guestward::check::all() {
        assert!(findings.iter().any(|finding| finding["check"] == check.id), "{} yields a finding", check.id);
    }
    for finding in findings {
        let told = matches!(finding["verdict"].as_str().unwrap(), "unknown" | "not_applicable");
        assert_eq!(
            told,
            finding["reason"].is_string(),
            "unknown and not applicable have a reason: {finding}"
        );
        if finding["verdict"] == "fail" {
            assert!(!finding["evidence"].as_array().unwrap().is_empty(), "a failure is proved: {finding}");
        }
    }
    let count = |verdict: &str| findings.iter().filter(|finding| finding["verdict"] == verdict).count();
    for verdict in ["pass", "fail", "unknown", "not_applicable"] {
        assert_eq!(document["summary"][verdict], count(verdict), "{verdict}");
    }
    let hostname = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(document["host"]["hostname"], hostname.trim());
}

#[test]
fn the_same_tree_gives_the_same_document_every_time_and_it_is_the_golden_one() {
    let tree = tree::base("neglected");
    let document = || {
        let (_, mut document) = check_json(tree.path(), &[]);
        let time = document["time"].take();
        let time = time.as_str().unwrap();
        assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes()[19] == b'.', "{time}");
        document["time"] = "2026-11-22T00:00:00.000Z".into();
        serde_json::to_string_pretty(&document).unwrap() + "\n"
    };
    let first = document();
    assert_eq!(first, document());
    golden("posture.json", &first);
}

#[test]
fn packages_has_a_golden_document_and_an_exit_code_for_security() {
    let tree = tree::base("neglected");
    let look = |format: &str| {
        guestward().args(["packages", "--format", format, "--root"]).arg(tree.path()).output().unwrap()
    };
    let output = look("json");
    assert_eq!(output.status.code(), Some(1), "a security update is outstanding");
    let mut document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["metadata"]["checked"].is_string(), "the tree's folders were made just now");
    document["metadata"]["checked"] = "2026-11-22T00:00:00.000Z".into();
    golden("packages.json", &(serde_json::to_string_pretty(&document).unwrap() + "\n"));
    let shown = text(&look("text").stdout);
    assert!(shown.contains("openssl:amd64  3.0.17-1~deb12u2 -> 3.0.18-1~deb12u1"), "{shown}");
}

#[test]
fn a_damaged_database_is_unknown_and_never_well() {
    let tree = tree::build(&tree::steps(
        "use server\nremove proc\nremove var/lib/dpkg\nfile var/lib/rpm/rpmdb.sqlite\n| x\n",
    ));
    let (output, document) = check_json(tree.path(), &["packages"]);
    assert_eq!(output.status.code(), Some(3));
    for finding in document["findings"].as_array().unwrap() {
        assert_ne!(finding["verdict"], "pass", "{finding}");
    }
    let reason = &finding(&document, "packages-security-updates")["reason"];
    assert!(reason.as_str().unwrap().contains("/var/lib/rpm/rpmdb.sqlite"), "{reason}");
}

#[test]
fn the_text_is_the_golden_one() {
    let tree = tree::base("neglected");
    let output = guestward().args(["check", "--all", "--root"]).arg(tree.path()).output().unwrap();
    let shown = text(&output.stdout);
    let (_, rest) = shown.split_once('\n').unwrap();
    golden("posture.txt", rest);
    assert!(!shown.contains('\x1b'), "no colour but on a terminal");
    assert!(rest.lines().all(|line| line.chars().count() <= 100), "wrapped");
}

#[test]
fn a_terminal_gets_colour_and_its_width_and_no_color_is_honoured() {
    let tree = tree::base("neglected");
    let look = |environment: &str| {
        let inner = format!(
            "stty cols 60 rows 40; {environment} {} check --root {}",
            env!("CARGO_BIN_EXE_guestward"),
            tree.path().display()
        );
        let output = Command::new("script")
            .args(["-qec", &inner, "/dev/null"])
            .env_remove("NO_COLOR")
            .env("TERM", "xterm")
            .output()
            .unwrap();
        text(&output.stdout)
    };
    let coloured = look("");
    assert!(coloured.contains("\x1b[1;97;41mcritical\x1b[0m"), "{coloured}");
    let plain = look("NO_COLOR=1");
    assert!(!plain.contains("\x1b["), "{plain}");
    let wide: Vec<&str> = plain.lines().map(str::trim_end).filter(|line| line.chars().count() > 60).collect();
    assert!(wide.is_empty(), "wider than the terminal: {wide:#?}");
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let tree = tree::base("neglected");
    for format in ["text", "json"] {
        let mut child = guestward()
            .args(["check", "--all", "--format", format, "--root"])
            .arg(tree.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{errors}");
        assert_eq!(errors, "");
    }
}

#[test]
fn a_full_disk_is_an_error_and_not_a_short_answer() {
    let tree = tree::base("neglected");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = guestward().args(["check", "--root"]).arg(tree.path()).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("cannot write the output"), "{}", text(&output.stderr));
}

#[test]
fn without_root_what_cannot_be_read_is_unknown_and_one_line_says_what_root_would_add() {
    let tree = tree::base("server");
    fs::set_permissions(tree.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let binary = folder.path().join("guestward");
    fs::copy(env!("CARGO_BIN_EXE_guestward"), &binary).unwrap();
    let as_nobody = |format: &str| {
        let mut command = Command::new(&binary);
        command.args(["check", "accounts", "--format", format, "--root"]).arg(tree.path());
        command.uid(65534).gid(65534).output().unwrap()
    };
    let output = as_nobody("json");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stdout));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let empty_password = finding(&document, "accounts-empty-password");
    assert_eq!(empty_password["verdict"], "unknown");
    assert_eq!(empty_password["reason"], "no permission to read /etc/shadow");
    assert_eq!(finding(&document, "accounts-extra-uid-0")["verdict"], "pass", "passwd is for everyone");
    let shown = text(&as_nobody("text").stdout);
    assert_eq!(shown.matches("Run as root for the rest").count(), 1, "{shown}");
}

#[test]
fn the_exit_code_says_what_happened() {
    let neglected = tree::base("neglected");
    let server = tree::base("server");
    let code = |root: &Path, arguments: &[&str]| {
        guestward().arg("check").arg("--root").arg(root).args(arguments).output().unwrap().status.code()
    };
    assert_eq!(code(server.path(), &["ssh", "accounts"]), Some(0), "a well-kept server");
    assert_eq!(code(neglected.path(), &[]), Some(1));
    assert_eq!(code(neglected.path(), &["ssh-x11", "--fail-on", "critical"]), Some(0), "below --fail-on");
    assert_eq!(code(neglected.path(), &["ssh-x12"]), Some(2), "no such check");
    assert_eq!(code(Path::new("/nonexistent"), &[]), Some(2), "no such root");
    tree::apply(server.path(), &tree::steps("fifo etc/passwd"));
    assert_eq!(code(server.path(), &["accounts-extra-uid-0"]), Some(3), "could not look");
}

#[test]
fn names_that_a_host_chose_reach_neither_terminal_nor_log_raw() {
    let tree = tree::base("debian12");
    let passwd = b"root:x:0:0::/root:/bin/sh\nev\x1b[2Jil\r\xff\xe2\x80\xae:x:0:0::/root:/bin/sh\n";
    fs::write(tree.path().join("etc/passwd"), passwd).unwrap();
    for format in ["text", "json"] {
        let output = guestward()
            .args(["check", "accounts-extra-uid-0", "--format", format, "--root"])
            .arg(tree.path())
            .output()
            .unwrap();
        let shown = String::from_utf8(output.stdout).expect("UTF-8, whatever the host holds");
        assert!(shown.contains("il"), "{shown}");
        assert!(!shown.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{shown:?}");
    }
}

#[test]
fn a_path_that_is_no_text_travels_with_its_exact_bytes() {
    use std::os::unix::ffi::OsStrExt as _;
    let tree = tree::base("debian12");
    let home = std::ffi::OsStr::from_bytes(b"home/b\xffb");
    fs::create_dir(tree.path().join(home)).unwrap();
    fs::set_permissions(tree.path().join(home), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(tree.path().join("etc/passwd"), b"bob:x:1001:1001::/home/b\xffb:/bin/sh\n").unwrap();
    let (_, document) = check_json(tree.path(), &["accounts-home-modes"]);
    let evidence = &finding(&document, "accounts-home-modes")["evidence"][0];
    assert_eq!(evidence["source"], "/home/b\\xffb");
    assert_eq!(evidence["path_b64"], "L2hvbWUvYv9i");
}

fn finding<'a>(document: &'a Value, check: &str) -> &'a Value {
    document["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == check).unwrap()
}

/// Compares with a file in `tests/golden`; `GUESTWARD_BLESS=1` writes it anew.
#[track_caller]
pub(crate) fn golden(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(name);
    if std::env::var_os("GUESTWARD_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "not tests/golden/{name} (GUESTWARD_BLESS=1 writes it anew):\n{made}");
}
