//! sources.list(5): the archives that this machine takes packages from, in both of its notations.

use std::path::{Path, PathBuf};

use super::stanza::{Stanza, Stanzas, without_remarks};
use crate::host::apt_conf::parts;
use crate::host::{Cause, Host, Unreadable};

/// One archive and one suite of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// As written, with a slash at the end.
    pub(super) uri: String,
    pub(super) suite: String,
    /// Empty for a flat archive, whose suite is a directory (`./`).
    pub(super) components: Vec<String>,
    architectures: Architectures,
    pub(super) file: PathBuf,
    pub(super) line: usize,
}

/// The `arch`, `arch+` and `arch-` of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Architectures {
    only: Option<Vec<String>>,
    more: Vec<String>,
    less: Vec<String>,
}

impl Source {
    /// The host of its URI, which apt calls the origin; none for a local directory.
    pub(super) fn site(&self) -> &str {
        let Some((_, rest)) = self.uri.split_once("://") else { return "" };
        let authority = rest.split('/').next().unwrap_or("");
        let host = authority.rsplit('@').next().unwrap_or("");
        match host.strip_prefix('[') {
            Some(address) => address.split(']').next().unwrap_or(""),
            None => host.split(':').next().unwrap_or(""),
        }
    }

    pub(super) fn is_flat(&self) -> bool {
        self.suite.ends_with('/')
    }

    /// The start of the names of its lists: the URI of its suite, as apt makes a file name of it.
    pub(super) fn prefix(&self) -> String {
        let below = match self.suite.as_str() {
            "/" => String::new(),
            flat if flat.ends_with('/') => flat.to_owned(),
            suite => format!("dists/{suite}/"),
        };
        file_name(&format!("{}{below}", self.uri))
    }

    /// The architectures that apt asks it for, given those of the machine.
    pub(super) fn architectures(&self, configured: &[String]) -> Vec<String> {
        let mut found = self.architectures.only.clone().unwrap_or_else(|| configured.to_vec());
        found.extend(self.architectures.more.iter().cloned());
        found.retain(|name| !self.architectures.less.contains(name));
        found
    }
}

/// Every source of binary packages, in apt's order.
pub(super) fn all(host: &Host, native: &str) -> Result<Vec<Source>, Unreadable> {
    let mut files = Vec::new();
    if host.exists(MAIN)? {
        files.push(PathBuf::from(MAIN));
    }
    files.extend(parts(host, Path::new(PARTS), &["list", "sources"], false)?);
    let mut sources = Vec::new();
    for file in files {
        let bytes = host.read(&file, MAX_SOURCES)?;
        if file.extension().is_some_and(|extension| extension == "sources") {
            stanzas(&bytes, &file, &mut sources)?;
        } else {
            lines(&bytes, &file, &mut sources)?;
        }
        if sources.len() > MAX_ENTRIES {
            return Err(Unreadable::new(&file, Cause::TooMany { limit: MAX_ENTRIES }));
        }
    }
    for source in &mut sources {
        source.uri = source.uri.replace("$(ARCH)", native);
        source.suite = source.suite.replace("$(ARCH)", native);
        if !source.uri.ends_with('/') {
            source.uri.push('/');
        }
    }
    Ok(sources)
}

/// `deb [option=value …] uri suite [component …]`
fn lines(bytes: &[u8], file: &Path, sources: &mut Vec<Source>) -> Result<(), Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::malformed(file, 0, "not UTF-8"))?;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        let bad = |what: &str| Unreadable::malformed(file, number, what);
        let (kind, rest) = line.split_once([' ', '\t']).ok_or_else(|| bad("not a source"))?;
        match kind {
            "deb" => {}
            "deb-src" => continue,
            _ => return Err(bad("neither deb nor deb-src")),
        }
        let (options, rest) = match rest.trim_start().strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or_else(|| bad("an option bracket that does not close"))?,
            None => ("", rest),
        };
        let mut architectures = Architectures::default();
        for option in options.split_whitespace() {
            let (name, value) = option.split_once('=').ok_or_else(|| bad("an option without a value"))?;
            let values = || value.split(',').filter(|value| !value.is_empty()).map(str::to_owned).collect();
            match name.to_ascii_lowercase().as_str() {
                "arch" => architectures.only = Some(values()),
                "arch+" => architectures.more = values(),
                "arch-" => architectures.less = values(),
                name => refuse_option(name.trim_end_matches(['+', '-']), file, number)?,
            }
        }
        let words: Vec<String> = words(rest).ok_or_else(|| bad("an open quotation"))?;
        let [uri, suite, components @ ..] = words.as_slice() else {
            return Err(bad("a source without a URI and a suite"));
        };
        push(sources, uri, suite, components, &architectures, (file, number))?;
    }
    Ok(())
}

