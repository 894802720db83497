//! The journal against a disk that crashes, tears and lies, against a model, and against damage at rest.

mod crash;
mod disk;
mod flips;
mod model;
mod oracle;
mod review;
mod world;

use std::path::Path;

use guestward::journal::{Directory, Reader};

/// Everything that a shipper would deliver, as the lines of an export.
pub(crate) fn export_lines(journal: &Path) -> Vec<Vec<u8>> {
    let mut reader = Reader::new(Directory::open(journal).unwrap(), None);
    let mut lines = Vec::new();
    // A segment that cannot be read is given up after a few attempts, so a bounded number of errors is passed over.
    let mut errors = 0;
    loop {
        match reader.next_batch(1000, 1 << 20) {
            Ok(batch) if batch.entries.is_empty() => return lines,
            Ok(batch) => lines.extend(batch.entries.into_iter().map(|entry| entry.line)),
            Err(error) => {
                errors += 1;
                assert!(errors < 100, "the reader never gives up: {error}");
            }
        }
    }
}
