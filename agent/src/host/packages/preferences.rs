//! apt_preferences(5): which versions somebody wants more, less or never.

mod architecture;
mod expression;
mod name;
mod pattern;
mod wanted;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::Config;
use super::dpkg::Database;
use super::stanza::{Stanza, Stanzas, without_remarks};
use super::version;
use crate::host::apt_conf::parts;
use crate::host::{Cause, Host, Unreadable};
use architecture::Names;
pub(super) use name::Name;
use pattern::Pattern;
pub(super) use wanted::Place;
use wanted::What;

/// Every pin in the order in which apt reads them: of two that meet, the first one counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Pins {
    /// `Package: *`, and the default release: they raise and lower whole lists.
    pub(super) general: Vec<Pin>,
    /// They raise and lower versions of the packages that they name.
    pub(super) specific: Vec<(Name, Pin)>,
    default_release: Option<DefaultRelease>,
}

#[derive(Debug, Clone)]
pub(super) struct Pin {
    what: What,
    pub(super) priority: i32,
    /// Where somebody wrote it: `/etc/apt/preferences.d/x:3`.
    pub(super) written: String,
}

/// The default release as a text that a list has to answer to.
#[derive(Debug, Clone)]
struct DefaultRelease {
    pattern: Pattern,
    /// `a=…` need not be anywhere.
    is_sure: bool,
}

impl Pins {
    pub(super) fn of(host: &Host, config: &Config, database: &Database) -> Result<Self, Unreadable> {
        let mut reader = Reader::of(host, database);
        if let Some(release) = config.value("apt::default-release").filter(|release| !release.is_empty()) {
            let at = config.written("apt::default-release").map_or(String::new(), |at| format!(", {at}"));
            let written = format!("APT::Default-Release{at}");
            let pattern = Pattern::parse(release);
            let parsed = What::release(release).and_then(|what| Ok((what, pattern?)));
            let (what, pattern) = parsed.map_err(|why| {
                Unreadable::new(
                    "/etc/apt/apt.conf",
                    Cause::Unsupported(format!("{written} is {why}{NOT_UNDERSTOOD}")),
                )
            })?;
            reader.pins.general.push(Pin { what, priority: DEFAULT_RELEASE, written });
            let is_sure = release.len() > 2 && release.as_bytes().get(1) == Some(&b'=');
            reader.pins.default_release = Some(DefaultRelease { pattern, is_sure });
        }
        let mut files = Vec::new();
        if host.exists("/etc/apt/preferences")? {
            files.push(PathBuf::from("/etc/apt/preferences"));
        }
        files.extend(parts(host, Path::new("/etc/apt/preferences.d"), &["pref"], true)?);
        for file in files {
            let bytes = host.read(&file, MAX_PREFERENCES)?;
            reader.read(&bytes, &file)?;
        }
        Ok(reader.pins)
    }

    /// Whether they can be held against these lists: apt refuses a default release that is nowhere, and an expression
    /// is not understood where a list says other than ASCII of itself.
    pub(super) fn suit<'a>(
        &self,
        mut places: impl Iterator<Item = &'a Place> + Clone,
    ) -> Result<(), Unreadable> {
        if let Some(release) = &self.default_release {
            let is_known = release.is_sure
                || release.pattern.matches("now")
                || places.clone().any(|place| release.is_found(place));
            if !is_known {
                let what = "APT::Default-Release is none of the releases that there are lists of, and apt refuses that";
                return Err(Unreadable::new("/etc/apt/apt.conf", Cause::Unsupported(what.to_owned())));
            }
        }
        let pins = || self.general.iter().chain(self.specific.iter().map(|(_, pin)| pin));
        let Some(pin) = pins().find(|pin| pin.what.has_expression()) else { return Ok(()) };
        if places.all(Place::is_plain) {
            return Ok(());
        }
        let what =
            format!("{} is a regular expression, and a list has a name that is not in ASCII", pin.written);
        Err(Unreadable::new("/etc/apt/preferences", Cause::Unsupported(what)))
    }
}

impl DefaultRelease {
    fn is_found(&self, place: &Place) -> bool {
        [&place.archive, &place.codename, &place.version]
            .iter()
            .any(|text| !text.is_empty() && self.pattern.matches(text))
    }
}

struct Reader<'a> {
    host: &'a Host,
    pins: Pins,
    /// What this apt understands.
    knows_source_versions: bool,
    /// Read when a pin asks for it.
    names: Option<Arc<Names>>,
}

