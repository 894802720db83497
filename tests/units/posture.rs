//! Whether the sensor sees the same machine as root does, confined as its unit confines it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::SENSOR;
use super::confined::{SENSOR_USER, mounts, program, setpriv};
use crate::support::binary::text;
use crate::support::mounts::Mounts;

/// What may differ, and why. The sensor's verdict is unknown there, and says so.
const DIFFERS: &[(&str, &str)] = &[(
    "kernel-protected-links",
    "before Linux let everybody read fs.protected_* (5.10 does not), user 0 alone could, whatever capabilities others have: \
     /proc/sys asks who one is",
)];

/// A verdict and its severity, by check and subject.
type Posture = BTreeMap<(String, String), Vec<String>>;

#[test]
fn the_sensors_user_comes_to_the_same_verdicts_as_root() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path());
    let inside = Mounts::made_by(mounts(), folder.path());
    let mut differences = Vec::new();
    // Other tests start and end programs meanwhile: what differs differs each time.
    for _ in 0..5 {
        let root = || posture(Command::new(&program), &[]);
        let mut confined = inside.command("setpriv".as_ref());
        confined.args(setpriv(SENSOR, SENSOR_USER, None)).arg(&program);
        let (before, sensor, after) = (root(), posture(confined, &[]), root());
        assert!(before.len() > 100, "{} verdicts", before.len());
        differences = differing(&before, &sensor, &after);
        if differences.is_empty() {
            return;
        }
    }
    panic!("root, and the sensor's user:\n{}", differences.join("\n"));
}

#[test]
fn without_its_capabilities_it_would_see_less() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path());
    for (capability, topic) in
        [("CAP_DAC_READ_SEARCH", "accounts"), ("CAP_SYS_PTRACE", "packages"), ("CAP_NET_ADMIN", "network")]
    {
        let root = || posture(Command::new(&program), &[topic]);
        let mut sensor = Command::new("setpriv");
        sensor.args(setpriv(SENSOR, SENSOR_USER, Some(capability))).arg(&program);
        let differences = differing(&root(), &posture(sensor, &[topic]), &root());
        assert!(
            differences.iter().any(|difference| difference.contains("unknown")),
            "{capability} makes no difference, so it need not be given"
        );
    }
}

#[test]
fn nothing_can_be_written_from_there_but_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let inside = Mounts::made_by(mounts(), folder.path());
    inside
        .shell("for place in /etc /usr /tmp /var/tmp /dev /home; do ! touch $place/guestward-was-here; done");
    inside.shell(&format!("touch {}/it", folder.path().display()));
    assert!(folder.path().join("it").exists() && !Path::new("/tmp/guestward-was-here").exists());
}

fn posture(mut command: Command, topics: &[&str]) -> Posture {
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
    let output = command.args(["check", "--format", "json"]).args(topics).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)));
    let mut posture = Posture::new();
    for finding in document["findings"].as_array().unwrap() {
        let word = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        let verdict = format!("{} {} {}", word("verdict"), word("severity"), word("reason"));
        posture.entry((word("check"), word("subject"))).or_default().push(verdict);
    }
    posture
}

/// What root said twice and the sensor otherwise.
fn differing(before: &Posture, sensor: &Posture, after: &Posture) -> Vec<String> {
    let mut differences = Vec::new();
    for key in before.keys().chain(sensor.keys()) {
        let (root, seen) = (before.get(key), sensor.get(key));
        if root != after.get(key) || root == seen {
            continue;
        }
        let is_unknown = seen.is_some_and(|seen| seen.iter().all(|verdict| verdict.starts_with("unknown")));
        if !(is_unknown && DIFFERS.iter().any(|(check, _)| *check == key.0)) {
            differences.push(format!("{key:?}: {root:?}, and {seen:?}"));
        }
    }
    differences
}
