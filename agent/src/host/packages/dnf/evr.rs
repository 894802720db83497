//! The order of versions.

use std::cmp::Ordering;

pub(super) fn compare_evr(a: (u32, &str, &str), b: (u32, &str, &str)) -> Ordering {
    a.0.cmp(&b.0).then_with(|| one(a.1, b.1)).then_with(|| one(a.2, b.2))
}

fn one(mut a: &str, mut b: &str) -> Ordering {
    let skip = |c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^';
    loop {
        a = a.trim_start_matches(skip);
        b = b.trim_start_matches(skip);
        for mark in ['~', '^'] {
            match (a.strip_prefix(mark), b.strip_prefix(mark)) {
                (Some(x), Some(y)) => return one(x, y),
                (Some(_), None) if mark == '^' && b.is_empty() => return Ordering::Greater,
                (None, Some(_)) if mark == '^' && a.is_empty() => return Ordering::Less,
                (Some(_), None) => return Ordering::Less,
                (None, Some(_)) => return Ordering::Greater,
                (None, None) => {}
            }
        }
        if a.is_empty() || b.is_empty() {
            return a.len().cmp(&b.len());
        }
        let is_number = a.starts_with(|c: char| c.is_ascii_digit());
        let end = |t: &str| {
            t.find(|c: char| if is_number { !c.is_ascii_digit() } else { !c.is_ascii_alphabetic() })
                .unwrap_or(t.len())
        };
        let ((x, rest_a), (y, rest_b)) = (a.split_at(end(a)), b.split_at(end(b)));
        if y.is_empty() {
            return if is_number { Ordering::Greater } else { Ordering::Less };
        }
        let order = if is_number {
            let (x, y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            x.cmp(y)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
}
