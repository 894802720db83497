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
use crate::finding::wire::body::PatchesBody;
use crate::host::packages::appeared::Appeared;
use crate::host::packages::{Known, Packages};
use crate::host::{Facts, Host, Unreadable};
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
    /// What is outstanding; `None` if the packages were not looked at.
    pub(super) patches: Option<Box<Patches>>,
}

/// What was seen of the updates that are outstanding.
#[derive(Debug)]
pub(super) struct Patches {
    pub(super) body: PatchesBody,
    pub(super) appeared: Appeared,
    /// Why what was remembered could not be read.
    pub(super) forgotten: Option<Unreadable>,
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
    let (findings, patches) = match Host::at(Path::new("/")) {
        Ok(host) => {
            let host = host.state_at(state).to_deliver(order.policy.uses_aws());
            let host = host.with_known(Arc::clone(packages));
            let facts = Facts::gather(&host, check::wanted(&selected), time, &mut |_| {});
            let is_asked = selected.iter().any(|(topic, _)| topic.name == check::packages::NAME);
            let findings = check::judge(&facts, &order.policy, &selected);
            (findings, is_asked.then(|| Box::new(seen(facts, &order.policy))))
        }
        // Without a root directory there is nothing to say; the last look stands.
        Err(_) => (Vec::new(), None),
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
        patches,
    }
}

fn seen(facts: Facts, policy: &Policy) -> Patches {
    let max_age = check::packages::max_age(policy);
    let body = PatchesBody::of(&facts, &check::packages::patches(&facts, policy), max_age);
    let Packages { appeared, forgotten, .. } = &*facts.packages;
    let (appeared, forgotten) = (appeared.clone(), forgotten.clone());
    Patches { body, appeared, forgotten }
}
