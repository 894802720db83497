//! A verification for programs: one document, `guestward.verify/1`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::finding::Severity;
use crate::finding::wire::record::{Id, Kind};
use crate::finding::wire::rfc3339_millis;
use crate::journal::verify::{Loss, Part, Place, Problem, Remark, Report, Seals, Told, Verdict};

pub(super) fn document(report: &Report) -> Value {
    let verdict = match report.verdict() {
        Verdict::Clean => "clean",
        Verdict::Broken => "broken",
        Verdict::Nothing => "nothing",
    };
    json!({
        "schema": "guestward.verify/1",
        "verdict": verdict,
        "records": report.records(),
        "malformed": report.malformed,
        "other_agents": report.others,
        "metrics": report.metrics,
        "epochs": report.parts.iter().map(part).collect::<Vec<_>>(),
        "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
        "more_problems": report.more_problems,
        "remarks": report.remarks.iter().map(remark).collect::<Vec<_>>(),
    })
}

fn part(part: &Part) -> Value {
    let losses: Vec<Value> = part.losses.iter().map(loss).collect();
    let instances: Vec<&str> = part.instances.iter().map(|name| name.as_str()).collect();
    json!({
        "agent": part.agent.to_string(),
        "epoch": part.epoch.to_string(),
        "instances": instances,
        "from": part.from.map(|from| json!({
            "agent": from.agent.to_string(),
            "epoch": from.epoch.to_string(),
            "here": from.is_here,
        })),
        "first": part.first,
        "last": part.last,
        "first_time": part.first_time.and_then(time),
        "last_time": part.last_time.and_then(time),
        "records": part.records,
        "duplicates": part.duplicates,
        "cut": part.cut,
        "explained": part.explained,
        "lost": losses,
        "untaken": part.untaken,
        "notes": part.told.iter().map(told).collect::<Vec<_>>(),
        "more_notes": part.more_told,
        "checkpoints": part.checkpoints,
        "seals": seals(part.seals),
        "unsealed": part.unsealed,
        "unvouched": part.unvouched,
    })
}

fn loss(loss: &Loss) -> Value {
    json!({
        "cause": loss.cause,
        "kind": loss.kind.map(Kind::name),
        "severity": loss.severity.map(Severity::name),
        "count": loss.count,
    })
}

fn told(told: &Told) -> Value {
    json!({
        "cause": told.cause,
        "from": told.from,
        "to": told.to,
        "here": told.here,
        "first_time": told.times.0.and_then(time),
        "last_time": told.times.1.and_then(time),
        "lost": told.lost.iter().map(loss).collect::<Vec<_>>(),
        "sha256": told.digest.to_string(),
    })
}

fn seals(seals: Seals) -> Value {
    match seals {
        Seals::NoKey { sealed } => json!({ "state": "no-key", "sealed_checkpoints": sealed }),
        Seals::Through { seq, index } => json!({ "state": "sealed", "through": seq, "index": index }),
        Seals::None => json!({ "state": "none" }),
    }
}

fn problem(problem: &Problem) -> Value {
    json!({
        "kind": problem.kind.name(),
        "agent": problem.whose.map(|(agent, _)| agent.to_string()),
        "epoch": problem.whose.map(|(_, epoch)| epoch.to_string()),
        "from": problem.whose.map(|_| problem.from),
        "to": problem.whose.map(|_| problem.to),
        "place": place(&problem.place),
        "other_place": problem.other.as_ref().map(place),
        "text": problem.text,
    })
}

fn remark(remark: &Remark) -> Value {
    let (agent, epoch): (Id, Id) = remark.whose;
    json!({
        "kind": remark.kind.name(),
        "agent": agent.to_string(),
        "epoch": epoch.to_string(),
        "from": remark.from,
        "to": remark.to,
        "text": remark.text,
    })
}

fn place(place: &Place) -> Value {
    json!({ "source": &*place.source, "line": place.line })
}

pub(super) fn time(millis: i64) -> Option<String> {
    Timestamp::from_millisecond(millis).ok().map(rfc3339_millis)
}
