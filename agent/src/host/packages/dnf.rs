//! Which updates are outstanding, as dnf would answer from its cache on the disk; yum's and zypper's caches have the same
//! files.
//!
//! The lists of packages and the vendor's notices are streamed, and only what is about an installed package is kept.

mod amazon;
mod cache;
mod config;
mod elements;
mod ini;
mod locks;
mod modulemd;
mod modules;
mod outcome;
mod pattern;
mod policy;
mod primary;
mod primary_db;
mod repomd;
mod repos;
mod rules;
mod updateinfo;
mod vendors;
mod wanted;
pub(crate) mod xml;
mod yum;
mod zypp;

use std::io::{self, Read as _};

use cache::{Cached, List, left_over};
use config::Config;
use modules::Modules;
use policy::Policy;
use primary::Offered;
use repos::{Repo, Repos};
use rules::Rules;
use wanted::Wanted;
use yum::Priorities;
use zypp::Zypp;

use super::database::source::Source;
use super::rpm::Installed;
use super::{Metadata, Updates};
use crate::host::{Host, Unreadable};

/// The updates, and how old the metadata is that they come from.
pub(super) fn updates(host: &Host, installed: &Installed) -> (Result<Updates, Unreadable>, Metadata) {
    match Archive::of(host, installed) {
        Ok(mut archive) => {
            let updates = archive.updates(host, installed);
            (updates, archive.metadata)
        }
        Err(cause) => (Err(cause.clone()), Metadata { unsure: vec![cause], ..Metadata::default() }),
    }
}

/// Looks through one of a repository's files on its own: how much in it is about what is installed. Any other file than
/// `primary`, `primary_db` and `updateinfo` is taken for `modules`.
pub fn look_through(kind: &str, bytes: &[u8], installed: &Installed) -> Result<usize, String> {
    let wanted = Wanted::of(installed);
    let mut count = 0;
    let read = match kind {
        "primary" => primary::each(bytes, &wanted, |_| {
            count += 1;
            Ok(())
        }),
        "updateinfo" => updateinfo::each(bytes, &wanted, |notice| {
            count += notice.packages.len();
            Ok(())
        }),
        "primary_db" => {
            let read = primary_db::each(Source::held(bytes.to_vec()), &wanted, |_| {
                count += 1;
                Ok(())
            });
            return read.map(|()| count).map_err(|cause| Unreadable::new("primary_db", cause).to_string());
        }
        _ => {
            let mut modules = Modules::default();
            modules.add(bytes)?;
            modules.settle();
            return Ok(0);
        }
    };
    read.map(|()| count).map_err(|error| error.to_string())
}

/// Everything that is configured, and what of it is cached.
struct Archive {
    config: Config,
    /// Where zypper chooses, and not dnf.
    zypp: Option<Zypp>,
    /// With the metadata, where it is there.
    repos: Vec<Repo>,
    cached: Vec<Option<Cached>>,
    metadata: Metadata,
    unsure: Vec<Unreadable>,
}

impl Archive {
    fn of(host: &Host, installed: &Installed) -> Result<Self, Unreadable> {
        let is_zypper = host.exists("/etc/zypp")? && !host.exists("/etc/dnf")?;
        let config = Config::of(host, installed)?;
        let mut zypp = if is_zypper { Some(Zypp::of(host)?) } else { None };
        let repos = match &zypp {
            Some(zypp) => Repos::of_zypper(host, &zypp.repositories)?,
            None => Repos::of(host, &config)?,
        };
        let unsure = zypp.as_mut().map(|zypp| std::mem::take(&mut zypp.locks.unsure)).unwrap_or_default();
        let refresh = match (is_zypper, host.exists("/etc/dnf")?) {
            (true, _) => "zypper refresh",
            (false, true) => "dnf makecache",
            (false, false) => "yum makecache",
        };
        let mut archive = Self {
            config,
            zypp,
            repos: repos.enabled,
            cached: Vec::new(),
            metadata: Metadata { refresh, unsure: repos.unsure, ..Metadata::default() },
            unsure,
        };
        if archive.repos.is_empty() {
            archive.metadata.missing.push("no repository is enabled".to_owned());
        }
        for repo in &archive.repos {
            let cached = Cached::of(host, &archive.config, repo, archive.zypp.as_ref());
            archive.cached.push(match cached {
                Ok(cached) => cached,
                Err(cause) => {
                    archive.metadata.unsure.push(cause);
                    None
                }
            });
        }
        archive.date(host);
        Ok(archive)
    }

