//! What counts as told: the digest of a matter, and what passes by itself and so is no part of it.
//!
//! A process has another number after every restart, an age is another at every look. If these counted, each look would
//! tell everything anew, and whoever reads the records would soon stop. So the number of a process never counts, and
//! for the checks in [`PASSING`] neither do the phrases that are named there.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::Key;
use crate::finding::wire::base64url;
use crate::finding::wire::body::{Told, badness, subject};
use crate::finding::{Evidence, Finding, Suppressed, Text, Verdict};

/// All that one posture says about one subject of one check.
#[derive(Debug)]
pub(super) struct Matter<'a> {
    /// The finding that stands for all of them: the first of the worst verdict.
    pub(super) lead: &'a Finding,
    all: Vec<&'a Finding>,
    pub(super) digest: String,
}

pub(super) fn matters(findings: &[Finding]) -> BTreeMap<Key, Matter<'_>> {
    let mut groups: BTreeMap<Key, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        let key = Key { check: Told::new(finding.check), subject: subject(finding.subject.as_str()) };
        groups.entry(key).or_default().push(finding);
    }
    groups.into_iter().filter_map(|(key, all)| Some((key, Matter::of(all)?))).collect()
}

impl<'a> Matter<'a> {
    fn of(all: Vec<&'a Finding>) -> Option<Self> {
        // The last of equals is the first of the posture.
        let lead = all.iter().rev().copied().max_by_key(|finding| badness(finding.verdict))?;
        let digest = digest(&all);
        Some(Self { lead, all, digest })
    }

    /// Whether it fails, or nobody could look.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.lead.verdict, Verdict::Fail | Verdict::Unknown)
    }

    /// Whether something about it could not be seen.
    pub(super) fn is_unsure(&self) -> bool {
        self.all.iter().any(|finding| finding.verdict == Verdict::Unknown)
    }

    pub(super) fn evidence(&self) -> impl Iterator<Item = &'a Evidence> {
        let verdict = self.lead.verdict;
        self.all
            .iter()
            .filter(move |finding| finding.verdict == verdict)
            .flat_map(|finding| &finding.evidence)
    }
}

/// The same for what is told in the same words, whichever order they come in.
fn digest(findings: &[&Finding]) -> String {
    let said: BTreeSet<String> = findings.iter().map(|finding| of_one(finding)).collect();
    hash(&said.iter().map(String::as_str).collect::<Vec<_>>())
}

fn of_one(finding: &Finding) -> String {
    let lasting = |text: &Text| lasting(finding.check, text.as_str());
    let optional = |text: Option<&Text>| text.map_or_else(String::new, |text| format!("={}", lasting(text)));
    // A set: workers that come and go hold the same socket, or run the same old library.
    let evidence: BTreeSet<String> = finding
        .evidence
        .iter()
        .map(|evidence| {
            let exact = evidence.source.exact_path().unwrap_or_default();
            let source = without_pids(evidence.source.text().as_str());
            let (observed, witness) = (lasting(&evidence.observed), optional(evidence.witness.as_ref()));
            // What is expected is the operator's choice and never passes by itself.
            hash(&[&source, &base64url(exact), &observed, evidence.expected.as_str(), &witness])
        })
        .collect();
    let evidence: Vec<&str> = evidence.iter().map(String::as_str).collect();
    hash(&[
        finding.verdict.name(),
        finding.severity.name(),
        &lasting(&finding.title),
        &optional(finding.reason.as_ref()),
        &finding.suppressed.as_ref().map_or_else(String::new, decision),
        &hash(&evidence),
    ])
}

fn decision(suppressed: &Suppressed) -> String {
    let Suppressed { who, why, until, expired } = suppressed;
    hash(&[who.as_str(), why.as_str(), until, if *expired { "expired" } else { "in force" }])
}

/// Sixteen characters. Lengths keep the parts apart.
pub(super) fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    base64url(hash.finalize().get(..DIGEST_BYTES).unwrap_or_default())
}

/// A text without what passes by itself.
fn lasting(check: &str, text: &str) -> String {
    let text = without_pids(text);
    let Some(passing) = PASSING.iter().find(|passing| passing.check == check) else { return text };
    let mut text = without_numbers(&text);
    for phrase in passing.phrases {
        text = text.replace(phrase, "");
    }
    text
}

