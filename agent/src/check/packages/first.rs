//! What to do first: the order of urgency of everything that is outstanding.

use std::cmp::Reverse;

use super::exploited::holes;
use super::overdue;
use crate::check::Thresholds;
use crate::finding::patch::{Patch, Standing};
use crate::host::Facts;
use crate::policy::Policy;

/// Every update that is outstanding, the most urgent first: what attackers use, what is overdue, what the vendor calls
/// severe, what has waited longest. None where updates could not be looked for.
pub fn patches<'a>(facts: &'a Facts, policy: &Policy) -> Vec<Patch<'a>> {
    let Ok(updates) = &facts.packages.updates else { return Vec::new() };
    let list = facts.packages.exploited.as_ref().ok().and_then(Option::as_ref);
    let thresholds = Thresholds { check: &overdue::CHECK, policy };
    let patch = |pending| Patch {
        pending,
        exploited: list.map(|list| holes(pending, list)).unwrap_or_default(),
        standing: match pending.is_security {
            true => overdue::standing(pending, facts.now, &thresholds),
            false => Standing::InTime,
        },
    };
    let mut patches: Vec<Patch<'_>> = updates.pending.iter().map(patch).collect();
    patches.sort_by_key(|patch| {
        let pending = patch.pending;
        let since = pending.available.not_after.or(pending.available.not_before);
        (
            Reverse(!patch.exploited.is_empty()),
            Reverse(pending.is_security),
            Reverse(patch.standing == Standing::Overdue),
            Reverse(pending.urgency()),
            // Without a date it is the last of its kind.
            (since.is_none(), since),
            (&pending.name, &pending.architecture),
        )
    });
    patches
}

#[cfg(test)]
mod tests {
    use super::super::tests::{facts_with, now, pending};
    use super::*;
    use crate::host::packages::Pending;
    use crate::host::packages::advisory::{Advisory, Interval, Kind, Urgency};

    fn update(name: &str, urgency: Urgency, days: i64, cve: &str) -> Pending {
        let id = format!("ALAS-{name}");
        let cves = vec![cve.to_owned()];
        let advisory = Advisory { id, kind: Kind::Security, urgency: Some(urgency), issued: None, cves };
        let since = Some(now() - jiff::SignedDuration::from_hours(24 * days));
        let available = Interval { not_before: since, not_after: since };
        Pending { advisories: vec![advisory], available, ..pending(name) }
    }

    #[test]
    fn what_attackers_use_goes_before_what_is_overdue_and_that_before_what_is_severe() {
        let updates = vec![
            Pending { is_security: false, ..update("ordinary", Urgency::Critical, 900, "CVE-2026-0009") },
            update("severe", Urgency::Critical, 1, "CVE-2026-0008"),
            update("low", Urgency::Low, 2, "CVE-2026-0007"),
            update("older", Urgency::Low, 3, "CVE-2026-0006"),
            update("overdue", Urgency::Low, 200, "CVE-2026-0005"),
            update("exploited", Urgency::Low, 1, "CVE-2026-0001"),
        ];
        let list = "# released 2026-11-01\nCVE-2026-0001\n";
        let (_root, facts) = facts_with(updates, &[("etc/guestward/kev.txt", list)]);
        let policy = Policy::default();
        let order: Vec<&str> =
            patches(&facts, &policy).iter().map(|patch| patch.pending.name.as_str()).collect();
        assert_eq!(order, ["exploited", "overdue", "severe", "older", "low", "ordinary"]);
    }
}
