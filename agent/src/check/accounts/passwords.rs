//! Passwords: accounts that need none, hashes that can be guessed, and who can log in with one.

use super::subject;
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::Facts;
use crate::host::accounts::hash::SHA_ROUNDS;
use crate::host::accounts::{Credential, PASSWD, Password, Scheme};

pub(super) const EMPTY: Check = Check {
    id: "accounts-empty-password",
    title: "No account has an empty password",
    why: "Whoever knows the name of such an account is in: at the console, through su, and over ssh where empty \
          passwords are allowed. No guessing is needed and nothing fails that could be logged.",
    severity: Severity::Critical,
    controls: &[
        "CIS-AL2023:6.2.2",
        "CIS-Debian12:7.2.2",
        "CIS-Ubuntu22.04:7.2.2",
        "CIS-Ubuntu24.04:7.2.2",
        "NIST-800-53:IA-5",
    ],
    remediation: "Lock the account (passwd -l NAME) or set a password (passwd NAME).",
    parameters: &[],
    evaluate: empty,
};

pub(super) const WEAK_HASH: Check = Check {
    id: "accounts-weak-password-hash",
    title: "Passwords are hashed so that guessing is slow",
    why: "Whoever gets hold of a copy of the hashes, from a backup or an image, can try passwords at leisure. \
          Against DES and MD5 one graphics card tries billions a second; yescrypt or SHA-512 make each try dear.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:4.5.4",
        "CIS-Debian12:5.4.1.4",
        "CIS-Ubuntu22.04:5.4.1.4",
        "CIS-Ubuntu24.04:5.4.1.4",
        "NIST-800-53:SC-13",
    ],
    remediation: "Set ENCRYPT_METHOD YESCRYPT (or SHA512) in /etc/login.defs and the same in the pam_unix line, \
                  then set the password anew (passwd NAME) or lock the account (passwd -l NAME).",
    parameters: &[],
    evaluate: weak_hash,
};

pub(super) const LOGIN: Check = Check {
    id: "accounts-password-login",
    title: "No account can be logged in to with a password",
    why: "A password can be guessed, shared and reused; a key or Session Manager cannot. On EC2 nobody needs one: \
          an account with a password is a way in that no instance role and no key pair controls.",
    severity: Severity::Medium,
    controls: &["AWS-WA:SEC06-BP03", "NCSC:10", "NIST-800-53:IA-2"],
    remediation: "Make sure that the owner has another way in (a key, Session Manager), then: passwd -l NAME",
    parameters: &[],
    evaluate: login,
};

pub(super) const UNSHADOWED: Check = Check {
    id: "accounts-unshadowed-password",
    title: "No password hash stands in /etc/passwd",
    why: "Every account and every service can read /etc/passwd, so a hash in it is a hash for everybody to crack. \
          shadow(5) exists to keep hashes where only root can read them.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:6.2.1",
        "CIS-Debian12:7.2.1",
        "CIS-Ubuntu22.04:7.2.1",
        "CIS-Ubuntu24.04:7.2.1",
        "NIST-800-53:IA-5",
    ],
    remediation: "Move the hashes to /etc/shadow: pwconv. Then change the passwords: they were readable by all.",
    parameters: &[],
    evaluate: unshadowed,
};

