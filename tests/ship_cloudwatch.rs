//! `guestward ship` and CloudWatch Logs: the real binary against a server with AWS's rules, whatever the network does.

mod faults;
mod groups;
mod kills;
mod live;
mod rejected;
mod role;
mod times;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::process::Command;
use std::time::Duration;

use guestward::finding::Severity;
use guestward::finding::wire::note::Note;
use guestward::finding::wire::record;
use guestward::journal::{Directory, Draft, Limits, Reader, cursor};
use jiff::{SignedDuration, Timestamp};

use super::support::aws::{Account, Aws, Event};
use super::support::journal::{Running, State, drafts, until};

/// A host with a journal, and the AWS that it ships to.
pub(crate) struct Cloud {
    pub(crate) state: State,
    pub(crate) aws: Aws,
}

impl Cloud {
    /// With what else stands in `[ship.cloudwatch]`.
    pub(crate) fn new(cloudwatch: &str) -> Self {
        let aws = Aws::start(Account { id: ACCOUNT, region: REGION });
        aws.group(GROUP);
        let cloud = Self { state: State::new(), aws };
        cloud.set_policy(cloudwatch);
        cloud
    }

    pub(crate) fn set_policy(&self, cloudwatch: &str) {
        let window = if cloudwatch.contains("window") { "" } else { "window = 0\n" };
        let policy = format!(
            "[aws]\ncredentials = \"default-chain\"\naccount = \"{ACCOUNT}\"\nregion = \"{REGION}\"\n\
             [ship.local]\nenabled = false\n[ship.cloudwatch]\nenabled = true\n{window}{cloudwatch}\n"
        );
        fs::write(self.state.path().join("policy.toml"), policy).unwrap();
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let (key, secret, token) = self.aws.credentials();
        let mut command = self.state.command(args);
        command.env("AWS_ENDPOINT_URL", self.aws.url()).env("AWS_ACCESS_KEY_ID", key);
        command.env("AWS_SECRET_ACCESS_KEY", secret).env("AWS_SESSION_TOKEN", token);
        command
    }

    pub(crate) fn ship(&self) -> Running {
        let log =
            fs::File::options().create(true).append(true).open(self.state.path().join("stderr")).unwrap();
        Running::start(self.command(&["ship"]).stdout(std::process::Stdio::null()).stderr(log))
    }

    /// So many findings, now.
    pub(crate) fn record(&self, range: std::ops::Range<u64>) {
        // A batch ends where time goes back: a journal's first record must not be younger than what follows it.
        let mut journal = self.state.journal(Limits::default());
        journal.append(&drafts(range, Severity::Low), Timestamp::now()).unwrap();
    }

    /// So many findings, an hour apart, the last of them that long ago.
    pub(crate) fn record_past(&self, count: i64, ago: SignedDuration) {
        let first = Timestamp::now() - ago - SignedDuration::from_hours(count - 1);
        let mut all = drafts(0..u64::try_from(count).unwrap(), Severity::Low);
        for (hours, draft) in (0..).zip(&mut all) {
            draft.time = first + SignedDuration::from_hours(hours);
        }
        self.append(all);
    }

    pub(crate) fn append(&self, drafts: Vec<Draft>) {
        self.state.journal(Limits::default()).append(&drafts, Timestamp::now()).unwrap();
    }

