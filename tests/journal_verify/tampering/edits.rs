//! What somebody can do to the lines of an export: change a member, chain the rest anew, seal it, renumber it.

use super::*;

pub(super) fn value(line: &[u8]) -> Value {
    serde_json::from_slice(line).unwrap()
}

pub(super) fn seq(line: &[u8]) -> u64 {
    between(line, "\"seq\":", ",").parse().unwrap()
}

pub(super) fn kind(line: &[u8]) -> String {
    between(line, "\"kind\":\"", "\"").to_owned()
}

pub(super) fn between<'l>(line: &'l [u8], start: &str, end: &str) -> &'l str {
    let line = std::str::from_utf8(line).unwrap();
    let from = line.find(start).unwrap() + start.len();
    &line[from..from + line[from..].find(end).unwrap()]
}

pub(super) fn set(line: &mut Vec<u8>, member: &str, with: &str) {
    let start = format!("\"{member}\":");
    let old = between(line, &start, ",").to_owned();
    let text =
        std::str::from_utf8(line).unwrap().replacen(&format!("{start}{old},"), &format!("{start}{with},"), 1);
    *line = text.into_bytes();
}

pub(super) fn set_body(line: &mut Vec<u8>, body: &str) {
    let text = std::str::from_utf8(line).unwrap();
    let at = text.find("\"body\":").unwrap() + "\"body\":".len();
    *line = format!("{}{body}}}", &text[..at]).into_bytes();
}

pub(super) fn edit(line: &mut Vec<u8>) {
    let text = std::str::from_utf8(line).unwrap();
    let changed = text.replacen("\"body\":{", "\"body\":{\"x\":0,", 1);
    *line = changed.into_bytes();
}

pub(super) enum Seal {
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
pub(super) fn rechain(lines: &mut Lines, from: usize, seal: &mut Seal) {
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
pub(super) fn rename_edges(lines: &mut Lines, at: usize) {
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

pub(super) fn reseal(line: &mut Vec<u8>, seal: &mut Seal) {
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
pub(super) fn renumber(lines: &mut Lines, from: usize, by: i64) {
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
