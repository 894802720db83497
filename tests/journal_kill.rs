//! kill -9, hundreds of times: whatever the journal accepted is delivered exactly once, or a gap names it.
//!
//! A writer (this very binary, started anew) appends to a journal and tells each seq that was accepted; the real
//! `guestward ship` delivers. In each cycle one of them, or both, dies: at a random moment, or at a system call of its
//! own that strace(1) makes the last. `GUESTWARD_KILL_SEED=N` makes up other cycles.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use guestward::finding::Severity;
use guestward::finding::wire::gap::Gap;
use guestward::finding::wire::record::{self, Hash, Kind};

use super::support::journal::{Running, State, delivered, drafts, open, until};
use guestward::journal::Limits;

#[test]
fn what_was_accepted_survives_kill_9_and_is_delivered_once() {
    let cycles = if std::env::var_os("GUESTWARD_LONG").is_some() { 1000 } else { 200 };
    let state = State::new();
    // So small that a file is full every few hundred records, and none is removed.
    state.set_policy("max-bytes = \"64KiB\"\nkeep = 1000");
    let mut run = Run::new(state);
    for _ in 0..cycles {
        run.cycle();
    }
    let restarts: Vec<Duration> = (0..10).map(|_| run.restart()).collect();
    run.settle();
    let slowest = restarts.iter().max().unwrap();
    let deaths = &run.deaths;
    eprintln!("deaths: {deaths:?}; from a restart to the first delivery: at most {slowest:?}");
    for (_, step, syscall, _) in STEPS {
        assert!(deaths.contains_key(&format!("{step} ({syscall})")), "nobody died at {step}: {deaths:?}");
    }
    assert!(*slowest < Duration::from_secs(20), "{slowest:?}");
    let lost = run.judge();
    eprintln!("{} records were delivered once, {lost} are named by gaps", run.state.lines().len());
}

struct Run {
    state: State,
    random: Random,
    writer: Option<Running>,
    shipper: Option<Running>,
    accepted: Arc<Mutex<Vec<(u64, Hash)>>>,
    readers: Vec<std::thread::JoinHandle<()>>,
    deaths: BTreeMap<String, u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Writer,
    Shipper,
}

/// Who, doing what, by which call, and how many of them to wait for at most.
const STEPS: &[(Who, &str, &str, u64)] = &[
    (Who::Writer, "append", "write", 60),
    (Who::Writer, "sync", "fdatasync", 20),
    (Who::Writer, "begin a segment", "openat", 150),
    (Who::Writer, "sync its name", "fsync", 4),
    (Who::Writer, "free a segment", "unlink", 3),
    (Who::Shipper, "deliver", "write", 10),
    (Who::Shipper, "sync a delivery", "fdatasync", 10),
    (Who::Shipper, "acknowledge", "pwrite64", 6),
    (Who::Shipper, "open", "openat", 60),
    (Who::Shipper, "rotate", "rename", 20),
    (Who::Shipper, "sync the rotation", "fsync", 3),
];

impl Run {
    fn new(state: State) -> Self {
        let seed = std::env::var("GUESTWARD_KILL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        Self {
            state,
            random: Random(seed),
            writer: None,
            shipper: None,
            accepted: Arc::default(),
            readers: Vec::new(),
            deaths: BTreeMap::new(),
        }
    }

    fn cycle(&mut self) {
        let both = self.random.below(4) == 0;
        if self.random.below(2) == 0 {
            self.ensure_running();
            std::thread::sleep(Duration::from_millis(self.random.below(120)));
            let who = if self.random.below(2) == 0 { Who::Writer } else { Who::Shipper };
            self.kill(who);
            if both {
                self.kill(if who == Who::Writer { Who::Shipper } else { Who::Writer });
            }
            *self.deaths.entry("a random moment".to_owned()).or_default() += 1;
            return;
        }
        let index = self.random.below(STEPS.len() as u64);
        let (who, step, syscall, most) = STEPS[usize::try_from(index).unwrap()];
        self.kill(who);
        self.ensure_running_but(Some(who));
        let when = 1 + self.random.below(most);
        let doomed = Running::start_doomed(&self.command(who), syscall, when);
        self.adopt(who, doomed);
        let slot = self.slot(who).as_mut().unwrap();
        if slot.end(Duration::from_secs(5)).is_some() {
            *self.deaths.entry(format!("{step} ({syscall})")).or_default() += 1;
        }
        self.kill(who);
        if both {
            self.kill(if who == Who::Writer { Who::Shipper } else { Who::Writer });
        }
    }

    /// How long it takes from the start of a shipper to its first delivery.
    fn restart(&mut self) -> Duration {
        self.ensure_running();
        self.kill(Who::Shipper);
        // More than was delivered: either the writer goes on, or it waits because there is so much already.
        let (before, since) = (self.accepted.lock().unwrap().len(), Instant::now());
        let is_more = || self.accepted.lock().unwrap().len() > before + 2;
        until("there is something to deliver", || is_more() || since.elapsed() > Duration::from_secs(1));
        let size = |run: &Self| fs::metadata(run.state.records()).map_or(0, |meta| meta.len());
        let was = size(self);
        let started = Instant::now();
        self.ensure_running();
        until("a delivery", || size(self) != was);
        started.elapsed()
    }

