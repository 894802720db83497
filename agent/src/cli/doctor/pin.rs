//! Whom records may go to, as the policy and, on EC2, the instance's identity document say.

use crate::host::Host;
use crate::host::imds::Endpoint;
use crate::policy::Policy;
use crate::ship::aws::{Identify, Pin, Source};

/// Where the metadata service is, if somebody says that it is elsewhere.
pub(super) fn metadata_endpoint() -> Result<Option<Endpoint>, String> {
    match std::env::var(VARIABLE).ok().filter(|url| !url.is_empty()) {
        Some(url) => url.parse().map(Some).map_err(|why| format!("{VARIABLE}: {why}")),
        None => Ok(None),
    }
}

pub(super) fn source(policy: &Policy) -> Result<Source, String> {
    match policy.uses_default_chain() {
        true => Ok(Source::DefaultChain),
        false => Ok(Source::Imds(metadata_endpoint()?.unwrap_or(Endpoint::V4).address())),
    }
}

pub(super) fn identify(policy: &Policy) -> Result<Identify, String> {
    let (policy, endpoint) = (policy.clone(), metadata_endpoint()?);
    Ok(Box::new(move || {
        let host = Host::at("/").map_err(|cause| cause.to_string())?;
        pin(&policy, &host, endpoint)
    }))
}

pub(super) fn pin(policy: &Policy, _host: &Host, _endpoint: Option<Endpoint>) -> Result<Pin, String> {
    let written = (policy.aws_account(), policy.aws_region());
    match (policy.uses_default_chain(), written) {
        (true, (Some(account), Some(region))) => Ok(Pin { account, region, instance: None }),
        (true, _) => {
            Err("[aws] credentials is \"default-chain\", and account and region are not set".to_owned())
        }
        (false, _) => Err("the instance's identity document is not verified".to_owned()),
    }
}

const VARIABLE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
