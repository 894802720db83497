//! AWS's SDK, pointed at a double or at anything else that speaks like AWS.

use std::fmt::Debug;
use std::future::Future;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_cloudwatchlogs::config::Region;
use aws_sdk_cloudwatchlogs::config::retry::RetryConfig;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::runtime::Runtime;

use crate::support::aws::Aws;

/// Clients that try nothing twice and correct no clock.
pub(super) struct Clients {
    runtime: Runtime,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) ssm: aws_sdk_ssm::Client,
    pub(super) sts: aws_sdk_sts::Client,
}

/// Key id, secret, session token.
pub(super) type Keys = (String, String, String);
/// How a refusal reads: its code and its text.
pub(super) type Said = (String, String);

impl Clients {
    /// With the double's own credentials.
    pub(super) fn of(aws: &Aws) -> Self {
        Self::with(&aws.url(), aws.credentials())
    }

    pub(super) fn with(url: &str, credentials: Keys) -> Self {
        Self::new(url, credentials, SharedTimeSource::default(), TlsContext::default())
    }

    /// With a clock that stands still.
    pub(super) fn at(aws: &Aws, milliseconds: i64) -> Self {
        let time = UNIX_EPOCH + Duration::from_millis(u64::try_from(milliseconds).unwrap());
        let time = SharedTimeSource::new(StaticTimeSource::new(time));
        Self::new(&aws.url(), aws.credentials(), time, TlsContext::default())
    }

    /// That trusts the authority of a file and nobody else.
    pub(super) fn trusting(aws: &Aws, authority: &Path) -> Self {
        let trust = TrustStore::empty().with_pem_certificate(std::fs::read(authority).unwrap());
        let tls = TlsContext::builder().with_trust_store(trust).build().unwrap();
        Self::new(&aws.url(), aws.credentials(), SharedTimeSource::default(), tls)
    }

    fn new(url: &str, (id, secret, token): Keys, time: SharedTimeSource, tls: TlsContext) -> Self {
        let credentials = Credentials::new(id, secret, Some(token), None, "test");
        let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(60)).build();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .endpoint_url(url)
            .http_client(
                aws_smithy_http_client::Builder::new()
                    .tls_provider(Provider::Rustls(CryptoMode::Ring))
                    .tls_context(tls)
                    .build_https(),
            )
            .time_source(time)
            .sleep_impl(TokioSleep::new())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled())
            .disable_clock_skew_correction(true)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        Self {
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            ssm: aws_sdk_ssm::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
        }
    }

    /// The answer, or what the refusal said.
    pub(super) fn ask<T, E>(
        &self,
        call: impl Future<Output = Result<T, SdkError<E, Response>>>,
    ) -> Result<T, Said>
    where
        E: ProvideErrorMetadata + Debug + std::error::Error + 'static,
    {
        self.runtime.block_on(call).map_err(|error| match error.as_service_error() {
            Some(service) => {
                let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
                (text(service.code()), text(service.message()))
            }
            None => ("nobody".to_owned(), format!("{error:?}")),
        })
    }

    /// One PutLogEvents, with what it said of events that it did not keep.
    pub(super) fn put(&self, group: &str, stream: &str, events: &[(i64, &str)]) -> Result<Rejected, Said> {
        let events = events
            .iter()
            .map(|(time, text)| InputLogEvent::builder().timestamp(*time).message(*text).build().unwrap());
        let put = self.logs.put_log_events().log_group_name(group).log_stream_name(stream);
        let answer = self.ask(put.set_log_events(Some(events.collect())).send())?;
        Ok(answer
            .rejected_log_events_info()
            .map(|info| {
                [
                    info.too_new_log_event_start_index(),
                    info.too_old_log_event_end_index(),
                    info.expired_log_event_end_index(),
                ]
            })
            .unwrap_or_default())
    }
}

/// Too new from here on, too old and expired up to there.
pub(super) type Rejected = [Option<i32>; 3];

/// The code of a refusal.
pub(super) fn code<T: Debug>(result: Result<T, Said>) -> String {
    result.expect_err("a refusal").0
}
