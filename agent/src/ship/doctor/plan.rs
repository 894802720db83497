//! What a policy wants of AWS, and so what has to be there.

use crate::policy::Policy;

/// Templates, as the policy has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub groups: Vec<Group>,
    pub stream: String,
    pub compliance: bool,
    pub inventory: bool,
    /// Where an epoch's first key goes.
    pub seal: Option<String>,
    /// The instance's role, or whatever the environment names.
    pub is_on_ec2: bool,
}

/// A log group, and what it is for: `records`, `alarms`, `checkpoints`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub role: &'static str,
    pub name: String,
}

/// A service that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Sts,
    Logs,
    Ssm,
}

impl Service {
    pub const ALL: [Self; 3] = [Self::Sts, Self::Logs, Self::Ssm];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Logs => "logs",
            Self::Ssm => "ssm",
        }
    }
}

impl Plan {
    pub fn of(policy: &Policy) -> Self {
        let group = |role, name| Group { role, name };
        let mut groups = Vec::new();
        if policy.cloudwatch_enabled() {
            groups.push(group("records", policy.cloudwatch_group()));
            groups.extend(policy.alarm_group().map(|name| group("alarms", name)));
            groups.extend(policy.checkpoint_group().map(|name| group("checkpoints", name)));
        }
        Self {
            groups,
            stream: policy.cloudwatch_stream(),
            compliance: policy.ssm_compliance(),
            inventory: policy.ssm_inventory(),
            seal: policy.seal_parameter(),
            is_on_ec2: !policy.uses_default_chain(),
        }
    }

    pub fn needs(&self, service: Service) -> bool {
        let (logs, ssm) = (!self.groups.is_empty(), self.posture() || self.seal.is_some());
        match service {
            Service::Logs => logs,
            Service::Ssm => ssm,
            Service::Sts => logs || ssm,
        }
    }

    /// Whether Systems Manager is told of the posture.
    pub fn posture(&self) -> bool {
        self.compliance || self.inventory
    }
}
