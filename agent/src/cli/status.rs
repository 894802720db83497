//! `guestward status`: how both daemons are, as they say themselves.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::{Format, FormatArg};
use super::{Exit, Failure};
use crate::finding::Text;
use crate::journal::places::Places;
use crate::sys::socket;

pub(super) fn run(args: &FormatArg, out: &mut dyn Write) -> Result<Exit, Failure> {
    let places = Places::from_env();
    let sensor = ask(&places.sensor_socket());
    let shipper = ask(&places.shipper_socket());
    let exit = if is_well(&sensor) && is_well(&shipper) { Exit::Clean } else { Exit::Found };
    let written = match args.format {
        Format::Json => {
            writeln!(
                out,
                "{}",
                json!({ "schema": "guestward.status/1", "sensor": sensor, "shipper": shipper })
            )
        }
        Format::Text => text(&sensor, &shipper, out),
    };
    written.map_err(|error| Failure::output(error, exit))?;
    Ok(exit)
}

/// What a daemon says, with `running`; or why it says nothing.
fn ask(socket: &Path) -> Value {
    let answer = socket::ask(socket, DEADLINE, MAX_BYTES).map_err(|error| error.to_string());
    let parsed = answer.and_then(|bytes| {
        serde_json::from_slice::<Value>(&bytes).map_err(|error| format!("not a status: {error}"))
    });
    match parsed {
        Ok(Value::Object(mut said)) => {
            said.insert("running".into(), true.into());
            Value::Object(said)
        }
        Ok(_) => json!({ "running": false, "reason": "not a status" }),
        Err(reason) => json!({ "running": false, "reason": reason }),
    }
}

fn is_well(said: &Value) -> bool {
    let troubles = |said: &Value| said["trouble"].as_array().is_some_and(|trouble| !trouble.is_empty());
    let shippers = said["shippers"].as_array().map(Vec::as_slice).unwrap_or_default();
    said["running"] == true
        && !troubles(said)
        && shippers.iter().all(|shipper| shipper["last_error"].is_null())
}

fn text(sensor: &Value, shipper: &Value, out: &mut dyn Write) -> io::Result<()> {
    headline("sensor", "run", sensor, out)?;
    if sensor["running"] == true {
        let instance = sensor["instance"].as_str().unwrap_or("no EC2 instance");
        row(
            "agent",
            &format!("{}, epoch {}, {}", word(sensor, "agent"), word(sensor, "epoch"), Text::new(instance)),
            out,
        )?;
        let last = sensor["last_record"]
            .as_str()
            .map_or_else(String::new, |time| format!(" at {}", Text::new(time)));
        row("last record", &format!("seq {}{last}", number(sensor, "last_seq")), out)?;
        let (bytes, waiting) = (size(&sensor["journal_bytes"]), number(sensor, "waiting"));
        row("journal", &format!("{bytes}; {waiting} waiting for the disk"), out)?;
        row(
            "lost",
            &format!("{} gaps, {} records dropped", number(sensor, "gaps"), number(sensor, "dropped")),
            out,
        )?;
        let posture = &sensor["posture"];
        let worst = posture["worst"].as_str().unwrap_or("nothing fails");
        let counts = format!(
            "{} fail, {} unknown, {} pass; worst: {}",
            number(posture, "fail"),
            number(posture, "unknown"),
            number(posture, "pass"),
            Text::new(worst)
        );
        row("posture", &counts, out)?;
        if let Some(time) = sensor["last_look"]["time"].as_str() {
            let took = sensor["last_look"]["took_s"].as_f64().unwrap_or(0.0);
            row("last look", &format!("{}, {took:.1} s", Text::new(time)), out)?;
        }
        row("files", &files(&sensor["files"]), out)?;
        row("live", &live(&sensor["files"]["live"]), out)?;
        row("policy", &word(sensor, "policy"), out)?;
        let key = sensor["key"].as_u64().map_or_else(
            || "none: checkpoints are not sealed (`guestward journal init-key FILE` makes one)".to_owned(),
            |index| format!("state {index} seals the next checkpoint"),
        );
        row("key", &key, out)?;
        for backlog in sensor["backlog"].as_array().into_iter().flatten() {
            let oldest = backlog["oldest"]
                .as_str()
                .map_or_else(String::new, |time| format!(", none older than {}", Text::new(time)));
            let left = format!(
                "{} records, {} to deliver{oldest}",
                number(backlog, "records"),
                size(&backlog["bytes"])
            );
            row(&word(backlog, "shipper"), &left, out)?;
        }
        troubles(sensor, out)?;
    }
    headline("shipper", "ship", shipper, out)?;
    for one in shipper["shippers"].as_array().into_iter().flatten() {
        row(&word(one, "name"), &delivered(one), out)?;
    }
    troubles(shipper, out)
}

