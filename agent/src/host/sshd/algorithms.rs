//! Algorithm lists: what sshd offers when nobody says otherwise, and what `+`, `-` and `^` make of it.

use super::Version;
use super::pattern;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Cipher,
    Mac,
    Kex,
    /// Key exchange by Kerberos, a patch of Debian and Red Hat.
    GssKex,
    /// Host keys and users' keys.
    Key,
    /// What a certificate authority may sign with.
    Signature,
}

/// Whether sshd takes the list as written.
pub(super) fn is_valid(family: Family, written: &str, version: Version) -> bool {
    if written.starts_with('-') {
        return true;
    }
    let names = written.strip_prefix(['+', '^']).unwrap_or(written);
    if names.is_empty() || names.starts_with(',') {
        return false;
    }
    // sshd stops looking at an empty name.
    names.split(',').take_while(|name| !name.is_empty()).all(|name| is_known(name, family, version))
}

fn is_known(name: &str, family: Family, version: Version) -> bool {
    // Whether a name is one at all is asked of all key types; what it selects, only of those that can sign.
    let known = known(if family == Family::Signature { Family::Key } else { family }, version);
    if known.contains(&name) {
        return true;
    }
    if family == Family::GssKex {
        // What follows names the mechanism.
        return known.iter().any(|known| name.starts_with(known));
    }
    let said_of = |known: &&str| pattern::list(name.as_bytes(), known.as_bytes()) != pattern::Match::No;
    // For keys there are short names, and a wildcard will do that says something about any type.
    matches!(family, Family::Key | Family::Signature)
        && (SHORT_NAMES.iter().any(|short| short.eq_ignore_ascii_case(name)) || known.iter().any(said_of))
}

/// The list in force; `None` where sshd gives up ("kex_assemble_names failed").
pub(super) fn assemble(
    family: Family,
    written: &str,
    default: &[&str],
    version: Version,
) -> Option<Vec<String>> {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    if written.is_empty() {
        return Some(owned(default));
    }
    if family == Family::GssKex {
        return Some(written.split(',').map(str::to_owned).collect());
    }
    if let Some(removed) = written.strip_prefix('-') {
        let kept = |name: &&&str| pattern::list(removed.as_bytes(), name.as_bytes()) != pattern::Match::Yes;
        return Some(default.iter().filter(kept).map(|&name| name.to_owned()).collect());
    }
    let wanted: Vec<&str> = if let Some(added) = written.strip_prefix('+') {
        default.iter().copied().chain(added.split(',')).collect()
    } else if let Some(first) = written.strip_prefix('^') {
        first.split(',').chain(default.iter().copied()).collect()
    } else {
        written.split(',').collect()
    };
    let known = known(family, version);
    let mut list: Vec<String> = Vec::new();
    for entry in wanted {
        if entry.starts_with('!') {
            return None;
        }
        for name in &known {
            let matched = pattern::list(entry.as_bytes(), name.as_bytes()) == pattern::Match::Yes;
            if matched && !list.iter().any(|present| present == name) {
                list.push((*name).to_owned());
            }
        }
    }
    (!list.is_empty()).then_some(list)
}

/// The names that a release knows, in the order in which wildcards find them.
fn known(family: Family, version: Version) -> Vec<&'static str> {
    let (now, gone): (&[&str], &[&str]) = match family {
        Family::Cipher => (CIPHERS, OLD_CIPHERS),
        Family::Mac => (MACS, OLD_MACS),
        Family::Kex => (KEX, &[]),
        Family::GssKex => (GSS_KEX, &[]),
        Family::Key | Family::Signature => (KEYS, &[]),
    };
    let mut known = now.to_vec();
    if version < Version::new(7, 6) {
        known.extend(gone);
    }
    if family == Family::Signature {
        known.retain(|name| !name.contains("-cert-"));
    }
    if family == Family::Kex && version >= Version::new(9, 9) {
        known.push("mlkem768x25519-sha256");
    }
    if version >= Version::new(10, 0) {
        known.retain(|name| !name.starts_with("ssh-dss"));
    }
    known
}

