//! The files in which programs keep what opens other machines, and who may read them.

use std::path::{Path, PathBuf};

use memchr::memmem::find;

use super::search::is_public;
use crate::host::trail::Trail;
use crate::host::{Cause, Host, Kind, Unreadable, glob};

/// A file that holds something to guard.
#[derive(Debug, Clone)]
pub struct Guarded {
    pub path: PathBuf,
    /// Whose home it is in; none of the machine's own.
    pub account: Option<Vec<u8>>,
    pub mode: u32,
    /// Whether every account can read it, by its own mode and by each directory's on the way.
    pub is_public: bool,
    /// Whether every account can write it.
    pub is_writable: bool,
}

/// Those of one home that exist and hold something; an error a file that could not be looked at.
pub(super) fn of_home(
    host: &Host,
    account: &[u8],
    home: &Path,
    found: &mut Vec<Result<Guarded, Unreadable>>,
) {
    for (name, marks) in FILES {
        add(of(host, Some(account), &home.join(name), marks), found);
    }
}

/// The private keys of this machine's own services.
pub(super) fn of_system(host: &Host, found: &mut Vec<Result<Guarded, Unreadable>>) {
    for pattern in PRIVATE_KEYS {
        match glob::expand(host, pattern.as_bytes()) {
            Ok(paths) => {
                for path in paths.iter().take(MAX_PRIVATE_KEYS) {
                    add(of(host, None, path, PRIVATE_KEY), found);
                }
            }
            Err(cause) => add(Err(cause), found),
        }
    }
}

fn add(file: Result<Option<Guarded>, Unreadable>, found: &mut Vec<Result<Guarded, Unreadable>>) {
    match file {
        Ok(None) => {}
        Ok(Some(guarded)) => found.push(Ok(guarded)),
        Err(cause) if cause.is_absent() => {}
        Err(cause) => found.push(Err(cause)),
    }
}

fn of(
    host: &Host,
    account: Option<&[u8]>,
    path: &Path,
    marks: &[&[u8]],
) -> Result<Option<Guarded>, Unreadable> {
    let meta = host.stat(path)?;
    match meta.kind {
        Kind::File => {}
        Kind::Directory | Kind::CharacterDevice | Kind::Socket => return Ok(None),
        kind => return Err(Unreadable::new(path, Cause::NotRegular(kind))),
    }
    // One that nobody else may touch needs no further look.
    if meta.mode & 0o006 == 0 {
        return Ok(Some(Guarded {
            path: path.to_owned(),
            account: account.map(<[u8]>::to_vec),
            mode: meta.mode,
            is_public: false,
            is_writable: false,
        }));
    }
    let bytes = host.read(path, MAX_FILE)?;
    let holds = if marks.is_empty() {
        !bytes.trim_ascii().is_empty()
    } else {
        marks.iter().any(|mark| says(&bytes, mark))
    };
    let can_enter =
        Trail::to(host, path)?.places.iter().rev().skip(1).all(|place| place.meta.mode & 0o001 != 0);
    Ok(holds.then(|| Guarded {
        path: path.to_owned(),
        account: account.map(<[u8]>::to_vec),
        mode: meta.mode,
        is_public: is_public(host, path),
        is_writable: meta.is_world_writable() && can_enter,
    }))
}

/// Whether a word stands outside of remarks.
fn says(bytes: &[u8], word: &[u8]) -> bool {
    bytes
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::trim_ascii_start)
        .any(|line| !line.starts_with(b"#") && !line.starts_with(b";") && find(line, word).is_some())
}

/// Where it is below a home, and the words of which one has to stand in it; none means that any content counts.
const FILES: &[(&str, &[&[u8]])] = &[
    (".aws/credentials", &[b"aws_secret_access_key"]),
    (".boto", &[b"aws_secret_access_key", b"gs_secret_access_key"]),
    (".config/gh/hosts.yml", &[b"oauth_token:"]),
    (".config/rclone/rclone.conf", &[b"secret_access_key", b"token", b"pass"]),
    (".docker/config.json", &[b"\"auth\"", b"\"identitytoken\""]),
    (".git-credentials", &[b"@"]),
    (".kube/config", &[b"client-key-data:", b"token:", b"password:"]),
    (".my.cnf", &[b"password"]),
    (".netrc", &[b"password"]),
    (".npmrc", &[b"_authToken", b"_auth", b"_password"]),
    (".passwd-s3fs", &[]),
    (".pgpass", &[]),
    (".pypirc", &[b"password"]),
    (".s3cfg", &[b"secret_key"]),
    (".ssh/id_dsa", PRIVATE_KEY),
    (".ssh/id_ecdsa", PRIVATE_KEY),
    (".ssh/id_ed25519", PRIVATE_KEY),
    (".ssh/id_rsa", PRIVATE_KEY),
    (".ssh/identity", PRIVATE_KEY),
    (".terraform.d/credentials.tfrc.json", &[b"\"token\""]),
    (".vault-token", &[]),
];
const PRIVATE_KEYS: &[&str] = &[
    "/etc/ssl/private/*",
    "/etc/pki/tls/private/*",
    "/etc/letsencrypt/archive/*/privkey*.pem",
    "/etc/nginx/ssl/*.key",
    "/etc/apache2/ssl/*.key",
    "/etc/wireguard/*.conf",
];
const PRIVATE_KEY: &[&[u8]] = &[b"PRIVATE KEY-----", b"PrivateKey"];
const MAX_PRIVATE_KEYS: usize = 1_000;
/// A file of logins with more has another purpose.
const MAX_FILE: u64 = 4 * 1024 * 1024;
