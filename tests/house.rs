//! The rules of the house, read off the source: who may know whom, and what is deliberately absent.

use std::fs;
use std::path::{Path, PathBuf};

/// A room, and words that its code must not contain, each with the reason.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "sys",
        &["crate::host", "crate::check", "crate::finding", "crate::policy", "crate::journal", "crate::cli"],
        "the kernel knows none of us",
    ),
    (
        "journal",
        &[
            "crate::host",
            "crate::check",
            "crate::policy",
            "crate::state",
            "crate::ship",
            "crate::daemon",
            "crate::sys",
            "crate::cli",
        ],
        "the journal keeps what it is given, and asks nobody",
    ),
    (
        "ship",
        &["crate::host", "crate::check", "crate::state", "crate::daemon", "crate::cli"],
        "who carries the records away sees nothing but them",
    ),
    (
        "fleet",
        &[
            "crate::host",
            "crate::check",
            "crate::state",
            "crate::daemon",
            "crate::journal",
            "crate::cli",
            "std::fs",
        ],
        "who asks CloudWatch sees what arrived there, and keeps nothing",
    ),
    (
        "host",
        &["crate::check", "crate::finding", "crate::policy", "crate::journal", "crate::cli"],
        "facts know no opinions",
    ),
    (
        "finding",
        &["crate::check", "crate::policy", "crate::state", "crate::journal", "crate::cli"],
        "words know no opinions",
    ),
    (
        "state",
        &["crate::host", "crate::check", "crate::policy", "crate::cli", "std::fs", "std::io"],
        "what is open follows from findings alone",
    ),
    (
        "baseline",
        &["crate::check", "crate::ship", "crate::daemon", "crate::cli", "crate::fleet"],
        "what was agreed, and how it differs from now: nobody's opinion",
    ),
    (
        "watch",
        &["crate::check", "crate::finding", "crate::policy", "crate::cli", "Host::", "&Host"],
        "waiting is not looking",
    ),
    (
        "policy",
        &["crate::check", "crate::journal", "crate::cli"],
        "the operator's wish knows no checks but by name",
    ),
    (
        "enforce",
        &["crate::check", "crate::ship", "crate::daemon", "crate::fleet", "crate::cli"],
        "what is changed is what the policy asks for, and no opinion of ours",
    ),
    (
        "check",
        &[
            "std::fs",
            "std::io",
            "std::net",
            "std::process",
            "std::env",
            "nix::",
            "Host::",
            "&Host",
            "crate::journal",
            "crate::cli",
        ],
        "a check is a pure function of facts",
    ),
    (
        "journal",
        &["crate::host", "crate::check", "crate::policy", "crate::state", "crate::ship", "crate::cli"],
        "the journal keeps what it is given",
    ),
    (
        "ship",
        &["crate::host", "crate::check", "crate::state", "crate::cli"],
        "what is shipped was in the journal first",
    ),
    ("", &["Command::new", "std::process::Command"], "the agent starts no other program"),
    (
        "",
        &["thread::spawn", "thread::Builder", "Builder::new", "thread::scope"],
        "only the daemons and the file walk start threads",
    ),
    (
        "",
        &["unsafe {", "unsafe fn", "unsafe impl", "allow(unsafe_code"],
        "only sys speaks to the kernel unwrapped",
    ),
    (
        "",
        &[
            "File::create",
            "OpenOptions",
            "fs::write",
            "fs::remove_file",
            "fs::remove_dir",
            "fs::remove_dir_all",
            "fs::rename",
            "set_permissions",
            "O_WRONLY",
            "O_RDWR",
            "OFlags::WRONLY",
            "OFlags::RDWR",
            "OFlags::CREATE",
            "mkdirat",
            "linkat",
            "unlinkat",
            "renameat",
        ],
        "only enforce writes outside the agent's own directories",
    ),
];

