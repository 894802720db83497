//! What dnf would choose: of each installed package, the newest version that is offered, and the notices on the way.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use jiff::Timestamp;

use super::super::PendingState;
use super::super::advisory::Advisory;
use super::super::rpm::Package;
use super::modules::Modules;
use super::pattern::Named;
use super::primary::Offered;
use super::repos::Repo;
use super::rules::{Rules, Withheld};
use super::updateinfo::{Fixed, Notice};
use super::wanted::{Evr, Wanted};
use super::yum::Priorities;
use super::zypp::Zypp;

/// Everything that is asked of each package that a repository offers.
#[derive(Debug)]
pub(super) struct Policy<'a> {
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) repos: &'a [Repo],
    pub(super) rules: Rules,
    pub(super) modules: Modules,
    /// Whether a package may take the place of another (`obsoletes` of dnf.conf).
    pub(super) replaces: bool,
    /// Where zypper chooses, and not dnf.
    pub(super) zypp: Option<&'a Zypp>,
    /// As rpm calls this machine: of other machines' packages, only those are offered that are installed already.
    pub(super) base: &'a str,
    pub(super) offers: Vec<Offer<'a>>,
    pub(super) found: Vec<Found<'a>>,
    pub(super) priorities: Priorities,
    /// The best priority that any repository offers a name with, and a name with an architecture.
    best: HashMap<(String, Option<String>), i64>,
    hidden: HashSet<String>,
    newest: HashMap<(*const Package, usize), Newest>,
}

/// What one repository offers for one installed package, at most.
#[derive(Debug, Default)]
struct Newest {
    /// Of a vendor that libzypp takes for the package's.
    own: Option<Evr>,
    foreign: Option<Evr>,
}

/// A version that would take the place of an installed one.
#[derive(Debug)]
pub(super) struct Offer<'a> {
    pub(super) package: &'a Package,
    pub(super) name: String,
    pub(super) architecture: String,
    pub(super) evr: Evr,
    pub(super) repo: usize,
    pub(super) withheld: Option<Withheld>,
}

/// A notice about a newer version than the installed one.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) package: &'a Package,
    pub(super) architecture: String,
    pub(super) evr: Evr,
    pub(super) repo: usize,
    pub(super) advisory: Rc<Advisory>,
}

impl<'a> Policy<'a> {
    pub(super) fn new(wanted: &'a Wanted<'a>, repos: &'a [Repo], rules: Rules, modules: Modules) -> Self {
        Self {
            wanted,
            repos,
            rules,
            modules,
            replaces: true,
            zypp: None,
            base: "",
            offers: Vec::new(),
            found: Vec::new(),
            priorities: Priorities::Own,
            best: HashMap::new(),
            hidden: HashSet::new(),
            newest: HashMap::new(),
        }
    }

    /// A repository offers this.
    pub(super) fn offer(&mut self, repo: usize, offered: &Offered) -> Result<(), String> {
        let Offered { name, architecture, evr, .. } = offered;
        let named =
            Named { name, epoch: evr.epoch, version: &evr.version, release: &evr.release, architecture };
        let has_hotfixes = self.repos.get(repo).is_some_and(|repo| repo.has_hotfixes);
        if !has_hotfixes && self.modules.hide(&named, &offered.provides) {
            self.hidden.insert(format!("{name}-{evr}.{architecture}"));
            return Ok(());
        }
        let own = self.repos.get(repo).and_then(|repo| repo.rules.withhold(&named));
        let withheld = own.or_else(|| self.rules.withhold(&named));
        self.rank(repo, offered, withheld.as_ref());
        let is_ours = [self.base, NOARCH].contains(&architecture.as_str());
        let upgraded = self.wanted.upgraded_by(name, architecture, evr);
        if let Some(package) = upgraded.filter(|package| is_ours || package.architecture == *architecture) {
            let withheld = withheld.clone().or_else(|| self.stays(package, repo, offered));
            self.keep(package, offered, repo, withheld)?;
        }
        self.replacements(repo, offered, withheld.as_ref())
    }

