//! Files that belong to nobody: to no account, or to no package.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::{SUBJECT, SYSTEM, bounded, is_below, pass_if_all_was_seen, shown, survey};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::files::Owned;

pub(super) const NO_OWNER: Check = Check {
    id: "files-no-owner",
    title: "Every file belongs to an account and a group that exist",
    why: "A file of an account that is gone falls to the next account that is given its number. Whoever gets it also \
          gets the files, and what the old account was trusted with.",
    severity: Severity::Low,
    controls: &[
        "CIS-AL2023:6.1.12",
        "CIS-Debian12:7.1.12",
        "CIS-Ubuntu22.04:7.1.12",
        "CIS-Ubuntu24.04:7.1.12",
        "NIST-800-53:AC-6",
        "NIST-800-53:AC-2",
        "NCSC:9",
    ],
    remediation: "find / -xdev \\( -nouser -o -nogroup \\) -ls, then chown OWNER:GROUP FILE, or remove what nobody needs.",
    parameters: &[],
    evaluate: no_owner,
};

pub(super) const UNPACKAGED_PROGRAMS: Check = Check {
    id: "files-unpackaged-programs",
    title: "The programs in the system's directories come from packages",
    why: "What somebody copied into /usr/bin or /usr/lib gets no updates and is removed by nobody, and a program of an \
          intruder looks like any other there. Software of one's own belongs into /usr/local or /opt.",
    severity: Severity::Low,
    controls: &["NIST-800-53:CM-7", "NIST-800-53:CM-8", "AWS-WA:SEC06-BP05", "NCSC:5"],
    remediation: "dpkg -S FILE says whether a package owns it by now. Install it as a package, or move it: \
                  mv FILE /usr/local/bin/. What nobody knows is worth a closer look: stat FILE, sha256sum FILE.",
    parameters: &[],
    evaluate: unpackaged_programs,
};

fn no_owner(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let (files, survey) = match survey(facts) {
        Ok(found) => found,
        Err(outcomes) => return outcomes,
    };
    let known =
        || Ok((facts.accounts.users.as_ref()?, facts.accounts.groups.as_ref()?, files.foreign_ids.as_ref()?));
    let (users, groups, foreign) = match known() {
        Ok(known) => known,
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    };
    let without =
        |owned: &BTreeMap<u32, Owned>, lent: &[RangeInclusive<u32>], exists: &dyn Fn(u32) -> bool| {
            let strange = |id: u32| !exists(id) && !lent.iter().any(|range| range.contains(&id));
            owned
                .iter()
                .filter(|(id, _)| strange(**id))
                .map(|(id, owned)| (*id, owned.clone()))
                .collect::<Vec<_>>()
        };
    let users = without(&survey.users, &foreign.users, &|id| users.iter().any(|user| user.uid == id));
    let groups = without(&survey.groups, &foreign.groups, &|id| groups.iter().any(|group| group.gid == id));
    if users.is_empty() && groups.is_empty() {
        return vec![pass_if_all_was_seen(survey)];
    }
    // Their accounts may be kept there, and we ask nobody over a network.
    if let Some(directory) = foreign.directories.first() {
        let reason = format!(
            "/etc/nsswitch.conf names '{directory}', which is not asked who has uid or gid {}",
            first(&users, &groups)
        );
        return vec![Outcome::unknown(SUBJECT, reason)];
    }
    let examples = || users.iter().chain(&groups).flat_map(|(_, owned)| &owned.examples);
    let severity =
        if examples().any(|path| is_below(path, SYSTEM)) { Severity::Medium } else { Severity::Low };
    let mut evidence = Vec::new();
    for (list, kind, word) in [(&users, "owner uid", "an account"), (&groups, "group gid", "a group")] {
        for (id, owned) in list {
            let more = match owned.count {
                1 => String::new(),
                count => format!(", and {} more of this id", count - 1),
            };
            let path = owned.examples.first().map_or(Path::new("/"), PathBuf::as_path);
            evidence.push(Evidence::new(
                Source::path(path),
                format!("{kind} {id}{more}"),
                format!("{word} that exists"),
            ));
        }
    }
    let count: u64 = users.iter().map(|(_, owned)| owned.count).sum();
    let headline = match users.first() {
        Some((id, _)) => format!("{count} files belong to accounts that do not exist, such as uid {id}"),
        None => format!("Files belong to groups that do not exist, such as gid {}", first(&users, &groups)),
    };
    vec![Outcome::fail(SUBJECT, headline).at(severity).with_all(bounded(evidence, 0))]
}

fn first(users: &[(u32, Owned)], groups: &[(u32, Owned)]) -> u32 {
    users.iter().chain(groups).next().map_or(0, |(id, _)| *id)
}

fn unpackaged_programs(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let (files, survey) = match survey(facts) {
        Ok(found) => found,
        Err(outcomes) => return outcomes,
    };
    match &files.owners {
        Ok(Some(_)) => {}
        Ok(None) => {
            let reason = "there is no package manager that could own anything: neither dpkg nor rpm";
            return vec![Outcome::not_applicable(SUBJECT, reason)];
        }
        Err(cause) => return vec![Outcome::unreadable(SUBJECT, cause)],
    }
    let programs = &survey.programs.list;
    let Some(one) = programs.first() else {
        return vec![match survey.programs.more {
            0 => pass_if_all_was_seen(survey),
            more => Outcome::unknown(SUBJECT, format!("{more} more programs than are looked up")),
        }];
    };
    let headline = match programs.len() {
        1 => format!("No package brought {}", shown(one)),
        count => format!("No package brought {} and {} more programs", shown(one), count - 1),
    };
    let evidence = folded(programs).into_iter().map(|(path, count)| {
        let observed = match count {
            1 => "owned by no package".to_owned(),
            count => format!("{count} programs below it, owned by no package"),
        };
        Evidence::new(Source::path(path), observed, "a package's file, or a place in /usr/local or /opt")
    });
    vec![Outcome::fail(SUBJECT, headline).with_all(bounded(evidence.collect(), survey.programs.more))]
}

/// Many programs of one directory below /usr/lib are one thing that somebody installed.
fn folded(programs: &[PathBuf]) -> Vec<(PathBuf, usize)> {
    let mut by_place: BTreeMap<PathBuf, Vec<&PathBuf>> = BTreeMap::new();
    for path in programs {
        let place: PathBuf = path.components().take(PLACE).collect();
        by_place.entry(place).or_default().push(path);
    }
    let mut folded = Vec::new();
    for (place, paths) in by_place {
        let is_directory = paths.iter().all(|path| **path != place);
        if paths.len() > MAX_APART && is_directory {
            folded.push((place, paths.len()));
        } else {
            folded.extend(paths.into_iter().map(|path| (path.clone(), 1)));
        }
    }
    folded
}

/// `/`, `usr`, `lib`, `node_modules`.
const PLACE: usize = 4;
const MAX_APART: usize = 3;
