//! A long sealed export, changed in every way that its owner's enemies can think of: each change is found and named.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use guestward::finding::wire::key::FirstKey;
use guestward::finding::wire::record::{Hash, Kind};
use guestward::journal::seal::Ratchet;
use guestward::journal::verify::{ProblemKind, RemarkKind, Seals, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::exports::{Dice, Journal};
use super::verify;

type Lines = Vec<Vec<u8>>;

#[test]
fn every_change_is_found_and_named() {
    let base = Base::new();
    let whole = verify(&base.whole(&base.lines), &base.keys);
    assert!(whole.problems.is_empty(), "{:#?}", whole.problems);
    assert!(whole.records() >= 3000, "{}", whole.records());

    let mut without_key: BTreeMap<&str, BTreeSet<bool>> = BTreeMap::new();
    let (mut cases, mut failed) = (0, Vec::new());
    for (name, tamper) in TAMPERINGS {
        for place in 0..PLACES {
            let mut dice = Dice::new(place * 1000 + cases + 1);
            let case = tamper(&base, &mut dice);
            let lines = base.whole(&case.lines);
            assert!(lines != base.whole(&base.lines), "{name} changes something");
            if let Err(wrong) = case.judge(&lines, &base) {
                failed.push(format!("{name}, place {place}: {wrong}"));
            }
            if place < PLACES_WITHOUT_A_KEY {
                let found = verify(&lines, &[]).verdict() == Verdict::Broken;
                without_key.entry(name).or_default().insert(found);
            }
            cases += 1;
        }
    }
    assert!(failed.is_empty(), "{} of {cases}:\n{}", failed.len(), failed.join("\n"));
    assert!(cases >= 500, "{cases} cases");
    let missed = without_key.iter().filter(|(_, found)| found.contains(&false)).map(|(name, _)| *name);
    assert_eq!(missed.collect::<Vec<_>>(), MISSED_WITHOUT_A_KEY, "what the chain alone does not show");
}

/// One change, and what must be said of it.
struct Case {
    lines: Lines,
    kinds: &'static [ProblemKind],
    /// The record that was changed first.
    at: u64,
    /// Where the problem that names it may begin.
    from: RangeInclusive<u64>,
}

impl Case {
    fn judge(&self, lines: &Lines, base: &Base) -> Result<(), String> {
        let report = verify(lines, &base.keys);
        let ours = Some((base.epoch.speaker.agent, base.epoch.speaker.epoch));
        let own: Vec<_> = report.problems.iter().filter(|problem| problem.whose == ours).collect();
        let told = || {
            let told = own.iter().map(|p| format!("  {} {} to {}: {}", p.kind.name(), p.from, p.to, p.text));
            format!("record {} in\n{}", self.at, told.collect::<Vec<_>>().join("\n"))
        };
        let names = own.iter().any(|problem| {
            self.kinds.contains(&problem.kind)
                && self.from.contains(&problem.from)
                && (problem.from..=problem.to).contains(&self.at)
        });
        let part = report.parts.iter().find(|part| Some((part.agent, part.epoch)) == ours).unwrap();
        let sealed_before = match part.seals {
            Seals::Through { seq, .. } => seq < self.at || self.kinds == DOUBLED || self.kinds == ROLLBACK,
            _ => true,
        };
        if !names {
            return Err(format!("not named: {}", told()));
        }
        // What is whole is not accused: the record before may be, where either of two was changed.
        if !own.iter().all(|problem| problem.to + 1 >= self.at) {
            return Err(format!("what is whole is accused: {}", told()));
        }
        if !own.iter().all(|problem| !problem.text.is_empty() && problem.place.line > 0) {
            return Err(format!("not told: {}", told()));
        }
        if sealed_before { Ok(()) } else { Err(format!("sealed {:?}: {}", part.seals, told())) }
    }
}

/// Two epochs of one agent; the first one is tampered with.
struct Base {
    epoch: Journal,
    lines: Lines,
    rest: Lines,
    keys: Vec<FirstKey>,
    /// What whoever takes the machine finds.
    current: Ratchet,
    /// The journal at some moments, as a snapshot has it.
    snapshots: Vec<Journal>,
}

impl Base {
    fn new() -> Self {
        let mut snapshots = Vec::new();
        let epoch = long(1, None, 2400, &mut snapshots);
        let second = long(2, Some(&epoch), 800, &mut Vec::new());
        let keys = [&epoch, &second].map(|journal| journal.first_key.clone().unwrap()).to_vec();
        let current = epoch.ratchet.clone().unwrap();
        Self { lines: epoch.bytes(), rest: second.bytes(), epoch, keys, current, snapshots }
    }

    fn whole(&self, lines: &Lines) -> Lines {
        [lines.clone(), self.rest.clone()].concat()
    }

    /// A place in the sealed part, no gap and no checkpoint, with all records up to the next seal: what stands before
    /// a loss is vouched for by the gap and by the seal after that (`what_stands_before_a_loss…`).
    fn place(&self, dice: &mut Dice) -> usize {
        loop {
            let at = usize::try_from(10 + dice.below(2100)).unwrap();
            let is_plain = |at: usize| matches!(kind(&self.lines[at]).as_str(), "finding" | "heartbeat");
            let is_joined = (at - 2..at + 98).all(|at| seq(&self.lines[at]) + 1 == seq(&self.lines[at + 1]));
            if is_plain(at) && is_plain(at + 1) && is_joined && seq(&self.lines[at + 2]) < self.last_seal() {
                return at;
            }
        }
    }

    /// A checkpoint that has others before and after it.
    fn seal(&self, dice: &mut Dice) -> usize {
        let seals: Vec<usize> =
            (0..self.lines.len()).filter(|&at| kind(&self.lines[at]) == "checkpoint").collect();
        loop {
            let nth = usize::try_from(2 + dice.below(u64::try_from(seals.len()).unwrap() - 4)).unwrap();
            let at = seals[nth];
            if seq(&self.lines[at]) + 1 == seq(&self.lines[at + 1])
                && seq(&self.lines[at]) - 1 == seq(&self.lines[at - 1])
            {
                return at;
            }
        }
    }

    fn last_seal(&self) -> u64 {
        self.lines.iter().rfind(|line| kind(line) == "checkpoint").map_or(0, |line| seq(line))
    }

    /// The first record that the seal over `seq` is needed for.
    fn sealed_from(&self, number: u64) -> u64 {
        let before = self.lines.iter().rfind(|line| kind(line) == "checkpoint" && seq(line) < number);
        before.map_or(self.keys[0].from_seq, |line| seq(line) + 1)
    }

    fn case(&self, lines: Lines, kinds: &'static [ProblemKind], at: u64) -> Case {
        Case { lines, kinds, at, from: at..=at }
    }

    /// Something that only the seals show.
    fn seal_case(&self, lines: Lines, kinds: &'static [ProblemKind], at: u64) -> Case {
        let from = self.sealed_from(at);
        Case { lines, kinds, at, from: from..=from }
    }
}

fn long(epoch: u8, before: Option<&Journal>, records: u64, snapshots: &mut Vec<Journal>) -> Journal {
    let mut journal = Journal::new(7, epoch, before);
    journal.make_key(epoch);
    for step in 1..=records {
        match step {
            _ if step % 97 == 0 => journal.checkpoint(),
            _ if step % 50 == 0 => journal.add(Kind::Heartbeat, r#"{"counts":{"pass":61},"worst":null}"#),
            _ if step % 501 == 0 => {
                journal.add(Kind::Lifecycle, r#"{"event":"stop"}"#);
                journal.add(Kind::Lifecycle, r#"{"event":"start"}"#);
            }
            601 => journal.lose("journal-full", &[(150, 152), (170, 170)], &[]),
            1301 => journal.lose("damaged", &[(1210, 1219)], &[1213]),
            _ => journal.finding(),
        }
        if step % 480 == 0 {
            snapshots.push(journal.clone());
        }
    }
    (0..5).for_each(|_| journal.finding());
    journal
}

// How a line is read and written by somebody who has no key.

fn value(line: &[u8]) -> Value {
    serde_json::from_slice(line).unwrap()
}

fn seq(line: &[u8]) -> u64 {
    between(line, "\"seq\":", ",").parse().unwrap()
}

fn kind(line: &[u8]) -> String {
    between(line, "\"kind\":\"", "\"").to_owned()
}

fn between<'l>(line: &'l [u8], start: &str, end: &str) -> &'l str {
    let line = std::str::from_utf8(line).unwrap();
    let from = line.find(start).unwrap() + start.len();
    &line[from..from + line[from..].find(end).unwrap()]
}

fn set(line: &mut Vec<u8>, member: &str, with: &str) {
    let start = format!("\"{member}\":");
    let old = between(line, &start, ",").to_owned();
    let text =
        std::str::from_utf8(line).unwrap().replacen(&format!("{start}{old},"), &format!("{start}{with},"), 1);
    *line = text.into_bytes();
}

fn set_body(line: &mut Vec<u8>, body: &str) {
    let text = std::str::from_utf8(line).unwrap();
    let at = text.find("\"body\":").unwrap() + "\"body\":".len();
    *line = format!("{}{body}}}", &text[..at]).into_bytes();
}

fn edit(line: &mut Vec<u8>) {
    let text = std::str::from_utf8(line).unwrap();
    let changed = text.replacen("\"body\":{", "\"body\":{\"x\":0,", 1);
    *line = changed.into_bytes();
}

enum Seal {
    /// Left as it was.
    Stale,
    Strip,
    /// By a key of one's own, with the index that stood there.
    Own,
    /// By the state that was found, with the index that stood there.
    Stamped(Ratchet),
    /// By the state that was found, with its own index, and on from there.
    Current(Ratchet),
}

/// Writes everything from `from` on anew, so that the chain holds.
fn rechain(lines: &mut Lines, from: usize, seal: &mut Seal) {
    for at in from.max(1)..lines.len() {
        if seq(&lines[at]) == seq(&lines[at - 1]) + 1 {
            let prev = format!("\"{}\"", Hash::of(&lines[at - 1]));
            set(&mut lines[at], "prev", &prev);
        }
        match kind(&lines[at]).as_str() {
            "gap" => rename_edges(lines, at),
            "checkpoint" => reseal(&mut lines[at], seal),
            _ => {}
        }
    }
}

/// The gaps name the records before their losses: as these are now.
fn rename_edges(lines: &mut Lines, at: usize) {
    let mut body = value(&lines[at])["body"].clone();
    let Some(runs) = body["runs"].as_array_mut() else { return };
    for run in runs {
        let edge = run[0].as_u64().unwrap() - 1;
        if let Some(found) = lines.iter().find(|line| seq(line) == edge) {
            run[2] = json!(Hash::of(found).to_string());
        }
    }
    set_body(&mut lines[at], &body.to_string());
}

fn reseal(line: &mut Vec<u8>, seal: &mut Seal) {
    let text = std::str::from_utf8(line).unwrap().to_owned();
    let Some((covered, _)) = text.split_once(",\"mac\":\"") else { return };
    let (before, index) = covered.rsplit_once("\"key\":").unwrap();
    let (covered, mac) = match seal {
        Seal::Stale => return,
        Seal::Strip => (format!("{before}\"key\":null"), None),
        Seal::Own => {
            let mut own = Ratchet::new(Zeroizing::new([99; 32]));
            own.advance_to(index.parse().unwrap()).unwrap();
            (covered.to_owned(), Some(own.mac(covered.as_bytes())))
        }
        Seal::Stamped(ratchet) => (covered.to_owned(), Some(ratchet.mac(covered.as_bytes()))),
        Seal::Current(ratchet) => {
            let covered = format!("{before}\"key\":{}", ratchet.index());
            let mac = ratchet.mac(covered.as_bytes());
            ratchet.advance();
            (covered, Some(mac))
        }
    };
    let mac = mac.map_or(String::new(), |mac| format!(",\"mac\":\"{mac}\""));
    *line = format!("{covered}{mac}}}}}").into_bytes();
}

/// Moves the numbers from `from` on by `by`, and all numbers that are told of them.
fn renumber(lines: &mut Lines, from: usize, by: i64) {
    let first = seq(&lines[from]);
    let moved = |number: u64| if number >= first { number.checked_add_signed(by).unwrap() } else { number };
    for line in &mut lines[from..] {
        let now = moved(seq(line));
        set(line, "seq", &now.to_string());
        match kind(line).as_str() {
            "checkpoint" => set(line, "records", &now.to_string()),
            "gap" => {
                let mut body = value(line)["body"].clone();
                for run in body["runs"].as_array_mut().into_iter().flatten() {
                    run[0] = json!(moved(run[0].as_u64().unwrap()));
                    run[1] = json!(moved(run[1].as_u64().unwrap()));
                }
                set_body(line, &body.to_string());
            }
            _ => {}
        }
    }
}

type Tamper = fn(&Base, &mut Dice) -> Case;

const ALTERED: &[ProblemKind] = &[ProblemKind::Altered];
const HOLE: &[ProblemKind] = &[ProblemKind::Hole];
const SEALS: &[ProblemKind] = &[ProblemKind::Seal];
const ORDER: &[ProblemKind] = &[ProblemKind::SealOrder];
const UNSEALED: &[ProblemKind] = &[ProblemKind::Unsealed];
const DOUBLED: &[ProblemKind] = &[ProblemKind::Fork, ProblemKind::Rollback];
const ROLLBACK: &[ProblemKind] = &[ProblemKind::Rollback];
const FALSE_START: &[ProblemKind] = &[ProblemKind::FalseStart];

const PLACES: u64 = 10;
const PLACES_WITHOUT_A_KEY: u64 = 2;

/// Whoever writes all the rest anew has a chain as good as any: this is what the seals are for.
const MISSED_WITHOUT_A_KEY: &[&str] = &[
    "a byte of a seal, chained anew",
    "a deletion that a forged gap explains",
    "a deletion that a forged gap explains, sealed under old names",
    "a forged record put in, the rest renumbered and chained",
    "all written anew, all seals taken off",
    "edited, chained and sealed with a key of one's own",
    "edited, chained anew",
    "edited, sealed with the present key under old names",
    "neighbours' bodies swapped and chained anew",
    "neighbours' bodies swapped and sealed with the present key",
    "one deleted, the rest renumbered and chained",
    "the policy of a checkpoint, chained anew",
    "the tail cut off, another put there with a key of one's own",
    "the tail cut off, another put there with the present key under old names",
];

const TAMPERINGS: &[(&str, Tamper)] = &[
    ("a byte of the time", |base, dice| edited(base, dice, "\"time\":\"2026", "\"time\":\"2025")),
    ("a byte of the boot", |base, dice| edited(base, dice, "\"boot\":\"0", "\"boot\":\"1")),
    ("a byte of the instance", |base, dice| edited(base, dice, "\"instance\":\"i-0", "\"instance\":\"i-1")),
    ("a byte of the account", |base, dice| edited(base, dice, "\"account\":\"1", "\"account\":\"2")),
    ("a byte of the region", |base, dice| edited(base, dice, "\"region\":\"eu", "\"region\":\"us")),
    ("a byte of the body", |base, dice| edited(base, dice, "\"body\":{\"c", "\"body\":{\"k")),
    ("a space", |base, dice| edited(base, dice, "\"body\":{", "\"body\": {")),
    ("another kind", |base, dice| {
        let at = base.place(dice);
        let mut lines = base.lines.clone();
        set(&mut lines[at], "kind", "\"drift\"");
        base.case(lines, ALTERED, seq(&base.lines[at]))
    }),
    ("a byte of prev", |base, dice| {
        let at = base.place(dice);
        let mut lines = base.lines.clone();
        set(&mut lines[at], "prev", &format!("\"{}\"", Hash::of(b"x")));
        let number = seq(&lines[at]);
        Case { lines, kinds: ALTERED, at: number, from: number - 1..=number - 1 }
    }),
    ("another version", |base, dice| unread(base, dice, |line| set_first(line, "\"v\":1", "\"v\":2"))),
    ("a kind that is none", |base, dice| unread(base, dice, |line| set(line, "kind", "\"findinh\""))),
    ("half a line", |base, dice| unread(base, dice, |line| line.truncate(line.len() / 2))),
    ("a control byte", |base, dice| unread(base, dice, |line| line.insert(5, b'\t'))),
    ("no UTF-8", |base, dice| unread(base, dice, |line| set_byte(line, 200, 0xff))),
    ("another agent", |base, dice| unread(base, dice, |line| set(line, "agent", "\"0807070707070707\""))),
    ("into another epoch", |base, dice| {
        unread(base, dice, |line| set(line, "epoch", "\"0202020202020202\""))
    }),
    ("into an epoch of its own", |base, dice| {
        unread(base, dice, |line| set(line, "epoch", "\"0909090909090909\""))
    }),
    ("far ahead", |base, dice| unread(base, dice, |line| set(line, "seq", "900000"))),
    ("edited, chained anew", |base, dice| rewritten(base, dice, Seal::Stale, SEALS)),
    ("edited, chained and sealed with a key of one's own", |base, dice| {
        rewritten(base, dice, Seal::Own, SEALS)
    }),
    ("edited, sealed with the present key under old names", |base, dice| {
        rewritten(base, dice, Seal::Stamped(base.current.clone()), SEALS)
    }),
    ("edited, sealed with the present key under its own name", |base, dice| {
        rewritten(base, dice, Seal::Current(base.current.clone()), ORDER)
    }),
    ("edited, chained, seals taken off", |base, dice| rewritten(base, dice, Seal::Strip, UNSEALED)),
    ("all written anew, all seals taken off", |base, dice| {
        let mut lines = base.lines.clone();
        edit(&mut lines[3 + usize::try_from(dice.below(80)).unwrap()]);
        rechain(&mut lines, 1, &mut Seal::Strip);
        base.seal_case(lines, UNSEALED, 5)
    }),
    ("one deleted", |base, dice| deleted(base, dice, 1)),
    ("many deleted", |base, dice| {
        let many = 2 + dice.below(200);
        deleted(base, dice, usize::try_from(many).unwrap())
    }),
    ("a checkpoint deleted", |base, dice| {
        let at = base.seal(dice);
        let mut lines = base.lines.clone();
        let gone = seq(&lines.remove(at));
        base.case(lines, HOLE, gone)
    }),
    ("the first after a checkpoint deleted", |base, dice| {
        let at = base.seal(dice) + 1;
        let mut lines = base.lines.clone();
        let gone = seq(&lines.remove(at));
        base.case(lines, HOLE, gone)
    }),
    ("the gap deleted", |base, dice| {
        let at: Vec<usize> = (0..base.lines.len()).filter(|&at| kind(&base.lines[at]) == "gap").collect();
        let at = at[usize::try_from(dice.below(2)).unwrap()];
        let mut lines = base.lines.clone();
        let runs = value(&lines.remove(at))["body"]["runs"].clone();
        base.case(lines, HOLE, runs[0][0].as_u64().unwrap())
    }),
    ("one deleted, the rest renumbered and chained", |base, dice| {
        let at = base.place(dice);
        let mut lines = base.lines.clone();
        let gone = seq(&lines.remove(at));
        renumber(&mut lines, at, -1);
        rechain(&mut lines, at, &mut Seal::Stale);
        base.seal_case(lines, SEALS, gone)
    }),
    ("a checkpoint deleted, the rest renumbered and chained", |base, dice| {
        let at = base.seal(dice);
        let mut lines = base.lines.clone();
        let gone = seq(&lines.remove(at));
        renumber(&mut lines, at, -1);
        rechain(&mut lines, at, &mut Seal::Stale);
        base.seal_case(lines, SEALS, gone)
    }),
    ("neighbours' bodies swapped", |base, dice| swapped(base, dice, None)),
    ("neighbours' bodies swapped and chained anew", |base, dice| swapped(base, dice, Some(Seal::Stale))),
    ("neighbours' bodies swapped and sealed with the present key", |base, dice| {
        swapped(base, dice, Some(Seal::Stamped(base.current.clone())))
    }),
    ("renumbered", |base, dice| {
        let at = base.place(dice);
        let mut lines = base.lines.clone();
        let number = seq(&lines[at]);
        renumber(&mut lines, at, 1);
        base.case(lines, HOLE, number)
    }),
    ("renumbered and chained anew", |base, dice| {
        let at = base.place(dice);
        let mut lines = base.lines.clone();
        let number = seq(&lines[at]);
        renumber(&mut lines, at, 1);
        rechain(&mut lines, at, &mut Seal::Stale);
        base.case(lines, HOLE, number)
    }),
    ("a forged record beside the true one", |base, dice| {
        let at = base.place(dice);
        let mut lines = base.lines.clone();
        let mut forged = lines[at].clone();
        edit(&mut forged);
        lines.insert(at, forged);
        base.case(lines, DOUBLED, seq(&base.lines[at]))
    }),
    ("a forged record put in, the rest renumbered and chained", |base, dice| {
        let at = base.place(dice);
        let mut lines = base.lines.clone();
        let mut forged = lines[at].clone();
        edit(&mut forged);
        lines.insert(at, forged);
        renumber(&mut lines, at + 1, 1);
        rechain(&mut lines, at, &mut Seal::Stale);
        base.seal_case(lines, SEALS, seq(&base.lines[at]))
    }),
    ("a deletion that a forged gap explains", |base, dice| forged_gap(base, dice, Seal::Stale, SEALS)),
    ("a deletion that a forged gap explains, sealed under old names", |base, dice| {
        forged_gap(base, dice, Seal::Stamped(base.current.clone()), SEALS)
    }),
    ("a copy with a changed byte", |base, dice| {
        let at = base.place(dice);
        let mut lines = base.lines.clone();
        let mut copy = lines[at].clone();
        edit(&mut copy);
        lines.push(copy);
        base.case(lines, DOUBLED, seq(&base.lines[at]))
    }),
    ("a restored snapshot goes on", |base, dice| {
        let mut again = base.snapshots[usize::try_from(dice.below(4)).unwrap()].clone();
        let number = again.seq + 1;
        again.clock += 1 + i64::try_from(dice.below(100_000)).unwrap();
        let old = again.lines.len();
        for _ in 0..2 + dice.below(150) {
            again.finding();
        }
        again.checkpoint();
        let lines = [base.lines.clone(), again.bytes()[old..].to_vec()].concat();
        base.case(lines, ROLLBACK, number)
    }),
    ("another name of a key", |base, dice| {
        seal_edit(base, dice, false, |line| {
            let index = value(line)["body"]["key"].as_u64().unwrap();
            set(line, "key", &(index + 1).to_string());
        })
    }),
    ("another name of a key, chained anew", |base, dice| {
        seal_edit(base, dice, true, |line| {
            let index = value(line)["body"]["key"].as_u64().unwrap();
            set(line, "key", &(index + 1).to_string());
        })
    }),
    ("a byte of a seal", |base, dice| {
        seal_edit(base, dice, false, |line| {
            let at = line.len() - 20;
            line[at] = if line[at] == b'A' { b'B' } else { b'A' };
        })
    }),
    ("a byte of a seal, chained anew", |base, dice| {
        seal_edit(base, dice, true, |line| {
            let at = line.len() - 20;
            line[at] = if line[at] == b'A' { b'B' } else { b'A' };
        })
    }),
    ("numbers of a checkpoint", |base, dice| seal_edit(base, dice, true, |line| set(line, "dropped", "900"))),
    ("the policy of a checkpoint, chained anew", |base, dice| {
        seal_edit(base, dice, true, |line| set(line, "policy", "null"))
    }),
    ("one seal taken off", |base, dice| {
        let at = base.seal(dice);
        let mut lines = base.lines.clone();
        reseal(&mut lines[at], &mut Seal::Strip);
        rechain(&mut lines, at + 1, &mut Seal::Stale);
        base.seal_case(lines, UNSEALED, seq(&base.lines[at]))
    }),
    ("the seal of another checkpoint", |base, dice| {
        let (at, other) = (base.seal(dice), base.seal(dice));
        let other = if at == other { base.lines.len() - 1 } else { other };
        let mac = base.lines[other].iter().rev().skip(3).take(43).rev().copied().collect::<Vec<u8>>();
        let mac = if kind(&base.lines[other]) == "checkpoint" { mac } else { vec![b'A'; 43] };
        let mut lines = base.lines.clone();
        let end = lines[at].len() - 3;
        lines[at][end - 43..end].copy_from_slice(&mac);
        base.seal_case(lines, SEALS, seq(&base.lines[at]))
    }),
    ("the beginning cut off, the rest renumbered", |base, _| {
        let mut lines = base.lines.clone();
        lines.remove(0);
        renumber(&mut lines, 0, -1);
        set(&mut lines[0], "prev", &format!("\"{}\"", Hash::NONE));
        rechain(&mut lines, 1, &mut Seal::Stale);
        base.case(lines, FALSE_START, 1)
    }),
    ("another beginning", |base, _| {
        let mut lines = base.lines.clone();
        set(&mut lines[0], "prev", &format!("\"{}\"", Hash::of(b"x")));
        base.case(lines, &[ProblemKind::FalseStart, ProblemKind::Altered], 1)
    }),
    ("the tail cut off, another put there with a key of one's own", |base, dice| {
        new_tail(base, dice, Seal::Own, SEALS)
    }),
    ("the tail cut off, another put there with the present key under old names", |base, dice| {
        new_tail(base, dice, Seal::Stamped(base.current.clone()), SEALS)
    }),
    ("the tail cut off, another put there with the present key", |base, dice| {
        new_tail(base, dice, Seal::Current(base.current.clone()), ORDER)
    }),
];

fn edited(base: &Base, dice: &mut Dice, from: &str, to: &str) -> Case {
    let at = base.place(dice);
    let mut lines = base.lines.clone();
    set_first(&mut lines[at], from, to);
    base.case(lines, ALTERED, seq(&base.lines[at]))
}

fn set_first(line: &mut Vec<u8>, from: &str, to: &str) {
    let text = std::str::from_utf8(line).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    *line = text.replacen(from, to, 1).into_bytes();
}

fn set_byte(line: &mut [u8], at: usize, byte: u8) {
    line[at] = byte;
}

/// The record is not there any more.
fn unread(base: &Base, dice: &mut Dice, spoil: fn(&mut Vec<u8>)) -> Case {
    let at = base.place(dice);
    let mut lines = base.lines.clone();
    spoil(&mut lines[at]);
    base.case(lines, HOLE, seq(&base.lines[at]))
}

fn rewritten(base: &Base, dice: &mut Dice, mut seal: Seal, kinds: &'static [ProblemKind]) -> Case {
    let at = base.place(dice);
    let mut lines = base.lines.clone();
    edit(&mut lines[at]);
    rechain(&mut lines, at + 1, &mut seal);
    base.seal_case(lines, kinds, seq(&base.lines[at]))
}

fn deleted(base: &Base, dice: &mut Dice, many: usize) -> Case {
    let mut lines = base.lines.clone();
    // Without the gap that explains another loss, there would be two to name.
    let is_gap = |line: &Vec<u8>| kind(line) == "gap";
    let at = loop {
        let at = base.place(dice).min(2100);
        if !lines[at..at + many].iter().any(is_gap) {
            break at;
        }
    };
    let gone: Lines = lines.drain(at..at + many).collect();
    base.case(lines, HOLE, seq(&gone[0]))
}

fn swapped(base: &Base, dice: &mut Dice, seal: Option<Seal>) -> Case {
    let at = base.place(dice);
    let mut lines = base.lines.clone();
    let bodies = [at, at + 1].map(|at| value(&lines[at])["body"].to_string());
    set_body(&mut lines[at], &bodies[1]);
    set_body(&mut lines[at + 1], &bodies[0]);
    match seal {
        None => base.case(lines, ALTERED, seq(&base.lines[at])),
        Some(mut seal) => {
            rechain(&mut lines, at + 1, &mut seal);
            base.seal_case(lines, SEALS, seq(&base.lines[at]))
        }
    }
}

/// Takes away what is in the way and turns a later record into a gap that says so.
fn forged_gap(base: &Base, dice: &mut Dice, mut seal: Seal, kinds: &'static [ProblemKind]) -> Case {
    let at = base.place(dice).min(1900);
    let mut lines = base.lines.clone();
    let gone: Lines = lines.drain(at..at + 5).collect();
    let later = (at + 150..).find(|&at| kind(&lines[at]) == "finding").unwrap();
    let (from, to) = (seq(&gone[0]), seq(&gone[4]));
    set(&mut lines[later], "kind", "\"gap\"");
    let before = Hash::of(&lines[at - 1]);
    let body = format!(r#"{{"cause":"damaged","lost":[],"runs":[[{from},{to},"{before}"]]}}"#);
    set_body(&mut lines[later], &body);
    for line in lines[later..].iter_mut().filter(|line| kind(line) == "checkpoint") {
        let gaps = value(line)["body"]["gaps"].as_u64().unwrap();
        set(line, "gaps", &(gaps + 1).to_string());
    }
    let forged = seq(&lines[later]);
    rechain(&mut lines, later + 1, &mut seal);
    base.seal_case(lines, kinds, forged)
}

fn seal_edit(base: &Base, dice: &mut Dice, chained: bool, change: fn(&mut Vec<u8>)) -> Case {
    let at = base.seal(dice);
    let mut lines = base.lines.clone();
    change(&mut lines[at]);
    if chained {
        rechain(&mut lines, at + 1, &mut Seal::Stale);
    }
    base.seal_case(lines, SEALS, seq(&base.lines[at]))
}

/// After a checkpoint the journal goes on otherwise than it did.
fn new_tail(base: &Base, dice: &mut Dice, mut seal: Seal, kinds: &'static [ProblemKind]) -> Case {
    // Behind the gaps: without them the losses before would have to be named, too.
    let at = loop {
        let at = base.seal(dice);
        if seq(&base.lines[at]) > 1400 {
            break at;
        }
    };
    let mut lines = base.lines.clone();
    let next = (at + 1..).find(|&next| kind(&lines[next]) == "checkpoint").unwrap();
    lines.truncate(next + 1);
    edit(&mut lines[at + 1]);
    rechain(&mut lines, at + 2, &mut seal);
    base.seal_case(lines, kinds, seq(&base.lines[at + 1]))
}

#[test]
fn what_stands_before_a_loss_is_vouched_for_by_the_gap_that_tells_of_it() {
    let base = Base::new();
    let at = base.lines.iter().position(|line| seq(line) == 168).unwrap();
    let mut lines = base.lines.clone();
    edit(&mut lines[at]);
    // Chained anew up to the loss; but the gap names record 169 as it was.
    let prev = format!("\"{}\"", Hash::of(&lines[at]));
    set(&mut lines[at + 1], "prev", &prev);
    let report = verify(&base.whole(&lines), &base.keys);
    let told: Vec<_> = report.problems.iter().map(|problem| (problem.kind, problem.from)).collect();
    assert_eq!(told, [(ProblemKind::Altered, 169)]);
    // The gap is forged as well: its seal breaks, and the proof ends before the loss.
    rechain(&mut lines, at + 1, &mut Seal::Stale);
    let report = verify(&base.whole(&lines), &base.keys);
    assert!(report.problems.iter().any(|problem| problem.kind == ProblemKind::Seal), "{:?}", report.problems);
    assert!(matches!(report.parts[0].seals, Seals::Through { seq, .. } if seq < 150));
}

/// What no proof can show, said in the manual: kept here so that nobody believes otherwise.
#[test]
fn what_cannot_be_proved_is_not_claimed() {
    let base = Base::new();
    let verdict = |lines: &Lines| verify(&base.whole(lines), &base.keys);

    // The end: what followed may be gone, and what no seal covers yet may be another.
    let mut lines = base.lines.clone();
    lines.truncate(1500);
    assert_eq!(verdict(&lines).verdict(), Verdict::Clean);
    let mut lines = base.lines.clone();
    let last = lines.len() - 3;
    edit(&mut lines[last]);
    rechain(&mut lines, last + 1, &mut Seal::Stale);
    let report = verdict(&lines);
    assert_eq!(report.verdict(), Verdict::Clean);
    assert!(report.parts[0].unsealed >= 3, "but it is not called sealed");

    // The beginning: an export may begin anywhere, and says where.
    let report = verdict(&base.lines[1..].to_vec());
    assert_eq!((report.verdict(), report.parts[0].first), (Verdict::Clean, 2));

    // A gap is the agent's word: the loss is told, and the proof ends before it until the gap is sealed.
    let mut journal = base.epoch.clone();
    journal.lose("damaged", &[(500, 520)], &[]);
    let report = verdict(&journal.bytes());
    assert_eq!(report.verdict(), Verdict::Clean);
    assert!(matches!(report.parts[0].seals, Seals::Through { seq, .. } if seq < 500));
    assert!(report.remarks.iter().any(|remark| remark.kind == RemarkKind::UnsealedGap));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_bytes_break_the_verifier(
        lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..20),
        edits in proptest::collection::vec((any::<u16>(), any::<u16>(), any::<u8>()), 0..40),
        seqs in proptest::collection::vec((any::<u16>(), prop_oneof![Just(1u64), Just(u64::MAX), Just(u64::MAX - 1), 1u64..50, any::<u64>()]), 0..20),
    ) {
        let mut journal = Journal::new(1, 1, None);
        journal.make_key(3);
        for _ in 0..4 {
            (0..6).for_each(|_| journal.finding());
            journal.checkpoint();
        }
        journal.lose("disk", &[(4, 6)], &[]);
        journal.checkpoint();
        let mut all = journal.bytes();
        for (line, seq) in seqs {
            let at = usize::from(line) % all.len();
            set(&mut all[at], "seq", &seq.to_string());
        }
        for (line, at, byte) in edits {
            let at_line = usize::from(line) % all.len();
            let at = usize::from(at) % all[at_line].len();
            all[at_line][at] = byte;
        }
        all.extend(lines);
        let report = verify(&all, &[journal.first_key.unwrap()]);
        prop_assert!(report.problems.iter().all(|problem| problem.from <= problem.to));
    }
}
