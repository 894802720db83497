//! The file systems that are watched: one mark for each, wherever and however often it is mounted.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat};

use super::setup::{By, Covered};
use crate::host::Text;
use crate::host::files::mounts::{LOCAL_TOO, MEMORY, Mount, Mounts, OWN_MOUNTS};
use crate::sys::fanotify::{FileSystem, Group, Handle, Numbers, handle_of};

#[derive(Debug, Default)]
pub(super) struct Disks {
    list: Vec<Disk>,
    overlays: Vec<Overlay>,
}

#[derive(Debug)]
pub(super) struct Disk {
    kind: Text,
    /// Those first through which most of it is seen.
    pub(super) seats: Vec<Seat>,
    pub(super) mark: Result<Marked, Text>,
    matters: bool,
    /// Anything on it is of interest, and can be seen.
    leads: bool,
    /// Nothing of it was reached when it was to be marked.
    is_hidden: bool,
}

/// What was found out when it was marked.
#[derive(Debug)]
pub(super) struct Marked {
    id: FileSystem,
    /// `st_dev` of its files.
    pub(super) device: u64,
    pub(super) numbers: Numbers,
}

/// One place where it is mounted.
#[derive(Debug)]
pub(super) struct Seat {
    mount: u32,
    pub(super) point: Vec<u8>,
    /// Which of its directories lies there.
    pub(super) root: Vec<u8>,
    /// Open only while a batch of events is read: a mount on which something is open cannot be taken away.
    anchor: Option<OwnedFd>,
}

/// Which cannot be marked, but what it shows is written elsewhere.
#[derive(Debug)]
pub(super) struct Overlay {
    pub(super) point: Vec<u8>,
    kind: Text,
    pub(super) upper: Option<Vec<u8>>,
    matters: bool,
}

impl Disks {
    /// Takes note of what is mounted now; nothing of it is marked yet. Where nothing at all is wanted, nothing is to be
    /// marked: whoever has no baseline pays for none.
    pub(super) fn plan(&mut self, mounts: &Mounts, leads_on: impl Fn(&[u8]) -> bool, kinds: &[String]) {
        let mut disks: BTreeMap<(u32, u32), Disk> = BTreeMap::new();
        self.overlays.clear();
        for mount in &mounts.list {
            let leads = leads_on(mount.point.as_os_str().as_bytes());
            if mount.kind.as_str() == OVERLAY {
                self.overlays.push(Overlay::of(mount, leads));
                continue;
            }
            let Some(wish) = wish(mount.kind.as_str(), leads, kinds) else { continue };
            let disk = disks.entry(mount.device).or_insert_with(|| Disk::of(mount));
            disk.matters |= wish == Wish::All;
            disk.leads |= leads;
            disk.seats.push(Seat::of(mount));
        }
        let is_any_wanted =
            disks.values().any(|disk| disk.leads) || self.overlays.iter().any(|of| of.matters);
        let has_overlays = self.overlays.iter().any(|overlay| overlay.matters);
        self.list = disks.into_values().filter(|_| is_any_wanted).collect();
        // No other name of a file is on another file system; only what an overlay shows lies elsewhere.
        self.list.iter_mut().for_each(|disk| disk.matters &= disk.leads || has_overlays);
        self.list.iter_mut().for_each(|disk| disk.seats.sort_by_key(|seat| seat.root.len()));
    }

    /// Puts the marks on them. To mark again what is marked changes nothing, and a number may have come to mean another file
    /// system since.
    pub(super) fn mark(&mut self, group: Result<&Group, &Text>, mask: u64) {
        for disk in &mut self.list {
            let mask = if disk.matters { mask } else { libc::FAN_OPEN_EXEC };
            disk.mark = group.map_err(Text::clone).and_then(|group| disk.place(group, mask));
        }
        // What lies below other mounts altogether is nowhere to be looked at.
        self.list.retain(|disk| group.is_err() || !disk.is_hidden);
        self.release();
    }

