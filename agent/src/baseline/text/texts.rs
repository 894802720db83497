//! The kept texts: a file each, named after the content that they were part of.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Kept, MAX_BYTES};
use crate::journal::heir::Heir;

/// A directory of texts.
#[derive(Debug)]
pub struct Texts {
    directory: PathBuf,
    heir: Option<Heir>,
    /// What all of them take.
    bytes: AtomicU64,
    drafts: AtomicU64,
}

#[derive(Debug)]
pub struct TextError {
    doing: &'static str,
    path: PathBuf,
    cause: io::Error,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.doing, self.path.display(), self.cause)
    }
}

impl std::error::Error for TextError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

impl Texts {
    /// The directory, made if need be.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, TextError> {
        let directory = directory.into();
        let fail = |cause| TextError { doing: "open", path: directory.clone(), cause };
        let parent = fs::metadata(directory.parent().unwrap_or(&directory)).map_err(fail)?;
        let heir = Heir::of(&parent);
        match DirBuilder::new().mode(0o750).create(&directory) {
            Ok(()) => heir.map_or(Ok(()), |heir| heir.inherit_directory(&directory)).map_err(fail)?,
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(fail(cause)),
        }
        let texts = Self { directory, heir, bytes: AtomicU64::new(0), drafts: AtomicU64::new(0) };
        let sizes = texts.each()?.into_iter().map(|(_, _, size)| size).sum();
        texts.bytes.store(sizes, Ordering::Relaxed);
        Ok(texts)
    }

    /// Keeps a text under the digest of the content that it was part of. `false` where there is no room for it.
    pub fn put(&self, content: &[u8; 32], text: &Kept) -> Result<bool, TextError> {
        let path = self.path(content);
        if path.exists() {
            return Ok(true);
        }
        let size = text.as_str().len() as u64;
        if self.bytes.fetch_add(size, Ordering::Relaxed) + size > MAX_TOGETHER {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            return Ok(false);
        }
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let draft = self.directory.join(format!("{}.{}.{number}{DRAFT}", hex(content), std::process::id()));
        self.write(&draft, &path, text).inspect_err(|_| {
            let _ = fs::remove_file(&draft);
            self.bytes.fetch_sub(size, Ordering::Relaxed);
        })?;
        Ok(true)
    }

    fn write(&self, draft: &Path, path: &Path, text: &Kept) -> Result<(), TextError> {
        let written = || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(draft)?;
            file.write_all(text.as_str().as_bytes())?;
            if let Some(heir) = &self.heir {
                heir.inherit(&file, MODE)?;
            }
            file.sync_all()?;
            fs::rename(draft, path)?;
            File::open(&self.directory)?.sync_all()
        };
        written().map_err(|cause| TextError { doing: "write", path: path.to_owned(), cause })
    }

    /// The text that was kept of a content.
    pub fn get(&self, content: &[u8; 32]) -> Result<Option<Kept>, TextError> {
        let path = self.path(content);
        let read = || {
            let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
            let file = match OpenOptions::new().read(true).custom_flags(flags).open(&path) {
                Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
                file => file?,
            };
            let mut text = String::new();
            file.take(MAX_BYTES as u64 + 1).read_to_string(&mut text)?;
            // Nobody but us writes here, and we write no more.
            Ok((text.len() <= MAX_BYTES).then_some(Kept(text)))
        };
        read().map_err(|cause| TextError { doing: "read", path: path.clone(), cause })
    }

    /// Lets go of every text but these, and of drafts that came to nothing. Nobody puts any meanwhile.
    pub fn retain(&self, contents: &HashSet<[u8; 32]>) -> Result<(), TextError> {
        let wanted: HashSet<String> = contents.iter().map(hex).collect();
        let mut bytes = 0;
        for (path, name, size) in self.each()? {
            if wanted.contains(&name) {
                bytes += size;
                continue;
            }
            match fs::remove_file(&path) {
                Ok(()) => {}
                Err(cause) if cause.kind() == ErrorKind::NotFound => {}
                Err(cause) => return Err(TextError { doing: "remove", path, cause }),
            }
        }
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Path, name and size of everything there.
    fn each(&self) -> Result<Vec<(PathBuf, String, u64)>, TextError> {
        let fail = |cause| TextError { doing: "list", path: self.directory.clone(), cause };
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(fail)?.take(MAX_FILES) {
            let entry = entry.map_err(fail)?;
            let meta = match entry.metadata() {
                Err(cause) if cause.kind() == ErrorKind::NotFound => continue,
                meta => meta.map_err(fail)?,
            };
            let name = entry.file_name().to_string_lossy().into_owned();
            found.push((entry.path(), name, meta.len()));
        }
        Ok(found)
    }

    fn path(&self, content: &[u8; 32]) -> PathBuf {
        self.directory.join(hex(content))
    }
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

const MODE: u32 = 0o640;
const DRAFT: &str = ".draft";
/// All of /etc of a Debian has two.
const MAX_TOGETHER: u64 = 16 * 1024 * 1024;
/// As many texts of a hundred bytes as there is room for.
const MAX_FILES: usize = 200_000;

#[cfg(test)]
mod tests {
    use super::super::keep;
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn texts() -> (tempfile::TempDir, Texts) {
        let root = tempfile::tempdir().unwrap();
        let texts = Texts::open(root.path().join("texts")).unwrap();
        (root, texts)
    }

    #[test]
    fn what_is_put_is_got_again_and_only_the_group_may_read_it() {
        let (root, texts) = texts();
        let kept = keep(b"a\nb\n").unwrap();
        assert_eq!(texts.get(&[1; 32]).unwrap(), None);
        assert!(texts.put(&[1; 32], &kept).unwrap() && texts.put(&[1; 32], &kept).unwrap());
        assert_eq!(texts.get(&[1; 32]).unwrap().unwrap(), kept);
        let names: Vec<_> = fs::read_dir(root.path().join("texts")).unwrap().map(Result::unwrap).collect();
        assert_eq!(names.len(), 1);
        assert_eq!(names[0].metadata().unwrap().permissions().mode() & 0o7777, 0o640);
        assert_eq!(Texts::open(root.path().join("texts")).unwrap().bytes.into_inner(), 4);
    }

    #[test]
    fn only_what_is_retained_stays() {
        let (root, texts) = texts();
        for number in 1..4 {
            texts.put(&[number; 32], &keep(b"x").unwrap()).unwrap();
        }
        fs::write(root.path().join("texts/torn.draft"), "x").unwrap();
        texts.retain(&HashSet::from([[2; 32]])).unwrap();
        assert!(texts.get(&[2; 32]).unwrap().is_some());
        assert!(texts.get(&[1; 32]).unwrap().is_none());
        assert_eq!(fs::read_dir(root.path().join("texts")).unwrap().count(), 1);
        assert_eq!(texts.bytes.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn there_is_an_end_to_what_all_of_them_take() {
        let (_root, texts) = texts();
        texts.bytes.store(MAX_TOGETHER - 3, Ordering::Relaxed);
        assert!(!texts.put(&[1; 32], &keep(b"long").unwrap()).unwrap());
        assert!(texts.put(&[2; 32], &keep(b"sma").unwrap()).unwrap());
        assert!(texts.get(&[1; 32]).unwrap().is_none());
    }

    #[test]
    fn a_link_or_a_pipe_in_a_text_s_place_is_not_followed() {
        let (root, texts) = texts();
        let path = |number| root.path().join("texts").join(hex(&[number; 32]));
        fs::write(root.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(root.path().join("secret"), path(1)).unwrap();
        assert!(texts.get(&[1; 32]).is_err());
        nix::unistd::mkfifo(&path(2), nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
        // A pipe that nobody writes to is at its end.
        assert_eq!(texts.get(&[2; 32]).unwrap().unwrap().as_str(), "");
        fs::write(path(3), vec![b'x'; MAX_BYTES + 1]).unwrap();
        assert_eq!(texts.get(&[3; 32]).unwrap(), None);
    }
}
