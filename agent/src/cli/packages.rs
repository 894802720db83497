//! `guestward packages`: installed and pending packages, and what still runs old code.

mod self_check;

use std::io::{self, IsTerminal as _, Write, stdout};

use jiff::Timestamp;

use super::args::{Format, PackagesArgs};
use super::paint::{self, Paint};
use super::progress::Progress;
use super::{Exit, Failure};
use crate::check;
use crate::finding::patch::{Patch, Standing};
use crate::finding::{Severity, Text, Verdict, wire};
use crate::host::packages::{Freshness, Manager, Packages, PendingState, Reboot, Restart};
use crate::host::{Facts, Host, Unreadable, Wanted};
use crate::journal::places::Places;
use crate::policy::Policy;

pub(super) fn run(args: &PackagesArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let host = Host::at(&args.target.root).map_err(|cause| Failure::trouble(format!("--root: {cause}")))?;
    let host = with_state(host);
    if args.self_check {
        return self_check::run(&host, args.record, out);
    }
    let mut progress = Progress::start();
    let wanted = Wanted { packages: true, processes: true, ..Wanted::NONE };
    let facts = Facts::gather(&host, wanted, Timestamp::now(), &mut |what| progress.show(what));
    progress.finish();

    let max_age = check::default_of("packages-metadata-age", "max-age");
    let restart = facts.restarts();
    let freshness = facts.packages.metadata.freshness(facts.now, max_age);
    let exit =
        verdict(&facts, &freshness, facts.processes.as_ref().is_ok_and(|seen| seen.unreadable.is_empty()));
    let written = match args.format.format {
        Format::Json => json(&facts, &restart, max_age, out),
        Format::Text => text(&facts, &freshness, &restart, out),
    };
    written.map_err(|error| Failure::output(error, exit))?;
    Ok(exit)
}

/// Where the agent keeps its state: another tree has its own.
fn with_state(host: Host) -> Host {
    if host.is_live() { host.state_at(Places::from_env().state()) } else { host }
}

/// As for `check` at its default: what is known to be wrong goes before what is not known.
fn verdict(facts: &Facts, freshness: &Freshness, restart_known: bool) -> Exit {
    let packages = &facts.packages;
    match (&packages.manager, &packages.updates) {
        (Ok(Manager::None), _) => Exit::Clean,
        (_, Ok(updates)) if updates.pending.iter().any(|pending| pending.is_security) => Exit::Found,
        (_, Ok(updates))
            if updates.unsure.is_empty()
                && *freshness == Freshness::Fresh
                && restart_known
                && check::packages::blind(facts).is_none() =>
        {
            Exit::Clean
        }
        _ => Exit::Incomplete,
    }
}

