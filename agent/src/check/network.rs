//! What listens, and what the packet filter and the stack let through.

mod filter;
mod filter_boot;
mod forwarding;
mod listeners;
mod ports;
mod protocols;
mod redirects;
mod stack;

use super::Topic;
use crate::finding::Outcome;
use crate::host::network::Network;
use crate::host::{Facts, Wanted};

pub(super) const TOPIC: Topic = Topic {
    name: "network",
    title: "Network",
    needs: Wanted { network: true, running: true, ..Wanted::NONE },
    lists: &[&[
        listeners::CONTROL,
        listeners::DATABASE,
        listeners::LEGACY,
        listeners::ADMIN,
        filter::IPV4,
        filter::IPV6,
        filter_boot::PERSISTENT,
        forwarding::FORWARDING,
        redirects::REDIRECTS,
        redirects::SOURCE_ROUTES,
        stack::SYN_COOKIES,
        stack::RP_FILTER,
        stack::ICMP,
        stack::LOG_MARTIANS,
        protocols::PROTOCOLS,
    ]],
};

/// The facts, or the answer that is due where nothing runs or nobody looked.
fn network(facts: &Facts) -> Result<&Network, Vec<Outcome>> {
    let network = facts.network.as_ref().map_err(|cause| vec![Outcome::unreadable(SUBJECT, cause)])?;
    match &facts.surroundings {
        Err(cause) => Err(vec![Outcome::unreadable(SUBJECT, cause)]),
        Ok(surroundings) if !surroundings.runs => {
            Err(vec![Outcome::not_applicable(SUBJECT, "nothing runs below this root")])
        }
        Ok(_) => Ok(network),
    }
}

/// The same for what a container leaves to its host: the stack's settings and the packet filter.
fn of_machine(facts: &Facts) -> Result<&Network, Vec<Outcome>> {
    let network = network(facts)?;
    match &facts.surroundings {
        Ok(surroundings) if surroundings.is_container => {
            let reason = "this is a container: its host filters its packets and sets its stack";
            Err(vec![Outcome::not_applicable(SUBJECT, reason)])
        }
        _ => Ok(network),
    }
}

const SUBJECT: &str = "network";
/// As many pieces of evidence as a reader looks at.
const MAX_EVIDENCE: usize = 20;
