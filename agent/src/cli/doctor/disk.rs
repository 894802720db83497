//! The directory that keeps the record: whose it is, what it is on, whether what is written there lasts, and room.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, eaccess, geteuid};

use super::see::AS_ROOT;
use super::{owner, patience};
use crate::finding::need::{Area, Need};
use crate::journal::places::Places;
use crate::journal::{Directory, Storage as _};
use crate::sys::probe::{self, FileSystem, Flushed, Kind};

/// Everything about it, or that it does not answer.
pub(super) fn needs(most: u64, places: &Places) -> Vec<Need> {
    let (began, own) = (Instant::now(), places.clone());
    patience::within(DEADLINE, move || look(most, &own)).unwrap_or_else(|| {
        let why = format!("{} does not answer within {} s", places.state().display(), DEADLINE.as_secs());
        let stuck = |id: &&str| {
            Need::unknown(*id, Area::Keep, &why)
                .with_remedy("Mend what is below it: a disk, or a server that is gone; dmesg may say which")
                .in_time(began.elapsed())
        };
        IDS.iter().map(stuck).collect()
    })
}

fn look(most: u64, places: &Places) -> Vec<Need> {
    let place = nearest(places.state());
    let on = probe::file_system(place);
    let needs = [
        directory(places),
        owner::need(places),
        file_system(place, on.as_ref()),
        writable(place, on.as_ref()),
        flushed(place),
        space(place, on.as_ref(), most, journal_bytes(places)),
    ];
    needs.into()
}

fn directory(places: &Places) -> Need {
    let id = "state-directory";
    let mut wide = Vec::new();
    for (path, most) in directories(places) {
        let meta = match fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            // The daemons make what they need below the first.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && path != places.state() => continue,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                let why = format!("there is no {}", path.display());
                return Need::missing(id, Area::Keep, &why, "guestward run makes it");
            }
            Err(cause) => return Need::unknown(id, Area::Keep, &format!("{}: {cause}", path.display())),
        };
        if !meta.is_dir() {
            let why = format!("{} is no directory", path.display());
            return Need::missing(id, Area::Keep, &why, format!("rm {}", path.display()));
        }
        let mode = meta.mode() & 0o7777;
        // Whoever may write here could put another record in the place of ours.
        if mode & 0o777 & !most != 0 {
            let why = format!("{} has mode {mode:04o}", path.display());
            wide.push((path, most, why));
        }
    }
    let Some((path, most, _)) = wide.first() else {
        let here = places.state().display();
        return Need::ok(id, Area::Keep, &format!("{here} and what is in it are for their owner alone"));
    };
    let whys: Vec<&str> = wide.iter().map(|(_, _, why)| why.as_str()).collect();
    Need::missing(id, Area::Keep, &whys.join(", "), format!("chmod {most:04o} {}", path.display()))
}

/// Each with the widest mode that it may have, the outermost first.
pub(super) fn directories(places: &Places) -> [(PathBuf, u32); 5] {
    [
        (places.state().to_owned(), 0o755),
        (places.journal(), 0o750),
        (places.cursors(), 0o770),
        (places.seal(), 0o700),
        (places.open_findings(), 0o750),
    ]
}

fn file_system(place: &Path, on: Result<&FileSystem, &Errno>) -> Need {
    let id = "state-file-system";
    let here = place.display();
    let on = match on {
        Ok(on) => on,
        Err(errno) => return Need::unknown(id, Area::Keep, &format!("{here}: {}", errno.desc())),
    };
    let detail = format!("{here} is on {}", on.name);
    let elsewhere = format!("Give {here} a disk of this machine's own: ext4, XFS or their like");
    let with = |what: &str| format!("{detail}: {what}");
    match on.kind {
        Kind::Disk => Need::ok(id, Area::Keep, &detail),
        Kind::Memory => Need::missing(id, Area::Keep, &with("the next start forgets everything"), elsewhere),
        Kind::Image => Need::missing(id, Area::Keep, &with("nobody writes there"), elsewhere),
        Kind::Layers => {
            let what = with("what is written may go with the container, or with the next start");
            Need::degraded(id, Area::Keep, &what, elsewhere)
        }
        Kind::Remote => {
            let what = with("its server decides about locks and what outlives a crash, and can hold us up");
            Need::degraded(id, Area::Keep, &what, elsewhere)
        }
        Kind::Unknown => {
            let what = format!("{here} is on a file system that we do not know ({:#x})", on.magic);
            Need::unknown(id, Area::Keep, &what).with_remedy(elsewhere)
        }
    }
}

fn writable(place: &Path, on: Result<&FileSystem, &Errno>) -> Need {
    let id = "state-writable";
    let here = place.display();
    if on.is_ok_and(|on| on.is_read_only) {
        let remedy = format!("`findmnt -T {here}` and dmesg say why; then: mount -o remount,rw MOUNT");
        return Need::missing(id, Area::Keep, &format!("{here} is mounted read-only"), remedy);
    }
    match eaccess(place, AccessFlags::W_OK | AccessFlags::X_OK) {
        Ok(()) => Need::ok(id, Area::Keep, &format!("{here} can be written")),
        Err(errno) => refused(id, &format!("{here} cannot be written"), errno),
    }
}

