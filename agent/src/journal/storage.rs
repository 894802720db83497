//! Where the journal lies: the few questions that it asks of a disk.
//!
//! [`Directory`] is the real one. The tests have another that crashes, tears and lies, which is why the journal
//! never touches a file but through this trait.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::libc;
use nix::unistd::Gid;

use super::heir::Heir;

/// One flat directory of files. A name is ours: no slash, no dot in front.
pub trait Storage: fmt::Debug {
    type File: fmt::Debug;

    fn names(&self) -> io::Result<Vec<String>>;
    /// At most `limit` bytes from there on; fewer at the end of the file.
    fn read(&self, name: &str, from: u64, limit: usize) -> io::Result<Vec<u8>>;
    fn size(&self, name: &str) -> io::Result<u64>;
    /// A new file; one that exists is an error.
    fn create(&self, name: &str) -> io::Result<Self::File>;
    fn open(&self, name: &str) -> io::Result<Self::File>;
    /// All of the bytes at the end. After an error any part of them may be there.
    fn append(&self, file: &mut Self::File, bytes: &[u8]) -> io::Result<()>;
    fn write_at(&self, file: &mut Self::File, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// What was written survives a power cut. After an error it may not, and asking again proves nothing:
    /// the kernel has forgotten which pages it lost.
    fn sync(&self, file: &mut Self::File) -> io::Result<()>;
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names as they are now survive a power cut.
    fn sync_names(&self) -> io::Result<()>;
}

/// A directory of the file system.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    handle: File,
    mode: u32,
    group: Option<Gid>,
    heir: Option<Heir>,
}

impl Directory {
    /// Makes it with this mode where it is missing, its parents with 0755.
    pub fn create(path: &Path, mode: u32, group: Option<Gid>) -> io::Result<Self> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match fs::create_dir(path) {
            Ok(()) => {
                fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
                if group.is_some() {
                    nix::unistd::chown(path, None, group)?;
                }
                if let Some(heir) = path.parent().and_then(|parent| Heir::of(&fs::metadata(parent).ok()?)) {
                    heir.inherit_directory(path)?;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        // Who may read the directory may read its files, and nobody else; write is the owner's alone.
        Self::open(path).map(|directory| Self { mode: mode & 0o666 & !0o022, group, ..directory })
    }

    /// One that exists, to read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let handle = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC)
            .open(path)?;
        let heir = Heir::of(&handle.metadata()?);
        Ok(Self { path: path.to_owned(), handle, mode: 0o640, group: None, heir })
    }

    /// New files have this mode from now on, whoever may read the directory.
    #[must_use]
    pub fn with_files(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in place of which somebody put a FIFO or a link neither hangs nor leads us elsewhere.
    fn options(&self) -> OpenOptions {
        let mut options = OpenOptions::new();
        options.mode(self.mode).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC);
        options
    }

    fn checked(&self, options: &OpenOptions, name: &str) -> io::Result<File> {
        let file = options.open(self.path.join(name))?;
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file")),
        }
    }
}

impl Storage for Directory {
    type File = File;

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for (count, entry) in fs::read_dir(&self.path)?.enumerate() {
            if count == MAX_NAMES {
                // Half a listing would look like a journal of which half is gone.
                let why = format!("more than {MAX_NAMES} files in {}", self.path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn read(&self, name: &str, from: u64, limit: usize) -> io::Result<Vec<u8>> {
        let file = self.checked(self.options().read(true), name)?;
        let size = file.metadata()?.len().saturating_sub(from);
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(limit).min(limit)];
        let mut filled = 0;
        while filled < bytes.len() {
            match file.read_at(&mut bytes[filled..], from + filled as u64)? {
                0 => break,
                count => filled += count,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        fs::symlink_metadata(self.path.join(name)).map(|meta| meta.len())
    }

    fn create(&self, name: &str) -> io::Result<File> {
        let file = self.checked(self.options().append(true).create_new(true), name)?;
        // The umask is somebody else's wish.
        file.set_permissions(fs::Permissions::from_mode(self.mode))?;
        match &self.heir {
            Some(heir) => heir.inherit(&file, self.mode)?,
            None if self.group.is_some() => nix::unistd::fchown(&file, None, self.group)?,
            None => {}
        }
        Ok(file)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        self.checked(self.options().read(true).append(true), name)
    }

    fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn write_at(&self, file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        // pwrite(2), BUGS: with O_APPEND it appends, whatever the offset.
        let flags = nix::fcntl::OFlag::from_bits_truncate(nix::fcntl::fcntl(&*file, nix::fcntl::F_GETFL)?);
        let without = flags & !nix::fcntl::OFlag::O_APPEND;
        if flags != without {
            nix::fcntl::fcntl(&*file, nix::fcntl::F_SETFL(without))?;
        }
        file.write_all_at(bytes, offset)
    }

    fn sync(&self, file: &mut File) -> io::Result<()> {
        file.sync_data()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.handle.sync_all()
    }
}

impl<S: Storage + ?Sized> Storage for &S {
    type File = S::File;

    fn names(&self) -> io::Result<Vec<String>> {
        (**self).names()
    }
    fn read(&self, name: &str, from: u64, limit: usize) -> io::Result<Vec<u8>> {
        (**self).read(name, from, limit)
    }
    fn size(&self, name: &str) -> io::Result<u64> {
        (**self).size(name)
    }
    fn create(&self, name: &str) -> io::Result<Self::File> {
        (**self).create(name)
    }
    fn open(&self, name: &str) -> io::Result<Self::File> {
        (**self).open(name)
    }
    fn append(&self, file: &mut Self::File, bytes: &[u8]) -> io::Result<()> {
        (**self).append(file, bytes)
    }
    fn write_at(&self, file: &mut Self::File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        (**self).write_at(file, offset, bytes)
    }
    fn sync(&self, file: &mut Self::File) -> io::Result<()> {
        (**self).sync(file)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        (**self).rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        (**self).remove(name)
    }
    fn sync_names(&self) -> io::Result<()> {
        (**self).sync_names()
    }
}

/// More files than the largest journal can have.
const MAX_NAMES: usize = 200_000;
