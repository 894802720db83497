//! The permissions, each tried with a call that changes nothing.

use std::time::{Duration, Instant};

use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use aws_sdk_ssm::primitives::DateTime;
use aws_sdk_ssm::types::{
    ComplianceExecutionSummary, ComplianceUploadType, InventoryItem, ParameterTier, ParameterType,
};

use super::iam::{Scope, giving};
use super::{Asking, Reason, Shared, Speaker, state_of};
use crate::finding::need::{Area, Need, State};
use crate::policy::settings::Names;
use crate::ship::aws::{Failure, Pin};

/// One permission, on one resource.
struct Trial<'a> {
    asking: &'a Asking<'a>,
    scope: &'a Scope,
    id: String,
    action: &'static str,
    arn: String,
}

/// What an answer shows.
enum Shown {
    /// Allowed, and what kept it from having an effect.
    Allowed(String),
    /// Whether it is allowed cannot be told from that.
    Nothing(String),
}

/// The group, the stream and the events, for each group that is configured.
pub(super) fn logs(
    asking: &Asking<'_>,
    session: &Shared,
    scope: &Scope,
    mut obstacle: Option<String>,
) -> Vec<Need> {
    let mut needs = Vec::new();
    for group in &asking.plan.groups {
        let names = names(asking.speaker, &session.pin);
        let (name, stream) = (names.fill(&group.name), names.fill(&asking.plan.stream));
        let trial = |what: &str, action| Trial {
            asking,
            scope,
            id: format!("logs-{what}-{}", group.role),
            action,
            arn: scope.arn("logs", &format!("log-group:{name}:log-stream:{stream}")),
        };
        let create = trial("create-stream", "logs:CreateLogStream");
        let put = trial("put-events", "logs:PutLogEvents");
        let id = format!("logs-group-{}", group.role);
        if let Some(why) = &obstacle {
            let group = Need::unknown(id, Area::Ship, &format!("not looked for: {why}"));
            needs.extend([group, create.untried(why), put.untried(why)]);
            continue;
        }
        let began = Instant::now();
        let created = create_stream(asking, session, &name, &stream);
        let created_in = began.elapsed();
        let began = Instant::now();
        let sent = put_events(asking, session, &name, &stream);
        let sent_in = began.elapsed();
        let is_gone = [created.as_ref().err(), sent.as_ref().err()]
            .into_iter()
            .flatten()
            .find(|failure| failure.reason == Reason::Network);
        obstacle = is_gone.map(ToString::to_string);
        needs.push(group_need(&id, &name, &created, &sent));
        needs.push(create.judge(created, created_in, |failure| match failure.reason {
            Reason::Exists => Shown::Allowed("the stream is there".to_owned()),
            Reason::Missing => Shown::Allowed("only the group is missing".to_owned()),
            _ => Shown::Nothing(failure.text.clone()),
        }));
        needs.push(put.judge(sent, sent_in, |failure| match failure.reason {
            Reason::Missing => Shown::Allowed("only the group or stream is missing".to_owned()),
            _ => Shown::Nothing(failure.text.clone()),
        }));
    }
    needs
}

/// Whether the group is there: nobody may describe it, but both calls say so when it is not.
fn group_need(
    id: &str,
    name: &str,
    created: &Result<String, Failure>,
    sent: &Result<String, Failure>,
) -> Need {
    let lacks_group = |failure: &Failure| {
        failure.reason == Reason::Missing && failure.text.to_ascii_lowercase().contains("log group")
    };
    let lacks_stream = |failure: &Failure| failure.reason == Reason::Missing && !lacks_group(failure);
    let failures = [created.as_ref().err(), sent.as_ref().err()];
    let is_there = created.is_ok()
        || sent.is_ok()
        || failures.iter().flatten().any(|failure| failure.reason == Reason::Exists || lacks_stream(failure));
    if is_there {
        return Need::ok(id, Area::Ship, &format!("the log group {name} is there"));
    }
    match failures.into_iter().flatten().find(|failure| lacks_group(failure)) {
        Some(_) => Need::missing(
            id,
            Area::Ship,
            &format!("there is no log group {name}"),
            "aws cloudformation deploy --stack-name guestward-logs --template-file guestward-logs.yaml --capabilities \
             CAPABILITY_IAM (packaging/cloudformation has the file)",
        ),
        None => Need::unknown(id, Area::Ship, "neither permission lets its name be seen"),
    }
}

fn create_stream(
    asking: &Asking<'_>,
    session: &Shared,
    group: &str,
    stream: &str,
) -> Result<String, Failure> {
    let call = session.logs.create_log_stream().log_group_name(group).log_stream_name(stream);
    asking.ask(async move {
        call.send().await.map_err(Failure::of("CreateLogStream"))?;
        Ok("the stream was made, as the shipper would have made it".to_owned())
    })
}

