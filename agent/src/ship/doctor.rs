//! Whether what the policy sends can arrive: each need of it tried for real, and nothing of it stored.
//!
//! - A permission is tried with a call that AWS allows or denies before it finds that there is nothing to do: an event
//!   too old to be taken, an item whose content does not match its hash, a parameter that breaks its own pattern.
//! - What could not be asked, because of an outage or because too much was asked, is unknown and never well.

pub mod iam;
mod plan;
mod reach;
mod trials;
mod who;

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_smithy_types::date_time::{DateTime, Format};
use jiff::Timestamp;

use super::aws::{Aws, Failure, Pin, Reason, Session};
use crate::finding::need::{Area, Need, State};
use iam::Scope;
pub use plan::{Group, Plan, Service};
use reach::Reached;

/// Who the records are from, for the names in templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speaker {
    pub agent: String,
    pub epoch: String,
}

/// What is asked, of whom, and until when.
#[derive(Debug)]
pub struct Examination<'a> {
    pub plan: &'a Plan,
    /// `None` where the policy sends nothing there.
    pub aws: Option<&'a Aws>,
    pub speaker: &'a Speaker,
    /// What is not known by then stays unknown.
    pub until: Instant,
}

impl Examination<'_> {
    /// Every need of what the policy turns on, and a word for what it leaves off.
    pub fn needs(&self) -> Vec<Need> {
        let mut needs = self.off();
        let Some(aws) = self.aws else { return needs };
        let session = match aws.session() {
            Ok(session) => session,
            Err(failure) => {
                needs.push(Need::missing(
                    "pin",
                    Area::Ship,
                    &format!("whom records may go to is not known: {failure}"),
                    "Outside EC2 set credentials = \"default-chain\", account and region in [aws] of the policy",
                ));
                return needs;
            }
        };
        let asking = Asking { plan: self.plan, aws, speaker: self.speaker, until: self.until };
        needs.extend(asking.needs(&session));
        needs
    }

    fn off(&self) -> Vec<Need> {
        let plan = self.plan;
        [
            (plan.groups.is_empty(), "logs", "[ship.cloudwatch] enabled"),
            (!plan.compliance, "ssm-compliance", "[ship.ssm] compliance"),
            (!plan.inventory, "ssm-inventory", "[ship.ssm] inventory"),
            (plan.seal.is_none(), "seal", "[seal] parameter"),
        ]
        .into_iter()
        .filter(|(is_off, _, _)| *is_off)
        .map(|(_, id, setting)| Need::off(id, Area::Ship, &format!("the policy does not want it: {setting}")))
        .collect()
    }
}

/// The same, where there is somebody to ask.
#[derive(Debug)]
struct Asking<'a> {
    plan: &'a Plan,
    aws: &'a Aws,
    speaker: &'a Speaker,
    until: Instant,
}