    /// What is excluded has no part in which repository is the best. What is locked has with yum: its plugin priorities
    /// has had its say by then.
    fn rank(&mut self, repo: usize, offered: &Offered, withheld: Option<&Withheld>) {
        let is_plugin = matches!(self.priorities, Priorities::Plugin { .. });
        let counts = withheld.is_none_or(|withheld| is_plugin && withheld.state == PendingState::Held);
        if !counts || !self.counts(repo, offered) {
            return;
        }
        let priority = self.priority(repo);
        for architecture in [None, Some(offered.architecture.clone())] {
            let best = self.best.entry((offered.name.clone(), architecture)).or_insert(priority);
            *best = priority.min(*best);
        }
    }

    /// The priority of a repository that goes before that of this offer.
    pub(super) fn better(&self, offer: &Offer<'_>) -> Option<i64> {
        let best = |name: &str, architecture: Option<&String>| {
            let best = self.best.get(&(name.to_owned(), architecture.cloned())).copied();
            best.filter(|best| *best < self.priority(offer.repo))
        };
        match self.priorities {
            Priorities::None => None,
            Priorities::Own => best(&offer.name, None),
            Priorities::Plugin { same_architecture, obsoletes } => {
                let own = best(&offer.name, same_architecture.then_some(&offer.architecture));
                let replaced = || best(&offer.package.name, None).filter(|_| obsoletes);
                own.or_else(replaced)
            }
        }
    }

    fn replacements(
        &mut self,
        repo: usize,
        offered: &Offered,
        withheld: Option<&Withheld>,
    ) -> Result<(), String> {
        if !self.replaces {
            return Ok(());
        }
        let is_ours = [self.base, NOARCH].contains(&offered.architecture.as_str());
        let wanted = self.wanted;
        for relation in offered.obsoletes.iter().filter(|relation| relation.name != offered.name) {
            for (package, evr) in wanted.all(&relation.name) {
                if relation.meets(evr) && (is_ours || package.architecture == offered.architecture) {
                    // Nothing takes the place of what is locked.
                    let lock = || self.rules.lock(&package.name);
                    let stays = || self.stays(package, repo, offered);
                    let withheld = withheld.cloned().or_else(lock).or_else(stays);
                    self.keep(package, offered, repo, withheld)?;
                }
            }
        }
        Ok(())
    }

    fn keep(
        &mut self,
        package: &'a Package,
        offered: &Offered,
        repo: usize,
        withheld: Option<Withheld>,
    ) -> Result<(), String> {
        if self.offers.len() == MAX_KEPT {
            return Err("it offers too many versions of what is installed".to_owned());
        }
        if let Some(zypp) = self.zypp.filter(|_| offered.name == package.name) {
            let newest = self.newest.entry((std::ptr::from_ref(package), repo)).or_default();
            newest.add(zypp.vendors.are_equivalent(&package.vendor, &offered.vendor), &offered.evr);
        }
        let Offered { name, architecture, evr, .. } = offered.clone();
        self.offers.push(Offer { package, name, architecture, evr, repo, withheld });
        Ok(())
    }

    /// Why zypper leaves an installed package as it is.
    fn stays(&self, package: &Package, repo: usize, offered: &Offered) -> Option<Withheld> {
        self.zypp?.withhold(package, offered, self.repos.get(repo).map_or("", |repo| &repo.id))
    }

    /// Whether its repository's priority goes before others for it. For zypper, only what could be installed does: no older
    /// version, and none that is locked or of another vendor (libsolv's `policy_findupdatepackages`).
    fn counts(&self, repo: usize, offered: &Offered) -> bool {
        let could_be = |(package, evr): &(&Package, Evr)| {
            let architectures = [package.architecture.as_str(), offered.architecture.as_str()];
            (package.architecture == offered.architecture || architectures.contains(&NOARCH))
                && evr.compare(&offered.evr).is_le()
                && self.stays(package, repo, offered).is_none()
        };
        self.zypp.is_none() || self.wanted.all(&offered.name).any(could_be)
    }

    /// A repository tells this.
    pub(super) fn tell(&mut self, repo: usize, notice: Notice) -> Result<(), String> {
        let advisory = Rc::new(notice.advisory);
        for fixed in notice.packages {
            if !self.applies(&fixed) {
                continue;
            }
            for package in self.fixed_by(repo, &fixed) {
                if self.found.len() == MAX_KEPT {
                    return Err("it has too many notices about what is installed".to_owned());
                }
                let Fixed { architecture, evr, .. } = fixed.clone();
                self.found.push(Found { package, architecture, evr, repo, advisory: Rc::clone(&advisory) });
            }
        }
        Ok(())
    }

