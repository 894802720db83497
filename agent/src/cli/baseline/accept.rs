//! `guestward baseline accept`: what differs is what is meant.

use std::io::{self, Write};

use serde_json::json;

use super::super::args::{AcceptArgs, Format};
use super::super::{Exit, Failure, policy};
use super::look::Meter;
use super::text::Page;
use super::{hex, host_at, paths, places, who};
use crate::baseline::accept::{Decision, Of, Taken, accept};
use crate::finding::Text;

pub(super) fn run(args: &AcceptArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let policy = policy::load(args.policy.policy.as_ref())?;
    let host = host_at(&args.target.root)?;
    let of = match (&args.paths[..], &args.package[..]) {
        ([], []) => Of::Everything,
        ([], packages) => Of::Packages(packages.to_vec()),
        (given, _) => Of::Paths(paths(given)?),
    };
    let decision = Decision { of, who: who(), why: args.reason.clone() };
    let meter = Meter::start();
    let directory = places(&args.target.root).baseline();
    let taken = accept(&host, &policy, &directory, &decision, &|progress| meter.show(progress));
    drop(meter);
    let taken = taken.map_err(Failure::trouble)?;
    let written = match args.format.format {
        Format::Json => json(&taken, &decision, out),
        Format::Text => text(&taken, out),
    };
    written.map_err(|error| Failure::output(error, Exit::Clean))?;
    Ok(Exit::Clean)
}

fn text(taken: &Taken, out: &mut dyn Write) -> io::Result<()> {
    if taken.drifts.is_empty() {
        return writeln!(out, "nothing differs that this would accept; what was agreed stays as it is");
    }
    Page::of_stdout(false).drifts(&taken.drifts, out)?;
    writeln!(out, "agreed: {} changes; root {}", taken.drifts.len(), hex(&taken.after.root))
}

fn json(taken: &Taken, decision: &Decision, out: &mut dyn Write) -> io::Result<()> {
    let paths = taken.drifts.iter().map(|drift| Text::from_bytes(&drift.path).to_string());
    let document = json!({
        "schema": "guestward.acceptance/1",
        "who": decision.who,
        "why": decision.why,
        "count": taken.drifts.len(),
        "paths": paths.collect::<Vec<_>>(),
        "root_before": hex(&taken.before.root),
        "root": hex(&taken.after.root),
        "version": taken.after.version,
        "state": hex(&taken.after.state),
    });
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}