/// The compiled-in list of a release.
pub(super) fn default(name: &str, version: Version) -> Vec<&'static str> {
    let at_least = |major, minor| version >= Version::new(major, minor);
    match name {
        "Ciphers" if at_least(10, 0) => vec![
            "chacha20-poly1305@openssh.com",
            "aes128-gcm@openssh.com",
            "aes256-gcm@openssh.com",
            "aes128-ctr",
            "aes192-ctr",
            "aes256-ctr",
        ],
        "Ciphers" => vec![
            "chacha20-poly1305@openssh.com",
            "aes128-ctr",
            "aes192-ctr",
            "aes256-ctr",
            "aes128-gcm@openssh.com",
            "aes256-gcm@openssh.com",
        ],
        "MACs" => vec![
            "umac-64-etm@openssh.com",
            "umac-128-etm@openssh.com",
            "hmac-sha2-256-etm@openssh.com",
            "hmac-sha2-512-etm@openssh.com",
            "hmac-sha1-etm@openssh.com",
            "umac-64@openssh.com",
            "umac-128@openssh.com",
            "hmac-sha2-256",
            "hmac-sha2-512",
            "hmac-sha1",
        ],
        "KexAlgorithms" => kex_default(version),
        "GSSAPIKexAlgorithms" => GSS_KEX[..6].to_vec(),
        "CASignatureAlgorithms" => {
            let mut list = PLAIN_KEYS.to_vec();
            if !at_least(8, 2) {
                list.retain(|name| !name.starts_with("sk-"));
                list.push("ssh-rsa");
            }
            list
        }
        _ => {
            let mut list: Vec<&str> = CERTIFICATES.iter().chain(PLAIN_KEYS).copied().collect();
            if !at_least(8, 8) {
                list.insert(8, "ssh-rsa-cert-v01@openssh.com");
                list.push("ssh-rsa");
            }
            if !at_least(8, 2) {
                list.retain(|name| !name.starts_with("sk-"));
            }
            list
        }
    }
}

fn kex_default(version: Version) -> Vec<&'static str> {
    let at_least = |major, minor| version >= Version::new(major, minor);
    let mut list = Vec::new();
    if at_least(10, 0) {
        list.push("mlkem768x25519-sha256");
    }
    if at_least(9, 9) {
        list.push("sntrup761x25519-sha512");
    }
    if at_least(9, 0) {
        list.push("sntrup761x25519-sha512@openssh.com");
    }
    if at_least(9, 9) && !at_least(10, 0) {
        list.push("mlkem768x25519-sha256");
    }
    list.extend(["curve25519-sha256", "curve25519-sha256@libssh.org"]);
    list.extend(["ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"]);
    if !at_least(10, 0) {
        list.extend(["diffie-hellman-group-exchange-sha256", "diffie-hellman-group16-sha512"]);
        list.extend(["diffie-hellman-group18-sha512", "diffie-hellman-group14-sha256"]);
    }
    if !at_least(8, 0) {
        list.push("diffie-hellman-group14-sha1");
    }
    list
}

const CIPHERS: &[&str] = &[
    "3des-cbc",
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
];
/// Gone with 7.6.
const OLD_CIPHERS: &[&str] =
    &["arcfour", "arcfour128", "arcfour256", "blowfish-cbc", "cast128-cbc", "rijndael-cbc@lysator.liu.se"];
/// Gone with 7.6.
const OLD_MACS: &[&str] = &["hmac-ripemd160", "hmac-ripemd160@openssh.com", "hmac-ripemd160-etm@openssh.com"];
const MACS: &[&str] = &[
    "hmac-sha1",
    "hmac-sha1-96",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-md5",
    "hmac-md5-96",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "hmac-sha1-96-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-md5-etm@openssh.com",
    "hmac-md5-96-etm@openssh.com",
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
];
const KEX: &[&str] = &[
    "diffie-hellman-group1-sha1",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group-exchange-sha256",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
];
const GSS_KEX: &[&str] = &[
    "gss-group14-sha256-",
    "gss-group16-sha512-",
    "gss-nistp256-sha256-",
    "gss-curve25519-sha256-",
    "gss-group14-sha1-",
    "gss-gex-sha1-",
    "gss-group1-sha1-",
];
const KEYS: &[&str] = &[
    "ssh-ed25519",
    "ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-dss",
    "ssh-dss-cert-v01@openssh.com",
    "ssh-rsa",
    "ssh-rsa-cert-v01@openssh.com",
    "rsa-sha2-256",
    "rsa-sha2-256-cert-v01@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-512-cert-v01@openssh.com",
];
const SHORT_NAMES: &[&str] = &["ED25519", "ED25519-SK", "ECDSA", "ECDSA-SK", "DSA", "RSA"];
const CERTIFICATES: &[&str] = &[
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
];
const PLAIN_KEYS: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
];
