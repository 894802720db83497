//! The keys that open accounts, one verdict an account.

use std::collections::BTreeMap;
use std::path::Path;

use super::{RSA_BITS, owner_and_mode, told_as, unless_elsewhere, weakness, without_daemon};
use crate::check::Thresholds;
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::accounts::{Accounts, User};
use crate::host::ssh_keys::authorized::{AuthorizedKey, Options};
use crate::host::ssh_keys::{AccountKeys, KeyFile};
use crate::host::{Facts, Meta, Unreadable};

pub(super) fn evaluate(facts: &Facts, thresholds: &Thresholds<'_>) -> Vec<Outcome> {
    if let Some(outcome) = without_daemon(facts) {
        return vec![outcome];
    }
    let accounts = match &facts.ssh_keys.accounts {
        Ok(accounts) => accounts,
        Err(cause) => return vec![Outcome::unreadable("accounts", cause)],
    };
    let look = Look { facts, rsa_floor: thresholds.value(RSA_BITS.name), holders: holders(accounts) };
    let outcomes = accounts.iter().flat_map(|account| look.at(account)).collect();
    unless_elsewhere(facts, "accounts", outcomes)
}

/// Which accounts each key opens, by fingerprint.
type Holders<'a> = BTreeMap<&'a str, Vec<&'a [u8]>>;

fn holders(accounts: &[AccountKeys]) -> Holders<'_> {
    let mut holders = Holders::new();
    for account in accounts {
        for key in account.files.iter().filter_map(|file| file.keys.as_ref().ok()).flatten() {
            // cloud-init puts the first user's key into root's file too, where it opens nothing.
            if !only_sends_away(&key.options) {
                let users = holders.entry(&key.key.fingerprint).or_default();
                if !users.contains(&account.user.as_slice()) {
                    users.push(&account.user);
                }
            }
        }
    }
    holders
}

struct Look<'a> {
    facts: &'a Facts,
    rsa_floor: u64,
    holders: Holders<'a>,
}

/// One thing that is wrong with an account's keys.
struct Defect {
    severity: Severity,
    /// Completes "NAME …".
    sentence: &'static str,
    evidence: Evidence,
}

