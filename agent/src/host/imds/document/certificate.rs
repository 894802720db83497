//! A certificate's public key. Only that counts.
//!
//! AWS's certificates are signed by themselves, one for each region, and are valid for some hundred and eighty years:
//! there is no chain to follow. Nor is the time looked at: a clock that is wrong would only make a server mute, and
//! whoever holds the key of an old certificate of AWS's could set that clock.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};

use super::ber::{BITS, CONTEXT_0, Element, Elements, INTEGER, Malformed, OID, SEQUENCE};

/// An RSA key of 2048 bits or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl Key {
    /// Of the one certificate in a PEM file.
    pub(super) fn from_pem(pem: &[u8]) -> Result<Self, Malformed> {
        Self::from_der(&der(pem)?)
    }

    fn from_der(der: &[u8]) -> Result<Self, Malformed> {
        let mut outer = Elements(der);
        let certificate = outer.take(SEQUENCE, "it is no certificate")?;
        outer.end()?;
        let mut inside = certificate.inside().take(SEQUENCE, "it is no certificate")?.inside();
        inside.take_if(CONTEXT_0)?;
        inside.take(INTEGER, "it has no serial number")?;
        for what in
            ["it has no algorithm", "it has no issuer", "it has no time of validity", "it has no subject"]
        {
            inside.take(SEQUENCE, what)?;
        }
        Self::of(inside.take(SEQUENCE, "it has no key")?)
    }

    /// SubjectPublicKeyInfo of RFC 5280, with RSAPublicKey of RFC 8017 in it.
    fn of(key: Element<'_>) -> Result<Self, Malformed> {
        let mut parts = key.inside();
        let algorithm = parts.take(SEQUENCE, "its key has no algorithm")?;
        if algorithm.inside().take(OID, "its key has no algorithm")?.body != RSA {
            return Err(Malformed("its key is not of RSA"));
        }
        let bits = parts.take(BITS, "its key has no bits")?.body;
        let bits = bits.strip_prefix(&[0]).ok_or(Malformed("its key has bits left over"))?;
        let mut numbers = Elements(bits).take(SEQUENCE, "its key is not of RSA")?.inside();
        let mut number = |what| numbers.take(INTEGER, what).map(|number| unsigned(number.body));
        let (modulus, exponent) = (number("its key has no modulus")?, number("its key has no exponent")?);
        if modulus.len() < MIN_MODULUS || modulus[0] & 0x80 == 0 && modulus.len() == MIN_MODULUS {
            return Err(Malformed("its key has less than 2048 bits"));
        }
        Ok(Self { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
    }

    /// Whether whoever has the private half signed this, with PKCS#1 1.5 and SHA-256.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = RsaPublicKeyComponents { n: &self.modulus, e: &self.exponent };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
    }
}

/// A number's digits without the zeros that say that it is not negative.
fn unsigned(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&digit| digit == 0).count();
    &digits[zeros..]
}

fn der(pem: &[u8]) -> Result<Vec<u8>, Malformed> {
    if pem.len() > MAX_PEM {
        return Err(Malformed("it is too long for one certificate"));
    }
    let text = std::str::from_utf8(pem).map_err(|_| NO_PEM)?;
    let (_, rest) = text.split_once(BEGIN).ok_or(NO_PEM)?;
    let (body, rest) = rest.split_once(END).ok_or(NO_PEM)?;
    if rest.contains(BEGIN) {
        return Err(Malformed("it has more than one certificate"));
    }
    let body: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(body).map_err(|_| NO_PEM)
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
const NO_PEM: Malformed = Malformed("it is no certificate in PEM");
/// 1.2.840.113549.1.1.1
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
/// 2048 bits; fewer are not taken by what verifies.
const MIN_MODULUS: usize = 256;
/// AWS's have less than two thousand bytes.
const MAX_PEM: usize = 64 * 1024;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) fn der(pem: &[u8]) -> Result<Vec<u8>, Malformed> {
        super::der(pem)
    }

    /// Whether a certificate is signed with its own key: one mistyped letter, and it is not.
    pub(in super::super) fn is_self_signed(pem: &[u8]) -> bool {
        let (der, key) = (super::der(pem).unwrap(), Key::from_pem(pem).unwrap());
        let mut parts = Elements(&der).take(SEQUENCE, "").unwrap().inside();
        let signed = parts.take(SEQUENCE, "").unwrap().whole;
        parts.take(SEQUENCE, "").unwrap();
        let signature = parts.take(BITS, "").unwrap().body;
        key.has_signed(signed, &signature[1..])
    }

    #[test]
    fn what_is_no_certificate_is_said_to_be_none() {
        let wrapped = |body: &str| format!("{BEGIN}\n{body}\n{END}\n");
        for (pem, why) in [
            (String::new(), NO_PEM),
            (wrapped("not base64!"), NO_PEM),
            (wrapped(""), Malformed("it is cut short")),
            (wrapped("BAA="), Malformed("it is no certificate")),
            (wrapped("BAA=").repeat(2), Malformed("it has more than one certificate")),
            (" ".repeat(MAX_PEM + 1), Malformed("it is too long for one certificate")),
        ] {
            assert_eq!(Key::from_pem(pem.as_bytes()), Err(why), "{pem:.60}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Key::from_pem(&bytes);
            let _ = Key::from_der(&bytes);
        }
    }
}
