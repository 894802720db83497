//! What `guestward enforce` remembers of the decoys that it planted (`enforce/memory.rs` writes it), so that nobody takes
//! them for keys that leaked.
//!
//! A line each, behind a first one that names the format: digest, inode, size, time of the last change of its content, what
//! it looks like, path. Whoever could write here could pass off a real key as one of ours, so that only root's word counts, or
//! that of whoever asks.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use super::object::Moment;
use super::{Cause, Host, Unreadable};

/// The decoys that are remembered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Planted(pub Vec<Decoy>);

/// One of them, as it was when it was planted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoy {
    /// Absolute.
    pub path: PathBuf,
    /// `aws-credentials`.
    pub plant: String,
    pub inode: u64,
    pub size: u64,
    pub modified: Moment,
    /// SHA-256 of its content.
    pub digest: [u8; 32],
}

impl Planted {
    /// None where there is no memory.
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        let path = host.state().join(PLACE);
        let (bytes, meta) = match host.open(&path) {
            Ok((_, meta)) => (host.read(&path, MAX_BYTES)?, meta),
            Err(cause) if cause.is_absent() => return Ok(Self::default()),
            Err(cause) => return Err(cause),
        };
        let is_ours = meta.uid == 0 || meta.uid == nix::unistd::geteuid().as_raw();
        if !is_ours || meta.mode & 0o022 != 0 {
            return Err(Unreadable::new(
                &path,
                Cause::Unsupported("others than root can write it".to_owned()),
            ));
        }
        Self::parse(&bytes).ok_or_else(|| Unreadable::malformed(&path, 0, "this is no memory of decoys"))
    }

    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(bytes).ok()?.lines();
        if lines.next() != Some(FORMAT) {
            return None;
        }
        let decoys: Option<Vec<Decoy>> = lines.take(MAX_DECOYS + 1).map(Decoy::parse).collect();
        decoys.filter(|decoys| decoys.len() <= MAX_DECOYS).map(Self)
    }

    pub fn to_text(&self) -> String {
        let mut text = format!("{FORMAT}\n");
        for Decoy { path, plant, inode, size, modified, digest } in &self.0 {
            for byte in digest {
                let _ = write!(text, "{byte:02x}");
            }
            let Moment { seconds, nanos } = modified;
            let _ = writeln!(text, " {inode} {size} {seconds}.{nanos:09} {plant} {}", path.display());
        }
        text
    }

    pub fn at(&self, path: &Path) -> Option<&Decoy> {
        self.0.iter().find(|decoy| decoy.path == path)
    }

    /// Whether this is the content of one of them, wherever it lies.
    pub fn is_content(&self, digest: &[u8; 32]) -> bool {
        self.0.iter().any(|decoy| decoy.digest == *digest)
    }
}

impl Decoy {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(6, ' ');
        let digest = hexadecimal(words.next()?)?;
        let inode = words.next()?.parse().ok()?;
        let size = words.next()?.parse().ok()?;
        let (seconds, nanos) = words.next()?.split_once('.')?;
        let modified = Moment { seconds: seconds.parse().ok()?, nanos: nanos.parse().ok()? };
        let (plant, path) = (words.next()?.to_owned(), PathBuf::from(words.next()?));
        let is_plain = path.is_absolute() && path.components().all(|part| part != Component::ParentDir);
        let is_word =
            !plant.is_empty() && plant.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let decoy = Self { path, plant, inode, size, modified, digest };
        (is_plain && is_word && decoy.modified.nanos < 1_000_000_000).then_some(decoy)
    }
}

fn hexadecimal(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(digest)
}

/// Beneath the state.
pub const PLACE: &str = "enforce/planted";
const FORMAT: &str = "guestward.planted/1";
/// A path has 4 KiB at most.
const MAX_BYTES: u64 = 4 << 20;
/// More than a policy may have; what one no longer has is remembered, too.
pub const MAX_DECOYS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoy(path: &str) -> Decoy {
        let modified = Moment { seconds: -7, nanos: 42 };
        Decoy { path: path.into(), plant: "ssh-key".into(), inode: 9, size: 3, modified, digest: [0xab; 32] }
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let planted = Planted(vec![decoy("/root/a b "), decoy("/ä/\"c\"")]);
        let text = planted.to_text();
        let head = format!("guestward.planted/1\n{} 9 3 -7.000000042 ssh-key /root/a b \n", "ab".repeat(32));
        assert!(text.starts_with(&head), "{text}");
        assert_eq!(Planted::parse(text.as_bytes()), Some(planted.clone()));
        assert!(planted.is_content(&[0xab; 32]) && !planted.is_content(&[0xac; 32]));
        assert_eq!(planted.at("/root/a b ".as_ref()), Some(&planted.0[0]));
    }

    #[test]
    fn what_is_no_memory_is_none_and_not_a_part_of_one() {
        let line = Planted(vec![decoy("/a")]).to_text();
        for text in [
            String::new(),
            "guestward.planted/2\n".to_owned(),
            line.replace("/a", "a"),
            line.replace("/a", "/../a"),
            line.replace("ssh-key", "Ssh"),
            line.replace("abab", "abax"),
            line.replace(" 9 ", " -9 "),
            line.replace(".000000042", ".1000000042"),
            line.replace(" ssh-key /a", ""),
        ] {
            assert_eq!(Planted::parse(text.as_bytes()), None, "{text}");
        }
        let many = |count| Planted(vec![decoy("/a"); count]).to_text();
        assert!(Planted::parse(many(MAX_DECOYS).as_bytes()).is_some());
        assert!(Planted::parse(many(MAX_DECOYS + 1).as_bytes()).is_none());
    }

    #[test]
    fn a_memory_that_others_can_write_counts_for_nothing() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(PLACE);
        std::fs::create_dir(folder.path().join("enforce")).unwrap();
        let host = || Host::at("/").unwrap().state_at(folder.path());
        assert_eq!(Planted::of(&host()), Ok(Planted::default()));
        let planted = Planted(vec![decoy("/a")]);
        std::fs::write(&file, planted.to_text()).unwrap();
        for (mode, is_read) in [(0o600, true), (0o644, true), (0o620, false), (0o602, false)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Planted::of(&host()).is_ok(), is_read, "{mode:o}");
        }
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(Planted::of(&host()), Ok(planted));
        // Only root can give a file away.
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(&file, Some(4_711), None).unwrap();
            assert!(Planted::of(&host()).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_what_is_read_is_written_back(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            line in "[0-9a-f]{62,66} [0-9-]{1,20} [0-9]{1,20} -?[0-9]{1,5}\\.[0-9]{1,10} [a-z-]{1,9} /\\PC{0,20}",
        ) {
            let _ = Planted::parse(&bytes);
            if let Some(planted) = Planted::parse(format!("{FORMAT}\n{line}\n").as_bytes()) {
                prop_assert_eq!(Planted::parse(planted.to_text().as_bytes()), Some(planted));
            }
        }
    }
}