    /// Which file systems have this id, by their places in the list; copies of one disk have the same.
    pub(super) fn with_id(&self, id: FileSystem) -> impl Iterator<Item = usize> {
        let has = move |disk: &Disk| disk.mark.as_ref().is_ok_and(|marked| marked.id == id);
        self.list.iter().enumerate().filter(move |(_, disk)| has(disk)).map(|(at, _)| at)
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Disk> {
        self.list.get_mut(at)
    }

    /// The number of a file on a file system with this id, without opening it; none where that is not possible.
    pub(super) fn inode(&self, handle: Handle<'_>) -> Option<(u64, u64)> {
        let mut with = self.with_id(handle.file_system());
        let disk = self.list.get(with.next()?)?;
        // Of two with one id nobody can say which one it is.
        let marked = disk.mark.as_ref().ok().filter(|_| with.next().is_none())?;
        Some((marked.device, marked.numbers.inode(handle)?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn overlays(&self) -> &[Overlay] {
        &self.overlays
    }

    /// Closes what was opened to resolve handles.
    pub(super) fn release(&mut self) {
        for seat in self.list.iter_mut().flat_map(|disk| &mut disk.seats) {
            seat.anchor = None;
        }
    }

    /// The points of what matters and cannot be watched as a whole, and why.
    pub(super) fn refused(&self) -> impl Iterator<Item = (&[u8], Text)> {
        let disks = self
            .list
            .iter()
            .filter(|disk| disk.leads)
            .filter_map(|disk| Some((&disk.seats.first()?.point[..], disk.mark.as_ref().err()?.clone())));
        let overlays = self.overlays.iter().filter(|overlay| overlay.matters && !self.sees(overlay));
        disks.chain(overlays.map(|overlay| (&overlay.point[..], Text::new("an overlay cannot be marked"))))
    }

    pub(super) fn coverage(&self) -> Vec<Covered> {
        let disks = self.list.iter().filter(|disk| disk.matters).filter_map(|disk| {
            let by = disk.mark.as_ref().map_or_else(|why| By::Nobody(why.clone()), |_| By::Whole);
            Some(Covered { point: disk.seats.first()?.point.clone(), kind: disk.kind.clone(), by })
        });
        let overlays = self.overlays.iter().filter(|overlay| overlay.matters).map(|overlay| {
            let by = match self.sees(overlay) {
                true => By::Upper,
                false => By::Nobody(Text::new("an overlay cannot be marked")),
            };
            Covered { point: overlay.point.clone(), kind: overlay.kind.clone(), by }
        });
        disks.chain(overlays).collect()
    }

    /// Whether what an overlay shows is written to where it is seen. Before Linux 6.5 writes to files that were there already
    /// were not told (commit bc2473c90fca).
    fn sees(&self, overlay: &Overlay) -> bool {
        let Some(upper) = &overlay.upper else { return false };
        let Ok(found) = nix::sys::stat::lstat(Path::new(std::ffi::OsStr::from_bytes(upper))) else {
            return false;
        };
        let is_marked = |disk: &Disk| {
            disk.matters && disk.mark.as_ref().is_ok_and(|marked| marked.device == found.st_dev)
        };
        is_recent() && self.list.iter().any(is_marked)
    }
}

impl Disk {
    fn of(mount: &Mount) -> Self {
        let mark = Err(Text::new("it was not marked yet"));
        Self {
            kind: mount.kind.clone(),
            seats: Vec::new(),
            mark,
            matters: false,
            leads: false,
            is_hidden: false,
        }
    }

    fn place(&mut self, group: &Group, mask: u64) -> Result<Marked, Text> {
        let mut refusal = Text::new("it cannot be reached");
        self.is_hidden = true;
        for seat in &mut self.seats {
            let point = Text::from_bytes_within(&seat.point, MAX_SHOWN);
            let marked = seat.anchor().and_then(|anchor| {
                group.mark_file_system(anchor, mask)?;
                let (id, handle, found) = (FileSystem::of(anchor)?, handle_of(anchor)?, fstat(anchor)?);
                let numbers = Handle::split(&handle)
                    .map_or(Numbers::Unknown, |(handle, _)| Numbers::fitting(handle, found.st_ino));
                Ok(Marked { id, device: found.st_dev, numbers })
            });
            self.is_hidden &= marked.as_ref().is_err_and(|errno| *errno == Errno::ENOENT);
            match marked {
                Ok(marked) => return Ok(marked),
                Err(errno) => refusal = Text::new(&format!("{}: {}", point.as_str(), why(errno))),
            }
        }
        Err(refusal)
    }
}

impl Seat {
    fn of(mount: &Mount) -> Self {
        let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
        Self { mount: mount.id, point: bytes(&mount.point), root: bytes(&mount.root), anchor: None }
    }

    /// Something that is open on this very mount; ENOENT where another one lies on it.
    pub(super) fn anchor(&mut self) -> Result<BorrowedFd<'_>, Errno> {
        if self.anchor.is_none() {
            let path = Path::new(std::ffi::OsStr::from_bytes(&self.point));
            let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
            let opened = open(path, flags, Mode::empty())?;
            if mount_of(opened.as_fd()).is_some_and(|mount| mount != u64::from(self.mount)) {
                return Err(Errno::ENOENT);
            }
            self.anchor = Some(opened);
        }
        self.anchor.as_ref().map(|anchor| anchor.as_fd()).ok_or(Errno::ENOENT)
    }

    /// All of the file system is below it.
    pub(super) fn is_whole(&self) -> bool {
        self.root == b"/"
    }
}

impl Overlay {
    fn of(mount: &Mount, matters: bool) -> Self {
        let upper = mount.upper.as_deref().filter(|upper| upper.is_absolute());
        let upper = upper.map(|upper| upper.as_os_str().as_bytes().to_vec());
        let point = mount.point.as_os_str().as_bytes().to_vec();
        Self { point, kind: mount.kind.clone(), upper, matters }
    }
}

/// What is told of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    All,
    /// Only what is executed from it: who did something elsewhere follows from that.
    Programs,
}

fn wish(kind: &str, leads: bool, kinds: &[String]) -> Option<Wish> {
    let is_local = Mount::is_local(kind) || LOCAL_TOO.contains(&kind);
    if FIXED.contains(&kind) {
        Some(Wish::Programs)
    } else if is_local || kinds.iter().any(|named| named == kind) {
        Some(Wish::All)
    } else if MEMORY.contains(&kind) {
        Some(if leads { Wish::All } else { Wish::Programs })
    } else {
        None
    }
}

/// STATX_MNT_ID: Linux 5.8.
fn mount_of(file: BorrowedFd<'_>) -> Option<u64> {
    use rustix::fs::{AtFlags, StatxFlags, statx};
    let found = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?;
    (found.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(found.stx_mnt_id)
}

fn why(errno: Errno) -> &'static str {
    match errno {
        Errno::EOPNOTSUPP => "its type gives no handles",
        Errno::ENODEV => "it has no id",
        Errno::EXDEV => "it has other file systems within",
        errno => errno.desc(),
    }
}

fn is_recent() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) >= (6, 5),
        _ => false,
    }
}

/// What this process sees.
pub(super) fn mounts() -> Option<Mounts> {
    Mounts::parse(&fs::read(OWN_MOUNTS).ok()?).ok()
}

const OVERLAY: &str = "overlay";
/// Nothing in them ever changes.
const FIXED: &[&str] = &["erofs", "squashfs"];
const MAX_SHOWN: usize = 512;
