//! What systemd is given: how exposed the two services are, whether the daemons work as the users that their units
//! name, and whether confinement changes what the sensor sees.

mod confined;
mod exposure;
mod own;
mod posture;
mod users;

use std::fs;
use std::path::{Path, PathBuf};

const SENSOR: &str = "guestward.service";
const SHIPPER: &str = "guestward-ship.service";
const SELF_CHECK: &str = "guestward-self-check.service";

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("systemd")
}

fn read(unit: &str) -> String {
    fs::read_to_string(directory().join(unit)).unwrap()
}

/// All values of a directive, in order.
fn values<'a>(text: &'a str, directive: &str) -> Vec<&'a str> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines.filter(|(name, _)| *name == directive).map(|(_, value)| value).collect()
}

/// The one value of a directive.
fn value<'a>(text: &'a str, directive: &str) -> &'a str {
    let [value] = values(text, directive)[..] else { panic!("{directive}= is there not once") };
    value
}
