//! A repository's table of contents, `repomd.xml`, and the files that it names, checked as they are read.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jiff::Timestamp;
use ring::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};

use super::super::database::source::Source;
use super::super::lists::{Compression, Decoder};
use super::xml::{Node, each_node};
use crate::host::{Cause, Host, Unreadable};

#[derive(Debug, Clone, Default)]
pub(super) struct Repomd {
    /// When it was made.
    pub(super) made: Option<Timestamp>,
    files: Vec<Listed>,
}

/// A file of the repository.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed {
    kind: String,
    checksum: Option<(String, String)>,
    /// Of what is in it, unpacked.
    open_checksum: Option<(String, String)>,
    /// Which form the tables of a database have.
    version: Option<String>,
    /// Without the directory: caches keep the files by their own.
    name: String,
    timestamp: Option<i64>,
}

impl Repomd {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut repomd = Self::default();
        let (mut current, mut checksum) = (None, None);
        let mut revision = None;
        each_node(bytes, |node| {
            match node {
                Node::Open { depth: 0, name, .. } if name != "repomd" => {
                    return Err("it is no table of contents".to_owned());
                }
                Node::Open { depth: 1, name: "data", attributes } => {
                    current = Some(Listed { kind: attributes.needed("type")?, ..Listed::default() });
                }
                Node::Open { depth: 2, name: "location", attributes } => {
                    let href = attributes.needed("href")?;
                    if let Some(file) = &mut current {
                        file.name = href.rsplit('/').next().unwrap_or_default().to_owned();
                    }
                }
                Node::Open { depth: 2, name: "checksum" | "open-checksum", attributes } => {
                    checksum = Some(attributes.needed("type")?);
                }
                Node::Close { depth: 2, name: name @ ("checksum" | "open-checksum"), text } => {
                    if let Some(file) = &mut current {
                        let sum = checksum.take().map(|kind| (kind, text.trim().to_ascii_lowercase()));
                        *(if name == "checksum" { &mut file.checksum } else { &mut file.open_checksum }) =
                            sum;
                    }
                }
                Node::Close { depth: 2, name: "database_version", text } => {
                    if let Some(file) = &mut current {
                        file.version = Some(text.trim().to_owned());
                    }
                }
                Node::Close { depth: 2, name: "timestamp", text } => {
                    if let Some(file) = &mut current {
                        // createrepo writes fractions of seconds, too.
                        file.timestamp = text.trim().split('.').next().and_then(|text| text.parse().ok());
                    }
                }
                Node::Close { depth: 1, name: "data", .. } => repomd.files.extend(current.take()),
                Node::Close { depth: 1, name: "revision", text } => {
                    revision = text.trim().parse::<i64>().ok()
                }
                _ => {}
            }
            if repomd.files.len() > MAX_FILES { Err("it lists too many files".to_owned()) } else { Ok(()) }
        })?;
        let made = repomd.find(&["primary"]).and_then(|file| file.timestamp);
        // A revision is a number that the owner may choose; mostly it is the time as well.
        let made = made.or(revision.filter(|seconds| *seconds > A_TIME));
        repomd.made = made.and_then(|seconds| Timestamp::from_second(seconds).ok());
        Ok(repomd)
    }

    /// The first of these kinds that is listed.
    pub(super) fn find(&self, kinds: &[&str]) -> Option<&Listed> {
        kinds.iter().find_map(|kind| self.files.iter().find(|file| file.kind == *kind))
    }
}

