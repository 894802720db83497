//! apt's lists of packages on the disk: plain or compressed, streamed, and only what is installed is kept.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::LISTS;
use super::stanza::{Stanza, Stanzas};
use crate::host::{Cause, Host, Unreadable};

/// A list that is there.
#[derive(Debug)]
pub(super) struct List {
    pub(super) path: PathBuf,
    compression: Compression,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Lz4,
    Xz,
    Zstd,
    Gzip,
    Unsupported,
}

impl List {
    /// The list of that name, in whichever form apt keeps it.
    pub(super) fn find(host: &Host, name: &str) -> Result<Option<Self>, Unreadable> {
        for (extension, compression) in FORMS {
            let path = Path::new(LISTS).join(format!("{name}{extension}"));
            if host.exists(&path)? {
                return Ok(Some(Self { path, compression }));
            }
        }
        Ok(None)
    }

    /// Every list of packages that apt has, each in the form in which [`List::find`] finds it.
    pub(super) fn all(host: &Host) -> Result<Vec<(String, Self)>, Unreadable> {
        let names = match host.list(LISTS, MAX_LISTS) {
            Err(cause) if cause.is_absent() => return Ok(Vec::new()),
            names => names?,
        };
        let plain = |name: &str| {
            let form = FORMS.iter().find_map(|(extension, _)| {
                name.strip_suffix(extension).filter(|name| name.ends_with("_Packages"))
            });
            form.map(str::to_owned)
        };
        let names: BTreeSet<String> =
            names.iter().filter_map(|name| name.to_str()).filter_map(plain).collect();
        let mut lists = Vec::new();
        for name in names {
            lists.extend(Self::find(host, &name)?.map(|list| (name, list)));
        }
        Ok(lists)
    }

    /// Hands every stanza to `each`, until that says something against it.
    pub(super) fn read(
        &self,
        host: &Host,
        each: impl FnMut(&Stanza<'_>) -> Result<(), String>,
    ) -> Result<(), Unreadable> {
        self.read_past(host, |_| {}, each)
    }

    /// As [`List::read`], and shows `past` every byte of the list as the archive has it, not compressed.
    pub(super) fn read_past(
        &self,
        host: &Host,
        past: impl FnMut(&[u8]),
        mut each: impl FnMut(&Stanza<'_>) -> Result<(), String>,
    ) -> Result<(), Unreadable> {
        let (file, meta) = host.open(&self.path)?;
        if meta.size > MAX_FILE {
            return Err(Unreadable::new(&self.path, Cause::TooLarge { limit: MAX_FILE }));
        }
        let decoder = Decoder::new(file, self.compression).map_err(|error| self.damaged(&error))?;
        let mut stanzas = Stanzas::new(Shown { source: decoder, past }, MAX_LIST);
        while let Some(stanza) = stanzas.next().map_err(|error| self.damaged(&error))? {
            each(&stanza).map_err(|what| Unreadable::malformed(&self.path, 0, what))?;
        }
        Ok(())
    }

    fn damaged(&self, error: &io::Error) -> Unreadable {
        if error.kind() == ErrorKind::Unsupported {
            return Unreadable::new(&self.path, Cause::Unsupported(error.to_string()));
        }
        Unreadable::from_io(&self.path, error)
    }
}

/// Shows somebody what passes.
struct Shown<R, F> {
    source: R,
    past: F,
}

impl<R: Read, F: FnMut(&[u8])> Read for Shown<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        (self.past)(&buffer[..count]);
        Ok(count)
    }
}

/// A stream that somebody compressed.
pub(super) enum Decoder<R: Read> {
    Plain(R),
    Lz4(Box<lz4_flex::frame::FrameDecoder<BufReader<R>>>),
    Xz(Box<lzma_rust2::XzReader<BufReader<R>>>),
    Zstd(Box<ruzstd::decoding::StreamingDecoder<BufReader<R>, ruzstd::decoding::FrameDecoder>>),
    Gzip(Box<flate2::bufread::MultiGzDecoder<BufReader<R>>>),
}

