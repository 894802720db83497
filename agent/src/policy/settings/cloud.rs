//! What a policy says of AWS: whose credentials, which account, which groups.

use std::path::Path;
use std::time::Duration;

use crate::finding::Severity;
use crate::policy::Policy;

impl Policy {
    /// Whether credentials may come from the environment and its profiles, outside EC2.
    pub fn uses_default_chain(&self) -> bool {
        self.word("aws", "credentials") == "default-chain"
    }

    pub fn aws_account(&self) -> Option<String> {
        self.name("aws", "account")
    }

    pub fn aws_region(&self) -> Option<String> {
        self.name("aws", "region")
    }

    pub fn identity_certificate(&self) -> Option<&Path> {
        self.file("aws", "identity-certificate")
    }

    pub fn cloudwatch_enabled(&self) -> bool {
        self.flag("ship.cloudwatch", "enabled")
    }

    pub fn cloudwatch_group(&self) -> String {
        self.name("ship.cloudwatch", "group").unwrap_or_default()
    }

    pub fn cloudwatch_stream(&self) -> String {
        self.name("ship.cloudwatch", "stream").unwrap_or_default()
    }

    /// The time over which a fleet's deliveries are spread.
    pub fn cloudwatch_window(&self) -> Duration {
        self.duration("ship.cloudwatch", "window")
    }

    /// From this severity on nothing waits.
    pub fn cloudwatch_urgent(&self) -> Severity {
        Severity::from_name(self.word("ship.cloudwatch", "urgent")).unwrap_or(Severity::Critical)
    }

    /// Whether what is too old is only summed up.
    pub fn cloudwatch_digests_the_old(&self) -> bool {
        self.word("ship.cloudwatch", "too-old") == "digest"
    }

    pub fn alarm_group(&self) -> Option<String> {
        self.name("ship.cloudwatch", "alarm-group")
    }

    pub fn checkpoint_group(&self) -> Option<String> {
        self.name("ship.cloudwatch", "checkpoint-group")
    }

    /// The namespace of the heartbeat's metrics, and the fleet's name.
    pub fn metrics(&self) -> Option<(String, String)> {
        let fleet = self.name("ship.cloudwatch", "fleet").unwrap_or_default();
        self.name("ship.cloudwatch", "metrics").map(|namespace| (namespace, fleet))
    }

    pub fn ssm_compliance(&self) -> bool {
        self.flag("ship.ssm", "compliance")
    }

    pub fn ssm_inventory(&self) -> bool {
        self.flag("ship.ssm", "inventory")
    }

    /// Where an epoch's first key goes; with it every epoch is sealed.
    pub fn seal_parameter(&self) -> Option<String> {
        self.name("seal", "parameter")
    }

    /// Whether anything at all goes to AWS.
    pub fn uses_aws(&self) -> bool {
        self.cloudwatch_enabled()
            || self.ssm_compliance()
            || self.ssm_inventory()
            || self.seal_parameter().is_some()
    }
}
