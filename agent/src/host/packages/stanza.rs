//! deb822(5), one stanza at a time: dpkg's status, apt's package lists, its sources and its preferences.
//!
//! The reader keeps a single stanza in memory and builds no map of it: a list has tens of thousands of stanzas,
//! and of most of them only the name of the package is ever looked at.

use std::io::{self, ErrorKind, Read};

use memchr::{memchr, memchr_iter, memmem};

/// Reads stanzas from a stream.
pub struct Stanzas<R> {
    source: R,
    separator: memmem::Finder<'static>,
    buffer: Vec<u8>,
    /// The part of the buffer that holds bytes not yet given out.
    start: usize,
    end: usize,
    exhausted: bool,
    /// Bytes that the source may still give.
    allowance: u64,
    /// The line at `start`; `None` when nobody needs it, for counting costs as much as reading.
    line: Option<usize>,
}

impl<R> std::fmt::Debug for Stanzas<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stanzas").field("start", &self.start).field("end", &self.end).finish_non_exhaustive()
    }
}

impl<R: Read> Stanzas<R> {
    /// At most `allowance` bytes are taken from the source; more of them are an error.
    pub fn new(source: R, allowance: u64) -> Self {
        let separator = memmem::Finder::new(b"\n\n");
        Self {
            source,
            separator,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            exhausted: false,
            allowance,
            line: None,
        }
    }

    /// As [`Stanzas::new`], with each stanza knowing its line.
    pub fn numbered(source: R, allowance: u64) -> Self {
        Self { line: Some(1), ..Self::new(source, allowance) }
    }

    /// The next stanza, without the blank lines around it.
    #[expect(
        clippy::should_implement_trait,
        reason = "a stanza borrows the reader, which an iterator cannot say"
    )]
    pub fn next(&mut self) -> io::Result<Option<Stanza<'_>>> {
        let mut searched = 0;
        loop {
            if searched == 0 {
                self.skip_blank();
            }
            let pending = &self.buffer[self.start..self.end];
            if let Some(at) = self.separator.find(&pending[searched..]) {
                return Ok(Some(self.give(searched + at + 1)));
            }
            // The last byte may be the first half of a separator.
            searched = pending.len().saturating_sub(1);
            if self.exhausted {
                return Ok(match self.end - self.start {
                    0 => None,
                    length => Some(self.give(length)),
                });
            }
            self.fill()?;
        }
    }

    fn skip_blank(&mut self) {
        let pending = &self.buffer[self.start..self.end];
        let blank = pending.iter().take_while(|&&byte| byte == b'\n').count();
        self.start += blank;
        self.line = self.line.map(|line| line + blank);
    }

    fn give(&mut self, length: usize) -> Stanza<'_> {
        let bytes = &self.buffer[self.start..self.start + length];
        let line = self.line.unwrap_or(0);
        self.line = self.line.map(|line| line + memchr_iter(b'\n', bytes).count());
        self.start += length;
        Stanza { bytes, line }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() - self.end < CHUNK / 2 {
            if self.buffer.len() >= MAX_STANZA {
                return Err(io::Error::new(ErrorKind::InvalidData, "a stanza that does not end"));
            }
            self.buffer.resize(self.buffer.len() + CHUNK, 0);
        }
        let count = loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.end += count;
        self.exhausted = count == 0;
        self.allowance = self.allowance.checked_sub(count as u64).ok_or_else(|| {
            io::Error::new(ErrorKind::InvalidData, "more bytes than a list of packages can have")
        })?;
        Ok(())
    }
}

/// A run of `Name: value` lines, with continuation lines that start with a blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stanza<'a> {
    pub bytes: &'a [u8],
    /// Its first line, counted from 1; 0 when lines are not counted.
    pub line: usize,
}

impl<'a> Stanza<'a> {
    /// The value of a field, trimmed; continuation lines are kept as they are. The case of the name does not
    /// matter, and of two fields with the same name the last one counts, as for apt.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        let is_meant = |field: &Field<'_>| field.name.eq_ignore_ascii_case(name.as_bytes());
        self.fields().flatten().filter(is_meant).last().map(|field| field.value)
    }

    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.field(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The package that it is about. Lists put the name first, which saves looking any further.
    pub fn package(&self) -> Option<&'a [u8]> {
        match self.bytes.strip_prefix(b"Package:") {
            Some(rest) => Some(rest[..memchr(b'\n', rest).unwrap_or(rest.len())].trim_ascii()),
            None => self.field("Package"),
        }
    }

    /// Its fields in order; a line that belongs to none is an error with the line's number.
    pub fn fields(&self) -> Fields<'a> {
        Fields { rest: self.bytes, line: self.line }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    pub name: &'a [u8],
    pub value: &'a [u8],
    pub line: usize,
}

