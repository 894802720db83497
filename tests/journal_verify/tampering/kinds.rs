//! Every kind of change, by name, and what must be said of it.

use super::edits::*;
use super::*;

pub(super) type Tamper = fn(&Base, &mut Dice) -> Case;

const ALTERED: &[ProblemKind] = &[ProblemKind::Altered];
const HOLE: &[ProblemKind] = &[ProblemKind::Hole];
const SEALS: &[ProblemKind] = &[ProblemKind::Seal];
const ORDER: &[ProblemKind] = &[ProblemKind::SealOrder];
const UNSEALED: &[ProblemKind] = &[ProblemKind::Unsealed];
pub(super) const DOUBLED: &[ProblemKind] = &[ProblemKind::Fork, ProblemKind::Rollback];
pub(super) const ROLLBACK: &[ProblemKind] = &[ProblemKind::Rollback];
const FALSE_START: &[ProblemKind] = &[ProblemKind::FalseStart];

pub(super) const TAMPERINGS: &[(&str, Tamper)] = &[
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
