//! Passwords and tokens in the addresses of Git remotes: `url = https://somebody:secret@host/…`.

use std::path::{Path, PathBuf};

use crate::host::Text;

/// A remote whose address holds a password; which one is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    pub path: PathBuf,
    pub line: usize,
    /// The host, and never what stands before the `@`.
    pub host: Text,
    pub is_public: bool,
}

impl Remote {
    pub(super) fn of<'a>(path: &'a Path, bytes: &'a [u8]) -> impl Iterator<Item = Self> + use<'a> {
        bytes.split(|&byte| byte == b'\n').enumerate().filter_map(|(index, line)| {
            let host = host_behind_password(value(line)?)?;
            Some(Self { path: path.to_owned(), line: index + 1, host, is_public: false })
        })
    }
}

/// The value of a `url` or `pushurl` line (git-config(1)), without quotes.
fn value(line: &[u8]) -> Option<&[u8]> {
    let equals = line.iter().position(|&byte| byte == b'=')?;
    let name = line[..equals].trim_ascii();
    let is_address = name.eq_ignore_ascii_case(b"url") || name.eq_ignore_ascii_case(b"pushurl");
    let value = line[equals + 1..].trim_ascii();
    is_address.then(|| value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
}

fn host_behind_password(address: &[u8]) -> Option<Text> {
    let rest = address.strip_prefix(b"https://").or_else(|| address.strip_prefix(b"http://"))?;
    let authority = rest.split(|&byte| matches!(byte, b'/' | b'?' | b'#')).next()?;
    let at = authority.iter().rposition(|&byte| byte == b'@')?;
    let (user, host) = (&authority[..at], &authority[at + 1..]);
    let colon = user.iter().position(|&byte| byte == b':')?;
    // GitHub takes a token in the name's place: https://TOKEN:x-oauth-basic@…
    let password = match &user[colon + 1..] {
        b"x-oauth-basic" => &user[..colon],
        password => password,
    };
    let is_variable = password.starts_with(b"$") || password.starts_with(b"%24");
    (password.len() >= MIN_PASSWORD && !is_variable).then(|| Text::from_bytes_within(host, MAX_HOST))
}

/// Shorter is a placeholder or nothing at all.
const MIN_PASSWORD: usize = 4;
/// RFC 1035.
const MAX_HOST: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hosts(text: &str) -> Vec<String> {
        Remote::of(Path::new("/x/.git/config"), text.as_bytes())
            .map(|remote| remote.host.to_string())
            .collect()
    }

    #[test]
    fn a_password_in_an_address_is_found_and_its_host_told() {
        assert_eq!(
            hosts("[remote \"o\"]\n\turl = https://bob:correct-horse@git.example/x.git\n"),
            ["git.example"]
        );
        assert_eq!(
            hosts("pushurl=\"http://ghp_abcdef:x-oauth-basic@git.example:8443/x\"\r\n"),
            ["git.example:8443"]
        );
    }

    #[test]
    fn a_name_alone_a_variable_and_ssh_are_none() {
        for url in
            ["https://bob@h/x", "git@h:x/y.git", "ssh://git:x@h/y", "https://u:$TOKEN@h/x", "https://h/a:b@c"]
        {
            assert!(hosts(&format!("url = {url}\n")).is_empty(), "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in "(url ?= ?|https://|[a-z:@/#$%\"\n]){0,30}") {
            hosts(&bytes);
        }
    }
}
