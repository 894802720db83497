//! rpm's database read while rpm changes it.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

pub(super) use super::source::stamp;
use crate::host::{Cause, Unreadable};

/// What was read may be half of one state and half of another.
pub(super) fn moved(path: &Path) -> Unreadable {
    Unreadable::malformed(path, 0, MOVED)
}

/// A journal says that a change has begun, and not whether anybody will end it.
pub(super) fn interrupted(path: &Path) -> Unreadable {
    Unreadable::malformed(path, 0, INTERRUPTED)
}

fn may_pass(cause: &Unreadable) -> bool {
    matches!(&cause.cause, Cause::Malformed { what, .. } if what == MOVED || what == INTERRUPTED)
}

/// Reads again where the database changes meanwhile.
pub(super) fn settled<T>(mut read: impl FnMut() -> Result<T, Unreadable>) -> Result<T, Unreadable> {
    for _ in 0..TRIES {
        match read() {
            Err(cause) if may_pass(&cause) => sleep(PAUSE),
            found => return found,
        }
    }
    read()
}

const MOVED: &str = "rpm changes it each time it is read";
const INTERRUPTED: &str = "a change of rpm's database is under way, or was interrupted";
/// A fifth of a second in all; rpm writes for a moment after each package of a transaction.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);
