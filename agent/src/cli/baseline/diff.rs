//! `guestward baseline diff`: what is not as agreed.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::super::args::{DiffArgs, Format};
use super::super::{Exit, Failure, policy};
use super::look::Meter;
use super::text::Page;
use super::{host_at, last, paths, places};
use crate::baseline::diff::{Depth, Order, Report, check};
use crate::baseline::last as word;
use crate::finding::wire::drift::Document;
use crate::finding::wire::integrity::Integrity;

pub(super) fn run(args: &DiffArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let policy = policy::load(args.policy.policy.as_ref())?;
    let host = host_at(&args.target.root)?;
    let depth = if args.quick { Depth::Metadata { rehash: None } } else { Depth::Full };
    let paths = paths(&args.paths)?;
    let order =
        Order { store: places(&args.target.root).baseline(), paths, depth, polite_until: None, most: MOST };
    let meter = Meter::start();
    let report = check(&host, &policy, &order, &AtomicBool::new(false), &|progress| meter.show(progress));
    drop(meter);
    let report = report.map_err(Failure::trouble)?;
    // By another policy than the machine's own, less may have been looked at.
    if args.paths.is_empty() && args.policy.policy.is_none() {
        leave_word(&order.store, &report);
    }
    let exit = verdict(&report);
    let written = match args.format.format {
        Format::Json => json(&report, out),
        Format::Text => Page::of_stdout(args.all).report(&report, out),
    };
    written.map_err(|error| Failure::output(error, exit))?;
    Ok(exit)
}

/// For the checks. That a baseline cannot be trusted is the sensor's to say and to take back: it remembers the one before.
fn leave_word(directory: &Path, report: &Report) {
    let is_damaged = last(directory).is_some_and(|last| !last["damaged"].is_null());
    if !is_damaged {
        // Who may only read has compared all the same.
        let _ = word::write(directory, &Integrity::of(report, None));
    }
}

/// What is known to differ goes before what is not known.
pub(super) fn verdict(report: &Report) -> Exit {
    match (report.counts.drifts(), report.counts.unseen) {
        (0, 0) => Exit::Clean,
        (0, _) => Exit::Incomplete,
        _ => Exit::Found,
    }
}

fn json(report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, &Document::new(report))?;
    out.write_all(b"\n")
}

/// Nobody reads more one by one; what is beyond is counted, and a path narrows it.
pub(super) const MOST: usize = 100_000;
