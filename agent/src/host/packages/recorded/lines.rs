//! The lines of a stream, out of one buffer that is used for file after file.

use std::io::{self, ErrorKind, Read};

/// Room for the longest line that there can be.
#[derive(Debug)]
pub(super) struct Lines {
    buffer: Vec<u8>,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; BUFFER] }
    }

    /// Each line without its end. One that is longer than any path is skipped: it is nobody's.
    pub(super) fn each(&mut self, mut source: impl Read, mut line: impl FnMut(&[u8])) -> io::Result<()> {
        let (mut end, mut is_too_long) = (0, false);
        loop {
            let count = match source.read(&mut self.buffer[end..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                count => count?,
            };
            if count == 0 {
                if end > 0 && !is_too_long {
                    line(&self.buffer[..end]);
                }
                return Ok(());
            }
            let mut start = 0;
            for at in memchr::memchr_iter(b'\n', &self.buffer[end..end + count]) {
                let stop = end + at;
                if !std::mem::take(&mut is_too_long) {
                    line(&self.buffer[start..stop]);
                }
                start = stop + 1;
            }
            end += count;
            self.buffer.copy_within(start..end, 0);
            end -= start;
            if end == self.buffer.len() {
                (end, is_too_long) = (0, true);
            }
        }
    }
}

/// Far above PATH_MAX with a digest before it, and large enough that system calls do not count.
const BUFFER: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives so many bytes at a time.
    struct Slowly<'a>(&'a [u8], usize);

    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn lines(bytes: &[u8], at_a_time: usize) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        Lines::new().each(Slowly(bytes, at_a_time), |line| found.push(line.to_vec())).unwrap();
        found
    }

    #[test]
    fn a_line_that_no_path_can_be_is_skipped_and_the_next_one_is_not() {
        let long = [b"a\n".to_vec(), vec![b'x'; 3 * BUFFER], b"\nb\nc".to_vec()].concat();
        assert_eq!(lines(&long, usize::MAX), [b"a", b"b", b"c"]);
        assert_eq!(lines(&vec![b'x'; 2 * BUFFER], usize::MAX), Vec::<Vec<u8>>::new());
    }

    proptest! {
        #[test]
        fn they_are_the_lines_however_the_bytes_come(text in "[ab\n]{0,60}", at_a_time in 1..9_usize) {
            let expected: Vec<&[u8]> = text.lines().map(str::as_bytes).collect();
            prop_assert_eq!(lines(text.as_bytes(), at_a_time), expected);
        }
    }
}