/// One outcome for each account that `judge` objects to, or one pass.
fn each(facts: &Facts, judge: impl Fn(&Credential<'_>) -> Option<Outcome>) -> Vec<Outcome> {
    let credentials = match facts.accounts.passwords() {
        Ok(credentials) => credentials,
        Err(cause) => return vec![Outcome::unreadable("accounts", cause)],
    };
    let found: Vec<Outcome> = credentials.iter().filter_map(judge).collect();
    if found.is_empty() { vec![Outcome::pass("accounts")] } else { found }
}

fn evidence(credential: &Credential<'_>, observed: &str, expected: &str) -> Evidence {
    let (file, line) = credential.place();
    Evidence::new(Source::line(file, line), observed, expected)
}

fn empty(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    each(facts, |credential| {
        let user = credential.user;
        (credential.password == Password::Empty).then(|| {
            let headline = format!("{} needs no password to log in", Text::from_bytes(&user.name));
            let severity = if user.has_login_shell() { Severity::Critical } else { Severity::High };
            Outcome::fail(subject(&user.name), headline).at(severity).with(evidence(
                credential,
                "an empty password field",
                "a hash, or ! for a locked account",
            ))
        })
    })
}

fn weak_hash(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    each(facts, |credential| {
        let (scheme, locked) = match credential.password {
            Password::Usable(scheme) => (scheme, false),
            // A locked hash comes back to life with passwd -u, and can be cracked as it is.
            Password::Locked { behind: Some(scheme) } => (scheme, true),
            _ => return None,
        };
        let severity = weakness(scheme)?;
        let name = Text::from_bytes(&credential.user.name);
        let headline = format!("The password of {name} is hashed with {scheme}, which is cheap to guess");
        let observed = if locked { format!("{scheme}, locked") } else { scheme.to_string() };
        Some(
            Outcome::fail(subject(&credential.user.name), headline)
                .at(if locked { Severity::Low } else { severity })
                .with(evidence(credential, &observed, "yescrypt or SHA-512")),
        )
    })
}

fn weakness(scheme: Scheme) -> Option<Severity> {
    match scheme {
        Scheme::Bigcrypt
        | Scheme::BsdiDes
        | Scheme::Des
        | Scheme::Md5
        | Scheme::NtHash
        | Scheme::Sha1
        | Scheme::SunMd5 => Some(Severity::High),
        // 2x keeps a defect of an early implementation that lets many passwords share a hash.
        Scheme::Bcrypt { variant: b'x', .. } => Some(Severity::High),
        Scheme::Bcrypt { cost, .. } => (cost < LEAST_BCRYPT_COST).then_some(Severity::Medium),
        Scheme::Sha256 { rounds } | Scheme::Sha512 { rounds } => {
            (rounds < SHA_ROUNDS).then_some(Severity::Medium)
        }
        Scheme::GostYescrypt | Scheme::Scrypt | Scheme::Yescrypt => None,
    }
}

fn login(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let today = facts.now.as_second().div_euclid(SECONDS_PER_DAY);
    each(facts, |credential| {
        let user = credential.user;
        let can = credential.password.is_usable() && user.has_login_shell() && !credential.has_expired(today);
        can.then(|| {
            let name = Text::from_bytes(&user.name);
            let shell = Text::from_bytes(std::os::unix::ffi::OsStrExt::as_bytes(user.shell.as_os_str()));
            let shell = if shell.as_str().is_empty() { Text::new("/bin/sh") } else { shell };
            let observed = format!("a usable password and the shell {shell}");
            Outcome::fail(subject(&user.name), format!("{name} can log in with a password")).with(evidence(
                credential,
                &observed,
                "a locked password, or a shell that refuses",
            ))
        })
    })
}

fn unshadowed(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    // passwd(5) alone decides, so this can be answered without leave to read shadow(5).
    let users = match &facts.accounts.users {
        Ok(users) => users,
        Err(cause) => return vec![Outcome::unreadable("accounts", cause)],
    };
    let found: Vec<Outcome> = users
        .iter()
        .filter_map(|user| {
            let (Password::Usable(scheme) | Password::Locked { behind: Some(scheme) }) =
                Password::of(&user.password)
            else {
                return None;
            };
            let name = Text::from_bytes(&user.name);
            let headline = format!("everybody on this machine can read the password hash of {name}");
            let observed = format!("a {scheme} hash in the second field");
            Some(Outcome::fail(subject(&user.name), headline).with(Evidence::new(
                Source::line(PASSWD, user.line),
                observed,
                "x",
            )))
        })
        .collect();
    if found.is_empty() { vec![Outcome::pass("accounts")] } else { found }
}

/// 2^8 rounds: what a small machine did in a tenth of a second fifteen years ago.
const LEAST_BCRYPT_COST: u32 = 8;
const SECONDS_PER_DAY: i64 = 86_400;