    /// The metadata is as old as the repository that was asked longest ago.
    fn date(&mut self, host: &Host) {
        for (repo, cached) in self.repos.iter().zip(&self.cached) {
            let Some(cached) = cached else {
                let left = left_over(host, &self.config, &repo.id);
                let but = if left.is_empty() {
                    String::new()
                } else {
                    format!("; {} is of another address", left.join(", "))
                };
                let reason = format!("nothing is cached of {} ({}){but}", repo.id, repo.place());
                self.metadata.missing.push(reason);
                continue;
            };
            self.metadata.newest = self.metadata.newest.max(cached.repomd.made);
            // Under another address, as that of another release, it is another list.
            let name = format!("{} {}", repo.id, repo.place());
            self.metadata.lists.extend(cached.repomd.made.map(|made| (name, made)));
            self.metadata.checked = match (self.metadata.checked, cached.checked) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }

    fn updates(&mut self, host: &Host, installed: &Installed) -> Result<Updates, Unreadable> {
        let wanted = Wanted::of(installed);
        let (rules, modules) = match self.zypp {
            Some(_) => (Rules::default(), Modules::default()),
            None => (Rules::of(host, &self.config)?, self.modules(host)?),
        };
        let mut policy = Policy::new(&wanted, &self.repos, rules, modules);
        policy.replaces = self.config.main.is_true("obsoletes") != Some(false);
        policy.zypp = self.zypp.as_ref();
        if self.zypp.is_none() {
            policy.priorities = Priorities::of(host, &self.config)?;
        }
        policy.base = self.config.base();
        let mut unsure = std::mem::take(&mut self.unsure);
        let mut is_blind = false;
        for (number, cached) in self.cached.iter().enumerate() {
            let Some(cached) = cached else {
                is_blind = true;
                continue;
            };
            if let Err(cause) = offers(host, cached, number, &mut policy) {
                is_blind = true;
                unsure.push(cause);
            }
        }
        for (number, cached) in self.cached.iter().enumerate() {
            let Some(cached) = cached else { continue };
            if let Err(cause) = notices(host, cached, number, &mut policy) {
                unsure.push(cause);
            }
        }
        let made = self.cached.iter().map(|cached| cached.as_ref()?.repomd.made).collect();
        let groups = policy.groups();
        let pending = groups.iter().filter_map(|group| group.pending(&policy, &made, is_blind)).collect();
        unsure.extend(self.metadata.unsure.iter().cloned());
        Ok(Updates { pending, locked: amazon::locked(host, &self.config, installed), unsure })
    }

    /// What the owner and the repositories say of modules.
    fn modules(&mut self, host: &Host) -> Result<Modules, Unreadable> {
        let mut modules = Modules::of(host)?;
        for cached in self.cached.iter().flatten() {
            let found = cached.read(host, "modules", |source| {
                let mut bytes = Vec::new();
                source.take(MAX_MODULES + 1).read_to_end(&mut bytes)?;
                if bytes.len() as u64 > MAX_MODULES {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too large"));
                }
                modules.add(&bytes).map_err(|what| io::Error::new(io::ErrorKind::InvalidData, what))
            });
            if let Err(cause) = found {
                self.unsure.push(cause);
            }
        }
        modules.settle();
        Ok(modules)
    }
}

fn offers(host: &Host, cached: &Cached, repo: usize, policy: &mut Policy<'_>) -> Result<(), Unreadable> {
    let (kept, wanted) = (policy.offers.len(), policy.wanted);
    let mut each = |offered: Offered| policy.offer(repo, &offered);
    let result = match cached.list(host)? {
        List::Xml => cached.read(host, "primary", |source| primary::each(source, wanted, &mut each)),
        List::Database(listed) => {
            cached.read_database(host, listed, |source| primary_db::each(source, wanted, &mut each))
        }
    };
    if result.is_err() {
        // It was another file than the one listed, or it ended early: nothing of it may be believed.
        policy.offers.truncate(kept);
    }
    result
}

fn notices(host: &Host, cached: &Cached, repo: usize, policy: &mut Policy<'_>) -> Result<(), Unreadable> {
    let (kept, wanted) = (policy.found.len(), policy.wanted);
    let result = cached.read(host, "updateinfo", |source| {
        updateinfo::each(source, wanted, |notice| policy.tell(repo, notice))
    });
    if result.is_err() {
        policy.found.truncate(kept);
    }
    result
}

/// RHEL 8 has some 3 MB.
const MAX_MODULES: u64 = 64 * 1024 * 1024;
