//! The state as bytes, and back.

use super::{DriftState, Open, OpenPackage};
use crate::finding::wire::body::{Accounted, Told};
use crate::finding::wire::object::{bytes_of, exact, text};
use crate::finding::wire::open_drift::{Damaged, Document, Entry, Package};
use crate::finding::wire::record::Hash;

impl DriftState {
    /// At most [`MAX_BYTES`]; what has no room is counted, and told anew by the look after it is read.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut keep = self.open.len();
        loop {
            let bytes = self.document(keep).to_bytes();
            if bytes.len() <= MAX_BYTES || keep == 0 {
                return bytes;
            }
            keep = keep / 4 * 3;
        }
    }

    fn document(&self, keep: usize) -> Document {
        let entry = |(path, open): (&Vec<u8>, &Open)| Entry {
            path: text(path),
            path_b64: exact(path),
            severity: open.severity,
            since: open.since,
            digest: open.digest.clone(),
            disputed: open.disputed,
        };
        let accounted = |(path, digest): (&Vec<u8>, &Told)| Accounted::new(path, digest.as_str());
        let packages = self.packages.iter().map(|(package, open)| Package {
            package: package.clone(),
            count: open.count,
            since: open.since,
            digest: open.digest.clone(),
        });
        Document {
            seq: self.seq,
            compared: self.compared.map(Hash),
            baseline: self.known,
            seal: self.seal.clone(),
            trouble: self.trouble.clone(),
            left_out: self.left_out.saturating_add((self.open.len() - keep) as u64),
            open: self.by_weight().take(keep).map(entry).collect(),
            packages: packages.collect(),
            accounted: self.accounted.iter().map(accounted).collect(),
            ..Document::new(self.epoch.clone())
        }
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let document = Document::from_bytes(bytes)?;
        let mut state = Self {
            seq: document.seq,
            compared: document.compared.map(|hash| hash.0),
            known: document.baseline,
            seal: document.seal,
            trouble: document.trouble,
            left_out: document.left_out,
            ..Self::new(&document.epoch)
        };
        for Entry { path, path_b64, severity, since, digest, disputed } in document.open {
            let path = bytes_of(&path, path_b64.as_deref())
                .ok_or_else(|| Damaged::NotUnderstood("a path is not base64".to_owned()))?;
            state.open.insert(path, Open { severity, since, digest, disputed });
        }
        for Package { package, count, since, digest } in document.packages {
            state.packages.insert(package, OpenPackage { count, since, digest });
        }
        for accounted in document.accounted {
            let path = accounted.path_bytes();
            let path = path.ok_or_else(|| Damaged::NotUnderstood("a path is not base64".to_owned()))?;
            state.accounted.insert(path, accounted.digest);
        }
        state.trim();
        Ok(state)
    }
}

/// A reader stops at 64 MiB.
pub const MAX_BYTES: usize = 60 * 1024 * 1024;
