//! An instance with AWS around it: metadata and time at their link-local addresses, CloudWatch Logs, Systems Manager and
//! STS behind the names that the SDK asks for, with a certificate that the guest trusts. Nothing else exists.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use vm_tests::network::{HERE, METADATA};
use vm_tests::snapshot::Snapshot;
use vm_tests::{Guest, Suite};

use crate::made;
use crate::support::aws::{Account, Aws, Metadata};
use crate::time::TimeServer;

/// An instance, on the calling thread's network.
pub(crate) struct Ec2 {
    // Before what stands around it, which it talks to until its end.
    pub(crate) guest: Guest,
    pub(crate) aws: Aws,
    pub(crate) metadata: Metadata,
    _time: TimeServer,
}

impl Ec2 {
    /// Up for a while, and without guestward.
    pub(crate) fn bare(suite: Suite) -> Self {
        Self::around(Guest::running(suite))
    }

    /// With the package, the units up, and delivering to CloudWatch.
    pub(crate) fn installed(suite: Suite) -> Self {
        let package = fs::read(made::deb()).unwrap();
        let installed = Snapshot::prepared(suite, "installed", &[&package], |guest| {
            // As when an image is made: nothing starts, and so nothing is there yet but the package.
            guest.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n");
            guest.sh("chmod 755 /usr/sbin/policy-rc.d");
            install(guest, &made::deb());
            guest.sh("rm /usr/sbin/policy-rc.d; systemctl is-enabled guestward guestward-ship");
            // What it reads is then in memory, as on a machine that has been up for a while.
            guest.try_sh("guestward check; rm -f /root/*.deb");
        });
        let ec2 = Self::around(Guest::resumed(suite, &installed));
        ec2.deliver();
        ec2.guest.sh("systemctl start --no-block guestward guestward-ship");
        ec2.until_active();
        ec2
    }

    /// AWS around a guest.
    pub(crate) fn around(guest: Guest) -> Self {
        let aws = Aws::start_tls_at(ACCOUNT, at(HERE, 443), NAMES);
        aws.group(GROUP);
        let metadata = Metadata::start_at(&aws, at(METADATA, 80));
        let ec2 = Self { guest, aws, metadata, _time: TimeServer::start() };
        ec2.trust();
        ec2
    }

