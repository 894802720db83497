//! Settings, names of files, and strings in quotation marks.

use super::super::shape::{blanks, continuation, environment_word, include_word, line_break, span, unescape};
use super::{Mode, StringMode, Token, Tokens};

impl<'a> Tokens<'a> {
    pub(super) fn variable(&mut self, rest: &'a [u8]) -> Option<Token> {
        let length = span(rest, |byte| byte.is_ascii_lowercase() || byte == b'_');
        if length > 0 {
            self.mode = Mode::Value;
            return Some(Token::Variable(self.take(length).to_vec()));
        }
        if rest[0] == b'#' { self.comment(rest) } else { self.anywhere_or_wrong(rest) }
    }

    pub(super) fn value(&mut self, rest: &'a [u8]) -> Option<Token> {
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

    pub(super) fn include(&mut self, rest: &'a [u8]) -> Option<Token> {
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

    pub(super) fn begin_string(&mut self, back: StringMode) {
        self.text.clear();
        self.line_of_string = self.line;
        self.mode = Mode::String { back };
    }

    pub(super) fn string(&mut self, rest: &'a [u8], back: StringMode) -> Option<Token> {
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
