//! The elements below the outermost one of a long document, one in memory at a time.
//!
//! A list of packages has tens of MB, of which a thousandth is about what is installed. So nothing but the ends of the
//! elements is looked for, and whoever asked decides whether an element is worth to be understood. In XML, a `<` stands
//! for itself only within comments, character data and instructions; an element that has one of those is gone through
//! tag by tag. What is between the elements must be nothing.

use std::io::{self, ErrorKind, Read};
use std::ops::Range;

use memchr::{memchr, memchr2_iter, memmem};

/// Hands the bytes of every element called `element` to `each`, in a document whose outermost element is `root`.
///
/// Anything else below the root is an error, and so is a document that ends early; then what was handed out before must
/// not be believed.
pub(super) fn each(
    source: impl Read,
    root: &str,
    element: &str,
    mut each: impl FnMut(&[u8]) -> Result<(), String>,
) -> io::Result<()> {
    let end = format!("</{element}");
    let mut document = Document {
        source,
        root: root.as_bytes(),
        element: element.as_bytes(),
        end: memmem::Finder::new(&end),
        buffer: Vec::new(),
        at: 0,
        filled: 0,
        is_exhausted: false,
    };
    if !document.begin()? {
        return document.finish();
    }
    while let Some(found) = document.next()? {
        let bytes = document.buffer.get(found.clone()).unwrap_or_default();
        each(bytes).map_err(bad)?;
        document.at = found.end;
    }
    document.finish()
}

struct Document<'a, R> {
    source: R,
    root: &'a [u8],
    element: &'a [u8],
    end: memmem::Finder<'a>,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    is_exhausted: bool,
}

