//! On an instance: the role's credentials by IMDSv2 alone, and records only to the account of the identity document.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use super::super::support::aws::{Account, Call, Metadata};
use super::super::support::journal::{Running, until};
use super::{ACCOUNT, Cloud, GROUP, REGION};

struct Instance {
    cloud: Cloud,
    metadata: Metadata,
}

impl Instance {
    fn new(aws: &str) -> Self {
        let cloud = Cloud::new("");
        let metadata = Metadata::start(&cloud.aws);
        let certificate = metadata.certificate();
        let policy = format!(
            "[aws]\nidentity-certificate = \"{}\"\n{aws}\n[ship.local]\nenabled = false\n\
             [ship.cloudwatch]\nenabled = true\nwindow = 0\n",
            certificate.display()
        );
        fs::write(cloud.state.path().join("policy.toml"), policy).unwrap();
        Self { cloud, metadata }
    }

    /// With an environment that would lead the SDK elsewhere.
    fn ship(&self) -> Running {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.cloud.state.path().join("stderr"))
            .unwrap();
        let (key, secret, token) = self.cloud.aws.foreign_credentials("999988887777");
        let mut command = self.cloud.state.command(&["ship"]);
        command.env("AWS_ENDPOINT_URL", self.cloud.aws.url());
        command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.metadata.url());
        command
            .env("AWS_ACCESS_KEY_ID", key)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_SESSION_TOKEN", token);
        command
            .env("AWS_REGION", "us-east-1")
            .env("AWS_PROFILE", "nobody")
            .env("HTTPS_PROXY", "http://127.0.0.1:9");
        Running::start(command.stdout(Stdio::null()).stderr(log))
    }

    fn matters(&self) -> String {
        fs::read_to_string(self.cloud.state.path().join("cursors/delivery.json")).unwrap_or_default()
    }

    /// What was signed with the credentials of somebody who may do nothing here, and what was not permitted.
    fn denied(&self) -> Vec<Call> {
        let mut calls = self.cloud.aws.calls();
        calls.retain(|call| call.code.as_deref() == Some("AccessDeniedException"));
        calls
    }
}

#[test]
fn a_role_delivers_whatever_the_environment_says() {
    let instance = Instance::new("");
    instance.cloud.record(0..100);
    let _shipper = instance.ship();
    instance.cloud.until_delivered();
    instance.cloud.assert_sound();
    let stream = &instance.cloud.events()[0].stream;
    assert!(stream.starts_with("i-0123456789abcdef0/"), "{stream}");
}

#[test]
fn credentials_that_expire_are_fetched_anew_and_nothing_is_lost() {
    let instance = Instance::new("");
    instance.cloud.record(0..100);
    let _shipper = instance.ship();
    instance.cloud.until_delivered();
    for round in 1..4 {
        instance.cloud.aws.expire();
        instance.cloud.record(round * 100..round * 100 + 100);
        instance.cloud.until_delivered();
    }
    instance.cloud.assert_sound();
    assert_eq!(instance.cloud.duplicates(), 0);
}

#[test]
fn credentials_of_another_account_get_nothing_also_when_they_come_later() {
    let instance = Instance::new("");
    instance.cloud.record(0..10);
    let _shipper = instance.ship();
    instance.cloud.until_delivered();
    instance.cloud.aws.expire();
    instance.metadata.credentials(Some(instance.cloud.aws.foreign_credentials("999988887777")));
    instance.cloud.record(10..20);
    until("it says so", || instance.matters().contains("\"account\""));
    assert!(instance.denied().is_empty(), "{:?}", instance.denied());
    assert!(instance.matters().contains("999988887777"), "{}", instance.matters());
    assert_eq!(instance.cloud.events().len(), instance.cloud.lines().len() - 10);
}

#[test]
fn without_a_document_that_aws_signed_nothing_is_sent_until_there_is_one() {
    type Spoil = fn(&Instance);
    let forged: Spoil = |instance| {
        let text = format!(
            "{{\"accountId\" : \"{ACCOUNT}\", \"region\" : \"{REGION}\", \"instanceId\" : \"i-0123456789abcdef0\"}}"
        );
        instance.metadata.forge(&text);
    };
    let elsewhere: Spoil = |instance| {
        instance.metadata.instance(Account { id: "999988887777", region: REGION }, "i-0123456789abcdef0");
    };
    let away: Spoil = |instance| instance.metadata.go_away(true);
    for (what, spoil) in [("forged", forged), ("another account's", elsewhere), ("the service is away", away)]
    {
        let instance = Instance::new(&format!("account = \"{ACCOUNT}\""));
        spoil(&instance);
        instance.cloud.record(0..10);
        let _shipper = instance.ship();
        until(&format!("{what}: it says so"), || instance.matters().contains("\"logs\""));
        std::thread::sleep(Duration::from_millis(500));
        assert!(instance.cloud.aws.calls().is_empty(), "{what}: {:?}", instance.cloud.aws.calls());
        instance.metadata.instance(Account { id: ACCOUNT, region: REGION }, "i-0123456789abcdef0");
        instance.metadata.go_away(false);
        instance.cloud.until_delivered();
        until(&format!("{what}: it is over"), || !instance.matters().contains("\"logs\""));
        assert_eq!(instance.cloud.aws.events(GROUP).len(), instance.cloud.lines().len());
    }
}
