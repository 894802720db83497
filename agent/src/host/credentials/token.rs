//! Runs of secret characters, whichever way the surrounding format writes them.
//!
//! `/` and `+` stand for themselves in most files, as `%2F` in a URL, as `\/` or `\u002B` in JSON and as `&#47;` in
//! XML. One unit is one character of the run, with as many bytes as it takes.

use super::key::{SECRET_LENGTH, Secret};

/// Where a run of exactly forty characters lies. The characters stay in the file.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether what stands before it calls it a secret.
    pub(super) is_named: bool,
}

impl Candidate {
    pub(super) fn secret(&self, bytes: &[u8]) -> Option<Secret> {
        let mut characters = [0; SECRET_LENGTH];
        let mut at = self.start;
        for slot in &mut characters {
            let Unit::Character(byte, length) = unit(bytes, at) else { return None };
            *slot = byte;
            at += length;
        }
        Secret::new(characters)
    }
}

/// The candidates of `bytes[from..to]`, in order. A run that the borders cut is none.
pub(super) fn candidates(bytes: &[u8], from: usize, to: usize, found: &mut Vec<Candidate>) {
    let mut at = from;
    while at < to.min(bytes.len()) {
        let start = at;
        let mut count = 0;
        let separator = loop {
            // Too long already: how long, nobody asks.
            if count > SECRET_LENGTH && at >= to {
                break 0;
            }
            match unit(bytes, at) {
                Unit::Character(_, length) => {
                    at += length;
                    count += 1;
                }
                Unit::Separator(length) => break length,
                Unit::End => break 0,
            }
        };
        let is_whole = start > from || from == 0;
        if count == SECRET_LENGTH && is_whole && stands_alone(bytes, start, at) {
            let candidate = Candidate { start, end: at, is_named: is_named(bytes, start) };
            if candidate.secret(bytes).is_some() {
                found.push(candidate);
            }
        }
        // A separator has at least one byte; the end ends the loop.
        at += separator.max(1);
    }
}

pub(super) enum Unit {
    /// A character of a secret, and the bytes that write it.
    Character(u8, usize),
    /// Anything else, which may take several bytes: the `D` of `%3D` begins nothing.
    Separator(usize),
    End,
}

pub(super) fn unit(bytes: &[u8], at: usize) -> Unit {
    let Some(&byte) = bytes.get(at) else { return Unit::End };
    let escape = match byte {
        _ if is_secret_character(byte) => return Unit::Character(byte, 1),
        b'%' => hexadecimal(bytes, at + 1, 2).map(|code| (code, 3)),
        b'\\' => backslash(bytes, at),
        b'&' => entity(bytes, at),
        _ => None,
    };
    match escape {
        Some((code, length)) if is_secret_character(code) => Unit::Character(code, length),
        Some((_, length)) => Unit::Separator(length),
        None => Unit::Separator(1),
    }
}

/// `\/`, `\n`, `\u002B`, and the same after several backslashes: text in text is escaped again.
fn backslash(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let run = bytes[at..].iter().take(MAX_BACKSLASHES).take_while(|&&byte| byte == b'\\').count();
    match bytes.get(at + run)? {
        b'/' => Some((b'/', run + 1)),
        b'u' if bytes.get(at + run + 1..at + run + 3)? == b"00" => {
            Some((hexadecimal(bytes, at + run + 3, 2)?, run + 5))
        }
        b'n' | b'r' | b't' => Some((b'\n', run + 1)),
        _ => None,
    }
}

/// `&#47;`, `&#x2F;`
fn entity(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let body = bytes.get(at..)?.strip_prefix(b"&#")?;
    let length = body.iter().take(MAX_ENTITY).position(|&byte| byte == b';')?;
    let digits = std::str::from_utf8(&body[..length]).ok()?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u8::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some((code, length + 3))
}

fn hexadecimal(bytes: &[u8], at: usize, length: usize) -> Option<u8> {
    let digits = bytes.get(at..at + length)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Neither padded base64 nor a piece of a longer name. `=` before it is how most files write a value.
fn stands_alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).map(|at| bytes[at]);
    let after = bytes.get(end).copied();
    let goes_on = bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
    let is_piece = matches!(before, Some(b'-' | b'_' | b'.')) || (after == Some(b'.') && goes_on);
    !is_piece && !matches!(after, Some(b'=' | b'-' | b'_'))
}

/// Whether "secret" is said shortly before, as in `SecretAccessKey: `.
fn is_named(bytes: &[u8], start: usize) -> bool {
    let before = &bytes[start.saturating_sub(NAME_DISTANCE)..start];
    before.windows(6).any(|word| word.eq_ignore_ascii_case(b"secret"))
}

/// Whether what is before `at` cannot be part of the same word: no letter or digit, or the end of an escape.
pub(super) fn begins_word(bytes: &[u8], at: usize) -> bool {
    let Some(&before) = at.checked_sub(1).and_then(|at| bytes.get(at)) else { return true };
    if !before.is_ascii_alphanumeric() {
        return before != b'+';
    }
    // %3D, \n, \u003d: the escape begins two, three or six bytes earlier and ends here.
    [2, 3, 6].iter().filter_map(|back| Some((at.checked_sub(*back)?, *back))).any(|(start, length)| {
        match bytes[start] {
            b'%' | b'\\' => matches!(unit(bytes, start), Unit::Separator(taken) if taken == length),
            _ => false,
        }
    })
}

fn is_secret_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'/' || byte == b'+'
}

/// JSON in JSON in JSON has seven.
const MAX_BACKSLASHES: usize = 16;
/// `&#x002F;`
const MAX_ENTITY: usize = 8;
/// `AWS_SECRET_ACCESS_KEY=` and `"SecretAccessKey" : "` with room for a prefix of somebody's own.
const NAME_DISTANCE: usize = 48;
