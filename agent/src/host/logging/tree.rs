//! The files in /var/log, and who may read and write them.

use std::path::{Path, PathBuf};

use crate::host::{Host, Kind, Meta, Unreadable};

#[derive(Debug, Clone, Default)]
pub struct LogFiles {
    pub files: Vec<LogFile>,
    /// What stopped the walk or a part of it.
    pub left_out: Vec<Unreadable>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    pub path: PathBuf,
    pub meta: Meta,
}

impl LogFiles {
    pub(super) fn of(host: &Host) -> Result<Option<Self>, Unreadable> {
        let root = match host.stat(ROOT) {
            Err(cause) if cause.is_absent() => return Ok(None),
            meta => meta?,
        };
        let mut found = Self::default();
        found.files.push(LogFile { path: PathBuf::from(ROOT), meta: root });
        found.walk(host, Path::new(ROOT), 0);
        Ok(Some(found))
    }

    fn walk(&mut self, host: &Host, folder: &Path, depth: usize) {
        let names = match host.list(folder, MAX_FILES) {
            Ok(names) => names,
            Err(cause) => return self.left_out.push(cause),
        };
        for name in names {
            let path = folder.join(name);
            if self.files.len() >= MAX_FILES || depth > MAX_DEPTH {
                let cause = crate::host::Cause::TooMany { limit: MAX_FILES };
                return self.left_out.push(Unreadable::new(folder, cause));
            }
            match host.lstat(&path) {
                // What it leads to lies elsewhere, or is met there.
                Ok(meta) if meta.kind == Kind::SymbolicLink => {}
                Ok(meta) => {
                    self.files.push(LogFile { path: path.clone(), meta });
                    if meta.is_directory() {
                        self.walk(host, &path, depth + 1);
                    }
                }
                // Rotated away while we looked.
                Err(cause) if cause.is_absent() => {}
                Err(cause) => self.left_out.push(cause),
            }
        }
    }
}

const ROOT: &str = "/var/log";
/// A busy host has some thousand.
const MAX_FILES: usize = 20_000;
const MAX_DEPTH: usize = 16;
