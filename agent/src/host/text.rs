//! Text that may be shown: whatever a host, a user or a file name put into it, no control byte,
//! no terminal escape, no forged line and no direction override survives (CVE-2025-54389 is the
//! lesson: a file name hid findings in a peer's report).

use std::fmt;
use std::fmt::Write as _;

/// A string that is safe on a terminal and in a log line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(String);

impl Text {
    pub fn new(raw: &str) -> Self {
        let mut safe = String::with_capacity(raw.len());
        push_safe(&mut safe, raw);
        Self(safe)
    }

    /// Bytes that are not UTF-8 become `\xNN`.
    pub fn from_bytes(raw: &[u8]) -> Self {
        let mut safe = String::with_capacity(raw.len());
        for chunk in raw.utf8_chunks() {
            push_safe(&mut safe, chunk.valid());
            for byte in chunk.invalid() {
                let _ = write!(safe, "\\x{byte:02x}");
            }
        }
        Self(safe)
    }

    /// At most `limit` characters, so that a hostile line cannot flood a report.
    pub fn from_bytes_within(raw: &[u8], limit: usize) -> Self {
        // A character of the result needs at least a byte of the source, and at most four.
        let head = raw.get(..limit.saturating_mul(4)).unwrap_or(raw);
        let mut text = Self::from_bytes(head);
        match text.0.char_indices().nth(limit) {
            Some((end, _)) => text.0.truncate(end),
            None if head.len() == raw.len() => return text,
            None => {}
        }
        text.0.push('…');
        text
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Text {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl From<String> for Text {
    fn from(raw: String) -> Self {
        Self::new(&raw)
    }
}

fn push_safe(safe: &mut String, raw: &str) {
    for c in raw.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            '\u{0}'..='\u{1f}' | '\u{7f}' => {
                let _ = write!(safe, "\\x{:02x}", u32::from(c));
            }
            c if is_deceptive(c) => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
}

/// C1 controls, line and paragraph separators, and what reorders or hides its neighbours.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_terminal_escape_is_shown_and_not_obeyed() {
        assert_eq!(Text::from_bytes(b"a\x1b[2Jb\nc\xffd").as_str(), "a\\x1b[2Jb\\nc\\xffd");
    }

    #[test]
    fn a_direction_override_is_spelled_out() {
        assert_eq!(Text::new("x\u{202e}y").as_str(), "x\\u{202e}y");
    }

    #[test]
    fn a_long_line_is_cut_at_a_character() {
        assert_eq!(Text::from_bytes_within("äöü".as_bytes(), 2).as_str(), "äö…");
        assert_eq!(Text::from_bytes_within("äöü".as_bytes(), 3).as_str(), "äöü");
        assert_eq!(Text::from_bytes_within(&[b'a'; 100], 3).as_str(), "aaa…");
    }

    proptest! {
        #[test]
        fn no_control_character_survives(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text = Text::from_bytes(&raw);
            prop_assert!(!text.as_str().chars().any(|c| c.is_control() || is_deceptive(c)));
        }
    }
}
