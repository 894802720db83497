//! `guestward packages --self-check`: our list of updates held against the package manager's own.

mod asked;

use std::io::{self, Write};

use jiff::Timestamp;

use crate::cli::{Exit, Failure};
use crate::finding::Text;
use crate::host::Host;
use crate::host::packages::compared::{Compared, FILE, Outcome};
use crate::host::packages::{Manager, Packages};
use crate::journal::storage::{Directory, Storage as _};

/// Ours is made before and after: where it changed meanwhile, the two are of different times.
pub(super) fn run(host: &Host, is_recorded: bool, out: &mut dyn Write) -> Result<Exit, Failure> {
    let compared = compare(host)?;
    let mut exit = match compared.outcome {
        Outcome::Agreed(_) => Exit::Clean,
        Outcome::Differs(_) => Exit::Found,
        Outcome::Unanswered(_) => Exit::Incomplete,
    };
    if is_recorded {
        record(host, &compared).map_err(|error| {
            Failure::trouble(format!("{} cannot be written: {error}", host.state().join(FILE).display()))
        })?;
        // The unit has done its work; what came of it is the sensor's to tell.
        exit = Exit::Clean;
    }
    text(&compared, out).map_err(|error| Failure::output(error, exit))?;
    Ok(exit)
}

fn compare(host: &Host) -> Result<Compared, Failure> {
    for _ in 0..TRIES {
        let before = Packages::of(host);
        let manager = before.manager.as_ref().map_err(|cause| Failure::trouble(cause.to_string()))?;
        if *manager == Manager::None {
            return Err(Failure::trouble("there is no package manager to ask: neither dpkg nor rpm is here"));
        }
        let updates = before.updates.as_ref().map_err(|cause| Failure::trouble(cause.to_string()))?;
        let database = before.database.as_ref().map_err(|cause| Failure::trouble(cause.to_string()))?;
        let answer = asked::ask(host, *manager, &before.metadata);
        let after = Packages::of(host);
        if after.updates.as_ref().is_ok_and(|after| after.pending == updates.pending) {
            let time = Timestamp::now();
            return Ok(Compared::new(*manager, &database.native, &updates.pending, answer, time));
        }
    }
    Err(Failure::trouble(
        "packages come and go: the list changed each time while the package manager was asked",
    ))
}

fn record(host: &Host, compared: &Compared) -> io::Result<()> {
    let below = host.state().strip_prefix("/").unwrap_or(host.state());
    let path = host.root_path().join(below).join(FILE);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let directory = Directory::create(parent, 0o755, None)?;
    let next = format!("{name}.next");
    let _ = directory.remove(&next);
    let mut file = directory.create(&next)?;
    directory.append(&mut file, compared.to_json().as_bytes())?;
    directory.sync(&mut file)?;
    directory.rename(&next, name)?;
    directory.sync_names()
}

fn text(compared: &Compared, out: &mut dyn Write) -> io::Result<()> {
    let manager = Text::new(&compared.manager);
    match &compared.outcome {
        Outcome::Agreed(0) => writeln!(out, "{manager} knows of no update either")?,
        Outcome::Agreed(count) => writeln!(out, "{manager} lists the same {count} updates")?,
        Outcome::Unanswered(why) => writeln!(out, "no answer: {why}")?,
        Outcome::Differs(lines) => {
            writeln!(out, "{manager} lists something else; please report it, with these lines:")?;
            lines.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
        }
    }
    match compared.kept_back.len() {
        0 => Ok(()),
        count => writeln!(out, "{count} of them it would keep back as things are"),
    }
}

const TRIES: usize = 3;
