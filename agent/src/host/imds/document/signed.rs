//! What was signed and by whom, out of a CMS SignedData (RFC 5652; PKCS #7 before that): one signer, SHA-256, RSA.
//!
//! The content may lie in it or beside it. With attributes it is they that are signed, and one of them is the
//! content's hash; without, it is the content itself.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::ber::{CONTEXT_0, CONTEXT_1, Element, Elements, INTEGER, Malformed, OCTETS, OID, SEQUENCE, SET};
use super::certificate::{Key, RSA};

#[derive(Debug)]
pub(super) struct Signed<'a> {
    /// `None` where it lies elsewhere.
    pub(super) content: Option<Cow<'a, [u8]>>,
    attributes: Option<Attributes<'a>>,
    signature: Cow<'a, [u8]>,
}

#[derive(Debug)]
struct Attributes<'a> {
    /// As they were signed: a SET, and not the `[0]` that they are in the signature.
    signed: Vec<u8>,
    /// The content's hash, as they say.
    digest: &'a [u8],
}

/// The bytes behind the service's base64, which has no armour and may have line breaks.
pub(super) fn decode(base64: &[u8]) -> Result<Vec<u8>, Malformed> {
    let digits: Vec<u8> = base64.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(digits).map_err(|_| Malformed("it is no base64"))
}

impl<'a> Signed<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = Elements(bytes);
        let mut info = outer.take(SEQUENCE, "it is no CMS")?.inside();
        outer.end()?;
        if info.take(OID, "it is no CMS")?.body != SIGNED_DATA {
            return Err(Malformed("it is CMS, and no SignedData"));
        }
        let data = info.take(CONTEXT_0, "it is empty")?;
        let mut data = data.inside().take(SEQUENCE, "it is no SignedData")?.inside();
        data.take(INTEGER, "it has no version")?;
        data.take(SET, "it has no algorithms")?;
        let content = content(data.take(SEQUENCE, "it has no content")?)?;
        // Certificates and revocations: whose key counts is not for the signature to say.
        data.take_if(CONTEXT_0)?;
        data.take_if(CONTEXT_1)?;
        let mut signers = data.take(SET, "it has no signers")?.inside();
        let (attributes, signature) = signer(signers.take(SEQUENCE, "it has no signer")?)?;
        if !signers.is_empty() {
            return Err(Malformed("it has more than one signer"));
        }
        Ok(Self { content, attributes, signature })
    }

    /// Whether this key has signed this content.
    pub(super) fn is_by(&self, key: &Key, content: &[u8]) -> bool {
        match &self.attributes {
            None => key.has_signed(content, &self.signature),
            Some(Attributes { signed, digest }) => {
                Sha256::digest(content)[..] == **digest && key.has_signed(signed, &self.signature)
            }
        }
    }
}

fn content(info: Element<'_>) -> Result<Option<Cow<'_, [u8]>>, Malformed> {
    let mut parts = info.inside();
    if parts.take(OID, "its content has no type")?.body != DATA {
        return Err(Malformed("its content is no plain data"));
    }
    let inside = parts.take_if(CONTEXT_0)?;
    parts.end()?;
    inside.map(|inside| inside.inside().next()?.octets()).transpose()
}

type Signer<'a> = (Option<Attributes<'a>>, Cow<'a, [u8]>);

fn signer(signer: Element<'_>) -> Result<Signer<'_>, Malformed> {
    let mut parts = signer.inside();
    parts.take(INTEGER, "its signer has no version")?;
    // A name or a key's id: whose it is the key itself shows.
    parts.next()?;
    if algorithm(parts.take(SEQUENCE, "its signer has no hash")?)? != SHA256 {
        return Err(Malformed("its hash is not SHA-256"));
    }
    let attributes = parts.take_if(CONTEXT_0)?.map(attributes).transpose()?;
    let algorithm = algorithm(parts.take(SEQUENCE, "its signer has no algorithm")?)?;
    if algorithm != RSA && algorithm != SHA256_WITH_RSA {
        return Err(Malformed("its algorithm is not RSA with SHA-256"));
    }
    Ok((attributes, parts.next()?.octets()?))
}

fn algorithm(element: Element<'_>) -> Result<&[u8], Malformed> {
    Ok(element.inside().take(OID, "an algorithm without a name")?.body)
}

fn attributes(element: Element<'_>) -> Result<Attributes<'_>, Malformed> {
    // They are signed as DER, and we have no other bytes than these.
    if !element.is_definite {
        return Err(Malformed("its attributes are not in DER"));
    }
    let signed = [&[SET], &element.whole[1..]].concat();
    let (mut digest, mut kind) = (None, None);
    let mut parts = element.inside();
    while !parts.is_empty() {
        let mut attribute = parts.take(SEQUENCE, "an attribute is none")?.inside();
        let name = attribute.take(OID, "an attribute without a name")?.body;
        let mut values = attribute.take(SET, "an attribute without a value")?.inside();
        let found = match name {
            MESSAGE_DIGEST => digest.replace(values.take(OCTETS, "a hash that is none")?.body),
            CONTENT_TYPE => kind.replace(values.take(OID, "a type that is none")?.body),
            _ => continue,
        };
        values.end()?;
        if found.is_some() {
            return Err(Malformed("an attribute is there twice"));
        }
    }
    if kind != Some(DATA) {
        return Err(Malformed("its attributes do not say that plain data was signed"));
    }
    let digest = digest.ok_or(Malformed("its attributes have no hash of the content"))?;
    Ok(Attributes { signed, digest })
}

/// 1.2.840.113549.1.7.2 and .1
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
/// 1.2.840.113549.1.9.3 and .4
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
/// 1.2.840.113549.1.1.11
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
/// 2.16.840.1.101.3.4.2.1
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Signed::of(&bytes);
            let _ = decode(&bytes);
            let mut head = vec![0x30, 0x80, 0x06, 9];
            head.extend_from_slice(SIGNED_DATA);
            head.extend_from_slice(&[0xa0, 0x80, 0x30, 0x80, 0x02, 1, 1, 0x31, 0]);
            head.extend_from_slice(&bytes);
            let _ = Signed::of(&head);
        }
    }
}