impl Listed {
    /// Where the cache has it; `None` where it has it not.
    pub(super) fn place(&self, host: &Host, directories: &[PathBuf]) -> Result<Option<PathBuf>, Unreadable> {
        if matches!(self.name.as_str(), "" | "." | "..") {
            return Ok(None);
        }
        for directory in directories {
            let path = directory.join(&self.name);
            if host.exists(&path)? {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// What yum makes of it, beside it: unpacked, and named by its kind alone (yum's misc.py, `repo_gen_decompress`).
    pub(super) fn unpacked(&self, ending: &str) -> Self {
        let name = format!("{}.{ending}", self.kind);
        Self { name, checksum: self.open_checksum.clone(), ..self.clone() }
    }

    /// As [`Listed::unpacked`], where older versions of yum had it.
    pub(super) fn unpacked_beside(&self) -> Option<Self> {
        let (name, _) = self.name.rsplit_once('.').filter(|(name, _)| name.ends_with(".sqlite"))?;
        Some(Self { name: name.to_owned(), checksum: self.open_checksum.clone(), ..self.clone() })
    }

    pub(super) fn is_understood(&self) -> bool {
        compression(&self.name).is_some()
    }

    /// The database, once it is known to be the one that is listed. It is not held in memory but where it is packed: then
    /// it has to be small.
    pub(super) fn database(&self, host: &Host, path: &Path) -> Result<Source, Unreadable> {
        if self.version.as_deref().is_some_and(|version| version != VERSION) {
            let what = "its tables are of another version than yum's".to_owned();
            return Err(Unreadable::new(path, Cause::Unsupported(what)));
        }
        if compression(&self.name) != Some(Compression::None) {
            let unpacked = self.read(host, path, |source| {
                let mut bytes = Vec::new();
                source.take(MAX_HELD).read_to_end(&mut bytes)?;
                Ok(bytes)
            })?;
            if unpacked.len() as u64 == MAX_HELD {
                return Err(Unreadable::new(path, Cause::TooLarge { limit: MAX_HELD }));
            }
            return Ok(Source::held(unpacked));
        }
        let (algorithm, expected) = self.expected(path)?;
        let mut source = Source::open(host, path)?;
        let mut digest = Context::new(algorithm);
        source.pass(|bytes| digest.update(bytes)).map_err(|cause| Unreadable::new(path, cause))?;
        self.compare(path, &digest, expected)?;
        Ok(source)
    }

    fn expected(&self, path: &Path) -> Result<(&'static Algorithm, &str), Unreadable> {
        let unsupported = |what: String| Unreadable::new(path, Cause::Unsupported(what));
        let (kind, expected) =
            self.checksum.as_ref().ok_or_else(|| unsupported("its checksum is not listed".to_owned()))?;
        let algorithm =
            algorithm(kind).ok_or_else(|| unsupported(format!("its checksum is of the kind {kind}")))?;
        Ok((algorithm, expected))
    }

    fn compare(&self, path: &Path, digest: &Context, expected: &str) -> Result<(), Unreadable> {
        let sum = digest.clone().finish();
        let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        if sum == expected {
            return Ok(());
        }
        let kind = self.checksum.as_ref().map_or("", |(kind, _)| kind);
        Err(Unreadable::malformed(path, 0, format!("its {kind} is not the one that repomd.xml lists")))
    }

    /// Hands the file, unpacked, to `read`, and then looks whether it was the one that is listed; if not, what `read`
    /// made of it must be forgotten.
    pub(super) fn read<T>(
        &self,
        host: &Host,
        path: &Path,
        read: impl FnOnce(&mut dyn Read) -> io::Result<T>,
    ) -> Result<T, Unreadable> {
        let (algorithm, expected) = self.expected(path)?;
        let unsupported = || Cause::Unsupported("this compression is not understood".to_owned());
        let compression = compression(&self.name).ok_or_else(|| Unreadable::new(path, unsupported()))?;
        let (file, meta) = host.open(path)?;
        if meta.size > MAX_PACKED {
            return Err(Unreadable::new(path, Cause::TooLarge { limit: MAX_PACKED }));
        }
        let digest = Rc::new(RefCell::new(Context::new(algorithm)));
        let summed = Summed { file, digest: Rc::clone(&digest) };
        let failed = |error: io::Error| Unreadable::from_io(path, &error);
        let mut unpacked =
            Bounded { source: Decoder::new(summed, compression).map_err(failed)?, left: MAX_PLAIN };
        let found = read(&mut unpacked).map_err(failed)?;
        // Whoever read it may have stopped early.
        io::copy(&mut unpacked, &mut io::sink()).map_err(failed)?;
        drop(unpacked);
        self.compare(path, &digest.borrow(), expected)?;
        Ok(found)
    }
}

fn algorithm(kind: &str) -> Option<&'static Algorithm> {
    match kind {
        "sha256" => Some(&SHA256),
        "sha512" => Some(&SHA512),
        "sha384" => Some(&SHA384),
        "sha" | "sha1" => Some(&SHA1_FOR_LEGACY_USE_ONLY),
        _ => None,
    }
}

fn compression(name: &str) -> Option<Compression> {
    match name.rsplit('.').next()? {
        "gz" => Some(Compression::Gzip),
        "xz" => Some(Compression::Xz),
        "zst" => Some(Compression::Zstd),
        "xml" | "yaml" | "sqlite" => Some(Compression::None),
        _ => None,
    }
}

/// Sums up what passes.
struct Summed {
    file: File,
    digest: Rc<RefCell<Context>>,
}

impl Read for Summed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.digest.borrow_mut().update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// Ends with an error where somebody is playing with us.
struct Bounded<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it unpacks to too much"))?;
        Ok(count)
    }
}

/// A repository lists some ten.
const MAX_FILES: usize = 200;
/// A revision above this is a time: September 2001.
const A_TIME: i64 = 1_000_000_000;
/// The largest list of packages has some 30 MB packed, and 300 unpacked.
const MAX_PACKED: u64 = 256 * 1024 * 1024;
const MAX_PLAIN: u64 = 1024 * 1024 * 1024;
/// Of a small repository; the agent has 256 MiB in all.
const MAX_HELD: u64 = 64 * 1024 * 1024;
/// What createrepo writes, and yum reads no other (yum's `DBVERSION`).
const VERSION: &str = "10";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_names_and_times() {
        let text = b"<?xml version='1.0'?><repomd xmlns='http://linux.duke.edu/metadata/repo'><revision>1700000000</revision>\
            <data type='primary'><checksum type='sha256'>AB</checksum><location href='repodata/ab-primary.xml.gz'/>\
            <timestamp>1600000000.5</timestamp></data><data type='modules'><location href='../../x/m.yaml'/></data></repomd>";
        let repomd = Repomd::parse(text).unwrap();
        assert_eq!(repomd.made.unwrap().as_second(), 1_600_000_000);
        let primary = repomd.find(&["primary_zck", "primary"]).unwrap();
        assert_eq!(primary.name, "ab-primary.xml.gz");
        assert_eq!(primary.checksum, Some(("sha256".to_owned(), "ab".to_owned())));
        assert_eq!(repomd.find(&["modules"]).unwrap().name, "m.yaml");
        assert!(repomd.find(&["updateinfo"]).is_none());
        assert!(Repomd::parse(b"<other/>").is_err() && Repomd::parse(&text[..200]).is_err());
        assert!(Repomd::parse(&[0; 100]).is_err());
    }
}
