//! `Pin: version …`, `release …` and `origin …`: which versions a pin means (`pkgVersionMatch` of apt).

use super::pattern::Pattern;

/// What of a package is pinned.
#[derive(Debug, Clone)]
pub(super) enum What {
    Version(Version),
    /// The version of the source package.
    SourceVersion(Version),
    /// `release *`
    Everything,
    Release(Vec<(Property, Asked)>),
    Site(Pattern),
}

/// A version, of which a star at the end makes a beginning.
#[derive(Debug, Clone)]
pub(super) struct Version {
    text: String,
    is_beginning: bool,
    pattern: Pattern,
}

/// A letter of `Pin: release a=…,n=…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    Architecture,
    Archive,
    ArchiveOrCodename,
    Codename,
    Component,
    Label,
    Origin,
    Version,
}

#[derive(Debug, Clone)]
pub(super) enum Asked {
    Text(Pattern),
    Version(Version),
}

/// The list that a version was found in, as far as a pin may ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Place {
    pub(in super::super) archive: String,
    pub(in super::super) codename: String,
    pub(in super::super) version: String,
    pub(in super::super) origin: String,
    pub(in super::super) label: String,
    pub(in super::super) component: String,
    pub(in super::super) architecture: String,
    pub(in super::super) site: String,
    /// dpkg's own list of what is installed.
    pub(in super::super) is_status: bool,
}

impl What {
    /// `None` for a kind that apt passes over; what is not understood is the error.
    pub(super) fn parse(
        pin: &str,
        is_general: bool,
        knows_sources: bool,
    ) -> Result<Option<Self>, &'static str> {
        let (kind, value) = pin.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((pin, ""));
        let value = value.trim_ascii_start();
        Ok(Some(match kind.to_ascii_lowercase().as_str() {
            "version" if !is_general => Self::Version(Version::parse(value)?),
            "source-version" if !is_general && knows_sources => Self::SourceVersion(Version::parse(value)?),
            "release" => Self::release(value)?,
            "origin" => Self::Site(Pattern::parse(unquoted(value))?),
            _ => return Ok(None),
        }))
    }

    /// `a=stable,o=Debian`, or a bare word.
    pub(super) fn release(text: &str) -> Result<Self, &'static str> {
        if text == "*" {
            return Ok(Self::Everything);
        }
        if !text.contains('=') {
            let is_version = text.starts_with(|c: char| c.is_ascii_digit());
            let property = if is_version { Property::Version } else { Property::ArchiveOrCodename };
            let asked = property.asked(text)?;
            return Ok(Self::Release(asked.map(|asked| (property, asked)).into_iter().collect()));
        }
        // What apt copies for taking it apart has room for this much.
        let text = text.get(..text.floor_char_boundary(MAX_RELEASE)).unwrap_or_default();
        let parts: Vec<&str> = text.split(',').map(str::trim_ascii).filter(|part| !part.is_empty()).collect();
        let mut found: Vec<(Property, &str)> = Vec::new();
        if parts.len() < MAX_PARTS {
            for (property, value) in parts.into_iter().filter_map(Property::of) {
                // The last of the same letter counts.
                found.retain(|(known, _)| *known != property);
                found.push((property, value));
            }
        }
        let asked = found.into_iter().filter_map(|(property, value)| {
            property.asked(value).map(|asked| asked.map(|asked| (property, asked))).transpose()
        });
        Ok(Self::Release(asked.collect::<Result<_, _>>()?))
    }

    /// Whether an expression is held against what an archive says of itself.
    pub(super) fn has_expression(&self) -> bool {
        let is_expression = |pattern: &Pattern| matches!(pattern, Pattern::Expression(_));
        match self {
            Self::Version(_) | Self::SourceVersion(_) | Self::Everything => false,
            Self::Site(pattern) => is_expression(pattern),
            Self::Release(asked) => asked.iter().any(|(_, asked)| match asked {
                Asked::Text(pattern) | Asked::Version(Version { pattern, .. }) => is_expression(pattern),
            }),
        }
    }

    pub(super) fn is_about(&self, place: &Place) -> bool {
        match self {
            Self::Version(_) | Self::SourceVersion(_) => false,
            Self::Everything => true,
            Self::Site(site) => !place.is_status && site.matches(&place.site),
            // Who asks for nothing means what has no release.
            Self::Release(asked) if asked.is_empty() => place.is_status,
            Self::Release(asked) => asked.iter().all(|(property, asked)| property.is(asked, place)),
        }
    }
}

impl Version {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let beginning = text.strip_suffix('*');
        let text = beginning.unwrap_or(text);
        Ok(Self { text: text.to_owned(), is_beginning: beginning.is_some(), pattern: Pattern::parse(text)? })
    }

    pub(super) fn matches(&self, version: &str) -> bool {
        let compared = if self.is_beginning { version.get(..self.text.len()) } else { Some(version) };
        compared.is_some_and(|compared| compared.eq_ignore_ascii_case(&self.text))
            || self.pattern.matches(version)
    }
}

impl Property {
    /// A part without a value asks for nothing.
    fn of(part: &str) -> Option<(Self, &str)> {
        let (letter, value) = part.split_once('=').filter(|(_, value)| !value.is_empty())?;
        let property = match letter.to_ascii_lowercase().as_str() {
            "v" => Self::Version,
            "o" => Self::Origin,
            "a" => Self::Archive,
            "n" => Self::Codename,
            "l" => Self::Label,
            "c" => Self::Component,
            "b" => Self::Architecture,
            _ => return None,
        };
        Some((property, value))
    }

    /// Nothing is asked by an empty text, nor by a version that may have any beginning.
    fn asked(self, text: &str) -> Result<Option<Asked>, &'static str> {
        Ok(match self {
            Self::Version if text == "*" => None,
            _ if text.is_empty() => None,
            Self::Version => Some(Asked::Version(Version::parse(text)?)),
            _ => Some(Asked::Text(Pattern::parse(text)?)),
        })
    }

    fn is(self, asked: &Asked, place: &Place) -> bool {
        let value = match self {
            Self::ArchiveOrCodename => {
                return Self::Archive.is(asked, place) || Self::Codename.is(asked, place);
            }
            Self::Architecture => &place.architecture,
            Self::Archive => &place.archive,
            Self::Codename => &place.codename,
            Self::Component => &place.component,
            Self::Label => &place.label,
            Self::Origin => &place.origin,
            Self::Version => &place.version,
        };
        // Every list has a component, even if it is that of a flat archive.
        (self == Self::Component || !value.is_empty())
            && match asked {
                Asked::Text(pattern) => pattern.matches(value),
                Asked::Version(version) => version.matches(value),
            }
    }
}

impl Place {
    /// Whether what its archive says of it is ASCII, which is all that an expression understands.
    pub(super) fn is_plain(&self) -> bool {
        [&self.archive, &self.codename, &self.version, &self.origin, &self.label, &self.component, &self.site]
            .iter()
            .all(|text| text.is_ascii())
    }
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// apt's `Spec` and `Fragments`, with their ends.
const MAX_RELEASE: usize = 299;
const MAX_PARTS: usize = 20;
