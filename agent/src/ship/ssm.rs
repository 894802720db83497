//! Systems Manager: the posture as compliance items and as inventory, where the fleet's other state is.
//!
//! It gets no records. They are folded into a posture (`ship/ssm/fold.rs`), which is put when it changed, and not for
//! every change. Whatever Systems Manager says, the records go on: nothing else waits for it, and what it refuses is
//! asked again an hour later.

mod content;
mod fold;
mod kept;
mod put;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::aws::{Aws, Failure, Reason, Session};
use super::matters::{Matter, Matters};
use super::{Delivered, Shipper, Trouble};
use crate::finding::Severity;
use crate::finding::wire::folded::Folded;
use crate::finding::wire::record::Kind;
use crate::journal::{Entry, Position};
use fold::Touched;
use kept::Kept;

/// What is to be told, and how often at most.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub compliance: bool,
    pub inventory: bool,
    /// What is known of a check beyond the records.
    pub describe: Describe,
    /// At least so long between two reports, unless something critical changed.
    pub pause: Duration,
    /// Whoever refused is not asked again before.
    pub patience: Duration,
}

/// `None` for what is no check of this version.
pub type Describe = fn(&str) -> Option<Described>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    pub topic: &'static str,
    pub title: &'static str,
    pub severity: Severity,
}

impl Settings {
    pub fn new(compliance: bool, inventory: bool, describe: Describe) -> Self {
        Self { compliance, inventory, describe, pause: PAUSE, patience: PATIENCE }
    }
}

/// The lane `ssm`.
#[derive(Debug)]
pub struct Ssm {
    settings: Settings,
    aws: Arc<Aws>,
    matters: Matters,
    kept: Kept,
    folded: Folded,
    /// There may be something to put.
    is_pending: bool,
    is_urgent: bool,
    /// When something was put last.
    put: Option<Instant>,
    compliance: Way,
    inventory: Way,
}

/// One of the two things that are put.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// For the matter, and for whoever grants it.
    action: &'static str,
    is_wanted: bool,
    refused: Option<Instant>,
}

impl Way {
    fn new(action: &'static str, is_wanted: bool) -> Self {
        Self { action, is_wanted, refused: None }
    }
}

impl Ssm {
    pub fn new(settings: Settings, aws: Arc<Aws>, matters: Matters, cursors: PathBuf) -> Self {
        Self {
            compliance: Way::new("PutComplianceItems", settings.compliance),
            inventory: Way::new("PutInventory", settings.inventory),
            settings,
            aws,
            matters,
            kept: Kept::at(cursors),
            folded: Folded::default(),
            is_pending: true,
            is_urgent: false,
            put: None,
        }
    }

    /// How long until the next report may be put.
    fn until_due(&self) -> Duration {
        let waited = |put: Instant| self.settings.pause.saturating_sub(put.elapsed());
        self.put.map_or(Duration::ZERO, waited)
    }

    fn fold(&mut self, batch: &[Entry]) -> Result<(), Trouble> {
        let mut touched = Touched::Nothing;
        for entry in batch {
            touched = touched.max(fold::take(&mut self.folded, entry));
        }
        self.is_urgent |= touched == Touched::Critical;
        if touched == Touched::Nothing {
            return Ok(());
        }
        self.is_pending = true;
        // The cursor moves on from here, and with it what the journal may forget.
        self.keep()
    }

    fn keep(&mut self) -> Result<(), Trouble> {
        let unkept = |cause| Trouble::retry(format!("cannot keep the posture for Systems Manager: {cause}"));
        self.kept.write(&self.folded).map_err(unkept)
    }

    /// Puts what changed, if its time has come.
    fn report(&mut self) -> Result<(), Trouble> {
        let is_due = self.is_urgent || self.until_due().is_zero();
        if !self.is_pending || !self.folded.is_whole || !is_due {
            return Ok(());
        }
        let is_done = [self.put_compliance(), self.put_inventory()];
        let [compliance, inventory] = is_done;
        // One that is in trouble must not keep the other waiting: both were tried.
        self.is_pending = !(compliance? & inventory?);
        self.is_urgent &= self.is_pending;
        Ok(())
    }

    /// The answer is whether nothing is left to do.
    fn put_compliance(&mut self) -> Result<bool, Trouble> {
        let (mut way, describe) = (self.compliance, self.settings.describe);
        let mut types = vec![put::Compliance::new(COMPLIANCE, content::items(&self.folded, describe))];
        let patches = self.folded.patches.as_ref().map(content::patches::items);
        types.extend(patches.map(|items| put::Compliance::new(PATCH, items)));
        let wanted: Vec<(&str, &str)> = types.iter().map(|each| (each.key, each.hash.as_str())).collect();
        let is_done = self.along(&mut way, &wanted, |aws, session, node, accepted, time| {
            put::compliance(aws, session, node, &types, accepted, time)
        });
        self.compliance = way;
        is_done
    }

