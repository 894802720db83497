//! The head of an archive's suite: `InRelease`, or `Release` where the archive does not sign in line.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use memchr::memmem;

use super::LISTS;
use super::sources::Source;
use super::stanza::Stanza;
use crate::host::{Host, Unreadable};

/// What an archive says about itself. Text that it did not give is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) path: PathBuf,
    pub(super) origin: String,
    pub(super) label: String,
    pub(super) suite: String,
    pub(super) codename: String,
    pub(super) version: String,
    /// When the archive made it.
    pub(super) date: Option<Timestamp>,
    /// After this it should no longer be believed to be the latest.
    pub(super) valid_until: Option<Timestamp>,
    pub(super) is_not_automatic: bool,
    pub(super) is_but_automatic_upgrades: bool,
    /// `None` where it does not say.
    architectures: Option<Vec<String>>,
    /// Packages for all architectures stand in the list of each.
    has_no_list_for_all: bool,
    /// The checksum part, in which every list of the suite is named.
    index: Vec<u8>,
    /// The same part with SHA-256, which may be another one.
    sha256: Vec<u8>,
}

impl Release {
    /// `None` when `apt-get update` never brought one.
    pub(super) fn of(host: &Host, source: &Source) -> Result<Option<Self>, Unreadable> {
        Self::with_prefix(host, &source.prefix())
    }

