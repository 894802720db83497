//! The local file: JSON Lines, the very bytes of the journal, in files of a bounded size.
//!
//! A batch is appended and synced before the cursor moves. What a crash leaves in between is found at the next start
//! (`local/tail.rs`): a torn line is cut off, whole lines are gone on behind. A full file becomes `.1`, `.1` becomes
//! `.2`, and the oldest goes (`local/rotate.rs`).

mod rotate;
mod tail;

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, FileType, Metadata, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::libc;

use super::{Delivered, Shipper, Trouble};
use crate::finding::wire::record::Hash;
use crate::journal::heir::Heir;
use crate::journal::{Entry, Position};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub path: PathBuf,
    /// A file is full before it is larger, unless a single record is.
    pub max_bytes: u64,
    /// How many full files are kept beside the one that is written.
    pub keep: u32,
}

#[derive(Debug)]
pub struct LocalFile {
    settings: Settings,
    file: Option<File>,
    /// The last record that is in the file for certain.
    acknowledged: Option<Position>,
    /// Lines that are in the file although nobody acknowledged them.
    present: HashSet<Hash>,
    distrusted: Option<Distrusted>,
}

/// A file with bytes at its end that a failed sync has left nobody knows where.
#[derive(Debug, Clone, Copy)]
struct Distrusted {
    id: (u64, u64),
    from: u64,
}

impl LocalFile {
    pub fn new(settings: Settings) -> Self {
        Self { settings, file: None, acknowledged: None, present: HashSet::new(), distrusted: None }
    }
}

impl Shipper for LocalFile {
    fn name(&self) -> &'static str {
        "local"
    }

    fn resume(&mut self, after: Option<Position>) {
        self.acknowledged = after;
    }

    fn deliver(&mut self, batch: &[Entry]) -> Result<Delivered, Trouble> {
        match self.try_deliver(batch) {
            Ok(records) => {
                self.acknowledged = batch[..records].last().map(|entry| entry.position);
                Ok(Delivered::first(records))
            }
            Err(cause) => {
                // It is opened and looked at anew: whatever it was may have been mended.
                self.file = None;
                Err(Trouble::retry(format!("cannot write {}: {cause}", self.settings.path.display())))
            }
        }
    }
}

impl LocalFile {
    fn try_deliver(&mut self, batch: &[Entry]) -> io::Result<usize> {
        let mut size = self.ready()?.metadata()?.len();
        let known = self.known(batch);
        if known > 0 {
            return Ok(known);
        }
        let mut fitting = self.fitting(batch, size);
        if fitting == 0 && size > 0 {
            self.file = None;
            rotate::rotate(&self.settings.path, self.settings.keep)?;
            size = self.ready()?.metadata()?.len();
            fitting = self.fitting(batch, size);
        }
        let records = fitting.max(1).min(batch.len());
        self.write(&batch[..records], size)?;
        Ok(records)
    }

    /// How many from the front of the batch a crash before the cursor's turn has left in the file.
    fn known(&mut self, batch: &[Entry]) -> usize {
        if self.present.is_empty() {
            return 0;
        }
        let known = batch.iter().take_while(|entry| self.present.contains(&Hash::of(&entry.line))).count();
        if known == 0 {
            self.present = HashSet::new();
        }
        known
    }

    fn fitting(&self, batch: &[Entry], mut size: u64) -> usize {
        let fits = |entry: &&Entry| {
            size += entry.line.len() as u64 + 1;
            size <= self.settings.max_bytes
        };
        batch.iter().take_while(fits).count()
    }

    fn write(&mut self, entries: &[Entry], size: u64) -> io::Result<()> {
        let mut bytes = Vec::new();
        for entry in entries {
            bytes.extend_from_slice(&entry.line);
            bytes.push(b'\n');
        }
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
        // After a failed sync the page cache shows lines that the disk may not have: they are written anew.
        if written.is_err() && file.set_len(size).is_err() {
            self.distrusted = Some(Distrusted { id: id(&file.metadata()?), from: size });
        }
        written
    }

    /// The file that is at the path now, to be appended to.
    fn ready(&mut self) -> io::Result<&File> {
        let path = &self.settings.path;
        let there = there(path)?;
        let is_same = match (&self.file, &there) {
            (Some(file), Some(there)) => id(&file.metadata()?) == id(there),
            _ => false,
        };
        if !is_same {
            self.file = None;
            let file = open(path, there.is_none())?;
            if let Some(distrusted) = self.distrusted {
                if distrusted.id == id(&file.metadata()?) {
                    file.set_len(distrusted.from)?;
                }
                self.distrusted = None;
            }
            self.present = tail::mend(&file, path, self.acknowledged)?;
            self.file = Some(file);
        }
        self.file.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// What is at the path, if it is a file or nothing.
fn there(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_file() => Ok(Some(there)),
        // Opening a device can do things; a FIFO or a link leads to somebody else.
        Ok(there) => Err(io::Error::other(format!(
            "it is {}, not a regular file; remove it or name another path in [ship.local]",
            what(there.file_type())
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn what(kind: FileType) -> &'static str {
    match kind {
        _ if kind.is_symlink() => "a symbolic link",
        _ if kind.is_dir() => "a directory",
        _ if kind.is_fifo() => "a FIFO",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

fn open(path: &Path, is_new: bool) -> io::Result<File> {
    if is_new && let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o750).create(directory)?;
    }
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(MODE)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a regular file any more"));
    }
    if is_new {
        // The umask is somebody else's wish.
        file.set_permissions(Permissions::from_mode(MODE))?;
        let heir = path.parent().and_then(|directory| Heir::of(&fs::metadata(directory).ok()?));
        heir.map_or(Ok(()), |heir| heir.inherit(&file, MODE))?;
        rotate::sync_directory(path)?;
    }
    Ok(file)
}

fn id(meta: &Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

/// Whoever reads logs on the machine may have its group; nobody else reads them.
const MODE: u32 = 0o640;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests;
