//! One engine's run: accept everything, open it again, drain it; and what the kernel counted meanwhile.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::engine::Engine;
use crate::records;
use crate::{Outcome, Wish};

/// What one process prints. Bytes and seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) engine: String,
    pub(crate) group: usize,
    pub(crate) records: usize,
    /// The bytes of the lines, without what an engine adds.
    pub(crate) line_bytes: u64,
    pub(crate) accept_s: f64,
    /// User and system, while groups were accepted.
    pub(crate) accept_cpu_s: f64,
    pub(crate) per_second: f64,
    /// What the kernel counts as sent to the disk (whole pages), and what was handed to write(2).
    pub(crate) accept_disk: u64,
    pub(crate) accept_written: u64,
    pub(crate) rss_after_accept: u64,
    /// Allocated on the disk with everything in it.
    pub(crate) size_full: u64,
    pub(crate) open_s: f64,
    pub(crate) drain_s: f64,
    pub(crate) drain_disk: u64,
    pub(crate) drain_written: u64,
    pub(crate) rss_peak: u64,
    pub(crate) rss_end: u64,
    /// Allocated on the disk after it was drained and closed.
    pub(crate) size_drained: u64,
    /// Of all lines as they were drained: the same for every engine.
    pub(crate) digest: String,
}

pub(crate) fn measure<E: Engine>(wish: &Wish) -> Outcome<Measured> {
    fs::create_dir(&wish.dir).map_err(|error| format!("cannot make {}: {error}", wish.dir.display()))?;
    let mut engine = E::open(&wish.dir)?;
    let before = Written::now()?;
    let (time, cpu) = accept(&mut engine, wish)?;
    let accepted = Written::now()?.since(&before);
    let rss_after_accept = status("VmRSS")?;
    drop(engine);
    let size_full = size(&wish.dir)?;

    let start = Instant::now();
    let mut engine = E::open(&wish.dir)?;
    let open_s = start.elapsed().as_secs_f64();
    let before = Written::now()?;
    let start = Instant::now();
    let (records, line_bytes, digest) = drain(&mut engine)?;
    let drain_s = start.elapsed().as_secs_f64();
    let drained = Written::now()?.since(&before);
    let (rss_end, rss_peak) = (status("VmRSS")?, status("VmHWM")?);
    drop(engine);
    if records != wish.records {
        return Err(format!("{} records went in and {records} came out", wish.records).into());
    }
    Ok(Measured {
        engine: wish.engine.clone(),
        group: wish.group,
        records,
        line_bytes,
        accept_s: time.as_secs_f64(),
        accept_cpu_s: cpu.as_secs_f64(),
        per_second: records as f64 / time.as_secs_f64(),
        accept_disk: accepted.disk,
        accept_written: accepted.handed,
        rss_after_accept,
        size_full,
        open_s,
        drain_s,
        drain_disk: drained.disk,
        drain_written: drained.handed,
        rss_peak,
        rss_end,
        size_drained: size(&wish.dir)?,
        digest,
    })
}

fn accept(engine: &mut impl Engine, wish: &Wish) -> Outcome<(Duration, Duration)> {
    let (mut time, mut cpu) = (Duration::ZERO, Duration::ZERO);
    for from in (0..wish.records).step_by(wish.group) {
        engine.prepare(records::drafts(from, wish.group.min(wish.records - from), wish.bytes));
        let (start, start_cpu) = (Instant::now(), cpu_time()?);
        engine.accept()?;
        cpu += cpu_time()?.saturating_sub(start_cpu);
        time += start.elapsed();
    }
    Ok((time, cpu))
}

fn drain(engine: &mut impl Engine) -> Outcome<(usize, u64, String)> {
    let (mut count, mut bytes, mut digest) = (0, 0, Sha256::new());
    engine.drain(DRAINED_AT_ONCE, &mut |line| {
        count += 1;
        bytes += line.len() as u64;
        digest.update(line);
    })?;
    let digest: [u8; 32] = digest.finalize().into();
    Ok((count, bytes, digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()))
}

fn cpu_time() -> Outcome<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}

/// proc_pid_io(5).
struct Written {
    disk: u64,
    handed: u64,
}

impl Written {
    fn now() -> Outcome<Self> {
        let text = fs::read_to_string("/proc/self/io")?;
        Ok(Self { disk: member(&text, "write_bytes")?, handed: member(&text, "wchar")? })
    }

    fn since(&self, before: &Self) -> Self {
        Self { disk: self.disk - before.disk, handed: self.handed - before.handed }
    }
}

/// proc_pid_status(5), which counts in KiB.
fn status(name: &str) -> Outcome<u64> {
    Ok(member(&fs::read_to_string("/proc/self/status")?, name)? * 1024)
}

fn member(text: &str, name: &str) -> Outcome<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = value
        .and_then(|value| value.split_whitespace().next())
        .ok_or_else(|| format!("no {name} in /proc"))?;
    Ok(number.parse()?)
}

fn size(dir: &Path) -> Outcome<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        sum += if meta.is_dir() { size(&entry.path())? } else { meta.blocks() * 512 };
    }
    Ok(sum)
}

/// As much as a shipper hands over in one request.
const DRAINED_AT_ONCE: usize = 1000;
