//! The public half inside a private key file: OpenSSH's own container, which names it before anything secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::blob::{PublicKey, Reader};

/// The public key of a private key file in the form `openssh-key-v1`, encrypted or not.
pub(super) fn public_half(file: &[u8]) -> Result<PublicKey, String> {
    let text = file.trim_ascii();
    let body = text
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(END))
        .ok_or("not in OpenSSH's own form of a private key")?;
    let encoded: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(encoded).map_err(|_| "the private key is not base64")?;
    let mut rest = Reader(bytes.strip_prefix(MAGIC).ok_or("not an openssh-key-v1 container")?);
    for _ in 0..3 {
        rest.string()?; // cipher, key derivation, its options
    }
    if rest.number()? == 0 {
        return Err("a container without a key".to_owned());
    }
    PublicKey::from_blob(rest.string()?)
}

pub(super) const BEGIN: &[u8] = b"-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &[u8] = b"-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_container_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut body = MAGIC.to_vec();
            body.extend_from_slice(&bytes);
            let mut file = BEGIN.to_vec();
            file.extend_from_slice(STANDARD.encode(&body).as_bytes());
            file.extend_from_slice(END);
            let _ = public_half(&file);
            let _ = public_half(&bytes);
        }
    }
}