    /// What is installed in a version that a notice is about.
    fn fixed_by(&self, repo: usize, fixed: &Fixed) -> Vec<&'a Package> {
        let Fixed { name, architecture, evr, .. } = fixed;
        if self.zypp.is_some() {
            // What libsolv makes of a notice for another architecture, or for none (`repo_updateinfoxml.c`).
            let is_it = |(package, installed): &&(&'a Package, Evr)| {
                let architectures = [package.architecture.as_str(), architecture];
                (package.architecture == *architecture || architectures.contains(&NOARCH))
                    && installed.compare(evr).is_lt()
                    && !self.is_of_others(package, repo, evr)
            };
            return self.wanted.all(name).filter(is_it).map(|(package, _)| *package).collect();
        }
        let exact = self.wanted.exactly(name, architecture);
        let older =
            exact.filter(|(_, installed)| installed.compare(evr).is_lt()).map(|(package, _)| *package);
        let across = || self.wanted.upgraded_by(name, architecture, evr);
        if exact.is_some() { older } else { across() }.into_iter().collect()
    }

    /// Whether the repository that a notice is from has what it is about only from another vendor than the installed
    /// package's: that is no notice about it (libsolv's `solvable_is_irrelevant_patch`).
    fn is_of_others(&self, package: &Package, repo: usize, evr: &Evr) -> bool {
        let Some(newest) = self.newest.get(&(std::ptr::from_ref(package), repo)) else { return false };
        let has_it = |newest: &Option<Evr>| newest.as_ref().is_some_and(|newest| newest.compare(evr).is_ge());
        !has_it(&newest.own) && has_it(&newest.foreign)
    }

    /// Whether a notice's package is for this machine: of an active stream, or, outside of modules, not hidden by one
    /// (libdnf's `getApplicablePackages`).
    fn applies(&self, fixed: &Fixed) -> bool {
        // zypper knows of no modules.
        if fixed.modules.is_empty() || self.zypp.is_some() {
            let Fixed { name, evr, architecture, .. } = fixed;
            return self.hidden.is_empty() || !self.hidden.contains(&format!("{name}-{evr}.{architecture}"));
        }
        fixed.modules.iter().any(|(name, stream)| self.modules.is_active(name, stream))
    }

    pub(super) fn priority(&self, repo: usize) -> i64 {
        self.repos.get(repo).map_or(99, |repo| repo.priority)
    }

    /// The offers and notices of every installed package that has any.
    pub(super) fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: BTreeMap<(&str, &str), Group<'_>> = BTreeMap::new();
        let empty = |package| Group { package, offers: Vec::new(), found: Vec::new() };
        for offer in &self.offers {
            let key = (offer.package.name.as_str(), offer.package.architecture.as_str());
            groups.entry(key).or_insert_with(|| empty(offer.package)).offers.push(offer);
        }
        let offered: HashSet<(*const Package, &str)> = self
            .offers
            .iter()
            .map(|offer| (std::ptr::from_ref(offer.package), offer.architecture.as_str()))
            .collect();
        for found in &self.found {
            let key = (found.package.name.as_str(), found.package.architecture.as_str());
            // Of another architecture, a notice is for the version that would really come.
            let is_offered =
                offered.contains(&(std::ptr::from_ref(found.package), found.architecture.as_str()));
            if found.architecture == found.package.architecture || is_offered || self.zypp.is_some() {
                groups.entry(key).or_insert_with(|| empty(found.package)).found.push(found);
            }
        }
        groups.into_values().collect()
    }
}

impl Newest {
    fn add(&mut self, is_own: bool, evr: &Evr) {
        let place = if is_own { &mut self.own } else { &mut self.foreign };
        if place.as_ref().is_none_or(|newest| newest.compare(evr).is_lt()) {
            *place = Some(evr.clone());
        }
    }
}

/// All about one installed package.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) package: &'a Package,
    pub(super) offers: Vec<&'a Offer<'a>>,
    pub(super) found: Vec<&'a Found<'a>>,
}

/// When the repositories were made, in their order.
pub(super) type Made = Vec<Option<Timestamp>>;

const NOARCH: &str = "noarch";
/// A repository that keeps every version it ever had offers some ten thousand of what is installed.
const MAX_KEPT: usize = 300_000;
