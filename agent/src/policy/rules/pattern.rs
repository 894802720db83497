//! A pattern of paths: absolute, `*`, `?` and `[…]` within a name, `**` for any number of directories, also none.

use std::fmt;

use crate::host::{Text, glob};

/// A pattern that is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

/// What stands between two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// `**`; never twice in a row.
    Any,
    Literal(Box<[u8]>),
    /// `*` and then nothing but this: most patterns are, and need no search.
    Ends(Box<[u8]>),
    Glob(Box<[u8]>),
}

/// Why a pattern is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPattern {
    Relative,
    TooLong,
    Unshowable,
    /// Two slashes, or one at the end.
    Empty,
    /// `.` or `..`, which no walk ever meets.
    Dots,
    /// `**` with something beside it.
    Stars,
    Bracket,
    Escape,
}

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Relative => "a path must be absolute: begin it with /",
            Self::TooLong => "a path has at most 4096 bytes",
            Self::Unshowable => "a path must not have control characters; a ? stands for any one byte",
            Self::Empty => {
                "a path must not end in / or have two of them in a row; everything below is written /directory/**"
            }
            Self::Dots => "a path must not have . or .. in it",
            Self::Stars => "** must stand alone between two slashes; within a name write *",
            Self::Bracket => "a [ needs its ] and a range its lower end first; \\[ stands for a bracket itself",
            Self::Escape => "a \\ needs a character behind it",
        })
    }
}

impl std::error::Error for BadPattern {}

impl Pattern {
    pub fn new(text: &str) -> Result<Self, BadPattern> {
        let below = text.strip_prefix('/').ok_or(BadPattern::Relative)?;
        if text.len() > MAX_LENGTH {
            return Err(BadPattern::TooLong);
        }
        if Text::new(text).as_str() != text {
            return Err(BadPattern::Unshowable);
        }
        let mut parts: Vec<Part> = Vec::new();
        // The root is a path, too.
        for component in below.split('/').filter(|_| !below.is_empty()) {
            let part = Part::new(component.as_bytes())?;
            if part != Part::Any || parts.last() != Some(&Part::Any) {
                parts.push(part);
            }
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(super) fn is_of_root(&self) -> bool {
        self.parts.iter().all(|part| *part == Part::Any)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Part {
    fn new(text: &[u8]) -> Result<Self, BadPattern> {
        match text {
            b"" => return Err(BadPattern::Empty),
            b"." | b".." => return Err(BadPattern::Dots),
            b"**" => return Ok(Self::Any),
            _ if text.windows(2).any(|two| two == b"**") => return Err(BadPattern::Stars),
            _ => {}
        }
        let (plain, stars, is_magic) = taken_apart(text)?;
        Ok(match (is_magic, stars, text.first()) {
            (false, 0, _) => Self::Literal(plain.into()),
            (false, 1, Some(b'*')) => Self::Ends(plain.into()),
            _ => Self::Glob(text.into()),
        })
    }

    pub(super) fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(literal) => **literal == *name,
            Self::Ends(end) => name.ends_with(end),
            Self::Glob(pattern) => glob::matches(pattern, name),
        }
    }
}

/// What is left without escapes and stars, how many stars there are, and whether anything else is magic.
fn taken_apart(text: &[u8]) -> Result<(Vec<u8>, usize, bool), BadPattern> {
    let (mut plain, mut stars, mut is_magic) = (Vec::new(), 0, false);
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'*' => stars += 1,
            b'?' => is_magic = true,
            b'[' => {
                is_magic = true;
                at += bracket(&text[at..]).ok_or(BadPattern::Bracket)?;
            }
            b'\\' => {
                plain.push(*text.get(at).ok_or(BadPattern::Escape)?);
                at += 1;
            }
            _ => plain.push(byte),
        }
    }
    Ok((plain, stars, is_magic))
}

/// How long a bracket is, with the one that closes it, as `host/glob.rs` reads it.
fn bracket(body: &[u8]) -> Option<usize> {
    let start = usize::from(matches!(body.first(), Some(b'!' | b'^')));
    let mut at = start;
    loop {
        let low = *body.get(at)?;
        if low == b']' && at > start {
            return Some(at + 1);
        }
        if let (Some(b'-'), Some(&high)) = (body.get(at + 1), body.get(at + 2))
            && high != b']'
        {
            if high < low {
                return None;
            }
            at += 2;
        }
        at += 1;
    }
}

/// PATH_MAX.
const MAX_LENGTH: usize = 4096;
