//! authorized_keys(5): who may log in with which key, and with what limits.
//!
//! As sshd reads it: a line is a key, or options and a key. A line that sshd would skip is kept as a defect,
//! because somebody meant something by it.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::blob::PublicKey;
use crate::host::{Text, Unreadable};

/// One line that lets somebody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizedKey {
    pub file: PathBuf,
    /// Counted from 1.
    pub line: usize,
    pub key: PublicKey,
    pub options: Options,
}

/// What a line's options say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    pub command: Option<Vec<u8>>,
    pub from: Option<Vec<u8>>,
    pub principals: Option<Vec<u8>>,
    /// The names that `environment=` sets; their values may be secrets.
    pub environment: Vec<Text>,
    pub expires: Option<Timestamp>,
    pub is_authority: bool,
    pub restrict: bool,
    /// `no-pty`, `port-forwarding`, `permitopen` and the other names, in lower case.
    pub others: Vec<String>,
}

/// The keys of a file, and the lines that are none.
pub fn parse(file: &Path, bytes: &[u8]) -> (Vec<AuthorizedKey>, Vec<Unreadable>) {
    let (mut keys, mut defects) = (Vec::new(), Vec::new());
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let number = index + 1;
        match parse_line(line) {
            Ok(None) => {}
            Ok(Some((key, options))) => {
                keys.push(AuthorizedKey { file: file.to_owned(), line: number, key, options });
            }
            Err(what) => defects.push(Unreadable::malformed(file, number, what)),
        }
    }
    (keys, defects)
}

/// A line's key with its options; nothing for an empty line and for a remark.
pub fn parse_line(line: &[u8]) -> Result<Option<(PublicKey, Options)>, String> {
    // sshd reads lines as C strings.
    let line = line.split(|&byte| byte == 0).next().unwrap_or_default();
    let line = skip_blanks(line.trim_ascii_end());
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    if let Ok(key) = key(line) {
        return Ok(Some((key, Options::default())));
    }
    let end = end_of_options(line).ok_or("a quote in the options is never closed")?;
    let rest = skip_blanks(&line[end..]);
    if rest.is_empty() {
        return Err("not a key".to_owned());
    }
    let key = key(rest)?;
    Ok(Some((key, Options::parse(&line[..end])?)))
}

fn key(words: &[u8]) -> Result<PublicKey, String> {
    let (name, rest) = word(words);
    let (encoded, _comment) = word(skip_blanks(rest));
    if encoded.is_empty() {
        return Err("not a key".to_owned());
    }
    PublicKey::from_words(name, encoded)
}

fn word(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(bytes.len());
    bytes.split_at(end)
}

fn skip_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// Where the options end: at the first blank outside quotes.
fn end_of_options(line: &[u8]) -> Option<usize> {
    let (mut at, mut quoted) = (0, false);
    while let Some(&byte) = line.get(at) {
        match byte {
            b' ' | b'\t' if !quoted => break,
            b'\\' if line.get(at + 1) == Some(&b'"') => at += 1,
            b'"' => quoted = !quoted,
            _ => {}
        }
        at += 1;
    }
    (!quoted).then_some(at)
}

impl Options {
    fn parse(mut rest: &[u8]) -> Result<Self, String> {
        let mut options = Self::default();
        loop {
            let end = rest.iter().position(|byte| matches!(byte, b',' | b'=')).unwrap_or(rest.len());
            let name = String::from_utf8_lossy(&rest[..end]).to_ascii_lowercase();
            rest = &rest[end..];
            let mut value = None;
            if let [b'=', quoted @ ..] = rest {
                let (unquoted, after) = unquote(quoted)?;
                value = Some(unquoted);
                rest = after;
            }
            options.set(&name, value)?;
            rest = match rest {
                [] => break,
                [b',', after @ ..] => after,
                _ => return Err("an option is followed by something that is no comma".to_owned()),
            };
        }
        match options.principals {
            Some(_) if !options.is_authority => Err("principals= is for cert-authority only".to_owned()),
            _ => Ok(options),
        }
    }

    fn set(&mut self, name: &str, value: Option<Vec<u8>>) -> Result<(), String> {
        match (name, value) {
            // sshd does not mind a comma too many.
            ("", None) => {}
            ("restrict", None) => self.restrict = true,
            ("cert-authority", None) => self.is_authority = true,
            (name, None) if is_flag(name) => self.others.push(name.to_owned()),
            ("command", Some(value)) => once(&mut self.command, name, value)?,
            ("from", Some(value)) => once(&mut self.from, name, value)?,
            ("principals", Some(value)) => once(&mut self.principals, name, value)?,
            ("environment", Some(value)) => self.environment.push(variable(&value)?),
            ("expiry-time", Some(value)) => {
                let expires = instant(&value).ok_or("expiry-time is not a time")?;
                // Of several, sshd heeds the earliest.
                self.expires = Some(self.expires.map_or(expires, |other| other.min(expires)));
            }
            (name @ ("permitopen" | "permitlisten" | "tunnel"), Some(_)) => self.others.push(name.to_owned()),
            (name, _) => {
                let name = Text::from_bytes_within(name.as_bytes(), MAX_SHOWN);
                return Err(format!("'{name}' is not an option that sshd knows in this form"));
            }
        }
        Ok(())
    }
}

