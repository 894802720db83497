//! From words to values: what sshd accepts after a keyword, in the form in which `sshd -T` prints it.

use super::algorithms;
use super::keyword::{Form, Keyword};
use super::lex::{Line, skip_white};
use super::numbers;
use super::pattern;
use super::services::Services;
use super::{Homes, Release, Version};

/// What the meaning of a value depends on besides the line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) version: Version,
    pub(super) release: &'a Release,
    pub(super) homes: &'a Homes,
    pub(super) services: &'a Services,
}

pub(super) type Values = Vec<Vec<u8>>;

/// The values of a line, or why sshd refuses it.
pub(super) fn parse(keyword: &Keyword, line: &Line, around: Surroundings<'_>) -> Result<Values, String> {
    let mut words = Words { line, next: 0 };
    let values = of_form(keyword.form, &mut words, around)?;
    if words.next < line.arguments.len() {
        return Err("there are extra arguments at the end of the line".to_owned());
    }
    Ok(values)
}

struct Words<'a> {
    line: &'a Line,
    next: usize,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let word = self.line.arguments.get(self.next)?;
        self.next += 1;
        Some(word)
    }

    /// The next word, which must be there and say something.
    fn some(&mut self) -> Result<&'a [u8], String> {
        self.next().filter(|word| !word.is_empty()).ok_or_else(|| "the value is missing".to_owned())
    }

    fn rest(&mut self) -> &'a [u8] {
        self.next = self.line.arguments.len();
        skip_white(&self.line.rest)
    }

    /// All that are left; none may be empty.
    fn all(&mut self) -> Result<Values, String> {
        let mut all = Vec::new();
        while let Some(word) = self.next() {
            if word.is_empty() {
                return Err("a value is empty".to_owned());
            }
            all.push(word.to_vec());
        }
        Ok(all)
    }
}

fn of_form(form: Form, words: &mut Words<'_>, around: Surroundings<'_>) -> Result<Values, String> {
    let one = |value: Vec<u8>| Ok(vec![value]);
    match form {
        Form::Flag => choice(words.some()?, FLAG),
        Form::Choice(allowed) => choice(words.some()?, allowed),
        Form::ExactChoice(allowed) => {
            let word = words.some()?;
            let known = allowed.iter().any(|name| name.as_bytes() == word);
            if known { one(word.to_vec()) } else { Err(unsupported(word)) }
        }
        Form::Integer => one(integer(words.next().unwrap_or_default())?),
        Form::IntegerOrNone => match words.some()? {
            b"none" => one(b"none".to_vec()),
            word => one(integer(word)?),
        },
        Form::Time => one(time(words.some()?)?),
        Form::TimeOrNone => match words.some()? {
            b"none" => one(b"none".to_vec()),
            word => one(time(word)?).map(|mut value| {
                if value[0] == b"0" {
                    value[0] = b"none".to_vec();
                }
                value
            }),
        },
        Form::Path => one(path(words.some()?, around.homes)?),
        Form::PathOr(special) => match words.some()? {
            word if word.eq_ignore_ascii_case(special.as_bytes()) => one(word.to_vec()),
            word => one(path(word, around.homes)?),
        },
        Form::KeyFiles => words.all()?.iter().map(|word| around.homes.expand(word)).collect(),
        Form::TildePath => one(around.homes.expand(words.some()?)?),
        Form::Word => one(words.some()?.to_vec()),
        Form::Rest => one(some(words.rest())?),
        Form::VersionAddendum => match some(words.rest())? {
            none if none.eq_ignore_ascii_case(b"none") => one(b"none".to_vec()),
            text if text.contains(&b'\r') => Err("there is a carriage return in it".to_owned()),
            text => one(text),
        },
        Form::Command => match words.rest() {
            command if command.starts_with(b"/") || command.eq_ignore_ascii_case(b"none") => {
                one(command.to_vec())
            }
            _ => Err("the command must be an absolute path".to_owned()),
        },
        Form::UserPatterns => {
            let all = words.all()?;
            match all.iter().find(|word| !pattern::is_user_pattern(word)) {
                Some(bad) => Err(unsupported(bad)),
                None => Ok(all),
            }
        }
        Form::Patterns => words.all(),
        Form::EnvironmentNames => {
            let all = words.all()?;
            if all.iter().any(|word| word.contains(&b'=')) {
                return Err("the name of a variable has no '='".to_owned());
            }
            Ok(all)
        }
        Form::EnvironmentPairs => environment(words),
        Form::Methods => methods(words),
        Form::Opens => opens(words, false, around.services),
        Form::Listens => opens(words, true, around.services),
        Form::Algorithms(family) => {
            let word = words.some()?;
            match std::str::from_utf8(word) {
                Ok(text) if algorithms::is_valid(family, text, around.version) => one(word.to_vec()),
                _ => Err(unsupported(word)),
            }
        }
        Form::Port => match around.services.port(words.some()?) {
            Some(port) if port > 0 => one(port.to_string().into_bytes()),
            _ => Err("that is not a port".to_owned()),
        },
        Form::ListenAddress => listen_address(words, around.services),
        Form::Subsystem => subsystem(words),
        Form::MaxStartups => one(numbers::max_startups(words.some()?).ok_or("begin:rate:full is wanted")?),
        Form::NetBlockSize => one(numbers::net_block_size(words.some()?).ok_or("v4:v6 is wanted")?),
        Form::Rekey => rekey(words),
        Form::IpQos => ip_qos(words),
        Form::Mask => one(numbers::mask(words.some()?).ok_or("an octal mask is wanted")?),
        Form::FingerprintHash => named(words.some()?, &["MD5", "SHA1", "SHA256", "SHA384", "SHA512"]),
        Form::Facility => named(words.next().unwrap_or_default(), FACILITIES),
        Form::Level => named(words.next().unwrap_or_default(), LEVELS).map(|mut level| {
            let plain: Option<&[u8]> = match level[0].as_slice() {
                b"DEBUG1" => Some(b"DEBUG"),
                b"SILENT" => Some(b"QUIET"),
                _ => None,
            };
            if let Some(plain) = plain {
                level[0] = plain.to_vec();
            }
            level
        }),
        Form::UserEnvironment => one(words.some()?.to_vec()),
        Form::PubkeyOptions => pubkey_options(words),
        Form::Timeouts => timeouts(words),
        Form::LogVerbose => {
            let all = words.all()?;
            if all.len() > 1 && all.iter().any(|word| word.eq_ignore_ascii_case(b"none")) {
                return Err("\"none\" must stand alone".to_owned());
            }
            Ok(all)
        }
        Form::Words => words.all(),
        Form::Ignored => {
            words.rest();
            Ok(Vec::new())
        }
        Form::Refused => Err("sshd cannot do that on Linux".to_owned()),
        // The tree takes care of these two.
        Form::Include | Form::Match => Ok(Vec::new()),
    }
}

