//! A baseline in the making: slices of entries, appended to a file as they come, and sorted in the end.
//!
//! What was interrupted is taken up again: a mark in the file separates what one attempt wrote from the next one's, and
//! what earlier attempts saw need not be read again where the object is as it was.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::base::About;
use super::bytes::{Malformed, Push, Reader, shared};
use super::damage::{Damage, NotKept};
use super::entry::{self, Context};
use super::header::Header;
use super::lock::Lock;
use super::packages::{Interner, Packages};
use super::publish::{next_version, publish};
use super::recall::Earlier;
use super::writer::Writer;
use super::{Entry, Store, check, files, section};
use crate::baseline::runs::{Keys, lock};
use crate::host::object::Content;
use crate::journal::storage::Storage as _;

#[derive(Debug)]
pub struct Draft {
    lock: Lock,
    path: PathBuf,
    header: Header,
    file: File,
    state: Mutex<State>,
    pub(super) earlier: Earlier,
}

#[derive(Debug)]
struct State {
    at: u64,
    keys: Keys,
    /// A write failed: what the file holds beyond `at` is not known.
    is_broken: bool,
}

impl Draft {
    /// A new one; whatever was begun before is forgotten.
    pub fn begin(directory: &Path, header: Header) -> Result<Self, NotKept> {
        check::header(&header).map_err(NotKept::Refused)?;
        let lock = Lock::take(directory)?;
        files::remove(&lock.directory, files::DRAFT).map_err(NotKept::disk(directory))?;
        Self::start(directory, lock, header, Earlier::none(), 0)
    }

    /// Goes on where an earlier one was interrupted, if what that saw still holds; begins a new one otherwise.
    pub fn resume(directory: &Path, header: Header) -> Result<Self, NotKept> {
        check::header(&header).map_err(NotKept::Refused)?;
        let lock = Lock::take(directory)?;
        match Earlier::read(&directory.join(files::DRAFT), &header) {
            Some((earlier, end)) => {
                // The age of a hash counts from when the first attempt began.
                let header = Header { created: earlier.began.min(header.created), ..header };
                Self::start(directory, lock, header, earlier, end)
            }
            None => {
                files::remove(&lock.directory, files::DRAFT).map_err(NotKept::disk(directory))?;
                Self::start(directory, lock, header, Earlier::none(), 0)
            }
        }
    }

    /// Whether there is one to go on with.
    pub fn is_interrupted(directory: &Path) -> bool {
        directory.join(files::DRAFT).exists()
    }

    fn start(
        directory: &Path,
        lock: Lock,
        header: Header,
        earlier: Earlier,
        at: u64,
    ) -> Result<Self, NotKept> {
        let path = directory.join(files::DRAFT);
        let disk = NotKept::disk(&path);
        let begin = || {
            if at == 0 {
                lock.directory.create(files::DRAFT)?;
            }
            let file = lock.directory.open(files::DRAFT)?;
            file.set_len(at)?;
            let mut bytes = vec![MARK];
            header.push(&mut bytes);
            let mut frame = Vec::new();
            section::push(&mut frame, &bytes);
            (&file).write_all(&frame)?;
            Ok((file, at + frame.len() as u64))
        };
        let (file, at) = begin().map_err(disk)?;
        let state = Mutex::new(State { at, keys: Keys::default(), is_broken: false });
        Ok(Self { lock, path, header, file, state, earlier })
    }

    /// Entries of one directory, sorted by name; no name of another slice is between them.
    pub fn add(&self, directory: &[u8], entries: &[(Vec<u8>, Entry)]) -> Result<(), NotKept> {
        let Some((first, _)) = entries.first() else { return Ok(()) };
        for (name, entry) in entries {
            check::entry(directory, name, entry).map_err(NotKept::Refused)?;
        }
        let mut frame = Vec::new();
        section::push(&mut frame, &slice(directory, entries));
        let mut state = lock(&self.state);
        if state.is_broken {
            return Err(NotKept::Refused(format!("an earlier write to {} failed", self.path.display())));
        }
        let at = state.at;
        if let Err(cause) = (&self.file).write_all(&frame) {
            state.is_broken = true;
            return Err(NotKept::Disk { path: self.path.clone(), cause });
        }
        state.at += frame.len() as u64;
        state.keys.add(directory, first, at);
        Ok(())
    }

