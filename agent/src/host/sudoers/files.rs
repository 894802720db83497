//! The files that sudoers(5) is written in: inclusions in sudo's order, with its rules about names and depth.

use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::parse::{self, Entry};
use super::{Defect, DefectKind, Included, PROGRAM, Place, Sudoers, Version};
use crate::host::{Host, Identity, Kind, Unreadable};

pub(super) fn read(host: &Host, path: &str) -> Result<Sudoers, Unreadable> {
    let path: Arc<Path> = Path::new(path).into();
    let bytes = host.read(&path, MAX_BYTES)?;
    let bytes_left = MAX_BYTES - bytes.len() as u64;
    let mut reader = Reader { host, hostname: None, sudoers: Sudoers::default(), bytes_left };
    reader.sudoers.files.push(Included { path: path.clone(), meta: host.stat(&path) });
    reader.file(&path, &bytes, 0);
    Ok(reader.sudoers)
}

pub(super) fn without_includes(path: &Path, bytes: &[u8]) -> Sudoers {
    let mut sudoers = Sudoers::default();
    parse::entries(&path.into(), bytes, &mut |entry| add(&mut sudoers, entry));
    super::alias::note_defects(&mut sudoers);
    sudoers
}

struct Reader<'a> {
    host: &'a Host,
    hostname: Option<Vec<u8>>,
    sudoers: Sudoers,
    /// How much more may be read: a small file that is included often enough is a large one.
    bytes_left: u64,
}

impl Reader<'_> {
    fn file(&mut self, path: &Arc<Path>, bytes: &[u8], depth: usize) {
        // sudo reads an inclusion where it stands, so what follows it can override it.
        parse::entries(path, bytes, &mut |entry| match entry {
            Entry::Include { place, path, directory } => self.include(place, &path, directory, depth + 1),
            entry => add(&mut self.sudoers, entry),
        });
    }

    fn include(&mut self, place: Place, written: &[u8], directory: bool, depth: usize) {
        if depth > MAX_DEPTH {
            return self.defect(place, DefectKind::Syntax, "too many levels of inclusion");
        }
        let Some(path) = self.expand(&place.path, written) else {
            return self.defect(place, DefectKind::Syntax, "the name of a file is missing");
        };
        if directory { self.directory(place, &path, depth) } else { self.single(place, path.into(), depth) }
    }

    fn directory(&mut self, place: Place, path: &Path, depth: usize) {
        let meta = self.host.stat(path);
        let is_absent = meta.as_ref().is_err_and(Unreadable::is_absent);
        if is_absent {
            return;
        }
        self.sudoers.files.push(Included { path: path.into(), meta });
        let names = match self.host.list(path, MAX_FILES) {
            Ok(names) => names,
            Err(cause) => return self.defect(place, DefectKind::File, &cause.to_string()),
        };
        for name in names {
            let bytes = name.as_bytes();
            if bytes.ends_with(b"~") || bytes.contains(&b'.') {
                continue;
            }
            let file: Arc<Path> = path.join(&name).into();
            match self.host.stat(&file) {
                Ok(meta) if meta.kind != Kind::File => {}
                Err(cause) if cause.is_absent() => {}
                _ => self.single(place.clone(), file, depth),
            }
        }
    }

    fn single(&mut self, place: Place, path: Arc<Path>, depth: usize) {
        if self.sudoers.files.len() >= MAX_FILES {
            return self.defect(place, DefectKind::File, "too many files are included");
        }
        let meta = self.host.stat(&path);
        self.sudoers.files.push(Included { path: path.clone(), meta });
        match self.host.read(&path, self.bytes_left) {
            Ok(bytes) => {
                self.bytes_left -= bytes.len() as u64;
                self.file(&path, &bytes, depth);
            }
            Err(cause) => self.defect(place, DefectKind::File, &cause.to_string()),
        }
    }

    /// `%h` is the host's name up to its first dot; a relative path starts at the file that names it.
    fn expand(&mut self, from: &Path, written: &[u8]) -> Option<PathBuf> {
        if written.is_empty() {
            return None;
        }
        let mut path = Vec::with_capacity(written.len());
        let mut rest = written;
        while let Some((&byte, tail)) = rest.split_first() {
            if rest.starts_with(b"%h") {
                path.extend_from_slice(self.hostname());
                rest = &rest[2..];
            } else {
                path.push(byte);
                rest = tail;
            }
        }
        let path = PathBuf::from(std::ffi::OsString::from_vec(path));
        Some(from.parent().map_or_else(|| path.clone(), |folder| folder.join(&path)))
    }

    fn hostname(&mut self) -> &[u8] {
        let host = self.host;
        self.hostname.get_or_insert_with(|| {
            let name = Identity::of(host).hostname.unwrap_or_default();
            name.as_str().split('.').next().unwrap_or_default().as_bytes().to_vec()
        })
    }

    fn defect(&mut self, place: Place, kind: DefectKind, what: &str) {
        add(&mut self.sudoers, Entry::Defect(Defect { place, what: what.to_owned(), kind }));
    }
}

