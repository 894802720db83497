//! `guestward doctor` against a server with AWS's rules: what is there, what is missing, and that nothing was stored.

mod faults;
mod iam;
mod machine;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use guestward::finding::Severity;
use guestward::journal::Limits;
use serde_json::Value;

use super::support::aws::{Account, Aws, Metadata};
use super::support::binary::text;
use super::support::journal::{State, drafts};

/// A host whose policy wants everything, and an account that has it.
struct Patient {
    state: State,
    aws: Aws,
    metadata: Metadata,
}

/// What doctor said.
struct Told {
    output: Output,
    document: Value,
}

impl Patient {
    fn new() -> Self {
        let aws = Aws::start(Account { id: ACCOUNT, region: REGION });
        for group in GROUPS {
            aws.group(group);
        }
        let metadata = Metadata::start(&aws);
        let patient = Self { state: State::new(), aws, metadata };
        patient.set_policy(EVERYTHING);
        patient
    }

    fn set_policy(&self, wanted: &str) {
        let certificate = self.metadata.certificate();
        let aws = format!(
            "[aws]
identity-certificate = \"{}\"
",
            certificate.display()
        );
        fs::write(self.state.path().join("policy.toml"), aws + wanted).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.state.command(&["doctor"]);
        command.args(args).env("AWS_ENDPOINT_URL", self.aws.url());
        command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.metadata.url());
        command
    }

    fn ask(&self) -> Told {
        Told::by(&mut self.command(&["--format", "json"]))
    }

    /// Whatever was tried, nobody's record is another for it.
    fn assert_nothing_was_stored(&self) {
        for group in GROUPS {
            assert_eq!(self.aws.count(group), 0, "{group}");
        }
        assert!(self.aws.parameters().is_empty() && self.aws.inventory().is_empty());
        assert!(self.aws.compliance().iter().all(|put| put.items.is_empty() && put.kind == OWN_TYPE));
    }
}

impl Told {
    fn by(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr));
        });
        Self { output, document }
    }

    fn needs(&self) -> &[Value] {
        self.document["needs"].as_array().unwrap()
    }

    fn need(&self, id: &str) -> &Value {
        self.needs().iter().find(|need| need["id"] == id).unwrap_or_else(|| panic!("no need {id}"))
    }

    fn state(&self, id: &str) -> &str {
        self.need(id)["state"].as_str().unwrap()
    }

    /// The ids in an area that are so.
    fn those(&self, area: &str, state: &str) -> BTreeSet<&str> {
        let are = self.needs().iter().filter(|need| need["area"] == area && need["state"] == state);
        are.map(|need| need["id"].as_str().unwrap()).collect()
    }
}

#[test]
fn what_is_there_is_called_so_and_nothing_is_stored_by_asking() {
    let patient = Patient::new();
    patient.state.journal(Limits::default()).append(&drafts(0..3, Severity::Low), now()).unwrap();
    let told = patient.ask();
    assert_eq!(told.document["schema"], "guestward.doctor/1");
    let ids: BTreeSet<&str> = SHIPPED.iter().copied().collect();
    assert_eq!(told.those("ship", "ok"), ids, "{:#}", told.document);
    for state in ["missing", "unknown", "off"] {
        assert!(told.those("ship", state).is_empty(), "{state}: {:#}", told.document);
    }
    patient.assert_nothing_was_stored();
    // The journal's ids are those that the test's lots give.
    for group in GROUPS {
        assert_eq!(patient.aws.streams(group), ["0001020304050607/0001020304050607"]);
    }
    // A second look finds the streams.
    assert_eq!(patient.ask().those("ship", "ok"), ids);
    let (_, secret, token) = patient.aws.credentials();
    for part in [secret, token] {
        assert!(!text(&told.output.stdout).contains(&part), "a secret is told");
    }
}

#[test]
fn what_the_policy_does_not_want_is_off_and_not_asked_for() {
    let patient = Patient::new();
    patient.set_policy("");
    let told = patient.ask();
    assert_eq!(
        told.those("ship", "off"),
        BTreeSet::from(["logs", "ssm-compliance", "ssm-inventory", "seal"])
    );
    assert_eq!(told.needs().iter().filter(|need| need["area"] == "ship").count(), 4);
    assert_eq!(told.document["iam_policy"]["Statement"], serde_json::json!([]));
    assert!(patient.aws.calls().is_empty());
    patient.set_policy("[ship.cloudwatch]\nenabled = true\n");
    let told = patient.ask();
    assert_eq!(told.those("ship", "off"), BTreeSet::from(["ssm-compliance", "ssm-inventory", "seal"]));
    assert!(told.needs().iter().all(|need| need["id"] != "ssm-name"));
    assert_eq!(told.state("logs-put-events-records"), "ok");
}

