//! Which words of sudoers(5) may begin where an entry is read, and which of them wins: the longest, then the first.

use super::shape::{self, address, after, blanks, id, literal, path, regex, span, word};
use super::token::{Mode, OptionName, Token};
use super::{AliasKind, Tag};

/// The rules of the modes in which entries are read, in the order in which they win a tie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    Space,
    Hex,
    Base64,
    Include(bool),
    Defaults,
    AliasKind(AliasKind),
    Tag(Tag, bool),
    Wrong(&'static str),
    Netgroup,
    Group,
    Address,
    All,
    Option(OptionName),
    Alias,
    Sha(&'static str, usize),
    Pseudo,
    OptionPath,
    Path,
    Regex,
    Quote,
    Word,
    Sign(Token),
}

pub(super) fn longest(rest: &[u8], mode: Mode, beginning: bool) -> (usize, Rule) {
    let mut best = (0, Rule::Word);
    let mut offer = |length: usize, rule: Rule| {
        if length > best.0 {
            best = (length, rule);
        }
    };
    let start = mode == Mode::Start;
    let head = mode == Mode::DefaultsHead;
    let word = word(rest);
    let name = id(rest).max(word);
    let path = path(rest);
    if head {
        let before = blanks(rest);
        if rest.get(before) == Some(&b',') {
            offer(before + 1 + blanks(&rest[before + 1..]), Rule::Sign(Token::Comma));
        }
        offer(before, Rule::Space);
    }
    if mode == Mode::Digest {
        offer(span(rest, |byte| byte.is_ascii_hexdigit()), Rule::Hex);
        offer(
            span(rest, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')),
            Rule::Base64,
        );
    }
    if start {
        offer(literal(rest, b"@include"), Rule::Include(false));
        offer(literal(rest, b"@includedir"), Rule::Include(true));
        if beginning {
            line_rules(rest, &mut offer);
        }
    }
    for (keyword, tag, on) in TAGS {
        let length = literal(rest, keyword);
        if length > 0 {
            let blank = blanks(&rest[length..]);
            if rest.get(length + blank) == Some(&b':') {
                offer(length + blank + 1, Rule::Tag(*tag, *on));
            }
        }
    }
    if start || head {
        offer(literal(rest, b"+"), Rule::Wrong("a netgroup without a name"));
        offer(literal(rest, b"%:").max(literal(rest, b"%")), Rule::Wrong("a group without a name"));
    }
    match rest {
        [b'+', name @ ..] => offer(after(1, shape::word(name)), Rule::Netgroup),
        [b'%', b':', name @ ..] => offer(after(2, shape::word(name).max(id(name))), Rule::Group),
        [b'%', name @ ..] => offer(after(1, shape::word(name).max(id(name))), Rule::Group),
        _ => {}
    }
    offer(address(rest), Rule::Address);
    offer(literal(rest, b"ALL"), Rule::All);
    if start {
        for (keyword, option) in OPTIONS {
            offer(literal(rest, keyword), Rule::Option(*option));
        }
    }
    if rest[0].is_ascii_uppercase() {
        let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        offer(span(rest, is_part), Rule::Alias);
    }
    if head {
        offer(path, Rule::Path);
        offer(regex(rest), Rule::Regex);
    }
    for (keyword, size) in SHA {
        offer(literal(rest, keyword.as_bytes()), Rule::Sha(keyword, *size));
    }
    offer(literal(rest, b"sudoedit"), Rule::Pseudo);
    if mode == Mode::OptionPath {
        offer(path.max(word), Rule::OptionPath);
    }
    offer(path, Rule::Path);
    offer(regex(rest), Rule::Regex);
    if start || head {
        offer(literal(rest, b"\""), Rule::Quote);
        offer(name, Rule::Word);
    }
    let sign = match rest[0] {
        b'(' => Token::Open,
        b')' => Token::Close,
        b',' => Token::Comma,
        b'=' => Token::Equals,
        b':' => Token::Colon,
        _ => return best,
    };
    offer(1, Rule::Sign(sign));
    best
}

/// What counts only at the beginning of a line.
fn line_rules(rest: &[u8], offer: &mut impl FnMut(usize, Rule)) {
    for (keyword, directory) in [(b"#include".as_slice(), false), (b"#includedir", true)] {
        let length = literal(rest, keyword);
        if length > 0 && blanks(&rest[length..]) > 0 {
            // Only the keyword is taken, though the whole line decides; no comment may win over it.
            let whole = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            offer(whole, Rule::Include(directory));
        }
    }
    let indent = blanks(rest);
    let entry = &rest[indent..];
    let length = literal(entry, b"Defaults");
    if length > 0 {
        let scope = match entry.get(length) {
            Some(b':' | b'@' | b'>' | b'!') => {
                let mut at = length + 1;
                at += blanks(&entry[at..]);
                at += span(&entry[at..], |byte| byte == b'!');
                at += usize::from(entry.get(at) == Some(&b'"'));
                let name = id(&entry[at..]).max(word(&entry[at..]));
                if name > 0 { at + name } else { 0 }
            }
            _ => 0,
        };
        offer(indent + length.max(scope), Rule::Defaults);
    }
    for (keyword, kind) in ALIAS_KINDS {
        let length = literal(entry, keyword);
        offer(after(indent, length), Rule::AliasKind(*kind));
    }
}

const TAGS: &[(&[u8], Tag, bool)] = &[
    (b"NOPASSWD", Tag::Password, false),
    (b"PASSWD", Tag::Password, true),
    (b"NOEXEC", Tag::Exec, false),
    (b"EXEC", Tag::Exec, true),
    (b"INTERCEPT", Tag::Intercept, true),
    (b"NOINTERCEPT", Tag::Intercept, false),
    (b"SETENV", Tag::SetEnvironment, true),
    (b"NOSETENV", Tag::SetEnvironment, false),
    (b"LOG_OUTPUT", Tag::LogOutput, true),
    (b"NOLOG_OUTPUT", Tag::LogOutput, false),
    (b"LOG_INPUT", Tag::LogInput, true),
    (b"NOLOG_INPUT", Tag::LogInput, false),
    (b"MAIL", Tag::Mail, true),
    (b"NOMAIL", Tag::Mail, false),
    (b"FOLLOW", Tag::Follow, true),
    (b"NOFOLLOW", Tag::Follow, false),
];

const OPTIONS: &[(&[u8], OptionName)] = &[
    (b"TIMEOUT", OptionName::Timeout),
    (b"NOTBEFORE", OptionName::NotBefore),
    (b"NOTAFTER", OptionName::NotAfter),
    (b"CWD", OptionName::Cwd),
    (b"CHROOT", OptionName::Chroot),
    (b"ROLE", OptionName::Role),
    (b"TYPE", OptionName::Type),
    (b"APPARMOR_PROFILE", OptionName::AppArmor),
];

const ALIAS_KINDS: &[(&[u8], AliasKind)] = &[
    (b"Host_Alias", AliasKind::Host),
    (b"Cmnd_Alias", AliasKind::Command),
    (b"Cmd_Alias", AliasKind::Command),
    (b"User_Alias", AliasKind::User),
    (b"Runas_Alias", AliasKind::Runas),
];

/// Names of digests and their sizes in bytes.
const SHA: &[(&str, usize)] = &[("sha224", 28), ("sha256", 32), ("sha384", 48), ("sha512", 64)];