fn unsupported(word: &[u8]) -> String {
    format!("'{}' is not a value of it", super::Text::from_bytes_within(word, 60))
}

fn some(rest: &[u8]) -> Result<Vec<u8>, String> {
    if rest.is_empty() { Err("the value is missing".to_owned()) } else { Ok(rest.to_vec()) }
}

fn choice(word: &[u8], allowed: &[(&str, &str)]) -> Result<Values, String> {
    let found = allowed.iter().find(|(written, _)| written.as_bytes().eq_ignore_ascii_case(word));
    found.map(|(_, meant)| vec![meant.as_bytes().to_vec()]).ok_or_else(|| unsupported(word))
}

fn named(word: &[u8], allowed: &[&str]) -> Result<Values, String> {
    let found = allowed.iter().find(|name| name.as_bytes().eq_ignore_ascii_case(word));
    found.map(|name| vec![name.as_bytes().to_vec()]).ok_or_else(|| unsupported(word))
}

fn integer(word: &[u8]) -> Result<Vec<u8>, String> {
    numbers::integer(word).map(|value| value.to_string().into_bytes()).ok_or_else(|| unsupported(word))
}

fn time(word: &[u8]) -> Result<Vec<u8>, String> {
    numbers::seconds(word).map(|value| value.to_string().into_bytes()).ok_or_else(|| unsupported(word))
}

/// sshd runs in `/`, and a relative path is taken from there.
fn path(word: &[u8], homes: &Homes) -> Result<Vec<u8>, String> {
    if word.eq_ignore_ascii_case(b"none") {
        return Ok(b"none".to_vec());
    }
    let path = homes.expand(word)?;
    Ok(if path.starts_with(b"/") { path } else { [b"//", path.as_slice()].concat() })
}

/// The first of several values for a variable counts.
fn environment(words: &mut Words<'_>) -> Result<Values, String> {
    let mut kept: Values = Vec::new();
    for pair in words.all()? {
        let Some(end) = pair.iter().position(|&byte| byte == b'=') else {
            return Err("NAME=VALUE is wanted".to_owned());
        };
        if !kept.iter().any(|other| other.starts_with(&pair[..=end])) {
            kept.push(pair);
        }
    }
    Ok(kept)
}

fn methods(words: &mut Words<'_>) -> Result<Values, String> {
    let mut all = Vec::new();
    while let Some(word) = words.next() {
        if word != b"any" && !is_method_list(word) {
            return Err(unsupported(word));
        }
        if word != b"any" && all.iter().any(|other| other == b"any") {
            return Err("\"any\" must stand alone".to_owned());
        }
        all.push(word.to_vec());
    }
    if all.is_empty() { Err("the value is missing".to_owned()) } else { Ok(all) }
}

fn is_method_list(list: &[u8]) -> bool {
    list.split(|&byte| byte == b',').all(|method| {
        let end = method.iter().position(|&byte| byte == b':').unwrap_or(method.len());
        METHODS.iter().any(|known| known.as_bytes() == &method[..end])
    })
}

