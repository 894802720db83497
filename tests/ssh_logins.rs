//! sshd as the judge of what we say about authorized_keys: which places others can write (it refuses their keys),
//! and which lines are keys.
//!
//! Each case is a real login: ssh speaks to an `sshd -i` that it starts itself, without a port.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use guestward::check;
use guestward::host::accounts::Accounts;
use guestward::host::ssh_keys::authorized;
use guestward::host::ssh_keys::{KeySources, SshKeys};
use guestward::host::{Facts, Host};
use guestward::policy::Policy;

/// Mode and owner of the directory, then of the file.
type Case = ((u32, u32, u32), (u32, u32, u32));

const CASES: &[Case] = &[
    ((0o755, 0, 0), (0o644, 0, 0)),
    ((0o755, 0, 0), (0o600, 0, 0)),
    ((0o755, 0, 0), (0o602, 0, 0)),
    ((0o755, 0, 0), (0o620, 0, 0)),
    ((0o755, 0, 0), (0o620, 0, 100)),
    ((0o755, 0, 0), (0o640, 0, 100)),
    ((0o755, 0, 0), (0o644, 1, 0)),
    ((0o777, 0, 0), (0o644, 0, 0)),
    ((0o1777, 0, 0), (0o644, 0, 0)),
    ((0o775, 0, 0), (0o644, 0, 0)),
    ((0o775, 0, 100), (0o644, 0, 0)),
    ((0o775, 0, 54321), (0o644, 0, 0)),
    ((0o755, 1, 0), (0o644, 0, 0)),
    ((0o700, 0, 1), (0o600, 0, 1)),
];

#[test]
fn sshd_refuses_a_key_exactly_where_we_say_that_others_can_write() {
    // Not below /tmp, where every place is on a way that others can write.
    let folder = tempfile::tempdir_in("/root").unwrap();
    let keys = folder.path().join("keys");
    fs::create_dir(&keys).unwrap();
    let server = Server::new(folder.path(), &keys);
    let mut let_in = 0;
    for &(directory, file) in CASES {
        fs::write(keys.join("root"), fs::read(folder.path().join("user.pub")).unwrap()).unwrap();
        own(&keys.join("root"), file);
        own(&keys, directory);
        let is_let_in = server.lets_in();
        let_in += usize::from(is_let_in);
        assert_eq!(!is_told(&keys), is_let_in, "directory {directory:?}, file {file:?}");
    }
    assert!((3..CASES.len() - 3).contains(&let_in), "{let_in} were let in");
}

/// `KEY` stands for the key; `OTHER` for one that nobody uses.
const LINES: &[&str] = &[
    "KEY",
    "  \t KEY a remark",
    "KEY\r",
    "# KEY",
    "restrict KEY",
    "ReStrict,X11-forwarding,No-User-RC KEY",
    "command=\"echo \\\"a, b\\\" # c\" KEY",
    "command=\"true\",command=\"false\" KEY",
    "command=true KEY",
    "command=\"true KEY",
    "command KEY",
    "from=\"*\",no-pty,no-agent-forwarding,no-port-forwarding KEY",
    "from=\"*\",from=\"*\" KEY",
    "environment=\"A=b c\",environment=\"C_1=\" KEY",
    "environment=\"A\" KEY",
    "environment=\"A-B=c\" KEY",
    "expiry-time=\"20990101\" KEY",
    "expiry-time=\"209901010101Z\" KEY",
    "expiry-time=\"2099010\" KEY",
    "expiry-time=\"20991301\" KEY",
    "permitopen=\"localhost:80\",permitlisten=\"8080\",tunnel=\"0\" KEY",
    "no-touch-required,verify-required KEY",
    "no-restrict KEY",
    "no-pty, KEY",
    ",no-pty KEY",
    "no-pty,,no-user-rc KEY",
    "no-pty=\"x\" KEY",
    "restrict no-pty KEY",
    "frobnicate KEY",
    "principals=\"a,b\" KEY",
    "cert-authority,principals=\"a,b\" KEY",
    ", KEY",
    ",=\"x\" KEY",
    "OTHER",
];

#[test]
fn a_line_is_a_key_for_us_exactly_where_sshd_takes_it() {
    let folder = tempfile::tempdir_in("/root").unwrap();
    let keys = folder.path().join("keys");
    fs::create_dir(&keys).unwrap();
    let server = Server::new(folder.path(), &keys);
    let public = |name: &str| {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        text.rsplit_once(' ').unwrap().0.to_owned()
    };
    let (own, other) = (public("user.pub"), public("host.pub"));
    let wanted = authorized::parse_line(own.as_bytes()).unwrap().unwrap().0;
    let (mut taken, mut complaints) = (0, Vec::new());
    for line in LINES {
        let line = line.replace("KEY", &own).replace("OTHER", &other);
        fs::write(keys.join("root"), format!("{line}\n")).unwrap();
        let read = authorized::parse_line(line.as_bytes()).ok().flatten();
        // An authority's key signs those of others and opens nothing by itself.
        let is_key = read.is_some_and(|(key, options)| key == wanted && !options.is_authority);
        taken += usize::from(is_key);
        if is_key != server.lets_in() {
            complaints.push(format!("{is_key} for us: {line}"));
        }
    }
    assert!(complaints.is_empty(), "sshd judges otherwise:\n{}", complaints.join("\n"));
    assert!((10..LINES.len() - 10).contains(&taken), "{taken} were taken");
}

fn own(path: &Path, (mode, uid, gid): (u32, u32, u32)) {
    chown(path, Some(uid), Some(gid)).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn is_told(keys: &Path) -> bool {
    let host = Host::at("/").unwrap();
    let policy = Policy::default();
    let selected = check::select(&["ssh-authorized-keys".to_owned()], &policy);
    let now = "2026-11-22T00:00:00Z".parse().unwrap();
    let mut facts = Facts::gather(&host, check::wanted(&selected), now, &mut |_| {});
    let pattern = keys.join("%u").to_str().unwrap().as_bytes().to_vec();
    let sources = KeySources { authorized_keys: vec![pattern], ..KeySources::defaults(&host) };
    facts.ssh_keys = SshKeys::of(&host, &Accounts::of(&host), &sources);
    let findings = check::judge(&facts, &policy, &selected);
    let evidence = findings
        .iter()
        .filter(|finding| finding.subject.as_str() == "user:root")
        .flat_map(|finding| &finding.evidence);
    evidence.into_iter().any(|evidence| evidence.expected.as_str().contains("not writable by others"))
}

struct Server<'a> {
    folder: &'a Path,
}

impl<'a> Server<'a> {
    fn new(folder: &'a Path, keys: &Path) -> Self {
        for name in ["host", "user"] {
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.join(name));
            assert!(command.status().unwrap().success());
        }
        let config = format!(
            "HostKey {}\nAuthorizedKeysFile {}/%u\nStrictModes yes\nPermitRootLogin yes\nUsePAM yes\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel QUIET\n",
            folder.join("host").display(),
            keys.display()
        );
        fs::write(folder.join("config"), config).unwrap();
        // Where the package's service does not run, nobody has made it.
        fs::create_dir_all("/run/sshd").unwrap();
        Self { folder }
    }

    fn lets_in(&self) -> bool {
        let proxy = format!("ProxyCommand=/usr/sbin/sshd -i -f {}", self.folder.join("config").display());
        let mut command = Command::new("ssh");
        command.args(["-F", "none", "-o", &proxy, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"]);
        command.args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-i"]);
        let output = command.arg(self.folder.join("user")).args(["root@host", "true"]).output().unwrap();
        output.status.success()
    }
}
