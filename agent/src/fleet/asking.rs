//! The clients, and patience: a call that comes to nothing for the moment is made again, for ten minutes at most.

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_sdk_cloudwatchlogs::config::{IdentityCache, Region, SharedCredentialsProvider};
use tokio::runtime::Runtime;

use super::Trouble;
use crate::finding::wire::key::FirstKey;
use crate::ship::aws::endpoints::Endpoints;
use crate::ship::aws::{self, Failure, Reason};

/// Whoever asks: a runtime on this very thread, and the clients of one region.
pub struct Asking {
    runtime: Runtime,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    ssm: aws_sdk_ssm::Client,
    region: String,
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Asking {
    /// With the credentials that the environment and its profiles name, at the services' addresses or those of the
    /// standard variables.
    pub fn start(region: Option<&str>, var: impl Fn(&str) -> Option<String>) -> Result<Self, Trouble> {
        let endpoints = Endpoints::from_vars(&var).map_err(Trouble::Other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Trouble::Other(format!("cannot start a runtime: {error}")))?;
        let named =
            region.map(str::to_owned).or_else(|| var("AWS_REGION")).or_else(|| var("AWS_DEFAULT_REGION"));
        let region = match named.filter(|region| !region.is_empty()) {
            Some(region) => region,
            None => runtime.block_on(region_of_profile()).ok_or(Trouble::Region)?,
        };
        let base = runtime.block_on(base(&region));
        let logs = aws_sdk_cloudwatchlogs::Client::new(&aws::at(&base, endpoints.logs()));
        let ssm = aws_sdk_ssm::Client::new(&aws::at(&base, endpoints.ssm()));
        Ok(Self { runtime, logs, ssm, region })
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    /// The first key in `NAME/key`, or none where there is no such parameter.
    pub fn first_key(&self, name: &str) -> Result<Option<FirstKey>, Trouble> {
        let parameter = format!("{name}/key");
        let asked = self.patiently(|| {
            let call = self.ssm.get_parameter().name(&parameter).with_decryption(true).send();
            async { call.await.map_err(Failure::of("GetParameter")) }
        });
        let found = match asked {
            Ok(found) => found,
            Err(Failure { reason: Reason::Missing, .. }) => return Ok(None),
            Err(failure) => {
                let permission = "ssm:GetParameter, and kms:Decrypt with the parameter's key";
                return Err(Trouble::of(
                    failure,
                    permission,
                    || format!("parameter {parameter}"),
                    &self.region,
                ));
            }
        };
        let value = found.parameter.and_then(|parameter| parameter.value).map(zeroize::Zeroizing::new);
        let key = value.as_ref().map(|value| FirstKey::parse(value));
        match key {
            Some(Ok(key)) => Ok(Some(key)),
            Some(Err(why)) => {
                Err(Trouble::Other(format!("the parameter {parameter} holds no first key: {why}")))
            }
            None => Err(Trouble::Other(format!("the parameter {parameter} has no value"))),
        }
    }

    /// The answer to a call, made again for as long as [`LONGEST_SILENCE`] while that may help.
    pub(super) fn patiently<T, F>(&self, call: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let started = Instant::now();
        let mut tries = 0;
        loop {
            let asked = async { tokio::time::timeout(aws::PATIENCE, call()).await };
            let failure = match self.runtime.block_on(asked) {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::new(Reason::Network, "no answer within 30 s".to_owned()),
            };
            let may_help = matches!(failure.reason, Reason::Network | Reason::Throttled | Reason::Server);
            let pause = pause(tries).max(failure.retry_after.unwrap_or_default().min(LONGEST_PAUSE));
            if !may_help || started.elapsed() + pause > LONGEST_SILENCE {
                return Err(failure);
            }
            tries += 1;
            self.wait(pause);
        }
    }

    pub(super) fn wait(&self, time: Duration) {
        // A timer is made where its runtime runs.
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }
}

async fn region_of_profile() -> Option<String> {
    use aws_config::meta::region::ProvideRegion as _;
    ProfileFileRegionProvider::new().region().await.map(|region| region.to_string())
}

/// What both services share, with the credentials that the environment and its profiles name.
async fn base(region: &str) -> SdkConfig {
    let http = aws::http();
    let provider = ProviderConfig::without_region()
        .with_region(Some(Region::new(region.to_owned())))
        .with_http_client(http.clone());
    let chain = DefaultCredentialsChain::builder().configure(provider).build().await;
    aws::settings(region, http)
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(chain))
        .identity_cache(IdentityCache::lazy().load_timeout(aws::CREDENTIALS).build())
        .build()
}

/// Full jitter: any time up to a limit that doubles, so that many who were sent away do not come back together.
fn pause(tries: u32) -> Duration {
    let limit = SHORTEST_LIMIT.saturating_mul(1 << tries.min(MOST_DOUBLINGS)).min(LONGEST_PAUSE);
    let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random() % limit.max(1))
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without it the pause is short, and there are still ten minutes.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    u64::from_ne_bytes(bytes)
}

/// A person waits; longer than that, something has to be done.
const LONGEST_SILENCE: Duration = Duration::from_secs(600);
/// A read of a log group may be asked for five times a second and more.
const SHORTEST_LIMIT: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
const MOST_DOUBLINGS: u32 = 7;
