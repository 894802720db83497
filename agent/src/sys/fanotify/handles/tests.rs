//! Handles of each kind, and those of files that are there.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::*;
use proptest::prelude::*;

fn raw(kind: i32, own: &[u8]) -> Vec<u8> {
    let length = u32::try_from(own.len()).unwrap();
    [&[0; FSID][..], &length.to_ne_bytes(), &kind.to_ne_bytes(), own].concat()
}

fn fitting(kind: i32, own: &[u8], inode: u64) -> Numbers {
    Numbers::fitting(Handle::split(&raw(kind, own)).unwrap().0, inode)
}

#[test]
fn the_number_is_where_its_file_system_writes_it() {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
    assert_eq!(fitting(1, &words(&[12, 99]), 12), Numbers::Short);
    assert_eq!(fitting(0x81, &words(&[12, 1, 99]), 1 << 32 | 12), Numbers::Long);
    assert_eq!(fitting(1, &words(&[99, 12, 1]), 1 << 32 | 12), Numbers::Memory);
    assert_eq!(fitting(0x4d, &words(&[12, 0, 99]), 12), Numbers::Unknown);
    assert_eq!(fitting(1, &words(&[12, 99]), 13), Numbers::Unknown);
    let parented = raw(2, &words(&[12, 99, 2, 1]));
    assert_eq!(Numbers::Short.inode(Handle::split(&parented).unwrap().0), Some(12));
}

#[test]
fn a_file_is_found_by_its_handle_under_whatever_name() {
    for folder in ["/tmp", "/dev/shm"].map(Path::new).into_iter().filter(|folder| folder.is_dir()) {
        let folder = tempfile::tempdir_in(folder).unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        fs::write(&old, "x").unwrap();
        let file = File::open(&old).unwrap();
        let Ok(bytes) = handle_of(&file) else { continue };
        fs::rename(&old, &new).unwrap();
        let (handle, rest) = Handle::split(&bytes).unwrap();
        assert!(rest.is_empty() && handle.file_system() == FileSystem::of(&file).unwrap());
        let root = File::open(folder.path()).unwrap();
        let opened = match open_by_handle(root.as_fd(), handle) {
            // Not for everybody.
            Err(Errno::EPERM) => continue,
            opened => opened.unwrap(),
        };
        let link = fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd())).unwrap();
        assert_eq!(link, new.canonicalize().unwrap());
        let inode = file.metadata().unwrap().ino();
        let numbers = Numbers::fitting(handle, inode);
        assert!(numbers == Numbers::Unknown || numbers.inode(handle) == Some(inode));
        drop((file, opened));
        fs::remove_file(&new).unwrap();
        // Another test may have forked, and so the file is still open for a moment.
        match open_by_handle(root.as_fd(), handle) {
            Ok(gone) => assert_eq!(nix::sys::stat::fstat(&gone).unwrap().st_nlink, 0),
            Err(errno) => assert_eq!(errno, Errno::ESTALE),
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind: i32) {
        if let Some((handle, rest)) = Handle::split(&bytes) {
            prop_assert_eq!([handle.bytes(), rest].concat(), bytes.clone());
        }
        let raw = raw(kind, &bytes[..bytes.len().min(MAX)]);
        let (handle, _) = Handle::split(&raw).unwrap();
        for numbers in [Numbers::Unknown, Numbers::Short, Numbers::Long, Numbers::Memory] {
            let _ = numbers.inode(handle);
        }
    }
}
