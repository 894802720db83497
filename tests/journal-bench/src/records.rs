//! The records: findings of a fixed size, and the lines that guestward makes of them.

use guestward::finding::Severity;
use guestward::finding::wire::body::{EpochCause, Lifecycle};
use guestward::finding::wire::record::{Hash, Id, Kind, Speaker, line};
use guestward::journal::Draft;
use guestward::journal::segment::Machine;
use jiff::Timestamp;

/// Every run has the same time, so that every run has the same bytes.
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// Findings number `from` and on, each of which becomes a line of about `bytes`.
pub(crate) fn drafts(from: usize, count: usize, bytes: usize) -> Vec<Draft> {
    (from..from + count).map(|number| draft(number, bytes)).collect()
}

fn draft(number: usize, bytes: usize) -> Draft {
    let mut body = format!(
        "{{\"change\":\"new\",\"check\":\"ssh-password\",\"subject\":\"sshd:{number}\",\"verdict\":\"fail\",\"title\":\""
    );
    let room = bytes.saturating_sub(ENVELOPE + body.len() + CLOSING.len());
    body.extend("A password alone opens this machine to anyone who guesses it. ".chars().cycle().take(room));
    body.push_str(CLOSING);
    Draft { time: NOW, kind: Kind::Finding, severity: Severity::High, body }
}

/// Who speaks in all runs.
pub(crate) fn speaker() -> Speaker {
    Speaker {
        agent: Id::new(ID),
        epoch: Id::new(ID),
        boot: "0badcafe".into(),
        instance: machine().instance,
        account: Some("123456789012".into()),
        region: Some("eu-central-1".into()),
    }
}

pub(crate) fn machine() -> Machine {
    Machine { instance: Some("i-0123456789abcdef0".into()), id: None }
}

/// The lines that guestward's journal would hold, for engines that are handed lines.
pub(crate) struct Chain {
    speaker: Speaker,
    seq: u64,
    prev: Hash,
}

impl Chain {
    /// Behind the record that opens every journal.
    pub(crate) fn new() -> Self {
        let mut chain = Self { speaker: speaker(), seq: 0, prev: Hash::NONE };
        let body = Lifecycle::Epoch { from: None, cause: EpochCause::FirstStart }.to_json();
        chain.next(&Draft { time: NOW, kind: Kind::Lifecycle, severity: Severity::Critical, body });
        chain
    }

    pub(crate) fn lines(&mut self, drafts: &[Draft]) -> Vec<(u64, Vec<u8>)> {
        drafts.iter().map(|draft| self.next(draft)).collect()
    }

    fn next(&mut self, draft: &Draft) -> (u64, Vec<u8>) {
        self.seq += 1;
        let line = line(&self.speaker, self.seq, &self.prev, draft.time, draft.kind, &draft.body)
            .expect("the bodies made here are JSON objects");
        self.prev = Hash::of(&line);
        (self.seq, line)
    }
}

pub(crate) const ID: [u8; 8] = [0xab; 8];
/// What a line has beside the body, with a number of five digits.
const ENVELOPE: usize = 289;
const CLOSING: &str = "\"}";
