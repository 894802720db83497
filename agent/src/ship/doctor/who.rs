//! Whose credentials there are, and whether they belong to the pinned account. Never what is secret of them.

use aws_credential_types::provider::ProvideCredentials as _;
use jiff::Timestamp;

use super::{Asking, Reason, Shared};
use crate::finding::need::{Area, Need};
use crate::finding::wire::rfc3339_millis;
use crate::ship::aws::Failure;

/// The two needs, and why nothing can be tried with these credentials, if so.
pub(super) fn needs(
    asking: &Asking<'_>,
    session: &Shared,
    obstacle: Option<String>,
) -> (Vec<Need>, Option<String>) {
    if let Some(why) = obstacle {
        let told = format!("not asked: {why}");
        return (vec![unknown("credentials", &told), unknown("account", &told)], Some(why));
    }
    let began = std::time::Instant::now();
    let sts = session.sts.clone();
    let asked = asking
        .ask(async move { sts.get_caller_identity().send().await.map_err(Failure::of("GetCallerIdentity")) });
    let took = began.elapsed();
    let failure = match asked {
        Ok(caller) => {
            let until = expiry(asking, session);
            let source = source(asking);
            let arn = caller.arn().unwrap_or("somebody");
            let there = Need::ok("credentials", Area::Ship, &format!("{source}: {arn}{until}"));
            let account = format!("the credentials belong to account {}, as they must", session.pin.account);
            return (vec![there.in_time(took), Need::ok("account", Area::Ship, &account)], None);
        }
        Err(failure) => failure,
    };
    let trouble = Some(failure.to_string());
    let needs = match failure.reason {
        Reason::WrongAccount => vec![
            Need::ok("credentials", Area::Ship, &format!("{}: somebody's", source(asking))).in_time(took),
            Need::missing("account", Area::Ship, &failure.text, WRONG),
        ],
        Reason::Credentials => vec![
            Need::missing("credentials", Area::Ship, &failure.text, remedy(asking)).in_time(took),
            unknown("account", "there are no credentials to tell it from"),
        ],
        _ => vec![unknown("credentials", &failure.text).in_time(took), unknown("account", &failure.text)],
    };
    (needs, trouble)
}

fn expiry(asking: &Asking<'_>, session: &Shared) -> String {
    let provider = session.credentials.clone();
    let credentials = asking.ask(async move {
        provider
            .provide_credentials()
            .await
            .map_err(|error| Failure::new(Reason::Credentials, error.to_string()))
    });
    let expiry = credentials.ok().and_then(|credentials| credentials.expiry());
    let time = expiry.and_then(|time| Timestamp::try_from(time).ok());
    time.map_or_else(String::new, |time| format!(", until {}", rfc3339_millis(time)))
}

fn source(asking: &Asking<'_>) -> &'static str {
    match asking.plan.is_on_ec2 {
        true => "the instance's role, by IMDSv2",
        false => "the environment or its profiles",
    }
}

fn remedy(asking: &Asking<'_>) -> &'static str {
    match asking.plan.is_on_ec2 {
        true => {
            "Give the instance a role: aws ec2 associate-iam-instance-profile --instance-id INSTANCE \
             --iam-instance-profile Name=PROFILE"
        }
        false => {
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, for whoever starts `guestward ship`; \
             credentials that expired are to be renewed"
        }
    }
}

fn unknown(id: &str, why: &str) -> Need {
    Need::unknown(id, Area::Ship, why)
}

const WRONG: &str = "Use credentials of the account that [aws] account names; on EC2 those of the instance's own role. \
    Where nobody changed them, somebody else answers for the metadata service: look at `guestward check imds`";
