//! Power cuts, failing writes and failing syncs at every operation, from many seeds.

use guestward::journal::Limits;

use super::disk::{Faults, Random, Seen};
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
        world.crash_somewhere(150);
        world.live(5 + random.below(15));
    }
    world.live(random.below(10));
    world
}

fn run(seeds: std::ops::Range<u64>) -> Sum {
    let mut sum = Sum::default();
    for seed in seeds {
        let mut world = live(seed, faults(seed));
        let lost = world.settle();
        sum.add(&world);
        if !lost.is_empty() || !world.oracle.complaints().is_empty() {
            sum.failures.push(format!("seed {seed}: lost {lost:?}; {:?}", world.oracle.complaints()));
        }
    }
    sum
}

impl Sum {
    fn add(&mut self, world: &World) {
        let (seen, met) = (world.disk.seen(), world.met);
        self.seen.operations += seen.operations;
        self.seen.crashes += seen.crashes;
        self.seen.torn += seen.torn;
        self.seen.names_lost += seen.names_lost;
        self.seen.failed_writes += seen.failed_writes;
        self.seen.failed_syncs += seen.failed_syncs;
        self.seen.failed_reads += seen.failed_reads;
        self.seen.full += seen.full;
        self.met.opens += met.opens;
        self.met.markers_lost += met.markers_lost;
        self.met.rewrites += met.rewrites;
        self.met.drops += met.drops;
        self.met.damage_told += met.damage_told;
        self.met.freed += met.freed;
        self.met.refused += met.refused;
        self.met.checkpoints += met.checkpoints;
        self.accepted += world.oracle.accepted();
        self.duplicates += world.oracle.duplicates;
    }

    fn check(&self) {
        let first: Vec<&String> = self.failures.iter().take(10).collect();
        assert!(first.is_empty(), "{} seeds failed, the first: {first:#?}", self.failures.len());
    }
}

#[test]
fn whatever_the_power_and_the_disk_do_nothing_accepted_is_lost_without_a_word() {
    let seeds = std::env::var("GUESTWARD_JOURNAL_SEEDS").ok().and_then(|count| count.parse().ok());
    let start = std::env::var("GUESTWARD_JOURNAL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let sum = run(start..start + seeds.unwrap_or(10_000));
    let first: Vec<&String> = sum.failures.iter().take(5).collect();
    eprintln!("{} failures {:?} {:?} {} {}\n{first:#?}", sum.failures.len(), sum.seen, sum.met, sum.accepted, sum.duplicates);
    sum.check();
}
