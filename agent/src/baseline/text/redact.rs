//! Takes the secrets out of a text. In doubt, too much goes: the hash still says that something changed.

use std::borrow::Cow;

use crate::host::credentials;

/// Whether a file is a private key, and so nothing of it may be kept.
pub(super) fn is_key_file(text: &str) -> bool {
    let first = text.trim_start().lines().next().unwrap_or_default();
    begins_key(first) || first.starts_with("PuTTY-User-Key-File-")
}

pub(super) fn redacted(text: &str) -> String {
    let text = without_access_keys(text);
    let mut kept = String::with_capacity(text.len());
    let mut is_in_key = false;
    for line in text.split_inclusive('\n') {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        if is_in_key || begins_key(body) {
            is_in_key = !body.contains("-----END ");
            kept.push_str(MARK);
        } else {
            kept.push_str(&redacted_line(body));
        }
        kept.push_str(end);
    }
    kept
}

fn begins_key(line: &str) -> bool {
    line.find("-----BEGIN ").is_some_and(|at| line[at..].contains("PRIVATE KEY"))
}

/// As the search for access keys recognises them, wherever in the text they stand.
fn without_access_keys(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut from = 0;
    for place in credentials::secrets(text.as_bytes()) {
        // A secret is ASCII, and so are its ends.
        let (Some(before), true) = (text.get(from..place.start), text.is_char_boundary(place.end)) else {
            continue;
        };
        kept.push_str(before);
        kept.push_str(MARK);
        from = place.end;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(&text[from..]);
    Cow::Owned(kept)
}

fn redacted_line(line: &str) -> String {
    if let Some(account) = account(line) {
        return account;
    }
    let line = match secret_from(line) {
        Some(at) => format!("{}{MARK}", &line[..at]),
        None => line.to_owned(),
    };
    words(&addresses(&line))
}

/// A line of passwd(5), group(5) or one of their shadows with its second field out, if that is a hash.
fn account(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split(':').collect();
    let is_number = |at: usize| fields.get(at).is_some_and(|field| field.parse::<u32>().is_ok());
    let is_account = match fields.len() {
        7 => is_number(2) && is_number(3),
        4 => is_number(2),
        9 => is_number(2),
        _ => false,
    };
    if !is_account || matches!(fields[1], "" | "x" | "*" | "!" | "!!" | "!*") {
        return None;
    }
    Some(format!("{}:{MARK}:{}", fields[0], fields[2..].join(":")))
}

/// From where on a line is the value of something whose name says that it is a secret.
fn secret_from(line: &str) -> Option<usize> {
    let separators = line.char_indices().filter(|(_, c)| matches!(c, '=' | ':')).map(|(at, _)| at);
    for at in separators {
        let name = line[..at].trim_end_matches(|c: char| c.is_whitespace() || "\"'+?:]".contains(c));
        let name_start = name
            .rfind(|c: char| !is_of_name(c))
            .map_or(0, |before| before + name[before..].chars().next().map_or(1, char::len_utf8));
        let is_word_of_its_own = match &name[name_start..] {
            // Of audit rules, and of sudoers(5).
            "key" => name[..name_start].ends_with("-F "),
            "NOPASSWD" => true,
            "PASSWD" => name[..name_start].contains('='),
            _ => false,
        };
        let value = &line[at + 1..];
        if is_secret_name(&name[name_start..])
            && !is_word_of_its_own
            && !is_harmless(value, &name[name_start..])
        {
            return Some(at + 1 + (value.len() - value.trim_start().len()));
        }
    }
    spaced(line)
}

/// `password hunter2` at the beginning of a line, and `--password hunter2` anywhere.
fn spaced(line: &str) -> Option<usize> {
    let mut from = 0;
    let mut is_first = true;
    while let Some(start) = line[from..].find(|c: char| !c.is_whitespace()).map(|at| from + at) {
        let end = line[start..].find(char::is_whitespace).map_or(line.len(), |at| start + at);
        let word = &line[start..end];
        let rest = line[end..].trim_start();
        let is_option = word.strip_prefix("--").is_some_and(is_secret_name);
        let is_keyword = is_first && SPACED.iter().any(|known| word.eq_ignore_ascii_case(known));
        // pam.conf(5) has a type that is called password.
        let is_pam = rest.starts_with('[') || PAM.iter().any(|control| rest.starts_with(control));
        if !rest.is_empty() && (is_option || (is_keyword && !is_pam)) {
            return Some(line.len() - rest.len());
        }
        (from, is_first) = (end, false);
    }
    None
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|end| name.ends_with(end))
}

