//! Lines of a file that somebody else made: none is held that is longer than a record, and none is read for ever.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};

use crate::finding::wire::record::MAX_LINE;

/// A file to be read line by line. A FIFO or a device would have us wait, or read for ever.
pub(super) fn open(path: &Path) -> Result<File, String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file =
        rustix::fs::open(path, flags, Mode::empty()).map_err(|error| io::Error::from(error).to_string())?;
    let kind = rustix::fs::fstat(&file).map_err(|error| io::Error::from(error).to_string())?.st_mode;
    match FileType::from_raw_mode(kind) {
        FileType::RegularFile => Ok(File::from(file)),
        FileType::Directory => Err("a directory, not a file of records".to_owned()),
        _ => Err("not a regular file; give - and redirect it to standard input".to_owned()),
    }
}

/// The whole of a small file.
pub(super) fn whole(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    open(path)?.take(LONGEST_KEY_FILE + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    match u64::try_from(text.len()) {
        Ok(length) if length <= LONGEST_KEY_FILE => Ok(text),
        _ => Err("longer than any key file".to_owned()),
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    Whole(&'l [u8]),
    /// Longer than a record; what it held is skipped.
    Overlong,
    /// So long that reading on would take for ever: nothing after it is looked at.
    Endless,
}

/// Hands each line to `take`, without its newline, until the end or a line without one.
pub(super) fn each(from: &mut dyn BufRead, mut take: impl FnMut(u64, Line<'_>)) -> io::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX) + 1;
        if from.take(limit).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > MAX_LINE {
            if !skip_line(from)? {
                take(number, Line::Endless);
                break;
            }
            take(number, Line::Overlong);
            continue;
        }
        take(number, Line::Whole(&line));
    }
    Ok(())
}

/// On to the next line; false when there is none within reach.
fn skip_line(from: &mut dyn BufRead) -> io::Result<bool> {
    let mut skipped = 0;
    while skipped < LONGEST_SKIPPED {
        let read = match from.fill_buf() {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if read.is_empty() {
            return Ok(true);
        }
        let end = memchr::memchr(b'\n', read);
        let used = end.map_or(read.len(), |at| at + 1);
        from.consume(used);
        if end.is_some() {
            return Ok(true);
        }
        skipped += used;
    }
    Ok(false)
}

/// A hundred bytes more than a key file has, twice.
const LONGEST_KEY_FILE: u64 = 1024;
/// 256 records' worth, far beyond what a broken exporter joins by mistake; a sparse file can be a terabyte.
const LONGEST_SKIPPED: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn told(bytes: &[u8]) -> Vec<(u64, String)> {
        let mut told = Vec::new();
        each(&mut BufReader::with_capacity(7, bytes), |number, line| {
            let line = match line {
                Line::Whole(line) if line.len() > 20 => line.len().to_string(),
                Line::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                other => format!("{other:?}"),
            };
            told.push((number, line));
        })
        .unwrap();
        told
    }

    #[test]
    fn each_line_is_handed_over_with_its_number() {
        assert_eq!(told(b""), []);
        assert_eq!(told(b"a\n\nb"), [(1, "a".into()), (2, String::new()), (3, "b".into())]);
    }

    #[test]
    fn a_line_longer_than_a_record_is_skipped_and_named() {
        for (length, is_kept) in [(MAX_LINE, true), (MAX_LINE + 1, false), (3 * MAX_LINE, false)] {
            let bytes = [b"a\n".as_slice(), &vec![b'x'; length], b"\nb\n"].concat();
            let middle = if is_kept { length.to_string() } else { "Overlong".to_owned() };
            assert_eq!(told(&bytes), [(1, "a".into()), (2, middle), (3, "b".into())]);
        }
    }
}
