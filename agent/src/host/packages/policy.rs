//! apt's choice among the versions of a package, apt_preferences(5).
//!
//! Each list has a priority, a pin may change that of a list or of single versions, and the newest version of the
//! highest priority wins, but none older than the installed one unless its priority is at least 1000. Whether an
//! update can be installed (its dependencies) is not asked.

mod offer;

use std::cmp::{Ordering, Reverse};

use super::advisory::Interval;
use super::distribution::Distribution;
use super::dpkg::{Database, Package};
use super::preferences::{FORBIDDEN, Pin, Pins};
use super::{Pending, PendingState, phasing, version};
use crate::host::{Cause, Unreadable};
pub(super) use offer::{File, Offer};

pub(super) struct Policy<'a> {
    pub(super) distribution: &'a Distribution,
    pub(super) files: &'a [File],
    pub(super) pins: &'a Pins,
    pub(super) database: &'a Database,
    pub(super) draw: &'a phasing::Draw,
}

impl Policy<'_> {
    /// What is outstanding for one package: nothing, an update, and what a pin keeps from it.
    pub(super) fn decide(&self, package: &Package, offers: &mut [Offer]) -> Vec<Pending> {
        if !offers.iter().any(|offer| newer(&offer.version, &package.version)) {
            return Vec::new();
        }
        offers.sort_by(|a, b| version::compare(&a.version, &b.version).reverse());
        let chosen = self.candidate(package, offers, |offer| match self.draw.rule {
            phasing::Rule::Priority if self.phased(package, offer, offers).is_some() => ONLY_IF_ASKED,
            _ => self.priority(package, offer),
        });
        let update = chosen.filter(|offer| newer(&offer.version, &package.version));
        let mut found = Vec::new();
        if let Some(candidate) = update {
            let (state, reason) = if package.is_held() {
                (PendingState::Held, Some(format!("{}:{}", package.file.display(), package.line)))
            } else if let Some(reason) = self.phased(package, candidate, offers) {
                (PendingState::Phased, Some(reason))
            } else {
                (PendingState::Pending, None)
            };
            let hidden_fix = self.hidden_fix(package, candidate, offers);
            let row = self.pending(package, &package.version, candidate, offers, state);
            found.push(Pending { reason, hidden_fix, ..row });
        }
        let reached = update.map_or(package.version.as_str(), |offer| offer.version.as_str());
        let unpinned = self.candidate(package, offers, |offer| self.default_priority(offer));
        if let Some(withheld) = unpinned.filter(|offer| newer(&offer.version, reached)) {
            let phased = self.phased(package, withheld, offers);
            let state = if phased.is_some() { PendingState::Phased } else { PendingState::Pinned };
            let row = self.pending(package, reached, withheld, offers, state);
            // A general preference for another suite withholds thousands of versions, and that is no news.
            if row.is_security || phased.is_some() || (update.is_none() && self.is_pinned(package, offers)) {
                let reason = phased.or_else(|| self.withheld_by(package, withheld, chosen));
                found.push(Pending { installed: package.version.clone(), reason, ..row });
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
        let pin = self.specific(package, offer);
        pin.map_or_else(|| self.highest(offer).map_or(0, |file| file.priority), |pin| pin.priority)
    }

    /// The list that gives a version its priority, unless a pin of its own does.
    fn highest<'o>(&'o self, offer: &'o Offer) -> Option<&'o File> {
        self.files_of(offer).max_by_key(|file| file.priority)
    }

    /// The pin that decides about this very version.
    fn specific(&self, package: &Package, offer: &Offer) -> Option<&Pin> {
        let home = self.database.home(&package.architecture);
        let (_, pin) = self.pins.specific.iter().find(|(name, pin)| {
            name.matches(&package.name, &offer.source, home, &self.database.native)
                && pin.matches(
                    &offer.version,
                    &offer.source_version,
                    self.files_of(offer).map(|file| &file.place),
                )
        })?;
        // A version that only forbidden lists have stays forbidden, unless its pin forbids it more.
        let is_allowed = || self.files_of(offer).any(|file| file.priority != FORBIDDEN);
        (pin.priority == FORBIDDEN || is_allowed()).then_some(pin)
    }

    /// The preference that put a version behind the one that apt chose: its own, or else that of the other.
    fn withheld_by(&self, package: &Package, withheld: &Offer, chosen: Option<&Offer>) -> Option<String> {
        let by = |offer: &Offer| match self.specific(package, offer) {
            Some(pin) => Some(pin.written.clone()),
            None => self.highest(offer)?.pinned_by.clone(),
        };
        let is_lowered = self.priority(package, withheld) < self.default_priority(withheld);
        let own = by(withheld).filter(|_| is_lowered);
        own.or_else(|| chosen.and_then(by)).or_else(|| by(withheld))
    }

    /// A pin that may be about a foreign package or not: see [`Name::depends_on_any`].
    ///
    /// [`Name::depends_on_any`]: super::preferences::Name::depends_on_any
    pub(super) fn unsure(&self, package: &Package, offers: &[Offer]) -> Option<Unreadable> {
        let is_foreign = self.database.home(&package.architecture) != self.database.native;
        let is_asked = |offer: &&Offer| is_foreign && newer(&offer.version, &package.version);
        if !offers.iter().any(|offer| is_asked(&offer)) {
            return None;
        }
        let (name, written) =
            (&package.name, offers.iter().find_map(|offer| self.depending(package, offer))?);
        let what = format!(
            "{written} may pin {name}:{} as well, if some package asks for {name}:any, which is not looked for",
            package.architecture
        );
        Some(Unreadable::new("/etc/apt/preferences", Cause::Unsupported(what)))
    }

    fn depending(&self, package: &Package, offer: &Offer) -> Option<&str> {
        let (_, pin) = self.pins.specific.iter().find(|(name, pin)| {
            name.depends_on_any(&package.name, &offer.source)
                && pin.matches(
                    &offer.version,
                    &offer.source_version,
                    self.files_of(offer).map(|file| &file.place),
                )
        })?;
        Some(&pin.written)
    }

    fn files_of<'o>(&'o self, offer: &'o Offer) -> impl Iterator<Item = &'o File> + Clone {
        offer.files.iter().filter_map(|&file| self.files.get(file))
    }

    fn default_priority(&self, offer: &Offer) -> i32 {
        self.files_of(offer).map(|file| file.default_priority).max().unwrap_or(0)
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

    /// Why this machine does not get a version yet.
    fn phased(&self, package: &Package, offer: &Offer, offers: &[Offer]) -> Option<String> {
        let percentage = offer.phased?;
        // apt goes by the name alone here.
        let is_security =
            |offer: &Offer| self.files_of(offer).any(|file| file.place.archive.ends_with("-security"));
        let is_on_the_way = |earlier: &&Offer| {
            newer(&earlier.version, &package.version) && newer(&offer.version, &earlier.version)
        };
        let is_exempt = match self.draw.rule {
            phasing::Rule::Everybody | phasing::Rule::Priority => false,
            phasing::Rule::KeptBack => offers.iter().filter(is_on_the_way).any(is_security),
            phasing::Rule::KeptBackUnlessSecurity => {
                is_security(offer) || offers.iter().filter(is_on_the_way).any(is_security)
            }
        };
        let kept_back = || self.draw.kept_back(&offer.source, &offer.source_version, percentage);
        if is_exempt { None } else { kept_back() }
    }

    fn is_security(&self, offer: &Offer) -> bool {
        self.files_of(offer).any(|file| file.is_security)
    }

    /// The newest security update of the distribution's own that a candidate from elsewhere keeps from coming.
    ///
    /// Whoever takes the candidate has to trust its maker with the fix: nothing tells whether it is in there.
    fn hidden_fix(&self, package: &Package, candidate: &Offer, offers: &[Offer]) -> Option<String> {
        let is_own = |file: &&File| self.distribution.owns(&file.place.origin);
        if self.files_of(candidate).any(|file| is_own(&file)) {
            return None;
        }
        let others = offers.iter().filter(|offer| offer.version != candidate.version);
        others.filter(|offer| newer(&offer.version, &package.version)).find_map(|offer| {
            let file = self.files_of(offer).filter(is_own).find(|file| file.is_security)?;
            Some(format!("{} from {}", offer.version, file.name))
        })
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
        let is_on_the_way =
            |offer: &&Offer| newer(&offer.version, reached) && !newer(&offer.version, &candidate.version);
        let on_the_way = || offers.iter().filter(is_on_the_way);
        let is_security = on_the_way().any(|offer| self.is_security(offer));
        let that_matter = on_the_way().filter(|offer| !is_security || self.is_security(offer));
        let mut files: Vec<&File> = self.files_of(candidate).collect();
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
                // A list is as old as its archive says, and everything in it at least as old.
                not_after: that_matter
                    .flat_map(|offer| self.files_of(offer))
                    .filter_map(|file| file.date)
                    .min(),
            },
        }
    }
}

fn newer(version: &str, than: &str) -> bool {
    version::compare(version, than) == Ordering::Greater
}

/// apt's priorities, apt_preferences(5).
const MAY_DOWNGRADE: i32 = 1000;
const NEVER: i32 = -1;
/// What apt 2.2 made of a version that is for other machines first.
const ONLY_IF_ASKED: i32 = 1;