impl<R: Read> Decoder<R> {
    pub(super) fn new(file: R, compression: Compression) -> io::Result<Self> {
        let source = |file| BufReader::with_capacity(INPUT, file);
        Ok(match compression {
            Compression::None => Self::Plain(file),
            Compression::Lz4 => Self::Lz4(Box::new(lz4_flex::frame::FrameDecoder::new(source(file)))),
            Compression::Xz => {
                Self::Xz(Box::new(lzma_rust2::XzReader::new_mem_limit(source(file), true, MAX_XZ_KIB)))
            }
            Compression::Zstd => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(source(file))
                    .map_err(|error| io::Error::new(ErrorKind::InvalidData, error.to_string()))?;
                Self::Zstd(Box::new(decoder))
            }
            Compression::Gzip => Self::Gzip(Box::new(flate2::bufread::MultiGzDecoder::new(source(file)))),
            Compression::Unsupported => {
                return Err(io::Error::new(ErrorKind::Unsupported, "this compression is not understood"));
            }
        })
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (count, source) = match self {
            Self::Plain(file) => return file.read(buffer),
            Self::Xz(decoder) => return decoder.read(buffer),
            Self::Gzip(decoder) => return decoder.read(buffer),
            Self::Lz4(decoder) => (decoder.read(buffer)?, decoder.get_mut()),
            Self::Zstd(decoder) => (decoder.read(buffer)?, decoder.get_mut()),
        };
        // These stop after one frame, and what they leave unread might hold an update.
        if count == 0 && !buffer.is_empty() && !source.fill_buf()?.is_empty() {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                "bytes after the end of the compressed stream",
            ));
        }
        Ok(count)
    }
}

/// What apt may append to a list's name, the likeliest first.
const FORMS: [(&str, Compression); 7] = [
    ("", Compression::None),
    (".lz4", Compression::Lz4),
    (".xz", Compression::Xz),
    (".zst", Compression::Zstd),
    (".gz", Compression::Gzip),
    (".bz2", Compression::Unsupported),
    (".lzma", Compression::Unsupported),
];

/// An archive has some twenty files there.
pub(super) const MAX_LISTS: usize = 100_000;
/// The largest list of a large archive has some 70 MB.
const MAX_FILE: u64 = 512 * 1024 * 1024;
/// What a list may unpack to; beyond it somebody is playing with us.
const MAX_LIST: u64 = 1024 * 1024 * 1024;
/// `xz -9` needs 64 MiB and a little.
const MAX_XZ_KIB: u32 = 80 * 1024;
const INPUT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    fn count(name: &str, bytes: &[u8]) -> Result<usize, Unreadable> {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("var/lib/apt/lists");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join(name), bytes).unwrap();
        let host = Host::at(root.path()).unwrap();
        let list = List::find(&host, "x_Packages").unwrap().unwrap();
        let mut count = 0;
        list.read(&host, |_| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }

    fn filter(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        output.stdout
    }

    fn text() -> Vec<u8> {
        (0..5000).flat_map(|n| format!("Package: p{n}\nVersion: {n}\n\n").into_bytes()).collect()
    }

    fn compressed(extension: &str) -> Vec<u8> {
        filter(if extension == "gz" { "gzip" } else { "xz" }, &["-c"], &text())
    }

    #[test]
    fn a_plain_list_and_those_of_gzip_and_xz_read_the_same() {
        assert_eq!(count("x_Packages", &text()).unwrap(), 5000);
        assert_eq!(count("x_Packages.gz", &compressed("gz")).unwrap(), 5000);
        assert_eq!(count("x_Packages.xz", &compressed("xz")).unwrap(), 5000);
    }

    #[test]
    fn a_list_of_lz4_reads_the_same() {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(&text()).unwrap();
        let bytes = encoder.finish().unwrap();
        assert_eq!(count("x_Packages.lz4", &bytes).unwrap(), 5000);
        assert!(count("x_Packages.lz4", &bytes[..bytes.len() / 2]).is_err());
    }

    #[test]
    fn a_list_of_zstd_reads_the_same() {
        let bytes =
            ruzstd::encoding::compress_to_vec(text().as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
        assert_eq!(count("x_Packages.zst", &bytes).unwrap(), 5000);
        assert!(count("x_Packages.zst", &bytes[..bytes.len() / 2]).is_err());
        let twice = [bytes.clone(), bytes].concat();
        assert!(count("x_Packages.zst", &twice).is_err(), "what is not read must not be silent");
    }

    #[test]
    fn a_list_that_is_cut_short_is_an_error() {
        for extension in ["gz", "xz"] {
            let bytes = compressed(extension);
            assert!(count(&format!("x_Packages.{extension}"), &bytes[..bytes.len() / 2]).is_err());
        }
    }

    #[test]
    fn a_form_that_is_not_understood_says_so() {
        let cause = count("x_Packages.bz2", b"BZh9").unwrap_err();
        assert!(matches!(cause.cause, Cause::Unsupported(_)), "{cause}");
    }
}
