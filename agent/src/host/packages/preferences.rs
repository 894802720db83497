//! apt_preferences(5): which versions somebody wants more, less or never.

use std::path::{Path, PathBuf};

use super::config::Config;
use super::stanza::{Stanzas, without_remarks};
use crate::host::apt_conf::parts;
use crate::host::{Cause, Host, Unreadable, glob};

/// Every pin in the order in which apt reads them: of two that meet, the first one counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Pins {
    /// `Package: *`, and the default release: they raise and lower whole lists.
    pub(super) general: Vec<Pin>,
    /// They raise and lower versions of the packages that they name.
    pub(super) specific: Vec<(Name, Pin)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pin {
    pub(super) what: What,
    pub(super) priority: i32,
    /// Where somebody wrote it: `/etc/apt/preferences.d/x:3`.
    pub(super) written: String,
}

/// What of a package is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Version(String),
    Release(Vec<(Property, String)>),
    Site(String),
}

/// A letter of `Pin: release a=…,n=…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    /// `release *`
    Any,
    Architecture,
    Archive,
    ArchiveOrCodename,
    Codename,
    Component,
    Label,
    Origin,
    Version,
}

/// The packages that a pin names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// A glob, or a plain name.
    pattern: String,
    /// `None` means the native one.
    architecture: Option<String>,
    is_source: bool,
}

/// The list that a version was found in, as far as a pin may ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) archive: String,
    pub(super) codename: String,
    pub(super) version: String,
    pub(super) origin: String,
    pub(super) label: String,
    pub(super) component: String,
    pub(super) architecture: String,
    pub(super) site: String,
    /// dpkg's own status, or a list without a release.
    pub(super) has_no_release: bool,
}

impl Pins {
    pub(super) fn of(host: &Host, config: &Config) -> Result<Self, Unreadable> {
        let mut pins = Self::default();
        if let Some(release) = config.value("apt::default-release").filter(|release| !release.is_empty()) {
            let what = What::Release(properties(release));
            let written = config.written("apt::default-release");
            let written =
                format!("APT::Default-Release{}", written.map_or(String::new(), |at| format!(", {at}")));
            pins.general.push(Pin { what, priority: DEFAULT_RELEASE, written });
        }
        let mut files = Vec::new();
        if host.exists("/etc/apt/preferences")? {
            files.push(PathBuf::from("/etc/apt/preferences"));
        }
        files.extend(parts(host, Path::new("/etc/apt/preferences.d"), &["pref"], true)?);
        for file in files {
            let bytes = host.read(&file, MAX_PREFERENCES)?;
            pins.read(&bytes, &file)?;
        }
        Ok(pins)
    }

    fn read(&mut self, bytes: &[u8], file: &Path) -> Result<(), Unreadable> {
        let plain = without_remarks(bytes);
        let mut stanzas = Stanzas::numbered(plain.as_slice(), MAX_PREFERENCES);
        while let Some(stanza) = stanzas.next().map_err(|error| Unreadable::from_io(file, &error))? {
            if stanza.bytes.trim_ascii().is_empty() {
                continue;
            }
            let bad = |what: &str| Unreadable::malformed(file, stanza.line, what);
            if let Some(line) = stanza.fields().find_map(Result::err) {
                return Err(Unreadable::malformed(file, line, "a line that belongs to no field"));
            }
            let names = stanza.text("Package").filter(|names| !names.is_empty());
            let names = names.ok_or_else(|| bad("a preference without a Package"))?;
            // apt passes over a record without a pin, or with one of a kind that it does not know.
            let Some(pin) = stanza.text("Pin") else { continue };
            let (kind, value) = pin.split_once(char::is_whitespace).unwrap_or((pin, ""));
            let value = value.trim();
            let what = match kind.to_ascii_lowercase().as_str() {
                "version" if names != "*" => What::Version(value.to_owned()),
                "release" => What::Release(properties(value)),
                "origin" => What::Site(unquoted(value).to_owned()),
                _ => continue,
            };
            let priority = stanza.text("Pin-Priority").unwrap_or("0");
            let priority: i32 = match priority {
                "never" if names == "*" => FORBIDDEN,
                number => number.parse().map_err(|_| bad("a Pin-Priority that is not a number"))?,
            };
            if priority != FORBIDDEN && !(i32::from(i16::MIN)..=i32::from(i16::MAX)).contains(&priority) {
                return Err(bad("a Pin-Priority that apt does not allow"));
            }
            if priority == 0 {
                return Err(bad("a pin without a Pin-Priority, or with one of zero"));
            }
            let unsupported = |what: String| Unreadable::new(file, Cause::Unsupported(what));
            if asks_for_expression(&what) {
                let what =
                    format!("line {} pins by regular expression, which is not understood", stanza.line);
                return Err(unsupported(what));
            }
            let written = format!("{}:{}", file.display(), stanza.line);
            let pin = Pin { what, priority, written };
            if names == "*" {
                self.general.push(pin);
                continue;
            }
            for name in names.split_whitespace() {
                let name = Name::parse(name).ok_or_else(|| {
                    unsupported(format!("line {} pins {name}, which is not understood", stanza.line))
                })?;
                self.specific.push((name, pin.clone()));
            }
        }
        Ok(())
    }
}

