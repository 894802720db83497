//! The parser on literal and on random bytes; the kernel on processes of our own.

use std::process::{Command, id};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use proptest::prelude::*;

use super::*;

/// A message as the kernel builds it.
fn message(what: u32, words: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let length = 16 + 20 + 16 + 4 * u32::try_from(words.len()).unwrap();
    for word in [length, 3, 7, 0, 1, 1, 7, 0, length - 36, what, 0] {
        bytes.extend(word.to_ne_bytes());
    }
    bytes.extend(99_u64.to_ne_bytes());
    bytes.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
    bytes
}

#[test]
fn each_event_of_a_process_is_told_and_none_of_its_threads() {
    let events = |what, words: &[u32]| parse(&message(what, words)).collect::<Vec<_>>();
    assert_eq!(events(1, &[11, 10, 20, 20]), [ProcessEvent::Fork { parent: 10, child: 20, at: 99 }]);
    assert_eq!(events(2, &[20, 20]), [ProcessEvent::Exec { pid: 20 }]);
    assert_eq!(events(4, &[20, 20, 1000, 0]), [ProcessEvent::Uid { pid: 20, real: 1000, effective: 0 }]);
    assert_eq!(events(0x8000_0000, &[20, 20, 0, 17, 10, 10]), [ProcessEvent::Exit { pid: 20 }]);
    for (what, words) in [
        (1, &[10, 10, 21, 20][..]),
        (4, &[21, 20, 1, 1]),
        (0x8000_0000, &[21, 20, 0, 17]),
        (0x200, &[20, 20, 0, 0]),
        (1, &[11, 10, 20]),
    ] {
        assert_eq!(events(what, words), [], "{what} {words:?}");
    }
    let two = [message(2, &[20, 20]), message(2, &[21, 21])].concat();
    assert_eq!(parse(&two).count(), 2);
    let mut of_others = message(2, &[20, 20]);
    of_others[16] = 9;
    assert_eq!(parse(&of_others).count(), 0);
}

/// Everything until one is there that `is_last`.
fn until(events: &mut ProcessEvents, is_last: impl Fn(&ProcessEvent) -> bool) -> Vec<ProcessEvent> {
    let (mut all, end) = (Vec::new(), Instant::now() + Duration::from_secs(60));
    while !all.iter().any(&is_last) {
        assert!(Instant::now() < end, "{all:?}");
        poll(&mut [PollFd::new(events.descriptor(), PollFlags::POLLIN)], PollTimeout::from(1000_u16))
            .unwrap();
        assert!(!events.drain(&mut all).unwrap());
    }
    all
}

#[test]
fn the_kernel_tells_of_a_child_from_its_fork_to_its_end() {
    let mut events = match ProcessEvents::listen() {
        Ok(events) => events,
        Err(errno) => {
            return assert!(!nix::unistd::geteuid().is_root() || errno == Errno::EOPNOTSUPP, "{errno}");
        }
    };
    let mut child = Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    let all = until(&mut events, |event| *event == ProcessEvent::Exit { pid });
    let of_child: Vec<_> = all
        .iter()
        .filter(|event| match event {
            ProcessEvent::Fork { child, .. } => *child == pid,
            ProcessEvent::Exec { pid: of }
            | ProcessEvent::Uid { pid: of, .. }
            | ProcessEvent::Exit { pid: of } => *of == pid,
        })
        .collect();
    assert!(
        matches!(of_child[..], [ProcessEvent::Fork { parent, .. }, ProcessEvent::Exec { .. }, ProcessEvent::Exit { .. }] if *parent == id()),
        "{of_child:?}"
    );
}

#[test]
fn another_listener_does_not_answer_for_us_and_threads_are_not_told() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let (Ok(mut first), Ok(_second)) = (ProcessEvents::listen(), ProcessEvents::listen()) else { return };
    std::thread::spawn(|| ()).join().unwrap();
    let mut child = Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    let all = until(&mut first, |event| *event == ProcessEvent::Exit { pid });
    assert!(!all.iter().any(|event| *event == ProcessEvent::Exit { pid: id() }));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(parse(&bytes).count() <= bytes.len() / 16);
    }

    #[test]
    fn no_words_make_it_panic(what in any::<u32>(), words in proptest::collection::vec(any::<u32>(), 0..8), cut in 0..80_usize) {
        let bytes = message(what, &words);
        let _ = parse(&bytes[..cut.min(bytes.len())]).count();
    }
}
