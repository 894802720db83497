//! What the service itself says: with a token, and without.

use super::{SUBJECT, imds, silent};
use crate::check::{Check, Parameter, Thresholds, Unit};
use crate::finding::{Evidence, Outcome, Severity, Source};
use crate::host::Facts;
use crate::host::imds::{Conversation, Conversations, Endpoint, NoReply, Route, Way, WithoutToken};

pub(super) const V1_REFUSED: Check = Check {
    id: "imds-v1-refused",
    title: "The metadata service refuses requests without a token (IMDSv2 only)",
    why: "Version 1 hands the instance's credentials to whatever can make this host send one plain GET: a web \
          application that fetches addresses for its users is enough, as well-known breaches have shown. Version 2 \
          asks for a token first, which such a request cannot bring. guestward sees it by one request without a \
          token for the instance id, never for credentials (and one over IPv6 where that answers); each counts in \
          the metric MetadataNoToken or MetadataNoTokenRejected.",
    severity: Severity::High,
    controls: &[
        "NIST-800-53:AC-3",
        "NIST-800-53:IA-5",
        "AWS-WA:SEC02-BP02",
        "AWS-WA:SEC06-BP02",
        "NCSC:10",
        "NCSC:11",
    ],
    remediation: "aws ec2 modify-instance-metadata-options --http-tokens required --http-endpoint enabled --instance-id \
                  $INSTANCE_ID\nWhile the metric MetadataNoToken is not zero, something here still uses version 1: update \
                  its SDK first.",
    parameters: &[],
    evaluate: v1_refused,
};

pub(super) const IPV6: Check = Check {
    id: "imds-ipv6",
    title: "The metadata service refuses requests without a token over IPv6, too",
    why: "Where its IPv6 endpoint is turned on, the service has a second address, fd00:ec2::254, which filters that were \
          written for 169.254.169.254 do not know. Version 1 over it gives the instance's credentials away like the other.",
    severity: Severity::High,
    controls: &["NIST-800-53:AC-3", "NIST-800-53:IA-5", "AWS-WA:SEC02-BP02", "NCSC:10", "NCSC:11"],
    remediation: "aws ec2 modify-instance-metadata-options --http-tokens required --http-protocol-ipv6 disabled \
                  --instance-id $INSTANCE_ID\nLeave out --http-protocol-ipv6 where something here needs it.",
    parameters: &[],
    evaluate: ipv6,
};

pub(super) const TOKEN: Check = Check {
    id: "imds-token",
    title: "The metadata service grants a token",
    why: "Every current SDK asks for a token first. Where none is granted, programs either fall back to version 1, so \
          that it cannot be turned off, or have no credentials and are given long-lived keys in a file instead.",
    severity: Severity::Medium,
    controls: &["NIST-800-53:IA-5", "AWS-WA:SEC02-BP02", "NCSC:10"],
    remediation: "See what is between this host and the service: TOKEN=$(curl -sS -i -X PUT -H \
                  'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token). A firewall that \
                  drops PUT, or a proxy that adds X-Forwarded-For, is the usual reason.",
    parameters: &[],
    evaluate: token,
};

pub(super) const HOP_LIMIT: Check = Check {
    id: "imds-hop-limit",
    title: "Tokens do not travel further than this host needs",
    why: "The hop limit is how many routers the answer with the token may cross. With 1 it stays on this host, with 2 it \
          reaches containers behind a bridge; more lets it out through a router, a VPN or an open proxy to whoever sits \
          behind. Amazon Linux 2023 starts with 2. It is measured by the time to live of the answer and needs root.",
    severity: Severity::Medium,
    controls: &["NIST-800-53:AC-6", "NIST-800-53:SC-7", "AWS-WA:SEC06-BP02", "NCSC:11"],
    remediation: "aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 1 --http-tokens required \
                  --instance-id $INSTANCE_ID\n2 where containers without the host's network need the service.",
    parameters: &[Parameter {
        name: "max-hops",
        default: 2,
        range: (1, 64),
        unit: Unit::Count,
        help: "the largest hop limit that passes",
    }],
    evaluate: hop_limit,
};

fn v1_refused(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let (answers, way) = match asked(facts) {
        Ok(asked) => asked,
        Err(outcomes) => return outcomes,
    };
    vec![without_token(&answers.main, way, SUBJECT)]
}

fn ipv6(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let (answers, way) = match asked(facts) {
        Ok(asked) => asked,
        Err(outcomes) => return outcomes,
    };
    let Some(v6) = &answers.v6 else {
        return vec![Outcome::not_applicable(SUBJECT_V6, "only the endpoint that was given was asked")];
    };
    let is_open = way.is_none_or(|way| matches!(way.v6, Ok(Route::Out | Route::None)));
    vec![match v6.without_token() {
        // Nobody there is what most instances have, and nothing to mend.
        WithoutToken::Silent(NoReply::Refused | NoReply::Unreachable(_) | NoReply::TimedOut) if is_open => {
            Outcome::not_applicable(SUBJECT_V6, "nobody answers at the IPv6 address")
        }
        _ => without_token(v6, way, SUBJECT_V6),
    }]
}

