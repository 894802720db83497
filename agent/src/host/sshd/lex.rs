//! How sshd cuts a line into words. It has two ways, and releases differ in which one they use where.
//!
//! `next_word` is the old one: words end at white space or one `=`, double quotes only. `split` came with 8.7:
//! both quotes, backslashes, and `#` begins a comment where a word could begin. Before 8.7 a `#` anywhere,
//! even inside quotes, cut the line off.

use super::Version;

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) keyword: Vec<u8>,
    /// Everything after the keyword, for the keywords that take the rest of the line as it is.
    pub(super) rest: Vec<u8>,
    pub(super) arguments: Vec<Vec<u8>>,
}

/// The lines of a file as sshd counts them: a NUL swallows the rest of its line and the line break.
pub(super) fn lines(bytes: &[u8], version: Version) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    for raw in bytes.split_inclusive(|&byte| byte == b'\n') {
        let text = raw.strip_suffix(b"\n").unwrap_or(raw);
        let skip = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
        let text = &text[skip..];
        let nul = text.iter().position(|&byte| byte == 0);
        let comment =
            (version < WORDS_BY_SPLIT).then(|| text.iter().position(|&byte| byte == b'#')).flatten();
        let end = [nul, comment].into_iter().flatten().min().unwrap_or(text.len());
        if let Some(line) = lines.last_mut() {
            line.extend_from_slice(&text[..end]);
        }
        // A comment is replaced by a line break; a NUL takes the line break with it.
        if raw.ends_with(b"\n") && (nul.is_none() || comment.is_some_and(|at| Some(at) < nul)) {
            lines.push(Vec::new());
        }
    }
    lines
}

/// `None` is a line that says nothing.
pub(super) fn line(text: &[u8], version: Version) -> Result<Option<Line>, String> {
    let text = trim_end(text);
    let mut rest = Some(text);
    let Some(mut keyword) = next_word(&mut rest, true) else { return Ok(None) };
    if keyword.is_empty() {
        keyword = next_word(&mut rest, true).unwrap_or_default();
    }
    if keyword.is_empty() || keyword.starts_with(b"#") {
        return Ok(None);
    }
    let rest = rest.unwrap_or_default();
    if rest.is_empty() && version >= WORDS_BY_SPLIT {
        return Err("there is nothing after the keyword".to_owned());
    }
    let arguments = if version >= WORDS_BY_SPLIT {
        split(rest).ok_or("a quote is never closed")?
    } else {
        old_arguments(rest, !keyword.eq_ignore_ascii_case(b"SetEnv"))
    };
    Ok(Some(Line { keyword, rest: rest.to_vec(), arguments }))
}

/// White space at the end goes, but never the line's first byte.
fn trim_end(text: &[u8]) -> &[u8] {
    let mut end = text.len();
    while end > 1 && matches!(text[end - 1], b' ' | b'\t' | b'\r' | b'\n' | 0x0c) {
        end -= 1;
    }
    &text[..end]
}

fn old_arguments(rest: &[u8], split_equals: bool) -> Vec<Vec<u8>> {
    let mut rest = Some(rest);
    let mut words = Vec::new();
    while let Some(word) = next_word(&mut rest, split_equals) {
        if word.is_empty() {
            break;
        }
        words.push(word);
    }
    words
}

/// The word at the front of `rest`, which afterwards is what follows it. `None` at the end, or if a quote never
/// closes.
pub(super) fn next_word(rest: &mut Option<&[u8]>, split_equals: bool) -> Option<Vec<u8>> {
    let text = (*rest)?;
    let stop = text.iter().position(|&byte| is_white(byte) || byte == b'"' || (split_equals && byte == b'='));
    let Some(stop) = stop else {
        *rest = None;
        return Some(text.to_vec());
    };
    let mut word = text[..stop].to_vec();
    let after = &text[stop + 1..];
    if text[stop] == b'"' {
        let Some(close) = after.iter().position(|&byte| byte == b'"') else {
            *rest = None;
            return None;
        };
        word.extend_from_slice(&after[..close]);
        *rest = Some(skip_white(&after[close + 1..]));
        return Some(word);
    }
    let mut after = skip_white(after);
    // Only one '=' is part of the separator.
    if split_equals && text[stop] != b'=' && after.first() == Some(&b'=') {
        after = skip_white(&after[1..]);
    }
    *rest = Some(after);
    Some(word)
}

/// `None` if a quote never closes.
fn split(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b' ' | b'\t' => at += 1,
            b'#' => break,
            _ => {
                let (word, end) = quoted_word(text, at)?;
                words.push(word);
                at = end;
            }
        }
    }
    Some(words)
}

fn quoted_word(text: &[u8], mut at: usize) -> Option<(Vec<u8>, usize)> {
    let mut word = Vec::new();
    let mut quote = None;
    while let Some(&byte) = text.get(at) {
        match (quote, byte) {
            (_, b'\\') => match text.get(at + 1) {
                Some(&next) if matches!(next, b'\'' | b'"' | b'\\') || (quote.is_none() && next == b' ') => {
                    word.push(next);
                    at += 1;
                }
                _ => word.push(byte),
            },
            (None, b' ' | b'\t') => return Some((word, at)),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if byte == open => quote = None,
            _ => word.push(byte),
        }
        at += 1;
    }
    quote.is_none().then_some((word, at))
}

pub(super) fn skip_white(text: &[u8]) -> &[u8] {
    let skip = text.iter().take_while(|&&byte| is_white(byte)).count();
    &text[skip..]
}

fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

const WORDS_BY_SPLIT: Version = Version::new(8, 7);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, version: Version, expected: Option<(&str, &[&str])>) {
        let line = line(text.as_bytes(), version).unwrap();
        let found = line.map(|line| {
            let words: Vec<String> =
                line.arguments.iter().map(|w| String::from_utf8_lossy(w).into()).collect();
            (String::from_utf8_lossy(&line.keyword).into_owned(), words)
        });
        let expected = expected.map(|(keyword, words)| {
            (keyword.to_owned(), words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
        });
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn a_keyword_is_followed_by_space_or_one_equals_sign() {
        let version = Version::new(9, 2);
        check("Port 22", version, Some(("Port", &["22"])));
        check("Port=22", version, Some(("Port", &["22"])));
        check("Port\t= 22", version, Some(("Port", &["22"])));
        check("\"Port\" 22", version, Some(("Port", &["22"])));
        check("Port == 22", version, Some(("Port", &["=", "22"])));
    }

    #[test]
    fn quotes_and_comments_follow_the_release() {
        let (old, new) = (Version::new(7, 9), Version::new(9, 2));
        check("permitrootlogin \"no\" # hardened", new, Some(("permitrootlogin", &["no"])));
        check("PermitRootLogin no#x", new, Some(("PermitRootLogin", &["no#x"])));
        assert_eq!(lines(b"PermitRootLogin no#x\n", old)[0], b"PermitRootLogin no");
        check("Banner 'a b'", new, Some(("Banner", &["a b"])));
        check("Banner a\\ b", new, Some(("Banner", &["a b"])));
        check("Banner 'a b'", old, Some(("Banner", &["'a", "b'"])));
        assert!(line(b"Banner \"a", new).is_err());
    }

    #[test]
    fn nothing_is_said_by_blanks_and_comments() {
        for text in ["", "  ", "# x", "#Port 22", " # x"] {
            check(text, Version::new(9, 2), None);
        }
    }
}
