//! The digests of one content, made in one go. One set serves a worker for all of its files.

use blake3::Hasher as Blake3;
use md5::Md5;
use sha2::Sha256;
use sha2::digest::{Digest as _, FixedOutputReset as _};

use super::Reading;
use crate::host::object::Algorithm;

#[derive(Debug, Default)]
pub(super) struct Digests {
    sha256: Sha256,
    // Two kilobytes.
    blake3: Box<Blake3>,
    md5: Md5,
}

/// What packages record, where it was asked for.
pub(super) struct Beside {
    pub(super) md5: Option<[u8; 16]>,
    pub(super) sha256: Option<Box<[u8; 32]>>,
}

impl Digests {
    pub(super) fn update(&mut self, reading: &Reading, bytes: &[u8]) {
        match reading.algorithm {
            Algorithm::Sha256 => self.sha256.update(bytes),
            Algorithm::Blake3 => _ = self.blake3.update(bytes),
        }
        if has_other_sha256(reading) {
            self.sha256.update(bytes);
        }
        if reading.md5 {
            self.md5.update(bytes);
        }
    }

    /// The digest, and those beside it that there are to be; then all begins anew.
    pub(super) fn finish(&mut self, reading: &Reading) -> ([u8; 32], Beside) {
        let digest = match reading.algorithm {
            Algorithm::Sha256 => self.sha256.finalize_fixed_reset().into(),
            Algorithm::Blake3 => {
                let digest = *self.blake3.finalize().as_bytes();
                self.blake3.reset();
                digest
            }
        };
        let md5 = reading.md5.then(|| self.md5.finalize_fixed_reset().into());
        let sha256 = has_other_sha256(reading).then(|| Box::new(self.sha256.finalize_fixed_reset().into()));
        (digest, Beside { md5, sha256 })
    }

    /// Forgets what came of a content that was not read to its end.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

fn has_other_sha256(reading: &Reading) -> bool {
    reading.sha256 && reading.algorithm != Algorithm::Sha256
}
