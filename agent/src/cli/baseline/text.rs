//! Drift for people: first what nobody accounts for, the worst of it first.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write, stdout};

use super::super::paint::{self, Paint};
use super::look::size;
use crate::baseline::diff::{Depth, Report, Steady};
use crate::baseline::drift::{Drift, Fields, Records};
use crate::finding::wire::object::Described;
use crate::finding::{Text, Verdict};
use crate::host::Kind;

pub(super) struct Page {
    paint: Paint,
    width: usize,
    all: bool,
}

impl Page {
    pub(super) fn of_stdout(all: bool) -> Self {
        let terminal = stdout().is_terminal();
        Self { paint: Paint::for_terminal(terminal), width: paint::width(terminal), all }
    }

    pub(super) fn report(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        self.drifts(&report.drifts, out)?;
        let more = report.counts.drifts().saturating_sub(report.drifts.len() as u64);
        if more > 0 {
            writeln!(out, "\n{more} more differ; name a path to see them")?;
        }
        self.unseen(report, out)?;
        self.summary(report, out)
    }

    /// In groups, by what accounts for them.
    pub(super) fn drifts(&self, drifts: &[Drift], out: &mut dyn Write) -> io::Result<()> {
        let mut groups: [Vec<&Drift>; 5] = Default::default();
        for drift in drifts {
            groups[group(drift)].push(drift);
        }
        let [unexplained, configuration, listed, packaged, touched] = groups;
        self.group("not accounted for by any package", &unexplained, out)?;
        self.group("configuration files changed by hand", &configuration, out)?;
        self.group("packages have them, and do not record what differs", &listed, out)?;
        self.packaged(&packaged, out)?;
        if self.all {
            return self.group("other times, and nothing else", &touched, out);
        }
        match touched.len() {
            0 => Ok(()),
            count => writeln!(out, "other times, and nothing else: {count} (--all lists them)\n"),
        }
    }

