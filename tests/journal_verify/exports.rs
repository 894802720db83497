//! Journals made as the agent makes them: chained, sealed, with losses that a gap tells of.

use guestward::finding::wire::gap::Cause;
use guestward::finding::wire::key::FirstKey;
use guestward::finding::wire::note::Summing;
use guestward::finding::wire::record::{self, Checkpoint, Hash, Id, Kind, Speaker};
use guestward::journal::seal::Ratchet;
use jiff::Timestamp;
use zeroize::Zeroizing;

/// One epoch while it is written.
#[derive(Clone)]
pub(crate) struct Journal {
    pub(crate) speaker: Speaker,
    pub(crate) lines: Vec<(u64, Vec<u8>)>,
    pub(crate) seq: u64,
    pub(crate) prev: Hash,
    pub(crate) clock: i64,
    pub(crate) ratchet: Option<Ratchet>,
    pub(crate) first_key: Option<FirstKey>,
    gaps: u64,
    dropped: u64,
}

impl Journal {
    pub(crate) fn new(agent: u8, epoch: u8, from: Option<&Self>) -> Self {
        let mut journal = Self {
            speaker: Speaker {
                agent: Id::new([agent; 8]),
                epoch: Id::new([epoch; 8]),
                boot: "0badcafe".into(),
                instance: Some(format!("i-{epoch:017x}")),
                account: Some("123456789012".into()),
                region: Some("eu-central-1".into()),
            },
            lines: Vec::new(),
            seq: 0,
            prev: Hash::NONE,
            clock: 1_790_000_000_000,
            ratchet: None,
            first_key: None,
            gaps: 0,
            dropped: 0,
        };
        let from = from.map_or("null".to_owned(), |from| {
            let (agent, epoch) = (from.speaker.agent, from.speaker.epoch);
            format!(r#"{{"agent":"{agent}","epoch":"{epoch}","instance":null}}"#)
        });
        journal.add(Kind::Lifecycle, &format!(r#"{{"event":"epoch","from":{from},"cause":"first-start"}}"#));
        journal
    }

    pub(crate) fn make_key(&mut self, random: u8) {
        let ratchet = Ratchet::new(Zeroizing::new([random; 32]));
        self.add(Kind::Lifecycle, r#"{"event":"key-created"}"#);
        self.first_key = Some(ratchet.first_key(self.speaker.agent, self.speaker.epoch, self.seq + 1));
        self.ratchet = Some(ratchet);
    }

    pub(crate) fn add(&mut self, kind: Kind, body: &str) {
        let line = self.line(kind, body);
        self.push(line);
    }

    fn line(&self, kind: Kind, body: &str) -> Vec<u8> {
        let time = Timestamp::from_millisecond(self.clock).unwrap();
        record::line(&self.speaker, self.seq + 1, &self.prev, time, kind, body).unwrap()
    }

    fn push(&mut self, line: Vec<u8>) {
        self.seq += 1;
        self.clock += 20_000;
        self.prev = Hash::of(&line);
        self.lines.push((self.seq, line));
    }

    pub(crate) fn finding(&mut self) {
        let subject = self.seq * 7919 % 1000;
        self.add(
            Kind::Finding,
            &format!(
                r#"{{"change":"new","check":"file-mode","subject":"/srv/{subject}","verdict":"fail","severity":"low","title":"t"}}"#
            ),
        );
    }

    pub(crate) fn checkpoint(&mut self) {
        let said = Checkpoint {
            baseline: None,
            baseline_state: None,
            policy: Some(Hash::of(b"policy")),
            records: self.seq + 1,
            dropped: self.dropped,
            gaps: self.gaps,
            key: self.ratchet.as_ref().map(Ratchet::index),
        };
        let mut line = self.line(Kind::Checkpoint, &said.to_json());
        if let Some(ratchet) = &mut self.ratchet {
            record::seal(&mut line, |covered| ratchet.mac(covered));
            ratchet.advance();
        }
        self.push(line);
    }

    /// Loses the records of these runs (ends included), and says so. `keep` stay although they are named.
    pub(crate) fn lose(&mut self, cause: &str, runs: &[(u64, u64)], keep: &[u64]) {
        let is_lost = |seq: u64| runs.iter().any(|(from, to)| (*from..=*to).contains(&seq));
        let hash = |seq: u64| {
            let found = self.lines.iter().find(|(at, _)| *at == seq);
            found.map_or("null".to_owned(), |(_, line)| format!("\"{}\"", Hash::of(line)))
        };
        let told: Vec<String> =
            runs.iter().map(|(from, to)| format!("[{from},{to},{}]", hash(from - 1))).collect();
        let lost = self.lines.iter().filter(|(seq, _)| is_lost(*seq)).count();
        let body = format!(
            r#"{{"cause":"{cause}","lost":[{{"kind":null,"severity":null,"count":{lost}}}],"runs":[{}]}}"#,
            told.join(",")
        );
        self.lines.retain(|(seq, _)| !is_lost(*seq) || keep.contains(seq));
        self.gap(&body, if cause == "journal-full" { u64::try_from(lost).unwrap() } else { 0 });
    }

    pub(crate) fn gap(&mut self, body: &str, dropped: u64) {
        self.gaps += 1;
        self.dropped += dropped;
        self.add(Kind::Gap, body);
    }

    pub(crate) fn bytes(&self) -> Vec<Vec<u8>> {
        self.lines.iter().map(|(_, line)| line.clone()).collect()
    }
}

/// The shipper's note of these lines, which follow each other.
pub(crate) fn note(cause: Cause, lines: &[Vec<u8>]) -> Vec<u8> {
    let parsed = |line| record::parse(line).unwrap();
    let first = parsed(&lines[0]);
    let mut note = Summing::new(cause, &first, record::usual_severity(first.kind), &lines[0]);
    for line in &lines[1..] {
        let next = parsed(line);
        assert!(note.push(&next, record::usual_severity(next.kind), line));
    }
    note.to_line().into_bytes()
}

/// The same record, as somebody tells it who has no room for the whole.
pub(crate) fn cut(line: &[u8]) -> Vec<u8> {
    let (record, hash) = (record::parse(line).unwrap(), Hash::of(line));
    let text = std::str::from_utf8(&line[..line.len() / 2]).unwrap();
    serde_json::json!({
        "v": 1, "agent": record.agent.to_string(), "epoch": record.epoch.to_string(), "seq": record.seq,
        "prev": record.prev.to_string(), "time": record.time, "kind": record.kind.name(),
        "truncated_from": line.len(), "sha256": hash.to_string(), "text": text,
    })
    .to_string()
    .into_bytes()
}

pub(crate) const METRICS: &[u8] =
    br#"{"_aws":{"Timestamp":1790000000000,"CloudWatchMetrics":[]},"fleet":"web","failing":3}"#;

/// Dice that fall the same way each day.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, usize::try_from(self.below(u64::try_from(at).unwrap() + 1)).unwrap());
        }
    }
}
