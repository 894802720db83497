//! regcomp(3) and regexec(3) as apt calls them: extended regular expressions, without regard to case, unanchored.
//!
//! The C library puts expression and text in capitals and then compares letter by letter, which decides about ranges
//! such as `[Z-a]`. What it refuses matches nothing, for apt only warns. Each expression is rewritten for a matcher
//! whose time is linear in the text. What depends on the language that apt runs in, and references back, are not.

mod bracket;

use regex_lite::{Regex, RegexBuilder};

/// An expression, without the slashes around it.
#[derive(Debug, Clone)]
pub(super) struct Expression(Option<Regex>);

/// Why an expression comes to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// The C library refuses it.
    Invalid,
    /// It may mean something that cannot be said here.
    Unknown(&'static str),
}

impl Expression {
    /// What is not understood is the error.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        match Parser::translate(text) {
            Ok(translated) => {
                let mut builder = RegexBuilder::new(&translated);
                builder.dot_matches_new_line(true).size_limit(MAX_SIZE).nest_limit(MAX_NEST);
                builder.build().map(|regex| Self(Some(regex))).map_err(|_| TOO_LARGE)
            }
            Err(Refusal::Invalid) => Ok(Self(None)),
            Err(Refusal::Unknown(why)) => Err(why),
        }
    }

    /// Whether it occurs in `text`, of which only ASCII is understood.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(&text.to_ascii_uppercase()))
    }
}

struct Parser<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl Parser<'_> {
    fn translate(text: &str) -> Result<String, Refusal> {
        if text.len() > MAX_LENGTH {
            return Err(Refusal::Unknown(TOO_LARGE));
        }
        if !text.is_ascii() || text.contains('\0') {
            return Err(Refusal::Unknown("a regular expression with other than ASCII characters"));
        }
        Parser { rest: text.as_bytes(), depth: 0 }.alternatives()
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn take(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Each may be empty.
    fn alternatives(&mut self) -> Result<String, Refusal> {
        let mut all = String::new();
        loop {
            // A closing bracket without an opening one stands for itself.
            while self.peek().is_some_and(|next| next != b'|' && (next != b')' || self.depth == 0)) {
                all.push_str(&self.repeated()?);
            }
            if self.peek() != Some(b'|') {
                return Ok(all);
            }
            self.take();
            all.push('|');
        }
    }

    fn repeated(&mut self) -> Result<String, Refusal> {
        let (mut piece, is_place) = self.piece()?;
        // `^*` is refused when the star is read next.
        while let Some(sign) = self.peek().filter(|sign| !is_place && b"*+?{".contains(sign)) {
            self.take();
            let count = if sign == b'{' { self.interval()? } else { char::from(sign).to_string() };
            piece = format!("(?:{piece}){count}");
        }
        Ok(piece)
    }

    /// A piece, and whether it is a place in the text rather than a part of it.
    fn piece(&mut self) -> Result<(String, bool), Refusal> {
        let part = |text: &str| Ok((text.to_owned(), false));
        let place = |text: &str| Ok((text.to_owned(), true));
        match self.take() {
            Some(b'(') => {
                let group = self.group()?;
                part(&format!("(?:{group})"))
            }
            Some(b'[') => {
                let set = bracket::set(&mut self.rest)?;
                part(&set)
            }
            Some(b'.') => part("."),
            Some(b'^') => place("^"),
            Some(b'$') => place("$"),
            Some(b'\\') => match self.take().ok_or(Refusal::Invalid)? {
                b'1'..=b'9' => Err(Refusal::Unknown("a regular expression with a reference back")),
                b'w' => part("[0-9A-Z_]"),
                b'W' => part("[^0-9A-Z_]"),
                b's' => part(r"[\t-\r ]"),
                b'S' => part(r"[^\t-\r ]"),
                b'`' => place("^"),
                b'\'' => place("$"),
                b'b' => place(r"\b"),
                b'<' => place(r"\<"),
                b'>' => place(r"\>"),
                b'B' => Err(Refusal::Unknown("a regular expression with a boundary of words")),
                // The one thing that is not put in capitals, so that it cannot occur in a text that is.
                small @ b'a'..=b'z' => part(&literal(small)),
                other => part(&literal(other)),
            },
            Some(b'*' | b'+' | b'?' | b'{') | None => Err(Refusal::Invalid),
            Some(other) => part(&literal(other.to_ascii_uppercase())),
        }
    }

    /// What is between brackets, of which the opening one is taken.
    fn group(&mut self) -> Result<String, Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Refusal::Unknown(TOO_LARGE));
        }
        let inner = self.alternatives()?;
        self.depth -= 1;
        (self.take() == Some(b')')).then_some(inner).ok_or(Refusal::Invalid)
    }

    /// `{2}`, `{2,}`, `{,3}`, `{2,3}`, of which the opening bracket is taken.
    fn interval(&mut self) -> Result<String, Refusal> {
        let end = self.rest.iter().position(|&byte| byte == b'}').ok_or(Refusal::Invalid)?;
        let (inner, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        let inner = std::str::from_utf8(inner).map_err(|_| Refusal::Invalid)?;
        if inner.contains('\\') {
            return Err(Refusal::Unknown("a regular expression with an escape in a number"));
        }
        let number = |text: &str| -> Result<Option<u32>, Refusal> {
            if !text.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Refusal::Invalid);
            }
            // More than fits is more than is allowed.
            Ok((!text.is_empty()).then(|| text.parse().unwrap_or(u32::MAX)))
        };
        let (low, high) = match inner.split_once(',') {
            Some((low, high)) => (number(low)?.unwrap_or(0), number(high)?),
            None => {
                let count = number(inner)?.ok_or(Refusal::Invalid)?;
                (count, Some(count))
            }
        };
        match high {
            Some(high) if low > high || high > MAX_REPEATS => Err(Refusal::Invalid),
            None if low > MAX_REPEATS => Err(Refusal::Invalid),
            Some(high) => Ok(format!("{{{low},{high}}}")),
            None => Ok(format!("{{{low},}}")),
        }
    }
}

fn literal(byte: u8) -> String {
    format!("\\x{byte:02X}")
}

const TOO_LARGE: &str = "a regular expression that is too large";
/// Nobody writes longer ones, and each is asked for every package with an update.
const MAX_LENGTH: usize = 2048;
const MAX_DEPTH: usize = 30;
const MAX_NEST: u32 = 150;
/// A program of a few thousand steps.
const MAX_SIZE: usize = 256 * 1024;
/// `RE_DUP_MAX` of the C library.
const MAX_REPEATS: u32 = 0x7fff;

#[cfg(test)]
mod tests;