/// `/proc/4711/exe` and `pid 4711` name a process for as long as it lives.
fn without_pids(text: &str) -> String {
    let mut rest = text;
    let mut lasting = String::with_capacity(text.len());
    while let Some((at, name)) = NAMES_OF_PIDS.iter().filter_map(|name| Some((rest.find(name)?, name))).min()
    {
        let (before, after) = rest.split_at(at + name.len());
        let behind = after.trim_start_matches(|c: char| c.is_ascii_digit());
        lasting.push_str(before);
        if behind.len() < after.len() {
            lasting.push('#');
        }
        rest = behind;
    }
    lasting + rest
}

/// Numbers that are words of their own: `3` in "3 others", and none in "libssl3" or "6.1.0".
fn without_numbers(text: &str) -> String {
    let is_number = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    let words = text.split(' ').map(|word| {
        let bare = word.trim_end_matches([',', ':', ';', '.']);
        if is_number(bare) { format!("#{}", &word[bare.len()..]) } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

const NAMES_OF_PIDS: &[&str] = &["/proc/", "pid "];

/// A check that says something which is another at the next look, though nothing happened.
#[derive(Debug)]
pub struct Passing {
    pub check: &'static str,
    pub why: &'static str,
    /// What does not count, with # for each number.
    phrases: &'static [&'static str],
}

/// Every check that does so. Other phrases of these checks lose their bare numbers and no more.
pub const PASSING: &[Passing] = &[
    Passing {
        check: "packages-restart",
        why: "workers come and go, and so does the number of all processes",
        phrases: &[" and # others", "# of # processes could not be looked into: "],
    },
    Passing {
        check: "credentials-environment",
        why: "processes of one name come and go",
        phrases: &[", and in # more processes of that name", ", and # more of # processes"],
    },
    Passing {
        check: "services-auto-update-timers",
        why: "time passes",
        phrases: &["# hours", "# days", "# day"],
    },
];

/// No two matters meet by chance, and whoever names files cannot make two meet in reasonable time.
const DIGEST_BYTES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_process_does_not_count() {
        same("x", "nginx, pid 17, nginx.service", "nginx, pid 4711, nginx.service");
        same("x", "cannot read /proc/17/maps: denied", "cannot read /proc/4711/maps: denied");
        same("x", "pid 1", "pid 2");
        differ("x", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/ip_forward");
        differ("x", "port 80", "port 81");
        assert_eq!(without_pids("/proc/1/fd, pid 2 of /proc/, pid x"), "/proc/#/fd, pid # of /proc/, pid x");
    }

    #[test]
    fn how_many_workers_run_old_code_does_not_count_and_which_code_does() {
        let of = |who: &str, file: &str| format!("package libssl3: {who} runs the old {file}");
        let check = "packages-restart";
        same(
            check,
            &of("pid 17", "/usr/lib/libssl.so.3"),
            &of("pid 18 and 3 others", "/usr/lib/libssl.so.3"),
        );
        differ(check, &of("pid 17", "/usr/lib/libssl.so.3"), &of("pid 17", "/usr/lib/libssl.so.1"));
        differ(check, "package libssl3: x", "package libssl1: x");
        let hidden = "cannot read /proc/9/maps: permission denied";
        same(check, hidden, &format!("3 of 241 processes could not be looked into: {hidden}"));
    }

    #[test]
    fn how_many_processes_carry_a_key_does_not_count_and_which_key_does() {
        let check = "credentials-environment";
        let key = "AKIA…1 with its secret, fingerprint 12";
        same(check, key, &format!("{key}, and in 3 more processes of that name"));
        differ(check, key, &key.replace("…1", "…2"));
        same(check, "denied", "denied, and 5 more of 241 processes");
    }

    #[test]
    fn an_age_does_not_count_and_that_there_is_none_does() {
        let check = "services-auto-update-timers";
        same(check, "23 hours ago", "1 day ago");
        same(check, "8 days ago", "9 days ago");
        differ(check, "8 days ago", "it never went off");
        differ(
            "ssh-login-grace",
            "A stranger may hold a connection for 120 seconds",
            "A stranger may hold a connection for 600 seconds",
        );
    }

    #[track_caller]
    fn same(check: &str, one: &str, other: &str) {
        assert_eq!(lasting(check, one), lasting(check, other));
    }

    #[track_caller]
    fn differ(check: &str, one: &str, other: &str) {
        assert_ne!(lasting(check, one), lasting(check, other));
    }
}
