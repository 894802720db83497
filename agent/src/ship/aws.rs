//! AWS as the shippers see it: one runtime, one pool of connections, one clock, and credentials that were checked.
//!
//! - Every call has an end: the SDK by itself has none, and waits for ever for a server that never answers.
//! - The SDK tries nothing again: the one loop that does is `ship/retry.rs`.
//! - Credentials that belong to another account than the instance does are never used (`ship/aws/pinned.rs`).

mod bounded;
mod clock;
pub mod endpoints;
mod failure;
mod pinned;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_cloudwatchlogs::config::retry::RetryConfig;
use aws_sdk_cloudwatchlogs::config::{IdentityCache, Region, SharedHttpClient};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::tls;
use tokio::runtime::Handle;

use super::Stop;
use bounded::Bounded;
pub use clock::Clock;
use endpoints::Endpoints;
pub use failure::{Failure, Reason};
use pinned::Pinned;

/// Whom records may go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub account: String,
    pub region: String,
    /// `None` outside EC2.
    pub instance: Option<String>,
}

/// Where credentials come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The instance's role, by IMDSv2; at another address only where a test says so.
    Imds(SocketAddr),
    /// Whatever the environment and its profiles name.
    DefaultChain,
}

/// Finds out whom records may go to; asked until it knows. The text says why it does not.
pub type Identify = Box<dyn Fn() -> Result<Pin, String> + Send + Sync>;

/// What every shipper to AWS shares.
pub struct Aws {
    handle: Handle,
    http: SharedHttpClient,
    clock: Clock,
    source: Source,
    endpoints: Endpoints,
    identify: Identify,
    stop: Stop,
    /// Since when somebody wants us to stop, as far as a call noticed.
    stopping: OnceLock<Instant>,
    session: Mutex<Option<Arc<Session>>>,
    _end: tokio::sync::oneshot::Sender<()>,
}

/// Clients with credentials that belong to the pinned account, or that say that they do not.
#[derive(Debug)]
pub struct Session {
    pub pin: Pin,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub ssm: aws_sdk_ssm::Client,
    pub sts: aws_sdk_sts::Client,
    /// What all of them sign with.
    pub(super) credentials: SharedCredentialsProvider,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("source", &self.source)
            .field("endpoints", &self.endpoints)
            .finish_non_exhaustive()
    }
}

impl Aws {
    /// The runtime has a thread of its own, which ends when this is dropped.
    pub fn start(
        source: Source,
        endpoints: Endpoints,
        identify: Identify,
        stop: Stop,
    ) -> io::Result<Arc<Self>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let serve = move || {
            // Whatever happens to the other end, it is over then.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        thread::Builder::new().name("aws".to_owned()).spawn(serve)?;
        let clock = Clock::new();
        let http = SharedHttpClient::new(Bounded::new(clock.clone()));
        let (session, stopping) = (Mutex::new(None), OnceLock::new());
        Ok(Arc::new(Self {
            stopping,
            handle,
            http,
            clock,
            source,
            endpoints,
            identify,
            stop,
            session,
            _end: end,
        }))
    }

    /// The servers' clock, as far as it is known.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The clients. Asks for the identity first, if that is not known yet; that is no call to AWS.
    pub fn session(&self) -> Result<Arc<Session>, Failure> {
        let mut session = self.lock();
        if let Some(session) = session.as_ref() {
            return Ok(Arc::clone(session));
        }
        let pin = (self.identify)().map_err(|why| Failure::new(Reason::Identity, why))?;
        let new = Arc::new(self.connect(pin));
        *session = Some(Arc::clone(&new));
        Ok(new)
    }

    /// What the credentials were, they are no more: the next call fetches others.
    pub fn forget_credentials(&self) {
        *self.lock() = None;
    }

    /// One call, which ends within [`PATIENCE`], and soon after somebody asked to stop.
    pub fn call<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let (done, result) = mpsc::sync_channel(1);
        let task = self.handle.spawn(async move {
            let _ = done.send(tokio::time::timeout(PATIENCE, call).await);
        });
        loop {
            match result.recv_timeout(TICK) {
                Ok(Ok(result)) => return self.learn(result),
                Ok(Err(_)) => return Err(Failure::new(Reason::Network, "no answer within 30 s".to_owned())),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::new(Reason::Network, "the call broke off".to_owned()));
                }
                Err(RecvTimeoutError::Timeout) if !self.stop.is_set() => {}
                Err(RecvTimeoutError::Timeout) => {
                    if self.stopping.get_or_init(Instant::now).elapsed() > LAST_WORDS {
                        task.abort();
                        return Err(Failure::new(
                            Reason::Network,
                            "given up because the shipper stops".to_owned(),
                        ));
                    }
                }
            }
        }
    }

    fn learn<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(Failure { reason: Reason::Credentials, .. }) = &result {
            self.forget_credentials();
        }
        result
    }

    fn connect(&self, pin: Pin) -> Session {
        let base = settings(&pin.region, self.http.clone())
            .into_builder()
            .time_source(self.clock.clone())
            .disable_clock_skew_correction(true)
            .build();
        let sts = at(&base, self.endpoints.sts());
        let provider = Pinned::provider(self.source, &base, sts.clone(), pin.account.clone());
        let cache = IdentityCache::lazy().load_timeout(CREDENTIALS).build();
        let with = |service: SdkConfig| {
            service
                .into_builder()
                .credentials_provider(provider.clone())
                .identity_cache(cache.clone())
                .build()
        };
        Session {
            pin,
            credentials: provider.clone(),
            logs: aws_sdk_cloudwatchlogs::Client::new(&with(at(&base, self.endpoints.logs()))),
            ssm: aws_sdk_ssm::Client::new(&with(at(&base, self.endpoints.ssm()))),
            sts: aws_sdk_sts::Client::new(&with(sts)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Session>>> {
        // It is replaced whole.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all clients share. Nothing of it comes from the environment or a profile.
pub fn settings(region: &str, http: SharedHttpClient) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(READ)
        .operation_timeout(OPERATION)
        .build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(http)
        .sleep_impl(TokioSleep::new())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::disabled())
        .build()
}

/// HTTP with TLS, and one connection a host that is kept.
pub fn http() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .pool_max_idle_per_host(1)
        .build_https()
}

/// A service's own configuration.
pub fn at(base: &SdkConfig, endpoint: Option<String>) -> SdkConfig {
    let mut builder = base.clone().into_builder();
    builder.set_endpoint_url(endpoint);
    builder.build()
}

/// Longer than any part below takes, so that each ends with a reason of its own where it can.
pub const PATIENCE: Duration = Duration::from_secs(30);
const OPERATION: Duration = Duration::from_secs(28);
const READ: Duration = Duration::from_secs(20);
const CONNECT: Duration = Duration::from_secs(5);
/// Metadata service and STS together.
pub const CREDENTIALS: Duration = Duration::from_secs(15);
/// How long a call that is under way may go on after somebody asked to stop: its answer saves a duplicate.
const LAST_WORDS: Duration = Duration::from_secs(3);
const TICK: Duration = Duration::from_millis(50);
