//! A digest of a content, as packages record it.

use super::parse::nibble;

/// dpkg records MD5, rpm what its packages were built with: SHA-256 since rpm 4.6, MD5 before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Digest {
    Md5([u8; 16]),
    Sha256([u8; 32]),
}

impl Digest {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Md5(_) => "md5",
            Self::Sha256(_) => "sha256",
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Md5(bytes) => bytes,
            Self::Sha256(bytes) => bytes,
        }
    }

    /// As rpm writes it, by the number of its algorithm (RFC 4880, 9.4); `None` of what nobody here computes.
    pub(super) fn of_rpm(algorithm: u64, hex: &[u8]) -> Option<Self> {
        match algorithm {
            MD5 => Some(Self::Md5(bytes(hex)?)),
            SHA256 => Some(Self::Sha256(bytes(hex)?)),
            _ => None,
        }
    }
}

fn bytes<const N: usize>(hex: &[u8]) -> Option<[u8; N]> {
    let mut digest = [0; N];
    if hex.len() != N * 2 {
        return None;
    }
    for (byte, two) in digest.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = nibble(two[0])? << 4 | nibble(two[1])?;
    }
    Some(digest)
}

/// What is meant where a package names none.
pub(super) const MD5: u64 = 1;
const SHA256: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_as_long_as_its_algorithm_says() {
        let (md5, sha256) = ("0f".repeat(16), "f0".repeat(32));
        assert_eq!(Digest::of_rpm(1, md5.as_bytes()), Some(Digest::Md5([0x0f; 16])));
        assert_eq!(Digest::of_rpm(8, sha256.as_bytes()), Some(Digest::Sha256([0xf0; 32])));
        for (algorithm, hex) in
            [(8, md5.as_str()), (1, sha256.as_str()), (10, sha256.as_str()), (1, ""), (1, "zz")]
        {
            assert_eq!(Digest::of_rpm(algorithm, hex.as_bytes()), None, "{algorithm} {hex}");
        }
    }
}