    /// The one whose name begins so, as the lists that it names do.
    pub(super) fn with_prefix(host: &Host, prefix: &str) -> Result<Option<Self>, Unreadable> {
        for name in NAMES {
            let path = Path::new(LISTS).join(format!("{prefix}{name}"));
            match host.read(&path, MAX_RELEASE) {
                Ok(bytes) => return Self::parse(&bytes, path).map(Some),
                Err(cause) if cause.is_absent() => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(None)
    }

    fn parse(bytes: &[u8], path: PathBuf) -> Result<Self, Unreadable> {
        let body = unwrap(bytes);
        let stanza = Stanza { bytes: body, line: 1 };
        if let Some(line) = stanza.fields().find_map(Result::err) {
            return Err(Unreadable::malformed(path, line, "a line that belongs to no field"));
        }
        let text = |name: &str| stanza.text(name).unwrap_or_default().to_owned();
        let time = |name: &str| match stanza.text(name) {
            None => Ok(None),
            Some(value) => match time(value) {
                Some(time) => Ok(Some(time)),
                None => Err(Unreadable::malformed(&path, 0, format!("{name} is not a time"))),
            },
        };
        let is_yes = |name: &str| stanza.text(name).is_some_and(|value| value.eq_ignore_ascii_case("yes"));
        Ok(Self {
            origin: text("Origin"),
            label: text("Label"),
            suite: text("Suite"),
            codename: text("Codename"),
            version: text("Version"),
            date: time("Date")?,
            valid_until: time("Valid-Until")?,
            is_not_automatic: is_yes("NotAutomatic"),
            is_but_automatic_upgrades: is_yes("ButAutomaticUpgrades"),
            architectures: stanza
                .text("Architectures")
                .map(|names| names.split_whitespace().map(str::to_owned).collect()),
            has_no_list_for_all: stanza
                .text("No-Support-for-Architecture-all")
                .is_some_and(|what| what.split_whitespace().any(|what| what == "Packages")),
            index: ["SHA512", "SHA256", "SHA1", "MD5Sum"]
                .iter()
                .find_map(|name| stanza.field(name))
                .unwrap_or_default()
                .to_vec(),
            sha256: stanza.field("SHA256").unwrap_or_default().to_vec(),
            path,
        })
    }

    /// Whether apt asks for lists of an architecture.
    pub(super) fn serves(&self, architecture: &str) -> bool {
        let is_named = |names: &Vec<String>| names.iter().any(|name| name == architecture);
        match architecture {
            "all" => !self.has_no_list_for_all && self.architectures.as_ref().is_some_and(is_named),
            _ => self.architectures.as_ref().is_none_or(is_named),
        }
    }

    /// Whether the suite has a list of that name, compressed or not: `main/binary-amd64/Packages`.
    pub(super) fn lists(&self, name: &str) -> bool {
        let finder = memmem::Finder::new(name.as_bytes());
        finder.find_iter(&self.index).any(|at| {
            let before = at.checked_sub(1).and_then(|before| self.index.get(before));
            let after = self.index.get(at + name.len());
            before.is_none_or(u8::is_ascii_whitespace)
                && after.is_none_or(|byte| *byte == b'.' || byte.is_ascii_whitespace())
        })
    }

    /// The SHA-256 that it says a list of that name has, in hexadecimal digits.
    pub(super) fn sha256(&self, name: &str) -> Option<&str> {
        self.sha256.split(|&byte| byte == b'\n').find_map(|line| {
            let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
            let digest = words.next()?;
            (words.nth(1)? == name).then_some(digest)
        })
    }

    /// Whether its packages are security updates: the suite's name as apt's own rule has it, or Debian's label.
    pub(super) fn is_security(&self) -> bool {
        self.suite.ends_with("-security") || self.label == "Debian-Security"
    }

    /// `Debian:oldstable-security`, as unattended-upgrades names an origin.
    pub(super) fn name(&self) -> String {
        let suite = if self.suite.is_empty() { &self.codename } else { &self.suite };
        match (self.origin.is_empty(), suite.is_empty()) {
            (false, false) => format!("{}:{suite}", self.origin),
            (false, true) => self.origin.clone(),
            (true, _) => suite.clone(),
        }
    }
}

/// The signed part of a clear-signed message; anything else as it is.
fn unwrap(bytes: &[u8]) -> &[u8] {
    if !bytes.starts_with(b"-----BEGIN PGP SIGNED MESSAGE-----") {
        return bytes.trim_ascii_start();
    }
    let body = memmem::find(bytes, b"\n\n").map_or(&[][..], |at| &bytes[at + 2..]);
    let end = memmem::find(body, b"\n-----BEGIN PGP SIGNATURE-----").map_or(body.len(), |at| at + 1);
    body[..end].trim_ascii()
}

/// RFC 2822 in UTC, as archives write it.
fn time(value: &str) -> Option<Timestamp> {
    let value = value.trim();
    let value = match value.strip_suffix("UTC").or_else(|| value.strip_suffix('Z')) {
        Some(local) => format!("{}+0000", local),
        None => value.to_owned(),
    };
    jiff::fmt::rfc2822::parse(&value).ok().map(|time| time.timestamp())
}

/// What an archive calls it, the one that is signed in line first.
pub(super) const NAMES: [&str; 2] = ["InRelease", "Release"];
/// The largest known is half a megabyte.
const MAX_RELEASE: u64 = 32 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIGNED: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: Debian\nLabel: Debian-Security\n\
        Suite: oldstable-security\nCodename: bookworm-security\nDate: Fri, 20 Nov 2026 00:12:41 UTC\n\
        Valid-Until: Fri, 27 Nov 2026 00:12:41 UTC\nSHA256:\n aa 0 main/binary-amd64/Packages.xz\n\
        -----BEGIN PGP SIGNATURE-----\n\nxx\n-----END PGP SIGNATURE-----\n";

    fn parse(text: &str) -> Result<Release, Unreadable> {
        Release::parse(text.as_bytes(), PathBuf::from("x"))
    }

    #[test]
    fn a_signed_release_is_read_without_its_wrapper() {
        let release = parse(SIGNED).unwrap();
        assert_eq!(release.name(), "Debian:oldstable-security");
        assert!(release.is_security());
        assert_eq!(release.date.unwrap().to_string(), "2026-11-20T00:12:41Z");
        assert_eq!(release.valid_until.unwrap().to_string(), "2026-11-27T00:12:41Z");
        assert!(release.lists("main/binary-amd64/Packages"));
        assert!(!release.lists("binary-amd64/Packages"));
        assert!(!release.lists("main/binary-amd64/Pack"));
        assert_eq!(release.sha256("main/binary-amd64/Packages.xz"), Some("aa"));
        assert_eq!(release.sha256("main/binary-amd64/Packages"), None);
    }

    #[test]
    fn a_list_for_all_architectures_is_asked_for_only_where_it_is_offered() {
        assert!(parse("Architectures: all amd64\n").unwrap().serves("all"));
        assert!(!parse("Architectures: amd64\n").unwrap().serves("all"));
        assert!(!parse("Architectures: amd64\n").unwrap().serves("i386"));
        assert!(parse("Suite: s\n").unwrap().serves("i386"));
        let separate = "No-Support-for-Architecture-all: Packages\nArchitectures: all amd64\n";
        assert!(!parse(separate).unwrap().serves("all"));
    }

    #[test]
    fn a_date_that_is_none_is_an_error() {
        assert!(parse("Date: yesterday\n").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Release::parse(&bytes, PathBuf::new());
            let mut signed = SIGNED.as_bytes().to_vec();
            signed.truncate(bytes.len());
            signed.extend(&bytes);
            let _ = Release::parse(&signed, PathBuf::new());
        }
    }
}
