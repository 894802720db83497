//! `[…]` of a regular expression: a set of ASCII characters, in capitals as everything else.

use std::fmt::Write as _;

use super::Refusal;

/// A bit for each ASCII character.
type Set = u128;

/// Takes a set, of which the opening bracket is taken already.
pub(super) fn set(rest: &mut &[u8]) -> Result<String, Refusal> {
    let negated = rest.strip_prefix(b"^");
    let is_negated = negated.is_some();
    *rest = negated.unwrap_or(rest);
    let mut members: Set = 0;
    let mut is_first = true;
    loop {
        match rest {
            // Nowhere else but at the beginning does it stand for itself.
            [b']', after @ ..] if !is_first => {
                *rest = after;
                return Ok(written(members, is_negated));
            }
            // And this one there and at the end.
            [b'-', after, ..] if !is_first && *after != b']' => return Err(Refusal::Invalid),
            _ => {}
        }
        is_first = false;
        members |= match element(rest)? {
            Element::Class(class) => class,
            Element::Character(low) => match rest {
                [b'-', end @ ..] if !matches!(end, [] | [b']', ..]) => {
                    *rest = end;
                    match element(rest)? {
                        Element::Character(high) => range(low, high)?,
                        Element::Class(_) => return Err(Refusal::Invalid),
                    }
                }
                _ => bit(low),
            },
        };
    }
}

enum Element {
    Character(u8),
    Class(Set),
}

/// A backslash has no meaning here.
fn element(rest: &mut &[u8]) -> Result<Element, Refusal> {
    match rest {
        [b'[', b'.' | b'=', ..] => {
            Err(Refusal::Unknown("a regular expression with an element of an alphabet"))
        }
        [b'[', b':', after @ ..] => {
            let end = after.windows(2).take(MAX_NAME).position(|two| two == b":]").ok_or(Refusal::Invalid)?;
            let (name, after) = after.split_at(end);
            *rest = after.get(2..).unwrap_or_default();
            class(name).map(Element::Class).ok_or(Refusal::Invalid)
        }
        [one, after @ ..] => {
            let one = one.to_ascii_uppercase();
            *rest = after;
            Ok(Element::Character(one))
        }
        [] => Err(Refusal::Invalid),
    }
}

/// What is between two characters is a matter of the language, but for digits and for letters.
fn range(low: u8, high: u8) -> Result<Set, Refusal> {
    let is_plain = low.is_ascii_digit() && high.is_ascii_digit()
        || low.is_ascii_uppercase() && high.is_ascii_uppercase();
    match () {
        () if low == high => Ok(bit(low)),
        () if !is_plain => Err(Refusal::Unknown("a regular expression with a range of signs")),
        () if low > high => Err(Refusal::Invalid),
        () => Ok((low..=high).map(bit).fold(0, |all, one| all | one)),
    }
}

fn class(name: &[u8]) -> Option<Set> {
    let is_member: fn(u8) -> bool = match name {
        // Without regard to case there is no difference.
        b"alpha" | b"upper" | b"lower" => |byte| byte.is_ascii_alphabetic(),
        b"alnum" => |byte| byte.is_ascii_alphanumeric(),
        b"digit" => |byte| byte.is_ascii_digit(),
        b"xdigit" => |byte| byte.is_ascii_hexdigit(),
        b"punct" => |byte| byte.is_ascii_punctuation(),
        b"graph" => |byte| byte.is_ascii_graphic(),
        b"print" => |byte| byte.is_ascii_graphic() || byte == b' ',
        b"cntrl" => |byte| byte.is_ascii_control(),
        b"blank" => |byte| byte == b' ' || byte == b'\t',
        b"space" => |byte| byte == b' ' || (b'\t'..=b'\r').contains(&byte),
        _ => return None,
    };
    Some((0..128).filter(|&byte| is_member(byte)).map(bit).fold(0, |all, one| all | one))
}

fn bit(byte: u8) -> Set {
    1_u128.checked_shl(u32::from(byte)).unwrap_or(0)
}

fn written(members: Set, is_negated: bool) -> String {
    let mut text = if is_negated { "[^".to_owned() } else { "[".to_owned() };
    for byte in (0..128_u8).filter(|&byte| members & bit(byte) != 0) {
        let _ = write!(text, "\\x{byte:02X}");
    }
    text.push(']');
    text
}

/// The C library's `BRACKET_NAME_BUF_SIZE`.
const MAX_NAME: usize = 32;
