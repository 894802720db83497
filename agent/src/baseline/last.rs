//! What the last comparison came to, left beside the baseline for whoever asks later: the checks, and people.

use std::io;
use std::path::Path;

use crate::finding::wire::integrity::Integrity;
use crate::host::integrity::FILE;
use crate::journal::{Directory, Storage as _};

/// All of it or the one before, whatever happens in between.
pub fn write(directory: &Path, summary: &Integrity) -> io::Result<()> {
    let directory = Directory::create(directory, 0o750, None)?;
    let _ = directory.remove(NEXT);
    let mut file = directory.create(NEXT)?;
    directory.append(&mut file, &summary.to_bytes())?;
    directory.sync(&mut file)?;
    directory.rename(NEXT, FILE)
}

const NEXT: &str = "last.json.next";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use jiff::Timestamp;

    use super::*;
    use crate::host::Host;

    #[test]
    fn what_is_left_is_what_a_check_reads() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("baseline");
        for reason in ["torn", "gone"] {
            write(&directory, &Integrity::damaged(Timestamp::UNIX_EPOCH, None, reason)).unwrap();
            let host = Host::at(folder.path()).unwrap().state_at("/");
            let last = crate::host::integrity::Integrity::of(&host).last.unwrap().unwrap();
            assert_eq!(last.damaged.unwrap().as_str(), reason);
        }
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&directory.join(FILE))), (0o750, 0o640));
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
    }
}
