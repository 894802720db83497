//! The table: the median of each figure over the runs, and its ratio to guestward's.

use std::fmt::Write as _;

use crate::Outcome;
use crate::measure::Measured;

pub(crate) fn table(lines: &[String]) -> Outcome<String> {
    let runs: Vec<Measured> =
        lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    let mut text = String::new();
    for group in sorted(runs.iter().map(|run| run.group)) {
        let runs: Vec<&Measured> = runs.iter().filter(|run| run.group == group).collect();
        let digests = sorted(runs.iter().map(|run| run.digest.clone()));
        if digests.len() != 1 {
            return Err(format!("the engines do not hold the same records: {digests:?}").into());
        }
        block(&mut text, &runs)?;
    }
    Ok(text)
}

fn block(text: &mut String, runs: &[&Measured]) -> Outcome<()> {
    let first = runs.first().ok_or("no runs")?;
    let mut engines: Vec<&str> = Vec::new();
    for run in runs {
        if !engines.contains(&run.engine.as_str()) {
            engines.push(&run.engine);
        }
    }
    let rounds = runs.iter().filter(|run| run.engine == first.engine).count();
    writeln!(
        text,
        "\n{} records of {} bytes, {} at a time; median of {rounds}",
        first.records,
        first.line_bytes / first.records.max(1) as u64,
        first.group
    )?;
    write!(text, "{:<38}", "")?;
    engines.iter().try_for_each(|engine| write!(text, "{engine:>20}"))?;
    text.push('\n');
    for (name, figure) in FIGURES {
        write!(text, "{name:<38}")?;
        let of = |engine: &str| median(runs.iter().filter(|run| run.engine == engine).map(|run| figure(run)));
        let base = of("guestward");
        for engine in &engines {
            let value = of(engine);
            let ratio = if base > 0.0 { format!("({:.2})", value / base) } else { String::new() };
            write!(text, "{:>20}", format!("{} {ratio:>8}", short(value)))?;
        }
        text.push('\n');
    }
    Ok(())
}

fn sorted<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort();
    all.dedup();
    all
}

fn median(all: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = all.collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Three digits that mean something.
fn short(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 1.0 => format!("{value:.1}"),
        value => format!("{value:.3}"),
    }
}

type Figure = (&'static str, fn(&Measured) -> f64);

const FIGURES: &[Figure] = &[
    ("records accepted a second", |run| run.per_second),
    ("CPU microseconds a record", |run| run.accept_cpu_s * 1e6 / run.records as f64),
    ("to the disk, for a byte of record", |run| run.accept_disk as f64 / run.line_bytes as f64),
    ("  and to drain and delete it", |run| run.drain_disk as f64 / run.line_bytes as f64),
    ("memory after the last record, MiB", |run| run.rss_after_accept as f64 / MIB),
    ("memory at most, MiB", |run| run.rss_peak as f64 / MIB),
    ("on the disk, full, MiB", |run| run.size_full as f64 / MIB),
    ("on the disk, drained and closed, MiB", |run| run.size_drained as f64 / MIB),
    ("seconds to open it full", |run| run.open_s),
    ("seconds to drain and delete", |run| run.drain_s),
];
const MIB: f64 = 1024.0 * 1024.0;