impl Name {
    /// `None` for a regular expression and for an architecture that is a pattern.
    fn parse(text: &str) -> Option<Self> {
        let (is_source, text) = match text.strip_prefix("src:") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if text.starts_with('/') {
            return None;
        }
        let (pattern, architecture) = match text.rsplit_once(':') {
            Some((pattern, "native")) => (pattern, None),
            Some((pattern, architecture)) => (pattern, Some(architecture.to_owned())),
            None => (text, None),
        };
        // "any" is plain; "linux-any" and "*" stand for families of architectures.
        let is_family =
            |name: &String| name != "any" && (name.contains("any") || name.contains(['*', '?', '[']));
        (!architecture.as_ref().is_some_and(is_family)).then(|| Self {
            pattern: pattern.to_owned(),
            architecture,
            is_source,
        })
    }

    pub(super) fn matches(&self, package: &str, source: &str, architecture: &str, native: &str) -> bool {
        let wanted = self.architecture.as_deref().unwrap_or(native);
        let name = if self.is_source { source } else { package };
        let is_pattern = self.pattern.contains(['*', '?', '[']);
        (wanted == "any" || wanted == architecture)
            && if is_pattern { matches(&self.pattern, name) } else { self.pattern == name }
    }
}

impl Pin {
    /// Whether it means a version that is in `places`.
    pub(super) fn matches<'a>(&self, version: &str, mut places: impl Iterator<Item = &'a Place>) -> bool {
        match &self.what {
            What::Version(wanted) => matches(wanted, version),
            _ => places.any(|place| self.is_about(place)),
        }
    }

    pub(super) fn is_about(&self, place: &Place) -> bool {
        match &self.what {
            What::Version(_) => false,
            What::Site(site) if site.is_empty() => !place.has_no_release && place.site.is_empty(),
            What::Site(site) => matches(site, &place.site),
            What::Release(properties) => {
                !properties.is_empty()
                    && properties.iter().all(|(property, wanted)| property.is(wanted, place))
            }
        }
    }
}

impl Property {
    fn is(self, wanted: &str, place: &Place) -> bool {
        let value = match self {
            Self::Any => return true,
            Self::ArchiveOrCodename => {
                return Self::Archive.is(wanted, place) || Self::Codename.is(wanted, place);
            }
            Self::Architecture => &place.architecture,
            Self::Archive => &place.archive,
            Self::Codename => &place.codename,
            Self::Component => &place.component,
            Self::Label => &place.label,
            Self::Origin => &place.origin,
            Self::Version => &place.version,
        };
        !value.is_empty() && matches(wanted, value)
    }
}

