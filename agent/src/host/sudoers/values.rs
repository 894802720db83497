//! Values that stand in a sudoers(5) word: ids, directories, times and spans.

use super::Who;
use super::parse::Parsed;

pub(super) fn group(name: &[u8]) -> Who {
    let name = name.strip_prefix(b"%").unwrap_or(name);
    match name.strip_prefix(b":") {
        Some(foreign) => Who::NonUnixGroup(foreign.to_vec()),
        None => number(name).map_or_else(|| Who::Group(name.to_vec()), Who::Gid),
    }
}

/// `#1000`
pub(super) fn number(name: &[u8]) -> Option<u32> {
    let digits = name.strip_prefix(b"#")?;
    let id: i64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    // sudo counts a negative id down from the top; -1 stands for "no id" everywhere.
    let id = if (i64::from(i32::MIN)..0).contains(&id) { id + (1 << 32) } else { id };
    u32::try_from(id).ok().filter(|&id| id != u32::MAX)
}

pub(super) fn directory(value: Vec<u8>) -> Parsed<Vec<u8>> {
    let is_one = value == b"*" || matches!(value.first(), Some(b'/' | b'~'));
    if is_one { Ok(value) } else { Err("a directory begins with '/' or '~', or is '*'") }
}

/// A time as LDAP writes it: `20261122[03[04[05]]][.f](Z|±hhmm)`.
pub(super) fn moment(value: Vec<u8>) -> Parsed<Vec<u8>> {
    let digits = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    let zone = match &value[digits..] {
        [b'.' | b',', tail @ ..] => tail.iter().position(|byte| !byte.is_ascii_digit()).map(|at| &tail[at..]),
        tail => Some(tail),
    };
    let zone_fits = match zone {
        Some([] | [b'Z']) => true,
        Some([b'+' | b'-', offset @ ..]) => {
            matches!(offset.len(), 2 | 4) && offset.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    if matches!(digits, 10 | 12 | 14) && zone_fits { Ok(value) } else { Err("not a time") }
}

/// `3600`, `1h`, `1d2h3m4s`: each unit once, the largest first.
pub(super) fn seconds(value: &[u8]) -> Option<u64> {
    let mut total: u64 = 0;
    let mut units = [(b'd', 86_400), (b'h', 3_600), (b'm', 60), (b's', 1)].iter();
    let mut rest = value;
    loop {
        let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()?;
        let factor = match rest.get(digits) {
            None => {
                units = [].iter();
                1
            }
            Some(unit) => units.find(|(name, _)| *name == unit.to_ascii_lowercase())?.1,
        };
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = rest.get(digits + 1..).unwrap_or_default();
        if rest.is_empty() {
            // sudo counts in an int.
            return (total <= i32::MAX as u64).then_some(total);
        }
    }
}