/// deb822: every combination of type, URI and suite.
fn stanzas(bytes: &[u8], file: &Path, sources: &mut Vec<Source>) -> Result<(), Unreadable> {
    let plain = without_remarks(bytes);
    let mut stanzas = Stanzas::numbered(plain.as_slice(), MAX_SOURCES);
    while let Some(stanza) = stanzas.next().map_err(|error| Unreadable::from_io(file, &error))? {
        if stanza.bytes.trim_ascii().is_empty() {
            continue;
        }
        if let Some(line) = stanza.fields().find_map(Result::err) {
            return Err(Unreadable::malformed(file, line, "a line that belongs to no field"));
        }
        let is_off = stanza.text("Enabled").is_some_and(|value| {
            ["no", "false", "without", "off", "disable", "0"].iter().any(|no| value.eq_ignore_ascii_case(no))
        });
        if is_off {
            continue;
        }
        let bad = |what: &str| Unreadable::malformed(file, stanza.line, what);
        let types = list(&stanza, "Types").ok_or_else(|| bad("a source without Types"))?;
        if let Some(unknown) = types.iter().find(|kind| !matches!(kind.as_str(), "deb" | "deb-src")) {
            return Err(bad(&format!("a source of the unknown type {unknown}")));
        }
        if !types.iter().any(|kind| kind == "deb") {
            continue;
        }
        for field in stanza.fields().flatten() {
            let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
            let name = name.trim_end_matches("-add").trim_end_matches("-remove");
            refuse_option(name.trim_end_matches('s'), file, field.line)?;
        }
        let uris = list(&stanza, "URIs").ok_or_else(|| bad("a source without URIs"))?;
        let suites = list(&stanza, "Suites").ok_or_else(|| bad("a source without Suites"))?;
        let components = list(&stanza, "Components").unwrap_or_default();
        let architectures = Architectures {
            only: list(&stanza, "Architectures"),
            more: list(&stanza, "Architectures-Add").unwrap_or_default(),
            less: list(&stanza, "Architectures-Remove").unwrap_or_default(),
        };
        for uri in &uris {
            for suite in &suites {
                push(sources, uri, suite, &components, &architectures, (file, stanza.line))?;
            }
        }
    }
    Ok(())
}

fn push(
    sources: &mut Vec<Source>,
    uri: &str,
    suite: &str,
    components: &[String],
    architectures: &Architectures,
    (file, line): (&Path, usize),
) -> Result<(), Unreadable> {
    let bad = |what: &str| Err(Unreadable::malformed(file, line, what));
    if !uri.contains(':') {
        return bad("a source whose URI has no scheme");
    }
    match (suite.ends_with('/'), components.is_empty()) {
        (true, false) => return bad("a flat archive with components"),
        (false, true) => return bad("a suite without components"),
        _ => {}
    }
    sources.push(Source {
        uri: uri.to_owned(),
        suite: suite.to_owned(),
        components: components.to_vec(),
        architectures: architectures.clone(),
        file: file.to_owned(),
        line,
    });
    Ok(())
}

/// Options that change which lists apt reads, in ways that are not followed here.
fn refuse_option(name: &str, file: &Path, line: usize) -> Result<(), Unreadable> {
    if ["target", "snapshot", "inrelease-path"].contains(&name) {
        let what = format!("line {line} sets {name}, which guestward does not follow yet");
        return Err(Unreadable::new(file, Cause::Unsupported(what)));
    }
    Ok(())
}

fn list(stanza: &Stanza<'_>, name: &str) -> Option<Vec<String>> {
    let words: Vec<String> = stanza.text(name)?.split_whitespace().map(str::to_owned).collect();
    (!words.is_empty()).then_some(words)
}

/// Words of a one-line entry: `"…"` and `[…]` keep blanks, `%20` is a byte.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = text.trim_start().as_bytes();
    while !rest.is_empty() {
        let mut word = Vec::new();
        let mut closing = None;
        while let [byte, tail @ ..] = rest {
            let byte = *byte;
            if closing.is_none() && byte.is_ascii_whitespace() {
                break;
            }
            rest = tail;
            match (closing, byte) {
                (None, b'"') => closing = Some(b'"'),
                (None, b'[') => {
                    closing = Some(b']');
                    word.push(byte);
                }
                (Some(b'"'), b'"') => closing = None,
                (Some(end), byte) if end == byte => {
                    closing = None;
                    word.push(byte);
                }
                (_, b'%') => match tail {
                    [high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                        word.push(nibble(*high) * 16 + nibble(*low));
                        rest = tail;
                    }
                    _ => word.push(byte),
                },
                _ => word.push(byte),
            }
        }
        if closing.is_some() {
            return None;
        }
        words.push(String::from_utf8_lossy(&word).into_owned());
        rest = rest.trim_ascii_start();
    }
    Some(words)
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit.to_ascii_lowercase() - b'a') + 10,
    }
}

