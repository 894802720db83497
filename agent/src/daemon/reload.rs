//! SIGHUP: another policy.

use std::sync::Arc;
use std::time::Instant;

use super::{Daemon, digest, draft, start};
use crate::finding::Severity;
use crate::finding::wire::body::{Lifecycle, Told};
use crate::finding::wire::record::Kind;

impl Daemon {
    /// The policy is replaced whole, or stays as it is.
    pub(super) fn reload(&mut self) {
        self.notifier.reloading();
        let event = match (self.load_policy)() {
            Ok(policy) if digest(&policy) == self.policy_digest => None,
            Ok(policy) => {
                self.policy_digest = digest(&policy);
                let event = Lifecycle::policy(&self.policy_digest.0, &policy.sources);
                self.policy = Arc::new(policy);
                self.journal.set_limits(start::limits(&self.policy));
                let now = Instant::now();
                self.timers.heartbeat.by(now + self.policy.heartbeat_interval());
                self.timers.inventory.by(now + self.policy.inventory_interval());
                self.timers.checkpoint.by(now + self.policy.checkpoint_delay());
                // A key that was lost is the operator's matter, and not replaced behind his back.
                if self.key.is_none() && self.is_key_settled && self.key_trouble.is_none() {
                    self.settle_key();
                }
                self.files.noticing.renew(&self.policy);
                self.look(None);
                self.compare();
                self.identify_anew(now);
                Some(event)
            }
            Err(error) => Some(Lifecycle::PolicyRefused { error: Told::new(&error) }),
        };
        if let Some(event) = event {
            let severity =
                if matches!(event, Lifecycle::PolicyRefused { .. }) { Severity::High } else { Severity::Low };
            self.record(vec![draft(Kind::Lifecycle, severity, event.to_json())]);
        }
        self.notifier.ready(&self.in_a_line());
    }
}
