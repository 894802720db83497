//! Keys as guestward reads them, against ssh-keygen, which owns the format.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use guestward::host::Host;
use guestward::host::accounts::Accounts;
use guestward::host::ssh_keys::authorized;
use guestward::host::ssh_keys::{KeySources, SshKeys};

/// Every type that ssh-keygen makes without hardware, at the ends of its sizes.
const KINDS: &[(&str, &str)] = &[
    ("rsa", "1024"),
    ("rsa", "2048"),
    ("rsa", "3071"),
    ("dsa", "1024"),
    ("ecdsa", "256"),
    ("ecdsa", "384"),
    ("ecdsa", "521"),
    ("ed25519", "256"),
];

#[test]
fn sizes_types_and_fingerprints_are_those_that_ssh_keygen_prints() {
    let folder = tempfile::tempdir().unwrap();
    let keys = generate(folder.path());
    let mut compared = 0;
    for path in keys.iter().flat_map(|path| [path.with_extension("pub"), certificate(path)]) {
        let line = fs::read(&path).unwrap();
        let (key, _) = authorized::parse_line(&line).unwrap().unwrap();
        assert_eq!(key.to_string(), keygen_says(&path), "{}", path.display());
        compared += 1;
    }
    assert_eq!(compared, 2 * KINDS.len());
}

#[test]
fn security_keys_are_read_as_ssh_keygen_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    // Made by hand: the hardware that makes such keys is not here. The point is the generator of P-256.
    let string = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    let point = [vec![4], hex(GENERATOR_X), hex(GENERATOR_Y)].concat();
    let forms: [(&str, Vec<Vec<u8>>); 2] = [
        ("sk-ssh-ed25519@openssh.com", vec![vec![7; 32], b"ssh:".to_vec()]),
        ("sk-ecdsa-sha2-nistp256@openssh.com", vec![b"nistp256".to_vec(), point, b"ssh:".to_vec()]),
    ];
    for (name, fields) in forms {
        use base64::Engine as _;
        let mut blob = string(name.as_bytes());
        fields.iter().for_each(|field| blob.extend(string(field)));
        let line = format!("{name} {}", base64::engine::general_purpose::STANDARD.encode(blob));
        let path = folder.path().join("sk.pub");
        fs::write(&path, format!("{line}\n")).unwrap();
        let (key, _) = authorized::parse_line(line.as_bytes()).unwrap().unwrap();
        assert_eq!(key.to_string(), keygen_says(&path));
    }
}

#[test]
fn a_line_with_options_holds_the_key_that_ssh_keygen_finds_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    make(&path, "ed25519", "256");
    let key = fs::read_to_string(path.with_extension("pub")).unwrap();
    let lines = [
        "restrict KEY",
        "\tno-pty,from=\"10.0.0.0/8,!10.1.2.3\" KEY",
        "command=\"echo \\\"a b\\\" # c\",no-user-rc KEY",
        "environment=\"A=b c\",expiry-time=\"20300101\" KEY # remark",
        "cert-authority,principals=\"a,b\" KEY",
        "RESTRICT,X11-Forwarding KEY",
        "# KEY",
        "",
        "permitopen=\"localhost:80\",permitlisten=\"8080\",tunnel=\"0\" KEY",
        "KEY\r",
        "hello",
        "from=\"unclosed KEY",
    ];
    let file = folder.path().join("authorized_keys");
    let mut with_keys = 0;
    for line in lines {
        let line = line.replace("KEY", key.trim());
        fs::write(&file, format!("{line}\n")).unwrap();
        let ours = authorized::parse_line(line.as_bytes()).ok().flatten().map(|(key, _)| key.to_string());
        with_keys += usize::from(ours.is_some());
        assert_eq!(ours, keygen_listing(&file).into_iter().next(), "{line}");
    }
    assert_eq!(with_keys, 8);
}

#[test]
fn a_host_key_is_known_by_its_private_half_alone() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("etc/ssh");
    fs::create_dir_all(&folder).unwrap();
    for (kind, bits) in [("rsa", "2048"), ("ecdsa", "384"), ("ed25519", "256")] {
        let path = folder.join(format!("ssh_host_{kind}_key"));
        make(&path, kind, bits);
        let said = keygen_says(&path.with_extension("pub"));
        fs::remove_file(path.with_extension("pub")).unwrap();
        let host = Host::at(root.path()).unwrap();
        let facts = SshKeys::of(&host, &Accounts::of(&host), &KeySources::defaults(&host));
        let found = facts.host_keys.iter().find(|key| key.path.ends_with(format!("ssh_host_{kind}_key")));
        assert_eq!(found.unwrap().key.as_ref().unwrap().to_string(), said);
    }
}

fn generate(folder: &Path) -> Vec<PathBuf> {
    let authority = folder.join("authority");
    make(&authority, "ed25519", "256");
    let mut keys = Vec::new();
    for (kind, bits) in KINDS {
        let path = folder.join(format!("{kind}-{bits}"));
        make(&path, kind, bits);
        let mut sign = Command::new("ssh-keygen");
        sign.args(["-q", "-I", "an id", "-n", "bob,eve", "-O", "force-command=/bin/true", "-s"]);
        assert!(sign.arg(&authority).arg(path.with_extension("pub")).status().unwrap().success());
        keys.push(path);
    }
    keys
}

fn certificate(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap().to_str().unwrap();
    path.with_file_name(format!("{name}-cert.pub"))
}

fn make(path: &Path, kind: &str, bits: &str) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-N", "", "-t", kind, "-b", bits, "-f"]);
    assert!(command.arg(path).status().unwrap().success(), "{kind} {bits}");
}

/// `BITS FINGERPRINT (TYPE)`.
fn keygen_says(path: &Path) -> String {
    keygen_listing(path).remove(0)
}

fn keygen_listing(path: &Path) -> Vec<String> {
    let output = Command::new("ssh-keygen").arg("-lf").arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            format!("{} {} {}", words[0], words[1], words.last().unwrap())
        })
        .collect()
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// FIPS 186-4, D.1.2.3.
const GENERATOR_X: &str = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
const GENERATOR_Y: &str = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
