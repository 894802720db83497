//! apt's choice among the versions of a package, apt_preferences(5).
//!
//! Each list has a priority, a pin may change that of a list or of single versions, and the newest version of the
//! highest priority wins, but none older than the installed one unless its priority is at least 1000. Whether an
//! update can be installed (its dependencies) is not asked.

use std::cmp::{Ordering, Reverse};

use jiff::Timestamp;

use super::advisory::Interval;
use super::dpkg::{Database, Package};
use super::preferences::{FORBIDDEN, Pins, Place};
use super::release::Release;
use super::sources::Source;
use super::{Pending, PendingState, phasing, version};

pub(super) struct Policy<'a> {
    pub(super) files: &'a [File],
    pub(super) pins: &'a Pins,
    pub(super) database: &'a Database,
}

impl Policy<'_> {
    /// What is outstanding for one package: nothing, an update, and what a pin keeps from it.
    pub(super) fn decide(
        &self,
        package: &Package,
        offers: &mut [Offer],
        draw: &phasing::Draw,
    ) -> Vec<Pending> {
        let newer = |version: &str, than: &str| version::compare(version, than) == Ordering::Greater;
        if !offers.iter().any(|offer| newer(&offer.version, &package.version)) {
            return Vec::new();
        }
        offers.sort_by(|a, b| version::compare(&a.version, &b.version).reverse());
        let chosen = self.candidate(package, offers, |offer| self.priority(package, offer));
        let update = chosen.filter(|offer| newer(&offer.version, &package.version));
        let mut found = Vec::new();
        if let Some(candidate) = update {
            let state = match () {
                () if package.is_held() => PendingState::Held,
                () if self.is_phased(candidate, draw) => PendingState::Phased,
                () => PendingState::Pending,
            };
            found.push(self.pending(package, &package.version, candidate, offers, state));
        }
        let reached = update.map_or(package.version.as_str(), |offer| offer.version.as_str());
        let unpinned = self.candidate(package, offers, |offer| self.default_priority(offer));
        if let Some(withheld) = unpinned.filter(|offer| newer(&offer.version, reached)) {
            let row = self.pending(package, reached, withheld, offers, PendingState::Pinned);
            // A general preference for another suite withholds thousands of versions, and that is no news.
            if row.is_security || (update.is_none() && self.is_pinned(package, offers)) {
                found.push(Pending { installed: package.version.clone(), ..row });
            }
        }
        found
    }

    /// The first of the highest priority; `offers` are sorted, newest first.
    fn candidate<'o>(
        &self,
        package: &Package,
        offers: &'o [Offer],
        priority: impl Fn(&Offer) -> i32,
    ) -> Option<&'o Offer> {
        let mut best: Option<(&Offer, i32)> = None;
        for offer in offers {
            let priority = priority(offer);
            if priority == 0 || priority <= best.map_or(NEVER, |(_, best)| best) {
                continue;
            }
            let is_downgrade = version::compare(&offer.version, &package.version) == Ordering::Less;
            if priority < MAY_DOWNGRADE && is_downgrade {
                continue;
            }
            best = Some((offer, priority));
        }
        best.map(|(offer, _)| offer)
    }

    fn priority(&self, package: &Package, offer: &Offer) -> i32 {
        let of_lists = offer.files.iter().map(|&file| self.files[file].priority);
        let pin = self.pins.specific.iter().find(|(name, pin)| {
            let home = self.database.home(&package.architecture);
            name.matches(&package.name, &offer.source, home, &self.database.native)
                && pin.matches(&offer.version, offer.files.iter().map(|&file| &self.files[file].place))
        });
        match pin {
            // A version that only forbidden lists have stays forbidden, unless its pin forbids it more.
            Some((_, pin)) if pin.priority == FORBIDDEN => pin.priority,
            Some((_, pin)) if of_lists.clone().any(|priority| priority != FORBIDDEN) => pin.priority,
            _ => of_lists.max().unwrap_or(0),
        }
    }

    fn default_priority(&self, offer: &Offer) -> i32 {
        offer.files.iter().map(|&file| self.files[file].default_priority).max().unwrap_or(0)
    }

    /// Whether somebody pinned this very package.
    fn is_pinned(&self, package: &Package, offers: &[Offer]) -> bool {
        let home = self.database.home(&package.architecture);
        offers.iter().any(|offer| {
            self.pins
                .specific
                .iter()
                .any(|(name, _)| name.matches(&package.name, &offer.source, home, &self.database.native))
        })
    }

    fn is_phased(&self, candidate: &Offer, draw: &phasing::Draw) -> bool {
        let is_security = candidate.files.iter().any(|&file| self.files[file].is_security);
        match candidate.phased {
            Some(percentage) if !is_security => {
                draw.is_kept_back(&candidate.source, &candidate.source_version, percentage)
            }
            _ => false,
        }
    }

    /// Security is a matter of every version on the way: a later ordinary update includes an earlier fix.
    fn pending(
        &self,
        package: &Package,
        reached: &str,
        candidate: &Offer,
        offers: &[Offer],
        state: PendingState,
    ) -> Pending {
        let is_on_the_way = |offer: &&Offer| {
            version::compare(&offer.version, reached) == Ordering::Greater
                && version::compare(&offer.version, &candidate.version) != Ordering::Greater
        };
        let is_security = offers
            .iter()
            .filter(is_on_the_way)
            .any(|offer| offer.files.iter().any(|&file| self.files[file].is_security));
        let mut files: Vec<&File> = candidate.files.iter().map(|&file| &self.files[file]).collect();
        files.sort_by_key(|file| (Reverse(file.is_security), Reverse(file.priority)));
        Pending {
            name: package.name.clone(),
            architecture: package.architecture.clone(),
            installed: package.version.clone(),
            candidate: candidate.version.clone(),
            is_security,
            state,
            origin: files.first().map(|file| file.name.clone()).unwrap_or_default(),
            reason: None,
            hidden_fix: None,
            advisories: Vec::new(),
            available: Interval {
                not_before: None,
                not_after: files.iter().filter_map(|file| file.date).min(),
            },
        }
    }
}

