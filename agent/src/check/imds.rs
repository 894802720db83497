//! What the instance metadata service answers here, and whether it is the real one.

mod service;
mod settings;
mod way;

use super::Topic;
use crate::finding::Outcome;
use crate::host::imds::{Imds, Silence};
use crate::host::{Facts, Wanted};

pub(super) const TOPIC: Topic = Topic {
    name: "imds",
    title: "Instance metadata",
    needs: Wanted { imds: true, ..Wanted::NONE },
    lists: &[&[
        service::V1_REFUSED,
        service::IPV6,
        service::TOKEN,
        service::HOP_LIMIT,
        way::IMPERSONATION,
        settings::ENDPOINT_OVERRIDE,
        settings::PROXY,
    ]],
};

fn imds(facts: &Facts) -> Result<&Imds, Vec<Outcome>> {
    facts.imds.as_ref().map_err(|cause| vec![Outcome::unreadable(SUBJECT, cause)])
}

/// The answer where nobody was asked.
fn silent(silence: &Silence) -> Vec<Outcome> {
    vec![match silence {
        Silence::Trouble(cause) => Outcome::unreadable(SUBJECT, cause),
        Silence::NotEc2 | Silence::NoKernel => Outcome::not_applicable(SUBJECT, silence.to_string()),
    }]
}

const SUBJECT: &str = "imds";
/// As many pieces of evidence as a reader looks at.
const MAX_EVIDENCE: usize = 20;
