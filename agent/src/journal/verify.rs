//! The proof over an export: what was shipped before a compromise is there, unchanged and in its order, or it is named.
//!
//! Lines come in any order, from any number of files, some of them twice. They are gathered by agent and epoch, about a
//! hundred bytes each, and judged at the end: first which records there are (`branches`), then whether each follows
//! from the one before it (`chain`), whether what shippers say of the missing ones fits (`notes`), then what the
//! checkpoints say and who sealed them (`seals`). No I/O here.

mod branches;
mod chain;
mod gathered;
mod line;
mod notes;
mod report;
mod seals;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gathered::Gathered;
use line::Line;
pub use report::{
    Loss, Origin, Part, Place, Problem, ProblemKind, Remark, RemarkKind, Report, Seals, Told, Verdict,
};

use crate::finding::Text;
use crate::finding::wire::key::FirstKey;
use crate::finding::wire::record::Id;

/// Takes lines, and judges them at the end.
#[derive(Debug)]
pub struct Verifier {
    keys: Vec<FirstKey>,
    /// Keys may still come, when it is known for which epochs.
    awaits_keys: bool,
    only: Option<Id>,
    sources: Sources,
    epochs: Vec<Gathered>,
    /// Where an agent's epoch stands in `epochs`.
    found: HashMap<(Id, Id), usize>,
    problems: Problems,
    malformed: u64,
    others: u64,
    metrics: u64,
}

impl Verifier {
    /// With the first keys of epochs, and one agent if the others do not matter.
    pub fn new(keys: Vec<FirstKey>, only: Option<Id>) -> Self {
        Self {
            keys,
            awaits_keys: false,
            only,
            sources: Sources::default(),
            epochs: Vec::new(),
            found: HashMap::new(),
            problems: Problems::default(),
            malformed: 0,
            others: 0,
            metrics: 0,
        }
    }

    /// Keys will be added once it is known which epochs there are: what they open is kept until then.
    pub fn awaiting_keys(self) -> Self {
        Self { awaits_keys: true, ..self }
    }

    pub fn add_key(&mut self, key: FirstKey) {
        if let Some(&at) = self.found.get(&(key.agent, key.epoch)) {
            self.epochs[at].add_key(&key);
        }
        self.keys.push(key);
    }

    /// One line, without its newline. An empty one says nothing and hides nothing.
    pub fn take(&mut self, source: &str, line_number: u64, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        let place = (self.sources.number(source), line_number);
        match line::read(line) {
            Err(why) => self.malformed(place, why.to_owned()),
            Ok(read) => match read.whose() {
                None => self.metrics += 1,
                Some((agent, _)) if self.only.is_some_and(|only| only != agent) => self.others += 1,
                Some(whose) => self.gather(whose, read, line, place),
            },
        }
    }

    fn gather(&mut self, whose: (Id, Id), read: Line<'_>, line: &[u8], place: Where) {
        let (keys, epochs, awaits_keys) = (&self.keys, &mut self.epochs, self.awaits_keys);
        let at = *self.found.entry(whose).or_insert_with(|| {
            epochs.push(Gathered::new(whose.0, whose.1, keys, awaits_keys));
            epochs.len() - 1
        });
        let (from, to) = read.seqs();
        if let Err(why) = self.epochs[at].take(read, line, place) {
            self.problems.push(Problem {
                kind: ProblemKind::Malformed,
                whose: Some(whose),
                from,
                to,
                place: self.sources.place(place),
                other: None,
                text: format!("record {from} is {why}"),
            });
        }
    }

    /// The agents, epochs and instances of what was taken, in the order in which they were met.
    pub fn epochs(&self) -> Vec<(Id, Id, Option<Text>)> {
        let of = |gathered: &Gathered| (gathered.agent, gathered.epoch, gathered.instances.first().cloned());
        self.epochs.iter().map(of).collect()
    }

    /// A line too long to be handed over whole; it is no record.
    pub fn take_overlong(&mut self, source: &str, line_number: u64) {
        let place = (self.sources.number(source), line_number);
        self.malformed(place, line::TOO_LONG.to_owned());
    }

    /// A line without an end: what may come after it was not looked at.
    pub fn take_endless(&mut self, source: &str, line_number: u64) {
        let place = (self.sources.number(source), line_number);
        self.malformed(place, ENDLESS.to_owned());
    }

    /// The verdict over all that was taken.
    pub fn finish(mut self) -> Report {
        let here: HashSet<(Id, Id)> = self.found.keys().copied().collect();
        let mut report = Report {
            malformed: self.malformed,
            others: self.others,
            metrics: self.metrics,
            ..Report::default()
        };
        self.tell_each_other();
        for gathered in std::mem::take(&mut self.epochs) {
            let mut judged = Judged {
                whose: (gathered.agent, gathered.epoch),
                sources: &self.sources,
                problems: &mut self.problems,
                remarks: &mut report.remarks,
            };
            report.parts.push(judge(gathered, &here, &mut judged));
        }
        for key in self.keys.iter().filter(|key| !here.contains(&(key.agent, key.epoch))) {
            report.remarks.push(Remark {
                kind: RemarkKind::UnusedKey,
                whose: (key.agent, key.epoch),
                from: key.from_seq,
                to: key.from_seq,
                text: "a key was given for an epoch that is not here".to_owned(),
            });
        }
        report.problems = self.problems.kept;
        report
            .problems
            .sort_by_key(|problem| (problem.kind, problem.whose, problem.from, problem.place.line));
        report.more_problems = self.problems.more;
        report
    }

