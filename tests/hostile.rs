//! A well-kept server in which one file after the other turns hostile: the look ends, nobody panics, nothing leads
//! out of the root, and no check passes because of what it can no longer read.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use guestward::check;
use guestward::finding::{Finding, Verdict};
use guestward::host::{Facts, Host};
use guestward::policy::Policy;

use crate::support::binary::{check_json, text};
use crate::support::tree::{self, Step};

/// What becomes of a file, and whether nothing can be read from it any more.
type Turn = (&'static str, bool, fn(&Path));

const TURNS: &[Turn] = &[
    ("a FIFO", true, |path| tree::apply(Path::new("/"), &[Step::Fifo(path.into())])),
    ("a directory", true, |path| fs::create_dir(path).unwrap()),
    ("a link to itself", true, |path| symlink(path.file_name().unwrap(), path).unwrap()),
    ("a tebibyte of nothing", true, |path| fs::File::create(path).unwrap().set_len(1 << 40).unwrap()),
    ("a link out of the root", false, |path| symlink(format!("/../../../..{CANARY}"), path).unwrap()),
    ("NULs", false, |path| fs::write(path, [0; 4096]).unwrap()),
    ("bytes that are no text", false, |path| {
        fs::write(path, b"\xff\xfe\x1b]0;x\x07\r\n\xc3\x28:\xf0\x9f:\x80\n".repeat(99)).unwrap();
    }),
    ("one endless line", false, |path| fs::write(path, "a".repeat(3_000_000)).unwrap()),
    ("a million colons", false, |path| fs::write(path, ":".repeat(1_000_000)).unwrap()),
];

const CANARY: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/guestward-canary");

#[test]
fn whatever_one_file_turns_into_the_look_ends_and_passes_nothing_new() {
    fs::write(CANARY, "canary:x:0:0::/:/bin/sh\nPermitRootLogin yes # canary\n").unwrap();
    let passed = passes(&posture(tree::base("server").path()));
    assert!(passed.len() > 25, "the tree is a server: {passed:?}");
    let tree = tree::base("server");
    let files = files(tree.path());
    assert!(files.len() >= 20, "{files:?}");
    let aside = tree::build(&[]);
    for file in &files {
        let path = tree.path().join(file);
        let kept = aside.path().join("kept");
        fs::rename(&path, &kept).unwrap();
        for (what, unreadable, turn) in TURNS {
            turn(&path);
            let findings = posture(tree.path());
            let shown = format!("{findings:?}");
            assert!(!shown.contains("canary"), "{} as {what} leads out of the root", file.display());
            // One that can be read may turn out worse or better, but not for want of looking.
            if *unreadable {
                let new: Vec<_> = passes(&findings).difference(&passed).cloned().collect();
                assert!(new.is_empty(), "{} as {what} makes these pass: {new:?}", file.display());
            }
            tree::apply(tree.path(), &[Step::Remove(file.clone())]);
        }
        fs::rename(&kept, &path).unwrap();
    }
    fs::remove_file(CANARY).unwrap();
}

#[test]
fn a_file_cut_anywhere_stops_nothing() {
    let server = tree::base("server");
    for file in files(server.path()) {
        let path = server.path().join(&file);
        let whole = fs::read(&path).unwrap();
        for part in 1..8 {
            fs::write(&path, &whole[..whole.len() * part / 8]).unwrap();
            assert!(!posture(server.path()).is_empty());
        }
        fs::write(&path, whole).unwrap();
    }
}

/// Found by hand: each of these once ended a parser by its stack or its memory, or could have.
#[test]
fn nothing_is_nested_deeper_than_we_can_follow() {
    let many = 200_000;
    let aliases: String = (0..many / 10).map(|n| format!("User_Alias A{n} = A{}\n", n + 1)).collect();
    let cases: &[(&str, String)] = &[
        ("etc/apt/apt.conf", "a::".repeat(many) + "b \"1\";\n"),
        ("etc/apt/apt.conf", "a {".repeat(many)),
        ("etc/apt/apt.conf", "#include \"/etc/apt/apt.conf\";\n".into()),
        ("etc/sudoers", aliases + "A0 ALL=(ALL) NOPASSWD: ALL\n"),
        ("etc/sudoers", format!("root ALL=({}root) ALL\n", "!".repeat(many))),
        ("etc/sudoers", "@include /etc/sudoers\n".repeat(1_000)),
        ("etc/sudoers", format!("root ALL=(ALL) {}/bin/sh\n", "NOPASSWD: ".repeat(many / 10))),
        ("etc/ssh/sshd_config", "Include /etc/ssh/sshd_config\n".into()),
        ("etc/ssh/sshd_config", "Match User a\n".repeat(many / 10)),
        ("etc/ssh/sshd_config", format!("Match User {}\nPermitRootLogin yes\n", "*a".repeat(many / 10))),
        (
            "etc/ssh/sshd_config",
            (0..5_000).map(|n| format!("Match User u{n} Address 10.0.{}.{}\n", n / 250, n % 250)).collect(),
        ),
        ("etc/ssh/sshd_config", format!("AllowUsers {}\n", "a@10.0.0.* ".repeat(many / 10))),
        ("etc/apt/preferences", "Package: *\nPin: release *\nPin-Priority: 1\n\n".repeat(many / 10)),
        ("var/lib/dpkg/status", format!("Package: {}\n\n", "x".repeat(many))),
    ];
    for (file, content) in cases {
        let tree = tree::base("server");
        fs::create_dir_all(tree.path().join(file).parent().unwrap()).unwrap();
        fs::write(tree.path().join(file), content).unwrap();
        answers(tree.path(), &format!("{file}: {}", content.chars().take(60).collect::<String>()));
    }
}

#[test]
fn inclusions_that_multiply_come_to_an_end() {
    for (main, line) in [
        ("etc/ssh/sshd_config", "Include /etc/more/N\n"),
        ("etc/sudoers", "@include /etc/more/N\n"),
        ("etc/apt/apt.conf", "#include \"/etc/more/N\";\n"),
    ] {
        let tree = tree::base("server");
        fs::create_dir(tree.path().join("etc/more")).unwrap();
        // Twenty times the next file, nine times over: half a million millions.
        for number in 0..9 {
            let next = line.replace('N', &(number + 1).to_string()).repeat(20);
            fs::write(tree.path().join(format!("etc/more/{number}")), next).unwrap();
        }
        fs::write(tree.path().join("etc/more/9"), "").unwrap();
        fs::write(tree.path().join(main), line.replace('N', "0").repeat(20)).unwrap();
        answers(tree.path(), main);
    }
}

#[test]
fn links_that_multiply_come_to_an_end() {
    let tree = tree::base("server");
    let loops = tree.path().join("etc/loops");
    fs::create_dir(&loops).unwrap();
    for name in ["a", "b", "c", "d"] {
        symlink(".", loops.join(name)).unwrap();
    }
    let include = format!("Include /etc/loops{}\n", "/*".repeat(40));
    fs::write(tree.path().join("etc/ssh/sshd_config"), include).unwrap();
    answers(tree.path(), "links");
}

/// That the binary comes back, by itself and with an answer. A minute is for a busy machine: it takes a moment.
#[track_caller]
fn answers(root: &Path, what: &str) {
    let binary = env!("CARGO_BIN_EXE_guestward");
    let output = Command::new("timeout").args(["60", binary, "check", "--root"]).arg(root).output().unwrap();
    let errors = text(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{what}: {:?} {errors}", output.status);
}

#[test]
fn the_binary_answers_in_clean_json_whatever_a_tree_holds() {
    let tree = tree::base("server");
    for file in files(tree.path()).iter().filter(|file| !file.ends_with("sshd")) {
        fs::write(
            tree.path().join(file),
            b"\x1b[2J\xff\xe2\x80\xaeevil\x00:x:0:0::/:/bin/sh\nInclude \x07\n",
        )
        .unwrap();
    }
    let (output, document) = check_json(tree.path(), &[]);
    assert!(matches!(output.status.code(), Some(1 | 3)), "{}", text(&output.stderr));
    let printed = document.to_string();
    assert!(
        !printed.contains("\\u001b") && !printed.contains('\u{202e}') && !printed.contains("\\u0000"),
        "{printed}"
    );
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn kernels_without_openat2_give_the_same_posture() {
    for name in ["server", "neglected"] {
        let tree = tree::base(name);
        assert_eq!(of(&Host::at_by_hand(tree.path()).unwrap()), posture(tree.path()));
    }
}

fn posture(root: &Path) -> Vec<Finding> {
    of(&Host::at(root).unwrap())
}

fn of(host: &Host) -> Vec<Finding> {
    let policy = Policy::default();
    let selected = check::select(&[], &policy);
    let now = "2026-11-22T00:00:00Z".parse().unwrap();
    check::judge(&Facts::gather(host, check::wanted(&selected), now, &mut |_| {}), &policy, &selected)
}

fn passes(findings: &[Finding]) -> BTreeSet<String> {
    let passed = findings.iter().filter(|finding| finding.verdict == Verdict::Pass);
    passed.map(|finding| format!("{} {}", finding.check, finding.subject)).collect()
}

fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            // Never through a link: it may lead out of the tree, to this very machine's own file.
            if kind.is_dir() {
                folders.push(path);
            } else if !kind.is_symlink() {
                files.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}
