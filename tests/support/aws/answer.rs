//! Answers in a service's own words: JSON for CloudWatch Logs and Systems Manager, XML for STS.

use serde_json::{Value, json};

use super::Service;
use super::http::Answer;

/// Why a request came to nothing: status, code and text, as the JSON protocol writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) text: String,
}

impl Refusal {
    pub(crate) fn new(code: &str, text: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), text: text.into() }
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn expired() -> Self {
        Self::new("ExpiredTokenException", "The security token included in the request is expired")
    }

    pub(crate) fn throttled() -> Self {
        Self::new("ThrottlingException", "Rate exceeded")
    }

    /// What CloudWatch Logs says to what it cannot take.
    pub(crate) fn parameter(text: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", text)
    }

    /// What Systems Manager says to a request that its model forbids.
    pub(crate) fn validation(text: impl Into<String>) -> Self {
        Self::new("ValidationException", text)
    }

    pub(crate) fn answer(&self, service: Service) -> Answer {
        if service != Service::Sts {
            let body = json!({ "__type": self.code, "message": self.text });
            return Answer::new(self.status, JSON, body.to_string());
        }
        let (status, code) = self.in_the_query_protocol();
        let text = self.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let body = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    \
             <Type>Sender</Type>\n    <Code>{code}</Code>\n    <Message>{text}</Message>\n  </Error>\n  \
             <RequestId>{REQUEST_ID}</RequestId>\n</ErrorResponse>\n"
        );
        Answer::new(status, "text/xml", body)
    }

    /// STS has names and numbers of its own.
    fn in_the_query_protocol(&self) -> (u16, &str) {
        match self.code.as_str() {
            "UnrecognizedClientException" => (403, "InvalidClientTokenId"),
            "InvalidSignatureException" => (403, "SignatureDoesNotMatch"),
            "ExpiredTokenException" => (403, "ExpiredToken"),
            "AccessDeniedException" => (403, "AccessDenied"),
            "MissingAuthenticationTokenException" => (403, "MissingAuthenticationToken"),
            code => (self.status, code.strip_suffix("Exception").unwrap_or(code)),
        }
    }
}

pub(crate) fn json(body: &Value) -> Answer {
    Answer::new(200, JSON, body.to_string())
}

pub(crate) const JSON: &str = "application/x-amz-json-1.1";
pub(crate) const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";
