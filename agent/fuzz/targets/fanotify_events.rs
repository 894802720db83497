//! What the kernel's queue of fanotify(7) gives.

#![no_main]

use guestward::sys::fanotify::{Events, Handle, Numbers};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut names = 0;
    for event in Events::of(bytes).map_while(Result::ok) {
        for name in [event.name, event.new_name].into_iter().flatten() {
            assert!(!name.name.contains(&b'/') && !name.name.contains(&0), "no name leads elsewhere");
            names += name.name.len();
        }
        for handle in [event.object, event.name.map(|name| name.directory)].into_iter().flatten() {
            assert_eq!(Handle::split(handle.bytes()), Some((handle, &[][..])));
            let _ = [Numbers::Short, Numbers::Long, Numbers::Memory].map(|numbers| numbers.inode(handle));
        }
    }
    assert!(names <= bytes.len(), "no name is larger than what holds it");
});