fn put_events(asking: &Asking<'_>, session: &Shared, group: &str, stream: &str) -> Result<String, Failure> {
    let now = asking.aws.clock().now().as_millisecond();
    let event = InputLogEvent::builder().timestamp(now - TOO_OLD).message(TRIAL).build();
    let event = event.map_err(|error| Failure::new(Reason::Other, error.to_string()))?;
    let call = session.logs.put_log_events().log_group_name(group).log_stream_name(stream).log_events(event);
    asking.ask(async move {
        let answer = call.send().await.map_err(Failure::of("PutLogEvents"))?;
        let is_refused = answer
            .rejected_log_events_info()
            .is_some_and(|info| info.too_old_log_event_end_index().is_some_and(|end| end > 0));
        Ok(match is_refused {
            true => "an event too old to be stored was refused for its age alone",
            false => "an event of fifteen days ago was taken, and says that it is a trial",
        }
        .to_owned())
    })
}

/// What Systems Manager takes: compliance, inventory, and the two parameters of a seal.
pub(super) fn ssm(
    asking: &Asking<'_>,
    session: &Shared,
    scope: &Scope,
    obstacle: Option<String>,
) -> Vec<Need> {
    let plan = asking.plan;
    let names = names(asking.speaker, &session.pin);
    let mut ward = Ward { asking, scope, obstacle, needs: Vec::new() };
    // As the shipper sees it: who is no managed node has no posture there.
    let machine = session.pin.instance.clone().unwrap_or_default();
    let arn = scope.arn("ec2", &format!("instance/{machine}"));
    if machine.is_empty() {
        let wanted = [(plan.compliance, "ssm-compliance"), (plan.inventory, "ssm-inventory")];
        let none = wanted.iter().filter(|(is_wanted, _)| *is_wanted);
        ward.needs.extend(none.map(|(_, id)| Need::missing(*id, Area::Ship, NO_NODE, NO_NODE_REMEDY)));
    }
    if plan.compliance && !machine.is_empty() {
        ward.try_one("ssm-compliance", "ssm:PutComplianceItems", &arn, &COMPLIANCE, || {
            put_compliance(asking, session, &machine)
        });
    }
    if plan.inventory && !machine.is_empty() {
        ward.try_one("ssm-inventory", "ssm:PutInventory", &arn, &INVENTORY, || {
            put_inventory(asking, session, &machine)
        });
    }
    if let Some(template) = &plan.seal {
        let name = names.fill(template);
        for (id, last) in [("seal-put-sha256", "sha256"), ("seal-put-key", "key")] {
            let name = format!("{name}/{last}");
            let arn = scope.arn("ssm", &format!("parameter{name}"));
            ward.try_one(id, "ssm:PutParameter", &arn, &PUT, || put_parameter(asking, session, &name));
        }
        let name = format!("{name}/sha256");
        let arn = scope.arn("ssm", &format!("parameter{name}"));
        ward.try_one("seal-compare", "ssm:GetParameter", &arn, &GET, || {
            get_parameter(asking, session, &name)
        });
    }
    ward.needs
}

/// The trials of one service, given up when it no longer answers.
struct Ward<'a> {
    asking: &'a Asking<'a>,
    scope: &'a Scope,
    obstacle: Option<String>,
    needs: Vec<Need>,
}

impl Ward<'_> {
    fn try_one(
        &mut self,
        id: &str,
        action: &'static str,
        arn: &str,
        proofs: &[(&str, &str)],
        call: impl FnOnce() -> Result<String, Failure>,
    ) {
        let (asking, scope) = (self.asking, self.scope);
        let trial = Trial { asking, scope, id: id.to_owned(), action, arn: arn.to_owned() };
        if let Some(why) = &self.obstacle {
            self.needs.push(trial.untried(why));
            return;
        }
        let began = Instant::now();
        let result = call();
        if let Err(failure) = &result
            && failure.reason == Reason::Network
        {
            self.obstacle = Some(failure.to_string());
        }
        self.needs.push(trial.judge(result, began.elapsed(), |failure| {
            let code = failure.code.as_deref().unwrap_or_default();
            match proofs.iter().find(|(proof, _)| *proof == code) {
                Some((_, meaning)) => Shown::Allowed((*meaning).to_owned()),
                None => Shown::Nothing(failure.text.clone()),
            }
        }));
    }
}

/// No item of a type that nobody else uses: whatever it would overwrite is not there.
fn put_compliance(asking: &Asking<'_>, session: &Shared, machine: &str) -> Result<String, Failure> {
    let time = DateTime::from_secs(asking.aws.clock().now().as_second());
    let summary = ComplianceExecutionSummary::builder().execution_time(time).build();
    let summary = summary.map_err(|error| Failure::new(Reason::Other, error.to_string()))?;
    let call = session
        .ssm
        .put_compliance_items()
        .resource_id(machine)
        .resource_type("ManagedInstance")
        .compliance_type(TYPE)
        .execution_summary(summary)
        .set_items(Some(Vec::new()))
        .upload_type(ComplianceUploadType::Partial);
    asking.ask(async move {
        call.send().await.map_err(Failure::of("PutComplianceItems"))?;
        Ok("no item of a type of its own was put".to_owned())
    })
}