/// Tried, because a disk that is ill says so only then.
fn flushed(place: &Path) -> Need {
    let id = "state-flush";
    let began = Instant::now();
    let here = place.display();
    let need = match probe::flush(place) {
        Ok(Flushed::File) => {
            Need::ok(id, Area::Keep, &format!("what is written to {here} is on the disk when fsync says so"))
        }
        Ok(Flushed::Directory) => Need::ok(
            id,
            Area::Keep,
            &format!(
                "{here} itself is flushed; files without a name, to try more with, are not to be had there"
            ),
        ),
        Err(errno) => refused(id, &format!("nothing can be written to {here} and flushed"), errno),
    };
    need.in_time(began.elapsed())
}

fn refused(id: &str, what: &str, errno: Errno) -> Need {
    let detail = format!("{what}: {}", errno.desc());
    let remedy = match errno {
        Errno::EACCES | Errno::EPERM if !geteuid().is_root() => {
            return Need::unknown(id, Area::Keep, &detail).with_remedy(AS_ROOT);
        }
        Errno::ENOSPC | Errno::EDQUOT => "Make room there: `df -h` and `df -i` show what is full",
        Errno::EROFS => "Mount it writable; dmesg says why it is not",
        _ => "dmesg may say what ails the disk; replace it where it fails",
    };
    Need::missing(id, Area::Keep, &detail, remedy)
}

/// Room for what the journal may still grow, and for a few files more.
fn space(place: &Path, on: Result<&FileSystem, &Errno>, most: u64, used: u64) -> Need {
    let id = "space";
    let Ok(on) = on else {
        return Need::unknown(id, Area::Keep, &format!("the room in {} is not told", place.display()));
    };
    let wanted = most.saturating_sub(used);
    let detail = format!(
        "{} MiB free; the journal has {} MiB and may have {} MiB",
        on.free / MIB,
        used / MIB,
        most / MIB
    );
    let here = place.display();
    let make = format!("Make room on {here}, or set a smaller max-bytes in [journal] of the policy");
    match on.free >= wanted {
        true if on.counts_inodes && on.free_inodes < FEW_INODES => {
            let detail = format!("{detail}; only {} more files can be made", on.free_inodes);
            Need::missing(
                id,
                Area::Keep,
                &detail,
                format!("Remove small files from the file system of {here}"),
            )
        }
        true => Need::ok(id, Area::Keep, &detail),
        false => Need::missing(id, Area::Keep, &detail, make),
    }
}

fn journal_bytes(places: &Places) -> u64 {
    let Ok(directory) = Directory::open(&places.journal()) else { return 0 };
    let names = directory.names().unwrap_or_default();
    names.iter().filter_map(|name| directory.size(name).ok()).sum()
}

/// The directory, or the first one upwards that there is.
fn nearest(path: &Path) -> &Path {
    path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"))
}

const IDS: [&str; 6] =
    ["state-directory", "state-owner", "state-file-system", "state-writable", "state-flush", "space"];
/// A disk that has to be woken, or writes out much that waits before it; goes off what is left to ask AWS.
const DEADLINE: Duration = Duration::from_secs(5);
const MIB: u64 = 1024 * 1024;
/// The journal has a file for every few megabytes, and each cursor one while it is replaced.
const FEW_INODES: u64 = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::need::State;

    fn on(kind: Kind) -> FileSystem {
        FileSystem {
            name: "x",
            kind,
            magic: 7,
            is_read_only: false,
            free: 10 * MIB,
            free_inodes: 1000,
            counts_inodes: true,
        }
    }

    #[test]
    fn memory_keeps_nothing_and_what_is_anothers_keeps_less() {
        for (kind, state) in [
            (Kind::Disk, State::Ok),
            (Kind::Memory, State::Missing),
            (Kind::Image, State::Missing),
            (Kind::Layers, State::Degraded),
            (Kind::Remote, State::Degraded),
            (Kind::Unknown, State::Unknown),
        ] {
            let need = file_system("/x".as_ref(), Ok(&on(kind)));
            assert_eq!((need.state, need.remedy.is_none()), (state, state == State::Ok), "{need:?}");
        }
        assert_eq!(file_system("/x".as_ref(), Err(&Errno::EIO)).state, State::Unknown);
    }

    #[test]
    fn room_is_for_what_the_journal_may_still_grow_and_for_files() {
        let state = |on: &FileSystem, most: u64, used: u64| space("/x".as_ref(), Ok(on), most, used).state;
        let disk = on(Kind::Disk);
        assert_eq!(state(&disk, 10 * MIB, 0), State::Ok);
        assert_eq!(state(&disk, 10 * MIB + 1, 0), State::Missing);
        assert_eq!(state(&disk, 30 * MIB, 20 * MIB), State::Ok);
        let full = FileSystem { free_inodes: 0, ..disk };
        assert_eq!(state(&full, MIB, 0), State::Missing);
        assert_eq!(state(&FileSystem { counts_inodes: false, ..full }, MIB, 0), State::Ok);
    }

    #[test]
    fn a_disk_that_fails_is_missing_whoever_asks() {
        for errno in [Errno::EIO, Errno::ENOSPC, Errno::EROFS] {
            let need = refused("state-flush", "it", errno);
            assert_eq!((need.state, need.remedy.is_some()), (State::Missing, true), "{errno}");
        }
    }

    #[test]
    fn whatever_is_said_of_one_that_answers_is_said_of_one_that_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let needs = look(0, &Places::at(folder.path()));
        let ids: Vec<&str> = needs.iter().map(|need| need.id.as_str()).collect();
        assert_eq!(ids, IDS);
    }
}
