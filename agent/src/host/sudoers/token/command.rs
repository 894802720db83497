//! The words of a command: its path, its arguments, and where both end.

use super::super::shape::{blanks, continuation, is_argument, span, unescape_special};
use super::{Mode, Token, Tokens};

impl<'a> Tokens<'a> {
    pub(super) fn begin_command(&mut self, length: usize) -> Option<Token> {
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

    pub(super) fn end_command(&mut self) -> Token {
        self.mode = Mode::Start;
        let path = self.path.as_ref().map(|(path, _)| path.clone()).unwrap_or_default();
        Token::Command { path, arguments: self.arguments.take() }
    }

    pub(super) fn argument(&mut self, piece: &[u8]) {
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

    pub(super) fn command(&mut self, rest: &'a [u8]) -> Option<Token> {
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

    pub(super) fn argument_regex(&mut self, rest: &'a [u8]) -> Option<Token> {
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
}
