//! From a change of a file to CloudWatch: the sensor and the shipper together.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;

use crate::support::journal::{Running, until};

use super::Cloud;

/// Everything else may wait for an hour. How long each took is printed.
#[test]
fn a_backdoor_is_in_cloudwatch_before_anything_else() {
    let cloud = Cloud::new("window = \"1h\"");
    let (policy, watched) = (cloud.state.path().join("policy.toml"), cloud.state.path().join("watched"));
    fs::create_dir(&watched).unwrap();
    let topics = guestward::check::TOPICS.iter();
    let off: String = topics.map(|topic| format!("[topics.{}]\nenabled = false\n", topic.name)).collect();
    let settings = format!(
        "{}{off}[files]\nbuilt-in-rules = false\nsweep = \"1h\"\ninterval = \"1h\"\n\
         [[files.rules]]\npaths = [\"{}/**\"]\nseverity = \"low\"\n",
        fs::read_to_string(&policy).unwrap(),
        watched.display()
    );
    fs::write(&policy, settings).unwrap();
    let made = cloud.command(&["baseline", "create"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let log = || fs::File::options().create(true).append(true).open(cloud.state.path().join("log")).unwrap();
    let _sensor = Running::start(cloud.command(&["run"]).stdout(log()).stderr(log()));
    let _shipper = cloud.ship();
    let is_told = |path: &str| {
        let is_it = |message: &str| message.contains(path) && message.contains("\"set-id\"");
        cloud.events().iter().any(|event| is_it(&event.message))
    };
    until("the sensor watches", || {
        let told = cloud.command(&["status", "--format", "json"]).output().unwrap().stdout;
        let status: serde_json::Value = serde_json::from_slice(&told).unwrap_or_default();
        let files = &status["sensor"]["files"];
        files["live"]["state"] == "watching" && !files["last"].is_null()
    });
    for number in 0..5 {
        let path = watched.join(format!("door-{number}"));
        fs::write(&path, "x").unwrap();
        let began = Instant::now();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o4755)).unwrap();
        until("it is in CloudWatch", || is_told(&format!("/door-{number}\"")));
        println!("figure: from chmod to CloudWatch: {:.0} ms", began.elapsed().as_secs_f64() * 1000.0);
    }
    cloud.assert_sound();
}
