//! The words of sudoers(5). What a byte means depends on where it stands, so the reader of words has modes, and in
//! each mode the longest word wins, the earlier rule on a tie: the same bytes must become the same words as in sudo.

mod command;
mod text;

use super::rules::{Rule, longest};
use super::shape::{blanks, comment, continuation, has_two_gaps, line_break, span, unescape};
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
}
