//! sshd's files: its configuration's modes, its host keys, and the keys that let people in.
//!
//! Which files those are is sshd's configuration's to say ([`KeySources`]); what is in them is said here.

pub mod authorized;
pub mod blob;
mod container;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::accounts::{Accounts, User};
use super::sshd::{ConfigError, Effective, Sshd};
use super::trail::Trail;
use super::{Cause, Host, Kind, Meta, Unreadable, glob};
use authorized::AuthorizedKey;
use blob::PublicKey;

/// Where sshd's configuration says that keys are.
#[derive(Debug, Clone)]
pub struct KeySources {
    /// Whether the places below are what the configuration says, and not a guess where it could not be read.
    pub known: Result<(), Unreadable>,
    /// Every file of the configuration, and the directories that drop-ins are read from.
    pub config: Result<Vec<PathBuf>, Unreadable>,
    /// `HostKey`.
    pub host_keys: Vec<PathBuf>,
    /// `AuthorizedKeysFile`, tokens and all, for the accounts that a `Match` treats differently.
    pub authorized_keys_of: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
    /// `AuthorizedKeysFile` for everybody else.
    pub authorized_keys: Vec<Vec<u8>>,
}

impl KeySources {
    /// What this host's configuration says; what sshd does by default where it cannot be told.
    pub fn of(host: &Host, sshd: &Result<Option<Sshd>, Unreadable>, accounts: &Accounts) -> Self {
        let sshd = match sshd {
            Ok(Some(sshd)) => sshd,
            Ok(None) => return Self::defaults(host),
            Err(cause) => return Self { known: Err(cause.clone()), ..Self::defaults(host) },
        };
        let config = match &sshd.config {
            Ok(config) => config,
            // Without a configuration the defaults are all that there is.
            Err(ConfigError::Unreadable(cause)) if cause.is_absent() => {
                return Self { config: Err(cause.clone()), ..Self::defaults(host) };
            }
            Err(ConfigError::Unreadable(cause)) => {
                let (config, known) = (Err(cause.clone()), Err(cause.clone()));
                return Self { config, known, ..Self::defaults(host) };
            }
            // The modes of a configuration that sshd refuses matter all the same.
            Err(ConfigError::Invalid(defect)) => {
                let known = Err(Unreadable::malformed(CONFIG, 0, defect.to_string()));
                return Self { known, ..Self::defaults(host) };
            }
        };
        let everywhere = config.outside_match();
        let owned = |values: Vec<Cow<'_, [u8]>>| values.into_iter().map(Cow::into_owned).collect::<Vec<_>>();
        let authorized_keys = owned(everywhere.values(AUTHORIZED_KEYS_FILE));
        let mut authorized_keys_of: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
        let mut known = Ok(());
        if config.varies(AUTHORIZED_KEYS_FILE) {
            known = sshd.witnesses.as_ref().map(|_| ()).map_err(Clone::clone);
            // Whatever opens the account from anywhere counts.
            let mut add = |user: &[u8], effective: &Effective<'_>| {
                let all = authorized_keys_of.entry(user.to_vec()).or_insert_with(|| authorized_keys.clone());
                for file in owned(effective.values(AUTHORIZED_KEYS_FILE)) {
                    if !all.contains(&file) {
                        all.push(file);
                    }
                }
            };
            for user in accounts.users.as_deref().unwrap_or_default() {
                config.for_user(user, accounts).iter().for_each(|effective| add(&user.name, effective));
            }
            for witness in sshd.witnesses.as_deref().unwrap_or_default() {
                let user = &witness.context.user;
                config.evaluate(&witness.context).iter().for_each(|effective| add(user, effective));
            }
        }
        Self {
            known,
            config: Ok(config.files.iter().chain(&config.directories).cloned().collect()),
            host_keys: config.host_keys(),
            authorized_keys_of,
            authorized_keys,
        }
    }

    /// What sshd does when its configuration says nothing.
    pub fn defaults(host: &Host) -> Self {
        let config = glob::expand(host, DROP_INS_PATTERN.as_bytes()).and_then(|drop_ins| {
            let mut files = vec![PathBuf::from(CONFIG)];
            if host.exists(DROP_INS)? {
                files.push(PathBuf::from(DROP_INS));
            }
            files.extend(drop_ins);
            Ok(files)
        });
        Self {
            known: Ok(()),
            config,
            host_keys: HOST_KEYS.iter().map(PathBuf::from).collect(),
            authorized_keys_of: BTreeMap::new(),
            authorized_keys: AUTHORIZED_KEYS.iter().map(|pattern| pattern.as_bytes().to_vec()).collect(),
        }
    }

    /// The files that hold the keys of one account.
    fn authorized_keys_files(&self, user: &User) -> Vec<PathBuf> {
        let patterns = self.authorized_keys_of.get(&user.name).unwrap_or(&self.authorized_keys);
        patterns.iter().filter(|pattern| *pattern != b"none").map(|pattern| expand(pattern, user)).collect()
    }
}