    fn put_inventory(&mut self) -> Result<bool, Trouble> {
        let (mut way, describe) = (self.inventory, self.settings.describe);
        let mut types: Vec<put::Type> = [(POSTURE, None), (PATCH, Some("packages"))]
            .map(|(name, topic)| put::Type::new(name, content::rows(&self.folded, describe, topic)))
            .into();
        let pending = self.folded.patches.as_ref().map(content::patches::rows);
        types.extend(pending.map(|rows| put::Type::new(PACKAGES, rows)));
        let wanted: Vec<(&str, &str)> = types.iter().map(|each| (each.name, each.hash.as_str())).collect();
        let is_done = self.along(&mut way, &wanted, |aws, session, node, accepted, time| {
            put::inventory(aws, session, node, &types, accepted, time)
        });
        self.inventory = way;
        is_done
    }

    /// What is the same for both: whether to ask at all, and what becomes of the answer.
    fn along(
        &mut self,
        way: &mut Way,
        wanted: &[(&str, &str)],
        put: impl FnOnce(&Aws, &Arc<Session>, &str, &Folded, Timestamp) -> Result<(), Failure>,
    ) -> Result<bool, Trouble> {
        let is_accepted = |(name, hash): &(&str, &str)| {
            self.folded.accepted.get(*name).is_some_and(|accepted| accepted == hash)
        };
        // What was refused is asked again, even if all is as it was before: only that ends the matter.
        if !way.is_wanted || (way.refused.is_none() && wanted.iter().all(is_accepted)) {
            return Ok(true);
        }
        if way.refused.is_some_and(|refused| refused.elapsed() < self.settings.patience) {
            return Ok(false);
        }
        let asked = self.aws.session().and_then(|session| {
            let node = session.pin.instance.clone();
            let node = node.ok_or_else(|| Failure::new(Reason::Missing, NO_NODE.to_owned()))?;
            put(&self.aws, &session, &node, &self.folded, self.folded.time)
        });
        match asked {
            Ok(()) => {
                way.refused = None;
                self.put = Some(Instant::now());
                self.matters.close(Matter::Ssm, way.action);
                self.matters.close(Matter::Account, NAME);
                let accepted = wanted.iter().map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned()));
                self.folded.accepted.extend(accepted);
                self.keep()?;
                Ok(true)
            }
            Err(failure) if is_refusal(failure.reason) => {
                way.refused = Some(Instant::now());
                self.matters.open(
                    Matter::Ssm,
                    way.action,
                    &failure.text,
                    "that Systems Manager takes the posture",
                );
                Ok(false)
            }
            Err(failure) => {
                if failure.reason == Reason::WrongAccount {
                    let expected = "credentials of the instance's own account";
                    self.matters.open(Matter::Account, NAME, &failure.text, expected);
                }
                Err(failure.into_retry())
            }
        }
    }
}

impl Shipper for Ssm {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Everything waits in the journal for the next report: nothing else would bring it up again in time.
    fn patience(&self, waiting: &[Entry], _now: Timestamp) -> Duration {
        let is_urgent = |entry: &Entry| entry.kind == Kind::Finding && entry.severity == Severity::Critical;
        if waiting.iter().any(is_urgent) { Duration::ZERO } else { self.until_due() }
    }

    fn resume(&mut self, _after: Option<Position>) {
        // What is lost is told anew by the next inventory.
        self.folded = self.kept.read().unwrap_or_default();
    }

    fn deliver(&mut self, batch: &[Entry]) -> Result<Delivered, Trouble> {
        self.matters.beat();
        self.fold(batch)?;
        self.report()?;
        Ok(Delivered::first(batch.len()))
    }
}

/// Whether only somebody's hand can mend it. What passes by itself is tried again by the loop that does so.
pub(super) fn is_refusal(reason: Reason) -> bool {
    match reason {
        Reason::Denied | Reason::Missing | Reason::Exists | Reason::Invalid | Reason::Other => true,
        Reason::Network
        | Reason::Throttled
        | Reason::Server
        | Reason::Credentials
        | Reason::Skew
        | Reason::WrongAccount
        | Reason::Identity => false,
    }
}

const NAME: &str = "ssm";
const COMPLIANCE: &str = "Custom:guestward";
const POSTURE: &str = "Custom:GuestwardPosture";
/// The checks of the packages in the inventory, and what is missing in the compliance.
const PATCH: &str = "Custom:GuestwardPatch";
/// What is outstanding, package by package.
const PACKAGES: &str = "Custom:GuestwardPackages";
const NO_NODE: &str =
    "only a managed node has a posture in Systems Manager, and this machine is no EC2 instance";
/// A fleet that a bad rollout makes fail all at once must not take the account's whole rate.
const PAUSE: Duration = Duration::from_secs(300);
/// Whoever mends a role or registers a node does so by hand. Heartbeats come as often.
const PATIENCE: Duration = Duration::from_secs(3600);
