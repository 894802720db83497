//! A made-up tree, and what can be done to it: each kind of change with what it must be told as.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::XattrFlags;

/// What must be told of a path: how it changed, and which fields at least.
pub(crate) type Truth = BTreeMap<String, (&'static str, Vec<&'static str>)>;

/// Numbers that are the same each time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// Files, links and folders below `root`; returns the files and the links, by their paths below it.
pub(crate) fn plant(root: &Path, files: usize, dice: &mut Dice) -> (Vec<String>, Vec<String>) {
    let mut folders = vec![String::new()];
    for number in 0..files / 20 {
        let parent = &folders[dice.below(folders.len())];
        let folder = format!("{parent}/d{number}");
        fs::create_dir(below(root, &folder)).unwrap();
        folders.push(folder);
    }
    let (mut names, mut links) = (Vec::new(), Vec::new());
    for number in 0..files {
        let folder = &folders[dice.below(folders.len())];
        let name = format!("{folder}/f{number}");
        let length = dice.below(3_000) + 1;
        fs::write(below(root, &name), dice.bytes(length)).unwrap();
        names.push(name);
        if number % 20 == 0 {
            let link = format!("{folder}/l{number}");
            symlink(format!("f{number}"), below(root, &link)).unwrap();
            links.push(link);
        }
    }
    (names, links)
}

/// A path of the tree on the disk.
pub(crate) fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// The kinds of change; each is done to an object of its own.
pub(crate) const KINDS: &[&str] = &[
    "content",
    "restored",
    "append",
    "touch",
    "mode",
    "set-uid",
    "owner",
    "group",
    "xattr",
    "acl",
    "capability",
    "immutable",
    "append-only",
    "hard-link",
    "to-directory",
    "to-fifo",
    "to-link",
    "add",
    "add-directory",
    "remove",
    "rename",
    "target",
];

/// Changes one object in one way, and writes down what must be told of it.
pub(crate) fn change(root: &Path, kind: &'static str, path: &str, truth: &mut Truth, dice: &mut Dice) {
    let file = below(root, path);
    let mut tell = |path: &str, change: &'static str, fields: &[&'static str]| {
        truth.insert(path.to_owned(), (change, fields.to_vec()));
    };
    match kind {
        "content" => {
            let length = dice.below(3_000) + 3_001;
            fs::write(&file, dice.bytes(length)).unwrap();
            tell(path, "modified", &["content", "size", "mtime"]);
        }
        "restored" => {
            let before = fs::metadata(&file).unwrap();
            let handle = fs::OpenOptions::new().write(true).read(true).open(&file).unwrap();
            let mut byte = [0];
            handle.read_exact_at(&mut byte, 0).unwrap();
            handle.write_all_at(&[byte[0] ^ 1], 0).unwrap();
            handle.set_modified(before.modified().unwrap()).unwrap();
            tell(path, "modified", &["content"]);
        }
        "append" => {
            use std::io::Write as _;
            fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"more").unwrap();
            tell(path, "modified", &["content", "size", "mtime"]);
        }
        "touch" => {
            let handle = fs::File::open(&file).unwrap();
            handle
                .set_modified(
                    std::time::UNIX_EPOCH + std::time::Duration::from_secs(dice.next() % 1_000_000_000),
                )
                .unwrap();
            tell(path, "modified", &["mtime"]);
        }
        "mode" | "set-uid" => {
            let mode = if kind == "mode" { 0o666 } else { 0o4755 };
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            tell(path, "modified", &["mode"]);
        }
        "owner" => {
            chown(&file, Some(4_711), None).unwrap();
            tell(path, "modified", &["owner"]);
        }
        "group" => {
            chown(&file, None, Some(4_711)).unwrap();
            tell(path, "modified", &["group"]);
        }
        "xattr" => {
            rustix::fs::setxattr(&file, "user.note", b"changed", XattrFlags::empty()).unwrap();
            tell(path, "modified", &["xattrs"]);
        }
        "acl" => {
            rustix::fs::setxattr(&file, "system.posix_acl_access", &acl(), XattrFlags::empty()).unwrap();
            tell(path, "modified", &["acl"]);
        }
        "capability" => {
            rustix::fs::setxattr(&file, "security.capability", &CAPABILITY, XattrFlags::empty()).unwrap();
            tell(path, "modified", &["capabilities"]);
        }
        "immutable" | "append-only" => {
            chattr(if kind == "immutable" { "+i" } else { "+a" }, &file);
            tell(path, "modified", &["flags"]);
        }
        "hard-link" => {
            let other = format!("{path}-too");
            fs::hard_link(&file, below(root, &other)).unwrap();
            tell(path, "modified", &["links"]);
            tell(&other, "added", &[]);
        }
        "to-directory" | "to-fifo" | "to-link" => {
            fs::remove_file(&file).unwrap();
            match kind {
                "to-directory" => fs::create_dir(&file).unwrap(),
                "to-fifo" => nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRUSR).unwrap(),
                _ => symlink("/etc/passwd", &file).unwrap(),
            }
            tell(path, "modified", &["type"]);
        }
        "add" => {
            let other = format!("{path}-new");
            fs::write(below(root, &other), b"new").unwrap();
            tell(&other, "added", &[]);
        }
        "add-directory" => {
            let other = format!("{path}-new");
            fs::create_dir(below(root, &other)).unwrap();
            fs::write(below(root, &other).join("inside"), b"new").unwrap();
            tell(&other, "added", &[]);
            tell(&format!("{other}/inside"), "added", &[]);
        }
        "remove" => {
            fs::remove_file(&file).unwrap();
            tell(path, "removed", &[]);
        }
        "rename" => {
            let other = format!("{path}-moved");
            fs::rename(&file, below(root, &other)).unwrap();
            tell(path, "removed", &[]);
            tell(&other, "added", &[]);
        }
        "target" => {
            fs::remove_file(&file).unwrap();
            symlink("/etc/shadow", &file).unwrap();
            lchown(&file, Some(0), Some(0)).unwrap();
            tell(path, "modified", &["target"]);
        }
        other => panic!("no such change: {other}"),
    }
}

/// Takes away what would keep the tree from being removed.
pub(crate) fn soften(root: &Path) {
    chattr_all(root);
}

fn chattr(flag: &str, file: &Path) {
    assert!(
        Command::new("chattr").arg(flag).arg(file).status().unwrap().success(),
        "chattr {flag} {}",
        file.display()
    );
}

fn chattr_all(root: &Path) {
    // Links and FIFOs have none, of which it complains.
    let _ = Command::new("chattr").args(["-R", "-f", "-i", "-a"]).arg(root).output().unwrap();
}

/// `user::rw-,user:4711:r--,group::r--,mask::r--,other::r--` as acl(5) stores it.
fn acl() -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in
        [(1_u16, 6_u16, u32::MAX), (2, 4, 4_711), (4, 4, u32::MAX), (0x10, 4, u32::MAX), (0x20, 4, u32::MAX)]
    {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// `cap_net_raw=ep`: struct vfs_cap_data of version 2.
const CAPABILITY: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
