//! How a key that was found is told, wherever it lay.

use crate::finding::{Severity, Text};
use crate::host::credentials::{Key, Kind};

/// "a long-lived AWS key of account 111122223333"
pub(super) fn described(key: &Key) -> String {
    let kind = match key.kind {
        Kind::LongLived => "long-lived",
        Kind::Temporary { .. } => "temporary",
    };
    match key.id.account() {
        Some(account) => format!("a {kind} AWS key of account {account}"),
        None => format!("a {kind} AWS key"),
    }
}

/// "AKIA… with its secret, fingerprint 0123456789abcdef"
pub(super) fn observed(key: &Key) -> Text {
    let extent = match key.kind {
        Kind::Temporary { has_token: true } => " and session token",
        _ => "",
    };
    Text::new(&format!("{} with its secret{extent}, fingerprint {}", key.id, key.fingerprint))
}

pub(super) const EXPECTED: &str = "no access key";

/// `age` in seconds, where it is known since when the key lies there.
pub(super) fn severity(key: &Key, is_public: bool, age: Option<i64>) -> Severity {
    match key.kind {
        Kind::LongLived if is_public => Severity::Critical,
        Kind::LongLived => Severity::High,
        Kind::Temporary { has_token: true } if age.is_some_and(|age| age < MAX_SESSION) => Severity::Medium,
        Kind::Temporary { .. } => Severity::Low,
    }
}

pub(super) const CONTROLS: &[&str] =
    &["NIST-800-53:IA-5", "NIST-800-53:SC-28", "AWS-WA:SEC02-BP02", "AWS-WA:SEC02-BP03", "NCSC:10"];

pub(super) const REMEDIATION: &str = "Give the instance a role with what the program needs, and take the key out: the \
    SDKs and the AWS CLI then find the role's credentials by themselves (aws sts get-caller-identity shows whose). \
    Then make the key worthless, because it may have been copied:\n\
    aws iam update-access-key --access-key-id KEY_ID --status Inactive, and after a day without complaints\n\
    aws iam delete-access-key --access-key-id KEY_ID\n\
    The fingerprint tells whether two places hold the same key.";

/// STS gives no session that lasts longer (GetSessionToken, 36 hours).
const MAX_SESSION: i64 = 36 * 60 * 60;
