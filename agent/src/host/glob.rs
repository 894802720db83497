//! glob(3) beneath a root, as sshd's `Include` and apt's directories need it: `*`, `?`, `[…]`, `\`,
//! a leading dot matched only by a dot, names in byte order (the C locale).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::{Cause, Host, Unreadable};

/// The existing paths that `pattern` (absolute) matches, sorted. No match is an empty list.
///
/// A directory that cannot be listed is an error: what it hides might have matched.
pub fn expand(host: &Host, pattern: &[u8]) -> Result<Vec<PathBuf>, Unreadable> {
    let mut found = vec![PathBuf::from("/")];
    for component in pattern.split(|&byte| byte == b'/').filter(|component| !component.is_empty()) {
        let mut next = Vec::new();
        for parent in &found {
            if is_magic(component) {
                match host.list(parent, MAX_ENTRIES) {
                    Ok(names) => next.extend(
                        names
                            .iter()
                            .filter(|name| matches_name(component, name.as_bytes()))
                            .map(|name| parent.join(name)),
                    ),
                    Err(cause) if cause.is_absent() => {}
                    Err(cause) => return Err(cause),
                }
            } else {
                let path = parent.join(OsStr::from_bytes(&unescape(component)));
                match host.lstat(&path) {
                    Ok(_) => next.push(path),
                    Err(cause) if cause.is_absent() => {}
                    Err(cause) => return Err(cause),
                }
            }
        }
        // A link to its own directory doubles the paths with every component.
        if next.len() > MAX_ENTRIES {
            let pattern = PathBuf::from(OsStr::from_bytes(pattern));
            return Err(Unreadable::new(pattern, Cause::TooMany { limit: MAX_ENTRIES }));
        }
        found = next;
    }
    // glob(3) sorts whole paths as strings.
    found.sort_by(|a: &PathBuf, b| bytes(a).cmp(bytes(b)));
    Ok(found)
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn is_magic(component: &[u8]) -> bool {
    component.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

fn unescape(component: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(component.len());
    let mut rest = component.iter();
    while let Some(&byte) = rest.next() {
        match (byte, rest.as_slice().first()) {
            (b'\\', Some(&next)) => {
                plain.push(next);
                rest.next();
            }
            _ => plain.push(byte),
        }
    }
    plain
}

/// fnmatch(3) with `FNM_PERIOD` for one path component.
pub fn matches_name(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    matches(pattern, name)
}

/// Linear in practice: only the last `*` is ever retried, so no pattern makes it exponential.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p + 1, n));
            p += 1;
        } else if let Some(width) = matches_one(&pattern[p.min(pattern.len())..], name[n]) {
            p += width;
            n += 1;
        } else if let Some((after_star, from)) = retry {
            retry = Some((after_star, from + 1));
            p = after_star;
            n = from + 1;
        } else {
            return false;
        }
    }
    pattern[p.min(pattern.len())..].iter().all(|&byte| byte == b'*')
}

/// How much of the pattern one byte of the name uses up, if it matches.
fn matches_one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [b'[', rest @ ..] => match bracket(rest, byte) {
            Some((matched, width)) => matched.then_some(width + 1),
            // An unclosed bracket stands for itself.
            None => (byte == b'[').then_some(1),
        },
        [literal, ..] => (*literal == byte).then_some(1),
    }
}

/// `(matched, length up to and with the closing bracket)`; `None` if it never closes.
fn bracket(body: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = matches!(body.first(), Some(b'!' | b'^'));
    let start = usize::from(negated);
    let mut at = start;
    let mut matched = false;
    loop {
        let low = *body.get(at)?;
        if low == b']' && at > start {
            return Some((matched != negated, at + 1));
        }
        let high = match (body.get(at + 1), body.get(at + 2)) {
            (Some(b'-'), Some(&high)) if high != b']' => {
                at += 2;
                high
            }
            _ => low,
        };
        matched |= (low..=high).contains(&byte);
        at += 1;
    }
}

/// More names than this, in one directory or in all, are not where configuration is read from.
const MAX_ENTRIES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(matches_name(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} against {name}");
    }

    #[test]
    fn stars_and_question_marks() {
        check("*.conf", "50-cloud-init.conf", true);
        check("*.conf", "a.conf.bak", false);
        check("?-a*", "9-abc", true);
        check("a*b*c", "a-b-b-c", true);
        check("a*b*c", "a-b-b", false);
    }

    #[test]
    fn a_hidden_file_needs_a_dot_in_the_pattern() {
        check("*.conf", ".x.conf", false);
        check(".*.conf", ".x.conf", true);
    }

    #[test]
    fn brackets_have_ranges_negation_and_literals() {
        check("[a-c]x", "bx", true);
        check("[!a-c]x", "bx", false);
        check("[]]x", "]x", true);
        check("[x", "[x", true);
    }
}
