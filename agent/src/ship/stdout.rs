//! The records on standard output, for whoever collects it: the same lines as in the file.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::time::Duration;

use super::{Bounds, Delivered, Shipper, Trouble};
use crate::journal::{Entry, Position};

#[derive(Debug)]
pub struct Stdout<W = File> {
    out: W,
    /// The record that was written in part when the reader would take no more, and how much of it.
    begun: Option<(Position, usize)>,
}

impl Stdout {
    pub fn new() -> io::Result<Self> {
        // Not std's own handle: its lock belongs to whoever prints, and a blocked write would hold it.
        let out = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self::to(File::from(out)))
    }
}

impl<W> Stdout<W> {
    pub fn to(out: W) -> Self {
        Self { out, begun: None }
    }
}

impl<W: Write + Send + fmt::Debug> Shipper for Stdout<W> {
    fn name(&self) -> &'static str {
        "stdout"
    }

    fn bounds(&self) -> Bounds {
        Bounds { records: 1000, bytes: PIPE }
    }

    fn deliver(&mut self, batch: &[Entry]) -> Result<Delivered, Trouble> {
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for entry in batch {
            bytes.extend_from_slice(&entry.line);
            bytes.push(b'\n');
            ends.push(bytes.len());
        }
        let first = batch.first().map(|entry| entry.position);
        let mut written = self.begun.filter(|(at, _)| Some(*at) == first).map_or(0, |(_, written)| written);
        let cause = loop {
            if written >= bytes.len() {
                break None;
            }
            match self.out.write(&bytes[written..]) {
                Ok(0) => break Some(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
        };
        let whole = ends.iter().take_while(|end| **end <= written).count();
        let before = whole.checked_sub(1).map_or(0, |last| ends[last]);
        self.begun = batch.get(whole).map(|entry| (entry.position, written - before));
        match cause {
            Some(cause) if whole == 0 || is_final(&cause) => Err(trouble(&cause)),
            _ => Ok(Delivered::first(whole)),
        }
    }
}

fn trouble(cause: &io::Error) -> Trouble {
    match cause.kind() {
        io::ErrorKind::BrokenPipe => {
            Trouble::Stop { text: "whoever read standard output has closed it".to_owned() }
        }
        io::ErrorKind::WouldBlock => {
            Trouble::Retry { after: Some(SOON), text: "nobody reads standard output".to_owned() }
        }
        _ => Trouble::retry(format!("cannot write to standard output: {cause}")),
    }
}

fn is_final(cause: &io::Error) -> bool {
    cause.kind() == io::ErrorKind::BrokenPipe
}

/// What a pipe holds: a batch that is written is, mostly, on its way at once.
const PIPE: usize = 64 * 1024;
const SOON: Duration = Duration::from_millis(100);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use crate::finding::wire::record::{Id, Kind};

    /// Takes so many bytes a call, and nothing every other call.
    #[derive(Debug, Default)]
    struct Slow {
        taken: Vec<u8>,
        calls: usize,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.calls += 1;
            if self.calls.is_multiple_of(2) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let count = bytes.len().min(7);
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_takes_a_few_bytes_at_a_time_gets_each_line_once() {
        let line = |seq: u64| Entry {
            position: Position { segment: 1, epoch: Id::new([1; 8]), seq },
            kind: Kind::Finding,
            severity: Severity::Low,
            line: format!("record {seq}").into_bytes(),
        };
        let mut batch: Vec<Entry> = (1..=20).map(line).collect();
        let mut stdout = Stdout::to(Slow::default());
        while !batch.is_empty() {
            match stdout.deliver(&batch) {
                Ok(delivered) => drop(batch.drain(..delivered.records)),
                Err(trouble) => assert!(matches!(trouble, Trouble::Retry { after: Some(_), .. })),
            }
        }
        let wanted: String = (1..=20).map(|seq| format!("record {seq}\n")).collect();
        assert_eq!(String::from_utf8(stdout.out.taken).unwrap(), wanted);
    }
}
