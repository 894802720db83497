//! Who AWS says that this instance is: the instance identity document, which counts only with AWS's signature.
//!
//! Whoever answers for the metadata service can say anything. What AWS has signed for this region they cannot make;
//! they can only repeat the document of another instance, which is why whoever asks compares the instance, too.

mod ber;
mod certificate;
mod certificates;
mod signed;

use std::fmt;

use serde_json::Value;

pub use ber::Malformed;
use certificate::Key;
use signed::Signed;

use super::Endpoint;
use super::client::{Answer, Client, NoReply};
use super::conversation::granted;

/// What AWS has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Twelve digits.
    pub account: String,
    pub region: String,
    pub instance: String,
}

/// Why nothing is known for certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unverified {
    /// The service cannot be asked, or grants no token.
    NoAnswer(NoReply),
    /// The service answers, and not with this.
    Status {
        what: &'static str,
        status: u16,
    },
    NoDocument(&'static str),
    NoSignature(Malformed),
    /// AWS's certificate for this region is not known here.
    NoCertificate {
        region: String,
    },
    /// The signature is not made with AWS's key for this region, or not of this content.
    Forged {
        region: String,
    },
    /// What is signed is something else than what the service gave.
    Differs,
    /// The policy's certificate cannot be used.
    Certificate(Malformed),
    /// Its file cannot be read.
    CertificateFile(String),
}

impl Unverified {
    /// Whether nobody has said anything, as in the first moments of an instance.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::NoAnswer(_) | Self::Status { status: 500.., .. })
    }
}

impl fmt::Display for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the account and region are not known for certain: ")?;
        match self {
            Self::NoAnswer(cause) => write!(f, "the metadata service gives no token: {cause}"),
            Self::Status { what, status } => {
                write!(f, "the metadata service answers {status} to the question for {what}")
            }
            Self::NoDocument(why) => write!(f, "what it gives is no instance identity document: {why}"),
            Self::NoSignature(why) => {
                write!(f, "the signature of the instance identity document is not understood: {why}")
            }
            Self::NoCertificate { region } => write!(
                f,
                "AWS's certificate for {region} is not known here; name its file in the policy: \
                 [aws] identity-certificate"
            ),
            Self::Forged { region } => write!(
                f,
                "the instance identity document is not signed with AWS's key for {region}. Somebody else answers for \
                 the metadata service, or AWS has another certificate there by now: then name its file in the policy: \
                 [aws] identity-certificate"
            ),
            Self::Differs => f.write_str(
                "the instance identity document is not the one that was signed: somebody else answers for the \
                 metadata service",
            ),
            Self::Certificate(why) => {
                write!(f, "[aws] identity-certificate in the policy cannot be used: {why}")
            }
            Self::CertificateFile(why) => {
                write!(f, "[aws] identity-certificate in the policy cannot be read: {why}")
            }
        }
    }
}

impl std::error::Error for Unverified {}

/// Asks the service, and believes only what AWS has signed, or whoever has the key of `certificate` (PEM). It is over
/// within three requests' patience.
pub fn document(endpoint: Endpoint, certificate: Option<&[u8]>) -> Result<Document, Unverified> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        Unverified::NoAnswer(NoReply::Garbled(format!("nothing can be asked: {error}").into()))
    })?;
    let (document, signature) = runtime.block_on(ask(endpoint))?;
    Document::verified(&document, &signature, certificate)
}

async fn ask(endpoint: Endpoint) -> Result<(Vec<u8>, Vec<u8>), Unverified> {
    let client = Client::to(endpoint).map_err(Unverified::NoAnswer)?;
    let token = client.put_token().await;
    let token = granted(&token).map_err(Unverified::NoAnswer)?;
    let document = client.get("/latest/dynamic/instance-identity/document", token).await;
    let document = body(document, "the instance identity document")?;
    let signature = client.get("/latest/dynamic/instance-identity/rsa2048", token).await;
    Ok((document, body(signature, "its signature")?))
}

