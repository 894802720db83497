//! What changed in a text, line by line.
//!
//! The text of a configuration file is kept beside the baseline, so that a later difference can be shown. No secret is
//! kept: they are taken out first, and what is shown is the difference of what is left.

mod redact;

use std::fmt::Write as _;

use similar::{Algorithm, ChangeTag, capture_diff_slices, group_diff_ops};

use crate::finding::Text;

/// A text without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept(String);

impl Kept {
    /// What was kept before, as it was kept.
    pub fn again(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(|text| Self(text.to_owned()))
    }

    pub fn into_bytes(self) -> Box<[u8]> {
        self.0.into_bytes().into_boxed_slice()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What may be kept of a file; `None` where it is no text, a long one, or a key and nothing else.
///
/// `bytes` is the whole content: whoever reads asks for [`MAX_BYTES`] and one more, so that a longer one is seen to be.
pub fn keep(bytes: &[u8]) -> Option<Kept> {
    if bytes.len() > MAX_BYTES || bytes.contains(&0) || memchr::memchr_iter(b'\n', bytes).count() > MAX_LINES
    {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    if redact::is_key_file(text) {
        return None;
    }
    let kept = redact::redacted(text);
    // A mark may be longer than what it stands for.
    (kept.len() <= MAX_BYTES).then_some(Kept(kept))
}

/// Lines that went and came, with one around each. Empty where only what was taken out differs.
pub fn difference(before: &Kept, after: &Kept) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.0.split('\n').collect(), after.0.split('\n').collect());
    let operations = capture_diff_slices(Algorithm::Myers, &old, &new);
    let mut shown = Shown::default();
    for group in group_diff_ops(operations, CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        if group.iter().all(|operation| operation.tag() == similar::DiffTag::Equal) {
            continue;
        }
        let range = |from: usize, to: usize| format!("{},{}", from + 1, to - from);
        let old_range = range(first.old_range().start, last.old_range().end);
        let new_range = range(first.new_range().start, last.new_range().end);
        shown.line(&format!("@@ -{old_range} +{new_range} @@"));
        for operation in &group {
            for change in operation.iter_changes(&old, &new) {
                let sign = match change.tag() {
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                    ChangeTag::Equal => ' ',
                };
                let line = Text::from_bytes_within(change.value().as_bytes(), MAX_WIDTH);
                shown.line(&format!("{sign}{line}"));
            }
        }
    }
    shown.text()
}

/// What fits.
#[derive(Default)]
struct Shown {
    text: String,
    lines: usize,
    left_out: usize,
}

impl Shown {
    fn line(&mut self, line: &str) {
        let is_full = self.lines == MAX_SHOWN - 1 || self.text.len() + line.len() + ROOM > MAX_SHOWN_BYTES;
        if self.left_out > 0 || is_full {
            self.left_out += 1;
            return;
        }
        self.lines += 1;
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn text(mut self) -> String {
        if self.left_out > 0 {
            let _ = writeln!(self.text, "… {} more lines", self.left_out);
        }
        self.text
    }
}

/// Configuration that people write is shorter.
pub const MAX_BYTES: usize = 64 * 1024;
pub const MAX_LINES: usize = 2_000;
const CONTEXT: usize = 1;
/// A record has to fit, and a reader to see it at once.
const MAX_SHOWN: usize = 40;
const MAX_SHOWN_BYTES: usize = 4 * 1024;
/// For the line that says how many are not shown.
const ROOM: usize = 48;
const MAX_WIDTH: usize = 300;

#[cfg(test)]
mod tests;
