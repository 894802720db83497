//! `guestward baseline create`: what is there now is what was agreed.

use std::io::{self, Write};
use std::sync::atomic::AtomicBool;

use serde_json::json;

use super::super::args::{CreateArgs, Format};
use super::super::{Exit, Failure, policy};
use super::look::{Meter, size};
use super::{hex, host_at, made, places, who};
use crate::baseline::create::{Created, create};
use crate::baseline::store::Store;
use crate::finding::Text;

pub(super) fn run(args: &CreateArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let policy = policy::load(args.policy.policy.as_ref())?;
    let host = host_at(&args.target.root)?;
    let directory = places(&args.target.root).baseline();
    if !args.replace {
        refuse_another(&directory)?;
    }
    made(&directory)?;
    let meter = Meter::start();
    let (who, why) = (who(), args.reason.as_deref().unwrap_or_default());
    let is_over = AtomicBool::new(false);
    let created = create(&host, &policy, &directory, (&who, why), &is_over, &|progress| meter.show(progress));
    drop(meter);
    let created = created.map_err(Failure::trouble)?;
    let exit = if created.unseen_count == 0 { Exit::Clean } else { Exit::Incomplete };
    let written = match args.format.format {
        Format::Json => json(&created, out),
        Format::Text => text(&created, out),
    };
    written.map_err(|error| Failure::output(error, exit))?;
    Ok(exit)
}

/// Also one that is damaged: what was agreed is not to be forgotten by mistake.
fn refuse_another(directory: &std::path::Path) -> Result<(), Failure> {
    let there = match Store::open(directory) {
        Ok(None) => return Ok(()),
        Ok(Some(store)) => {
            let (version, time) = (store.identity().version, store.header().created);
            format!("there is a baseline already (version {version} of {time:.0})")
        }
        Err(damage) => damage.to_string(),
    };
    Err(Failure::trouble(format!(
        "{there}. Take what changed into it with `guestward baseline accept`, or replace it: --replace --reason TEXT"
    )))
}

fn json(created: &Created, out: &mut dyn Write) -> io::Result<()> {
    let unseen = created
        .unseen
        .iter()
        .map(|unseen| json!({"path": Text::from_bytes(&unseen.path).to_string(), "reason": unseen.why}));
    let document = json!({
        "schema": "guestward.baseline/1",
        "version": created.identity.version,
        "root": hex(&created.identity.root),
        "state": hex(&created.identity.state),
        "entries": created.entries,
        "bytes": created.bytes,
        "resumed": created.resumed,
        "took_s": created.took.as_secs_f64(),
        "unseen": unseen.collect::<Vec<_>>(),
        "unseen_count": created.unseen_count,
        "no_owners": created.no_owners,
    });
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn text(created: &Created, out: &mut dyn Write) -> io::Result<()> {
    let Created { identity, entries, bytes, resumed, took, .. } = created;
    writeln!(
        out,
        "agreed on {entries} objects, {} read, in {:.1} s: version {}",
        size(*bytes),
        took.as_secs_f64(),
        identity.version
    )?;
    writeln!(out, "root {}", hex(&identity.root))?;
    if *resumed > 0 {
        writeln!(out, "{resumed} of them an attempt that was interrupted had looked at already")?;
    }
    if let Some(why) = &created.no_owners {
        writeln!(out, "which package has what is not known: {}", Text::new(why))?;
    }
    if created.unseen_count > 0 {
        writeln!(out, "not looked at: {}", created.unseen_count)?;
    }
    for unseen in created.unseen.iter().take(SHOWN) {
        writeln!(out, "  {}: {}", Text::from_bytes(&unseen.path), Text::new(&unseen.why))?;
    }
    Ok(())
}

const SHOWN: usize = 5;