    /// The lines that the journal holds.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut reader = Reader::new(Directory::open(&self.state.path().join("journal")).unwrap(), None);
        let mut lines = Vec::new();
        loop {
            let batch = reader.next_batch(100_000, 64 << 20).unwrap();
            if batch.entries.is_empty() {
                return lines;
            }
            lines.extend(batch.entries.into_iter().map(|entry| String::from_utf8(entry.line).unwrap()));
        }
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.aws.events(GROUP)
    }

    /// Until CloudWatch holds every record or a note about it.
    pub(crate) fn until_delivered(&self) {
        let lines = self.lines();
        until("everything is there or accounted for", || missing(&lines, &self.events()).is_empty());
    }

    /// What must be true whatever happened.
    pub(crate) fn assert_sound(&self) {
        let (lines, events) = (self.lines(), self.events());
        assert_eq!(missing(&lines, &events), [0; 0], "records that are neither there nor accounted for");
        let known: HashSet<&str> = lines.iter().map(String::as_str).collect();
        let mut order: BTreeMap<&str, u64> = BTreeMap::new();
        let mut seen = HashSet::new();
        for event in &events {
            let Ok(record) = record::parse(event.message.as_bytes()) else { continue };
            assert!(known.contains(event.message.as_str()), "altered: {}", event.message);
            if seen.insert(record.seq) {
                let last = order.insert(&event.stream, record.seq).unwrap_or(0);
                assert!(record.seq > last, "seq {} came first after {last}", record.seq);
            }
        }
        let described =
            self.aws.calls().into_iter().filter(|call| call.action.starts_with("Describe")).count();
        assert_eq!(described, 0);
    }

    pub(crate) fn puts(&self) -> usize {
        self.aws.calls().iter().filter(|call| call.action == "PutLogEvents").count()
    }

    /// How many records came more than once.
    pub(crate) fn duplicates(&self) -> usize {
        let events = self.events();
        let distinct: HashSet<&str> = events.iter().map(|event| event.message.as_str()).collect();
        events.len() - distinct.len()
    }
}

/// The seqs that neither an event nor a note has.
pub(crate) fn missing(lines: &[String], events: &[Event]) -> Vec<u64> {
    let there: HashSet<&str> = events.iter().map(|event| event.message.as_str()).collect();
    let notes = notes(events);
    let seq = |line: &String| record::parse(line.as_bytes()).unwrap().seq;
    let is_missing = |line: &&String| {
        !there.contains(line.as_str()) && !notes.iter().any(|note| note.run.covers(seq(line)))
    };
    lines.iter().filter(is_missing).map(seq).collect()
}

pub(crate) fn notes(events: &[Event]) -> Vec<Note> {
    events.iter().filter_map(|event| Note::parse(event.message.as_bytes()).unwrap()).collect()
}

#[test]
fn every_record_reaches_its_stream_in_order_and_in_its_exact_bytes() {
    let cloud = Cloud::new("");
    cloud.record(0..2500);
    let mut shipper = cloud.ship();
    cloud.until_delivered();
    cloud.record(2500..2600);
    cloud.until_delivered();
    let (status, _) = shipper.terminate();
    assert!(status.success(), "{status}: {}", cloud.state.said());
    cloud.assert_sound();
    let events = cloud.events();
    let messages: Vec<&str> = events.iter().map(|event| event.message.as_str()).collect();
    assert_eq!(messages, cloud.lines(), "each once, in order");
    let first = record::parse(messages[0].as_bytes()).unwrap();
    assert_eq!(
        events[0].stream,
        format!("{}/{}", first.agent, first.epoch),
        "outside EC2 the agent is the instance"
    );
    let created = cloud.aws.calls().iter().filter(|call| call.action == "CreateLogStream").count();
    assert_eq!(created, 1, "the stream is made when it is missing");
    // A batch holds about 2,000 of these.
    assert!(cloud.puts() <= 8, "{} calls", cloud.puts());
}

#[test]
fn what_was_delivered_is_not_sent_again_by_the_next_shipper() {
    let cloud = Cloud::new("");
    cloud.record(0..100);
    for round in 1..4 {
        let mut shipper = cloud.ship();
        cloud.until_delivered();
        until("the cursor follows", || cursor(&cloud).is_some_and(|seq| seq == cloud.lines().len() as u64));
        assert!(shipper.terminate().0.success());
        cloud.record(round * 100..round * 100 + 100);
    }
    assert_eq!(cloud.duplicates(), 0);
}

/// How far the cursor came.
pub(crate) fn cursor(cloud: &Cloud) -> Option<u64> {
    let cursors = Directory::open(&cloud.state.path().join("cursors")).ok()?;
    cursor::newest(&cursors, "cloudwatch").ok()?.map(|position| position.seq)
}

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const GROUP: &str = "/guestward/records";
pub(crate) const SOON: Duration = Duration::from_secs(5);