    /// An epoch's gaps may name what is lost of the epoch before it.
    fn tell_each_other(&mut self) {
        let mut told = Vec::new();
        for gathered in &self.epochs {
            for (_, gap) in &gathered.gaps {
                told.extend(gap.epoch.map(|of| ((gathered.agent, of), gap.runs.clone())));
            }
        }
        for (whose, runs) in told {
            if let Some(&at) = self.found.get(&whose) {
                self.epochs[at].foreign.extend(runs);
            }
        }
    }

    fn malformed(&mut self, place: Where, why: String) {
        self.malformed += 1;
        let place = self.sources.place(place);
        self.problems.push(Problem {
            kind: ProblemKind::Malformed,
            whose: None,
            from: 0,
            to: 0,
            place,
            other: None,
            text: why,
        });
    }
}

/// One epoch: which records, whether they follow from each other, and what seals them.
fn judge(mut gathered: Gathered, here: &HashSet<(Id, Id)>, judged: &mut Judged<'_>) -> Part {
    let (times, facts) = (gathered.times(), std::mem::take(&mut gathered.facts));
    let records = branches::sort(facts, judged);
    let notes = notes::notes(&gathered);
    let gaps = chain::gaps(&gathered, &records.main, &notes);
    let walked = chain::walk(&gathered, &records.main, &gaps, judged);
    let holds_through = walked.holds_through.min(notes.check(&records.main, &gaps, judged));
    let sealing = seals::judge(&gathered, &records.main, &gaps, holds_through, judged);
    let (told, more_told) = notes.told(&records.main);
    let from = gathered.origin(&records.main).map(|(agent, epoch)| Origin {
        agent,
        epoch,
        is_here: here.contains(&(agent, epoch)),
    });
    Part {
        agent: gathered.agent,
        epoch: gathered.epoch,
        first: records.main.first().map_or(0, |fact| fact.seq),
        last: records.main.last().map_or(0, |fact| fact.seq),
        first_time: times.0,
        last_time: times.1,
        records: records.distinct,
        duplicates: records.duplicates.saturating_add(notes.copies),
        cut: records.cut,
        explained: walked.explained,
        losses: chain::losses(&gaps),
        untaken: walked.untaken,
        told,
        more_told,
        seals: sealing.seals,
        unsealed: sealing.unsealed,
        unvouched: sealing.unvouched,
        checkpoints: sealing.checkpoints,
        from,
        instances: gathered.instances,
    }
}

/// Where a judge of one epoch puts what he finds.
#[derive(Debug)]
struct Judged<'a> {
    whose: (Id, Id),
    sources: &'a Sources,
    problems: &'a mut Problems,
    remarks: &'a mut Vec<Remark>,
}

impl Judged<'_> {
    fn problem(&mut self, kind: ProblemKind, (from, to): (u64, u64), place: Where, text: String) {
        self.contradiction(kind, (from, to), place, None, text);
    }

    fn contradiction(
        &mut self,
        kind: ProblemKind,
        (from, to): (u64, u64),
        place: Where,
        other: Option<Where>,
        text: String,
    ) {
        let other = other.map(|other| self.sources.place(other));
        let place = self.sources.place(place);
        self.problems.push(Problem { kind, whose: Some(self.whose), from, to, place, other, text });
    }

    fn remark(&mut self, kind: RemarkKind, (from, to): (u64, u64), text: String) {
        let of_this_kind = |remark: &&Remark| remark.kind == kind && remark.whose == self.whose;
        if self
            .remarks
            .iter()
            .rev()
            .take_while(|remark| remark.whose == self.whose)
            .filter(of_this_kind)
            .count()
            < MOST_REMARKS
        {
            self.remarks.push(Remark { kind, whose: self.whose, from, to, text });
        }
    }
}

/// The first problems of each kind and epoch; a file that is nothing but problems must not fill the memory.
#[derive(Debug, Default)]
struct Problems {
    kept: Vec<Problem>,
    counts: HashMap<(ProblemKind, Option<(Id, Id)>), u64>,
    more: u64,
}

impl Problems {
    fn push(&mut self, problem: Problem) {
        let count = self.counts.entry((problem.kind, problem.whose)).or_default();
        *count += 1;
        if *count <= MOST_PROBLEMS {
            self.kept.push(problem);
        } else {
            self.more += 1;
        }
    }
}

/// A source's number, and the line in it.
type Where = (u32, u64);

/// The names of what was read, each once.
#[derive(Debug, Default)]
struct Sources {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Sources {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let name: Arc<str> = Arc::from(name);
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }

    fn place(&self, (source, line): Where) -> Place {
        let name = usize::try_from(source).ok().and_then(|number| self.names.get(number));
        Place { source: name.map_or_else(|| Arc::from("?"), Arc::clone), line }
    }
}

const ENDLESS: &str = "not a record: a line without an end; the rest of the file was not looked at";
/// Of a kind, in an epoch: whoever needs more of them needs another export.
const MOST_PROBLEMS: u64 = 1000;
const MOST_REMARKS: usize = 100;
