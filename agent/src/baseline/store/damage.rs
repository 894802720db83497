//! What is wrong with a baseline, or why one could not be written.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::bytes::Malformed;

/// A baseline that is there, and cannot be believed.
#[derive(Debug)]
pub struct Damage {
    pub file: PathBuf,
    /// Where in the file, if it is at one place.
    pub offset: Option<u64>,
    pub fault: Fault,
}

#[derive(Debug)]
pub enum Fault {
    /// It ought to be there.
    Missing,
    /// It is not as long as it was.
    Cut,
    /// Its bytes are not those that were written.
    Checksum,
    /// Its bytes are those that were written, and make no sense.
    Malformed(&'static str),
    /// It is whole, and belongs to another baseline.
    Foreign,
    /// It is whole, and older than what was agreed last.
    RolledBack,
    Disk(io::Error),
}

impl Damage {
    pub(super) fn new(file: &Path, offset: impl Into<Option<u64>>, fault: Fault) -> Self {
        Self { file: file.to_owned(), offset: offset.into(), fault }
    }

    pub(super) fn malformed(file: &Path, offset: impl Into<Option<u64>>, what: Malformed) -> Self {
        Self::new(file, offset, Fault::Malformed(what.0))
    }

    pub(super) fn disk(file: &Path, cause: io::Error) -> Self {
        let fault = match cause.kind() {
            io::ErrorKind::NotFound => Fault::Missing,
            io::ErrorKind::UnexpectedEof => Fault::Cut,
            _ => Fault::Disk(cause),
        };
        Self::new(file, None, fault)
    }

    pub fn is_missing(&self) -> bool {
        matches!(self.fault, Fault::Missing)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Fault::Disk(cause) = &self.fault {
            return write!(f, "cannot read the baseline: {}: {cause}", self.file.display());
        }
        write!(f, "the baseline is damaged: {}", self.file.display())?;
        if let Some(offset) = self.offset {
            write!(f, ", byte {offset}")?;
        }
        match &self.fault {
            Fault::Missing => f.write_str(": it is missing"),
            Fault::Cut => f.write_str(": it ends too early"),
            Fault::Checksum => f.write_str(": its bytes are not those that were written"),
            Fault::Malformed(what) => write!(f, ": {what}"),
            Fault::Foreign => f.write_str(": it belongs to another baseline"),
            Fault::RolledBack => f.write_str(": it is older than what was agreed last"),
            Fault::Disk(_) => Ok(()),
        }
    }
}

impl std::error::Error for Damage {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.fault {
            Fault::Disk(cause) => Some(cause),
            _ => None,
        }
    }
}

/// Why nothing was written.
#[derive(Debug)]
pub enum NotKept {
    /// Somebody else creates, accepts or seals, and did not end while we waited.
    Busy {
        lock: PathBuf,
        by: Option<u32>,
    },
    Disk {
        path: PathBuf,
        cause: io::Error,
    },
    /// What there is cannot be gone on with.
    Damage(Damage),
    /// What is to be kept cannot be.
    Refused(String),
    /// There is none.
    NoBaseline(PathBuf),
}

impl NotKept {
    pub(super) fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |cause| Self::Disk { path, cause }
    }
}

impl From<Damage> for NotKept {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { lock, by: Some(pid) } => {
                write!(
                    f,
                    "process {pid} is changing the baseline ({}): try again when it has ended",
                    lock.display()
                )
            }
            Self::Busy { lock, by: None } => {
                write!(
                    f,
                    "another process is changing the baseline ({}): try again when it has ended",
                    lock.display()
                )
            }
            Self::Disk { path, cause } => write!(f, "cannot write {}: {cause}", path.display()),
            Self::Damage(damage) => damage.fmt(f),
            Self::Refused(why) => f.write_str(why),
            Self::NoBaseline(directory) => {
                write!(
                    f,
                    "there is no baseline in {}: guestward baseline create makes one",
                    directory.display()
                )
            }
        }
    }
}

impl std::error::Error for NotKept {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Disk { cause, .. } => Some(cause),
            Self::Damage(damage) => Some(damage),
            _ => None,
        }
    }
}