    /// What was added is the baseline from now on; an earlier one is no more.
    pub fn finish(self) -> Result<Store, NotKept> {
        let path = self.lock.directory.path().to_owned();
        let previous =
            Store::open(&path).ok().flatten().map(|store| store.identity().state).unwrap_or_default();
        let version = next_version(&path)?;
        let about = About { version, previous, header: self.header.clone() };
        let name = format!("{}{}", files::base(version), files::UNFINISHED);
        files::remove(&self.lock.directory, &name).map_err(NotKept::disk(&path))?;
        let disk = || NotKept::disk(&path.join(&name));
        let file = self.lock.directory.create(&name).map_err(disk())?;
        let mut writer = Writer::begin(file, &about).map_err(disk())?;
        let State { at, mut keys, .. } = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        keys.sort();
        // Each content was hashed after that.
        let (hashed_at, mut verified) = (self.header.created, Vec::new());
        for number in 0..keys.len() {
            let Some((directory, _, offset)) = keys.get(number) else { continue };
            let (bytes, _) = section::read(&self.file, &self.path, offset, at)?;
            let malformed = |what| Damage::malformed(&self.path, offset, what);
            for (name, entry) in read_slice(&bytes).map_err(malformed)?.entries {
                writer.push(directory, &name, &entry).map_err(disk())?;
                verified.push(matches!(entry.object.content, Content::Hashed { .. }).then_some(hashed_at));
            }
        }
        let written = writer.finish(&[]).map_err(disk())?;
        publish(&self.lock.directory, version, &written, &verified)?;
        Store::open(&path)?.ok_or(NotKept::NoBaseline(path))
    }
}

/// A slice as it was read back.
#[derive(Debug)]
pub(super) struct Slice {
    pub(super) directory: Vec<u8>,
    /// When it was added, in seconds.
    pub(super) at: i64,
    pub(super) entries: Vec<(Vec<u8>, Entry)>,
}

fn slice(directory: &[u8], entries: &[(Vec<u8>, Entry)]) -> Vec<u8> {
    let (mut packages, mut context) = (Interner::default(), Context::default());
    let (mut body, mut before) = (Vec::new(), &b""[..]);
    for (name, entry) in entries {
        let common = shared(before, name);
        body.number(common as u64);
        body.string(&name[common..]);
        entry::push(&mut body, entry, &mut context, &mut packages);
        before = name;
    }
    let mut out = vec![SLICE];
    out.string(directory);
    out.string(entries.first().map_or(&b""[..], |(name, _)| name));
    out.distance(Timestamp::now().as_second());
    packages.push(&mut out);
    out.number(entries.len() as u64);
    out.extend_from_slice(&body);
    out
}

/// The directory and the first name of a slice.
pub(super) type Key<'b> = (&'b [u8], &'b [u8]);

/// Its directory and first name: all that is needed to know where it belongs.
pub(super) fn read_key(bytes: &[u8]) -> Result<Option<Key<'_>>, Malformed> {
    let mut reader = Reader::new(bytes, 0);
    match reader.byte()? {
        SLICE => Ok(Some((reader.string()?, reader.string()?))),
        _ => Ok(None),
    }
}

pub(super) fn read_mark(bytes: &[u8]) -> Option<Header> {
    let mut reader = Reader::new(bytes, 0);
    (reader.byte().ok()? == MARK).then(|| Header::read(&mut reader).ok()).flatten()
}

pub(super) fn read_slice(bytes: &[u8]) -> Result<Slice, Malformed> {
    let mut reader = Reader::new(bytes, 0);
    if reader.byte()? != SLICE {
        return Err(Malformed("a slice is none"));
    }
    let directory = reader.string()?.to_vec();
    reader.string()?;
    let at = reader.distance()?;
    let packages = Packages::read(&mut reader)?;
    let count = reader.count(8)?;
    let (mut context, mut entries) = (Context::default(), Vec::with_capacity(count));
    let mut name: Vec<u8> = Vec::new();
    for _ in 0..count {
        let common = usize::try_from(reader.number()?).ok().filter(|&common| common <= name.len());
        name.truncate(common.ok_or(Malformed("a name shares more with the one before than that has"))?);
        name.extend_from_slice(reader.string()?);
        let mut entry = Entry::blank();
        entry::read(&mut reader, &mut context, &packages, &mut entry)?;
        entries.push((name.clone(), entry));
    }
    Ok(Slice { directory, at, entries })
}

const MARK: u8 = 0;
const SLICE: u8 = 1;
