//! `guestward enforce plan|apply|undo`: what the agent changes, shown, done and taken back.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::args::{EnforceAction, EnforceArgs, EnforceWhat, Format};
use super::{Exit, Failure, policy};
use crate::enforce::decoys::{self, Outcome, Step};
use crate::finding::Text;
use crate::finding::wire::object::{exact, text as told};
use crate::journal::places::Places;

pub(super) fn run(args: &EnforceArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let places = Places::from_env();
    let wanted = |what: &EnforceWhat| policy::load(what.policy.policy.as_ref());
    // There is one thing to look after, so that naming it is the same as naming nothing.
    let (what, name, steps) = match &args.action {
        EnforceAction::Plan(what) => (what, "plan", decoys::plan(&wanted(what)?, places.state())),
        EnforceAction::Apply(what) => (what, "apply", decoys::apply(&wanted(what)?, places.state())),
        // Also where the policy cannot be read any more.
        EnforceAction::Undo(what) => (what, "undo", decoys::undo(places.state())),
    };
    let steps = steps.map_err(Failure::trouble)?;
    let exit = exit_code(name, &steps);
    let written = match what.format.format {
        Format::Text => text(name, &steps, out),
        Format::Json => writeln!(out, "{}", document(name, &steps)),
    };
    written.map_err(|error| Failure::output(error, exit))?;
    Ok(exit)
}

fn exit_code(action: &str, steps: &[Step]) -> Exit {
    let any = |is: fn(&Outcome) -> bool| steps.iter().any(|step| is(&step.outcome));
    let stands_in_the_way =
        any(|outcome| matches!(outcome, Outcome::WouldPlant { .. } | Outcome::Changed | Outcome::Taken));
    match any(|outcome| matches!(outcome, Outcome::Cannot(_))) {
        _ if stands_in_the_way => Exit::Found,
        true if action == "plan" => Exit::Incomplete,
        true => Exit::Found,
        false => Exit::Clean,
    }
}

fn text(action: &str, steps: &[Step], out: &mut dyn Write) -> io::Result<()> {
    if steps.is_empty() {
        let nothing = match action {
            "undo" => "nothing was planted",
            _ => "the policy asks for no planted decoy: [[files.decoys]] with plant",
        };
        return writeln!(out, "{nothing}");
    }
    for Step { path, plant, outcome } in steps {
        let path = Text::from_bytes(path.as_os_str().as_encoded_bytes());
        writeln!(out, "{:<11}  {path}  ({plant})", outcome.name())?;
        match outcome {
            Outcome::WouldPlant { uid, gid, sample } => {
                let size = sample.len();
                writeln!(out, "             {size} bytes, mode 0600, owner {uid}:{gid}, like this:")?;
                for line in String::from_utf8_lossy(sample).lines() {
                    writeln!(out, "             | {}", Text::new(line))?;
                }
            }
            Outcome::Cannot(why) => writeln!(out, "             {why}")?,
            outcome => {
                if let Some(meaning) = meaning(action, outcome) {
                    writeln!(out, "             {meaning}")?;
                }
            }
        }
    }
    Ok(())
}

fn meaning(action: &str, outcome: &Outcome) -> Option<&'static str> {
    Some(match outcome {
        Outcome::Changed if action == "undo" => "planted here and changed since: it stays, and is yours",
        Outcome::Changed => "planted here and changed since",
        Outcome::Taken => "a file of somebody else's is there, and stays",
        Outcome::LeftOver => {
            "planted here, and the policy does not ask for it any more: `guestward enforce undo`"
        }
        Outcome::Gone => "planted here, and not there any more",
        _ => return None,
    })
}

fn document(action: &str, steps: &[Step]) -> Value {
    let shown = steps.iter().map(|Step { path, plant, outcome }| {
        let bytes = path.as_os_str().as_encoded_bytes();
        let mut step = json!({
            "path": told(bytes).as_str(),
            "path_b64": exact(bytes),
            "plant": plant.as_str(),
            "outcome": outcome.name(),
            "reason": null,
        });
        match outcome {
            Outcome::Cannot(why) => step["reason"] = why.as_str().into(),
            Outcome::WouldPlant { uid, gid, sample } => {
                step["would"] = json!({
                    "mode": "0600",
                    "owner": uid,
                    "group": gid,
                    "bytes": sample.len(),
                    "sample": String::from_utf8_lossy(sample),
                });
            }
            _ => {}
        }
        step
    });
    json!({ "schema": "guestward.enforce/1", "action": action, "decoys": shown.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(outcome: Outcome) -> Step {
        Step { path: "/root/\u{1b}".into(), plant: Text::new("text"), outcome }
    }

    #[test]
    fn the_exit_code_tells_what_is_left_to_do() {
        let cannot = || Outcome::Cannot(Text::new("no"));
        let would = || Outcome::WouldPlant { uid: 0, gid: 0, sample: Vec::new() };
        for (action, outcomes, exit) in [
            ("plan", vec![], Exit::Clean),
            ("plan", vec![Outcome::Stands, Outcome::LeftOver], Exit::Clean),
            ("plan", vec![cannot(), Outcome::Stands], Exit::Incomplete),
            ("plan", vec![cannot(), would()], Exit::Found),
            ("apply", vec![Outcome::Planted, Outcome::Stands], Exit::Clean),
            ("apply", vec![Outcome::Planted, cannot()], Exit::Found),
            ("apply", vec![Outcome::Taken], Exit::Found),
            ("undo", vec![Outcome::Removed, Outcome::Gone], Exit::Clean),
            ("undo", vec![Outcome::Removed, Outcome::Changed], Exit::Found),
        ] {
            let steps: Vec<Step> = outcomes.into_iter().map(step).collect();
            assert_eq!(exit_code(action, &steps), exit, "{action} {steps:?}");
        }
    }

    #[test]
    fn no_control_byte_reaches_the_screen() {
        let sample = b"a\x1b[2J\nb".to_vec();
        let steps = [step(Outcome::WouldPlant { uid: 0, gid: 0, sample }), step(Outcome::Taken)];
        let mut out = Vec::new();
        text("plan", &steps, &mut out).unwrap();
        assert!(!out.contains(&0x1b), "{}", String::from_utf8_lossy(&out));
        assert_eq!(document("plan", &steps)["decoys"][1]["path"], "/root/\\x1b");
    }
}
