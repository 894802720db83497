//! HTTP with a bound on what an answer may hold: the SDK by itself collects whatever comes.
//!
//! Every answer passes here, those of the metadata service and of STS, too; so this is also where the servers' clock
//! is read.

use aws_sdk_cloudwatchlogs::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

use super::Clock;

/// One pool of connections for all.
#[derive(Debug)]
pub(super) struct Bounded {
    inner: SharedHttpClient,
    clock: Clock,
}

impl Bounded {
    pub(super) fn new(clock: Clock) -> Self {
        Self { inner: super::http(), clock }
    }
}

impl HttpClient for Bounded {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, clock: self.clock.clone() })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    clock: Clock,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // The metadata service is asked for a token and shows no signature: its clock is nobody's.
        let is_signed = request.headers().get("authorization").is_some();
        let (answer, clock) = (self.inner.call(request), self.clock.clone());
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            if let Some(date) = answer.headers().get("date").filter(|_| is_signed) {
                clock.seen(date);
            }
            Ok(bounded(answer))
        })
    }
}

fn bounded(answer: HttpResponse) -> HttpResponse {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = SdkBody::from_body_1_x(Limited::new(answer.into_body(), MAX_BODY));
    let mut bounded = HttpResponse::new(status, body);
    *bounded.headers_mut() = headers;
    bounded
}

/// The longest answer is a page of FilterLogEvents or a parameter; ours have a few hundred bytes.
const MAX_BODY: usize = 1024 * 1024;
