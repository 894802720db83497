//! fanotify(7): what a group can be asked to tell, and whether a whole file system can be watched.

use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::sys::fanotify::{EventFFlags, Fanotify, InitFlags, MarkFlags, MaskFlags};

use super::Has;

/// What a group tells of each event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// The directory, the file, and the name in it: Linux 5.9.
    Names,
    /// What it was before a change of name, too: Linux 5.17.
    Targets,
    /// The process, by a descriptor that cannot come to mean another: Linux 5.15.
    Processes,
}

/// Whether there can be a group that tells this. It is closed before anything is marked for it.
pub fn reports(report: Report) -> Has {
    Has::of(group(report), &[Errno::EINVAL, Errno::ENOSYS])
}

/// Whether the whole file system below a path can be watched, wherever it is mounted: Linux 4.20, and not each file
/// system. The mark is gone with its group, which nobody reads.
pub fn marks_file_system(path: &Path) -> Has {
    let group = match group(Report::Names) {
        Ok(group) => group,
        Err(errno) => return Has::of::<()>(Err(errno), &[Errno::EINVAL, Errno::ENOSYS]),
    };
    // Changes of mode are few: hardly one falls into the moment that this lasts.
    let marked = group.mark(
        MarkFlags::FAN_MARK_ADD | MarkFlags::FAN_MARK_FILESYSTEM,
        MaskFlags::FAN_ATTRIB,
        AT_FDCWD,
        Some(path),
    );
    // The last three: it has no id, cannot give handles, or has other ids below (btrfs).
    Has::of(marked, &[Errno::EINVAL, Errno::ENODEV, Errno::EOPNOTSUPP, Errno::EXDEV])
}

fn group(report: Report) -> Result<Fanotify, Errno> {
    let wanted = match report {
        Report::Names => libc::FAN_REPORT_FID | libc::FAN_REPORT_DFID_NAME,
        Report::Targets => libc::FAN_REPORT_DFID_NAME_TARGET,
        Report::Processes => libc::FAN_REPORT_FID | libc::FAN_REPORT_DFID_NAME | libc::FAN_REPORT_PIDFD,
    };
    let base = InitFlags::FAN_CLASS_NOTIF | InitFlags::FAN_CLOEXEC | InitFlags::FAN_NONBLOCK;
    Fanotify::init(base | InitFlags::from_bits_retain(wanted), EventFFlags::O_RDONLY)
}
