//! The seal: somebody who has a key that this machine need not have says that this is what was agreed.
//!
//! It is text, so that it can be read and carried away. What is signed are its lines, up to the signature's own.

use std::fmt;
use std::io::{self, Read as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

use super::damage::{Damage, Fault, NotKept};
use super::head::replace;
use super::lock::Lock;
use super::{Store, check, files, section};
use crate::baseline::diff::Identity;

/// A key that seals. It is nowhere but in memory, and wiped from there.
pub struct SealingKey(Ed25519KeyPair);

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SealingKey").field(&self.public()).finish()
    }
}

/// A key that tells whose seal it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A seal whose signature is right, and that is about this baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub by: PublicKey,
    pub who: String,
    pub at: Timestamp,
    /// What was sealed.
    pub identity: Identity,
    /// How many acceptances followed.
    pub changes_since: u64,
}

/// Why a file is no key.
#[derive(Debug)]
pub enum NoKey {
    Unreadable(String, io::Error),
    NotPrivate(String),
    NotPublic(String),
}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, cause) => write!(f, "cannot read the key {path}: {cause}"),
            Self::NotPrivate(path) => write!(
                f,
                "{path} is no private Ed25519 key: openssl genpkey -algorithm ed25519 -out KEY makes one"
            ),
            Self::NotPublic(path) => {
                write!(
                    f,
                    "{path} is no public Ed25519 key: openssl pkey -in KEY -pubout -out {path} makes one"
                )
            }
        }
    }
}

impl std::error::Error for NoKey {}

impl SealingKey {
    /// PEM of PKCS#8, as openssl-genpkey(1) writes it.
    pub fn read(path: &Path) -> Result<Self, NoKey> {
        let der = pem(path, "PRIVATE KEY")?.ok_or_else(|| NoKey::NotPrivate(path.display().to_string()))?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der)
            .map(Self)
            .map_err(|_| NoKey::NotPrivate(path.display().to_string()))
    }

    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().try_into().unwrap_or_default())
    }
}

impl PublicKey {
    /// PEM of SubjectPublicKeyInfo, as `openssl pkey -pubout` writes it.
    pub fn read(path: &Path) -> Result<Self, NoKey> {
        let der = pem(path, "PUBLIC KEY")?;
        let key = der.as_deref().and_then(|der| der.strip_prefix(&SPKI)).and_then(|key| key.try_into().ok());
        key.map(Self).ok_or_else(|| NoKey::NotPublic(path.display().to_string()))
    }
}

/// What is between the lines that say what it is; `None` where those are not there.
fn pem(path: &Path, label: &str) -> Result<Option<Zeroizing<Vec<u8>>>, NoKey> {
    let unreadable = |cause| NoKey::Unreadable(path.display().to_string(), cause);
    // A FIFO in its place must not hang us.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| unreadable(errno.into()))?;
    let file = std::fs::File::from(file);
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_KEY));
    file.take(MAX_KEY as u64).read_to_end(&mut text).map_err(unreadable)?;
    let Ok(text) = std::str::from_utf8(&text) else { return Ok(None) };
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let body = text.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end)).map(|(body, _)| body);
    let Some(body) = body else { return Ok(None) };
    let mut letters = Zeroizing::new(Vec::with_capacity(body.len()));
    letters.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    Ok(BASE64.decode(&*letters).ok().map(Zeroizing::new))
}

impl Store {
    /// Says that what is agreed now is right. Whatever seal there was, is no more.
    pub fn seal(&mut self, key: &SealingKey, who: &str, at: Timestamp) -> Result<Sealed, NotKept> {
        check::words(who, "").map_err(NotKept::Refused)?;
        let lock = Lock::take(&self.directory)?;
        self.refresh()?;
        // What it says of itself is signed only if it is so.
        self.recompute()?;
        let seal = Seal { identity: self.identity(), seq: self.seq(), at, who: plain(who), by: key.public() };
        let covered = seal.covered();
        let text = format!("{covered}{SIGNATURE}{}\n", BASE64.encode(key.0.sign(covered.as_bytes())));
        let name = files::seal(self.base.about.version);
        let disk = NotKept::disk(&self.directory.join(&name));
        replace(&lock.directory, &name, text.as_bytes()).map_err(disk)?;
        Ok(Sealed { by: seal.by, who: seal.who, at, identity: seal.identity, changes_since: 0 })
    }