    /// The guest's trust in our certificates, and the time.
    pub(crate) fn trust(&self) {
        let authority = self.aws.authority().expect("a double with TLS");
        let authority = fs::read_to_string(authority).unwrap();
        self.guest.write("/usr/local/share/ca-certificates/double.crt", &authority);
        self.guest.sh("cat /usr/local/share/ca-certificates/double.crt >> /etc/ssl/certs/ca-certificates.crt
             systemctl restart --no-block systemd-timesyncd");
    }

    /// A policy that delivers to CloudWatch at once.
    pub(crate) fn deliver(&self) {
        self.policy("[ship.cloudwatch]\nenabled = true\nwindow = 0\n");
    }

    /// A policy over the package's own.
    pub(crate) fn policy(&self, text: &str) {
        let certificate = fs::read_to_string(self.metadata.certificate()).unwrap();
        self.guest.write("/etc/guestward/identity.pem", &certificate);
        let policy = format!("[aws]\nidentity-certificate = \"/etc/guestward/identity.pem\"\n{text}");
        self.guest.write("/etc/guestward/policy.d/50-test.toml", &policy);
    }

    pub(crate) fn install(&self) {
        install(&self.guest, &made::deb());
    }

    /// Until both units are active, which is when both have said that they are ready.
    pub(crate) fn until_active(&self) {
        self.guest.wait_for("active units", UP, || {
            let states = self.guest.try_sh("systemctl is-active guestward guestward-ship").stdout;
            (states == "active\nactive\n").then_some(())
        });
    }

    /// Until the first posture is in CloudWatch.
    pub(crate) fn until_posture(&self) -> Value {
        self.until_record("posture", |record| record["kind"] == "inventory" && record["body"]["of"].is_null())
    }

    /// Records, one after the other, as fast as the disk takes them: a policy that cannot be read is refused each time it
    /// is offered, and each refusal is one record, synced by itself. After a boot it is gone.
    pub(crate) fn flow(&self) {
        self.guest.write("/etc/tmpfiles.d/flow.conf", "r! /etc/guestward/policy.d/99-flow.toml\n");
        self.guest.write("/etc/guestward/policy.d/99-flow.toml", "this is no policy\n");
        self.guest.sh("sync");
        self.in_the_background("flow", FLOW);
    }

    pub(crate) fn stop_flow(&self) {
        self.guest.sh("systemctl stop flow; rm -f /etc/guestward/policy.d/99-flow.toml");
    }

    /// Records for as long as daemons stop and start: policies that differ, each of them good.
    pub(crate) fn toggle(&self) {
        self.in_the_background("toggle", TOGGLE);
    }

    pub(crate) fn stop_toggle(&self) {
        self.guest.sh("systemctl stop toggle; rm -f /etc/guestward/policy.d/60-toggle.toml");
    }

    /// A unit of its own; as a file, for the service manager has its own mind about `$` in a command.
    fn in_the_background(&self, unit: &str, script: &str) {
        self.guest.write(&format!("/run/{unit}.sh"), script);
        self.guest.sh(&format!("systemd-run --quiet --unit={unit} sh /run/{unit}.sh"));
    }

    /// How the daemons say that they are.
    pub(crate) fn status(&self) -> Value {
        let said = self.guest.try_sh("guestward status --format json").stdout;
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// The epoch, and the newest number that the journal has accepted, once there is a sensor to say so.
    pub(crate) fn accepted(&self) -> (String, u64) {
        self.guest.wait_for("answer of the sensor", UP, || {
            let status = self.status();
            let sensor = &status["sensor"];
            Some((sensor["epoch"].as_str()?.to_owned(), sensor["last_seq"].as_u64()?))
        })
    }

    /// That CloudWatch has every number of an epoch up to this one, in a record or in a gap.
    pub(crate) fn until_all_up_to(&self, (epoch, newest): &(String, u64)) {
        self.guest.wait_for("delivery of all that was accepted", DELIVERED, || {
            let records = self.records();
            let there: HashSet<u64> = records
                .iter()
                .filter(|record| record["epoch"] == *epoch)
                .filter_map(|record| record["seq"].as_u64())
                .collect();
            (1..=*newest).all(|seq| there.contains(&seq)).then_some(())
        });
        self.assert_sound();
    }

    /// The records that CloudWatch has, in the order in which they came.
    pub(crate) fn records(&self) -> Vec<Value> {
        let events = self.aws.events(GROUP);
        events.iter().map(|event| serde_json::from_str(&event.message).unwrap()).collect()
    }

    /// Until CloudWatch has such a record.
    pub(crate) fn until_record(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.guest.wait_for(what, DELIVERED, || self.records().into_iter().find(&is_it))
    }

    /// The lines of the guest's journal, as it exports them.
    pub(crate) fn journal(&self) -> Vec<String> {
        self.guest.sh("guestward journal export").lines().map(str::to_owned).collect()
    }

    /// Until CloudWatch has everything that is in the guest's journal; then what must be true of all of it.
    pub(crate) fn until_delivered(&self) {
        let lines = self.journal();
        self.guest.wait_for("delivery of everything", DELIVERED, || {
            let there: HashSet<String> =
                self.aws.events(GROUP).into_iter().map(|event| event.message).collect();
            lines.iter().all(|line| there.contains(line)).then_some(())
        });
        self.assert_sound();
    }

    /// In order, and none twice with different bytes.
    pub(crate) fn assert_sound(&self) {
        let mut seen: BTreeMap<(String, u64), String> = BTreeMap::new();
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        for event in self.aws.events(GROUP) {
            let record: Value = serde_json::from_str(&event.message).unwrap();
            let (epoch, seq) = (record["epoch"].to_string(), record["seq"].as_u64().unwrap());
            if let Some(before) = seen.insert((epoch.clone(), seq), event.message.clone()) {
                assert_eq!(before, event.message, "{epoch} {seq} came twice, with different bytes");
                continue;
            }
            let before = last.insert(epoch, seq).unwrap_or(0);
            assert!(seq > before, "{seq} came after {before}");
        }
    }
}

/// What a user types.
pub(crate) fn install(guest: &Guest, package: &Path) {
    guest.bring(&[package], "/root");
    guest.sh(&format!("dpkg -i /root/{}", package.file_name().unwrap().to_string_lossy()));
}

/// Each signal is a refusal; `sleep` keeps the shell from taking a whole processor.
const FLOW: &str = r#"
while :; do
  pid=$(systemctl show --value -p MainPID guestward)
  count=0
  while [ $pid != 0 ] && [ $count -lt 100 ] && kill -HUP $pid; do sleep 0.02; count=$((count + 1)); done
  sleep 0.1
done
"#;

/// A reload waits for a start that is under way; a signal would end it.
const TOGGLE: &str = r#"
n=1
while :; do
  n=$((n % 50 + 1))
  printf '[run]\nheartbeat = "%dh"\n' $n > /etc/guestward/policy.d/.toggle
  mv /etc/guestward/policy.d/.toggle /etc/guestward/policy.d/60-toggle.toml
  systemctl reload guestward
  sleep 0.3
done
"#;

fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse().expect("an address"), port)
}

pub(crate) const ACCOUNT: Account = Account { id: "111122223333", region: "eu-central-1" };
pub(crate) const GROUP: &str = "/guestward/records";
const NAMES: &[&str] =
    &["logs.eu-central-1.amazonaws.com", "ssm.eu-central-1.amazonaws.com", "sts.eu-central-1.amazonaws.com"];
/// Emulated, on a machine that has other work too.
pub(crate) const UP: Duration = Duration::from_secs(300);
pub(crate) const DELIVERED: Duration = Duration::from_secs(420);