/// How changes of files are seen as they happen.
fn live(live: &Value) -> String {
    let mut text = match live["state"].as_str() {
        Some("watching") => format!("{} file systems watched", number(live, "watched")),
        Some("fallback") => "directories watched by inotify, not whole file systems".to_owned(),
        Some("blind") => "cannot watch: changes are found by the next sweep only".to_owned(),
        // Also where it is off because there is nothing to compare with.
        _ => return "off".to_owned(),
    };
    let of = |name| number(live, name);
    text.push_str(&format!(
        "; {} events, {} paths looked at, {} told, {} waiting; lost {} times; who did it: known of {}, unknown of {}",
        of("events"),
        of("touched"),
        of("told"),
        of("queue"),
        of("lost"),
        of("actors_known"),
        of("actors_unknown")
    ));
    for what in live["without"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text.push_str(&format!("; without {}", Text::new(what)));
    }
    text
}

fn files(files: &Value) -> String {
    let mut text = match files["baseline"]["version"].as_u64() {
        Some(version) => format!("baseline {version}, root {}", word(&files["baseline"], "root")),
        None => "no baseline (`guestward baseline create` makes one)".to_owned(),
    };
    if let Some(time) = files["last"]["time"].as_str() {
        let last = &files["last"];
        let took = last["took_s"].as_f64().unwrap_or(0.0);
        text.push_str(&format!(
            "; compared {}, {took:.1} s, {} objects, {} by hash, {} unseen",
            Text::new(time),
            number(last, "objects"),
            number(last, "by_hash"),
            number(last, "unseen")
        ));
        if let Some(oldest) = last["oldest_hash"].as_str() {
            text.push_str(&format!(", no hash before {}", Text::new(oldest)));
        }
    }
    if files["comparing"] == true {
        text.push_str("; comparing");
    }
    let worst =
        files["worst"].as_str().map_or_else(String::new, |worst| format!(", worst {}", Text::new(worst)));
    let (open, packages) = (number(files, "open"), number(files, "packages"));
    text.push_str(&format!("; {open} differ{worst}, {packages} packages explain others"));
    text
}

fn delivered(one: &Value) -> String {
    let mut text = format!("{} records, {}", number(one, "delivered_records"), size(&one["delivered_bytes"]));
    if let Some(seq) = one["position"]["seq"].as_u64() {
        text.push_str(&format!(", up to seq {seq}"));
    }
    if let Some(time) = one["last_delivery"].as_str() {
        text.push_str(&format!(", last {}", Text::new(time)));
    }
    if let Some(error) = one["last_error"].as_str() {
        text.push_str(&format!("; {}", Text::new(error)));
    }
    text
}

fn headline(name: &str, command: &str, said: &Value, out: &mut dyn Write) -> io::Result<()> {
    if said["running"] != true {
        writeln!(out, "{name:<8} not running: {}", word(said, "reason"))?;
        return row("start", &format!("`guestward {command}` runs it in the foreground"), out);
    }
    let rss = if said["rss"].is_u64() { format!(", {}", size(&said["rss"])) } else { String::new() };
    let cpu = said["cpu_s"].as_f64().map_or_else(String::new, |cpu| format!(", {cpu:.2} s of CPU"));
    let up = number(said, "up_s");
    writeln!(
        out,
        "{name:<8} running: pid {}, version {}, up {up} s{rss}{cpu}",
        number(said, "pid"),
        word(said, "version")
    )
}

fn row(name: &str, what: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {name:<12} {what}")
}

fn troubles(said: &Value, out: &mut dyn Write) -> io::Result<()> {
    for trouble in said["trouble"].as_array().into_iter().flatten() {
        row("trouble", Text::new(trouble.as_str().unwrap_or_default()).as_str(), out)?;
    }
    Ok(())
}

fn word(said: &Value, key: &str) -> String {
    Text::new(said[key].as_str().unwrap_or("?")).to_string()
}

fn number(said: &Value, key: &str) -> u64 {
    said[key].as_u64().unwrap_or(0)
}

fn size(bytes: &Value) -> String {
    let bytes = bytes.as_u64().unwrap_or(0);
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

/// A daemon that lives answers at once; one that syncs to a slow disk takes a while.
const DEADLINE: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 1024 * 1024;
