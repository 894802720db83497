//! Questions to CloudWatch and Parameter Store, asked by a person from any machine: what was delivered, by which hosts.
//!
//! It reads and changes nothing. Credentials are whatever the person has (the SDK's default chain), of any account: the
//! pinning in `ship/aws` is for the agent, which must not be led elsewhere.

pub mod asking;
mod insights;
pub mod log_group;

use std::fmt;

pub use asking::Asking;
pub use log_group::LogGroup;

use crate::ship::aws::{Failure, Reason};

/// Something that a group holds.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    pub stream: &'a str,
    /// Its time in CloudWatch, in milliseconds of Unix time, if it has one.
    pub time: Option<i64>,
    pub message: &'a str,
}

/// Why a question has no answer, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// No region was named.
    Region,
    Credentials(String),
    /// What was asked for does not exist.
    Missing {
        what: String,
        region: String,
    },
    /// A permission is missing.
    Denied {
        permission: &'static str,
        text: String,
    },
    /// So long nobody answered, or only with requests to come later.
    Silence(String),
    /// More events at one time than one query gives.
    Crowded {
        at: String,
    },
    Other(String),
}

impl Trouble {
    fn of(failure: Failure, permission: &'static str, what: impl FnOnce() -> String, region: &str) -> Self {
        match failure.reason {
            Reason::Credentials => Self::Credentials(failure.text),
            Reason::Denied => Self::Denied { permission, text: failure.text },
            Reason::Missing => Self::Missing { what: what(), region: region.to_owned() },
            Reason::Network | Reason::Throttled | Reason::Server => Self::Silence(failure.text),
            _ => Self::Other(failure.text),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region => f.write_str(
                "no region is named: --region or AWS_REGION says which one to ask, as eu-central-1",
            ),
            Self::Credentials(why) => write!(
                f,
                "no credentials that AWS takes ({why}): set AWS_ACCESS_KEY_ID and its like or AWS_PROFILE, for which \
                 `aws configure export-credentials` helps where a profile signs in through SSO"
            ),
            Self::Missing { what, region } => {
                write!(
                    f,
                    "there is no {what} in {region} for these credentials; --region names another region"
                )
            }
            Self::Denied { permission, text } => {
                write!(f, "these credentials lack the permission {permission} ({text})")
            }
            Self::Silence(text) => {
                write!(f, "given up after ten minutes without an answer, the last try ending with {text}")
            }
            Self::Crowded { at } => write!(
                f,
                "there are more events at {at} than Logs Insights gives: --log-stream-prefix asks for some of the \
                 streams at a time"
            ),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Trouble {}