impl Asking<'_> {
    fn needs(&self, session: &Shared) -> Vec<Need> {
        let pin = &session.pin;
        let mut needs = vec![Need::ok("pin", Area::Ship, &told_pin(pin))];
        let scope = Scope::new(Some(pin.account.clone()), Some(pin.region.clone()));
        let reached = self.reach_all(pin);
        needs.extend(reached.iter().flat_map(|reached| reached.needs.iter().cloned()));
        needs.push(self.skew(&reached));
        let obstacle = |service| {
            let of = reached.iter().find(|reached| reached.service == service);
            of.and_then(|reached| reached.obstacle.clone()).map(|why| format!("{}: {why}", service.name()))
        };
        let (who, trouble) = who::needs(self, session, obstacle(Service::Sts));
        needs.extend(who);
        let obstacle = |service| obstacle(service).or_else(|| trouble.clone());
        needs.extend(trials::logs(self, session, &scope, obstacle(Service::Logs)));
        needs.extend(trials::ssm(self, session, &scope, obstacle(Service::Ssm)));
        needs
    }

    /// All services at once: each has a time of its own, and one that is silent must not use up that of the others.
    fn reach_all(&self, pin: &Pin) -> Vec<Reached> {
        let services: Vec<Service> =
            Service::ALL.into_iter().filter(|service| self.plan.needs(*service)).collect();
        let (given, region) = (self.aws.endpoints().clone(), pin.region.clone());
        let asked = services.clone();
        let all = async move {
            let mut tasks = tokio::task::JoinSet::new();
            for service in asked {
                let (region, given) = (region.clone(), given.clone());
                tasks.spawn(async move {
                    let url = url_of(service, &given, &region).await;
                    reach::reach(service, region, url).await
                });
            }
            Ok(tasks.join_all().await)
        };
        let mut reached = self.aws.call(all).unwrap_or_else(|failure: Failure| {
            let why = failure.to_string();
            let silent = |&service| Reached {
                service,
                needs: vec![Need::unknown(format!("{}-name", service.name()), Area::Ship, &why)],
                date: None,
                obstacle: Some(why.clone()),
            };
            services.iter().map(silent).collect()
        });
        reached.sort_by_key(|reached| services.iter().position(|service| *service == reached.service));
        reached
    }

    /// Signatures hold for five minutes, so that the first thing to take from an answer is its time.
    fn skew(&self, reached: &[Reached]) -> Need {
        let Some(date) = reached.iter().find_map(|reached| reached.date.as_deref()) else {
            return Need::unknown("skew", Area::Ship, "no server told its time");
        };
        let Ok(server) = DateTime::from_str(date, Format::HttpDate) else {
            return Need::unknown("skew", Area::Ship, &format!("a server's time is not understood: {date}"));
        };
        self.aws.clock().seen(date);
        let off = Timestamp::now().as_second().saturating_sub(server.secs());
        let side = if off < 0 { "behind" } else { "ahead of" };
        let detail = format!("this host's clock is {} s {side} the servers'", off.unsigned_abs());
        match off.unsigned_abs() <= MOST_SKEW {
            true => Need::ok("skew", Area::Ship, &detail),
            false => Need::missing(
                "skew",
                Area::Ship,
                &format!("{detail}; records are sent all the same, and their times are wrong"),
                "timedatectl set-ntp true, or, with chrony: chronyc makestep",
            ),
        }
    }

    /// One call, within the time that is left.
    fn ask<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let left = self.until.saturating_duration_since(Instant::now()).min(CALL);
        if left.is_zero() {
            return Err(Failure::new(Reason::Network, "no time was left to ask".to_owned()));
        }
        self.aws.call(async move {
            let silent = |_| Failure::new(Reason::Network, format!("no answer within {} s", left.as_secs()));
            tokio::time::timeout(left, call).await.map_err(silent)?
        })
    }
}

/// The given address of a service, or its own.
async fn url_of(
    service: Service,
    given: &super::aws::endpoints::Endpoints,
    region: &str,
) -> Result<String, String> {
    // Each SDK has a resolver and parameters of its own type.
    macro_rules! own {
        ($sdk:ident) => {{
            use $sdk::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
            let params = Params::builder().region(region).build().map_err(|error| error.to_string())?;
            let endpoint = DefaultResolver::new().resolve_endpoint(&params).await;
            endpoint.map(|endpoint| endpoint.url().to_owned()).map_err(|error| error.to_string())
        }};
    }
    let given = match service {
        Service::Sts => given.sts(),
        Service::Logs => given.logs(),
        Service::Ssm => given.ssm(),
    };
    match (given, service) {
        (Some(url), _) => Ok(url),
        (None, Service::Sts) => own!(aws_sdk_sts),
        (None, Service::Logs) => own!(aws_sdk_cloudwatchlogs),
        (None, Service::Ssm) => own!(aws_sdk_ssm),
    }
}

fn told_pin(pin: &Pin) -> String {
    let instance = pin.instance.as_ref().map_or_else(String::new, |id| format!(", as instance {id}"));
    format!("records may go to account {} in {}{instance}, and nowhere else", pin.account, pin.region)
}

/// What a failed call says of a need: never that it is there.
fn state_of(failure: &Failure) -> State {
    match failure.reason {
        Reason::Denied => State::Missing,
        _ => State::Unknown,
    }
}

type Shared = Arc<Session>;

/// What is less is the time that an answer takes, and its date has whole seconds.
const MOST_SKEW: u64 = 60;
/// AWS answers these within a second; whoever takes longer than this is not well.
const CALL: Duration = Duration::from_secs(8);
