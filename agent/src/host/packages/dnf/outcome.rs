//! What is told of an installed package that has a newer version somewhere.

use std::cmp::Ordering;

use super::super::advisory::{Advisory, Interval, Kind};
use super::super::{Pending, PendingState};
use super::policy::{Found, Group, Made, Offer, Policy};

impl Group<'_> {
    /// `is_blind` where a list of packages could not be read, so that what is not found may be there.
    pub(super) fn pending(&self, policy: &Policy<'_>, made: &Made, is_blind: bool) -> Option<Pending> {
        let is_usable = |offer: &Offer<'_>| offer.withheld.is_none() && policy.better(offer).is_none();
        let usable = || self.offers.iter().copied().filter(|offer| is_usable(offer));
        let chosen = newest(usable().filter(|offer| offer.name == self.package.name));
        if let Some(chosen) = chosen {
            return Some(self.update(policy, made, chosen));
        }
        if let Some(other) = newest(usable()) {
            let mut pending = self.blank(policy, other.repo, &self.found, made);
            pending.candidate = format!("{}-{}", other.name, other.evr);
            pending.reason = Some(format!("{} takes its place", other.name));
            return Some(pending);
        }
        self.kept(policy, made, is_blind)
    }

    fn update(&self, policy: &Policy<'_>, made: &Made, chosen: &Offer<'_>) -> Pending {
        let (on_the_way, beyond): (Vec<&Found<'_>>, Vec<&Found<'_>>) =
            self.found.iter().copied().partition(|found| found.evr.compare(&chosen.evr) != Ordering::Greater);
        let mut pending = self.blank(policy, chosen.repo, &on_the_way, made);
        pending.candidate = chosen.evr.to_string();
        let hidden = beyond.into_iter().filter(|found| found.advisory.kind == Kind::Security);
        pending.hidden_fix = hidden
            .max_by(|a, b| a.evr.compare(&b.evr))
            .map(|found| format!("{} by {} ({})", found.evr, found.advisory.id, self.why(policy, found)));
        pending
    }

    /// Why a version that a notice names will not come.
    fn why(&self, policy: &Policy<'_>, found: &Found<'_>) -> String {
        let has_it = |offer: &&&Offer<'_>| {
            offer.name == self.package.name && offer.evr.compare(&found.evr) != Ordering::Less
        };
        self.offers
            .iter()
            .filter(has_it)
            .max_by(|a, b| a.evr.compare(&b.evr))
            .map_or_else(|| "no enabled repository has it".to_owned(), |offer| reason(policy, offer).1)
    }

    /// Something newer is known of, and would not be installed.
    fn kept(&self, policy: &Policy<'_>, made: &Made, is_blind: bool) -> Option<Pending> {
        let offer = newest(self.offers.iter().copied().filter(|offer| offer.name == self.package.name))
            .or_else(|| newest(self.offers.iter().copied()));
        let notice = self.found.iter().copied().max_by(|a, b| a.evr.compare(&b.evr));
        let mut pending = match (offer, notice) {
            (Some(offer), _) => {
                let mut pending = self.blank(policy, offer.repo, &self.found, made);
                let is_same = offer.name == self.package.name;
                pending.candidate =
                    if is_same { offer.evr.to_string() } else { format!("{}-{}", offer.name, offer.evr) };
                let (state, reason) = reason(policy, offer);
                (pending.state, pending.reason) = (state, Some(reason));
                return Some(pending);
            }
            (None, Some(notice)) => {
                let mut pending = self.blank(policy, notice.repo, &self.found, made);
                pending.candidate = notice.evr.to_string();
                pending
            }
            (None, None) => return None,
        };
        if is_blind {
            pending.reason = Some("whether a repository has it could not be read".to_owned());
        } else {
            pending.state = PendingState::KeptBack;
            pending.reason = Some("no enabled repository has it".to_owned());
        }
        Some(pending)
    }

    fn blank(&self, policy: &Policy<'_>, repo: usize, found: &[&Found<'_>], made: &Made) -> Pending {
        let mut advisories: Vec<Advisory> = found.iter().map(|found| (*found.advisory).clone()).collect();
        advisories.sort_unstable();
        advisories.dedup_by(|a, b| a.id == b.id);
        let is_security = advisories.iter().any(|advisory| advisory.kind == Kind::Security);
        let counts = |advisory: &&Advisory| !is_security || advisory.kind == Kind::Security;
        let issued = advisories.iter().filter(counts).filter_map(|advisory| advisory.issued).min();
        let not_after = issued.or_else(|| made.get(repo).copied().flatten());
        Pending {
            name: self.package.name.clone(),
            architecture: self.package.architecture.clone(),
            installed: self.package.evr(),
            candidate: String::new(),
            is_security,
            state: PendingState::Pending,
            origin: policy.repos.get(repo).map(|repo| repo.id.clone()).unwrap_or_default(),
            reason: None,
            hidden_fix: None,
            advisories,
            available: Interval { not_before: issued, not_after },
        }
    }
}

fn newest<'a>(offers: impl Iterator<Item = &'a Offer<'a>>) -> Option<&'a Offer<'a>> {
    offers.max_by(|a, b| a.evr.compare(&b.evr))
}

/// Why an offer is none that counts.
fn reason(policy: &Policy<'_>, offer: &Offer<'_>) -> (PendingState, String) {
    if let Some(withheld) = &offer.withheld {
        return (withheld.state, withheld.reason.clone());
    }
    let place = policy.repos.get(offer.repo).map(|repo| repo.id.as_str()).unwrap_or_default();
    let best = policy.better(offer).unwrap_or_default();
    let priority = policy.priority(offer.repo);
    let reason = format!("a repository of priority {best} goes before {place} of {priority}");
    (PendingState::KeptBack, reason)
}
