//! The release that an Amazon Linux 2023 is locked to: its repositories are those of one day, and an older machine is
//! told of no update that came after it, unless somebody moves the lock.

use std::path::Path;

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
    Some(Locked { release, by, date, newest: announced(host) })
}

/// The newest release that whoever logs in is told of. update-motd keeps once a day what `dnf check-release-update` says,
/// and that is all that a machine's disk knows of releases beyond its own. Where it cannot be read, none is known.
fn announced(host: &Host) -> Option<String> {
    let text = host.read(Path::new(MOTD), MAX_MOTD).ok()?;
    newest(&text).map(str::to_owned)
}

/// Of `  Version 2023.12.20260724:` and the lines that follow it, below the line that announces them.
fn newest(motd: &[u8]) -> Option<&str> {
    let mut lines = motd.split(|byte| *byte == b'\n').map(|line| line.trim_ascii());
    lines.find(|line| *line == ANNOUNCES)?;
    let releases = lines.map_while(|line| line.strip_prefix(b"Version ")?.strip_suffix(b":"));
    releases
        .filter_map(|release| str::from_utf8(release).ok())
        .filter(|release| day(release).is_some())
        .max_by_key(|release| day(release))
}

const MOTD: &str = "/var/lib/update-motd/motd";
const MAX_MOTD: u64 = 256 << 10;
const ANNOUNCES: &[u8] = br#"A newer release of "Amazon Linux" is available."#;

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

    #[test]
    fn who_logs_in_is_told_of_the_newest() {
        // As a machine of July 2026 showed it.
        let told = b"\nA newer release of \"Amazon Linux\" is available.\n  Version 2023.12.20260724:\n  Version \
            2023.12.20260727:\nRun \"/usr/bin/dnf check-release-update\" for full release and version update info\n";
        assert_eq!(newest(told), Some("2023.12.20260727"));
        for other in [
            &b""[..],
            b"  Version 2023.12.20260724:\n",
            b"A newer release of \"Amazon Linux\" is available.\n  Version \xff.20260724:\n",
            b"A newer release of \"Amazon Linux\" is available.\n\n  Version 2023.12.20260724:\n",
            b"A newer release of \"Amazon Linux\" is available.\n  Version of tomorrow:\n",
        ] {
            assert_eq!(newest(other), None, "{}", other.escape_ascii());
        }
    }
}
