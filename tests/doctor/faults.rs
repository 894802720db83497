//! What is missing is named, and only that; what cannot be told is never called well.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::super::support::aws::{Fault, Kind, Service};
use super::{ACCOUNT, Patient, Told};

/// Which needs are missing, and nothing is unknown.
#[track_caller]
fn missing<'t>(told: &'t Told, ids: &[&'t str]) {
    assert_eq!(told.those("ship", "missing"), ids.iter().copied().collect(), "{:#}", told.document);
    assert_eq!(told.those("ship", "unknown"), BTreeSet::new(), "{:#}", told.document);
    assert_eq!(told.output.status.code(), Some(1));
}

#[test]
fn each_permission_that_is_denied_is_named_and_no_other() {
    for (action, ids) in [
        (
            "logs:CreateLogStream",
            &["logs-create-stream-records", "logs-create-stream-alarms", "logs-create-stream-checkpoints"][..],
        ),
        (
            "logs:PutLogEvents",
            &["logs-put-events-records", "logs-put-events-alarms", "logs-put-events-checkpoints"],
        ),
        ("ssm:PutComplianceItems", &["ssm-compliance"]),
        ("ssm:PutInventory", &["ssm-inventory"]),
        ("ssm:PutParameter", &["seal-put-sha256", "seal-put-key"]),
        ("ssm:GetParameter", &["seal-compare"]),
    ] {
        let patient = Patient::new();
        patient.aws.deny(action);
        let told = patient.ask();
        missing(&told, ids);
        for id in ids {
            let need = told.need(id);
            let detail = need["detail"].as_str().unwrap();
            assert!(detail.contains(action) && detail.contains("arn:aws:"), "{detail}");
            let remedy = need["remedy"].as_str().unwrap();
            let statement: serde_json::Value = remedy.split_once(": ").unwrap().1.parse().unwrap();
            assert_eq!(statement["Action"], serde_json::json!([action]));
        }
        patient.assert_nothing_was_stored();
    }
}

#[test]
fn a_group_that_is_not_there_is_told_apart_from_a_permission_that_is_missing() {
    let patient = Patient::new();
    patient.set_policy(&super::EVERYTHING.replace("/guestward/alarms", "/elsewhere"));
    missing(&patient.ask(), &["logs-group-alarms"]);
    // Either permission alone shows it.
    for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
        patient.aws.deny(action);
        assert_eq!(patient.ask().state("logs-group-alarms"), "missing", "without {action}");
        patient.aws.allow(action);
    }
    patient.aws.deny("logs:CreateLogStream");
    patient.aws.deny("logs:PutLogEvents");
    assert_eq!(patient.ask().state("logs-group-alarms"), "unknown");
}

#[test]
fn credentials_of_another_account_are_named_and_nothing_is_asked_with_them() {
    let patient = Patient::new();
    patient.metadata.credentials(Some(patient.aws.foreign_credentials("999988887777")));
    let told = patient.ask();
    assert_eq!(told.those("ship", "missing"), BTreeSet::from(["account"]), "{:#}", told.document);
    let detail = told.need("account")["detail"].as_str().unwrap();
    assert!(detail.contains("999988887777") && detail.contains(ACCOUNT), "{detail}");
    assert_eq!(told.state("logs-put-events-records"), "unknown");
    let signed = patient.aws.calls().into_iter().filter(|call| !call.action.is_empty());
    assert!(signed.into_iter().all(|call| call.service == Service::Sts));
}

#[test]
fn without_credentials_everything_behind_them_is_unknown() {
    let patient = Patient::new();
    patient.metadata.role(false);
    let told = patient.ask();
    assert_eq!(told.those("ship", "missing"), BTreeSet::from(["credentials"]), "{:#}", told.document);
    assert_eq!(told.state("account"), "unknown");
    assert_eq!(told.state("seal-put-key"), "unknown");
    assert_eq!(told.state("logs-answer"), "ok");
}

#[test]
fn a_clock_that_is_twenty_days_off_is_named_and_hides_nothing_else() {
    for sign in [1, -1] {
        let patient = Patient::new();
        patient.aws.clock_offset(sign * 20 * 24 * 60 * 60 * 1000);
        let told = patient.ask();
        missing(&told, &["skew"]);
        let side = if sign > 0 { "behind" } else { "ahead of" };
        assert!(told.need("skew")["detail"].as_str().unwrap().contains(side));
        patient.assert_nothing_was_stored();
    }
}

