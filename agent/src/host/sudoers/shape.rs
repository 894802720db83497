//! How far a word of sudoers(5) reaches: the length of each shape at the beginning of some bytes, 0 for none.

/// The length of a prefix and what follows, nothing if nothing follows.
pub(super) fn after(prefix: usize, length: usize) -> usize {
    if length > 0 { prefix + length } else { 0 }
}

pub(super) fn literal(rest: &[u8], keyword: &[u8]) -> usize {
    if rest.starts_with(keyword) { keyword.len() } else { 0 }
}

pub(super) fn span(rest: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    rest.iter().position(|&byte| !is_part(byte)).unwrap_or(rest.len())
}

pub(super) fn blanks(rest: &[u8]) -> usize {
    span(rest, |byte| matches!(byte, b' ' | b'\t'))
}

pub(super) fn line_break(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

pub(super) fn continuation(rest: &[u8]) -> Option<usize> {
    let rest = rest.strip_prefix(b"\\")?;
    let blank = blanks(rest);
    line_break(&rest[blank..]).map(|end| 1 + blank + end)
}

/// `#` and the rest of its line, unless what follows makes it an id.
pub(super) fn comment(rest: &[u8]) -> usize {
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

pub(super) fn escaped_span(
    rest: &[u8],
    is_part: impl Fn(u8) -> bool,
    may_escape: impl Fn(u8) -> bool,
) -> usize {
    let mut at = 0;
    loop {
        match rest.get(at..).unwrap_or_default() {
            [b'\\', next, ..] if may_escape(*next) => at += 2,
            [byte, ..] if *byte != b'\\' && is_part(*byte) => at += 1,
            _ => return at,
        }
    }
}

pub(super) fn word(rest: &[u8]) -> usize {
    let is_part = |byte: u8| !b"#>!=:,() \t\r\n\"".contains(&byte);
    escaped_span(rest, is_part, |byte| !matches!(byte, b'\t' | b'\n'))
}

pub(super) fn path(rest: &[u8]) -> usize {
    let Some(tail) = rest.strip_prefix(b"/") else { return 0 };
    let is_part = |byte: u8| !b",:= \t\r\n#".contains(&byte);
    after(1, escaped_span(tail, is_part, is_special))
}

pub(super) fn environment_word(rest: &[u8]) -> usize {
    if rest[0] == b'!' {
        return 0;
    }
    let is_part = |byte: u8| !b"#=, \t\r\n\"".contains(&byte);
    escaped_span(rest, is_part, |byte| !matches!(byte, b'\r' | b'\n'))
}

pub(super) fn include_word(rest: &[u8]) -> usize {
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
pub(super) fn regex(rest: &[u8]) -> usize {
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

pub(super) fn id(rest: &[u8]) -> usize {
    let Some(tail) = rest.strip_prefix(b"#") else { return 0 };
    let sign = usize::from(tail.first() == Some(&b'-'));
    after(1 + sign, span(&tail[sign..], |byte| byte.is_ascii_digit()))
}

pub(super) fn address(rest: &[u8]) -> usize {
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

/// The longest decimal number of at most `limit`, without zeros in front.
pub(super) fn prefix_length(rest: &[u8], limit: u32) -> usize {
    (1..=3)
        .rev()
        .find(|&length| {
            let digits = rest.get(..length).filter(|digits| digits.iter().all(u8::is_ascii_digit));
            let number = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u32>().ok());
            number.is_some_and(|number| number <= limit && (length == 1 || rest[0] != b'0'))
        })
        .unwrap_or(0)
}

pub(super) fn ipv4(rest: &[u8]) -> usize {
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

pub(super) fn is_octet(digits: Option<&[u8]>) -> bool {
    digits.is_some_and(|digits| {
        digits.iter().all(u8::is_ascii_digit)
            && (digits.len() < 3
                || digits[0] == b'1'
                || digits[0] == b'2' && (digits[1] < b'5' || digits[1] == b'5' && digits[2] <= b'5'))
    })
}

pub(super) fn ipv6(rest: &[u8]) -> usize {
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

pub(super) fn has_two_gaps(text: &[u8]) -> bool {
    text.split(|&byte| byte == b'/').any(|part| part.windows(2).filter(|pair| *pair == b"::").count() > 1)
}

pub(super) fn is_argument(byte: u8) -> bool {
    !matches!(byte, b'#' | b'\\' | b':' | b',' | b' ' | b'\t' | b'\r' | b'\n')
}

/// What sudoers takes a backslash away from in a command.
pub(super) fn is_special(byte: u8) -> bool {
    matches!(byte, b',' | b':' | b'=' | b' ' | b'\t' | b'#')
}

pub(super) fn unescape_special(text: &[u8]) -> Vec<u8> {
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
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' || tail.is_empty() {
            plain.push(byte);
            continue;
        }
        if let [b'x', high, low, after @ ..] = tail
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            plain.push(high << 4 | low);
            rest = after;
            continue;
        }
        plain.push(tail[0]);
        rest = &tail[1..];
    }
    plain
}

pub(super) fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
