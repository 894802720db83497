//! The words of sudoers(5). What a byte means depends on where it stands, so the reader of words has modes, and in
//! each mode the longest word wins, the earlier rule on a tie: the same bytes must become the same words as in sudo.

use super::rules::{Rule, longest};
use super::shape::{
    blanks, comment, continuation, environment_word, has_two_gaps, include_word, is_argument, line_break,
    span, unescape, unescape_special,
};
use super::{AliasKind, Tag};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Address(Vec<u8>),
    Alias(Vec<u8>),
    AliasKind(AliasKind),
    All,
    Close,
    Colon,
    Comma,
    Command { path: Vec<u8>, arguments: Option<Vec<u8>> },
    Defaults(Scope),
    Digest(Vec<u8>),
    Equals,
    Group(Vec<u8>),
    Include,
    IncludeDirectory,
    MinusEquals,
    Netgroup(Vec<u8>),
    Newline,
    Not,
    Open,
    Option(OptionName),
    PlusEquals,
    Sha(&'static str),
    Tag(Tag, bool),
    Variable(Vec<u8>),
    Word(Vec<u8>),
    Wrong(&'static str),
}

/// Whom a `Defaults` line is for, before its list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Command,
    Everyone,
    Host,
    Runas,
    User,
}

/// An option in front of a command: `CWD=/tmp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OptionName {
    AppArmor,
    Chroot,
    Cwd,
    NotAfter,
    NotBefore,
    Role,
    Timeout,
    Type,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Start,
    /// Behind `Defaults`, where its scope is named.
    DefaultsHead,
    /// Where the name of a default is due.
    Variable,
    /// Behind the name of a default.
    Value,
    Command,
    ArgumentRegex,
    Digest,
    Include,
    OptionPath,
    String {
        back: StringMode,
    },
}

/// The modes in which a string may begin, and to which it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StringMode {
    Start,
    DefaultsHead,
    Value,
}