/// sshd's TOKENS (sshd_config(5)); a path that is not absolute is in the account's home.
fn expand(pattern: &[u8], user: &User) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    let mut path = Vec::with_capacity(pattern.len());
    let mut rest = pattern.iter();
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            path.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'%') => path.push(b'%'),
            Some(b'h') => path.extend_from_slice(user.home.as_os_str().as_bytes()),
            Some(b'u') => path.extend_from_slice(&user.name),
            Some(b'U') => path.extend_from_slice(user.uid.to_string().as_bytes()),
            // sshd refuses other tokens here; such a path exists nowhere.
            Some(&other) => path.extend_from_slice(&[b'%', other]),
            None => path.push(b'%'),
        }
    }
    user.home.join(PathBuf::from(std::ffi::OsString::from_vec(path)))
}

#[derive(Debug)]
pub struct SshKeys {
    /// The sshd that would be started, if there is one.
    pub daemon: Result<Option<PathBuf>, Unreadable>,
    /// Whether these are the files that the configuration names.
    pub known: Result<(), Unreadable>,
    pub config: Result<Vec<ConfigPlace>, Unreadable>,
    pub host_keys: Vec<HostKey>,
    pub accounts: Result<Vec<AccountKeys>, Unreadable>,
}

/// A file or directory of sshd's configuration.
#[derive(Debug)]
pub struct ConfigPlace {
    pub path: PathBuf,
    pub trail: Result<Trail, Unreadable>,
}

/// A key by which this host proves itself; at least one of its two files exists.
#[derive(Debug)]
pub struct HostKey {
    pub path: PathBuf,
    pub private: Result<Option<Meta>, Unreadable>,
    pub public_path: PathBuf,
    pub public: Result<Option<Meta>, Unreadable>,
    /// What the private file holds, because sshd asks no other; what the public one says, where it cannot be read.
    pub key: Result<PublicKey, Unreadable>,
}

/// The keys that open one account.
#[derive(Debug)]
pub struct AccountKeys {
    pub user: Vec<u8>,
    /// The home, without links: how far up sshd looks at modes.
    pub home: PathBuf,
    pub files: Vec<KeyFile>,
}

#[derive(Debug)]
pub struct KeyFile {
    pub path: PathBuf,
    pub trail: Result<Trail, Unreadable>,
    pub keys: Result<Vec<AuthorizedKey>, Unreadable>,
    /// Lines that sshd skips.
    pub defects: Vec<Unreadable>,
}

impl SshKeys {
    pub fn of(host: &Host, accounts: &Accounts, sources: &KeySources) -> Self {
        let config = sources.config.clone().map(|paths| {
            paths.into_iter().map(|path| ConfigPlace { trail: Trail::to(host, &path), path }).collect()
        });
        let host_keys = sources.host_keys.iter().filter_map(|path| HostKey::of(host, path)).collect();
        let accounts = accounts
            .users
            .as_ref()
            .map_err(Clone::clone)
            .map(|users| users.iter().map(|user| AccountKeys::of(host, user, sources)).collect());
        Self { daemon: daemon(host), known: sources.known.clone(), config, host_keys, accounts }
    }

    pub fn not_asked() -> Self {
        let not_asked = || Unreadable::not_asked("sshd's files");
        Self {
            daemon: Err(not_asked()),
            known: Err(not_asked()),
            config: Err(not_asked()),
            host_keys: Vec::new(),
            accounts: Err(not_asked()),
        }
    }
}