impl<R: Read> Document<'_, R> {
    /// Goes into the outermost element; whether it has a content.
    fn begin(&mut self) -> io::Result<bool> {
        self.have(BOM.len())?;
        if self.rest().starts_with(BOM) {
            self.at += BOM.len();
        }
        self.skip_between(true)?;
        let (root, tag) = (self.root, self.tag()?);
        if !is_tag(self.bytes(&tag), b"<", root) {
            return Err(bad("another document than it should be"));
        }
        self.at = tag.end;
        Ok(!self.bytes(&tag).ends_with(b"/>"))
    }

    /// The next element; `None` at the end of the outermost, which is gone over.
    fn next(&mut self) -> io::Result<Option<Range<usize>>> {
        self.skip_between(false)?;
        let start = self.tag()?;
        if is_tag(self.bytes(&start), b"</", self.root) {
            self.at = start.end;
            return Ok(None);
        }
        if !is_tag(self.bytes(&start), b"<", self.element) {
            return Err(bad("an element that does not belong here"));
        }
        if self.bytes(&start).ends_with(b"/>") {
            return Ok(Some(start));
        }
        let mut searched = start.len();
        loop {
            let rest = self.rest();
            // The end, as it would be if there was nothing but elements and text.
            let found =
                rest.get(searched..).and_then(|rest| self.end.find(rest)).map(|found| found + searched);
            if let Some(found) = found {
                let close = found + self.end.needle().len();
                self.have(close + MAX_BLANKS)?;
                let Some(length) = closed(self.rest(), close) else {
                    // `</packages` is not the end of `<package`.
                    searched = close;
                    continue;
                };
                if is_plain(self.rest().get(..length).unwrap_or_default()) {
                    return Ok(Some(self.at..self.at + length));
                }
                return self.walk().map(Some);
            }
            searched = rest.len().saturating_sub(self.end.needle().len()).max(start.len());
            self.more()?;
        }
    }

    /// The element that begins here, gone through tag by tag.
    fn walk(&mut self) -> io::Result<Range<usize>> {
        // Counted from `at`, which stays: what is read later may move the buffer.
        let (mut offset, mut depth) = (0_usize, 0_usize);
        loop {
            match step(self.rest().get(offset..).unwrap_or_default())? {
                Step::More => self.more()?,
                Step::Over(length) => offset += length,
                Step::Open(length) => (offset, depth) = (offset + length, depth + 1),
                Step::Close(length) => {
                    offset += length;
                    depth = depth.checked_sub(1).ok_or_else(|| bad("an element ends that never began"))?;
                    if depth == 0 {
                        return Ok(self.at..self.at + offset);
                    }
                }
            }
        }
    }

    /// Goes over blanks, comments and instructions; before the outermost element there may be a declaration.
    fn skip_between(&mut self, is_before: bool) -> io::Result<()> {
        loop {
            self.have(LOOK)?;
            let blanks = self.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            self.at += blanks;
            if blanks > 0 {
                continue;
            }
            let rest = self.rest();
            let Some((start, end)) =
                SKIPPED.iter().find(|(start, _)| rest.starts_with(start) && *start != CDATA)
            else {
                return Ok(());
            };
            if is_before && rest.starts_with(b"<?xml") && names_another_encoding(rest) {
                return Err(bad("it is not UTF-8"));
            }
            let mut searched = start.len();
            while memmem::find(self.rest().get(searched..).unwrap_or_default(), end).is_none() {
                searched = self.rest().len().saturating_sub(end.len()).max(start.len());
                self.more()?;
            }
            let found = memmem::find(self.rest().get(start.len()..).unwrap_or_default(), end);
            self.at += found.unwrap_or_default() + start.len() + end.len();
        }
    }

    /// The tag that begins here.
    fn tag(&mut self) -> io::Result<Range<usize>> {
        loop {
            match self.rest().first() {
                Some(b'<') => {}
                Some(_) => return Err(bad("text where an element should be")),
                None => {
                    self.more()?;
                    continue;
                }
            }
            if self.rest().starts_with(b"<!") {
                return Err(bad("it has a document type, or another declaration"));
            }
            if let Some(length) = tag_length(self.rest()) {
                return Ok(self.at..self.at + length);
            }
            self.more()?;
        }
    }

    /// After the outermost element nothing may come; to the last byte, so that all was read that a checksum covers.
    fn finish(&mut self) -> io::Result<()> {
        loop {
            self.skip_between(false)?;
            if !self.rest().is_empty() {
                return Err(bad("something comes after its end"));
            }
            if self.is_exhausted || !self.fill()? {
                return Ok(());
            }
        }
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..self.filled).unwrap_or_default()
    }

    fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.buffer.get(range.clone()).unwrap_or_default()
    }

    /// At least so many bytes after `at`, if the source has them.
    fn have(&mut self, count: usize) -> io::Result<()> {
        while self.filled - self.at < count && self.fill()? {}
        Ok(())
    }

    /// More bytes after `at`; that there are none is an error.
    fn more(&mut self) -> io::Result<()> {
        if self.fill()? { Ok(()) } else { Err(bad("it ends early")) }
    }

    /// Whether anything came. Only what is after `at` is kept, at the buffer's beginning or where it was.
    fn fill(&mut self) -> io::Result<bool> {
        if self.is_exhausted {
            return Ok(false);
        }
        if self.at > 0 && self.buffer.len() - self.filled < PIECE {
            self.buffer.copy_within(self.at..self.filled, 0);
            self.filled -= self.at;
            self.at = 0;
        }
        if self.buffer.len() - self.filled < PIECE {
            if self.filled > MAX_ELEMENT {
                return Err(bad("an element is too large to be one"));
            }
            let larger = (self.buffer.len() * 2).max(4 * PIECE);
            self.buffer.resize(larger, 0);
        }
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        loop {
            match self.source.read(room) {
                Ok(0) => {
                    self.is_exhausted = true;
                    return Ok(false);
                }
                Ok(count) => {
                    self.filled += count;
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// One step of a walk, with its length.
enum Step {
    More,
    Over(usize),
    Open(usize),
    Close(usize),
}

fn step(rest: &[u8]) -> io::Result<Step> {
    if !rest.starts_with(b"<") {
        return Ok(memchr(b'<', rest).map_or(Step::More, Step::Over));
    }
    if let Some((start, end)) = SKIPPED.iter().find(|(start, _)| rest.starts_with(start)) {
        let found = memmem::find(rest.get(start.len()..).unwrap_or_default(), end);
        return Ok(found.map_or(Step::More, |found| Step::Over(start.len() + found + end.len())));
    }
    let Some(length) = tag_length(rest) else { return Ok(Step::More) };
    let tag = rest.get(..length).unwrap_or_default();
    match (tag.get(1), tag.ends_with(b"/>")) {
        (Some(b'!'), _) => Err(bad("a declaration within an element")),
        (Some(b'/'), _) => Ok(Step::Close(length)),
        (_, true) => Ok(Step::Over(length)),
        (_, false) => Ok(Step::Open(length)),
    }
}

/// Whether an element has nothing in it in which a `<` would stand for itself.
fn is_plain(bytes: &[u8]) -> bool {
    memchr2_iter(b'!', b'?', bytes).all(|at| at.checked_sub(1).and_then(|at| bytes.get(at)) != Some(&b'<'))
}

/// Where an end tag ends whose name ends at `at`; `None` if the name goes on.
fn closed(bytes: &[u8], at: usize) -> Option<usize> {
    let blanks = bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let at = at + blanks;
    (bytes.get(at) == Some(&b'>')).then_some(at + 1)
}

/// How long the tag is that these bytes begin with: a `>` within quotes does not end it.
fn tag_length(bytes: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, &byte) in bytes.iter().enumerate().skip(1) {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

fn is_tag(tag: &[u8], begin: &[u8], name: &[u8]) -> bool {
    let after = tag.strip_prefix(begin).and_then(|tag| tag.strip_prefix(name));
    after
        .and_then(<[u8]>::first)
        .is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'))
}

fn names_another_encoding(bytes: &[u8]) -> bool {
    let line = bytes.get(..memchr(b'>', bytes).unwrap_or(bytes.len())).unwrap_or_default();
    let line = String::from_utf8_lossy(line).to_ascii_lowercase();
    line.contains("encoding") && !line.contains("utf-8") && !line.contains("ascii")
}

fn bad(what: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.into())
}

/// Where a `<` stands for itself, and what ends it.
const SKIPPED: [(&[u8], &[u8]); 3] = [(b"<!--", b"-->"), (b"<?", b"?>"), (CDATA, b"]]>")];
const CDATA: &[u8] = b"<![CDATA[";
const BOM: &[u8] = b"\xef\xbb\xbf";
const PIECE: usize = 32 * 1024;
/// Enough to tell what comes.
const LOOK: usize = 256;
/// Blanks before an end tag's `>`; nobody writes one.
const MAX_BLANKS: usize = 64;
/// A kernel's advisory may have some 300 KB, a package with all it provides 2 MB.
const MAX_ELEMENT: usize = 12 * 1024 * 1024;

#[cfg(test)]
#[path = "elements/tests.rs"]
mod tests;
