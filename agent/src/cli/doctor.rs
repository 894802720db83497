//! `guestward doctor`: can this host see, keep and ship? Each need, its state, its remedy.

mod keep;
mod pin;
mod see;
mod tell;

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::args::{DoctorArgs, Format};
use super::{Exit, Failure, policy};
use crate::finding::need::{Need, State};
use crate::host::Host;
use crate::journal::places::Places;
use crate::policy::Policy;
use crate::ship::aws::endpoints::Endpoints;
use crate::ship::aws::{Aws, Pin};
use crate::ship::doctor::iam::{self, Scope};
use crate::ship::doctor::{Examination, Plan, Service, Speaker};
use crate::ship::stop::Stop;

pub(super) fn run(args: &DoctorArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let until = Instant::now() + PATIENCE;
    let policy = policy::load(args.policy.policy.as_ref())?;
    let host = Host::at("/").map_err(Failure::trouble)?;
    let endpoint = pin::metadata_endpoint().map_err(Failure::trouble)?;
    let plan = Plan::of(&policy);
    if args.iam_policy {
        // Nothing is sent for it but what the instance's own metadata service is asked.
        let pin = pin::pin(&policy, &host, endpoint);
        let written = writeln!(out, "{:#}", iam::document(&plan, &scope(&policy, pin.as_ref().ok())));
        written.map_err(|error| Failure::output(error, Exit::Clean))?;
        return Ok(Exit::Clean);
    }
    let places = Places::from_env();
    let mut needs = see::needs(host, endpoint);
    needs.extend(keep::needs(&policy, &places));
    let (shipped, pin) = ship(&policy, &plan, &places, until)?;
    needs.extend(shipped);
    let document = iam::document(&plan, &scope(&policy, pin.as_ref()));
    tell(args.format.format, &needs, &document, out)
}

fn tell(format: Format, needs: &[Need], document: &Value, out: &mut dyn Write) -> Result<Exit, Failure> {
    let exit = exit_code(needs);
    let written = match format {
        Format::Text => tell::text(needs, document, out),
        Format::Json => tell::json(needs, document, out),
    };
    written.map_err(|error| Failure::output(error, exit))?;
    Ok(exit)
}

fn exit_code(needs: &[Need]) -> Exit {
    let any = |state| needs.iter().any(|need| need.state == state);
    match () {
        () if any(State::Missing) => Exit::Found,
        () if any(State::Unknown) => Exit::Incomplete,
        () => Exit::Clean,
    }
}

/// What is asked of AWS, if anything is, and the pin with which it was asked.
fn ship(
    policy: &Policy,
    plan: &Plan,
    places: &Places,
    until: Instant,
) -> Result<(Vec<Need>, Option<Pin>), Failure> {
    let endpoints = Endpoints::from_vars(|name| std::env::var(name).ok()).map_err(Failure::trouble)?;
    let aws = Aws::start(
        pin::source(policy).map_err(Failure::trouble)?,
        endpoints,
        pin::identify(policy).map_err(Failure::trouble)?,
        Stop::default(),
    );
    let aws = aws.map_err(|cause| Failure::trouble(format!("cannot start asking AWS: {cause}")))?;
    let speaker = keep::speaker(places)
        .unwrap_or_else(|| Speaker { agent: NOBODY.to_owned(), epoch: NOBODY.to_owned() });
    let needs = Examination { plan, aws: &aws, speaker: &speaker, until }.needs();
    let pin = plan.needs(Service::Sts).then(|| aws.session().ok().map(|session| session.pin.clone()));
    Ok((needs, pin.flatten()))
}

/// Where the resources are: what is proved, or else what the policy says.
fn scope(policy: &Policy, pin: Option<&Pin>) -> Scope {
    match pin {
        Some(pin) => Scope::new(Some(pin.account.clone()), Some(pin.region.clone())),
        None => Scope::new(policy.aws_account(), policy.aws_region()),
    }
}

/// Together with the call that is under way then, and with what is asked of the machine before, less than the 35
/// seconds after which whoever waits would think that it hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// Who speaks where no journal says it.
const NOBODY: &str = "0000000000000000";
