//! Public keys as ssh writes them on the wire: RFC 4253 section 6.6, RFC 5656, RFC 8709, and OpenSSH's
//! security keys and certificates. Names, sizes and fingerprints are those that `ssh-keygen -l` prints.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

/// A public key, as far as its strength and identity go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    pub algorithm: Algorithm,
    pub bits: usize,
    /// Whether the blob is a certificate over the key.
    pub is_certificate: bool,
    /// Of the plain key, also for a certificate: `SHA256:…`.
    pub fingerprint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Dsa,
    Ecdsa,
    EcdsaSk,
    Ed25519,
    Ed25519Sk,
    Rsa,
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Dsa => "DSA",
            Self::Ecdsa => "ECDSA",
            Self::EcdsaSk => "ECDSA-SK",
            Self::Ed25519 => "ED25519",
            Self::Ed25519Sk => "ED25519-SK",
            Self::Rsa => "RSA",
        })
    }
}

/// As `ssh-keygen -l` shows a key, without its comment: `3072 SHA256:… (RSA)`.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.is_certificate { "-CERT" } else { "" };
        write!(f, "{} {} ({}{suffix})", self.bits, self.fingerprint, self.algorithm)
    }
}

impl PublicKey {
    /// The words `TYPE BASE64` of a `.pub` file or an authorized_keys line.
    pub fn from_words(name: &[u8], encoded: &[u8]) -> Result<Self, String> {
        let form = Form::named(name).ok_or("not a type of key that ssh knows")?;
        if encoded.len() > MAX_ENCODED {
            return Err("the key is too long to be one".to_owned());
        }
        let blob = STANDARD.decode(encoded.trim_ascii()).map_err(|_| "the key is not base64")?;
        Self::from_blob_of(&form, &blob)
    }

    /// A blob that names its own type.
    pub fn from_blob(blob: &[u8]) -> Result<Self, String> {
        let name = Reader(blob).string()?;
        let form = Form::named(name).ok_or("not a type of key that ssh knows")?;
        Self::from_blob_of(&form, blob)
    }

    fn from_blob_of(form: &Form, blob: &[u8]) -> Result<Self, String> {
        let mut rest = Reader(blob);
        if rest.string()? != form.name {
            return Err("the key is of another type than its line says".to_owned());
        }
        if form.is_certificate {
            rest.string()?; // the nonce
        }
        let fields = rest.0;
        let bits = form.key_fields(&mut rest)?;
        let fields = &fields[..fields.len() - rest.0.len()];
        if form.is_certificate {
            rest.rest_of_certificate()?;
        }
        if !rest.0.is_empty() {
            return Err("the key is followed by bytes that do not belong to it".to_owned());
        }
        let fingerprint = fingerprint(form.plain_name, fields);
        Ok(Self { algorithm: form.algorithm, bits, is_certificate: form.is_certificate, fingerprint })
    }
}

