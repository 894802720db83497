//! Whether the records that are meant for AWS get there, and to nobody else: the shipper says what stands in the way.

use jiff::{SignedDuration, Timestamp};

use super::one;
use crate::check::{Check, Parameter, Thresholds, Unit};
use crate::finding::wire::rfc3339_millis;
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::delivery::{About, Delivery, Matter, Word};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "logging-delivery-account",
        title: "Records go to no account but the instance's own",
        why: "Whoever can slip other credentials under the agent, or send its requests elsewhere, could have the \
              records delivered where nobody of yours reads them. The agent asks whose credentials it has before it \
              sends anything; these belong to another account, and so nothing is sent.",
        severity: Severity::Critical,
        controls: &["NIST-800-53:AU-9", "NIST-800-53:AC-4", "AWS-WA:SEC04-BP02", "NCSC:13"],
        remediation: "Compare: aws sts get-caller-identity, and the account in the instance's identity document \
                      (guestward doctor shows both). If the machine is meant to deliver to that account, say so in the \
                      policy ([aws] account); if not, find out who gave it these credentials: the role of the instance \
                      profile, AWS_* variables of guestward-ship.service, or a proxy in front of the metadata service.",
        parameters: &[],
        evaluate: |facts, _| {
            judge(facts, About::Account, "The credentials belong to another account", |_| None)
        },
    },
    Check {
        id: "logging-delivery-logs",
        title: "CloudWatch Logs takes the records",
        why: "Records that cannot be delivered wait on this machine, where whoever becomes root can delete them, and \
              when the journal is full the oldest are given up. An outage passes; a missing permission or a missing \
              log group does not.",
        severity: Severity::High,
        controls: &[
            "NIST-800-53:AU-4",
            "NIST-800-53:AU-5",
            "NIST-800-53:AU-9",
            "AWS-WA:SEC04-BP01",
            "AWS-WA:SEC04-BP02",
            "NCSC:13",
        ],
        remediation: "guestward doctor tries each step of a delivery and prints the IAM policy that it needs; \
                      guestward status shows how many records wait. A log group that is missing is made by whoever \
                      owns the account: aws logs create-log-group --log-group-name NAME",
        parameters: &[Parameter {
            name: "patience",
            default: 3600,
            range: (60, 7 * 24 * 3600),
            unit: Unit::Seconds,
            help: "how long an outage may last",
        }],
        evaluate: logs,
    },
    Check {
        id: "logging-delivery-ssm",
        title: "Systems Manager takes the posture",
        why: "The compliance view and the inventory of the fleet show what was last delivered to them. While Systems \
              Manager takes nothing they show an old posture, and nothing in them tells that it is old.",
        severity: Severity::Medium,
        controls: &["NIST-800-53:CM-6", "NIST-800-53:CM-8", "AWS-WA:SEC04-BP02", "NCSC:13"],
        remediation: "Allow ssm:PutComplianceItems and ssm:PutInventory in the instance's role (guestward doctor prints \
                      the policy), and see that the instance is a managed node: aws ssm \
                      describe-instance-information. Where neither is wanted: [ship.ssm] enabled = false",
        parameters: &[],
        evaluate: |facts, _| judge(facts, About::Ssm, "Systems Manager does not take the posture", |_| None),
    },
    Check {
        id: "logging-delivery-complete",
        title: "Every record was taken as it is",
        why: "A record that its destination will never take is replaced there by a note with its number and its hash. \
              The record itself is then only on this machine, and goes when the journal makes room.",
        severity: Severity::High,
        controls: &["NIST-800-53:AU-5", "NIST-800-53:AU-9", "AWS-WA:SEC04-BP02", "NCSC:13"],
        remediation: "Keep the records while they are here: guestward journal export > records.jsonl, and see by the \
                      numbers in the evidence which they are. The destination's answer says what was wrong with them; \
                      if it is their form, that is a defect in guestward and worth a report.",
        parameters: &[],
        evaluate: |facts, _| judge(facts, About::Refused, "Records were refused for good", |_| None),
    },
    Check {
        id: "logging-seal-key",
        title: "The first key in Parameter Store is this journal's",
        why: "Whoever checks the seals of the records does it with the first key in Parameter Store. If another key is \
              in its place, either two machines use one name, or somebody prepared a forged journal and the key that \
              makes it look true.",
        severity: Severity::Critical,
        controls: &[
            "NIST-800-53:SC-12",
            "NIST-800-53:AU-9",
            "NIST-800-53:AU-10",
            "AWS-WA:SEC04-BP02",
            "AWS-WA:SEC09-BP01",
            "NCSC:13",
        ],
        remediation: "See who put it there and when: aws ssm get-parameter-history --name NAME/sha256, and PutParameter \
                      in CloudTrail. If the name serves two machines or epochs, put {agent} and {epoch} into [seal] \
                      parameter. If nobody of yours put it there, keep it as evidence; the key of this journal is \
                      still here and goes to another name as soon as the policy has one.",
        parameters: &[],
        evaluate: |facts, _| {
            judge(facts, About::SealKey, "This journal's first key is not in Parameter Store", |_| None)
        },
    },
];

