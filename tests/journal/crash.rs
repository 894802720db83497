//! Power cuts, failing writes and failing syncs at every operation, from many seeds.

use guestward::journal::Limits;

use super::disk::{Faults, Random, Seen};
use super::oracle::Key;
use super::world::{Met, World};

const LIMITS: Limits = Limits { max_bytes: 24 * 1024, max_age: 60, segment_bytes: 2048 };

/// What all seeds together have come across.
#[derive(Debug, Default)]
struct Sum {
    seen: Seen,
    met: Met,
    accepted: usize,
    duplicates: u64,
    failures: Vec<String>,
}

fn faults(seed: u64) -> Faults {
    match seed % 4 {
        // Nothing but power cuts.
        0 => Faults::default(),
        1 => Faults { write: 20, sync: 30, names: 20, ..Faults::default() },
        2 => Faults { capacity: 8 * 1024, ..Faults::default() },
        _ => Faults { write: 5, sync: 5, read: 5, capacity: 30 * 1024, ..Faults::default() },
    }
}

/// One life, with up to four power cuts.
fn live(seed: u64, faults: Faults) -> World {
    let mut random = Random::new(!seed);
    let limits = match random.below(3) {
        // Hardly any room, little room, all the room.
        0 => Limits { max_bytes: 10 * 1024, ..LIMITS },
        1 => LIMITS,
        _ => Limits { max_bytes: 1 << 20, ..LIMITS },
    };
    let mut world = World::new(seed, limits, faults);
    for _ in 0..random.below(5) {
        world.crash_somewhere(80);
        world.live(3 + random.below(11));
    }
    world.live(random.below(10));
    world
}

fn run(seeds: std::ops::Range<u64>) -> Sum {
    let mut sum = Sum::default();
    for seed in seeds {
        let mut world = live(seed, faults(seed));
        let lost = world.settle();
        sum = sum.with(Sum::of(&world));
        if !lost.is_empty() || !world.oracle.complaints().is_empty() {
            sum.failures.push(format!("seed {seed}: lost {lost:?}; {:?}", world.oracle.complaints()));
        }
    }
    sum
}

impl Sum {
    fn of(world: &World) -> Self {
        let (accepted, duplicates) = (world.oracle.accepted(), world.oracle.duplicates);
        Self { seen: world.disk.seen(), met: world.met, accepted, duplicates, failures: Vec::new() }
    }

    fn with(mut self, other: Self) -> Self {
        self.seen.add(&other.seen);
        self.met.add(&other.met);
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.failures.extend(other.failures);
        self
    }

    fn check(&self) {
        let first: Vec<&String> = self.failures.iter().take(10).collect();
        assert!(first.is_empty(), "{} seeds failed, the first: {first:#?}", self.failures.len());
    }
}

/// Another range of seeds: `GUESTWARD_JOURNAL_SEED=20000 GUESTWARD_JOURNAL_SEEDS=50000`.
fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let long = if std::env::var_os("GUESTWARD_LONG").is_some() { 100_000 } else { 10_000 };
    let start = number("GUESTWARD_JOURNAL_SEED").unwrap_or(0);
    start..start + number("GUESTWARD_JOURNAL_SEEDS").unwrap_or(long)
}

#[test]
fn whatever_the_power_and_the_disk_do_nothing_accepted_is_lost_without_a_word() {
    let seeds = seeds();
    let least = (seeds.end - seeds.start) / 100;
    let middle = seeds.start + (seeds.end - seeds.start) / 2;
    let sum = std::thread::scope(|scope| {
        let first = scope.spawn(|| run(seeds.start..middle));
        let second = run(middle..seeds.end);
        [first.join().unwrap(), second].into_iter().reduce(Sum::with).unwrap()
    });
    sum.check();
    // A test that met none of it has shown nothing.
    let (seen, met) = (sum.seen, sum.met);
    for count in
        [seen.crashes, seen.torn, seen.names_lost, seen.failed_writes, seen.failed_syncs, seen.failed_reads]
    {
        assert!(count > least, "{sum:?}");
    }
    for count in
        [met.rewrites, met.drops, met.freed, met.refused, met.checkpoints, met.markers_lost, seen.full]
    {
        assert!(count > least, "{sum:?}");
    }
    assert!(sum.accepted > usize::try_from(least * 100).unwrap() && sum.duplicates > least, "{sum:?}");
    eprintln!("{sum:?}");
}

#[test]
fn a_disk_that_ignores_sync_is_found_out() {
    let (mut crashed, mut found) = (0, 0);
    for seed in (0..2000).step_by(4) {
        let mut world = live(seed, Faults { ignores_sync: true, ..Faults::default() });
        // What was accepted in this life, and a crash that a promise was made for.
        world.crash();
        let lost = world.settle();
        crashed += 1;
        found += u32::from(!lost.is_empty() || !world.oracle.complaints().is_empty());
    }
    assert!(found * 4 > crashed * 3, "the oracle saw {found} of {crashed}");
}

#[test]
fn what_rots_at_rest_is_named_when_the_journal_is_opened() {
    let mut told = 0;
    for seed in 0..1000 {
        let mut world = live(seed, Faults::default());
        // Closed well: what stands at the end has a marker behind it.
        world.stop();
        world.oracle.disk_lied = true;
        let mut random = Random::new(seed ^ 0xb17);
        let files = world.disk.files();
        let mut segments = files.iter().filter(|(name, size)| name.ends_with(".seg") && *size > 0);
        // The last marker and the last record together look like a batch that never was: one flip is one or the other.
        let Some((name, size)) = segments.nth(random.below(files.len())) else { continue };
        world.disk.flip(name, random.below(*size), 1 << random.below(8));
        // What the shipper had passed by is not missed: it was delivered, or dropped and named before.
        world.disk.crash_after(None);
        let passed = world.passed();
        let lost: Vec<Key> =
            world.settle().into_iter().filter(|key| passed.is_none_or(|at| *key > at)).collect();
        assert!(
            lost.is_empty() && world.oracle.complaints().is_empty(),
            "seed {seed}: {lost:?} {:?}",
            world.oracle.complaints()
        );
        told += world.met.damage_told;
    }
    assert!(told > 100, "{told}");
}
