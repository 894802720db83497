//! AWS Signature Version 4, after its published steps: canonical request, string to sign, derived key.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::http::Request;

/// The parts of an Authorization header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) key: String,
    pub(crate) scope: Scope,
    /// In lower case, as they stand there.
    pub(crate) signed: Vec<String>,
    pub(crate) signature: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    /// `20261122`
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Authorization {
    /// `AWS4-HMAC-SHA256 Credential=ID/DATE/REGION/SERVICE/aws4_request, SignedHeaders=a;b, Signature=HEX`
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let rest = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let part = |name: &str| {
            rest.split(',')
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
                .map(str::to_owned)
        };
        let credential = part("Credential")?;
        let [key, date, region, service, "aws4_request"] = credential.split('/').collect::<Vec<_>>()[..]
        else {
            return None;
        };
        let scope = Scope { date: date.to_owned(), region: region.to_owned(), service: service.to_owned() };
        let signed = part("SignedHeaders")?.split(';').map(str::to_owned).collect();
        Some(Self { key: key.to_owned(), scope, signed, signature: part("Signature")? })
    }
}

/// What the signature of a request has to be; `None` where a header that was signed is not there.
pub(crate) fn signature(
    request: &Request,
    signed: &[String],
    time: &str,
    scope: &Scope,
    secret: &str,
) -> Option<String> {
    let canonical = canonical(request, signed)?;
    let Scope { date, region, service } = scope;
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{time}\n{date}/{region}/{service}/aws4_request\n{}",
        hex(&Sha256::digest(canonical))
    );
    let key = [date, region, service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part.as_bytes()));
    Some(hex(&hmac(&key, to_sign.as_bytes())))
}

fn canonical(request: &Request, signed: &[String]) -> Option<String> {
    let mut text = format!("{}\n{}\n{}\n", request.method, path(&request.path), query(&request.query));
    for name in signed {
        let values: Vec<String> = request
            .headers
            .iter()
            .filter(|(is, _)| is == name)
            .map(|(_, value)| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        if values.is_empty() {
            return None;
        }
        let _ = writeln!(text, "{name}:{}", values.join(","));
    }
    let _ = write!(text, "\n{}\n{}", signed.join(";"), hex(&Sha256::digest(&request.body)));
    Some(text)
}

/// Every service but S3 encodes the path once more.
fn path(path: &str) -> String {
    path.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

fn query(query: &str) -> String {
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_unstable();
    let pairs =
        pairs.iter().map(|pair| if pair.contains('=') { (*pair).to_owned() } else { format!("{pair}=") });
    pairs.collect::<Vec<_>>().join("&")
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