fn body(answer: Answer, what: &'static str) -> Result<Vec<u8>, Unverified> {
    let reply = answer.map_err(Unverified::NoAnswer)?;
    match reply.status {
        200 => Ok(reply.body),
        status => Err(Unverified::Status { what, status }),
    }
}

impl Document {
    /// What the document says, if `signature` (CMS in base64) is of AWS's for its region, or of `certificate`'s (PEM).
    pub fn verified(
        document: &[u8],
        signature: &[u8],
        certificate: Option<&[u8]>,
    ) -> Result<Self, Unverified> {
        let own = certificate.map(Key::from_pem).transpose().map_err(Unverified::Certificate)?;
        // Which key is asked follows from what is not yet believed; that key then says whether it is true.
        let claimed = Self::parse(document)?;
        let region = || claimed.region.clone();
        let regional = certificates::of(&claimed.region)
            .map(|pem| Key::from_pem(pem.as_bytes()))
            .transpose()
            .map_err(|_| Unverified::NoCertificate { region: region() })?;
        let keys: Vec<Key> = regional.into_iter().chain(own).collect();
        if keys.is_empty() {
            return Err(Unverified::NoCertificate { region: region() });
        }
        let bytes = signed::decode(signature).map_err(Unverified::NoSignature)?;
        let signed = Signed::of(&bytes).map_err(Unverified::NoSignature)?;
        let content = signed.content.as_deref().unwrap_or(document);
        if !keys.iter().any(|key| signed.is_by(key, content)) {
            return Err(Unverified::Forged { region: region() });
        }
        if content == document { Ok(claimed) } else { Err(Unverified::Differs) }
    }

    fn parse(bytes: &[u8]) -> Result<Self, Unverified> {
        let document: Value =
            serde_json::from_slice(bytes).map_err(|_| Unverified::NoDocument("it is no JSON"))?;
        let text = |key, is_it: fn(&str) -> bool, why| match document.get(key).and_then(Value::as_str) {
            Some(text) if is_it(text) => Ok(text.to_owned()),
            _ => Err(Unverified::NoDocument(why)),
        };
        Ok(Self {
            account: text("accountId", is_account, "it names no account")?,
            region: text("region", is_region, "it names no region")?,
            instance: text("instanceId", is_instance, "it names no instance")?,
        })
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_region(text: &str) -> bool {
    let is_of_a_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_REGION).contains(&text.len()) && text.bytes().all(is_of_a_name)
}

fn is_instance(text: &str) -> bool {
    super::conversation::is_instance_id(text.as_bytes())
}

/// The longest has fourteen letters.
const MAX_REGION: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_names_its_account_region_and_instance() {
        let whole =
            r#"{"accountId":"111122223333","region":"eu-central-1","instanceId":"i-0123456789abcdef0"}"#;
        let document = Document::parse(whole.as_bytes()).unwrap();
        assert_eq!(
            (document.account.as_str(), document.region.as_str(), document.instance.as_str()),
            ("111122223333", "eu-central-1", "i-0123456789abcdef0")
        );
        for (from, to, why) in [
            ("{", "[", "it is no JSON"),
            ("111122223333", "11112222333", "it names no account"),
            ("\"111122223333\"", "111122223333", "it names no account"),
            ("eu-central-1", "../../etc/passwd", "it names no region"),
            ("eu-central-1", "", "it names no region"),
            ("i-0123456789abcdef0", "i-<html>", "it names no instance"),
        ] {
            let broken = whole.replacen(from, to, 1);
            assert_eq!(Document::parse(broken.as_bytes()), Err(Unverified::NoDocument(why)), "{broken}");
        }
    }

    #[test]
    fn a_region_without_a_certificate_says_what_to_do() {
        let document =
            r#"{"accountId":"111122223333","region":"xx-none-9","instanceId":"i-0123456789abcdef0"}"#;
        let why = Document::verified(document.as_bytes(), b"", None).unwrap_err();
        assert_eq!(why, Unverified::NoCertificate { region: "xx-none-9".into() });
        assert!(why.to_string().contains("[aws] identity-certificate"), "{why}");
    }
}