fn is_flag(name: &str) -> bool {
    let positive = name.strip_prefix("no-").unwrap_or(name);
    matches!(positive, "port-forwarding" | "agent-forwarding" | "x11-forwarding" | "pty" | "user-rc")
        || matches!(name, "no-touch-required" | "verify-required")
}

fn once(slot: &mut Option<Vec<u8>>, name: &str, value: Vec<u8>) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("{name} is given twice")),
    }
}

/// A quoted value, and what follows it; `\"` is a quote inside.
fn unquote(bytes: &[u8]) -> Result<(Vec<u8>, &[u8]), String> {
    let mut rest = bytes.strip_prefix(b"\"").ok_or("an option's value is not in quotes")?;
    let mut value = Vec::new();
    loop {
        rest = match rest {
            [] => return Err("a quote in the options is never closed".to_owned()),
            [b'"', after @ ..] => return Ok((value, after)),
            [b'\\', b'"', after @ ..] => {
                value.push(b'"');
                after
            }
            [byte, after @ ..] => {
                value.push(*byte);
                after
            }
        };
    }
}

fn variable(value: &[u8]) -> Result<Text, String> {
    let end = value.iter().position(|&byte| byte == b'=').ok_or("environment= sets no variable")?;
    let name = &value[..end];
    let is_name = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    if is_name { Ok(Text::from_bytes(name)) } else { Err("environment= sets no variable".to_owned()) }
}

/// `YYYYMMDD[HHMM[SS]]`, with a `Z` in UTC. Without one it is the host's local time, which a tree does not tell
/// for certain: taken as the latest instant that it can mean, so that nothing counts as expired too early.
fn instant(value: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(value).ok()?;
    let (digits, slack) = match text.strip_suffix(['Z', 'z']) {
        Some(digits) => (digits, 0),
        None => (text, WESTERNMOST_HOURS),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 8 | 12 | 14) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to).map_or(Some(0), |part| part.parse::<i8>().ok());
    let date = DateTime::new(
        digits.get(0..4)?.parse().ok()?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
        0,
    );
    let utc = date.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    utc.checked_add(jiff::SignedDuration::from_hours(slack)).ok()
}

/// UTC-12 is the last place on Earth where a day ends.
const WESTERNMOST_HOURS: i64 = 12;
const MAX_SHOWN: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    fn options(text: &str) -> Result<Options, String> {
        parse_line(format!("{text} {KEY} who@where").as_bytes()).map(|line| line.unwrap().1)
    }

    #[test]
    fn a_quoted_command_may_hold_blanks_commas_and_quotes() {
        let options = options(r#"no-pty,command="echo \"a, b\" #c",from="10.0.0.0/8""#).unwrap();
        assert_eq!(options.command.as_deref(), Some(br#"echo "a, b" #c"#.as_slice()));
        assert_eq!(options.from.as_deref(), Some(b"10.0.0.0/8".as_slice()));
        assert_eq!(options.others, ["no-pty"]);
    }

    #[test]
    fn an_option_that_sshd_does_not_know_makes_the_line_worthless() {
        assert!(options("frobnicate").is_err());
        assert!(options("command=unquoted").is_err());
        assert!(options("restrict=\"yes\"").is_err());
        assert!(options("command=\"a\",command=\"b\"").is_err());
    }

    #[test]
    fn names_of_options_have_no_case() {
        assert!(options("CERT-Authority,Restrict").unwrap().is_authority);
    }

    #[test]
    fn a_local_expiry_is_given_half_a_day_of_grace() {
        let at =
            |text: &str| options(&format!("expiry-time=\"{text}\"")).map(|o| o.expires.unwrap().to_string());
        assert_eq!(at("20260102Z").unwrap(), "2026-01-02T00:00:00Z");
        assert_eq!(at("202601020304").unwrap(), "2026-01-02T15:04:00Z");
        assert!(at("2026010").is_err());
        assert!(at("20261301").is_err());
    }

    #[test]
    fn the_value_of_a_variable_is_not_kept() {
        let options = options("environment=\"AWS_SECRET=hush\"").unwrap();
        assert!(!format!("{options:?}").contains("hush"));
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_line(&line);
        }

        #[test]
        fn no_options_make_it_panic(text in "[a-z\",=\\\\ -]{0,40}") {
            let _ = options(&text);
        }
    }
}