fn logs(facts: &Facts, thresholds: &Thresholds<'_>) -> Vec<Outcome> {
    let patience = i64::try_from(thresholds.value("patience")).unwrap_or(i64::MAX);
    judge(facts, About::Logs, "CloudWatch Logs does not take the records", |matter| {
        let lasts = facts.now.duration_since(matter.since);
        (lasts < SignedDuration::from_secs(patience)).then(|| {
            format!(
                "CloudWatch Logs has taken nothing since {}, which may pass",
                rfc3339_millis(matter.since)
            )
        })
    })
}

/// One outcome for each matter of that kind. `excuse` is why one is not held against anybody yet.
fn judge(
    facts: &Facts,
    about: About,
    headline: &str,
    excuse: impl Fn(&Matter) -> Option<String>,
) -> Vec<Outcome> {
    let delivery = match heard(facts) {
        Ok(delivery) => delivery,
        Err(outcome) => return one(Err(outcome)),
    };
    let matters = delivery.matters.iter().filter(|matter| matter.about == about);
    let outcomes: Vec<_> =
        matters.map(|matter| outcome(delivery, matter, headline, excuse(matter))).collect();
    if outcomes.is_empty() {
        let observed = format!("nothing stands in the way, as of {}", rfc3339_millis(delivery.heard));
        let evidence = Evidence::new(Source::path(&delivery.path), observed, "nothing in the way");
        return vec![Outcome::pass(SUBJECT).with(evidence)];
    }
    outcomes
}

/// What the shipper said, if it said it lately.
fn heard(facts: &Facts) -> Result<&Delivery, Box<Outcome>> {
    let delivery = match &facts.delivery {
        Ok(Word::Heard(delivery)) => delivery,
        Ok(Word::NotMeant) => return Err(Box::new(Outcome::not_applicable(SUBJECT, NOT_MEANT))),
        Ok(Word::Awaited { since }) => return Err(Box::new(awaited(facts, *since))),
        Err(cause) => return Err(Box::new(Outcome::unreadable(SUBJECT, cause))),
    };
    let age = facts.now.duration_since(delivery.heard);
    if age > SILENCE || -age > AHEAD {
        let reason = format!("the shipper was last heard at {}", rfc3339_millis(delivery.heard));
        return Err(Box::new(Outcome::unknown(SUBJECT, reason)));
    }
    Ok(delivery)
}

/// The policy delivers to AWS, and nobody was ever heard to do it.
fn awaited(facts: &Facts, since: Timestamp) -> Outcome {
    let waits = facts.now.duration_since(since);
    if waits < TO_START && -waits < TO_START {
        return Outcome::not_applicable(SUBJECT, "the shipper is only about to begin");
    }
    let since = rfc3339_millis(since);
    let reason = format!(
        "the policy delivers to AWS, and no shipper was heard since {since}: does guestward-ship.service run?"
    );
    Outcome::unknown(SUBJECT, reason)
}

fn outcome(delivery: &Delivery, matter: &Matter, headline: &str, excuse: Option<String>) -> Outcome {
    let observed = format!("{}, since {}", matter.observed, rfc3339_millis(matter.since));
    let evidence = Evidence::new(Source::path(&delivery.path), observed, matter.expected.clone());
    match excuse {
        Some(reason) => Outcome { reason: Some(reason.into()), ..Outcome::pass(matter.subject.clone()) },
        None => Outcome::fail(matter.subject.clone(), headline),
    }
    .with(evidence)
}

/// While nothing stands in the way there is nothing to name.
const SUBJECT: &str = "delivery";
const NOT_MEANT: &str = "nothing is delivered to AWS from here";
/// Both units start together, and the first look is sooner than the first word.
const TO_START: SignedDuration = SignedDuration::from_mins(5);
/// The shipper speaks once an hour; after three it is taken for gone.
const SILENCE: SignedDuration = SignedDuration::from_hours(3);
/// A clock that is set back by less is a clock that is set.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);