/// A place where a secret is, a switch, or the sources of nsswitch.conf(5).
fn is_harmless(value: &str, name: &str) -> bool {
    let value = value.trim().trim_matches(|c| matches!(c, '"' | '\'' | ';' | ','));
    let is_place =
        ["/", "~/", "file:", "http://", "https://", "%"].iter().any(|place| value.starts_with(place));
    let is_one_word = !value.contains(char::is_whitespace);
    let is_switch = SWITCHES.iter().any(|switch| value.eq_ignore_ascii_case(switch));
    let is_source = name == "passwd"
        && value.split_whitespace().all(|word| SOURCES.contains(&word) || word.starts_with('['));
    value.is_empty() || (is_place && is_one_word) || is_switch || is_source
}

/// `scheme://somebody:secret@host`
fn addresses(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        kept.push_str(before);
        let end = after.find(|c: char| "/?#\"'<>".contains(c) || c.is_whitespace()).unwrap_or(after.len());
        let is_web = before.ends_with("http://") || before.ends_with("https://");
        rest = match after[..end].rfind('@') {
            Some(host) if is_web || after[..host].contains(':') => {
                kept.push_str(MARK);
                &after[host..]
            }
            _ => after,
        };
    }
    kept.push_str(rest);
    kept
}

/// Hashes of passwords, and tokens that are recognised by how they begin or by their length.
fn words(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(is_of_word) {
        let (before, after) = rest.split_at(start);
        let end = after.find(|c: char| !is_of_word(c)).unwrap_or(after.len());
        kept.push_str(before);
        kept.push_str(&word(&after[..end]));
        rest = &after[end..];
    }
    kept.push_str(rest);
    kept
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "$./+=_-%{}".contains(c)
}

fn word(word: &str) -> Cow<'_, str> {
    let is_hash = word.match_indices('$').any(|(at, _)| is_password_hash(&word[at..]))
        || SCHEMES.iter().any(|scheme| word.contains(scheme));
    let is_token = TOKENS
        .iter()
        .any(|prefix| word.find(prefix).is_some_and(|at| word.len() - at >= prefix.len() + MIN_TOKEN));
    // A public key of SSH begins with its own type's length.
    let is_long = word.len() >= MIN_LONG
        && !word.starts_with("AAAA")
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=%".contains(&byte));
    if is_hash || is_token || is_long { Cow::Borrowed(MARK) } else { Cow::Borrowed(word) }
}

/// `$6$salt$hash`, crypt(5).
fn is_password_hash(word: &str) -> bool {
    let mut parts = word.split('$').skip(1);
    let is_id = parts.next().is_some_and(|id| {
        (1..=12).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    is_id && parts.clone().count() >= 1 && parts.map(str::len).sum::<usize>() >= MIN_HASH
}

/// Stands for what was taken out. The same for every secret: whatever it told of one could be tried.
pub(super) const MARK: &str = "[secret]";

/// How the name of a secret ends.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "_pass",
    "-pass",
    "secret",
    "token",
    "key",
    "psk",
    "credential",
    "credentials",
    "authorization",
    "community",
    "cookie",
    "salt",
];
const SPACED: &[&str] =
    &["password", "passwd", "passphrase", "secret", "token", "psk", "rocommunity", "rwcommunity", "bindpw"];
const PAM: &[&str] = &["required", "requisite", "sufficient", "optional", "include", "substack"];
const SWITCHES: &[&str] =
    &["yes", "no", "true", "false", "on", "off", "none", "null", "ask", "disabled", "enabled"];
const SOURCES: &[&str] = &[
    "files",
    "systemd",
    "sss",
    "ldap",
    "nis",
    "compat",
    "db",
    "winbind",
    "altfiles",
    "mymachines",
    "extrausers",
];
/// RFC 2307 and its followers.
const SCHEMES: &[&str] = &["{SSHA}", "{SHA}", "{SSHA256}", "{SSHA512}", "{CRYPT}", "{MD5}", "{SMD5}"];
/// GitHub, GitLab, Slack, Stripe, Google, Vault, npm, PyPI, and JSON web tokens.
const TOKENS: &[&str] = &[
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "sk_live_",
    "rk_live_",
    "AIza",
    "ya29.",
    "hvs.",
    "npm_",
    "pypi-",
    "eyJ",
];
const MIN_TOKEN: usize = 12;
/// The hashes of crypt(5) have thirteen characters and more.
const MIN_HASH: usize = 12;
/// Lines of a certificate have sixty-four, session tokens several hundred.
const MIN_LONG: usize = 100;
