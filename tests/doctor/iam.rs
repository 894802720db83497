//! The policy document that doctor prints: exactly what the shippers call, and what the CloudFormation template gives.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::super::ocsf::python;
use super::super::support::aws::Service;
use super::super::support::binary::text;
use super::super::support::journal::{Running, until};
use super::Patient;

fn document(patient: &Patient) -> Value {
    let output = patient.command(&["--iam-policy"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

fn actions(document: &Value) -> BTreeSet<String> {
    let statements = document["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

#[test]
fn it_allows_exactly_what_the_shippers_call() {
    let patient = Patient::new();
    let name = "/guestward/seal/one";
    let everything = super::EVERYTHING.replace("/guestward/seal/{agent}/{epoch}", name);
    let everything = everything.replacen("enabled = true\n", "enabled = true\nwindow = 0\n", 1);
    patient.set_policy(&format!("{everything}[ship.local]\nenabled = false\n[run]\ncheckpoint = \"1s\"\n"));
    // Somebody else's key: only then is its hash read.
    patient.aws.put_parameter(&format!("{name}/sha256"), "another's");
    let start = |what: &str| {
        let mut command = patient.state.command(&[what]);
        command.env("AWS_ENDPOINT_URL", patient.aws.url());
        command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", patient.metadata.url());
        Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()))
    };
    let daemons = [start("run"), start("ship")];
    let called = || -> BTreeSet<String> {
        let calls = patient.aws.calls().into_iter().filter(|call| call.service != Service::Sts);
        calls.map(|call| format!("{}:{}", call.service.name(), call.action)).collect()
    };
    let allowed = actions(&document(&patient));
    until("every permission was used", || called().is_superset(&allowed));
    drop(daemons);
    assert_eq!(called(), allowed);
}

#[test]
fn it_allows_nothing_to_who_ships_nothing() {
    let patient = Patient::new();
    patient.set_policy("");
    assert_eq!(document(&patient), json!({ "Version": "2012-10-17", "Statement": [] }));
    assert!(patient.aws.calls().is_empty());
}

#[test]
fn the_cloudformation_template_gives_what_is_needed_and_keeps_the_records() {
    let patient = Patient::new();
    let everything = [
        "AlarmGroup=/guestward/alarms",
        "CheckpointGroup=/guestward/checkpoints",
        "Compliance=true",
        "Inventory=true",
        "SealParameter=/guestward/seal/*/*",
    ];
    for (policy, parameters, groups) in [
        ("[ship.cloudwatch]\nenabled = true\n", &[][..], 1),
        (super::EVERYTHING, &everything[..], 3),
        (&format!("{LOGS}[ship.ssm]\ninventory = true\n"), &[everything[0], everything[1], everything[3]], 3),
    ] {
        patient.set_policy(policy);
        let template = template(parameters);
        assert_eq!(template["policy"], document(&patient));
        let made = template["groups"].as_array().unwrap();
        assert_eq!(made.len(), groups);
        assert!(made.iter().all(|group| group["deletion"] == "Retain"), "{made:?}");
        assert!(made.iter().all(|group| group["RetentionInDays"].as_u64().is_some_and(|days| days >= 90)));
    }
}

/// What the template makes with these parameters.
fn template(parameters: &[&str]) -> Value {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(python())
        .arg(project.join("tests/doctor/template.py"))
        .arg(project.join("packaging/cloudformation/guestward-logs.yaml"))
        .args(parameters)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

const LOGS: &str = "[ship.cloudwatch]\nenabled = true\nalarm-group = \"/guestward/alarms\"\n\
    checkpoint-group = \"/guestward/checkpoints\"\n";
