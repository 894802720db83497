//! When the installed version was made, as its changelog says: what is newer came out later.
//!
//! Debian's policy 12.7 has the changelog in /usr/share/doc, and deb-changelog(5) is its form. Only the newest entry is
//! read. Images without documentation have none, and then it is not known.

use std::cmp::Ordering;
use std::io::Read as _;

use flate2::read::GzDecoder;
use jiff::Timestamp;

use super::dpkg::Package;
use super::version;
use crate::host::Host;

/// The date of the installed version's entry; `None` where there is none that one can go by.
pub(super) fn date(host: &Host, package: &Package) -> Option<Timestamp> {
    // A name of dpkg's database is no path, but nobody keeps a broken one from having slashes.
    if package.name.contains('/') {
        return None;
    }
    // A package that Debian itself makes has no other changelog than its own.
    let (file, _) = NAMES.iter().find_map(|name| {
        let path = format!("/usr/share/doc/{}/{name}", package.name);
        host.open(path).ok()
    })?;
    let mut bytes = Vec::new();
    // What is unpacked before the damage is as good as ever.
    let _ = GzDecoder::new(file.take(MAX_FILE)).take(MAX_TEXT).read_to_end(&mut bytes);
    newest(&bytes, package)
}

/// `x (1.2-3) unstable; urgency=medium`, the changes, ` -- Name <mail>  Fri, 20 Nov 2026 00:12:41 +0000`
fn newest(text: &[u8], package: &Package) -> Option<Timestamp> {
    let mut lines = text.split(|&byte| byte == b'\n').map(String::from_utf8_lossy);
    let head = lines.find(|line| !line.trim().is_empty())?;
    let (_, rest) = head.split_once(" (")?;
    let (version, _) = rest.split_once(')')?;
    // A build without changes adds `+b1` and no entry. An entry of a later version is not about this one.
    let is_later = |installed: &str| version::compare(version, installed) == Ordering::Greater;
    if is_later(&package.version) && is_later(&package.source_version) {
        return None;
    }
    let last = lines.find_map(|line| line.strip_prefix(" -- ").map(str::to_owned))?;
    let (_, date) = last.split_once(">  ")?;
    jiff::fmt::rfc2822::parse(date.trim()).ok().map(|date| date.timestamp())
}

const NAMES: [&str; 2] = ["changelog.Debian.gz", "changelog.gz"];
/// The first entries of any; the whole of the longest is a megabyte.
const MAX_TEXT: u64 = 64 * 1024;
const MAX_FILE: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::fs;
    use std::io::Write as _;
    use std::path::PathBuf;

    fn package(version: &str) -> Package {
        Package::whole("x".to_owned(), "amd64".to_owned(), version.to_owned(), PathBuf::new())
    }

    const TEXT: &str = "x (1.2-3) stable; urgency=medium\n\n  * A -- B\n\n -- A. B <a@b.example>  Fri, 20 Nov 2026 \
                        00:12:41 +0100\n\nx (1.1) stable; urgency=low\n\n -- C <c@d.example>  Mon, 01 Jan 2024 00:00:00 +0000\n";

    #[test]
    fn the_newest_entry_dates_the_installed_version_and_no_earlier_one() {
        let of = |version: &str| newest(TEXT.as_bytes(), &package(version)).map(|date| date.to_string());
        assert_eq!(of("1.2-3").as_deref(), Some("2026-11-19T23:12:41Z"));
        assert_eq!(of("1.2-3+b1").as_deref(), Some("2026-11-19T23:12:41Z"));
        assert_eq!(of("1.1"), None);
        assert_eq!(newest(b"News of x\n\n * 1.2\n", &package("1")), None);
    }

    #[test]
    fn the_file_is_read_as_far_as_it_goes() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("usr/share/doc/x");
        fs::create_dir_all(&folder).unwrap();
        let host = Host::at(root.path()).unwrap();
        assert_eq!(date(&host, &package("2")), None);
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        let more: String = (0..99_999).map(|n| format!("  * {n}\n")).collect();
        encoder.write_all(format!("{TEXT}{more}").as_bytes()).unwrap();
        let whole = encoder.finish().unwrap();
        for bytes in [&whole[..], &whole[..whole.len() / 2]] {
            fs::write(folder.join("changelog.gz"), bytes).unwrap();
            assert!(date(&host, &package("2")).is_some());
        }
        fs::write(folder.join("changelog.Debian.gz"), "x").unwrap();
        assert_eq!(date(&host, &package("2")), None);
    }

    proptest! {
        #[test]
        fn no_bytes_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[x() 1.\n->,]{0,60}") {
            let _ = newest(&bytes, &package("1"));
            let _ = newest(text.as_bytes(), &package("1"));
        }
    }
}