fn json(
    facts: &Facts,
    restart: &Result<Vec<Restart>, &Unreadable>,
    max_age: u64,
    out: &mut dyn Write,
) -> io::Result<()> {
    let restart = restart.as_deref().unwrap_or_default();
    let document = wire::packages::Document::new(&facts.packages, restart, facts.now, max_age);
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// What to do first, first.
fn text(
    facts: &Facts,
    freshness: &Freshness,
    restart: &Result<Vec<Restart>, &Unreadable>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let terminal = stdout().is_terminal();
    let page = Page { paint: Paint::for_terminal(terminal), width: paint::width(terminal) };
    page.overview(&facts.packages, freshness, out)?;
    page.pending(facts, out)?;
    page.reboot(&facts.packages, out)?;
    let unseen = facts.processes.as_ref().map_or(&[][..], |processes| &processes.unreadable);
    page.restart(restart, unseen, out)
}

struct Page {
    paint: Paint,
    width: usize,
}

impl Page {
    fn overview(&self, packages: &Packages, freshness: &Freshness, out: &mut dyn Write) -> io::Result<()> {
        match (&packages.manager, &packages.database) {
            (Err(cause), _) | (_, Err(cause)) => return self.unknown("packages", cause, out),
            (Ok(Manager::None), _) => {
                return writeln!(out, "no package manager: neither dpkg nor rpm is here");
            }
            (Ok(manager), Ok(database)) => {
                writeln!(out, "{} packages installed ({})", database.present().count(), manager.name())?;
            }
        }
        let seen = |time: Option<Timestamp>| time.map_or("never".to_owned(), |time| format!("{time:.0}"));
        let metadata = &packages.metadata;
        let (newest, checked) = (seen(metadata.newest), seen(metadata.checked));
        let state = match freshness {
            Freshness::Fresh => self.paint.verdict(Verdict::Pass, freshness.name()),
            _ => self.paint.verdict(Verdict::Unknown, freshness.name()),
        };
        self.line(&format!("lists {state}: newest of {newest}, last asked for {checked}"), out)?;
        freshness.reason().map_or(Ok(()), |reason| self.line(&format!("  {}", Text::new(reason)), out))
    }

    fn pending(&self, facts: &Facts, out: &mut dyn Write) -> io::Result<()> {
        let Ok(updates) = &facts.packages.updates else { return Ok(()) };
        if let Some(locked) = &updates.locked {
            let newest =
                locked.newest.as_deref().map_or_else(String::new, |newest| format!("; {newest} is out"));
            let line = format!("locked to release {} ({}){newest}", locked.release, locked.by);
            self.line(Text::new(&line).as_str(), out)?;
            if let Some(blind) = check::packages::blind(facts) {
                self.line(&format!("  {}", Text::new(&blind)), out)?;
            }
        }
        // The limits are those that hold without a policy: none is asked for here.
        let patches = check::packages::patches(facts, &Policy::default());
        let (security, others): (Vec<_>, Vec<_>) =
            patches.iter().partition(|patch| patch.pending.is_security);
        for (title, list, severity) in
            [("security updates", security, Severity::High), ("other updates", others, Severity::Low)]
        {
            if !list.is_empty() {
                let count = self.paint.severity(severity, &format!("{} {title}", list.len()));
                writeln!(out, "\n{count}")?;
                self.table(&list, out)?;
            }
        }
        if updates.pending.is_empty() && updates.unsure.is_empty() {
            writeln!(out, "\nno update is outstanding, as far as the lists tell")?;
        }
        updates.unsure.iter().try_for_each(|cause| self.unknown("updates", cause, out))
    }

    fn table(&self, list: &[&Patch<'_>], out: &mut dyn Write) -> io::Result<()> {
        let keys: Vec<String> =
            list.iter().map(|patch| Text::new(&patch.pending.key()).to_string()).collect();
        let widest = keys.iter().map(|key| key.chars().count()).max().unwrap_or(0).min(self.width / 3);
        for (patch, key) in list.iter().zip(&keys) {
            let pending = patch.pending;
            let state = match pending.state {
                PendingState::Pending => String::new(),
                state => format!(" ({})", state.name()),
            };
            let versions = Text::new(&format!("{} -> {}", pending.installed, pending.candidate));
            writeln!(out, "  {key:<widest$}  {versions}{state}")?;
            self.urgency(patch, out)?;
        }
        Ok(())
    }

    /// Why it comes where it comes, and what keeps it back.
    fn urgency(&self, patch: &Patch<'_>, out: &mut dyn Write) -> io::Result<()> {
        let pending = patch.pending;
        let mut words: Vec<String> = Vec::new();
        if !patch.exploited.is_empty() {
            let named: Vec<&str> = patch.exploited.iter().take(MOST_NAMED).copied().collect();
            words.push(self.paint.severity(Severity::Critical, &format!("exploited: {}", named.join(", "))));
        }
        if patch.standing == Standing::Overdue {
            words.push(self.paint.severity(Severity::High, "overdue"));
        }
        let mut said: Vec<String> =
            pending.urgency().map(|urgency| urgency.name().to_owned()).into_iter().collect();
        said.extend(check::packages::notices(pending));
        if pending.is_security {
            said.extend(check::packages::since(pending.available));
        }
        said.extend(pending.reason.clone());
        said.extend(pending.hidden_fix.as_ref().map(|fix| format!("hides {fix}")));
        words.extend(said.iter().map(|word| Text::new(word).to_string()));
        if words.is_empty() { Ok(()) } else { self.line(&format!("    {}", words.join(", ")), out) }
    }

    fn reboot(&self, packages: &Packages, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out)?;
        match packages.kernel.as_ref().map(crate::host::packages::Kernel::reboot) {
            Err(cause) => self.unknown("reboot", cause, out),
            Ok(Reboot::Needed { reason, .. }) => {
                let due = self.paint.severity(Severity::Medium, "reboot due");
                self.line(&format!("{due}: {}", Text::new(&reason)), out)
            }
            Ok(Reboot::NotNeeded { .. }) => writeln!(out, "no reboot due: the newest installed kernel runs"),
            Ok(Reboot::NotApplicable { reason } | Reboot::Unknown { reason }) => {
                self.line(&format!("reboot: {}", Text::new(&reason)), out)
            }
        }
    }

    fn restart(
        &self,
        restart: &Result<Vec<Restart>, &Unreadable>,
        unseen: &[Unreadable],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let restart = match restart {
            Err(cause) => return self.unknown("restart", cause, out),
            Ok(restart) if !restart.is_empty() => restart,
            Ok(_) if unseen.is_empty() => return writeln!(out, "nothing runs replaced code"),
            Ok(_) => return self.unseen(unseen, out),
        };
        let count = format!("{} processes run replaced code", restart.len());
        writeln!(out, "{}", self.paint.severity(Severity::Medium, &count))?;
        for process in restart {
            let unit = process.unit.as_deref().unwrap_or("no unit");
            let packages = process.packages.join(", ");
            let line = format!("  pid {} (uid {}, {unit}): {packages}", process.pid, process.uid);
            self.line(Text::new(&line).as_str(), out)?;
        }
        self.unseen(unseen, out)
    }

    /// The processes that could not be looked into.
    fn unseen(&self, unseen: &[Unreadable], out: &mut dyn Write) -> io::Result<()> {
        unseen.iter().take(1).try_for_each(|cause| self.unknown("restart", cause, out))?;
        match unseen.len().saturating_sub(1) {
            0 => Ok(()),
            more => writeln!(out, "    … and {more} more processes"),
        }
    }

    fn unknown(&self, what: &str, cause: &Unreadable, out: &mut dyn Write) -> io::Result<()> {
        self.line(&format!("{} {what}: {cause}", self.paint.verdict(Verdict::Unknown, "unknown")), out)
    }

    fn line(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        paint::wrap(text, self.width, "    ").iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

const MOST_NAMED: usize = 3;
