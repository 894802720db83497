//! systemd's own kind of ini file, systemd.syntax(7): units, drop-ins, journald.conf and their like.

use std::path::{Path, PathBuf};

use crate::host::Unreadable;

/// One assignment, with where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub section: String,
    pub key: String,
    pub value: String,
    pub path: PathBuf,
    /// Where its line ends, as systemd counts: the last of several that a backslash joins.
    pub line: usize,
}

/// Every assignment of a file. What systemd leaves out with a warning is left out; a header that never closes ends
/// its reading, and ours.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Setting>, Unreadable> {
    let mut settings = Vec::new();
    let mut section = String::new();
    let mut joined: Option<Vec<u8>> = None;
    let mut last = 0;
    for (number, raw) in lines(bytes) {
        last = number;
        if is_remark(raw) {
            continue;
        }
        let mut line = joined.take().unwrap_or_default();
        line.extend_from_slice(raw.strip_prefix(BYTE_ORDER_MARK).unwrap_or(raw));
        if goes_on(&line) {
            line.pop();
            line.push(b' ');
            joined = Some(line);
            continue;
        }
        take(&line, number, path, &mut section, &mut settings)?;
    }
    if let Some(line) = joined {
        take(&line, last, path, &mut section, &mut settings)?;
    }
    Ok(settings)
}

/// The last value of a setting; an empty one takes it back to the default.
pub fn last<'a>(settings: &'a [Setting], section: &str, key: &str) -> Option<&'a Setting> {
    settings.iter().rfind(|setting| setting.is(section, key)).filter(|setting| !setting.value.is_empty())
}

/// The values of a setting that may be repeated: an empty one forgets those before it.
pub fn list<'a>(settings: &'a [Setting], section: &str, key: &str) -> Vec<&'a Setting> {
    let mut values: Vec<&Setting> = Vec::new();
    for setting in settings.iter().filter(|setting| setting.is(section, key)) {
        match setting.value.is_empty() {
            true => values.clear(),
            false => values.push(setting),
        }
    }
    values
}

impl Setting {
    fn is(&self, section: &str, key: &str) -> bool {
        self.section == section && self.key == key
    }
}

fn take(
    line: &[u8],
    number: usize,
    path: &Path,
    section: &mut String,
    settings: &mut Vec<Setting>,
) -> Result<(), Unreadable> {
    let line = trim(line);
    let Ok(text) = std::str::from_utf8(line) else { return Ok(()) };
    if let Some(header) = text.strip_prefix('[') {
        let name = header.strip_suffix(']');
        let name = name.ok_or_else(|| Unreadable::malformed(path, number, "a section without an end"))?;
        name.clone_into(section);
        return Ok(());
    }
    let Some((key, value)) = text.split_once('=') else { return Ok(()) };
    if !section.is_empty() {
        let strip = |text: &str| text.trim_matches(BLANKS).to_owned();
        let (key, value) = (strip(key), strip(value));
        settings.push(Setting { section: section.clone(), key, value, path: path.into(), line: number });
    }
    Ok(())
}

/// Numbered from 1. systemd ends a line at `\n`, `\r` or NUL, and takes a run of different ones for one end.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut rest = bytes;
    let mut number = 0;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        number += 1;
        let end = rest.iter().position(|&byte| is_end(byte)).unwrap_or(rest.len());
        let line = &rest[..end];
        let mut width = 0;
        while let Some(&byte) = rest.get(end + width) {
            if !is_end(byte) || rest[end..end + width].contains(&byte) {
                break;
            }
            width += 1;
        }
        rest = &rest[end + width..];
        Some((number, line))
    })
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | 0)
}

/// Also in the middle of a value that goes on.
fn is_remark(line: &[u8]) -> bool {
    matches!(line.iter().find(|&&byte| !BLANKS.contains(&char::from(byte))), Some(b'#' | b';'))
}

/// Whether the last backslash is not itself escaped.
fn goes_on(line: &[u8]) -> bool {
    line.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

fn trim(line: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| BLANKS.contains(&char::from(*byte));
    let start = line.iter().position(|byte| !is_blank(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &line[start..end]
}

const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