/// A hash without the content that it is of.
fn put_inventory(asking: &Asking<'_>, session: &Shared, machine: &str) -> Result<String, Failure> {
    let time = asking.aws.clock().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let item = InventoryItem::builder()
        .type_name(TYPE)
        .schema_version("1.0")
        .capture_time(time)
        .content_hash(NO_HASH)
        .build();
    let item = item.map_err(|error| Failure::new(Reason::Other, error.to_string()))?;
    let call = session.ssm.put_inventory().instance_id(machine).items(item);
    asking.ask(async move {
        call.send().await.map_err(Failure::of("PutInventory"))?;
        Ok("a hash that nothing has was taken for an item that is there".to_owned())
    })
}

/// A value that its own pattern forbids. Overwrite is said, as a policy can only hold what is said to a condition.
fn put_parameter(asking: &Asking<'_>, session: &Shared, name: &str) -> Result<String, Failure> {
    let call = session
        .ssm
        .put_parameter()
        .name(name)
        .value(TRIAL)
        .r#type(ParameterType::String)
        .tier(ParameterTier::Standard)
        .allowed_pattern("^[0-9a-f]{64}$")
        .overwrite(false);
    let name = name.to_owned();
    asking.ask(async move {
        call.send().await.map_err(Failure::of("PutParameter"))?;
        let why =
            format!("a value was stored that its pattern forbids: aws ssm delete-parameter --name {name}");
        Err(Failure::new(Reason::Other, why))
    })
}

fn get_parameter(asking: &Asking<'_>, session: &Shared, name: &str) -> Result<String, Failure> {
    let call = session.ssm.get_parameter().name(name);
    asking.ask(async move {
        call.send().await.map_err(Failure::of("GetParameter"))?;
        Ok("it is there".to_owned())
    })
}

impl Trial<'_> {
    fn judge(
        &self,
        result: Result<String, Failure>,
        took: Duration,
        read: impl FnOnce(&Failure) -> Shown,
    ) -> Need {
        let shown = match &result {
            Ok(what) => Shown::Allowed(what.clone()),
            Err(failure) if state_of(failure) == State::Missing => return self.denied(failure).in_time(took),
            Err(failure) => read(failure),
        };
        match shown {
            Shown::Allowed(why) => {
                Need::ok(&*self.id, Area::Ship, &format!("{} on {} is allowed: {why}", self.action, self.arn))
            }
            Shown::Nothing(why) => {
                Need::unknown(&*self.id, Area::Ship, &format!("{} on {}: {why}", self.action, self.arn))
            }
        }
        .in_time(took)
    }

    fn denied(&self, failure: &Failure) -> Need {
        let detail = format!("{} on {} is denied: {failure}", self.action, self.arn);
        let statement = giving(self.asking.plan, self.scope, self.action).unwrap_or_default();
        Need::missing(&*self.id, Area::Ship, &detail, format!("Add to the role's policy: {statement}"))
    }

    fn untried(&self, why: &str) -> Need {
        Need::unknown(&*self.id, Area::Ship, &format!("{} was not tried: {why}", self.action))
    }
}

fn names<'n>(speaker: &'n Speaker, pin: &'n Pin) -> Names<'n> {
    Names {
        instance: pin.instance.as_deref().unwrap_or(&speaker.agent),
        agent: &speaker.agent,
        epoch: &speaker.epoch,
        account: &pin.account,
        region: &pin.region,
    }
}

/// What AWS answers after it found the call allowed. Each call keeps to the services' models, so that what is refused is
/// refused for what it means.
const COMPLIANCE: [(&str, &str); 3] = [
    ("InvalidItemContentException", "a call without items was refused for that alone"),
    ("ValidationException", "a call without items was refused for that alone"),
    ("InvalidResourceId", "only Systems Manager does not know this machine: its agent has to run"),
];
const INVENTORY: [(&str, &str); 3] = [
    ("ItemContentMismatchException", "a hash without its content was refused for that alone"),
    ("InvalidItemContentException", "a hash without its content was refused for that alone"),
    ("InvalidInstanceId", "only Systems Manager does not know this machine: its agent has to run"),
];
const PUT: [(&str, &str); 2] = [
    ("ParameterPatternMismatchException", "a value that breaks its own pattern was refused for that alone"),
    ("ParameterAlreadyExists", "it is there, and was not written over"),
];
const GET: [(&str, &str); 1] = [("ParameterNotFound", "there is none yet")];
/// Fifteen days; CloudWatch Logs takes fourteen.
const TOO_OLD: i64 = 15 * 24 * 60 * 60 * 1000;
const TRIAL: &str = "a trial by `guestward doctor`: nobody keeps this";
/// Of inventory and compliance alike, and never the shipper's.
const TYPE: &str = "Custom:GuestwardDoctor";
/// MD5 of a text that is no inventory.
const NO_HASH: &str = "d41d8cd98f00b204e9800998ecf8427e";
const NO_NODE: &str =
    "only a managed node has a posture in Systems Manager, and this machine is no EC2 instance";
const NO_NODE_REMEDY: &str = "Set compliance and inventory in [ship.ssm] of the policy to false";
