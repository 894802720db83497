//! What a look found outstanding becomes a record when it is another set than the last that was recorded, and what it saw of
//! when updates appeared is remembered (`host/packages/appeared.rs` reads it back).

use std::io;

use super::recall::StateFile;
use super::{Daemon, draft, looks};
use crate::finding::Severity;
use crate::finding::wire::body::PatchesBody;
use crate::finding::wire::record::{Hash, Kind};
use crate::host::packages::appeared::{Appeared, NAME};
use crate::journal::{Draft, Storage as _};

/// What the loop keeps of it between two looks.
#[derive(Debug)]
pub(super) struct Memory {
    /// The digest of the set that was recorded last.
    recorded: Option<String>,
    /// Of what the file holds.
    written: Option<Hash>,
    /// What is to be written, once the journal has the record that it tells of.
    next: Option<Vec<u8>>,
}

impl Memory {
    /// As the run before left it. What cannot be read is begun anew, and the look says why.
    pub(super) fn of(files: &StateFile) -> Self {
        let bytes = files.0.read(NAME, 0, MAX_BYTES).ok();
        let kept = bytes.as_deref().and_then(|bytes| Appeared::from_bytes(bytes).ok());
        let written = bytes.filter(|_| kept.is_some()).map(|bytes| Hash::of(&bytes));
        Self { recorded: kept.and_then(|kept| kept.recorded), written, next: None }
    }

    /// The record, if this look saw another set than the last.
    fn take(&mut self, seen: looks::Patches) -> Option<PatchesBody> {
        let looks::Patches { body, mut appeared, .. } = seen;
        let is_other = self.recorded.as_deref() != Some(body.digest.as_str());
        self.recorded = Some(body.digest.as_str().to_owned());
        appeared.recorded.clone_from(&self.recorded);
        let bytes = appeared.to_bytes();
        self.next = (self.written != Some(Hash::of(&bytes))).then_some(bytes);
        is_other.then_some(body)
    }

    pub(super) fn is_unsaved(&self) -> bool {
        self.next.is_some()
    }

    pub(super) fn write(&mut self, files: &StateFile) -> io::Result<()> {
        let Some(next) = &self.next else { return Ok(()) };
        files.replace(NAME, next)?;
        self.written = Some(Hash::of(next));
        self.next = None;
        Ok(())
    }
}

impl Daemon {
    /// The record of what is outstanding, if there is anything new to record.
    pub(super) fn patched(&mut self, seen: looks::Patches) -> Option<Draft> {
        if let Some(why) = &seen.forgotten {
            let why = format!("when updates appeared is not known any more, and is remembered anew: {why}");
            self.tell_blindness(&why, std::time::Instant::now());
        }
        let other = self.memory.take(seen);
        self.is_unsaved |= self.memory.is_unsaved();
        let body = other?;
        Some(draft(Kind::Inventory, Severity::Informational, body.to_json()))
    }
}

/// As much as a look reads.
const MAX_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Directory;

    #[test]
    fn what_is_damaged_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let files = StateFile(Directory::create(&folder.path().join("state"), 0o750, None).unwrap());
        assert_eq!(Memory::of(&files).recorded, None);
        let mut kept = Appeared::default();
        kept.recorded = Some("x".to_owned());
        let mut memory = Memory { recorded: None, written: None, next: Some(kept.to_bytes()) };
        memory.write(&files).unwrap();
        let read = Memory::of(&files);
        assert_eq!((read.recorded.as_deref(), read.written), (Some("x"), memory.written));
        files.replace(NAME, b"{\"schema\":").unwrap();
        let torn = Memory::of(&files);
        assert_eq!((torn.recorded, torn.written), (None, None));
    }
}