fn without_token(said: &Conversation, way: Option<&Way>, subject: &str) -> Outcome {
    if let Some(reason) = way.and_then(|way| doubt(way, said)) {
        return Outcome::unknown(subject, reason);
    }
    let source =
        || Source::named(&format!("GET {}/latest/meta-data/instance-id without a token", said.endpoint));
    match said.without_token() {
        WithoutToken::Refused => Outcome::pass(subject),
        WithoutToken::Off => Outcome::not_applicable(subject, "the metadata service is turned off (403)"),
        WithoutToken::Answered => {
            let evidence = Evidence::new(source(), "status 200 with the instance id", "status 401");
            match &said.role {
                Ok(Some(role)) => {
                    let attached = Evidence::new(
                        Source::named(&format!(
                            "{}/latest/meta-data/iam/security-credentials/",
                            said.endpoint
                        )),
                        format!("credentials of the role {role} are there to be had"),
                        "only with a token",
                    );
                    let headline =
                        format!("Anything that can make this host send a GET gets the credentials of {role}");
                    Outcome::fail(subject, headline).at(Severity::Critical).with(evidence).with(attached)
                }
                _ => Outcome::fail(subject, "The metadata service answers requests without a token (IMDSv1)")
                    .with(evidence),
            }
        }
        WithoutToken::Odd(reply) => {
            let what = match (&reply.location, reply.status) {
                (Some(location), _) => format!(", which leads to {location}"),
                (None, 200) => " and something that is no instance id".to_owned(),
                (None, _) => String::new(),
            };
            Outcome::unknown(
                subject,
                format!("the request without a token got status {}{what}", reply.status),
            )
        }
        WithoutToken::Silent(cause) => {
            Outcome::unknown(subject, format!("{} was asked without a token: {cause}", said.endpoint))
        }
    }
}

fn token(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let (answers, way) = match asked(facts) {
        Ok(asked) => asked,
        Err(outcomes) => return outcomes,
    };
    if is_container(facts) {
        let reason = "a token that does not reach a container is no defect";
        return vec![Outcome::not_applicable(SUBJECT, reason)];
    }
    let said = &answers.main;
    if let Some(reason) = way.and_then(|way| doubt(way, said)) {
        return vec![Outcome::unknown(SUBJECT, reason)];
    }
    let spoke = said.tokenless.is_ok();
    let source = Source::named(&format!("PUT {}/latest/api/token", said.endpoint));
    let fail = |observed: String| {
        Outcome::fail(SUBJECT, "The metadata service grants no token, so that version 2 cannot be used")
            .with(Evidence::new(source, observed, "status 200 with a token"))
    };
    vec![match &said.token {
        _ if said.has_token() => Outcome::pass(SUBJECT),
        Ok(reply) if reply.status == 403 && matches!(said.without_token(), WithoutToken::Off) => {
            Outcome::not_applicable(SUBJECT, "the metadata service is turned off (403)")
        }
        Ok(reply) if reply.status == 200 => fail("status 200, and what came is no token".to_owned()),
        Ok(reply) => fail(format!("status {}", reply.status)),
        // The same service answered the other request a moment before.
        Err(cause) if spoke => fail(cause.to_string()),
        Err(cause) => Outcome::unknown(SUBJECT, format!("{} was asked for a token: {cause}", said.endpoint)),
    }]
}

fn hop_limit(facts: &Facts, thresholds: &Thresholds<'_>) -> Vec<Outcome> {
    let (answers, way) = match asked(facts) {
        Ok(asked) => asked,
        Err(outcomes) => return outcomes,
    };
    if is_container(facts) {
        let reason = "the way to a container takes from the time to live: only the host can measure it";
        return vec![Outcome::not_applicable(SUBJECT, reason)];
    }
    let said = &answers.main;
    if let Some(reason) = way.and_then(|way| doubt(way, said)) {
        return vec![Outcome::unknown(SUBJECT, reason)];
    }
    if matches!(said.without_token(), WithoutToken::Off) {
        return vec![Outcome::not_applicable(SUBJECT, "the metadata service is turned off (403)")];
    }
    let limit = thresholds.value("max-hops");
    vec![match &said.hops {
        Err(cause) => Outcome::unreadable(SUBJECT, cause),
        Ok(hops) if u64::from(*hops) <= limit => Outcome::pass(SUBJECT),
        Ok(hops) => {
            let source = Source::named(&format!("the answer to PUT {}/latest/api/token", said.endpoint));
            let evidence = Evidence::new(source, format!("time to live {hops}"), format!("at most {limit}"));
            Outcome::fail(SUBJECT, format!("Tokens travel {hops} hops")).with(evidence)
        }
    }]
}

fn asked(facts: &Facts) -> Result<(&Conversations, Option<&Way>), Vec<Outcome>> {
    let imds = imds(facts)?;
    let answers = imds.answers.as_ref().map_err(silent)?;
    Ok((answers, imds.way.as_ref().ok()))
}

/// Why an answer from there says nothing about AWS's service; `None` when nothing speaks against it.
fn doubt(way: &Way, said: &Conversation) -> Option<String> {
    let address = said.endpoint.address().ip();
    let is_v4 = said.endpoint == Endpoint::V4;
    if !is_v4 && said.endpoint != Endpoint::V6 {
        // Somewhere that was given by hand: the ways that were looked at do not lead there.
        return None;
    }
    match if is_v4 { &way.v4 } else { &way.v6 } {
        Ok(Route::Closed(closed)) => {
            return Some(format!(
                "{} route on this host closes {address} (systemd-imdsd locks it so): what AWS would answer \
                 cannot be seen from here",
                closed.name()
            ));
        }
        Ok(Route::Local) => return Some(format!("{address} is this host itself (imds-impersonation)")),
        Ok(Route::Out | Route::None) | Err(_) => {}
    }
    let diverted = way.translations.found.iter().any(|rule| rule.is_own && rule.address == address);
    diverted.then(|| format!("a firewall rule of this host diverts {address} (imds-impersonation)"))
}

fn is_container(facts: &Facts) -> bool {
    facts.surroundings.as_ref().is_ok_and(|surroundings| surroundings.is_container)
}

const SUBJECT_V6: &str = "imds:ipv6";
