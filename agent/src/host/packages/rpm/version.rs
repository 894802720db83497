//! rpm's version order.

use std::cmp::Ordering;

use rpm_version::Evr;

/// Which of two versions is newer, each as epoch, version and release; an absent epoch is 0.
pub fn compare_evr(a: (u32, &str, &str), b: (u32, &str, &str)) -> Ordering {
    a.0.cmp(&b.0).then_with(|| Evr::new("", a.1, a.2).cmp(&Evr::new("", b.1, b.2)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of rpm's own tests (tests/rpmvercmp.at), and what its manual says of `~` and `^`.
    const ORDER: [(&str, &str, Ordering); 56] = [
        ("1.0", "1.0", Ordering::Equal),
        ("1.0", "2.0", Ordering::Less),
        ("2.0.1", "2.0.1", Ordering::Equal),
        ("2.0", "2.0.1", Ordering::Less),
        ("2.0.1a", "2.0.1a", Ordering::Equal),
        ("2.0.1a", "2.0.1", Ordering::Greater),
        ("5.5p1", "5.5p1", Ordering::Equal),
        ("5.5p1", "5.5p2", Ordering::Less),
        ("5.5p10", "5.5p10", Ordering::Equal),
        ("5.5p1", "5.5p10", Ordering::Less),
        ("10xyz", "10.1xyz", Ordering::Less),
        ("xyz10", "xyz10", Ordering::Equal),
        ("xyz10", "xyz10.1", Ordering::Less),
        ("xyz.4", "xyz.4", Ordering::Equal),
        ("xyz.4", "8", Ordering::Less),
        ("xyz.4", "2", Ordering::Less),
        ("5.5p2", "5.6p1", Ordering::Less),
        ("5.6p1", "6.5p1", Ordering::Less),
        ("6.0.rc1", "6.0", Ordering::Greater),
        ("10b2", "10a1", Ordering::Greater),
        ("10a2", "10b2", Ordering::Less),
        ("1.0aa", "1.0aa", Ordering::Equal),
        ("1.0a", "1.0aa", Ordering::Less),
        ("10.0001", "10.0001", Ordering::Equal),
        ("10.0001", "10.1", Ordering::Equal),
        ("10.0001", "10.0039", Ordering::Less),
        ("4.999.9", "5.0", Ordering::Less),
        ("20101121", "20101121", Ordering::Equal),
        ("20101121", "20101122", Ordering::Less),
        ("2_0", "2_0", Ordering::Equal),
        ("2.0", "2_0", Ordering::Equal),
        ("a", "a", Ordering::Equal),
        ("a+", "a+", Ordering::Equal),
        ("a+", "a_", Ordering::Equal),
        ("+a", "+a", Ordering::Equal),
        ("+a", "_a", Ordering::Equal),
        ("+_", "+_", Ordering::Equal),
        ("_+", "+_", Ordering::Equal),
        ("+", "_", Ordering::Equal),
        ("1.0~rc1", "1.0~rc1", Ordering::Equal),
        ("1.0~rc1", "1.0", Ordering::Less),
        ("1.0~rc1", "1.0~rc2", Ordering::Less),
        ("1.0~rc1~git123", "1.0~rc1~git123", Ordering::Equal),
        ("1.0~rc1~git123", "1.0~rc1", Ordering::Less),
        ("1.0^", "1.0^", Ordering::Equal),
        ("1.0^", "1.0", Ordering::Greater),
        ("1.0^git1", "1.0^git1", Ordering::Equal),
        ("1.0^git1", "1.0", Ordering::Greater),
        ("1.0^git1", "1.0^git2", Ordering::Less),
        ("1.0^git1", "1.01", Ordering::Less),
        ("1.0^20160101", "1.0.1", Ordering::Less),
        ("1.0^20160102", "1.0^20160101^git1", Ordering::Greater),
        ("1.0~rc1^git1", "1.0~rc1", Ordering::Greater),
        ("1.0~rc1^git1", "1.0", Ordering::Less),
        ("1.0^git1~pre", "1.0^git1", Ordering::Less),
        ("1b.fc17", "1.fc17", Ordering::Less),
    ];

    #[test]
    fn versions_are_ordered_as_rpm_orders_them() {
        for (a, b, order) in ORDER {
            for version in [true, false] {
                let evr = |text| if version { (0, text, "1") } else { (0, "1", text) };
                assert_eq!(compare_evr(evr(a), evr(b)), order, "{a} {b}");
                assert_eq!(compare_evr(evr(b), evr(a)), order.reverse(), "{b} {a}");
            }
        }
    }

    #[test]
    fn an_epoch_goes_before_a_version_and_a_version_before_a_release() {
        assert_eq!(compare_evr((1, "1", "1"), (0, "2", "2")), Ordering::Greater);
        assert_eq!(compare_evr((0, "2", "1"), (0, "1", "2")), Ordering::Greater);
        // Of Amazon Linux, where a comparison of words is wrong.
        assert_eq!(compare_evr((0, "2023.10", "0"), (0, "2023.9", "0")), Ordering::Greater);
    }

    proptest! {
        #[test]
        fn no_version_stops_it(a in "\\PC{0,20}", b in "[0-9a-z~^.+é]{0,20}") {
            prop_assert_eq!(compare_evr((0, &a, "1"), (0, &b, "1")), compare_evr((0, &b, "1"), (0, &a, "1")).reverse());
        }
    }
}
