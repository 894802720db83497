//! What runs here, and what should not.

mod agent;
mod old;
mod timers;
mod units;

use super::Topic;
use crate::finding::{Evidence, Outcome, Source};
use crate::host::running::{Running, place};
use crate::host::services::Services;
use crate::host::{Facts, Unreadable, Wanted};

pub(super) const TOPIC: Topic = Topic {
    name: "services",
    title: "Services",
    needs: Wanted { services: true, running: true, packages: true, ..Wanted::NONE },
    lists: &[old::CHECKS, units::CHECKS, timers::CHECKS, agent::CHECKS],
};

/// An answer, or the answer that is due instead. Boxed, as it is the larger and rarer one.
type Judged<T = Outcome> = Result<T, Box<Outcome>>;

fn unreadable(subject: &str) -> impl Fn(&Unreadable) -> Box<Outcome> + '_ {
    move |cause| Box::new(Outcome::unreadable(subject, cause))
}

fn facts_of<'a>(facts: &'a Facts, subject: &str) -> Judged<&'a Services> {
    facts.services.as_ref().map_err(unreadable(subject))
}

/// A kind of service, by everything that it may be called.
struct Kind {
    name: &'static str,
    packages: &'static [&'static str],
    units: &'static [&'static str],
    programs: &'static [&'static str],
}

impl Kind {
    /// That one of its programs runs.
    fn running(&self, running: &Running) -> Option<Evidence> {
        let program = running.named(self.programs).next()?;
        let observed = format!("{}: {} runs", self.name, program.name);
        Some(Evidence::new(Source::path(place(program.pid)), observed, "that it does not"))
    }

    /// That one of its units starts by itself.
    fn started(&self, started: &std::collections::BTreeMap<String, std::path::PathBuf>) -> Option<Evidence> {
        let (unit, link) = self.units.iter().find_map(|unit| started.get_key_value(*unit))?;
        let observed = format!("{}: {unit} starts with the machine", self.name);
        Some(Evidence::new(Source::path(link), observed, "disabled"))
    }
}

/// Whether something runs below this root, so that processes say something.
fn is_running(facts: &Facts, subject: &str) -> Judged<bool> {
    Ok(facts.surroundings.as_ref().map_err(unreadable(subject))?.runs)
}

/// That processes are hidden, so that absence proves nothing.
fn hidden(subject: &str) -> Outcome {
    let reason = "not every process can be seen, so one of them may run";
    Outcome { denied: true, ..Outcome::unknown(subject, reason) }
}

fn one(judged: Judged) -> Vec<Outcome> {
    vec![judged.unwrap_or_else(|outcome| *outcome)]
}

const MAX_EVIDENCE: usize = 20;
