//! The names in one directory, in the order of their bytes: one stretch of memory for all of them.

use std::ffi::CStr;
use std::mem::MaybeUninit;

use rustix::fd::AsFd;
use rustix::fs::RawDir;
use rustix::io::Errno;

#[derive(Debug, Default)]
pub(super) struct Names {
    /// Each with a zero at its end.
    bytes: Vec<u8>,
    list: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u32,
    /// With the zero.
    length: u32,
}

/// Why names are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoNames {
    TooMany,
    Failed(Errno),
}

impl Names {
    /// Reads them all anew.
    pub(super) fn read(
        &mut self,
        directory: impl AsFd,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Result<(), NoNames> {
        self.bytes.clear();
        self.list.clear();
        let mut entries = RawDir::new(directory, buffer);
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(NoNames::Failed)?;
            let name = entry.file_name().to_bytes_with_nul();
            if name == b".\0" || name == b"..\0" {
                continue;
            }
            if self.list.len() == MAX_NAMES {
                return Err(NoNames::TooMany);
            }
            let of = |number| u32::try_from(number).map_err(|_| NoNames::TooMany);
            self.list.push(Place { offset: of(self.bytes.len())?, length: of(name.len())? });
            self.bytes.extend_from_slice(name);
        }
        let bytes = &self.bytes;
        self.list.sort_unstable_by(|a, b| of(bytes, *a).cmp(of(bytes, *b)));
        // What is renamed while the directory is read may come twice.
        self.list.dedup_by(|a, b| of(bytes, *a) == of(bytes, *b));
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<&CStr> {
        let place = self.list.get(index)?;
        CStr::from_bytes_with_nul(of(&self.bytes, *place)).ok()
    }
}

fn of(bytes: &[u8], place: Place) -> &[u8] {
    let start = place.offset as usize;
    &bytes[start..start + place.length as usize]
}

/// With names of the usual length these are some 100 MiB; nobody keeps more in one directory on purpose.
const MAX_NAMES: usize = 4_000_000;
