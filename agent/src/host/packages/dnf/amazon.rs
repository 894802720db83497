//! The release that an Amazon Linux 2023 is locked to: its repositories are those of one day, and an older machine is
//! told of no update that came after it, unless somebody moves the lock.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::super::Locked;
use super::super::rpm::Installed;
use super::config::Config;
use crate::host::Host;
use crate::host::identity::OsRelease;

/// `None` on other systems, and where the release is `latest`.
pub(super) fn locked(host: &Host, config: &Config, installed: &Installed) -> Option<Locked> {
    let os = OsRelease::of(host)?;
    if os.id != "amzn" || os.version_id != "2023" {
        return None;
    }
    let (release, by) = match config.variable("releasever") {
        Some(release) => (release.to_owned(), "/etc/dnf/vars/releasever".to_owned()),
        None => {
            let package = installed.packages.iter().find(|package| package.name == "system-release")?;
            (package.version.clone(), "system-release".to_owned())
        }
    };
    if release == "latest" {
        return None;
    }
    let date = day(&release);
    Some(Locked { release, by, date, newest: None })
}

/// `2023.9.20251105` is of November 5, 2025.
fn day(release: &str) -> Option<Timestamp> {
    let text = release.rsplit('.').next().filter(|text| text.len() == 8)?;
    let number: u32 = text.parse().ok()?;
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    let date = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Some(date.ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_names_its_day() {
        let expected = jiff::civil::date(2025, 11, 5).to_zoned(TimeZone::UTC).unwrap().timestamp();
        assert_eq!(day("2023.9.20251105"), Some(expected));
        for other in ["latest", "2023.9", "2", "2023.9.20251399", "", "2023.9.2025110é"] {
            assert_eq!(day(other), None, "{other}");
        }
    }
}
