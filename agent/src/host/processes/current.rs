//! The cheap look at a process: whether it certainly runs nothing that is gone.
//!
//! Nearly all processes are like that, and whoever looks at them every few minutes pays for each. So the few bytes that
//! settle it are read in as few calls as can be, and whatever is in any way doubtful is left to the look that can tell why.

use std::io::Read;

use memchr::{memchr, memmem, memrchr};
use nix::errno::Errno;

use super::maps;
use crate::host::Host;
use crate::host::procfs::Procfs;

#[derive(Debug)]
pub(super) struct Cheap {
    procfs: Procfs,
    mark: memmem::Finder<'static>,
    buffer: Vec<u8>,
}

impl Cheap {
    pub(super) fn of(host: &Host) -> Option<Self> {
        let buffer = vec![0; BUFFER];
        Some(Self { procfs: host.procfs()?, mark: memmem::Finder::new(maps::MARK), buffer })
    }

    /// Whether nothing that it executes is gone; `false` also where that cannot be told here.
    pub(super) fn is_current(&mut self, pid: u32) -> bool {
        match self.procfs.read_link(&format!("{pid}/exe")) {
            Ok(target) if maps::without_mark(target.as_encoded_bytes()).is_some() => false,
            Ok(_) => self.maps_are_current(pid).unwrap_or(false),
            // It has no memory, and so no mappings: the kernel's own, or one that ends (fs/proc/base.c, proc_exe_link).
            Err(Errno::ENOENT) => true,
            Err(_) => false,
        }
    }

    fn maps_are_current(&mut self, pid: u32) -> Option<bool> {
        let mut maps = self.procfs.open(&format!("{pid}/maps")).ok()?.take(maps::MAX_BYTES);
        let verdict = are_all_current(&mut maps, &mut self.buffer, &self.mark)?;
        // What was cut off is left to the look that says so.
        (maps.limit() > 0).then_some(verdict)
    }
}

/// Whether no line is executable code that is gone; `None` where they are not what is expected.
fn are_all_current(mut maps: impl Read, buffer: &mut [u8], mark: &memmem::Finder<'_>) -> Option<bool> {
    let (mut filled, mut is_first) = (0, true);
    loop {
        let count = maps.read(buffer.get_mut(filled..)?).ok()?;
        if count == 0 {
            // Or a line without an end; or one that fills the buffer.
            return (filled == 0).then_some(true);
        }
        filled = filled.checked_add(count)?;
        let Some(end) = memrchr(b'\n', buffer.get(..filled)?) else { continue };
        let lines = buffer.get(..=end)?;
        if is_first && !maps::is_understood(lines.get(..memchr(b'\n', lines)?)?) {
            return None;
        }
        if !are_current(lines, mark)? {
            return Some(false);
        }
        is_first = false;
        let rest = end.checked_add(1)?;
        buffer.copy_within(rest..filled, 0);
        filled = filled.checked_sub(rest)?;
    }
}

/// Whether none of these lines, each with its end, is executable code that is gone. Only those with the kernel's mark are
/// looked at; `None` if one of them is no mapping.
fn are_current(lines: &[u8], mark: &memmem::Finder<'_>) -> Option<bool> {
    for at in mark.find_iter(lines) {
        let end = at.checked_add(maps::MARK.len())?;
        if lines.get(end) != Some(&b'\n') {
            continue;
        }
        let start = memrchr(b'\n', lines.get(..at)?).map_or(0, |newline| newline.saturating_add(1));
        if maps::is_gone(lines.get(start..end)?)? {
            return Some(false);
        }
    }
    Some(true)
}

/// As long as a line may be; the kernel gives out a page at a time.
const BUFFER: usize = maps::MAX_LINE;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives out no more than so many bytes at once.
    struct Piecemeal<'a>(&'a [u8], usize);

    impl Read for Piecemeal<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let most = buffer.len().min(self.1);
            self.0.read(&mut buffer[..most])
        }
    }

    fn verdict(text: &[u8], at_once: usize, room: usize) -> Option<bool> {
        are_all_current(Piecemeal(text, at_once), &mut vec![0; room], &memmem::Finder::new(maps::MARK))
    }

    /// As the look that takes its time has it.
    fn expected(text: &[u8]) -> bool {
        let mut lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        !lines.any(|line| maps::is_gone(line).unwrap())
    }

    #[test]
    fn what_is_not_understood_is_left_to_the_other_look() {
        assert_eq!(verdict(b"", 9, 99), Some(true), "the kernel's own");
        assert_eq!(verdict(b"7f00-7f01 r-xp 0 fe:01 1 /a", 9, 99), None, "a line without an end");
        assert_eq!(verdict(b"what is this\n", 9, 99), None);
        assert_eq!(verdict(b"7f00-7f01 r-xp 0 fe:01 1 /a\n", 9, 20), None, "longer than there is room for");
        assert_eq!(verdict(b"7f00-7f01 r-xp 0 fe:01 1 /a\nx /b (deleted)\n", 9, 99), None);
    }

    #[test]
    fn every_process_of_this_machine_that_is_called_current_is() {
        let host = Host::at("/").unwrap();
        let Some(mut cheap) = Cheap::of(&host) else { return };
        let gone = |pid: u32| maps::gone(&host, &super::super::place(pid, "maps"));
        let own = std::process::id();
        assert!(
            cheap.is_current(own)
                || !gone(own).unwrap().is_empty()
                || !std::env::current_exe().unwrap().exists()
        );
        for pid in super::super::pids(&host).unwrap() {
            // What runs may change between the two looks; then it does not twice.
            let is_wrong =
                |cheap: &mut Cheap| cheap.is_current(pid) && gone(pid).is_ok_and(|gone| !gone.is_empty());
            assert!((0..3).any(|_| !is_wrong(&mut cheap)), "{pid}");
        }
    }

    proptest! {
        #[test]
        fn it_says_what_the_look_that_takes_its_time_says(
            lines in proptest::collection::vec(
                (
                    prop::sample::select(vec!["r-xp", "r--p", "rwxs"]),
                    0..3_u64,
                    prop::sample::select(vec!["", "/usr/lib/a.so", "/tmp/x", "[stack]", "/a (deleted)b", "/usr/a (deleted) (deleted)"]),
                    any::<bool>(),
                ),
                0..20,
            ),
            at_once in 1..300_usize,
        ) {
            let text: String = lines
                .iter()
                .map(|(rights, inode, path, is_gone)| {
                    let mark = if *is_gone { " (deleted)" } else { "" };
                    format!("7f00-7f01 {rights} 00001000 fe:01 {inode}      {path}{mark}\n")
                })
                .collect();
            prop_assert_eq!(verdict(text.as_bytes(), at_once, 200), Some(expected(text.as_bytes())));
        }

        #[test]
        fn no_bytes_make_it_panic(text in proptest::collection::vec(any::<u8>(), 0..300), at_once in 1..100_usize) {
            let _ = verdict(&text, at_once, 64);
        }
    }
}
