//! What went wrong with a call, as far as it matters for what to do next.
//!
//! The SDK knows some errors of an operation as types and the others (throttling, expired tokens, refusals) only by
//! their code, so that all of them are told apart here by the code's text.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::pinned::WrongAccount;
use crate::finding::Text;
use crate::ship::Trouble;

/// A call that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub reason: Reason,
    /// The server's own word for it.
    pub code: Option<String>,
    pub text: String,
    pub retry_after: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Nobody answered, or nobody answered whole.
    Network,
    /// Too many calls; later they are welcome.
    Throttled,
    /// The server's own trouble.
    Server,
    /// The credentials are not, or no longer, taken; or there are none.
    Credentials,
    /// The clock was too far off; the answer told the right time.
    Skew,
    /// The credentials belong to another account.
    WrongAccount,
    /// Whom records may go to is not known.
    Identity,
    Denied,
    Missing,
    Exists,
    /// The server will never take this.
    Invalid,
    Other,
}

impl Failure {
    pub fn new(reason: Reason, text: String) -> Self {
        Self { reason, code: None, text, retry_after: None }
    }

    /// From a call of the SDK: `of("PutLogEvents")`.
    pub fn of<E>(what: &'static str) -> impl FnOnce(SdkError<E, Response>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        move |error| Self::from(what, &error)
    }

    fn from<E>(what: &str, error: &SdkError<E, Response>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        if let Some(wrong) = find::<WrongAccount>(error) {
            return Self::new(Reason::WrongAccount, wrong.to_string());
        }
        // Whose the credentials are is asked within each call: what went wrong there is what went wrong.
        if let Some(asked) = error.source().and_then(find::<Asked>) {
            return Self::from("GetCallerIdentity", asked);
        }
        let Some(response) = error.raw_response() else {
            let reason = if is_about_credentials(error) { Reason::Credentials } else { Reason::Network };
            return Self::new(reason, format!("{what}: {}", last(error)));
        };
        let status = response.status().as_u16();
        let service = error.as_service_error();
        let code = service.and_then(ProvideErrorMetadata::code).map(str::to_owned);
        let message = service.and_then(ProvideErrorMetadata::message).unwrap_or_default();
        let reason = reason(status, code.as_deref(), message);
        let named = code.clone().unwrap_or_else(|| format!("HTTP status {status}"));
        let text = if message.is_empty() { named } else { format!("{named}: {message}") };
        let retry_after = response.headers().get("retry-after").and_then(|value| value.trim().parse().ok());
        Self {
            reason,
            code,
            text: format!("{what}: {}", Text::new(&text)),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    /// To be tried again, as everything is that nobody refuses for good.
    pub fn into_retry(self) -> Trouble {
        let after = match self.reason {
            // Whoever mends these needs longer than a minute, and each look costs a call.
            Reason::WrongAccount => Some(RARELY),
            _ => self.retry_after,
        };
        Trouble::Retry { after, text: self.text }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Failure {}

type Asked = SdkError<GetCallerIdentityError, Response>;

fn reason(status: u16, code: Option<&str>, message: &str) -> Reason {
    let Some(code) = code else {
        return match status {
            413 => Reason::Invalid,
            429 => Reason::Throttled,
            500.. => Reason::Server,
            _ => Reason::Other,
        };
    };
    let is_about_time =
        ["Signature expired", "Signature not yet current"].iter().any(|text| message.contains(text));
    // query and JSON protocols write the same code with and without "Exception".
    match code.strip_suffix("Exception").unwrap_or(code) {
        _ if is_about_time => Reason::Skew,
        "Throttling"
        | "ThrottlingError"
        | "Throttled"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "LimitExceeded"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "RequestThrottled"
        | "PriorRequestNotComplete"
        | "TooManyUpdates" => Reason::Throttled,
        "ServiceUnavailable"
        | "InternalFailure"
        | "InternalServerError"
        | "InternalServer"
        | "ServiceFailure" => Reason::Server,
        "ExpiredToken"
        | "TokenRefreshRequired"
        | "UnrecognizedClient"
        | "InvalidClientTokenId"
        | "InvalidToken"
        | "IncompleteSignature"
        | "MissingAuthenticationToken" => Reason::Credentials,
        "InvalidSignature" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed" | "RequestExpired" => {
            Reason::Skew
        }
        "AccessDenied" | "UnauthorizedOperation" | "OptInRequired" | "NotAuthorized" => Reason::Denied,
        "ResourceNotFound" | "ParameterNotFound" => Reason::Missing,
        "ResourceAlreadyExists" | "ParameterAlreadyExists" => Reason::Exists,
        "InvalidParameter" => Reason::Invalid,
        _ if status >= 500 => Reason::Server,
        // Whatever stands in between takes less at once than AWS does.
        _ if status == 413 => Reason::Invalid,
        _ if status == 429 => Reason::Throttled,
        _ => Reason::Other,
    }
}

fn find<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn is_about_credentials(error: &(dyn Error + 'static)) -> bool {
    find::<aws_credential_types::provider::error::CredentialsError>(error).is_some()
}

/// The innermost cause says the most.
fn last(error: &(dyn Error + 'static)) -> Text {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    Text::new(&last.to_string())
}

/// Five minutes.
const RARELY: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart_by_what_to_do_next() {
        for (status, code, message, wanted) in [
            (400, Some("ThrottlingException"), "Rate exceeded", Reason::Throttled),
            (429, None, "", Reason::Throttled),
            (429, Some("Whatever"), "", Reason::Throttled),
            (400, Some("ExpiredTokenException"), "", Reason::Credentials),
            (403, Some("ExpiredToken"), "", Reason::Credentials),
            (400, Some("AccessDeniedException"), "", Reason::Denied),
            (
                400,
                Some("InvalidSignatureException"),
                "Signature expired: x is now earlier than y",
                Reason::Skew,
            ),
            (400, Some("InvalidParameterException"), "", Reason::Invalid),
            (400, Some("ResourceNotFoundException"), "", Reason::Missing),
            (500, None, "", Reason::Server),
            (503, Some("ServiceUnavailableException"), "", Reason::Server),
            (413, None, "", Reason::Invalid),
        ] {
            assert_eq!(reason(status, code, message), wanted, "{status} {code:?} {message}");
        }
    }
}
