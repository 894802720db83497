//! The journal against a plain model of it, on a disk that does as it is told.

use std::collections::{BTreeMap, BTreeSet};

use guestward::finding::Severity;
use guestward::finding::wire::gap::{Cause, Gap};
use guestward::finding::wire::record::{self, Kind};
use guestward::journal::{Claim, Draft, Entry, Journal, Limits, Position, Reader};
use jiff::Timestamp;
use proptest::prelude::*;

use super::disk::Disk;

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(usize, usize, usize)>),
    /// The shipper delivers so many, and the sensor hears of it.
    Deliver(usize),
    Restart,
    Age(i64),
    Bound(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let draft = (0..KINDS.len(), 0..Severity::ALL.len(), 0usize..400);
    prop_oneof![
        8 => proptest::collection::vec(draft, 1..8).prop_map(Step::Append),
        2 => (1usize..30).prop_map(Step::Deliver),
        1 => Just(Step::Restart),
        1 => (0i64..200).prop_map(Step::Age),
        1 => (10_000u64..30_000).prop_map(Step::Bound),
    ]
}

/// What the journal should be, in the plainest way.
#[derive(Debug)]
struct Model {
    disk: Disk,
    journal: Option<Journal<Disk>>,
    limits: Limits,
    now: i64,
    delivered: Option<Position>,
    /// What was handed over, by seq.
    handed: BTreeMap<u64, (Kind, Severity, String)>,
    /// What gaps have named so far.
    dropped: BTreeSet<u64>,
    count: u64,
}

