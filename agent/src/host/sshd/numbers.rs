//! Numbers as sshd reads them: times, ports, sizes, masks.

/// strtonum(3) from 0 to `INT_MAX`.
pub(super) fn integer(word: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(word).ok()?.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse::<i64>().ok().filter(|value| (0..=MAX).contains(value))
}

/// `90`, `1m30s`, `2h`.
pub(super) fn seconds(word: &[u8]) -> Option<i64> {
    let mut total: i64 = 0;
    let mut rest = word;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        let value = integer(&rest[..end])?;
        let unit = match rest.get(end).map(u8::to_ascii_lowercase) {
            None | Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3600,
            Some(b'd') => 86_400,
            Some(b'w') => 604_800,
            Some(_) => return None,
        };
        total = value.checked_mul(unit)?.checked_add(total).filter(|&total| total <= MAX)?;
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    Some(total)
}

/// `host:port`, `[v6]:port`, `host/port`. `None` where there is no host.
pub(super) fn host_and_port(word: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let from = match word.first() {
        Some(b'[') => word.iter().position(|&byte| byte == b']')? + 1,
        _ => 0,
    };
    let at = word[from..].iter().position(|&byte| byte == b':' || byte == b'/').map(|at| at + from);
    if from > 0 && at != Some(from) && from != word.len() {
        return None;
    }
    Some(match at {
        Some(at) => (&word[..at], Some(&word[at + 1..])),
        None => (word, None),
    })
}

/// `10` or `10:30:60`; what follows the last number does not count, as scanf(3) has it.
///
/// One number alone leaves the rate as it is, so the rate is empty.
pub(super) fn max_startups(word: &[u8]) -> Option<Vec<u8>> {
    match *scan_colons(word).as_slice() {
        [begin, rate, full] if begin <= full && (1..=100).contains(&rate) => {
            Some(format!("{begin}:{rate}:{full}").into_bytes())
        }
        [only] => Some(format!("{only}::{only}").into_bytes()),
        _ => None,
    }
}

pub(super) fn net_block_size(word: &[u8]) -> Option<Vec<u8>> {
    match *scan_colons(word).as_slice() {
        [v4, v6, ..] if (0..=32).contains(&v4) && (0..=128).contains(&v6) => {
            Some(format!("{v4}:{v6}").into_bytes())
        }
        [v4] if (0..=32).contains(&v4) => Some(format!("{v4}:128").into_bytes()),
        _ => None,
    }
}

/// The numbers at the front, with colons between them.
fn scan_colons(word: &[u8]) -> Vec<i64> {
    let mut numbers = Vec::new();
    for part in word.split(|&byte| byte == b':').take(3) {
        let digits = part.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match integer(&part[..digits]) {
            Some(number) => numbers.push(number),
            None => break,
        }
        if digits < part.len() {
            break;
        }
    }
    numbers
}

/// Octal, `0` to `0777`; what follows the digits does not count.
pub(super) fn mask(word: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = word.iter().copied().take_while(|byte| (b'0'..=b'7').contains(byte)).collect();
    let value = u32::from_str_radix(std::str::from_utf8(&digits).ok()?, 8).ok()?;
    (value <= 0o777).then(|| format!("0{value:o}").into_bytes())
}

/// `512M`, `1.5G`; what follows the unit does not count unless it is a letter or a digit.
pub(super) fn scaled(word: &[u8]) -> Option<i64> {
    let end = word.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.').unwrap_or(word.len());
    let shift = match word.get(end).map(u8::to_ascii_lowercase) {
        None | Some(b'b') => 0,
        Some(b'k') => 10,
        Some(b'm') => 20,
        Some(b'g') => 30,
        Some(b't') => 40,
        Some(_) => return None,
    };
    if word.get(end + 1).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let number = std::str::from_utf8(&word[..end]).ok()?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || fraction.len() > 15 {
        return None;
    }
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i64>().ok() };
    let scale = 1_i64 << shift;
    let tenths = 10_i64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = i128::from(digits(fraction)?) * i128::from(scale) / i128::from(tenths);
    digits(whole)?.checked_mul(scale)?.checked_add(i64::try_from(part).ok()?)
}

/// A class by name, or a number, as `sshd -T` prints it.
pub(super) fn ip_qos(word: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(word).ok()?;
    if let Some((name, _)) = CLASSES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Some(name.as_bytes().to_vec());
    }
    let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u8::from_str_radix(hex, 16).ok()?,
        None if text.len() > 1 && text.starts_with('0') => u8::from_str_radix(&text[1..], 8).ok()?,
        None => text.parse().ok()?,
    };
    let named = CLASSES.iter().find(|&&(_, class)| class == Some(value)).map(|(name, _)| (*name).to_owned());
    Some(named.unwrap_or_else(|| format!("0x{value:02x}")).into_bytes())
}

/// `INT_MAX`.
const MAX: i64 = 2_147_483_647;

const CLASSES: &[(&str, Option<u8>)] = &[
    ("none", None),
    ("af11", Some(0x28)),
    ("af12", Some(0x30)),
    ("af13", Some(0x38)),
    ("af21", Some(0x48)),
    ("af22", Some(0x50)),
    ("af23", Some(0x58)),
    ("af31", Some(0x68)),
    ("af32", Some(0x70)),
    ("af33", Some(0x78)),
    ("af41", Some(0x88)),
    ("af42", Some(0x90)),
    ("af43", Some(0x98)),
    ("cs0", Some(0x00)),
    ("cs1", Some(0x20)),
    ("cs2", Some(0x40)),
    ("cs3", Some(0x60)),
    ("cs4", Some(0x80)),
    ("cs5", Some(0xa0)),
    ("cs6", Some(0xc0)),
    ("cs7", Some(0xe0)),
    ("ef", Some(0xb8)),
    ("le", Some(0x01)),
    ("lowdelay", Some(0x10)),
    ("throughput", Some(0x08)),
    ("reliability", Some(0x04)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up_by_unit() {
        assert_eq!(seconds(b"90"), Some(90));
        assert_eq!(seconds(b"1m30s"), Some(90));
        assert_eq!(seconds(b"1W"), Some(604_800));
        for bad in ["", "m", "-1", "1x", "99999999999", "5000w"] {
            assert_eq!(seconds(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn startups_have_one_number_or_three() {
        assert_eq!(max_startups(b"10:30:60").as_deref(), Some(&b"10:30:60"[..]));
        assert_eq!(max_startups(b"10").as_deref(), Some(&b"10::10"[..]));
        assert_eq!(max_startups(b"10:30"), None);
        assert_eq!(max_startups(b"70:30:60"), None);
    }
}