#[test]
fn what_keeping_needs_is_found_missing_by_name() {
    let patient = Patient::new();
    patient.state.journal(Limits::default()).append(&drafts(0..3, Severity::Low), now()).unwrap();
    let told = patient.ask();
    for (id, state) in [
        ("state-directory", "ok"),
        ("state-writable", "ok"),
        ("space", "ok"),
        ("policy", "ok"),
        ("sensor", "missing"),
        ("shipper", "missing"),
    ] {
        assert_eq!(told.state(id), state, "{id}: {:#}", told.document);
    }
    assert_eq!(told.output.status.code(), Some(1));
    use std::os::unix::fs::PermissionsExt as _;
    let journal = patient.state.path().join("journal");
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o777)).unwrap();
    let told = patient.ask();
    let need = told.need("state-directory");
    assert_eq!(need["state"], "missing");
    assert_eq!(need["remedy"], format!("chmod 0750 {}", journal.display()));
    fs::set_permissions(&journal, fs::Permissions::from_mode(0o750)).unwrap();
    let all = format!("{EVERYTHING}[journal]\nmax-bytes = \"64GiB\"\n");
    patient.set_policy(&all);
    let free = nix::sys::statvfs::statvfs(patient.state.path()).unwrap();
    let free = free.blocks_available() * free.fragment_size();
    let state = if free < 64 << 30 { "missing" } else { "ok" };
    assert_eq!(patient.ask().state("space"), state, "{free} bytes free");
}

#[test]
fn the_daemons_that_run_are_there() {
    let patient = Patient::new();
    patient.set_policy("");
    let sensor = super::support::journal::Running::start(
        patient
            .state
            .command(&["run"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null()),
    );
    let shipper = patient.state.ship();
    super::support::journal::until("both answer", || {
        let told = patient.ask();
        told.state("sensor") == "ok" && told.state("shipper") == "ok"
    });
    drop((sensor, shipper));
}

#[test]
fn the_metadata_service_that_gives_a_token_is_there_and_one_that_does_not_is_missing() {
    let patient = Patient::new();
    let told = patient.ask();
    assert_eq!(told.state("metadata"), "ok");
    assert!(told.need("metadata")["detail"].as_str().unwrap().contains("gives a token"));
    patient.metadata.go_away(true);
    let told = patient.ask();
    assert_eq!((told.state("metadata"), told.state("pin")), ("missing", "missing"));
}

#[test]
fn text_tells_state_and_remedy_and_ends_with_the_policy_document() {
    let patient = Patient::new();
    patient.aws.deny("ssm:PutInventory");
    let output = patient.command(&[]).output().unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let mut lines = said.lines().skip_while(|line| !line.contains("ssm-inventory:"));
    assert!(lines.next().unwrap().starts_with("missing "), "{said}");
    let mend = lines.find(|line| line.contains("mend: ")).unwrap();
    assert!(mend.contains(r#""Action":["ssm:PutInventory"]"#), "{mend}");
    let (_, document) = said.split_once("no more\n").unwrap();
    let only = patient.command(&["--iam-policy"]).output().unwrap();
    assert_eq!(only.status.code(), Some(0));
    assert_eq!(document, text(&only.stdout));
}

#[test]
fn a_wrong_policy_or_variable_ends_with_two() {
    let patient = Patient::new();
    patient.set_policy("[ship.cloudwatch]\nenabled = 7\n");
    assert_eq!(patient.command(&[]).output().unwrap().status.code(), Some(2));
    patient.set_policy(EVERYTHING);
    let wrong = patient.command(&[]).env("AWS_ENDPOINT_URL", "http://logs.example").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("AWS_ENDPOINT_URL"), "{}", text(&wrong.stderr));
}

#[test]
fn outside_ec2_systems_manager_has_no_node_and_the_rest_is_there() {
    let patient = Patient::new();
    let policy = format!(
        "[aws]\ncredentials = \"default-chain\"\naccount = \"{ACCOUNT}\"\nregion = \"{REGION}\"\n{EVERYTHING}"
    );
    fs::write(patient.state.path().join("policy.toml"), policy).unwrap();
    let (key, secret, token) = patient.aws.credentials();
    let mut command = patient.command(&["--format", "json"]);
    command.env_remove("AWS_EC2_METADATA_SERVICE_ENDPOINT").env("AWS_ACCESS_KEY_ID", key);
    command.env("AWS_SECRET_ACCESS_KEY", secret).env("AWS_SESSION_TOKEN", token);
    let told = Told::by(&mut command);
    assert_eq!(told.those("ship", "missing"), BTreeSet::from(["ssm-compliance", "ssm-inventory"]));
    assert_eq!(told.those("ship", "unknown"), BTreeSet::new(), "{:#}", told.document);
    assert_eq!(told.state("metadata"), "off");
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";
const GROUPS: [&str; 3] = ["/guestward/records", "/guestward/alarms", "/guestward/checkpoints"];
const EVERYTHING: &str = "[ship.cloudwatch]\nenabled = true\nstream = \"{agent}/{epoch}\"\n\
    alarm-group = \"/guestward/alarms\"\ncheckpoint-group = \"/guestward/checkpoints\"\n\
    [ship.ssm]\ncompliance = true\ninventory = true\n[seal]\nparameter = \"/guestward/seal/{agent}/{epoch}\"\n";
const OWN_TYPE: &str = "Custom:GuestwardDoctor";
/// Every need of a policy that wants everything.
const SHIPPED: [&str; 27] = [
    "pin",
    "sts-name",
    "sts-connect",
    "sts-answer",
    "logs-name",
    "logs-connect",
    "logs-answer",
    "ssm-name",
    "ssm-connect",
    "ssm-answer",
    "skew",
    "credentials",
    "account",
    "logs-group-records",
    "logs-create-stream-records",
    "logs-put-events-records",
    "logs-group-alarms",
    "logs-create-stream-alarms",
    "logs-put-events-alarms",
    "logs-group-checkpoints",
    "logs-create-stream-checkpoints",
    "logs-put-events-checkpoints",
    "ssm-compliance",
    "ssm-inventory",
    "seal-put-sha256",
    "seal-put-key",
    "seal-compare",
];