/// Places that may say a word which the rules above forbid, each with the reason.
const EXCEPTIONS: &[(&str, &[&str], &str)] = &[
    ("daemon/threads.rs", &["Builder::new"], "whoever waits for something waits on a thread of its own"),
    ("ship.rs", &["thread::Builder", "Builder::new"], "a destination that is stuck must not hold up another"),
    ("ship/answer.rs", &["Builder::new"], "a shipper answers while it delivers"),
    (
        "ship/aws.rs",
        &["thread::Builder", "Builder::new"],
        "one runtime, on a thread of its own, carries what all shippers have to say to AWS",
    ),
    ("ship/stop.rs", &["thread::Builder", "Builder::new"], "signals are waited for on a thread of their own"),
    (
        "journal/storage.rs",
        &["OpenOptions", "fs::remove_file", "fs::rename", "set_permissions"],
        "the journal's own directory, and the state's",
    ),
    (
        "journal/heir.rs",
        &["set_permissions"],
        "what root makes in there is left to whoever has the directory",
    ),
    ("journal/lock.rs", &["OpenOptions"], "a lock lies in the journal's or the cursors' own directory"),
    ("ship/local.rs", &["OpenOptions", "set_permissions"], "the local file is where the records are to be"),
    ("ship/local/tail.rs", &["OpenOptions"], "a torn last line of the local file is cut off"),
    (
        "host/tree/pool.rs",
        &["thread::scope", "thread::Builder", "Builder::new"],
        "the file walk's workers: one waits for the disk while another hashes",
    ),
    ("host/sshd.rs", &["Builder::new"], "it builds a configuration, and no thread"),
    ("ship/local/rotate.rs", &["fs::remove_file", "fs::rename"], "the local files are the agent's own"),
    (
        "daemon/init_key.rs",
        &["OpenOptions", "fs::remove_file"],
        "the operator names the file of a first key, and one that came to nothing goes again",
    ),
    ("host/packages/dnf/rules.rs", &["toml"], "dnf 5 keeps its version locks in TOML"),
    ("host/packages/exploited/forms.rs", &["Deserialize"], "a catalogue of CISA's has CISA's form"),
    (
        "host/packages/appeared/document.rs",
        &["Deserialize"],
        "a memory of the sensor's own, which host reads; no record has its form",
    ),
    (
        "cli/packages/self_check/asked.rs",
        &["Command::new", "std::process::Command"],
        "the package manager is asked when somebody says so, in a unit of its own; the sensor may start nothing",
    ),
    (
        "cli/packages/self_check/asked/place.rs",
        &["fs::write", "fs::remove_dir_all"],
        "what the package manager wants to write goes into a directory that is thrown away",
    ),
    (
        "enforce/place.rs",
        &["OFlags::WRONLY", "OFlags::CREATE", "linkat", "unlinkat"],
        "this is where the agent writes outside its own directories: what the policy asks for, when a person says so",
    ),
    (
        "enforce/memory.rs",
        &["OFlags::WRONLY", "OFlags::CREATE", "mkdirat", "unlinkat", "renameat"],
        "what was planted is remembered in the state",
    ),
    (
        "sys/probe/disk.rs",
        &["OFlags::WRONLY"],
        "whether a disk takes what is written is tried with a file that never has a name",
    ),
    ("sys/memory.rs", &["unsafe {"], "the allocator has no safe wrapper"),
    ("sys/clock.rs", &["unsafe {"], "neither has adjtimex"),
    ("sys/priority.rs", &["unsafe {"], "nor ioprio_set"),
    ("sys/process_events/filter.rs", &["unsafe {"], "nor a socket's filter"),
    ("sys/fanotify.rs", &["unsafe {"], "nor fanotify for what comes with names"),
    ("sys/fanotify/handles.rs", &["unsafe {"], "nor open_by_handle_at"),
    ("sys/verity.rs", &["unsafe {"], "nor an ioctl that is told how much room there is for its answer"),
    ("sys/probe/bpf.rs", &["unsafe {"], "nor bpf, which nobody else here asks"),
    ("sys/probe/landlock.rs", &["unsafe {"], "nor landlock_create_ruleset"),
    (
        "cli/doctor/patience.rs",
        &["thread::Builder", "Builder::new"],
        "a disk that does not answer must not hold up whoever asks why",
    ),
    ("sys/notify/stored.rs", &["unsafe {"], "nor a descriptor that somebody else opened for us"),
    (
        "sys/socket/place.rs",
        &["fs::remove_file", "set_permissions"],
        "a status socket and its directory are the agent's own",
    ),
];

/// Words of the network, and the only places that may say them.
const NETWORK: &[&str] = &[
    "TcpStream",
    "UdpSocket",
    "UnixStream",
    "UnixListener",
    "UnixDatagram",
    "reqwest",
    "tokio",
    "sys::socket",
];
const ON_THE_NETWORK: &[(&str, &str)] = &[
    ("sys/", "netlink asks the kernel, and the service manager and the status socket are on this machine"),
    ("daemon", "the sensor answers at the status socket"),
    ("ship/answer.rs", "the shipper does, too"),
    ("ship/aws", "what goes to AWS goes through here, and its credentials are asked for here"),
    ("cli/ship.rs", "and makes the socket"),
    ("cli/status.rs", "who asks for the status asks both"),
    ("fleet/", "an auditor asks CloudWatch and Parameter Store"),
    ("cli/doctor/keep.rs", "so does whoever asks whether they run"),
    ("ship/doctor", "and whether AWS can be reached is found out by going there"),
    ("host/imds/", "the instance metadata service answers over HTTP"),
];

