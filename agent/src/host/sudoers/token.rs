//! The words of sudoers(5). What a byte means depends on where it stands, so the reader of words has modes, and in
//! each mode the longest word wins, the earlier rule on a tie: the same bytes must become the same words as in sudo.

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
enum Mode {
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
enum StringMode {
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
        let path = unescape_special(text);
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

/// The rules of the modes in which entries are read, in the order in which they win a tie.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
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

fn longest(rest: &[u8], mode: Mode, beginning: bool) -> (usize, Rule) {
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
        [b'+', name @ ..] => offer(after(1, self::word(name)), Rule::Netgroup),
        [b'%', b':', name @ ..] => offer(after(2, self::word(name).max(id(name))), Rule::Group),
        [b'%', name @ ..] => offer(after(1, self::word(name).max(id(name))), Rule::Group),
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
    offer(literal(rest, b"list"), Rule::Pseudo);
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

/// The length of a prefix and what follows, nothing if nothing follows.
fn after(prefix: usize, length: usize) -> usize {
    if length > 0 { prefix + length } else { 0 }
}

fn literal(rest: &[u8], keyword: &[u8]) -> usize {
    if rest.starts_with(keyword) { keyword.len() } else { 0 }
}

fn span(rest: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    rest.iter().position(|&byte| !is_part(byte)).unwrap_or(rest.len())
}

fn blanks(rest: &[u8]) -> usize {
    span(rest, |byte| matches!(byte, b' ' | b'\t'))
}

fn line_break(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

fn continuation(rest: &[u8]) -> Option<usize> {
    let rest = rest.strip_prefix(b"\\")?;
    let blank = blanks(rest);
    line_break(&rest[blank..]).map(|end| 1 + blank + end)
}

/// `#` and the rest of its line, unless what follows makes it an id.
fn comment(rest: &[u8]) -> usize {
    let is_remark = match rest.get(1..).unwrap_or_default() {
        [b'-', next, ..] => !matches!(next, b'\r' | b'\n' | b'0'..=b'9'),
        [first, ..] => !matches!(first, b'\r' | b'\n' | b'-' | b'0'..=b'9'),
        [] => false,
    };
    if is_remark {
        return memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
    }
    1 + line_break(&rest[1..]).unwrap_or(0)
}

fn escaped_span(rest: &[u8], is_part: impl Fn(u8) -> bool, may_escape: impl Fn(u8) -> bool) -> usize {
    let mut at = 0;
    loop {
        match rest.get(at..).unwrap_or_default() {
            [b'\\', next, ..] if may_escape(*next) => at += 2,
            [byte, ..] if *byte != b'\\' && is_part(*byte) => at += 1,
            _ => return at,
        }
    }
}

fn word(rest: &[u8]) -> usize {
    let is_part = |byte: u8| !b"#>!=:,() \t\r\n\"".contains(&byte);
    escaped_span(rest, is_part, |byte| !matches!(byte, b'\t' | b'\n'))
}

fn path(rest: &[u8]) -> usize {
    let Some(tail) = rest.strip_prefix(b"/") else { return 0 };
    let is_part = |byte: u8| !b",:= \t\r\n#".contains(&byte);
    after(1, escaped_span(tail, is_part, is_special))
}

fn environment_word(rest: &[u8]) -> usize {
    if rest[0] == b'!' {
        return 0;
    }
    let is_part = |byte: u8| !b"#=, \t\r\n\"".contains(&byte);
    escaped_span(rest, is_part, |byte| !matches!(byte, b'\r' | b'\n'))
}

fn include_word(rest: &[u8]) -> usize {
    let is_space = |byte: u8| byte.is_ascii_whitespace() || byte == 0x0b;
    let mut at = 0;
    while let Some(&byte) = rest.get(at) {
        let escaped_blank = matches!(byte, b' ' | b'\t') && at > 1 && rest[at - 1] == b'\\';
        if is_space(byte) && !escaped_blank {
            break;
        }
        at += 1;
    }
    at
}

/// `^…$`; a `$` or `#` inside is written with a backslash.
fn regex(rest: &[u8]) -> usize {
    if rest.first() != Some(&b'^') {
        return 0;
    }
    let mut at = 1;
    let mut end = 0;
    loop {
        match rest.get(at..).unwrap_or_default() {
            [b'\\', b'$', ..] => {
                end = at + 2;
                at += 2;
            }
            [b'\\', b'#', ..] => at += 2,
            [b'$', ..] => return at + 1,
            [] | [b'#' | b'\r' | b'\n', ..] => return end,
            _ => at += 1,
        }
    }
}

fn id(rest: &[u8]) -> usize {
    let Some(tail) = rest.strip_prefix(b"#") else { return 0 };
    let sign = usize::from(tail.first() == Some(&b'-'));
    after(1 + sign, span(&tail[sign..], |byte| byte.is_ascii_digit()))
}

fn address(rest: &[u8]) -> usize {
    let four = ipv4(rest);
    if four > 0 {
        let mask = match rest[four..].strip_prefix(b"/") {
            Some(mask) => ipv4(mask).max(prefix_length(mask, 32)),
            None => 0,
        };
        return four + after(1, mask);
    }
    let six = ipv6(rest);
    if six == 0 {
        return 0;
    }
    let mask = match rest[six..].strip_prefix(b"/") {
        Some(mask) => ipv6(mask).max(prefix_length(mask, 128)),
        None => 0,
    };
    six + after(1, mask)
}

/// The longest decimal number of at most `limit`, without leading zeros but for 0 itself and, below 33, 00 to 09's lack.
fn prefix_length(rest: &[u8], limit: u32) -> usize {
    (1..=3)
        .rev()
        .find(|&length| {
            let digits = rest.get(..length).filter(|digits| digits.iter().all(u8::is_ascii_digit));
            let number = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u32>().ok());
            number.is_some_and(|number| number <= limit && (length == 1 || rest[0] != b'0'))
        })
        .unwrap_or(0)
}

fn ipv4(rest: &[u8]) -> usize {
    let mut at = 0;
    for part in 0..4 {
        if part > 0 {
            if rest.get(at) != Some(&b'.') {
                return 0;
            }
            at += 1;
        }
        let tail = rest.get(at..).unwrap_or_default();
        let Some(length) = (1..=3).rev().find(|&length| is_octet(tail.get(..length))) else { return 0 };
        at += length;
    }
    at
}

fn is_octet(digits: Option<&[u8]>) -> bool {
    digits.is_some_and(|digits| {
        digits.iter().all(u8::is_ascii_digit)
            && (digits.len() < 3
                || digits[0] <= b'1' && digits[0] == b'1'
                || digits[0] == b'2' && (digits[1] < b'5' || digits[1] == b'5' && digits[2] <= b'5'))
    })
}

fn ipv6(rest: &[u8]) -> usize {
    let mut at = 0;
    let mut best = 0;
    for group in 1..=7 {
        let hex = span(&rest[at..], |byte| byte.is_ascii_hexdigit()).min(4);
        if rest.get(at + hex) != Some(&b':') {
            break;
        }
        at += hex + 1;
        if group >= 2 {
            best = best.max(at + span(&rest[at..], |byte| byte.is_ascii_hexdigit()).min(4));
            if group <= 6 && rest.get(at) == Some(&b':') {
                best = best.max(after(at + 1, ipv4(&rest[at + 1..])));
            }
        }
    }
    best
}

fn has_two_gaps(text: &[u8]) -> bool {
    text.split(|&byte| byte == b'/').any(|part| part.windows(2).filter(|pair| *pair == b"::").count() > 1)
}

fn is_argument(byte: u8) -> bool {
    !matches!(byte, b'#' | b'\\' | b':' | b',' | b' ' | b'\t' | b'\r' | b'\n')
}

/// What sudoers takes a backslash away from in a command.
fn is_special(byte: u8) -> bool {
    matches!(byte, b',' | b':' | b'=' | b' ' | b'\t' | b'#')
}

fn unescape_special(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'\\', Some(&next)) if is_special(next) => {
                plain.push(next);
                bytes.next();
            }
            _ => plain.push(byte),
        }
    }
    plain
}

/// `\xNN` is a byte; any other backslash goes and what follows it stays.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' || tail.is_empty() {
            plain.push(byte);
            continue;
        }
        if let [b'x', high, low, after @ ..] = tail {
            if let (Some(high), Some(low)) = (hex(*high), hex(*low)) {
                plain.push(high << 4 | low);
                rest = after;
                continue;
            }
        }
        plain.push(tail[0]);
        rest = &tail[1..];
    }
    plain
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
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
