//! The destinations that a policy wants, put together.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::check;
use crate::cli::Failure;
use crate::host::imds::{Endpoint, VARIABLE, document};
use crate::host::{Host, Identity};
use crate::journal::places::Places;
use crate::policy::Policy;
use crate::ship::aws::endpoints::Endpoints;
use crate::ship::aws::{Aws, Identify, Pin, Source};
use crate::ship::cloudwatch::{self, CloudWatch, Select};
use crate::ship::local::{self, LocalFile};
use crate::ship::matters::Matters;
use crate::ship::seal_key::SealKey;
use crate::ship::ssm::{self, Described, Ssm};
use crate::ship::stdout::Stdout;
use crate::ship::{Destination, Stop};

/// What the policy says of the destinations.
pub(super) struct Wanted {
    local: Option<local::Settings>,
    stdout: bool,
    cloudwatch: Vec<cloudwatch::Settings>,
    ssm: Option<ssm::Settings>,
    /// The template of the parameter for first keys.
    seal: Option<String>,
    aws: Option<WantedAws>,
}

/// What all that goes to AWS needs.
#[derive(Clone)]
pub(in crate::cli) struct WantedAws {
    source: Source,
    /// The metadata service, where it is the one that says who we are.
    endpoint: Option<Endpoint>,
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
            ssm: systems_manager(policy),
            seal: policy.seal_parameter(),
            aws: policy.uses_aws().then(|| WantedAws::of(policy)).transpose()?,
        };
        if wanted.local.is_none() && !wanted.stdout && wanted.aws.is_none() {
            return Err(Failure::trouble(
                "there is nowhere to deliver to: enable [ship.local] or [ship.cloudwatch] in the policy",
            ));
        }
        Ok(wanted)
    }

    pub(super) fn local_file(&self) -> Option<&Path> {
        self.local.as_ref().map(|local| local.path.as_path())
    }

    pub(super) fn uses_default_chain(&self) -> bool {
        self.aws.as_ref().is_some_and(|aws| aws.source == Source::DefaultChain)
    }

    pub(super) fn certificate(&self) -> Option<&PathBuf> {
        self.aws.as_ref().and_then(|aws| aws.certificate.as_ref())
    }

    /// The ports of addresses that somebody gave in place of the usual ones.
    pub(super) fn own_ports(&self) -> Vec<u16> {
        let of_metadata = |aws: &WantedAws| aws.endpoint.map(|endpoint| endpoint.address().port());
        let Some(aws) = &self.aws else { return Vec::new() };
        aws.endpoints.ports().into_iter().chain(of_metadata(aws)).collect()
    }

    pub(super) fn destinations(&self, places: &Places, stop: &Stop) -> Result<Vec<Destination>, Failure> {
        let mut destinations = Vec::new();
        destinations.extend(self.local.clone().map(|local| Destination::new(LocalFile::new(local))));
        if self.stdout {
            let unusable = |cause| Failure::trouble(format!("cannot use standard output: {cause}"));
            destinations.push(Destination::new(Stdout::new().map_err(unusable)?));
        }
        if self.aws.is_none() {
            Matters::remove(&places.cursors());
        }
        if let Some(wanted) = &self.aws {
            let aws = wanted.start(stop)?;
            let matters = Matters::at(&places.cursors());
            for settings in &self.cloudwatch {
                let shipper = CloudWatch::new(settings.clone(), Arc::clone(&aws), matters.clone());
                destinations.push(Destination::new(shipper));
            }
            if let Some(settings) = self.ssm {
                let shipper = Ssm::new(settings, Arc::clone(&aws), matters.clone(), places.cursors());
                destinations.push(Destination::new(shipper));
            }
            if let Some(template) = self.seal.clone() {
                destinations.push(Destination::new(SealKey::new(template, aws, matters, places.cursors())));
            }
        }
        Ok(destinations)
    }
}

fn systems_manager(policy: &Policy) -> Option<ssm::Settings> {
    let (compliance, inventory) = (policy.ssm_compliance(), policy.ssm_inventory());
    (compliance || inventory).then(|| ssm::Settings::new(compliance, inventory, described))
}

/// What the registry says of a check. Who ships knows only its name.
fn described(id: &str) -> Option<Described> {
    let (topic, check) = check::by_id(id)?;
    Some(Described { topic: topic.name, title: check.title, severity: check.severity })
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
        let (source, endpoint) = if policy.uses_default_chain() {
            if account.is_none() || region.is_none() {
                return Err(Failure::trouble(
                    "with credentials = \"default-chain\" nobody but the policy can say whom records may go to: set account and \
                     region in [aws]",
                ));
            }
            (Source::DefaultChain, None)
        } else {
            let endpoint = metadata_service()?;
            (Source::Imds(endpoint.address()), Some(endpoint))
        };
        let certificate = policy.identity_certificate().map(Path::to_owned);
        Ok(Self { source, endpoint, endpoints, account, region, certificate })
    }

    pub(in crate::cli) fn start(&self, stop: &Stop) -> Result<Arc<Aws>, Failure> {
        let wanted = self.clone();
        let identify: Identify = Box::new(move || wanted.pin());
        Aws::start(self.source, self.endpoints.clone(), identify, stop.clone())
            .map_err(|cause| Failure::trouble(format!("cannot start what speaks to AWS: {cause}")))
    }

    /// Whom records may go to: what the identity document says and the policy does not deny.
    pub(in crate::cli) fn pin(&self) -> Result<Pin, String> {
        let Some(endpoint) = self.endpoint else {
            let (account, region) = (self.account.clone(), self.region.clone());
            let pin = account.zip(region).map(|(account, region)| Pin { account, region, instance: None });
            return pin.ok_or_else(|| "the policy names no account and region".to_owned());
        };
        let host = Host::at("/").map_err(|cause| cause.to_string())?;
        let read = |path: &PathBuf| {
            host.read(path, MAX_CERTIFICATE)
                .map_err(|cause| format!("cannot read identity-certificate: {cause}"))
        };
        let certificate = self.certificate.as_ref().map(read).transpose()?;
        let document =
            document(endpoint, certificate.as_deref()).map_err(|why| format!("{why}: nothing is sent"))?;
        // AWS signs every instance's document, also that of somebody else's. What the machine says of itself does not
        // come by the same way.
        let own = Identity::of(&host).instance_id.map(|id| id.as_str().to_owned());
        for (what, wanted, is) in [
            ("the policy's account", &self.account, &document.account),
            ("the policy's region", &self.region, &document.region),
            ("this instance's id (DMI)", &own, &document.instance),
        ] {
            if wanted.as_ref().is_some_and(|wanted| wanted != is) {
                let wanted = wanted.as_deref().unwrap_or_default();
                return Err(format!(
                    "{what} is {wanted}, and the identity document says {is}: nothing is sent"
                ));
            }
        }
        Ok(Pin { account: document.account, region: document.region, instance: Some(document.instance) })
    }
}

/// Its own address, or one that a test names.
fn metadata_service() -> Result<Endpoint, Failure> {
    let host = Host::at("/").map_err(Failure::trouble)?;
    let endpoint = Endpoint::of(&host, env::var_os(VARIABLE).as_deref()).map_err(Failure::trouble)?;
    endpoint.ok_or_else(|| {
        Failure::trouble(
            "this is no EC2 instance, so it has no role: for AWS set credentials = \"default-chain\", account and region in \
             [aws] of the policy",
        )
    })
}

/// A certificate in PEM has two thousand.
const MAX_CERTIFICATE: u64 = 64 * 1024;