    /// The seal, if there is one. Whether its key is the right one is for the caller to say.
    pub fn sealed(&self) -> Result<Option<Sealed>, Damage> {
        let path = self.directory.join(files::seal(self.base.about.version));
        let file = match section::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Damage::disk(&path, error)),
        };
        let mut text = String::new();
        file.take(MAX_SEAL).read_to_string(&mut text).map_err(|cause| Damage::disk(&path, cause))?;
        let seal = Seal::parse(&text).ok_or_else(|| Damage::new(&path, None, Fault::Malformed(NO_SEAL)))?;
        let since = self.since(&seal).ok_or_else(|| Damage::new(&path, None, Fault::Foreign))?;
        if since == 0 {
            self.recompute()?;
        }
        let Seal { identity, at, who, by, .. } = seal;
        Ok(Some(Sealed { by, who, at, identity, changes_since: since }))
    }

    /// The acceptances after what was sealed, if that is what this was.
    fn since(&self, seal: &Seal) -> Option<u64> {
        let since = self.seq().checked_sub(seal.seq)?;
        if seal.identity.version == self.base.about.version {
            let merged = self.base.history.last().map_or(0, |last| last.seq);
            let accepted = usize::try_from(seal.seq.checked_sub(merged)?).ok()?;
            return (self.identity_after(accepted) == seal.identity).then_some(since);
        }
        // It was merged since: what tells is the root, which a merge leaves as it is.
        let root = match since {
            0 => self.delta.root,
            _ => self.acceptances().find(|accepted| accepted.seq == seal.seq + 1)?.before,
        };
        (root == seal.identity.root).then_some(since)
    }

    /// How many acceptances there were, ever.
    pub(super) fn seq(&self) -> u64 {
        self.acceptances().next_back().map_or(0, |last| last.seq)
    }

    /// Whether the root digest is that of the entries.
    pub fn recompute(&self) -> Result<(), Damage> {
        let (entries, root) = self.measure(&self.delta.changes)?;
        if (entries, root) == (self.delta.entries, self.delta.root) {
            return Ok(());
        }
        Err(Damage::new(
            &self.base.path,
            None,
            Fault::Malformed("its root digest is not that of its entries"),
        ))
    }
}

#[derive(Debug)]
struct Seal {
    identity: Identity,
    seq: u64,
    at: Timestamp,
    who: String,
    by: PublicKey,
}

impl Seal {
    fn covered(&self) -> String {
        let Identity { version, root, state } = &self.identity;
        let (root, state) = (BASE64.encode(root), BASE64.encode(state));
        let Self { seq, at, who, by, .. } = self;
        format!(
            "{TITLE}\nroot {root}\nstate {state}\nversion {version}\naccepted {seq}\ntime {at}\nwho {who}\nkey {by}\n"
        )
    }

    /// One whose signature is right, and that says nothing beyond what we know.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().skip(1);
        let mut value = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
        let root = bytes32(value("root")?)?;
        let state = bytes32(value("state")?)?;
        let version = value("version")?.parse().ok()?;
        let (seq, at) = (value("accepted")?.parse().ok()?, value("time")?.parse().ok()?);
        let (who, by) = (value("who")?.to_owned(), PublicKey(bytes32(value("key")?)?));
        let seal = Self { identity: Identity { version, root, state }, seq, at, who, by };
        let covered = seal.covered();
        let signature = text.strip_prefix(&covered)?.strip_prefix(SIGNATURE)?.strip_suffix('\n')?;
        let signature = BASE64.decode(signature).ok()?;
        UnparsedPublicKey::new(&ED25519, by.0).verify(covered.as_bytes(), &signature).ok()?;
        Some(seal)
    }
}

fn bytes32(text: &str) -> Option<[u8; 32]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

