//! Looks: the posture, made on a thread of its own so that the loop never waits for a slow disk.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Instant;

use jiff::Timestamp;

use super::Input;
use crate::check;
use crate::finding::Finding;
use crate::host::packages::Known;
use crate::host::{Facts, Host};
use crate::policy::Policy;
use crate::watch::Topics;

/// What is to be looked at, by which policy.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) policy: Arc<Policy>,
    /// `None` is everything.
    pub(super) topics: Option<Topics>,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) topics: Option<Topics>,
    pub(super) began: Instant,
    pub(super) ended: Instant,
    pub(super) time: Timestamp,
    pub(super) asked: BTreeSet<&'static str>,
    pub(super) enabled: BTreeSet<&'static str>,
    pub(super) findings: Vec<Finding>,
}

/// Looks whenever it is ordered to, until nobody orders or listens any more.
pub(super) fn serve(state: &Path, orders: &Receiver<Order>, inputs: &SyncSender<Input>) {
    let packages = Arc::new(Known::default());
    while let Ok(order) = orders.recv() {
        let look = look(state, &packages, order);
        // What a look took is not kept: the next is an hour away. Only of the packages it pays to keep the answer.
        crate::sys::memory::give_back();
        if inputs.send(Input::Looked(Box::new(look))).is_err() {
            return;
        }
    }
}

fn look(state: &Path, packages: &Arc<Known>, order: Order) -> Look {
    let (began, time) = (Instant::now(), Timestamp::now());
    let names: Vec<String> = order.topics.iter().flatten().map(|&topic| topic.to_owned()).collect();
    let selected = check::select(&names, &order.policy);
    let findings = match Host::at(Path::new("/")) {
        Ok(host) => {
            let host = host.state_at(state).to_deliver(order.policy.uses_aws());
            let host = host.with_known(Arc::clone(packages));
            let facts = Facts::gather(&host, check::wanted(&selected), time, &mut |_| {});
            check::judge(&facts, &order.policy, &selected)
        }
        // Without a root directory there is nothing to say; the last look stands.
        Err(_) => Vec::new(),
    };
    let enabled = check::all().filter(|(topic, check)| order.policy.is_enabled(topic.name, check.id));
    let asked = if findings.is_empty() {
        BTreeSet::new()
    } else {
        selected.iter().map(|(_, check)| check.id).collect()
    };
    Look {
        topics: order.topics,
        began,
        ended: Instant::now(),
        time,
        asked,
        enabled: enabled.map(|(_, check)| check.id).collect(),
        findings,
    }
}