impl<'a> Reader<'a> {
    fn of(host: &'a Host, database: &Database) -> Self {
        let apt = database.present().find(|package| package.name == "apt");
        let knows_source_versions =
            apt.is_none_or(|apt| version::compare(&apt.version, FIRST_WITH_SOURCE_VERSIONS).is_ge());
        Self { host, pins: Pins::default(), knows_source_versions, names: None }
    }

    fn read(&mut self, bytes: &[u8], file: &Path) -> Result<(), Unreadable> {
        let plain = without_remarks(bytes);
        let mut stanzas = Stanzas::numbered(plain.as_slice(), MAX_PREFERENCES);
        while let Some(stanza) = stanzas.next().map_err(|error| Unreadable::from_io(file, &error))? {
            if !stanza.bytes.trim_ascii().is_empty() {
                self.take(&stanza, file)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, stanza: &Stanza<'_>, file: &Path) -> Result<(), Unreadable> {
        let bad = |what: &str| Unreadable::malformed(file, stanza.line, what);
        let unknown = |what: &str| {
            let what = format!("line {} pins by {what}{NOT_UNDERSTOOD}", stanza.line);
            Unreadable::new(file, Cause::Unsupported(what))
        };
        if let Some(line) = stanza.fields().find_map(Result::err) {
            return Err(Unreadable::malformed(file, line, "a line that belongs to no field"));
        }
        let names = stanza.text("Package").filter(|names| !names.is_empty());
        let names = names.ok_or_else(|| bad("a preference without a Package"))?;
        // apt passes over a record without a pin, or with one of a kind that it does not know.
        let Some(pin) = stanza.text("Pin") else { return Ok(()) };
        let is_general = names == "*";
        let what = What::parse(pin, is_general, self.knows_source_versions);
        let Some(what) = what.map_err(unknown)? else { return Ok(()) };
        let priority = priority(stanza.text("Pin-Priority").unwrap_or(""), is_general).map_err(bad)?;
        let written = format!("{}:{}", file.display(), stanza.line);
        let pin = Pin { what, priority, written };
        if is_general {
            self.pins.general.push(pin);
            return Ok(());
        }
        for text in names.split_ascii_whitespace() {
            let tables = if Name::asks_for_tables(text) { self.names()? } else { Arc::default() };
            self.pins.specific.push((Name::parse(text, &tables).map_err(unknown)?, pin.clone()));
        }
        Ok(())
    }

    fn names(&mut self) -> Result<Arc<Names>, Unreadable> {
        match &self.names {
            Some(names) => Ok(Arc::clone(names)),
            None => Ok(Arc::clone(self.names.insert(Arc::new(Names::of(self.host)?)))),
        }
    }
}

impl Pin {
    /// Whether it means a version that is in `places`.
    pub(super) fn matches<'a>(
        &self,
        version: &str,
        source_version: &str,
        mut places: impl Iterator<Item = &'a Place>,
    ) -> bool {
        match &self.what {
            What::Version(wanted) => wanted.matches(version),
            What::SourceVersion(wanted) => wanted.matches(source_version),
            _ => places.any(|place| self.is_about(place)),
        }
    }

    pub(super) fn is_about(&self, place: &Place) -> bool {
        self.what.is_about(place)
    }
}

/// A number as strtol(3) takes it, which does not look at what follows.
fn priority(text: &str, is_general: bool) -> Result<i32, &'static str> {
    if text == "never" {
        return if is_general {
            Ok(FORBIDDEN)
        } else {
            Err("a Pin-Priority that only \"Package: *\" may have")
        };
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let number = text.get(..text.len() - digits.len() + end).unwrap_or_default();
    match number.parse::<i16>() {
        Ok(0) => Err("a pin without a Pin-Priority, or with one of zero"),
        Ok(number) => Ok(i32::from(number)),
        Err(_) if end == 0 => Err("a pin without a Pin-Priority, or with one of zero"),
        Err(_) => Err("a Pin-Priority that apt does not allow"),
    }
}

/// `Pin-Priority: never`: below every number, and no pin of a version lifts it.
pub(super) const FORBIDDEN: i32 = i32::MIN;
const NOT_UNDERSTOOD: &str = ", which is not understood";
/// Before it, apt passes over `Pin: source-version` (its changelog).
const FIRST_WITH_SOURCE_VERSIONS: &str = "2.9.9";
const MAX_PREFERENCES: u64 = 1024 * 1024;
/// What `APT::Default-Release` is worth.
const DEFAULT_RELEASE: i32 = 990;

#[cfg(test)]
mod tests;