/// On one line, whatever it is.
fn plain(who: &str) -> String {
    who.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

const TITLE: &str = "guestward baseline seal 1";
const SIGNATURE: &str = "signature ";
const NO_SEAL: &str = "it is no seal, or its signature is wrong";
/// RFC 8410: what comes before the 32 bytes of an Ed25519 key.
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Ten times as large as a key with a comment.
const MAX_KEY: usize = 4096;
const MAX_SEAL: u64 = 8192;

#[cfg(test)]
mod tests {
    use super::super::tests::{file, header};
    use super::super::{Acceptance, Draft};
    use super::*;

    /// As `openssl genpkey -algorithm ed25519` wrote it for this test.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIFqvABbepA2+4MMqH7Z86hMIzokTyEn7QKHl/CYL5mso
-----END PRIVATE KEY-----
";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAnPSJsVpwQKGHXI81JR8Xc0A6VZ4rHcbXWoOKgvD7yEM=
-----END PUBLIC KEY-----
";

    fn keys(folder: &Path) -> (SealingKey, PublicKey) {
        std::fs::write(folder.join("key"), KEY).unwrap();
        std::fs::write(folder.join("pub"), PUBLIC).unwrap();
        (SealingKey::read(&folder.join("key")).unwrap(), PublicKey::read(&folder.join("pub")).unwrap())
    }

    fn sealed(folder: &Path) -> (Store, PublicKey) {
        let (key, public) = keys(folder);
        let draft = Draft::begin(&folder.join("b"), header()).unwrap();
        draft.add(b"/usr", &[(b"a".to_vec(), file(1)), (b"b".to_vec(), file(2))]).unwrap();
        let mut store = draft.finish().unwrap();
        assert_eq!(store.sealed().unwrap(), None);
        let sealed =
            store.seal(&key, "the\nauditor", Timestamp::from_second(1_800_000_000).unwrap()).unwrap();
        assert_eq!(store.sealed().unwrap(), Some(sealed));
        (store, public)
    }

    fn accept(store: &mut Store, number: u64) {
        let changes = vec![(b"/usr/c".to_vec(), Some(file(number)))];
        let when = Timestamp::from_second(1_800_000_001).unwrap();
        store.accept(&Acceptance { when, who: String::new(), why: String::new(), changes }).unwrap();
    }

    #[test]
    fn keys_as_openssl_writes_them_belong_together() {
        let folder = tempfile::tempdir().unwrap();
        let (key, public) = keys(folder.path());
        assert_eq!(key.public(), public);
        assert!(!format!("{key:?}").contains("Wq8AFt"), "{key:?}");
    }

    #[test]
    fn what_is_no_key_is_told_with_the_command_that_makes_one() {
        let folder = tempfile::tempdir().unwrap();
        keys(folder.path());
        let (key, public) = (folder.path().join("key"), folder.path().join("pub"));
        let private = SealingKey::read(&public).unwrap_err().to_string();
        assert!(private.contains("openssl genpkey -algorithm ed25519"), "{private}");
        let public = PublicKey::read(&key).unwrap_err().to_string();
        assert!(public.contains("openssl pkey -in KEY -pubout"), "{public}");
        let missing = PublicKey::read(&folder.path().join("none")).unwrap_err().to_string();
        assert!(missing.contains("none"), "{missing}");
    }

    #[test]
    fn a_seal_says_how_much_was_accepted_since_also_after_a_merge() {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, public) = sealed(folder.path());
        let seal = store.sealed().unwrap().unwrap();
        assert_eq!((seal.by, &seal.who[..], seal.changes_since), (public, "the\u{fffd}auditor", 0));
        store.merge().unwrap();
        assert_eq!(store.sealed().unwrap().unwrap().changes_since, 0);
        accept(&mut store, 3);
        accept(&mut store, 4);
        assert_eq!(store.sealed().unwrap().unwrap().changes_since, 2);
        store.merge().unwrap();
        assert_eq!(
            Store::open(&folder.path().join("b")).unwrap().unwrap().sealed().unwrap().unwrap().changes_since,
            2
        );
        let (key, _) = keys(folder.path());
        store.seal(&key, "auditor", Timestamp::from_second(1_800_000_002).unwrap()).unwrap();
        assert_eq!(store.sealed().unwrap().unwrap().changes_since, 0);
    }

    #[test]
    fn a_new_baseline_has_no_seal_of_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        sealed(folder.path());
        let draft = Draft::begin(&folder.path().join("b"), header()).unwrap();
        assert_eq!(draft.finish().unwrap().sealed().unwrap(), None);
    }

    #[test]
    fn a_seal_that_was_touched_or_moved_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = sealed(folder.path());
        let path = folder.path().join("b/seal.1");
        let text = std::fs::read(&path).unwrap();
        for at in 0..text.len() {
            let mut touched = text.clone();
            touched[at] ^= 1;
            std::fs::write(&path, &touched).unwrap();
            assert!(store.sealed().is_err(), "byte {at}");
        }
        let (other, _) = (tempfile::tempdir().unwrap(), ());
        let draft = Draft::begin(other.path(), header()).unwrap();
        draft.add(b"/usr", &[(b"a".to_vec(), file(9))]).unwrap();
        let store = draft.finish().unwrap();
        std::fs::write(other.path().join("seal.1"), &text).unwrap();
        assert!(matches!(store.sealed().unwrap_err().fault, Fault::Foreign));
    }
}