impl Model {
    fn new() -> Self {
        let limits = Limits { max_bytes: 20_000, max_age: 100, segment_bytes: 2000 };
        let mut model = Self {
            disk: Disk::new(0),
            journal: None,
            limits,
            now: 0,
            delivered: None,
            handed: BTreeMap::new(),
            dropped: BTreeSet::new(),
            count: 0,
        };
        model.open();
        model
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.now).unwrap()
    }

    fn open(&mut self) {
        let mut random = || [5; 8];
        let (disk, at, now) = (self.disk.clone(), self.delivered, self.now());
        self.journal =
            Some(Journal::open(disk, self.limits, Claim::default(), at, &mut random, now).unwrap());
    }

    fn journal(&mut self) -> &mut Journal<Disk> {
        self.journal.as_mut().unwrap()
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Append(drafts) => self.append(&drafts),
            Step::Deliver(count) => {
                let mut reader = Reader::new(self.disk.clone(), self.delivered);
                let batch = reader.next_batch(count, 1 << 20).unwrap();
                self.delivered = batch.entries.last().map(|last| last.position).or(self.delivered);
                let delivered = self.delivered;
                self.journal().set_delivered(delivered);
            }
            Step::Restart => {
                let before = (self.journal().head(), self.journal().totals());
                self.open();
                assert_eq!((self.journal().head(), self.journal().totals()), before);
            }
            Step::Age(seconds) => {
                self.now += seconds;
                let now = self.now();
                self.journal().free_old(now);
            }
            Step::Bound(bytes) => {
                self.limits.max_bytes = bytes;
                let limits = self.limits;
                self.journal().set_limits(limits);
            }
        }
    }

    fn append(&mut self, drafts: &[(usize, usize, usize)]) {
        let now = self.now();
        let mut made = Vec::new();
        for &(kind, severity, size) in drafts {
            self.count += 1;
            let body = format!("{{\"n\":{},\"pad\":\"{}\"}}", self.count, "x".repeat(size));
            made.push(Draft { time: now, kind: KINDS[kind], severity: Severity::ALL[severity], body });
        }
        let head = self.journal().append(&made, now).unwrap();
        for (seq, draft) in (1..=head.seq).rev().zip(made.into_iter().rev()) {
            self.handed.insert(seq, (draft.kind, draft.severity, draft.body));
        }
    }

    fn entries(&self) -> BTreeMap<u64, Entry> {
        let mut reader = Reader::new(self.disk.clone(), None);
        let mut all = BTreeMap::new();
        loop {
            let batch = reader.next_batch(1000, 1 << 30).unwrap();
            if batch.entries.is_empty() {
                return all;
            }
            all.extend(batch.entries.into_iter().map(|entry| (entry.position.seq, entry)));
        }
    }

    fn check(&mut self) {
        let entries = self.entries();
        for (seq, (kind, severity, body)) in &self.handed {
            if let Some(entry) = entries.get(seq) {
                assert_eq!((entry.kind, entry.severity), (*kind, *severity));
                assert_eq!(record::parse(&entry.line).unwrap().body, body);
            }
        }
        let gaps: Vec<Gap> = entries
            .values()
            .filter(|entry| entry.kind == Kind::Gap)
            .map(|entry| Gap::parse(record::parse(&entry.line).unwrap().body).unwrap())
            .collect();
        assert!(gaps.iter().all(|gap| gap.cause == Cause::JournalFull), "nothing is damaged: {gaps:?}");
        let named: BTreeSet<u64> =
            gaps.iter().flat_map(|gap| &gap.runs).flat_map(|run| run.from..=run.to).collect();
        // Gaps are the last to go. Where some went, what they named is named more widely.
        let is_plain = gaps.iter().flat_map(|gap| &gap.lost).all(|lost| lost.kind != Some(Kind::Gap));
        self.check_missing(&entries, &named, is_plain);
        self.check_order(&entries, &named, is_plain);
        self.check_counts(&gaps, &named, is_plain);
        self.check_backlog(&entries, &named);
        self.dropped = named;
    }

    /// Present, delivered and freed, or named; and nothing is named that is present.
    fn check_missing(&mut self, entries: &BTreeMap<u64, Entry>, named: &BTreeSet<u64>, is_plain: bool) {
        let delivered = self.delivered.map_or(0, |at| at.seq);
        let first = entries.keys().next().copied().unwrap_or(0);
        for seq in 1..=self.journal().head().seq {
            let is_freed = seq <= delivered && seq < first;
            assert!(entries.contains_key(&seq) || named.contains(&seq) || is_freed, "seq {seq} is gone");
        }
        if is_plain {
            let both: Vec<&u64> = named.iter().filter(|seq| entries.contains_key(seq)).collect();
            assert!(both.is_empty(), "{both:?} are there and named");
        }
    }

    /// Whatever went now was the least urgent, and the oldest of that.
    fn check_order(&self, entries: &BTreeMap<u64, Entry>, named: &BTreeSet<u64>, is_plain: bool) {
        for seq in named.difference(&self.dropped).filter(|_| is_plain) {
            let Some((_, severity, _)) = self.handed.get(seq) else { continue };
            let spared = entries.range(..seq).find(|(_, entry)| entry.severity <= *severity);
            assert!(
                spared.is_none(),
                "seq {seq} ({severity:?}) went before {:?}",
                spared.map(|(seq, _)| seq)
            );
        }
    }

    /// Exact by kind and severity, as long as no gap was freed.
    fn check_counts(&mut self, gaps: &[Gap], named: &BTreeSet<u64>, is_plain: bool) {
        let (mut told, mut lost) = (BTreeMap::new(), BTreeMap::new());
        for of in gaps.iter().flat_map(|gap| &gap.lost) {
            *told.entry((of.kind.unwrap(), of.severity.unwrap())).or_insert(0) += of.count;
        }
        for seq in named {
            let (kind, severity) =
                self.handed.get(seq).map_or((Kind::Lifecycle, Severity::Critical), |it| (it.0, it.1));
            *lost.entry((kind, severity)).or_insert(0) += 1;
        }
        if is_plain {
            assert_eq!(told, lost);
            let total: u64 = told.values().sum();
            let totals = self.journal().totals();
            assert!(totals.dropped >= total && totals.gaps >= u64::try_from(gaps.len()).unwrap());
            if self.delivered.is_none() {
                assert_eq!((totals.dropped, totals.gaps), (total, u64::try_from(gaps.len()).unwrap()));
            }
        }
    }

    fn check_backlog(&mut self, entries: &BTreeMap<u64, Entry>, named: &BTreeSet<u64>) {
        let (all, at) = (u64::try_from(entries.len()).unwrap(), self.delivered);
        let left =
            u64::try_from(entries.keys().filter(|seq| at.is_none_or(|at| **seq > at.seq)).count()).unwrap();
        assert_eq!(self.journal().backlog(None).records, all);
        let backlog = self.journal().backlog(at);
        let slack = if named.is_empty() { 0 } else { 20 };
        assert!(backlog.records.abs_diff(left) <= slack, "{backlog:?} {left}");
        assert_eq!(backlog.oldest.is_some(), backlog.records > 0);
        let bound = self.limits.max_bytes.max(20_000) + 3 * self.limits.segment_bytes;
        assert!(self.journal().bytes() <= bound.max(36_000), "{} {bound}", self.journal().bytes());
        let on_disk: usize = self.disk.files().iter().map(|(_, size)| size).sum();
        assert_eq!(self.journal().bytes(), u64::try_from(on_disk).unwrap());
    }
}

const KINDS: [Kind; 6] =
    [Kind::Finding, Kind::Drift, Kind::Detection, Kind::Heartbeat, Kind::Inventory, Kind::Enforcement];

#[test]
fn the_journal_is_what_a_plain_model_says() {
    let cases = if std::env::var_os("GUESTWARD_LONG").is_some() { 10_000 } else { 300 };
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in proptest::collection::vec(step(), 1..40))| {
        let mut model = Model::new();
        for step in steps {
            model.take(step);
            model.check();
        }
    });
}