/// A list as apt's policy sees it. The first one is dpkg's status.
pub(super) struct File {
    pub(super) place: Place,
    pub(super) is_security: bool,
    pub(super) name: String,
    pub(super) date: Option<Timestamp>,
    /// Without and with the pins.
    pub(super) default_priority: i32,
    pub(super) priority: i32,
}

/// A version of an installed package.
pub(super) struct Offer {
    pub(super) version: String,
    pub(super) source: String,
    pub(super) source_version: String,
    /// Indexes of the lists that have it.
    pub(super) files: Vec<usize>,
    pub(super) phased: Option<u32>,
}

impl File {
    pub(super) fn status() -> Self {
        let place = Place { archive: "now".to_owned(), has_no_release: true, ..Place::default() };
        let name = "dpkg".to_owned();
        Self { place, is_security: false, name, date: None, default_priority: INSTALLED, priority: INSTALLED }
    }

    pub(super) fn of(
        source: &Source,
        release: Option<&Release>,
        component: &str,
        architecture: &str,
    ) -> Self {
        let none = Release::default();
        let has_no_release = release.is_none();
        let release = release.unwrap_or(&none);
        let default_priority = match (release.is_not_automatic, release.is_but_automatic_upgrades) {
            (_, true) => BUT_AUTOMATIC_UPGRADES,
            (true, _) => NOT_AUTOMATIC,
            _ => USUAL,
        };
        Self {
            place: Place {
                archive: release.suite.clone(),
                codename: release.codename.clone(),
                version: release.version.clone(),
                origin: release.origin.clone(),
                label: release.label.clone(),
                component: component.to_owned(),
                architecture: architecture.to_owned(),
                site: source.site().to_owned(),
                has_no_release,
            },
            is_security: release.is_security(),
            name: release.name(),
            date: release.date,
            default_priority,
            priority: default_priority,
        }
    }

    pub(super) fn copy(&self) -> Self {
        Self { place: self.place.clone(), name: self.name.clone(), ..*self }
    }
}

/// apt's priorities, apt_preferences(5).
const INSTALLED: i32 = 100;
const USUAL: i32 = 500;
const NOT_AUTOMATIC: i32 = 1;
const BUT_AUTOMATIC_UPGRADES: i32 = 100;
const MAY_DOWNGRADE: i32 = 1000;
const NEVER: i32 = -1;