#[test]
fn who_refuses_the_connection_is_named_and_what_lies_behind_is_unknown() {
    let patient = Patient::new();
    // Taken and given back: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = patient.command(&["--format", "json"]);
    command.env("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", format!("http://127.0.0.1:{port}"));
    let told = Told::by(&mut command);
    assert_eq!(told.those("ship", "missing"), BTreeSet::from(["logs-connect"]), "{:#}", told.document);
    assert!(told.need("logs-connect")["remedy"].as_str().unwrap().contains("security group"));
    assert_eq!(told.state("logs-put-events-records"), "unknown");
    assert_eq!(told.state("ssm-inventory"), "ok");
}

#[test]
fn a_name_that_does_not_resolve_is_named() {
    let patient = Patient::new();
    let mut command = patient.command(&["--format", "json"]);
    // RFC 6761: nobody has a name below this.
    let told = Told::by(command.env("AWS_ENDPOINT_URL_SSM", "https://ssm.invalid"));
    assert_eq!(told.those("ship", "missing"), BTreeSet::from(["ssm-name"]), "{:#}", told.document);
    assert!(told.need("ssm-name")["remedy"].as_str().unwrap().contains("create-vpc-endpoint"));
    assert_eq!(told.state("seal-compare"), "unknown");
}

#[test]
fn who_never_answers_costs_no_more_than_thirty_five_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let silent_after =
        |action| move |patient: &Patient| patient.aws.faults().push(Fault::always(Kind::Silent).on(action));
    let began = Instant::now();
    let patient = Patient::new();
    let told = Told::by(patient.command(&["--format", "json"]).env("AWS_ENDPOINT_URL", url));
    assert!(began.elapsed() < MOST, "{:?}", began.elapsed());
    assert_eq!(told.state("logs-answer"), "unknown", "{:#}", told.document);
    assert!(
        told.those("ship", "ok")
            .iter()
            .all(|id| id.ends_with("-name") || id.ends_with("-connect") || *id == "pin")
    );
    for (action, id) in [("GetCallerIdentity", "credentials"), ("PutLogEvents", "logs-put-events-records")] {
        let patient = Patient::new();
        silent_after(action)(&patient);
        let began = Instant::now();
        let told = patient.ask();
        assert!(began.elapsed() < MOST, "{action}: {:?}", began.elapsed());
        assert_eq!(told.state(id), "unknown", "{:#}", told.document);
        assert!(told.those("ship", "missing").is_empty());
    }
}

#[test]
fn an_outage_or_too_much_asking_is_unknown_and_never_well() {
    for kind in [Kind::Throttle(None), Kind::Failure, Kind::Unavailable, Kind::Page(502), Kind::Reset] {
        for (action, id) in [
            ("GetCallerIdentity", "credentials"),
            ("CreateLogStream", "logs-create-stream-records"),
            ("PutLogEvents", "logs-put-events-records"),
            ("PutComplianceItems", "ssm-compliance"),
            ("PutInventory", "ssm-inventory"),
            ("PutParameter", "seal-put-key"),
            ("GetParameter", "seal-compare"),
        ] {
            let patient = Patient::new();
            patient.aws.faults().push(Fault::always(kind.clone()).on(action));
            let told = patient.ask();
            assert_eq!(told.state(id), "unknown", "{kind:?} {action}: {:#}", told.document);
            assert!(told.those("ship", "missing").is_empty(), "{kind:?} {action}: {:#}", told.document);
        }
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_named() {
    use super::super::support::aws::{Account, Aws};
    let patient = Patient::new();
    let tls = Aws::start_tls(Account { id: ACCOUNT, region: super::REGION });
    let ask = |roots: Option<std::path::PathBuf>| {
        let mut command = patient.command(&["--format", "json"]);
        command.env("AWS_ENDPOINT_URL_SSM", tls.url());
        if let Some(roots) = roots {
            command.env("SSL_CERT_FILE", roots);
        }
        Told::by(&mut command)
    };
    let told = ask(None);
    assert_eq!(told.state("ssm-answer"), "missing", "{:#}", told.document);
    assert!(told.need("ssm-answer")["detail"].as_str().unwrap().contains("TLS"));
    assert_eq!(ask(tls.authority()).state("ssm-answer"), "ok");
}

/// What the manual promises.
const MOST: Duration = Duration::from_secs(35);
