//! The words of a statement and the comments around it, with apt's own idea of quotes.

/// A line without its comments; `in_comment` tells whether a `/* … */` is open.
pub(super) fn without_comments(line: &[u8], in_comment: &mut bool) -> Vec<u8> {
    let mut line = line;
    if *in_comment {
        let Some(end) = find(line, b"*/", 0) else { return Vec::new() };
        line = &line[end + 2..];
        *in_comment = false;
    }
    line = up_to(line, b"//", |_| false);
    line = up_to(line, b"#", |after| DIRECTIVES.iter().any(|name| after.starts_with(name)));
    let mut content = Vec::with_capacity(line.len());
    let mut from = 0;
    while let Some(at) = find(line, b"/*", from) {
        if is_quoted(line, at) {
            from = at + 2;
            continue;
        }
        content.extend_from_slice(&line[..at]);
        let Some(end) = find(line, b"*/", at + 2) else {
            *in_comment = true;
            return content;
        };
        line = &line[end + 2..];
        from = 0;
    }
    content.extend_from_slice(line);
    content
}

/// The line before the first `mark` that is neither quoted nor excepted.
fn up_to<'a>(line: &'a [u8], mark: &[u8], excepted: impl Fn(&[u8]) -> bool) -> &'a [u8] {
    let mut from = 0;
    while let Some(at) = find(line, mark, from) {
        if !is_quoted(line, at) && !excepted(&line[at + mark.len()..]) {
            return &line[..at];
        }
        from = at + 1;
    }
    line
}

fn find(line: &[u8], mark: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find(line.get(from..)?, mark).map(|at| from + at)
}

fn is_quoted(line: &[u8], at: usize) -> bool {
    line[..at].iter().filter(|&&byte| byte == b'"').count() % 2 != 0
}

/// A word, in which `"…"` and `[…]` hold blanks together and `%41` is an `A`; and what follows it.
pub(super) fn quote_word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let text = skip_blanks(text);
    if text.is_empty() {
        return None;
    }
    let mut at = 0;
    while let Some(&byte) = text.get(at).filter(|byte| !is_blank(**byte)) {
        if byte == b'"' {
            at = find(text, b"\"", at + 1)?;
        }
        if text[at] == b'[' {
            at = find(text, b"]", at + 1)?;
        }
        at += 1;
    }
    let (word, rest) = text.split_at(at);
    let after = rest.iter().position(|byte| !is_blank(*byte)).unwrap_or(rest.len());
    Some((unquote(word), &rest[after..]))
}

fn unquote(word: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(word.len());
    let mut rest = word;
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, beyond @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                plain.push(digit(*high) << 4 | digit(*low));
                rest = beyond;
            }
            (b'"', _) => {}
            _ => plain.push(*byte),
        }
    }
    plain
}

fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte.to_ascii_lowercase() - b'a') + 10,
    }
}

/// Quoted strings up to the end, as in C: joined, with a blank where there were some between them.
pub(super) fn string_words(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() >= MAX_STRINGS {
        return None;
    }
    let mut rest = skip_blanks(text);
    if rest.is_empty() {
        return None;
    }
    let mut joined = Vec::new();
    let mut after_blank = false;
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte == b'"' {
            let end = find(rest, b"\"", 0)?;
            joined.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            after_blank = false;
        } else if !is_blank(*byte) {
            return None;
        } else if !after_blank {
            joined.push(b' ');
            after_blank = true;
        }
    }
    Some(joined)
}

fn skip_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] = text {
        text = rest;
    }
    text
}

/// isspace(3) in the C locale.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// What follows a `#` that is no remark.
const DIRECTIVES: [&[u8]; 3] = [b"clear", b"include", b"x-apt-configure-index"];
/// The size of apt's own buffer.
const MAX_STRINGS: usize = 1024;
