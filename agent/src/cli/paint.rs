//! Colour and width: only a terminal gets colour, and `NO_COLOR` (no-color.org) switches it off.

use std::borrow::Cow;

use crate::finding::{Severity, Verdict};

#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    on: bool,
}

impl Paint {
    pub(super) fn for_terminal(terminal: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { on: terminal && !refused }
    }

    pub(super) fn severity(self, severity: Severity, text: &str) -> String {
        let code = match severity {
            Severity::Critical => "1;97;41",
            Severity::High => "1;31",
            Severity::Medium => "1;33",
            Severity::Low => "36",
            Severity::Informational => "34",
        };
        self.with(code, text)
    }

    pub(super) fn verdict(self, verdict: Verdict, text: &str) -> String {
        let code = match verdict {
            Verdict::Pass => "32",
            Verdict::Fail => "31",
            Verdict::Unknown => "35",
            Verdict::NotApplicable => "2",
        };
        self.with(code, text)
    }

    pub(super) fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The columns to write in.
pub(super) fn width(terminal: bool) -> usize {
    let columns =
        terminal.then(terminal_size::terminal_size).flatten().map(|(width, _)| usize::from(width.0));
    columns.unwrap_or(WIDTH_OF_A_FILE).clamp(NARROWEST, WIDEST)
}

/// Text in lines of at most `width` columns. Words are kept whole: a path or a version is there to be copied.
pub(super) fn wrap<'t>(text: &'t str, width: usize, indent: &'t str) -> Vec<Cow<'t, str>> {
    let options = textwrap::Options::new(width)
        .subsequent_indent(indent)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(text, options)
}

/// What is piped or saved has the same lines everywhere.
const WIDTH_OF_A_FILE: usize = 100;
/// Below this the indentation alone would fill the line.
const NARROWEST: usize = 40;
/// Beyond this the eye loses the line.
const WIDEST: usize = 120;
