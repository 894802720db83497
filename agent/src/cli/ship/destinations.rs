//! The destinations that a policy wants, put together.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::Failure;
use crate::host::imds::Endpoint;
use crate::journal::places::Places;
use crate::policy::Policy;
use crate::ship::aws::endpoints::Endpoints;
use crate::ship::aws::{Aws, Identify, Pin, Source};
use crate::ship::cloudwatch::{self, CloudWatch, Select};
use crate::ship::local::{self, LocalFile};
use crate::ship::matters::Matters;
use crate::ship::stdout::Stdout;
use crate::ship::{Destination, Stop};

/// What the policy says of the destinations.
pub(super) struct Wanted {
    local: Option<local::Settings>,
    stdout: bool,
    cloudwatch: Vec<cloudwatch::Settings>,
    aws: Option<WantedAws>,
}

/// What all that goes to AWS needs.
#[derive(Clone)]
pub(in crate::cli) struct WantedAws {
    source: Source,
    endpoints: Endpoints,
    account: Option<String>,
    region: Option<String>,
    certificate: Option<PathBuf>,
}

impl Wanted {
    pub(super) fn of(policy: &Policy, places: &Places) -> Result<Self, Failure> {
        let local = || local::Settings {
            path: policy.local_path().map_or_else(|| places.records(), Path::to_owned),
            max_bytes: policy.local_max_bytes(),
            // The policy allows a thousand.
            keep: u32::try_from(policy.local_keep()).unwrap_or(u32::MAX),
        };
        let wanted = Self {
            local: policy.local_enabled().then(local),
            stdout: policy.local_stdout(),
            cloudwatch: if policy.cloudwatch_enabled() { groups(policy) } else { Vec::new() },
            aws: policy.uses_aws().then(|| WantedAws::of(policy)).transpose()?,
        };
        if wanted.local.is_none() && !wanted.stdout && wanted.aws.is_none() {
            return Err(Failure::trouble(
                "there is nowhere to deliver to: enable [ship.local] or [ship.cloudwatch] in the policy",
            ));
        }
        Ok(wanted)
    }

    pub(super) fn destinations(&self, places: &Places, stop: &Stop) -> Result<Vec<Destination>, Failure> {
        let mut destinations = Vec::new();
        destinations.extend(self.local.clone().map(|local| Destination::new(LocalFile::new(local))));
        if self.stdout {
            let unusable = |cause| Failure::trouble(format!("cannot use standard output: {cause}"));
            destinations.push(Destination::new(Stdout::new().map_err(unusable)?));
        }
        if let Some(wanted) = &self.aws {
            let aws = wanted.start(stop)?;
            let matters = Matters::at(&places.cursors());
            for settings in &self.cloudwatch {
                let shipper = CloudWatch::new(settings.clone(), Arc::clone(&aws), matters.clone());
                destinations.push(Destination::new(shipper));
            }
        }
        Ok(destinations)
    }
}

/// The log groups: all records, and those of which a copy goes elsewhere.
fn groups(policy: &Policy) -> Vec<cloudwatch::Settings> {
    let to = |name, select, group, metrics| cloudwatch::Settings {
        name,
        select,
        group,
        stream: policy.cloudwatch_stream(),
        window: policy.cloudwatch_window(),
        urgent: policy.cloudwatch_urgent(),
        digests_the_old: policy.cloudwatch_digests_the_old(),
        metrics,
    };
    let (alarms, checkpoints) = (policy.alarm_group(), policy.checkpoint_group());
    // Metrics are made in groups of class STANDARD alone, which the alarms' is for certain.
    let (here, there) = if alarms.is_some() { (None, policy.metrics()) } else { (policy.metrics(), None) };
    let mut groups = vec![to("cloudwatch", Select::All, policy.cloudwatch_group(), here)];
    groups.extend(alarms.map(|group| to("cloudwatch-alarms", Select::Alarms, group, there)));
    groups.extend(checkpoints.map(|group| to("cloudwatch-checkpoints", Select::Checkpoints, group, None)));
    groups
}

impl WantedAws {
    pub(in crate::cli) fn of(policy: &Policy) -> Result<Self, Failure> {
        let endpoints = Endpoints::from_vars(|name| env::var(name).ok()).map_err(Failure::trouble)?;
        let (account, region) = (policy.aws_account(), policy.aws_region());
        let source = if policy.uses_default_chain() {
            if account.is_none() || region.is_none() {
                return Err(Failure::trouble(
                    "with credentials = \"default-chain\" nobody but the policy can say whom records may go to: set account and \
                     region in [aws]",
                ));
            }
            Source::DefaultChain
        } else {
            Source::Imds(metadata_service()?.address())
        };
        let certificate = policy.identity_certificate().map(Path::to_owned);
        Ok(Self { source, endpoints, account, region, certificate })
    }

    pub(in crate::cli) fn start(&self, stop: &Stop) -> Result<Arc<Aws>, Failure> {
        let wanted = self.clone();
        let identify: Identify = Box::new(move || wanted.pin());
        Aws::start(self.source, self.endpoints.clone(), identify, stop.clone())
            .map_err(|cause| Failure::trouble(format!("cannot start what speaks to AWS: {cause}")))
    }

    /// Whom records may go to: what the identity document says and the policy does not deny.
    pub(in crate::cli) fn pin(&self) -> Result<Pin, String> {
        let Source::Imds(_) = self.source else {
            let (account, region) = (self.account.clone(), self.region.clone());
            let pin = account.zip(region).map(|(account, region)| Pin { account, region, instance: None });
            return pin.ok_or_else(|| "the policy names no account and region".to_owned());
        };
        let _ = &self.certificate;
        Err("the identity document is not read yet".to_owned())
    }
}

/// Its own address, or one that a test names.
pub(in crate::cli) fn metadata_service() -> Result<Endpoint, Failure> {
    match env::var(VARIABLE).ok().filter(|url| !url.is_empty()) {
        None => Ok(Endpoint::V4),
        Some(url) => url.parse().map_err(|why| Failure::trouble(format!("{VARIABLE}: {why}"))),
    }
}

const VARIABLE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