#[derive(Debug)]
pub(super) struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    mode: Mode,
    /// The word is being put together from several pieces.
    text: Vec<u8>,
    path: Option<(Vec<u8>, usize)>,
    arguments: Option<Vec<u8>>,
    saw_space: bool,
    continued: bool,
    /// A place that follows a line break and is not the beginning of a line all the same.
    not_a_beginning: Option<usize>,
    digest_size: usize,
    line_of_string: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            line: 1,
            mode: Mode::Start,
            text: Vec::new(),
            path: None,
            arguments: None,
            saw_space: false,
            continued: false,
            not_a_beginning: None,
            digest_size: 0,
            line_of_string: 1,
        }
    }

    /// The next word and the line on which it begins; at the end of the file one last `Newline`, then `None`.
    pub(super) fn next(&mut self) -> Option<(Token, usize)> {
        loop {
            let line = self.line;
            let rest = &self.bytes[self.at..];
            if rest.is_empty() {
                return None;
            }
            let step = match self.mode {
                Mode::Start | Mode::DefaultsHead | Mode::Digest | Mode::OptionPath => self.word(rest),
                Mode::Variable => self.variable(rest),
                Mode::Value => self.value(rest),
                Mode::Command => self.command(rest),
                Mode::ArgumentRegex => self.argument_regex(rest),
                Mode::Include => self.include(rest),
                Mode::String { back } => self.string(rest, back),
            };
            if let Some(token) = step {
                let line = match (&token, self.path.take()) {
                    (Token::Command { .. }, Some((_, line))) => line,
                    (Token::Word(_) | Token::Group(_) | Token::Netgroup(_), _) => {
                        line.min(self.line_of_string)
                    }
                    _ => line,
                };
                self.line_of_string = usize::MAX;
                return Some((token, line));
            }
        }
    }

    /// Whether something was begun that has not become a word.
    pub(super) fn is_in_a_word(&self) -> bool {
        matches!(self.mode, Mode::Command | Mode::ArgumentRegex | Mode::String { .. })
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    fn is_beginning(&self) -> bool {
        (self.at == 0 || self.bytes[self.at - 1] == b'\n') && self.not_a_beginning != Some(self.at)
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let taken = &self.bytes[self.at..self.at + length];
        self.at += length;
        taken
    }

    /// What is the same in every mode, `None` where it does not apply.
    fn anywhere(&mut self, rest: &[u8]) -> Option<Option<Token>> {
        if let Some(length) = line_break(rest) {
            self.take(length);
            self.mode = Mode::Start;
            self.line += 1;
            self.continued = false;
            return Some(Some(Token::Newline));
        }
        if let Some(length) = continuation(rest) {
            self.take(length);
            self.saw_space = true;
            self.line += 1;
            self.continued = true;
            return Some(None);
        }
        match rest[0] {
            b' ' | b'\t' => {
                self.take(blanks(rest));
                self.saw_space = true;
                Some(None)
            }
            b'!' => {
                let length = span(rest, |byte| byte == b'!');
                self.take(length);
                Some((length % 2 == 1).then_some(Token::Not))
            }
            _ => None,
        }
    }

    fn anywhere_or_wrong(&mut self, rest: &[u8]) -> Option<Token> {
        self.anywhere(rest).unwrap_or_else(|| {
            self.take(1);
            Some(Token::Wrong("unexpected character"))
        })
    }

    fn comment(&mut self, rest: &[u8]) -> Option<Token> {
        let length = comment(rest);
        let whole = self.take(length);
        if !whole.ends_with(b"\n") && self.at < self.bytes.len() {
            return Some(Token::Wrong("'#' is neither a comment nor an id"));
        }
        self.mode = Mode::Start;
        self.line += 1;
        self.continued = false;
        Some(Token::Newline)
    }

    fn word(&mut self, rest: &'a [u8]) -> Option<Token> {
        let mode = self.mode;
        let (length, rule) = longest(rest, mode, self.is_beginning());
        // The rules of every mode come last, so they win only where they are longer.
        let common = line_break(rest).or_else(|| continuation(rest)).unwrap_or(match rest[0] {
            b' ' | b'\t' => blanks(rest),
            b'!' => span(rest, |byte| byte == b'!'),
            _ => 0,
        });
        let remark = if mode == Mode::Start && rest[0] == b'#' { comment(rest) } else { 0 };
        if remark > length.max(common) {
            return self.comment(rest);
        }
        if common > length || length == 0 {
            return self.anywhere_or_wrong(rest);
        }
        self.begin_word(rule, length)
    }

    fn begin_word(&mut self, rule: Rule, length: usize) -> Option<Token> {
        let entry = matches!(rule, Rule::Include(_) | Rule::Defaults | Rule::AliasKind(..));
        if entry && self.continued {
            self.take(length);
            return Some(Token::Wrong("a line continuation in front of an entry of its own"));
        }
        match rule {
            Rule::Include(directory) => {
                // The old form was found by its whole line, and only its keyword is taken.
                let keyword: &[u8] = if directory { b"#includedir" } else { b"#include" };
                self.take(keyword.len());
                self.mode = Mode::Include;
                return Some(if directory { Token::IncludeDirectory } else { Token::Include });
            }
            Rule::Defaults => return Some(self.defaults(length)),
            Rule::Space => {
                self.take(length);
                self.mode = Mode::Variable;
                return None;
            }
            Rule::Quote => {
                self.take(length);
                let back = if self.mode == Mode::DefaultsHead {
                    StringMode::DefaultsHead
                } else {
                    StringMode::Start
                };
                self.begin_string(back);
                return None;
            }
            Rule::Path | Rule::Pseudo | Rule::Regex => return self.begin_command(length),
            _ => {}
        }
        let text = self.take(length);
        Some(match rule {
            Rule::AliasKind(kind) => Token::AliasKind(kind),
            Rule::Tag(tag, on) => Token::Tag(tag, on),
            Rule::Wrong(what) => Token::Wrong(what),
            Rule::Netgroup => Token::Netgroup(unescape(text)),
            Rule::Group => Token::Group(unescape(text)),
            Rule::Address if has_two_gaps(text) => Token::Wrong("not an IPv6 address"),
            Rule::Address => Token::Address(text.to_vec()),
            Rule::All => Token::All,
            Rule::Option(name) => {
                if matches!(name, OptionName::Cwd | OptionName::Chroot) {
                    self.mode = Mode::OptionPath;
                }
                Token::Option(name)
            }
            Rule::Alias => Token::Alias(text.to_vec()),
            Rule::Sha(name, size) => {
                self.digest_size = size;
                self.mode = Mode::Digest;
                Token::Sha(name)
            }
            Rule::Hex | Rule::Base64 => return self.digest(rule, text),
            Rule::OptionPath => {
                self.mode = Mode::Start;
                Token::Word(unescape(text))
            }
            Rule::Sign(token) => token,
            _ => Token::Word(unescape(text)),
        })
    }

    /// `Defaults`, with the sign of its scope if a scope follows.
    fn defaults(&mut self, length: usize) -> Token {
        let text = &self.bytes[self.at..self.at + length];
        let head = blanks(text) + b"Defaults".len();
        let scope = match text.get(head) {
            None => Scope::Everyone,
            Some(b':') => Scope::User,
            Some(b'>') => Scope::Runas,
            Some(b'@') => Scope::Host,
            Some(_) => Scope::Command,
        };
        let signs = if scope == Scope::Everyone { 0 } else { 1 + blanks(&text[head + 1..]) };
        self.take(head + signs);
        self.mode = Mode::DefaultsHead;
        Token::Defaults(scope)
    }

    fn digest(&mut self, rule: Rule, text: &[u8]) -> Option<Token> {
        self.mode = Mode::Start;
        let due = match (rule, text.last()) {
            (Rule::Hex, _) => self.digest_size * 2,
            (_, Some(b'=')) => 4 * self.digest_size.div_ceil(3),
            _ => (4 * self.digest_size).div_ceil(3),
        };
        // A digest of another length is no word at all; what follows then makes no sense.
        (text.len() == due).then(|| Token::Digest(text.to_vec()))
    }

    fn begin_command(&mut self, length: usize) -> Option<Token> {
        let line = self.line;
        let text = self.take(length);
        // In a regular expression every backslash means something.
        let path = if text.starts_with(b"^") { text.to_vec() } else { unescape_special(text) };
        // A directory has no arguments, and a command that names a scope has none either.
        if self.mode == Mode::DefaultsHead || (text.starts_with(b"/") && text.ends_with(b"/")) {
            return Some(Token::Command { path, arguments: None });
        }
        self.path = Some((path, line));
        self.arguments = None;
        self.mode = Mode::Command;
        None
    }

    fn end_command(&mut self) -> Token {
        self.mode = Mode::Start;
        let path = self.path.as_ref().map(|(path, _)| path.clone()).unwrap_or_default();
        Token::Command { path, arguments: self.arguments.take() }
    }

    fn argument(&mut self, piece: &[u8]) {
        let space = std::mem::take(&mut self.saw_space);
        match &mut self.arguments {
            None => self.arguments = Some(piece.to_vec()),
            Some(arguments) => {
                if space {
                    arguments.push(b' ');
                }
                arguments.extend_from_slice(piece);
            }
        }
    }

    fn command(&mut self, rest: &'a [u8]) -> Option<Token> {
        match rest {
            [b'\\', b'*' | b'?' | b'[' | b']' | b'!' | b'^', ..] => {
                let piece = self.take(2);
                self.argument(piece);
                None
            }
            [b'\\', b':' | b'\\' | b',' | b'=' | b' ' | b'\t' | b'#', ..] if continuation(rest).is_none() => {
                let piece = self.take(2);
                self.argument(&piece[1..]);
                None
            }
            [b'\\' | b' ' | b'\t', ..] => self.anywhere_or_wrong(rest),
            _ => {
                let length = span(rest, is_argument);
                if length > 1 || (length == 1 && rest[0] != b'=') {
                    if self.arguments.is_none() && rest[0] == b'^' {
                        self.mode = Mode::ArgumentRegex;
                        return None;
                    }
                    let piece = self.take(length);
                    self.argument(piece);
                    return None;
                }
                self.not_a_beginning = Some(self.at);
                Some(self.end_command())
            }
        }
    }

    fn argument_regex(&mut self, rest: &'a [u8]) -> Option<Token> {
        if continuation(rest).is_some() {
            return self.anywhere_or_wrong(rest);
        }
        match rest {
            [b'\\', next, ..] if *next != b'\r' && *next != b'\n' => {
                let piece = self.take(2);
                self.saw_space = false;
                self.argument(piece);
                None
            }
            [b'#' | b'\r' | b'\n', ..] => {
                self.not_a_beginning = Some(self.at);
                self.mode = Mode::Start;
                Some(Token::Wrong("a regular expression without its closing '$'"))
            }
            [b'$', ..] => {
                let piece = self.take(1);
                self.saw_space = false;
                self.argument(piece);
                self.continued = false;
                Some(self.end_command())
            }
            [b'\\', ..] => self.anywhere_or_wrong(rest),
            _ => {
                let length = span(rest, |byte| !matches!(byte, b'#' | b'\\' | b'\r' | b'\n' | b'$'));
                let mut piece = self.take(length);
                if std::mem::take(&mut self.continued) {
                    piece = &piece[blanks(piece)..];
                }
                if !piece.is_empty() {
                    self.saw_space = false;
                    self.argument(piece);
                }
                None
            }
        }
    }

    fn variable(&mut self, rest: &'a [u8]) -> Option<Token> {
        let length = span(rest, |byte| byte.is_ascii_lowercase() || byte == b'_');
        if length > 0 {
            self.mode = Mode::Value;
            return Some(Token::Variable(self.take(length).to_vec()));
        }
        if rest[0] == b'#' { self.comment(rest) } else { self.anywhere_or_wrong(rest) }
    }

    fn value(&mut self, rest: &'a [u8]) -> Option<Token> {
        let sign = |tokens: &mut Self, length, token| {
            tokens.take(length);
            Some(token)
        };
        match rest {
            [b',', ..] => {
                self.mode = Mode::Variable;
                sign(self, 1, Token::Comma)
            }
            [b'=', ..] => sign(self, 1, Token::Equals),
            [b'+', b'=', ..] => sign(self, 2, Token::PlusEquals),
            [b'-', b'=', ..] => sign(self, 2, Token::MinusEquals),
            [b'"', ..] => {
                self.take(1);
                self.begin_string(StringMode::Value);
                None
            }
            [b'#', ..] => self.comment(rest),
            _ => {
                let length = environment_word(rest);
                // A continuation may be longer than the word that its backslash and a blank would make.
                if length > 0 && continuation(rest).is_none_or(|other| other < length) {
                    return Some(Token::Word(unescape(self.take(length))));
                }
                self.anywhere_or_wrong(rest)
            }
        }
    }

    fn include(&mut self, rest: &'a [u8]) -> Option<Token> {
        if rest[0] == b'"' {
            self.take(1);
            self.begin_string(StringMode::Start);
            return None;
        }
        let length = include_word(rest);
        if length > 0 && continuation(rest).is_none_or(|other| other < length) {
            self.mode = Mode::Start;
            return Some(Token::Word(unescape(self.take(length))));
        }
        self.anywhere_or_wrong(rest)
    }

    fn begin_string(&mut self, back: StringMode) {
        self.text.clear();
        self.line_of_string = self.line;
        self.mode = Mode::String { back };
    }

    fn string(&mut self, rest: &'a [u8], back: StringMode) -> Option<Token> {
        if let Some(length) = continuation(rest) {
            self.take(length);
            let rest = &self.bytes[self.at..];
            self.take(blanks(rest));
            self.line += 1;
            self.continued = true;
            return None;
        }
        match rest {
            [b'"', ..] => {
                self.take(1);
                self.mode = match back {
                    StringMode::Start => Mode::Start,
                    StringMode::DefaultsHead => Mode::DefaultsHead,
                    StringMode::Value => Mode::Value,
                };
                Some(string_token(std::mem::take(&mut self.text), back))
            }
            [b'\\', b'"', ..] => {
                self.take(2);
                self.text.push(b'"');
                None
            }
            [b'\\', ..] => {
                self.take(1);
                self.text.push(b'\\');
                None
            }
            _ if line_break(rest).is_some() => {
                self.mode = Mode::Start;
                Some(Token::Wrong("a string that does not end on its line"))
            }
            [b'\r', ..] => self.anywhere_or_wrong(rest),
            _ => {
                let length = span(rest, |byte| !matches!(byte, b'"' | b'\\' | b'\r' | b'\n'));
                let piece = self.take(length);
                self.text.extend_from_slice(piece);
                None
            }
        }
    }
}

fn string_token(text: Vec<u8>, back: StringMode) -> Token {
    match (text.as_slice(), back) {
        ([], _) => Token::Wrong("an empty string"),
        (_, StringMode::Value) => Token::Word(text),
        (b"%" | b"%:", _) => Token::Wrong("a group without a name"),
        (b"+", _) => Token::Wrong("a netgroup without a name"),
        ([b'%', ..], _) => Token::Group(text),
        ([b'+', ..], _) => Token::Netgroup(text),
        _ => Token::Word(text),
    }
}