fn fingerprint(plain_name: &[u8], fields: &[u8]) -> String {
    let mut digest = Sha256::new();
    // A type's name is some thirty bytes long.
    digest.update(u32::try_from(plain_name.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.update(plain_name);
    digest.update(fields);
    format!("SHA256:{}", STANDARD_NO_PAD.encode(digest.finalize()))
}

/// How a type of key is laid out.
struct Form {
    name: &'static [u8],
    plain_name: &'static [u8],
    algorithm: Algorithm,
    curve: Option<Curve>,
    is_certificate: bool,
}

#[derive(Clone, Copy)]
struct Curve {
    name: &'static [u8],
    bits: usize,
}

impl Form {
    fn named(name: &[u8]) -> Option<Self> {
        FORMS.iter().find_map(|&(plain_name, certificate_name, algorithm, curve)| {
            {
                let is_certificate = name == certificate_name;
                let name = if is_certificate { certificate_name } else { plain_name };
                let form = Self { name, plain_name, algorithm, curve, is_certificate };
                Some(form)
            }
            .filter(|form| form.name == name)
        })
    }

    /// Reads the key itself; its size in bits.
    fn key_fields(&self, rest: &mut Reader<'_>) -> Result<usize, String> {
        let bits = match self.algorithm {
            Algorithm::Rsa => {
                rest.mpint()?;
                rest.mpint()?
            }
            Algorithm::Dsa => {
                let prime = rest.mpint()?;
                for _ in 0..3 {
                    rest.mpint()?;
                }
                prime
            }
            Algorithm::Ed25519 | Algorithm::Ed25519Sk => match rest.string()?.len() {
                32 => 256,
                _ => return Err("an ed25519 key has 32 bytes".to_owned()),
            },
            Algorithm::Ecdsa | Algorithm::EcdsaSk => {
                let curve = self.curve.ok_or("no curve")?;
                if rest.string()? != curve.name {
                    return Err("the key is on another curve than its type says".to_owned());
                }
                let point = rest.string()?;
                // Uncompressed (SEC 1): a 4, then both coordinates.
                if point.first() != Some(&4) || point.len() != 1 + 2 * curve.bits.div_ceil(8) {
                    return Err("the key is not a point of its curve".to_owned());
                }
                curve.bits
            }
        };
        if matches!(self.algorithm, Algorithm::EcdsaSk | Algorithm::Ed25519Sk) {
            rest.string()?; // the application that the security key signs for
        }
        Ok(bits)
    }
}

/// What is left of a blob.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("the key ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn number(&mut self) -> Result<u32, String> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)))
    }

    pub(super) fn string(&mut self) -> Result<&'a [u8], String> {
        let length = self.number()?;
        self.take(usize::try_from(length).map_err(|_| "the key ends too early")?)
    }

    /// The size in bits of a positive number (RFC 4251 section 5).
    fn mpint(&mut self) -> Result<usize, String> {
        let bytes = self.string()?;
        if bytes.first().is_some_and(|first| first & 0x80 != 0) {
            return Err("the key has a negative number".to_owned());
        }
        let digits = match bytes {
            [0, rest @ ..] => rest,
            all => all,
        };
        if digits.len() > MAX_NUMBER {
            return Err("the key has a number that is too large".to_owned());
        }
        let significant = digits.iter().skip_while(|&&byte| byte == 0);
        let count = significant.clone().count();
        let leading = significant.copied().next().unwrap_or(0xff).leading_zeros();
        Ok((count * 8).saturating_sub(usize::try_from(leading).unwrap_or(0)))
    }

    /// What follows the key in a certificate (OpenSSH's PROTOCOL.certkeys).
    fn rest_of_certificate(&mut self) -> Result<(), String> {
        self.take(8 + 4)?; // serial, user or host
        self.string()?; // key id
        self.string()?; // principals
        self.take(8 + 8)?; // valid from, valid until
        for _ in 0..5 {
            self.string()?; // options, extensions, reserved, the authority's key, its signature
        }
        Ok(())
    }
}

const P256: Curve = Curve { name: b"nistp256", bits: 256 };
const P384: Curve = Curve { name: b"nistp384", bits: 384 };
const P521: Curve = Curve { name: b"nistp521", bits: 521 };

type Row = (&'static [u8], &'static [u8], Algorithm, Option<Curve>);

const FORMS: &[Row] = &[
    (b"ssh-ed25519", b"ssh-ed25519-cert-v01@openssh.com", Algorithm::Ed25519, None),
    (b"ssh-rsa", b"ssh-rsa-cert-v01@openssh.com", Algorithm::Rsa, None),
    (b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp256-cert-v01@openssh.com", Algorithm::Ecdsa, Some(P256)),
    (b"ecdsa-sha2-nistp384", b"ecdsa-sha2-nistp384-cert-v01@openssh.com", Algorithm::Ecdsa, Some(P384)),
    (b"ecdsa-sha2-nistp521", b"ecdsa-sha2-nistp521-cert-v01@openssh.com", Algorithm::Ecdsa, Some(P521)),
    (b"ssh-dss", b"ssh-dss-cert-v01@openssh.com", Algorithm::Dsa, None),
    (b"sk-ssh-ed25519@openssh.com", b"sk-ssh-ed25519-cert-v01@openssh.com", Algorithm::Ed25519Sk, None),
    (
        b"sk-ecdsa-sha2-nistp256@openssh.com",
        b"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
        Algorithm::EcdsaSk,
        Some(P256),
    ),
];
/// As OpenSSH's own bound: 16384 bits.
const MAX_NUMBER: usize = 2048;
/// A certificate over the largest RSA key, with room for its principals.
const MAX_ENCODED: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_blob_makes_it_panic(blob in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = PublicKey::from_blob(&blob);
        }

        /// Random bytes hardly ever begin with a type that exists.
        #[test]
        fn no_blob_of_a_known_type_makes_it_panic(
            row in 0..FORMS.len(), certificate: bool, rest in proptest::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..200)
        ) {
            let name = if certificate { FORMS[row].1 } else { FORMS[row].0 };
            let mut blob = u32::try_from(name.len()).unwrap().to_be_bytes().to_vec();
            blob.extend_from_slice(name);
            blob.extend_from_slice(&rest);
            let _ = PublicKey::from_blob(&blob);
        }
    }

    #[test]
    fn a_number_that_claims_to_be_longer_than_the_blob_is_refused() {
        let blob = b"\0\0\0\x07ssh-rsa\xff\xff\xff\xff\x01";
        assert_eq!(PublicKey::from_blob(blob), Err("the key ends too early".to_owned()));
    }
}