/// `a=stable,o=Debian`, or a bare word.
fn properties(text: &str) -> Vec<(Property, String)> {
    if text == "*" {
        return vec![(Property::Any, String::new())];
    }
    if !text.contains('=') {
        let is_version = text.starts_with(|c: char| c.is_ascii_digit());
        let property = if is_version { Property::Version } else { Property::ArchiveOrCodename };
        return if text.is_empty() { Vec::new() } else { vec![(property, text.to_owned())] };
    }
    let mut found: Vec<(Property, String)> = Vec::new();
    for part in text.split(',') {
        let Some((letter, value)) = part.trim().split_once('=') else { continue };
        let property = match letter.to_ascii_lowercase().as_str() {
            "v" => Property::Version,
            "o" => Property::Origin,
            "a" => Property::Archive,
            "n" => Property::Codename,
            "l" => Property::Label,
            "c" => Property::Component,
            "b" => Property::Architecture,
            _ => continue,
        };
        // The last of the same letter counts; an empty value asks for nothing.
        found.retain(|(known, _)| *known != property);
        if !value.is_empty() {
            found.push((property, value.to_owned()));
        }
    }
    found
}

fn asks_for_expression(what: &What) -> bool {
    let is_expression = |text: &str| text.len() > 1 && text.starts_with('/') && text.ends_with('/');
    match what {
        What::Version(text) | What::Site(text) => is_expression(text),
        What::Release(properties) => properties.iter().any(|(_, text)| is_expression(text)),
    }
}

/// fnmatch(3) without regard to case, as apt matches everything but plain package names.
fn matches(pattern: &str, text: &str) -> bool {
    glob::matches(pattern.to_ascii_lowercase().as_bytes(), text.to_ascii_lowercase().as_bytes())
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// `Pin-Priority: never`: below every number, and no pin of a version lifts it.
pub(super) const FORBIDDEN: i32 = i32::MIN;
const MAX_PREFERENCES: u64 = 1024 * 1024;
/// What `APT::Default-Release` is worth.
const DEFAULT_RELEASE: i32 = 990;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pins(text: &str) -> Result<Pins, Unreadable> {
        let mut pins = Pins::default();
        pins.read(text.as_bytes(), Path::new("x")).map(|()| pins)
    }

    fn place(archive: &str, site: &str) -> Place {
        Place { archive: archive.to_owned(), site: site.to_owned(), ..Place::default() }
    }

    #[test]
    fn a_record_pins_each_package_that_it_names() {
        let pins = pins(
            "Explanation: x\nPackage: nodejs lib*:any src:x\nPin: origin \"a.example\"\nPin-Priority: 600\n",
        );
        let pins = pins.unwrap();
        assert_eq!(pins.specific.len(), 3);
        let (name, pin) = &pins.specific[1];
        assert!(name.matches("libc6", "glibc", "i386", "amd64"));
        assert!(!pins.specific[0].0.matches("nodejs", "nodejs", "i386", "amd64"));
        assert!(pins.specific[2].0.matches("y", "x", "amd64", "amd64"));
        assert!(pin.is_about(&place("s", "a.example")) && !pin.is_about(&place("s", "b.example")));
    }

    #[test]
    fn a_star_pins_whole_lists() {
        let pins = pins("Package: *\nPin: release a=stable*, l=\nPin-Priority: -1\n").unwrap();
        assert!(pins.specific.is_empty());
        assert!(pins.general[0].is_about(&place("stable-updates", "")));
        assert!(!pins.general[0].is_about(&place("testing", "")));
    }

    #[test]
    fn what_is_not_understood_is_refused_and_what_apt_passes_over_is_passed_over() {
        assert!(pins("Package: /^lib/\nPin: release *\nPin-Priority: 1\n").is_err());
        assert!(pins("Package: x\nPin: version /1/\nPin-Priority: 1\n").is_err());
        assert!(pins("Pin: release *\nPin-Priority: 1\n").is_err());
        assert!(pins("Package: x\nPin: version 1\n").is_err());
        let none =
            pins("Package: x\nPin-Priority: 1\n\nPackage: *\nPin: version 1\nPin-Priority: 2\n").unwrap();
        assert!(none.specific.is_empty() && none.general.is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..200), pin in "[a-z=,*/ 0-9]{0,30}") {
            let mut pins = Pins::default();
            let _ = pins.read(&bytes, Path::new("x"));
            let _ = pins.read(format!("Package: {pin}\nPin: {pin}\nPin-Priority: 5\n").as_bytes(), Path::new("x"));
        }
    }
}