impl Look<'_> {
    fn at(&self, account: &AccountKeys) -> Vec<Outcome> {
        // Most accounts have no keys, and looking up all of them would take quadratic time.
        if account.files.is_empty() {
            return Vec::new();
        }
        let Some(user) = self.facts.accounts.user(&account.user) else { return Vec::new() };
        let subject = format!("user:{}", Text::from_bytes(&user.name));
        let mut outcomes = Vec::new();
        let mut defects = Vec::new();
        for file in &account.files {
            match &file.keys {
                Ok(keys) => keys.iter().for_each(|key| self.judge_key(user, key, &mut defects)),
                Err(cause) => outcomes.push(Outcome::unreadable(subject.as_str(), cause)),
            }
            match self.place_defects(user, &account.home, file) {
                // A home that others can write is on the way to both of its files.
                Ok(places) => {
                    for place in places {
                        if !defects.iter().any(|known: &Defect| known.evidence == place.evidence) {
                            defects.push(place);
                        }
                    }
                }
                // A file that cannot be read is told once.
                Err(cause) if file.keys.is_ok() => {
                    outcomes.push(Outcome::unreadable(subject.as_str(), &cause));
                }
                Err(_) => {}
            }
            defects.extend(file.defects.iter().map(unparsable));
        }
        // Stable: among equals, the first in the file is the headline.
        defects.sort_by_key(|defect| std::cmp::Reverse(defect.severity));
        if let Some(worst) = defects.first() {
            let headline = headline(user, worst.sentence, defects.len());
            let failure = Outcome::fail(subject, headline).at(worst.severity);
            outcomes.push(failure.with_all(defects.into_iter().map(|defect| defect.evidence)));
        }
        outcomes
    }

    fn judge_key(&self, user: &User, key: &AuthorizedKey, defects: &mut Vec<Defect>) {
        let mut complain = |severity, sentence, observed: &str, expected: &str| {
            let observed =
                if observed.is_empty() { key.key.to_string() } else { format!("{}: {observed}", key.key) };
            let evidence = Evidence::new(Source::line(&key.file, key.line), observed, expected);
            defects.push(Defect { severity, sentence, evidence });
        };
        if let Some(expected) = weakness(&key.key, self.rsa_floor) {
            complain(Severity::High, "is opened by a weak key", "", &expected);
        }
        if user.uid == 0 && !is_confined(&key.options) && !root_is_shut_out(self.facts) {
            let expected = "no key for root, or one with a forced command";
            complain(Severity::High, "is opened by a key without limits", "no forced command", expected);
        }
        if key.options.expires.is_some_and(|expires| expires < self.facts.now) {
            complain(
                Severity::Low,
                "keeps a key that has expired",
                "expiry-time has passed",
                "the line removed",
            );
        }
        if !key.options.environment.is_empty() {
            let names: Vec<&str> = key.options.environment.iter().map(Text::as_str).collect();
            let observed = format!("environment= sets {}", names.join(", "));
            complain(
                Severity::Low,
                "has a key that sets the environment of its login",
                &observed,
                "no environment=",
            );
        }
        if cannot_log_in(user) {
            let observed = format!("shell {}", Text::from_bytes(user.shell.as_os_str().as_encoded_bytes()));
            let expected = "no keys for an account without a login shell (they still forward ports)";
            complain(Severity::Low, "has a key though it has no login shell", &observed, expected);
        }
        let holders = self.holders.get(key.key.fingerprint.as_str());
        if let Some(others) = holders.filter(|users| users.len() > 1 && !only_sends_away(&key.options)) {
            let observed = format!("also opens {}", other_names(others, &user.name));
            complain(Severity::Low, "shares a key with another account", &observed, "a key for each account");
        }
    }

    /// The places on the way to a file of keys that somebody else could write, as sshd's StrictModes sees them:
    /// from the file up to the home, or up to the root for a file that is not in the home.
    fn place_defects(&self, user: &User, home: &Path, file: &KeyFile) -> Result<Vec<Defect>, Unreadable> {
        let trail = file.trail.as_ref().map_err(Clone::clone)?;
        let mut defects = Vec::new();
        for place in trail.places.iter().rev() {
            if !is_safe(&self.facts.accounts, user, &place.meta)? {
                defects.push(Defect {
                    severity: Severity::High,
                    sentence: "has its keys in a place that others can write",
                    evidence: Evidence::new(
                        Source::path(&place.path),
                        owner_and_mode(&place.meta),
                        format!("owner root or uid {}, not writable by others", user.uid),
                    ),
                });
            }
            if place.path == home {
                break;
            }
        }
        Ok(defects)
    }
}

/// Whether only root and the user can write. A group's right does no harm where the user is alone in the group,
/// which is how Debian and Red Hat make users; Debian's sshd accepts it for the same reason.
fn is_safe(accounts: &Accounts, user: &User, meta: &Meta) -> Result<bool, Unreadable> {
    if (meta.uid != 0 && meta.uid != user.uid) || meta.is_world_writable() {
        return Ok(false);
    }
    if !meta.is_group_writable() || meta.gid == 0 && only_root_is_in(accounts, 0)? {
        return Ok(true);
    }
    let users = accounts.users.as_ref().map_err(Clone::clone)?;
    let groups = accounts.groups.as_ref().map_err(Clone::clone)?;
    let primary: Vec<&User> = users.iter().filter(|other| other.gid == meta.gid).collect();
    let members: Vec<&Vec<u8>> =
        groups.iter().filter(|group| group.gid == meta.gid).flat_map(|group| &group.members).collect();
    let is_alone =
        primary.iter().all(|other| other.uid == user.uid) && members.iter().all(|name| **name == user.name);
    Ok(is_alone && !(primary.is_empty() && members.is_empty()))
}