fn daemon(host: &Host) -> Result<Option<PathBuf>, Unreadable> {
    for path in DAEMONS {
        if host.exists(path)? {
            return Ok(Some(PathBuf::from(path)));
        }
    }
    Ok(None)
}

impl HostKey {
    fn of(host: &Host, path: &Path) -> Option<Self> {
        let mut public_path = path.as_os_str().to_owned();
        public_path.push(".pub");
        let public_path = PathBuf::from(public_path);
        let private = file(host, path);
        let public = file(host, &public_path);
        if matches!((&private, &public), (Ok(None), Ok(None))) {
            return None;
        }
        let key = private_key(host, path).or_else(|error| {
            // A damaged private key is the truth about it; one that we may not read, or in PEM, has its twin.
            public_key(host, &public_path).map_err(|twin| if twin.is_absent() { error } else { twin })
        });
        Some(Self { path: path.to_owned(), private, public_path, public, key })
    }
}

/// A regular file, or nothing; anything else in its place is no key.
fn file(host: &Host, path: &Path) -> Result<Option<Meta>, Unreadable> {
    match host.stat(path) {
        Ok(meta) if meta.kind == Kind::File => Ok(Some(meta)),
        Ok(meta) => Err(Unreadable::new(path, Cause::NotRegular(meta.kind))),
        Err(cause) if cause.is_absent() => Ok(None),
        Err(cause) => Err(cause),
    }
}

fn private_key(host: &Host, path: &Path) -> Result<PublicKey, Unreadable> {
    let bytes = host.read(path, MAX_HOST_KEY)?;
    if bytes.starts_with(b"-----BEGIN ") && !bytes.starts_with(container::BEGIN) {
        let what = "a private key in PEM form does not tell its public half; the .pub file does";
        return Err(Unreadable::new(path, Cause::Unsupported(what.to_owned())));
    }
    container::public_half(&bytes).map_err(|what| Unreadable::malformed(path, 0, what))
}

fn public_key(host: &Host, path: &Path) -> Result<PublicKey, Unreadable> {
    let bytes = host.read(path, MAX_HOST_KEY)?;
    let mut words = bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let name = words.next().unwrap_or_default();
    PublicKey::from_words(name, words.next().unwrap_or_default())
        .map_err(|what| Unreadable::malformed(path, 1, what))
}

impl AccountKeys {
    fn of(host: &Host, user: &User, sources: &KeySources) -> Self {
        let files = sources.authorized_keys_files(user);
        let files: Vec<KeyFile> = files.into_iter().filter_map(|path| KeyFile::of(host, path)).collect();
        let home = Trail::to(host, &user.home).ok().and_then(|trail| Some(trail.end()?.path.clone()));
        Self { user: user.name.clone(), home: home.unwrap_or_else(|| user.home.clone()), files }
    }
}

impl KeyFile {
    /// Nothing where there is no such file.
    fn of(host: &Host, path: PathBuf) -> Option<Self> {
        let bytes = host.read(&path, MAX_AUTHORIZED_KEYS);
        if bytes.as_ref().is_err_and(Unreadable::is_absent) {
            return None;
        }
        let mut defects = Vec::new();
        let keys = bytes.map(|bytes| {
            let (keys, lines) = authorized::parse(&path, &bytes);
            defects = lines;
            keys
        });
        Some(Self { trail: Trail::to(host, &path), path, keys, defects })
    }
}

const AUTHORIZED_KEYS_FILE: &str = "AuthorizedKeysFile";
const CONFIG: &str = "/etc/ssh/sshd_config";
const DROP_INS: &str = "/etc/ssh/sshd_config.d";
const DROP_INS_PATTERN: &str = "/etc/ssh/sshd_config.d/*.conf";
const HOST_KEYS: [&str; 3] =
    ["/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ed25519_key"];
const AUTHORIZED_KEYS: [&str; 2] = [".ssh/authorized_keys", ".ssh/authorized_keys2"];
const DAEMONS: [&str; 2] = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"];
/// The largest key that ssh makes, in any of its forms, many times over.
const MAX_HOST_KEY: u64 = 256 * 1024;
/// Some ten thousand keys; sshd itself reads every one of them at each login.
const MAX_AUTHORIZED_KEYS: u64 = 4 * 1024 * 1024;
