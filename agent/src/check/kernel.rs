//! What the running kernel permits.

mod boundaries;
mod exposure;
mod hardware;
mod modules;

use super::Topic;
use crate::finding::{Evidence, Outcome, Source};
use crate::host::kernel::KernelState;
use crate::host::{Facts, Unreadable, Wanted, sysctl};

pub(super) const TOPIC: Topic = Topic {
    name: "kernel",
    title: "Kernel",
    needs: Wanted { kernel: true, ..Wanted::NONE },
    lists: &[boundaries::CHECKS, exposure::CHECKS, modules::CHECKS, hardware::CHECKS],
};

/// One verdict about the kernel that runs here, or why there is none to give.
fn judged<'a>(
    facts: &'a Facts,
    judge: impl FnOnce(&'a KernelState) -> Result<Outcome, &'a Unreadable>,
) -> Vec<Outcome> {
    vec![here(facts).and_then(judge_with(judge)).unwrap_or_else(|outcome| *outcome)]
}

fn judge_with<'a>(
    judge: impl FnOnce(&'a KernelState) -> Result<Outcome, &'a Unreadable>,
) -> impl FnOnce(&'a KernelState) -> Result<Outcome, Box<Outcome>> {
    |kernel| judge(kernel).map_err(|cause| Box::new(Outcome::unreadable(SUBJECT, cause)))
}

fn here(facts: &Facts) -> Result<&KernelState, Box<Outcome>> {
    let unreadable = |cause| Box::new(Outcome::unreadable(SUBJECT, cause));
    let kernel = facts.kernel.as_ref().map_err(unreadable)?;
    let surroundings = facts.surroundings.as_ref().map_err(unreadable)?;
    let reason = match (surroundings.runs, surroundings.is_container) {
        (false, _) => "nothing runs below this root",
        (true, true) => "this is a container: its kernel is its host's",
        (true, false) => return Ok(kernel),
    };
    Err(Box::new(Outcome::not_applicable(SUBJECT, reason)))
}

/// What a setting is, against what it should be.
fn setting(name: &str, value: Option<i64>, expected: &str) -> Evidence {
    let observed = value.map_or("not there".to_owned(), |value| value.to_string());
    Evidence::new(Source::path(sysctl::path(name)), observed, expected)
}

const SUBJECT: &str = "kernel";