fn opens(words: &mut Words<'_>, port_alone: bool, services: &Services) -> Result<Values, String> {
    let first = words.some()?;
    if first == b"any" || first == b"none" {
        return Ok(vec![first.to_vec()]);
    }
    let mut all = Vec::new();
    let mut next = Some(first);
    while let Some(word) = next.filter(|word| !word.is_empty()) {
        let (text, port) = if port_alone && !word.contains(&b':') {
            ([b"*:", word].concat(), Some(word))
        } else {
            (word.to_vec(), numbers::host_and_port(word).ok_or("host:port is wanted")?.1)
        };
        let port = port.ok_or("the port is missing")?;
        if port != b"*" && services.port(port).is_none_or(|port| port == 0) {
            return Err("that is not a port".to_owned());
        }
        all.push(text);
        next = words.next();
    }
    Ok(all)
}

/// `address` or `address` and port; two values.
fn listen_address(words: &mut Words<'_>, services: &Services) -> Result<Values, String> {
    let word = words.some()?;
    let colons = word.iter().filter(|&&byte| byte == b':').count();
    let (host, port) = if !word.contains(&b'[') && colons >= 2 {
        (word, None)
    } else {
        numbers::host_and_port(word).ok_or("address:port is wanted")?
    };
    let host = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host);
    // The rest is for the resolver to say, which is not asked here.
    if !host.iter().all(|byte| byte.is_ascii_alphanumeric() || b".:%_-*".contains(byte)) {
        return Err(unsupported(host));
    }
    let port = match port.map(|port| services.port(port)) {
        None => Vec::new(),
        Some(Some(port)) if port > 0 => port.to_string().into_bytes(),
        Some(_) => return Err("that is not a port".to_owned()),
    };
    let mut values = vec![host.to_vec(), port];
    if let Some(word) = words.next() {
        let domain = words.next().filter(|_| word == b"rdomain").ok_or_else(|| unsupported(word))?;
        values.push(domain.to_vec());
    }
    Ok(values)
}

fn subsystem(words: &mut Words<'_>) -> Result<Values, String> {
    let name = words.some()?.to_vec();
    let mut command = words.some()?.to_vec();
    while let Some(word) = words.next() {
        command.push(b' ');
        command.extend_from_slice(word);
    }
    Ok(vec![name, command])
}

/// A volume, and a time if there is one.
fn rekey(words: &mut Words<'_>) -> Result<Values, String> {
    let volume = match words.some()? {
        b"default" => 0,
        word => numbers::scaled(word).filter(|&n| n == 0 || n >= 16).ok_or_else(|| unsupported(word))?,
    };
    let mut values = vec![volume.to_string().into_bytes()];
    match words.next() {
        None | Some(b"none") => {}
        Some(word) => values.push(time(word)?),
    }
    Ok(values)
}

fn ip_qos(words: &mut Words<'_>) -> Result<Values, String> {
    let interactive = words.some()?;
    let bulk = words.next().unwrap_or(interactive);
    [interactive, bulk].iter().map(|word| numbers::ip_qos(word).ok_or_else(|| unsupported(word))).collect()
}

fn pubkey_options(words: &mut Words<'_>) -> Result<Values, String> {
    let (mut touch, mut verify) = (false, false);
    while let Some(word) = words.next() {
        match word.to_ascii_lowercase().as_slice() {
            b"none" => {}
            b"touch-required" => touch = true,
            b"verify-required" => verify = true,
            _ => return Err(unsupported(word)),
        }
    }
    let mut values = Vec::new();
    if !touch && !verify {
        values.push(b"none".to_vec());
    }
    if touch {
        values.push(b"touch-required".to_vec());
    }
    if verify {
        values.push(b"verify-required".to_vec());
    }
    Ok(values)
}

fn timeouts(words: &mut Words<'_>) -> Result<Values, String> {
    let all = words.all()?;
    if all.is_empty() {
        return Err("the value is missing".to_owned());
    }
    if all.iter().any(|word| word.eq_ignore_ascii_case(b"none")) {
        return if all.len() == 1 { Ok(all) } else { Err("\"none\" must stand alone".to_owned()) };
    }
    for word in &all {
        let end = word.iter().position(|&byte| byte == b'=').filter(|&end| end > 0);
        let interval = end.map(|end| &word[end + 1..]).ok_or_else(|| unsupported(word))?;
        if interval != b"none" {
            time(interval)?;
        }
    }
    Ok(all)
}

const FLAG: &[(&str, &str)] = &[("yes", "yes"), ("no", "no")];
const LEVELS: &[&str] =
    &["SILENT", "QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3"];
const FACILITIES: &[&str] = &[
    "DAEMON", "USER", "AUTH", "AUTHPRIV", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5",
    "LOCAL6", "LOCAL7",
];
pub(super) const METHODS: &[&str] = &[
    "none",
    "publickey",
    "gssapi-keyex",
    "gssapi-with-mic",
    "password",
    "keyboard-interactive",
    "hostbased",
];
