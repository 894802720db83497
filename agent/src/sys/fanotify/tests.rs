//! Groups of this process's own, where it may have them.

use std::fs::{self, File};

use super::*;

/// None where this process may not have one.
fn group() -> Option<Group> {
    Group::new(false).ok()
}

#[test]
fn the_flags_are_read_off_the_kernels_own_words() {
    assert_eq!(flags("pos:\t0\nflags:\t02\nfanotify flags:1e02 event-flags:8000\n"), Some(0x1e02));
    assert_eq!(flags("pos:\t0\ninotify wd:1\n"), None);
}

#[test]
fn a_group_that_is_handed_on_keeps_what_waits_in_it() {
    let Some(group) = group() else { return };
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    group.mark_file(path.to_str().unwrap().as_bytes(), libc::FAN_OPEN).unwrap();
    drop(File::open(&path).unwrap());
    let features = group.features();
    let adopted = Group::adopt(group.descriptor().try_clone_to_owned().unwrap()).unwrap();
    assert_eq!(adopted.features(), features);
    let mut buffer = vec![0; 4096];
    let batch = adopted.read(&mut buffer).unwrap().unwrap();
    let events: Vec<Event<'_>> = batch.events().map(Result::unwrap).collect();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.mask, event.name.unwrap().name), (libc::FAN_OPEN, &b"file"[..]));
    assert_eq!(event.pid, std::process::id());
    assert_eq!(event.object.unwrap().bytes(), &*handle_of(File::open(&path).unwrap()).unwrap());
    drop(batch);
    // Our own opening of it just now.
    assert!(adopted.read(&mut buffer).unwrap().is_some());
    assert!(adopted.read(&mut buffer).unwrap().is_none(), "it waits for more");
    adopted.unmark_files().unwrap();
    drop(File::open(&path).unwrap());
    assert!(adopted.read(&mut buffer).unwrap().is_none());
}

#[test]
fn what_is_no_group_or_tells_no_names_is_refused() {
    let (ours, theirs) = std::io::pipe().unwrap();
    let error = Group::adopt(theirs.into()).unwrap_err();
    assert!(error.starts_with("it is pipe:"), "{error}");
    drop(ours);
    use nix::sys::fanotify::{EventFFlags, Fanotify, InitFlags};
    let Ok(nameless) = Fanotify::init(InitFlags::FAN_CLASS_NOTIF, EventFFlags::O_RDONLY) else { return };
    let nameless = nameless.as_fd().try_clone_to_owned().unwrap();
    assert_eq!(Group::adopt(nameless).unwrap_err(), "it tells no names");
}

#[test]
fn a_process_comes_with_its_event_where_that_is_wanted() {
    let Ok(group) = Group::new(true) else { return };
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    group.mark_file(path.to_str().unwrap().as_bytes(), libc::FAN_OPEN).unwrap();
    drop(File::open(&path).unwrap());
    let mut buffer = vec![0; 4096];
    let batch = group.read(&mut buffer).unwrap().unwrap();
    let event = batch.events().next().unwrap().unwrap();
    assert_eq!(batch.process(&event).is_some(), group.features().pidfd);
}
