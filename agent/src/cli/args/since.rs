//! A time as a person says it: a date with its hour, or how long ago.

use jiff::{Span, Timestamp};

pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    match ago(text) {
        Some(time) => Ok(time),
        None => text.parse().map_err(|_| WANTED.to_owned()),
    }
}

fn ago(text: &str) -> Option<Timestamp> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let hours = match unit {
        "h" => 1,
        "d" => 24,
        "w" => 7 * 24,
        _ => return None,
    };
    let number: u32 = number.parse().ok()?;
    let span = Span::new().try_hours(i64::from(number) * hours).ok()?;
    Timestamp::now().checked_sub(span).ok()
}

const WANTED: &str = "a time is written as 2026-11-22T10:00:00Z, or as 30d, 12h or 2w ago";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date_or_so_long_ago() {
        assert_eq!(parse("2026-11-22T10:00:00Z").unwrap_or_default().as_second(), 1_795_341_600);
        let day = Timestamp::now().as_second() - parse("1d").unwrap_or_default().as_second();
        assert!((86_400..86_500).contains(&day), "{day}");
        for wrong in ["", "d", "-1d", "1y", "yesterday", "2026-11-22", "99999999999d", "4000000000w"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
