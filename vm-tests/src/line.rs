//! JSON, a document a line, over a socket to QEMU: what its monitor and the guest's agent have in common.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

/// An open socket, and what came in of the next line.
#[derive(Debug)]
pub struct Line {
    socket: UnixStream,
    begun: Vec<u8>,
}

impl Line {
    /// Waits for QEMU to listen.
    pub fn connect(path: &Path, until: Instant) -> io::Result<Self> {
        loop {
            match UnixStream::connect(path) {
                Ok(socket) => return Ok(Self { socket, begun: Vec::new() }),
                Err(error) if Instant::now() >= until => return Err(error),
                Err(_) => sleep(Duration::from_millis(10)),
            }
        }
    }

    pub fn send(&mut self, bytes: &[u8], until: Instant) -> io::Result<()> {
        self.socket.set_write_timeout(Some(left(until)))?;
        self.socket.write_all(bytes)
    }

    /// The next document. Bytes before the last 0xFF of a line belong to a talk that somebody gave up.
    pub fn receive(&mut self, until: Instant) -> io::Result<Value> {
        loop {
            if let Some(end) = self.begun.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.begun.drain(..=end).collect();
                let line = line.rsplit(|&byte| byte == 0xFF).next().unwrap_or_default();
                match serde_json::from_slice(line) {
                    Ok(value) => return Ok(value),
                    // An answer to somebody who was interrupted.
                    Err(_) => continue,
                }
            }
            if Instant::now() >= until {
                return Err(ErrorKind::TimedOut.into());
            }
            self.socket.set_read_timeout(Some(left(until)))?;
            let mut bytes = [0; 65536];
            match self.socket.read(&mut bytes) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.begun.extend_from_slice(&bytes[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// A timeout of zero would be none.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}
