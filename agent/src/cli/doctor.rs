//! `guestward doctor`: can this host run, see, keep and ship? Each need, its state, what is lost without it, its remedy.

mod disk;
mod keep;
mod kernel;
mod lost;
mod owner;
mod patience;
mod powers;
mod see;
mod tell;
mod units;
mod watch;

use std::io::Write;
use std::time::{Duration, Instant};

use keep::Daemon;
use serde_json::Value;

use super::args::{DoctorArgs, Format};
use super::ship::destinations::WantedAws;
use super::{Exit, Failure, policy};
use crate::finding::need::{Need, State};
use crate::host::Host;
use crate::host::imds::{Endpoint, VARIABLE};
use crate::journal::places::Places;
use crate::policy::Policy;
use crate::ship::aws::Pin;
use crate::ship::doctor::iam::{self, Scope};
use crate::ship::doctor::{Examination, Plan, Speaker};
use crate::ship::stop::Stop;

pub(super) fn run(args: &DoctorArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let until = Instant::now() + PATIENCE;
    let policy = policy::load(args.policy.policy.as_ref())?;
    let plan = Plan::of(&policy);
    let wanted = policy.uses_aws().then(|| WantedAws::of(&policy)).transpose()?;
    if args.iam_policy {
        // Nothing is asked for it but the instance's own metadata service.
        let pin = wanted.and_then(|wanted| wanted.pin().ok());
        let written = writeln!(out, "{:#}", iam::document(&plan, &scope(&policy, pin.as_ref())));
        written.map_err(|error| Failure::output(error, Exit::Clean))?;
        return Ok(Exit::Clean);
    }
    let host = Host::at("/").map_err(Failure::trouble)?;
    let places = Places::from_env();
    let service = Endpoint::of(&host, std::env::var_os(VARIABLE).as_deref()).map_err(Failure::trouble)?;
    let (sensor, shipper) = (Daemon::sensor(&places), Daemon::shipper(&places));
    let mut needs = units::needs(&host, sensor.pid(), shipper.pid());
    needs.extend(kernel::needs(&host));
    needs.extend(powers::needs(&host, sensor.pid()));
    needs.extend(keep::needs(&host, &policy, &places, [&sensor, &shipper]));
    needs.extend(watch::needs(&host, &policy, sensor.live()));
    needs.extend(see::needs(host, service));
    let aws = wanted.map(|wanted| wanted.start(&Stop::default())).transpose()?;
    let speaker = keep::speaker(&places, &sensor);
    let speaker = speaker.unwrap_or_else(|| Speaker { agent: NOBODY.to_owned(), epoch: NOBODY.to_owned() });
    needs.extend(Examination { plan: &plan, aws: aws.as_deref(), speaker: &speaker, until }.needs());
    let pin = aws.and_then(|aws| aws.session().ok()).map(|session| session.pin.clone());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::need::Area;

    #[test]
    fn what_is_missing_weighs_more_than_what_is_unknown() {
        let ok = || Need::ok("a", Area::See, "there");
        let off = || Need::off("b", Area::Ship, "not wanted");
        let unknown = || Need::unknown("c", Area::Keep, "nobody answered");
        let degraded = || Need::degraded("e", Area::Run, "not there", "another kernel");
        let missing = || Need::missing("d", Area::Ship, "gone", "bring it back");
        for (needs, exit) in [
            (vec![ok(), off(), degraded()], Exit::Clean),
            (vec![ok(), unknown(), degraded()], Exit::Incomplete),
            (vec![missing(), unknown(), ok()], Exit::Found),
        ] {
            assert_eq!(exit_code(&needs), exit);
        }
    }
}