fn add(sudoers: &mut Sudoers, entry: Entry) {
    match entry {
        Entry::Alias(alias) => sudoers.aliases.push(alias),
        Entry::Defect(defect) if sudoers.defects.len() < MAX_DEFECTS => sudoers.defects.push(defect),
        Entry::Defect(_) | Entry::Include { .. } => {}
        Entry::Rules(rules) => sudoers.rules.extend(rules),
        Entry::Settings(settings) => sudoers.settings.extend(settings),
    }
}

/// The version that stands in the program: the one string of the form `1.9.13p3`, with a minor number that sudo had.
pub(super) fn version(host: &Host) -> Result<Version, Unreadable> {
    let bytes = host.read(PROGRAM, MAX_PROGRAM)?;
    let mut found: Vec<Version> = bytes
        .split(|&byte| byte == 0)
        .filter_map(parse_version)
        .filter(|version| *version >= OLDEST)
        .collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [version] => Ok(*version),
        _ => Err(Unreadable::malformed(PROGRAM, 0, "the program does not say which version of sudo it is")),
    }
}

fn parse_version(text: &[u8]) -> Option<Version> {
    let text = std::str::from_utf8(text.get(..text.len().min(MAX_VERSION))?).ok()?;
    let number = |text: &str| {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse().ok())
            .flatten()
    };
    let (major, rest) = text.split_once('.')?;
    let (minor, micro) = rest.split_once('.').unwrap_or((rest, "0"));
    // A patch level or a pre-release follows the numbers: 1.9.13p3, 1.9.16b2, 1.9rc1.
    let strip = |text: &'_ str| -> Option<u32> {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, suffix) = text.split_at(end);
        let suffix = suffix.strip_prefix("rc").or_else(|| suffix.strip_prefix(['p', 'b'])).unwrap_or(suffix);
        (suffix.is_empty() || number(suffix).is_some()).then(|| number(digits)).flatten()
    };
    Some((number(major)?, strip(minor)?, strip(micro)?))
}

/// What `sudoers:` in nsswitch.conf(5) names besides files.
pub(super) fn other_sources(host: &Host) -> Result<Vec<Vec<u8>>, Unreadable> {
    let bytes = match host.read(NSSWITCH, MAX_NSSWITCH) {
        Ok(bytes) => bytes,
        Err(cause) if cause.is_absent() => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    let mut sources = Vec::new();
    for line in bytes.split(|&byte| byte == b'\n') {
        let line = line.split(|&byte| byte == b'#').next().unwrap_or_default().trim_ascii();
        let Some(list) = line.strip_prefix(b"sudoers") else { continue };
        let Some(list) = list.trim_ascii_start().strip_prefix(b":") else { continue };
        sources = list
            .split(u8::is_ascii_whitespace)
            .filter(|name| !name.is_empty() && *name != b"files" && !name.starts_with(b"["))
            .map(<[u8]>::to_vec)
            .collect();
        break;
    }
    Ok(sources)
}

const NSSWITCH: &str = "/etc/nsswitch.conf";
const MAX_NSSWITCH: u64 = 64 * 1024;
/// All files together: a hundred times what a large site writes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// sudo itself gives up at this depth.
const MAX_DEPTH: usize = 128;
/// Depth alone does not bound a file that includes itself twice.
const MAX_FILES: usize = 1_000;
/// Nobody reads more.
const MAX_DEFECTS: usize = 1_000;
/// sudo is 300 KiB; a static one of another make a few MiB.
const MAX_PROGRAM: u64 = 16 * 1024 * 1024;
/// Longer than any version.
const MAX_VERSION: usize = 16;
/// What guestward can meet; lower numbers in the program are versions of other things.
const OLDEST: Version = (1, 8, 0);
