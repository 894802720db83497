//! Whether what happens here is written down, and stays.

mod clock;
mod delivery;
mod execution;
mod files;
mod journal;

use super::Topic;
use crate::finding::{Evidence, Outcome, Source};
use crate::host::running::{Program, Running, place};
use crate::host::{Facts, Wanted, logging};

pub(super) const TOPIC: Topic = Topic {
    name: "logging",
    title: "Logging",
    needs: Wanted { delivery: true, logging: true, running: true, ..Wanted::NONE },
    lists: &[journal::CHECKS, execution::CHECKS, files::CHECKS, clock::CHECKS, delivery::CHECKS],
};

/// An answer, or the answer that is due instead. Boxed, as it is the larger and rarer one.
type Judged<T = Outcome> = Result<T, Box<Outcome>>;

fn facts_of<'a>(facts: &'a Facts, subject: &str) -> Judged<&'a logging::Logging> {
    facts.logging.as_ref().map_err(|cause| Box::new(Outcome::unreadable(subject, cause)))
}

/// The processes, where the question is one about a machine that runs.
fn running<'a>(facts: &'a Facts, subject: &str) -> Judged<&'a Running> {
    let unreadable = |cause| Box::new(Outcome::unreadable(subject, cause));
    let running = facts.running.as_ref().map_err(unreadable)?;
    let surroundings = facts.surroundings.as_ref().map_err(unreadable)?;
    let reason = match (surroundings.runs, surroundings.is_container) {
        (false, _) => "nothing runs below this root",
        (true, true) => "this is a container: its host sees to that",
        (true, false) => return Ok(running),
    };
    Err(Box::new(Outcome::not_applicable(subject, reason)))
}

/// The first process with one of these programs. That there is none can only be said if all are seen.
fn program<'a>(running: &'a Running, names: &'a [&str], subject: &str) -> Judged<Option<&'a Program>> {
    match running.installed(names).next() {
        None if running.is_partial => {
            let reason = format!("not every process can be seen, so {} may run", names.join(" or "));
            Err(Box::new(Outcome { denied: true, ..Outcome::unknown(subject, reason) }))
        }
        found => Ok(found),
    }
}

fn runs(program: &Program) -> Evidence {
    Evidence::new(Source::path(place(program.pid)), format!("{} runs", program.name), "that it runs")
}

fn one(judged: Judged) -> Vec<Outcome> {
    vec![judged.unwrap_or_else(|outcome| *outcome)]
}
