//! The status socket: who connects is told one document, and is never listened to. unix(7)
//!
//! Neither side waits for the other without an end: a client that does not read cannot hold the daemon, and a daemon
//! that does not answer cannot hold the client.

mod ask;
mod place;

use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Gid;

pub use ask::{NoAnswer, Why, ask};
use place::Place;
pub use place::{NoPlace, run_dir};

/// A socket of ours in the file system; it goes when this does.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    /// Its end takes the socket away.
    place: Place,
}

impl Listener {
    /// Listens at `path`, in the place of a socket that a dead process left, but never in that of a live one or of
    /// anything else.
    pub fn bind(path: &Path, mode: u32, group: Option<Gid>) -> Result<Self, NoPlace> {
        let (socket, place) = Place::take(path, mode, group)?;
        Ok(Self { socket, place })
    }

    /// Started by hand as root, we leave what the service can take away again, however we end.
    pub fn leave_to(&self, user: &str, group: &str) {
        self.place.leave_to(user, group);
    }

    /// The next who asks; `None` when nobody did for that long.
    pub fn accept(&self, within: Duration) -> io::Result<Option<Connection>> {
        let end = Instant::now() + within;
        loop {
            match self.socket.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(true)?;
                    return Ok(Some(Connection { stream }));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !ready(&self.socket, PollFlags::POLLIN, end)? {
                        return Ok(None);
                    }
                }
                // The client went before its turn came.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Somebody who wants to be told the document.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
}

impl Connection {
    /// Tells it, and is done with the client in any case: whoever does not take all of it in time gets a part.
    pub fn answer(mut self, document: &[u8]) -> io::Result<()> {
        let end = Instant::now() + MAX_WRITE;
        let mut rest = document;
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !ready(&self.stream, PollFlags::POLLOUT, end)? {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Waits until the socket can go on, or is broken; `false` when neither came to be before `end`.
fn ready(socket: &impl AsFd, what: PollFlags, end: Instant) -> Result<bool, Errno> {
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        // Rounded up, or the last millisecond would be spent asking again and again.
        let millis = u16::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
        match poll(&mut [PollFd::new(socket.as_fd(), what)], PollTimeout::from(millis)) {
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(true),
            Err(errno) => return Err(errno),
        }
    }
}

/// A document fits into the socket's buffer as a rule, so this is for those who mean ill.
const MAX_WRITE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