    /// Lets the writer end in good order, and the shipper deliver all that there is.
    fn settle(&mut self) {
        self.kill(Who::Writer);
        self.ensure_running();
        let before = self.accepted.lock().unwrap().len();
        until("the last writer writes", || self.accepted.lock().unwrap().len() > before + 5);
        let writer = self.writer.as_mut().unwrap();
        drop(writer.child().stdin.take());
        assert!(writer.end(Duration::from_secs(60)).expect("the writer ends").success());
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let last = self.accepted.lock().unwrap().last().unwrap().0;
        let seq = |line: &String| record::parse(line.trim_end().as_bytes()).map_or(0, |record| record.seq);
        let newest = || fs::read_to_string(self.state.records()).unwrap_or_default();
        until("the last record is delivered", || {
            newest().lines().next_back().map(|line| seq(&line.to_owned())) == Some(last)
        });
        let (status, time) = self.shipper.as_mut().unwrap().terminate();
        assert!(status.success() && time < Duration::from_secs(8), "{status} after {time:?}");
    }

    /// Each record once, in order, chained; what is missing is named; what was accepted is what is there.
    fn judge(&self) -> u64 {
        let lines = self.state.lines();
        let mut hashes: BTreeMap<u64, Hash> = BTreeMap::new();
        let mut named = Vec::new();
        for line in &lines {
            let line = line.strip_suffix('\n').expect("whole lines").as_bytes();
            let record = record::parse(line).unwrap();
            let before = hashes.last_key_value().map(|(seq, hash)| (*seq, *hash));
            assert!(
                before.is_none_or(|(seq, _)| seq < record.seq),
                "seq {} comes twice, or late",
                record.seq
            );
            if let Some((_, hash)) = before.filter(|(seq, _)| seq + 1 == record.seq) {
                assert_eq!(record.prev, hash, "the chain breaks before seq {}", record.seq);
            }
            hashes.insert(record.seq, Hash::of(line));
            if record.kind == Kind::Gap {
                named.extend(Gap::parse(record.body).unwrap().runs);
            }
        }
        let accepted = self.accepted.lock().unwrap();
        let last = accepted.last().unwrap().0;
        let missing: Vec<u64> = (1..=last).filter(|seq| !hashes.contains_key(seq)).collect();
        let unnamed: Vec<_> =
            missing.iter().filter(|seq| !named.iter().any(|run| run.covers(**seq))).collect();
        assert!(unnamed.is_empty(), "lost without a word: {unnamed:?}");
        for (seq, hash) in accepted.iter() {
            assert!(hashes.get(seq).is_none_or(|found| found == hash), "seq {seq} is another record");
        }
        let output = self.state.command(&["journal", "verify"]).args(self.state.files()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        missing.len() as u64
    }

    fn ensure_running(&mut self) {
        self.ensure_running_but(None);
    }

    fn ensure_running_but(&mut self, but: Option<Who>) {
        for who in [Who::Writer, Who::Shipper] {
            let is_running = self.slot(who).as_mut().is_some_and(|running| !running.is_gone());
            if Some(who) != but && !is_running {
                let started = Running::start(
                    self.command(who).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()),
                );
                self.adopt(who, started);
            }
        }
    }

    fn adopt(&mut self, who: Who, mut running: Running) {
        if who == Who::Writer {
            let out = BufReader::new(running.child().stdout.take().unwrap());
            let accepted = Arc::clone(&self.accepted);
            self.readers.push(std::thread::spawn(move || {
                for line in out.lines().map_while(Result::ok) {
                    accepted.lock().unwrap().extend(told(&line));
                }
            }));
        }
        *self.slot(who) = Some(running);
    }

    fn command(&mut self, who: Who) -> Command {
        if who == Who::Shipper {
            return self.state.command(&["ship"]);
        }
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "journal_kill::writer", "--nocapture"]).env_clear();
        command.env(WRITER, self.state.path());
        // One that does not wait for the shipper fills the journal, and must leave gaps.
        if self.random.below(10) == 0 {
            command.env(FLOOD, "1");
        }
        command
    }

    fn kill(&mut self, who: Who) {
        if let Some(mut running) = self.slot(who).take() {
            running.kill();
        }
    }

    fn slot(&mut self, who: Who) -> &mut Option<Running> {
        match who {
            Who::Writer => &mut self.writer,
            Who::Shipper => &mut self.shipper,
        }
    }
}

fn told(line: &str) -> Option<(u64, Hash)> {
    let (_, told) = line.split_once("accepted ")?;
    // The last line of one that was killed may be torn.
    let (seq, hash) = told.strip_suffix(" .")?.split_once(' ')?;
    Some((seq.parse().unwrap(), hash.parse().unwrap()))
}

/// Not a test by itself: what the test above starts.
#[test]
fn writer() {
    let Some(state) = std::env::var_os(WRITER).map(PathBuf::from) else { return };
    let flood = std::env::var_os(FLOOD).is_some();
    let limits = Limits { max_bytes: 256 * 1024, max_age: 1, segment_bytes: 16 * 1024 };
    let mut journal = open(&state, limits);
    let asked = Arc::new(Mutex::new(false));
    let set = Arc::clone(&asked);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        *set.lock().unwrap() = true;
    });
    let mut random = Random(journal.head().seq + 1);
    let mut out = std::io::stdout();
    let mut n = 0;
    while !*asked.lock().unwrap() {
        let now = jiff::Timestamp::now();
        let at = delivered(&state);
        journal.set_delivered(at);
        journal.free_old(now);
        if !flood && journal.backlog(at).bytes > 128 * 1024 {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        }
        let count = 1 + random.below(10);
        let severity = Severity::ALL[usize::try_from(random.below(5)).unwrap()];
        let mut head = journal.append(&drafts(n..n + count, severity), now).unwrap();
        n += count;
        if random.below(10) == 0 {
            head = journal.checkpoint(Default::default(), None, now).unwrap();
        }
        writeln!(out, "accepted {} {} .", head.seq, head.hash).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The same each time, so that a failure can be looked at again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        // Knuth, The Art of Computer Programming 2, 3.3.4: the constants are those of MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

const WRITER: &str = "GUESTWARD_TEST_WRITER";
const FLOOD: &str = "GUESTWARD_TEST_FLOOD";
