//! The policy document that doctor prints: exactly what the shippers call, and what the CloudFormation template gives.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use guestward::finding::Severity;
use guestward::finding::wire::record::Kind;
use guestward::journal::Limits;
use serde_json::{Value, json};

use super::super::ocsf::python;
use super::super::support::aws::Service;
use super::super::support::binary::text;
use super::super::support::journal::{Running, drafts, until};
use super::{GROUPS, Patient, now};

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
    patient.set_policy(&format!("[ship.local]\nenabled = false\n{LOGS}window = 0\n"));
    let mut all = drafts(0..3, Severity::Critical);
    all.extend(drafts(0..1, Severity::Informational).into_iter().map(|mut draft| {
        draft.kind = Kind::Checkpoint;
        draft
    }));
    patient.state.journal(Limits::default()).append(&all, now()).unwrap();
    let mut ship = patient.command(&[]);
    let mut command = patient.state.command(&["ship"]);
    command.envs(ship.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let shipper = Running::start(command.stderr(std::process::Stdio::null()));
    until("every group has records", || GROUPS.iter().all(|group| patient.aws.count(group) > 0));
    drop(shipper);
    let called: BTreeSet<String> = patient
        .aws
        .calls()
        .into_iter()
        .filter(|call| call.service != Service::Sts)
        .map(|call| format!("{}:{}", call.service.name(), call.action))
        .collect();
    assert_eq!(actions(&document(&patient)), called);
    assert!(ship.output().is_ok());
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
    // What the template says of instances is what doctor says on one.
    let as_on_ec2 = |mut document: Value| {
        for statement in document["Statement"].as_array_mut().unwrap() {
            for resource in statement["Resource"].as_array_mut().unwrap() {
                let arn = resource.as_str().unwrap().replace(":ssm:", ":ec2:");
                if arn.ends_with(":managed-instance/*") {
                    *resource = json!(arn.replace("managed-instance", "instance"));
                }
            }
        }
        document
    };
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
        assert_eq!(template["policy"], as_on_ec2(document(&patient)));
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