fn only_root_is_in(accounts: &Accounts, gid: u32) -> Result<bool, Unreadable> {
    let users = accounts.users.as_ref().map_err(Clone::clone)?;
    let groups = accounts.groups.as_ref().map_err(Clone::clone)?;
    let by_name = |name: &Vec<u8>| users.iter().any(|user| user.name == *name && user.uid == 0);
    Ok(users.iter().all(|user| user.gid != gid || user.uid == 0)
        && groups.iter().filter(|group| group.gid == gid).flat_map(|group| &group.members).all(by_name))
}

fn unparsable(cause: &Unreadable) -> Defect {
    let line = match cause.cause {
        crate::host::Cause::Malformed { line, .. } => line,
        _ => 0,
    };
    Defect {
        severity: Severity::Low,
        sentence: "has a line among its keys that sshd skips",
        evidence: Evidence::new(Source::line(&cause.path, line), told_as(cause), "a key, or no line"),
    }
}

fn headline(user: &User, sentence: &str, count: usize) -> String {
    let name = Text::from_bytes(&user.name);
    match count {
        1 => format!("{name} {sentence}"),
        _ => format!("{name} {sentence} ({} more below)", count - 1),
    }
}

/// Whether a key can do no more than the command that it is tied to.
fn is_confined(options: &Options) -> bool {
    options.command.as_deref().is_some_and(|command| !runs_anything(command))
}

/// A forced command that is a shell, or runs what the client asked for, forces nothing.
fn runs_anything(command: &[u8]) -> bool {
    let command = command.trim_ascii();
    let first = command.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let name = first.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let is_bare_shell = SHELLS.contains(&name) && !command.windows(3).any(|part| part == b" -c");
    let runs_request = matches!(
        command,
        b"$SSH_ORIGINAL_COMMAND" | b"${SSH_ORIGINAL_COMMAND}" | b"\"$SSH_ORIGINAL_COMMAND\""
    ) || command.starts_with(b"eval ")
        || memchr::memmem::find(command, b"-c $SSH_ORIGINAL_COMMAND").is_some()
        || memchr::memmem::find(command, b"-c \"$SSH_ORIGINAL_COMMAND\"").is_some();
    command.is_empty() || is_bare_shell || runs_request
}

/// cloud-init's way to close root: the key is known, and told to come back under another name.
fn only_sends_away(options: &Options) -> bool {
    let asks = b"Please login as the user";
    options
        .command
        .as_deref()
        .is_some_and(|command| command.starts_with(b"echo ") && memchr::memmem::find(command, asks).is_some())
}

fn cannot_log_in(user: &User) -> bool {
    let name = user.shell.file_name().map(|name| name.as_encoded_bytes());
    matches!(name, Some(b"nologin" | b"false"))
}

/// Whether no key opens root's account, whoever connects from where.
fn root_is_shut_out(facts: &Facts) -> bool {
    const KEYWORD: &str = "PermitRootLogin";
    let Ok(Some(sshd)) = &facts.sshd else { return false };
    sshd.config
        .as_ref()
        .is_ok_and(|config| !config.varies(KEYWORD) && *config.outside_match().value(KEYWORD) == *b"no")
}

fn other_names(users: &[&[u8]], own: &[u8]) -> String {
    let mut names: Vec<String> = users
        .iter()
        .filter(|name| **name != own)
        .take(MAX_NAMES)
        .map(|name| Text::from_bytes(name).to_string())
        .collect();
    let others = users.len() - 1;
    if others > MAX_NAMES {
        names.push(format!("and {} more", others - MAX_NAMES));
    }
    names.join(", ")
}

const SHELLS: [&[u8]; 6] = [b"sh", b"bash", b"dash", b"ksh", b"zsh", b"fish"];
/// Enough to recognise a pattern; the other accounts have findings of their own.
const MAX_NAMES: usize = 5;