    fn group(&self, title: &str, drifts: &[&Drift], out: &mut dyn Write) -> io::Result<()> {
        if drifts.is_empty() {
            return Ok(());
        }
        let mut drifts = drifts.to_vec();
        drifts.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.path.cmp(&b.path)));
        writeln!(out, "{}", self.paint.strong(&format!("{title}: {}", drifts.len())))?;
        drifts.iter().try_for_each(|drift| self.drift(drift, out))?;
        writeln!(out)
    }

    fn drift(&self, drift: &Drift, out: &mut dyn Write) -> io::Result<()> {
        let severity = self.paint.severity(drift.severity, &format!("{:<13}", drift.severity.name()));
        writeln!(out, "{severity} {:<8}  {}", drift.change.name(), Text::from_bytes(&drift.path))?;
        for line in details(drift) {
            for line in paint::wrap(&line, self.width - INDENT.len(), "  ") {
                writeln!(out, "{INDENT}{line}")?;
            }
        }
        for line in drift.text.iter().flat_map(|text| text.lines()) {
            writeln!(out, "{INDENT}  {}", self.paint.faint(line))?;
        }
        Ok(())
    }

    fn packaged(&self, drifts: &[&Drift], out: &mut dyn Write) -> io::Result<()> {
        if drifts.is_empty() {
            return Ok(());
        }
        if self.all {
            return self.group("as their packages record them", drifts, out);
        }
        writeln!(out, "{}", self.paint.strong(&format!("as their packages record them: {}", drifts.len())))?;
        let mut packages: BTreeMap<&str, usize> = BTreeMap::new();
        for accounted in drifts.iter().filter_map(|drift| drift.package.as_ref()) {
            *packages.entry(accounted.package.as_str()).or_default() += 1;
        }
        for (package, count) in packages {
            let name = package.split([' ', ':']).next().unwrap_or(package);
            let (package, name) = (Text::new(package), Text::new(name));
            writeln!(out, "  {package}: {count}; accept with --package {name}")?;
        }
        writeln!(out)
    }

    fn unseen(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        if report.counts.unseen == 0 {
            return Ok(());
        }
        let title = format!("not looked at: {}", report.counts.unseen);
        writeln!(out, "{}", self.paint.verdict(Verdict::Unknown, &title))?;
        let shown = if self.all { report.unseen.len() } else { SHOWN };
        for unseen in report.unseen.iter().take(shown) {
            let line = format!("  {}: {}", Text::from_bytes(&unseen.path), Text::new(&unseen.why));
            paint::wrap(&line, self.width, "    ").iter().try_for_each(|line| writeln!(out, "{line}"))?;
        }
        match report.counts.unseen.saturating_sub(shown as u64) {
            0 => writeln!(out),
            more => writeln!(out, "  … and {more} more\n"),
        }
    }

    fn summary(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let counts = &report.counts;
        let what = match counts.drifts() {
            0 if counts.unseen > 0 => "nothing differs of what could be looked at".to_owned(),
            0 => "nothing differs".to_owned(),
            differ => format!(
                "{differ} differ: {} added, {} removed, {} modified, {} unstable; packages account for {}",
                counts.added, counts.removed, counts.modified, counts.unstable, counts.explained
            ),
        };
        let mut line = format!(
            "{what}. {} objects in {:.1} s; contents as agreed: {} by hash ({} read), {} by metadata.",
            counts.objects,
            report.took.as_secs_f64(),
            counts.by_hash,
            size(counts.bytes),
            counts.by_metadata
        );
        if let Some(oldest) = report.oldest_hash {
            line.pop();
            line.push_str(&format!(" (read at {oldest:.0} or later)."));
        }
        line.push_str(match (report.depth, report.clock) {
            (Depth::Metadata { .. }, Steady::Unknown) => {
                " Nobody watched the clock since the baseline was made: a change that hides behind a clock set back is \
                 not seen without reading everything."
            }
            (Depth::Full, Steady::No) => " The clock was set since the baseline was made, so everything was read.",
            _ => "",
        });
        paint::wrap(&line, self.width, "").iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

fn group(drift: &Drift) -> usize {
    match drift.package.as_ref().map(|accounted| accounted.records) {
        Some(Records::Configuration) => 1,
        Some(Records::Listed) => 2,
        Some(Records::Same) => 3,
        _ if drift.fields == Fields::MTIME => 4,
        _ => 0,
    }
}

/// What was and what is, field by field.
fn details(drift: &Drift) -> Vec<String> {
    let (before, after) = (drift.before.as_ref().map(Described::of), drift.after.as_ref().map(Described::of));
    let mut lines = Vec::new();
    if let (Some(before), Some(after)) = (&before, &after) {
        lines.extend(drift.fields.names().map(|field| format!("{field} {}", change(field, before, after))));
    }
    if let (None, Some(only)) | (Some(only), None) = (&before, &after) {
        lines.push(one(only));
    }
    if let Some(accounted) = &drift.package {
        let is_file = drift.after.as_ref().is_some_and(|after| after.kind == Kind::File);
        let says = match accounted.records {
            Records::Same => "records it so",
            Records::Configuration => "has it as a configuration file",
            Records::Differs => "records something else",
            Records::Listed if is_file => "records this content, and neither mode nor owner",
            Records::Listed => "has it, and records no more of it",
            Records::Unknown => "may have it: what it records cannot be read yet",
        };
        lines.push(format!("{} {says}", Text::new(&accounted.package)));
    }
    lines
}

fn change(field: &str, before: &Described, after: &Described) -> String {
    let (was, is) = (before.field(field), after.field(field));
    format!("{was} -> {is}")
}

fn one(only: &Described) -> String {
    let mut line = format!("{} {} {}:{}", only.kind.as_str(), only.mode.as_str(), only.owner, only.group);
    if let Some(size) = only.size {
        line.push_str(&format!(", {size} bytes"));
    }
    if let Some(target) = &only.target {
        line.push_str(&format!(" to {}", target.as_str()));
    }
    line
}

const INDENT: &str = "              ";
const SHOWN: usize = 5;
