//! Credentials of one account, or none.
//!
//! Whenever they change, the service that knows is asked whose they are (STS GetCallerIdentity, which needs no
//! permission), before anything else is signed with them. A role of another account's, slipped under by whoever can
//! answer for the metadata service, gets nothing.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, SharedCredentialsProvider, future};

use super::Source;

#[derive(Debug, Clone)]
pub(super) struct Pinned(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    base: SdkConfig,
    sts: SdkConfig,
    account: String,
    chain: tokio::sync::OnceCell<std::result::Result<SharedCredentialsProvider, String>>,
    /// The id of the access key that was found to be the account's.
    verified: Mutex<Option<String>>,
}

/// The credentials are somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WrongAccount {
    pub(super) expected: String,
    pub(super) observed: String,
}

impl fmt::Display for WrongAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, observed } = self;
        write!(
            f,
            "the credentials belong to {observed}, and this instance to account {expected}: nothing is sent"
        )
    }
}

impl std::error::Error for WrongAccount {}

impl Pinned {
    /// What asks whose they are before it hands them out.
    pub(super) fn provider(
        source: Source,
        base: &SdkConfig,
        sts: SdkConfig,
        account: String,
    ) -> SharedCredentialsProvider {
        let (base, chain, verified) = (base.clone(), tokio::sync::OnceCell::new(), Mutex::new(None));
        SharedCredentialsProvider::new(Self(Arc::new(Inner { source, base, sts, account, chain, verified })))
    }
}

impl ProvideCredentials for Pinned {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.0.provide())
    }
}

impl Inner {
    async fn provide(&self) -> Result {
        let chain = self.chain.get_or_init(|| self.chain()).await;
        let chain = chain.as_ref().map_err(|why| CredentialsError::invalid_configuration(why.clone()))?;
        let credentials = chain.provide_credentials().await?;
        let key = Some(credentials.access_key_id());
        // A poisoned lock holds an id all the same.
        if self.verified.lock().unwrap_or_else(PoisonError::into_inner).as_deref() != key {
            self.verify(&credentials).await?;
            *self.verified.lock().unwrap_or_else(PoisonError::into_inner) = key.map(str::to_owned);
        }
        Ok(credentials)
    }

    async fn verify(&self, credentials: &Credentials) -> std::result::Result<(), CredentialsError> {
        let own = SharedCredentialsProvider::new(credentials.clone());
        let config = self.sts.clone().into_builder().credentials_provider(own).build();
        let asked = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await;
        let caller = asked.map_err(CredentialsError::provider_error)?;
        match caller.account() {
            Some(account) if account == self.account => Ok(()),
            account => Err(CredentialsError::provider_error(WrongAccount {
                expected: self.account.clone(),
                observed: caller.arn().or(account).unwrap_or("nobody").to_owned(),
            })),
        }
    }

    async fn chain(&self) -> std::result::Result<SharedCredentialsProvider, String> {
        let provider = ProviderConfig::empty()
            .with_region(self.base.region().cloned())
            .with_http_client(self.base.http_client().ok_or("no client for HTTP")?)
            .with_time_source(self.base.time_source().ok_or("no clock")?)
            .with_sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new());
        match self.source {
            Source::Imds(address) => {
                let client = imds::Client::builder()
                    .configure(&provider)
                    .endpoint(format!("http://{address}"))
                    .map_err(|error| error.to_string())?
                    .build();
                let role =
                    ImdsCredentialsProvider::builder().imds_client(client).configure(&provider).build();
                Ok(SharedCredentialsProvider::new(role))
            }
            Source::DefaultChain => {
                let chain = aws_config::default_provider::credentials::DefaultCredentialsChain::builder()
                    .configure(
                        ProviderConfig::without_region()
                            .with_region(self.base.region().cloned())
                            .with_http_client(self.base.http_client().ok_or("no client for HTTP")?)
                            .with_time_source(self.base.time_source().ok_or("no clock")?),
                    )
                    .build()
                    .await;
                Ok(SharedCredentialsProvider::new(chain))
            }
        }
    }
}