#[test]
fn only_the_metadata_client_and_sys_open_sockets() {
    for (path, _, code) in sources() {
        let path = path.to_str().unwrap();
        let may = ON_THE_NETWORK.iter().any(|(place, _)| path.contains(&format!("agent/src/{place}")));
        let said: Vec<_> = NETWORK.iter().filter(|word| names(&code, word)).collect();
        assert!(may || said.is_empty(), "{path} has {said:?}: looking needs no network");
    }
}

#[test]
fn rooms_know_only_the_rooms_before_them() {
    let mut broken = Vec::new();
    for (path, room, code) in sources() {
        for (where_, words, reason) in FORBIDDEN {
            if !where_.is_empty() && *where_ != room {
                continue;
            }
            for word in words.iter().filter(|word| names(&code, word) && !is_excepted(&path, word)) {
                broken.push(format!("{} has `{word}`: {reason}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_the_wire_knows_how_a_record_is_written() {
    for (path, _, code) in sources() {
        let derives =
            code.contains("Serialize)]") || code.contains("Serialize,") || code.contains("Deserialize");
        let is_wire = path.to_str().unwrap().contains("finding/wire");
        let is_other = is_excepted(&path, "Deserialize");
        assert!(is_wire || is_other || !derives, "{} derives serde", path.display());
    }
}

#[test]
fn only_the_policy_file_knows_toml() {
    for (path, _, code) in sources() {
        assert!(
            path.to_str().unwrap().contains("policy/file")
                || is_excepted(&path, "toml")
                || !code.contains("toml::"),
            "{} reads TOML",
            path.display()
        );
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for file in
        rust_files(&project().join("agent/src")).into_iter().chain(rust_files(&project().join("tests")))
    {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{} opens without saying what it is for", file.display());
    }
}

#[test]
fn no_room_is_a_lumber_room() {
    for file in rust_files(&project().join("agent/src")) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let lumber = ["common", "util", "utils", "helper", "helpers", "manager", "misc", "handler", "shared"];
        assert!(!lumber.contains(&name), "{} says nothing about what is in it", file.display());
    }
}

#[test]
fn every_part_of_the_map_exists() {
    let map = fs::read_to_string(project().join("CONTRIBUTING.md")).unwrap();
    let named: Vec<&str> = map.lines().filter_map(|line| line.trim().strip_prefix("agent/src/")).collect();
    assert!(named.len() >= 5, "the map in CONTRIBUTING.md names the rooms by path, a line each");
    for line in named {
        let path = line.split_whitespace().next().unwrap();
        assert!(project().join("agent/src").join(path).exists(), "the map names agent/src/{path}");
    }
}

fn is_excepted(path: &Path, word: &str) -> bool {
    EXCEPTIONS
        .iter()
        .any(|(place, words, _)| path.ends_with(Path::new("agent/src").join(place)) && words.contains(&word))
}

#[test]
fn every_exception_is_needed() {
    let sources = sources();
    for (place, words, reason) in EXCEPTIONS {
        let file = sources.iter().find(|(path, _, _)| path.ends_with(Path::new("agent/src").join(place)));
        let (_, _, code) =
            file.unwrap_or_else(|| panic!("{place} is gone, and its exception ({reason}) stays"));
        for word in *words {
            assert!(names(code, word), "{place} no longer needs `{word}`");
        }
    }
}

/// Whether `word` stands in the code as a word: `nix::` is not in `unix::`, nor `&Host` in `&HostKey`.
fn names(code: &str, word: &str) -> bool {
    let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let runs_on = is_name(word.chars().last()) && is_name(after);
        let begins_inside = is_name(word.chars().next()) && is_name(before);
        !runs_on && !begins_inside
    })
}

/// Path, room and code of each file of the agent; its tests and comments are left out.
fn sources() -> Vec<(PathBuf, String, String)> {
    let root = project().join("agent/src");
    rust_files(&root)
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs") && !path.iter().any(|part| part == "tests"))
        .map(|path| {
            let inside = path.strip_prefix(&root).unwrap();
            let room = Path::new(inside.components().next().unwrap().as_os_str());
            let room = room.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
            let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            (path, room, code.join("\n"))
        })
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}