#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, usize>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let mut end = 0;
        let mut lines = 0;
        loop {
            end += memchr(b'\n', &self.rest[end..]).map_or(self.rest.len() - end, |at| at + 1);
            lines += 1;
            if !matches!(self.rest.get(end), Some(b' ' | b'\t')) {
                break;
            }
        }
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.line += lines;
        let Some(colon) = memchr(b':', text) else { return Some(Err(line)) };
        let name = &text[..colon];
        let is_name = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic());
        Some(if is_name {
            Ok(Field { name, value: text[colon + 1..].trim_ascii(), line })
        } else {
            Err(line)
        })
    }
}

/// A file for people without its remark lines, which may stand anywhere, also inside a field.
///
/// Each becomes an empty continuation line, so that line numbers stay true.
pub fn without_remarks(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b"#") {
            let is_between = plain.is_empty() || plain == b"\n" || plain.ends_with(b"\n\n");
            plain.extend_from_slice(if is_between { b"\n" } else { b" \n" });
        } else {
            plain.extend_from_slice(line);
        }
    }
    plain
}

/// `name` or `name (version)`.
pub(super) fn source(value: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(value).ok()?;
    match text.split_once('(') {
        Some((name, version)) => {
            let version = version.trim_end().strip_suffix(')')?;
            Some((word(name.trim().as_bytes())?, word(version.trim().as_bytes())?))
        }
        None => Some((word(text.as_bytes())?, String::new())),
    }
}

/// One word of printable ASCII, which every name and version is; so none can forge a line where it is shown.
pub(super) fn word(value: &[u8]) -> Option<String> {
    let is_word = !value.is_empty() && value.len() <= MAX_WORD && value.iter().all(u8::is_ascii_graphic);
    is_word.then(|| String::from_utf8_lossy(value).into_owned())
}

/// Large enough that system calls do not count, small enough for a small guest.
const CHUNK: usize = 128 * 1024;
/// The largest stanzas (kernels with thousands of conffiles or provides) have a few hundred kilobytes.
const MAX_STANZA: usize = 4 * 1024 * 1024;
/// Names and versions are far shorter.
const MAX_WORD: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
        let mut stanzas = Stanzas::numbered(bytes, 1 << 20);
        let mut found = Vec::new();
        while let Some(stanza) = stanzas.next().unwrap() {
            found.push((stanza.line, stanza.bytes.to_vec()));
        }
        found
    }

    #[test]
    fn blank_lines_part_stanzas_and_lines_are_counted() {
        let found = all(b"\nA: 1\nB: 2\n\n\n\nA: 3\n");
        assert_eq!(found, [(2, b"A: 1\nB: 2\n".to_vec()), (7, b"A: 3\n".to_vec())]);
    }

    #[test]
    fn a_field_is_found_whatever_its_case_and_keeps_its_continuation() {
        let stanza = Stanza { bytes: b"Package: x\nURIs: a\n b\nEmpty:\n", line: 1 };
        assert_eq!(stanza.field("uris"), Some(&b"a\n b"[..]));
        assert_eq!(stanza.field("empty"), Some(&b""[..]));
        assert_eq!(stanza.field("B"), None);
    }

    #[test]
    fn a_line_that_belongs_to_no_field_is_told() {
        let stanza = Stanza { bytes: b"Package: x\nnonsense\nA: b\n", line: 4 };
        assert_eq!(stanza.fields().find_map(Result::err), Some(5));
    }

    #[test]
    fn a_remark_inside_a_stanza_does_not_part_it() {
        let plain = without_remarks(b"# top\n# and more\nA: 1\n# middle\nB: 2\n\n# between\nC: 3\n");
        let found = all(&plain);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].0, 3);
        assert_eq!(Stanza { bytes: &found[0].1, line: 0 }.field("B"), Some(&b"2"[..]));
    }

    #[test]
    fn a_stream_beyond_its_allowance_is_an_error() {
        let mut stanzas = Stanzas::new(&b"A: 1\n\nB: 2\n"[..], 4);
        assert!(stanzas.next().is_err());
    }

    #[test]
    fn a_stanza_without_an_end_is_an_error() {
        let endless = io::repeat(b'a').take(64 * 1024 * 1024);
        assert!(Stanzas::new(endless, u64::MAX).next().is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_stop_it_and_none_are_lost(bytes in proptest::collection::vec(prop_oneof![
            Just(b'\n'), Just(b':'), Just(b' '), any::<u8>()], 0..300))
        {
            let found = all(&bytes);
            let count = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte != b'\n').count();
            prop_assert_eq!(found.iter().map(|(_, stanza)| count(stanza)).sum::<usize>(), count(&bytes));
            for (line, bytes) in &found {
                for field in (Stanza { bytes, line: *line }).fields().flatten() {
                    prop_assert!(!field.name.is_empty());
                }
            }
        }
    }
}
