//! A directory of our own that a package manager may write in, gone when its answer was read.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

pub(super) struct Place(PathBuf);

impl Place {
    /// Nobody else can have made it, or look into it.
    pub(super) fn new(whose: &str) -> io::Result<Self> {
        let process = std::process::id();
        for number in 0..TRIES {
            let path = std::env::temp_dir().join(format!("guestward-{whose}-{process}-{number}"));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    pub(super) fn write(&self, name: &str, text: &str) -> io::Result<()> {
        fs::write(self.0.join(name), text)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Somebody else's leftovers may have the first names.
const TRIES: u32 = 1_000;