/// A URI as the name of a file: without scheme, user and password, slashes as underscores, the rest percent-encoded.
pub(super) fn file_name(uri: &str) -> String {
    let plain = match uri.split_once("://") {
        Some((_, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or("");
            format!("{host}{path}")
        }
        None => uri.split_once(':').map_or(uri, |(_, path)| path).to_owned(),
    };
    let mut name = String::with_capacity(plain.len());
    for byte in plain.bytes() {
        match byte {
            b'/' => name.push('_'),
            b'%' | b'\\' | b'|' | b'{' | b'}' | b'[' | b']' | b'<' | b'>' | b'"' | b'^' | b'~' | b'_'
            | b'=' | b'!' | b'@' | b'#' | b'$' | b'&' | b'*' => name.push_str(&format!("%{byte:02x}")),
            0x21..=0x7e => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    name
}

const MAIN: &str = "/etc/apt/sources.list";
const PARTS: &str = "/etc/apt/sources.list.d";
const MAX_SOURCES: u64 = 1024 * 1024;
/// A stanza multiplies its URIs by its suites; nobody has this many archives.
const MAX_ENTRIES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one_line(text: &str) -> Result<Vec<Source>, Unreadable> {
        let mut sources = Vec::new();
        lines(text.as_bytes(), Path::new("x"), &mut sources).map(|()| sources)
    }

    fn deb822(text: &str) -> Result<Vec<Source>, Unreadable> {
        let mut sources = Vec::new();
        stanzas(text.as_bytes(), Path::new("x"), &mut sources).map(|()| sources)
    }

    #[test]
    fn a_list_is_named_after_its_uri() {
        let prefix = |line: &str| {
            let mut source = one_line(line).unwrap().remove(0);
            if !source.uri.ends_with('/') {
                source.uri.push('/');
            }
            source.prefix()
        };
        assert_eq!(prefix("deb http://u:p@a.example:81/debian x main"), "a.example:81_debian_dists_x_");
        assert_eq!(prefix("deb file:/srv/my_repo ./"), "_srv_my%5frepo_._");
        assert_eq!(prefix("deb file:///srv/r /"), "_srv_r_");
        assert_eq!(
            prefix("deb mirror+file:///etc/apt/mirrors/debian.list y a b # c"),
            "_etc_apt_mirrors_debian.list_dists_y_"
        );
    }

    #[test]
    fn options_limit_the_architectures() {
        let sources = one_line("deb [ arch=amd64,i386 arch-=i386 signed-by=/k ] http://h/ s main\n").unwrap();
        assert_eq!(sources[0].architectures(&["arm64".to_owned()]), ["amd64"]);
        assert_eq!(sources[0].site(), "h");
    }

    #[test]
    fn a_stanza_stands_for_every_combination_and_may_be_off() {
        let sources = deb822(
            "# remark\nTypes: deb deb-src\nURIs: http://a http://b\nSuites: s\n t\nComponents: main\n\
             Signed-By:\n -----BEGIN\n .\n xx\n\nEnabled: no\nTypes: deb\nURIs: http://c\nSuites: ./\n",
        )
        .unwrap();
        let shown: Vec<_> =
            sources.iter().map(|source| (source.uri.as_str(), source.suite.as_str())).collect();
        assert_eq!(shown, [("http://a", "s"), ("http://a", "t"), ("http://b", "s"), ("http://b", "t")]);
    }

    #[test]
    fn what_apt_refuses_is_an_error() {
        for line in [
            "deb http://h s",
            "rpm http://h s main",
            "deb [x http://h s main",
            "deb http://h ./ main",
            "deb h s m",
        ] {
            assert!(one_line(line).is_err(), "{line}");
        }
        assert!(deb822("Types: deb\nSuites: s\n").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_stop_it(text in "[a-z:/ \\[\\]\"%=#\n.-]{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = one_line(&format!("deb {text}"));
            let _ = deb822(&text);
            let mut sources = Vec::new();
            let _ = lines(&bytes, Path::new("x"), &mut sources);
            let _ = stanzas(&bytes, Path::new("x"), &mut sources);
        }
    }
}
