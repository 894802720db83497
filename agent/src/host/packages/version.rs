//! The order of Debian versions, deb-version(7): `[epoch:]upstream[-revision]`.
//!
//! Exact, whatever the text: numbers have any length, an absent epoch or revision is a zero, and what a
//! version may not contain is still put in the order in which dpkg and apt put it.

use std::cmp::Ordering;

/// Which of two versions is later.
pub fn compare(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (a_epoch, a_upstream, a_revision) = split(a.as_bytes());
    let (b_epoch, b_upstream, b_revision) = split(b.as_bytes());
    compare_part(a_epoch, b_epoch)
        .then_with(|| compare_part(a_upstream, b_upstream))
        .then_with(|| compare_part(a_revision, b_revision))
}

/// The epoch ends at the first colon, the revision starts after the last hyphen.
fn split(version: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (epoch, rest) = match version.iter().position(|&byte| byte == b':') {
        Some(colon) => (&version[..colon], &version[colon + 1..]),
        None => (&[][..], version),
    };
    match rest.iter().rposition(|&byte| byte == b'-') {
        Some(hyphen) => (epoch, &rest[..hyphen], &rest[hyphen + 1..]),
        None => (epoch, rest, &[]),
    }
}

/// Text and numbers in turn: text by [`weight`], numbers by value.
fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        while starts_with_text(a) || starts_with_text(b) {
            match weight(a.first()).cmp(&weight(b.first())) {
                Ordering::Equal => {
                    // Only two equal bytes of text weigh the same, so there is one to leave on both sides.
                    a = &a[1..];
                    b = &b[1..];
                }
                unequal => return unequal,
            }
        }
        let (a_number, a_rest) = number(a);
        let (b_number, b_rest) = number(b);
        match a_number.len().cmp(&b_number.len()).then_with(|| a_number.cmp(b_number)) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
        a = a_rest;
        b = b_rest;
    }
    Ordering::Equal
}

fn starts_with_text(part: &[u8]) -> bool {
    part.first().is_some_and(|byte| !byte.is_ascii_digit())
}

/// A tilde comes before the end, the end before a letter, and a letter before anything else.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

/// The digits in front without their leading zeros, and what follows.
fn number(part: &[u8]) -> (&[u8], &[u8]) {
    let end = part.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(part.len());
    let zeros = part[..end].iter().take_while(|&&byte| byte == b'0').count();
    (&part[zeros..end], &part[end..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(a: &str, expected: Ordering, b: &str) {
        assert_eq!(compare(a, b), expected, "{a} against {b}");
        assert_eq!(compare(b, a), expected.reverse(), "{b} against {a}");
    }

    #[test]
    fn a_tilde_comes_before_the_end() {
        check("1.0~rc1", Ordering::Less, "1.0");
        check("1.0~~", Ordering::Less, "1.0~");
        check("1.0-1~bpo12+1", Ordering::Less, "1.0-1");
    }

    #[test]
    fn an_epoch_decides_first_and_its_absence_is_zero() {
        check("1:1", Ordering::Greater, "9");
        check("0:1", Ordering::Equal, "1");
    }

    #[test]
    fn an_absent_revision_is_zero() {
        check("1.0", Ordering::Equal, "1.0-0");
        check("1.0", Ordering::Less, "1.0-1");
        check("1.0-1ubuntu", Ordering::Equal, "1.0-1ubuntu0");
    }

    #[test]
    fn a_number_may_be_longer_than_any_integer() {
        check("1.99999999999999999999999999", Ordering::Less, "1.100000000000000000000000000");
        check("1.007", Ordering::Equal, "1.7");
    }

    #[test]
    fn letters_come_before_punctuation() {
        check("1.a", Ordering::Less, "1.+");
        check("1.0a", Ordering::Greater, "1.0");
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in "[0-9a-b~+.:-]{0,8}", b in "[0-9a-b~+.:-]{0,8}", c in "[0-9a-b~+.:-]{0,8}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            if compare(&a, &b) != Ordering::Greater && compare(&b, &c) != Ordering::Greater {
                prop_assert_ne!(compare(&a, &c), Ordering::Greater);
            }
        }

        #[test]
        fn no_text_stops_it(a in any::<String>(), b in any::<String>()) {
            let _ = compare(&a, &b);
        }
    }
}
