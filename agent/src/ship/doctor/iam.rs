//! The least that an instance's role has to be allowed: an IAM policy document, made of what is configured.
//!
//! What each action takes as a resource is in AWS's Service Authorization Reference: the two of logs a stream,
//! PutComplianceItems and PutInventory an instance, the two of parameters a parameter. GetCallerIdentity needs no
//! permission.

use serde_json::{Value, json};

use super::Plan;
use crate::policy::settings::Names;

/// Where the resources are, as far as that is known; `*` stands for what is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub account: String,
    pub region: String,
}

/// One statement of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    sid: &'static str,
    actions: Vec<&'static str>,
    resources: Vec<String>,
    /// Only parameters that are not there yet.
    only_new: bool,
}

impl Scope {
    pub fn new(account: Option<String>, region: Option<String>) -> Self {
        let any = || "*".to_owned();
        Self { account: account.unwrap_or_else(any), region: region.unwrap_or_else(any) }
    }

    /// A resource's name. Nothing but the region tells the partition.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        let partition = match self.region.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        format!("arn:{partition}:{service}:{}:{}:{resource}", self.region, self.account)
    }

    /// The name that a template has for every instance, agent and epoch.
    fn fill(&self, template: &str) -> String {
        let names =
            Names { instance: "*", agent: "*", epoch: "*", account: &self.account, region: &self.region };
        names.fill(template)
    }

    fn parameter(&self, template: &str, last: &str) -> String {
        self.arn("ssm", &format!("parameter{}/{last}", self.fill(template)))
    }
}

/// The whole document.
pub fn document(plan: &Plan, scope: &Scope) -> Value {
    let statements: Vec<Value> = statements(plan, scope).iter().map(Statement::to_json).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// What gives one permission, to be added to a role that lacks it.
pub fn giving(plan: &Plan, scope: &Scope, action: &str) -> Option<String> {
    let all = statements(plan, scope);
    let statement = all.into_iter().find(|statement| statement.actions.contains(&action))?;
    let only = statement.actions.iter().copied().filter(|one| *one == action).collect();
    Some(Statement { actions: only, ..statement }.to_json().to_string())
}

fn statements(plan: &Plan, scope: &Scope) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut add = |sid, actions, resources, only_new| {
        statements.push(Statement { sid, actions, resources, only_new });
    };
    if !plan.groups.is_empty() {
        let streams = |name: &str| scope.arn("logs", &format!("log-group:{}:log-stream:*", scope.fill(name)));
        let resources = plan.groups.iter().map(|group| streams(&group.name)).collect();
        add("GuestwardRecords", vec!["logs:CreateLogStream", "logs:PutLogEvents"], resources, false);
    }
    if plan.posture() {
        let actions = [(plan.compliance, "ssm:PutComplianceItems"), (plan.inventory, "ssm:PutInventory")];
        let actions = actions.into_iter().filter_map(|(wanted, action)| wanted.then_some(action)).collect();
        add("GuestwardPosture", actions, vec![scope.arn("ec2", "instance/*")], false);
    }
    if let Some(name) = &plan.seal {
        let (sha256, key) = (scope.parameter(name, "sha256"), scope.parameter(name, "key"));
        add("GuestwardSeal", vec!["ssm:PutParameter"], vec![sha256.clone(), key], true);
        add("GuestwardSealCompare", vec!["ssm:GetParameter"], vec![sha256], false);
    }
    statements
}

impl Statement {
    fn to_json(&self) -> Value {
        let mut statement = json!({
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": self.actions,
            "Resource": self.resources,
        });
        if self.only_new {
            statement["Condition"] = json!({ "StringEquals": { "ssm:Overwrite": "false" } });
        }
        statement
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Group;
    use super::*;

    fn everything() -> Plan {
        Plan {
            groups: vec![Group { role: "records", name: "/g/{account}/{instance}".into() }],
            stream: "{instance}/{epoch}".into(),
            compliance: true,
            inventory: true,
            seal: Some("/seal/{agent}/{epoch}".into()),
            is_on_ec2: true,
        }
    }

    #[test]
    fn placeholders_and_what_is_not_known_become_stars() {
        let document = document(&everything(), &Scope::new(None, None));
        let resources: Vec<&Value> = (0..4).map(|index| &document["Statement"][index]["Resource"]).collect();
        assert_eq!(resources[0], &json!(["arn:aws:logs:*:*:log-group:/g/*/*:log-stream:*"]));
        assert_eq!(resources[1], &json!(["arn:aws:ec2:*:*:instance/*"]));
        assert_eq!(
            resources[2],
            &json!(["arn:aws:ssm:*:*:parameter/seal/*/*/sha256", "arn:aws:ssm:*:*:parameter/seal/*/*/key"])
        );
        assert_eq!(resources[3], &json!(["arn:aws:ssm:*:*:parameter/seal/*/*/sha256"]));
    }

    #[test]
    fn each_partition_has_its_own_names() {
        for (region, partition) in
            [("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
        {
            let scope = Scope::new(Some("111122223333".into()), Some(region.into()));
            assert_eq!(
                scope.arn("logs", "log-group:/g:log-stream:*"),
                format!("arn:{partition}:logs:{region}:111122223333:log-group:/g:log-stream:*")
            );
        }
    }

    #[test]
    fn a_key_is_never_written_over_and_never_read() {
        let document = document(&everything(), &Scope::new(None, None));
        for statement in document["Statement"].as_array().unwrap() {
            let has = |action: &str| statement["Action"].as_array().unwrap().contains(&json!(action));
            if has("ssm:PutParameter") {
                assert_eq!(statement["Condition"]["StringEquals"]["ssm:Overwrite"], "false");
            }
            if has("ssm:GetParameter") {
                assert!(!statement["Resource"].to_string().contains("/key"));
            }
        }
    }

    #[test]
    fn what_gives_one_permission_gives_no_other() {
        let statement = giving(&everything(), &Scope::new(None, None), "logs:PutLogEvents").unwrap();
        assert!(statement.contains(r#""Action":["logs:PutLogEvents"]"#), "{statement}");
        assert_eq!(giving(&everything(), &Scope::new(None, None), "logs:CreateLogGroup"), None);
    }
}
