//! The client's side of a status socket.

use std::fmt;
use std::io::{self, Read as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};

use super::ready;

/// The document that the daemon behind a socket tells: at most `limit` bytes of it, and at most so long.
pub fn ask(path: &Path, within: Duration, limit: usize) -> Result<Vec<u8>, NoAnswer> {
    let end = Instant::now() + within;
    let answer = reach(path, end).and_then(|stream| read(stream, end, limit));
    answer.map_err(|why| NoAnswer { path: path.to_owned(), why })
}

/// Why a daemon could not be asked.
#[derive(Debug)]
pub struct NoAnswer {
    pub path: PathBuf,
    pub why: Why,
}

#[derive(Debug)]
pub enum Why {
    Absent,
    /// The socket is there, the process is not.
    Refused,
    Denied,
    TooSlow,
    TooLong {
        limit: usize,
    },
    /// The connection was closed before anything was told.
    Nothing,
    Os(io::Error),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.why {
            Why::Absent => write!(f, "{path} does not exist: the daemon is not running; start it"),
            Why::Refused => write!(f, "nobody listens at {path}: the daemon has died; start it again"),
            Why::Denied => {
                write!(f, "no permission to ask at {path}; ask as root or as a member of its group")
            }
            Why::TooSlow => {
                write!(f, "no full answer at {path} in time: the daemon is busy or hangs; try again")
            }
            Why::TooLong { limit } => {
                write!(f, "the answer at {path} is longer than {limit} bytes: is that our daemon?")
            }
            Why::Nothing => {
                write!(f, "{path} was closed without an answer: the daemon is stopping; try again")
            }
            Why::Os(error) => write!(f, "cannot ask at {path}: {error}"),
        }
    }
}

impl std::error::Error for NoAnswer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.why {
            Why::Os(error) => Some(error),
            _ => None,
        }
    }
}

impl Why {
    fn from_errno(errno: Errno) -> Self {
        match errno {
            Errno::ENOENT | Errno::ENOTDIR => Self::Absent,
            Errno::ECONNREFUSED => Self::Refused,
            Errno::EACCES | Errno::EPERM => Self::Denied,
            other => Self::Os(other.into()),
        }
    }
}

/// std's connect waits without an end while the queue of a daemon that hangs is full.
pub(super) fn reach(path: &Path, end: Instant) -> Result<UnixStream, Why> {
    let address = UnixAddr::new(path).map_err(Why::from_errno)?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket: OwnedFd =
        socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(Why::from_errno)?;
    loop {
        match connect(socket.as_raw_fd(), &address) {
            Ok(()) => return Ok(UnixStream::from(socket)),
            Err(Errno::EINTR) => {}
            // The queue is full, and poll(2) does not tell when it no longer is.
            Err(Errno::EAGAIN) if Instant::now() < end => sleep(BETWEEN_TRIES),
            Err(Errno::EAGAIN) => return Err(Why::TooSlow),
            Err(errno) => return Err(Why::from_errno(errno)),
        }
    }
}

fn read(mut stream: UnixStream, end: Instant, limit: usize) -> Result<Vec<u8>, Why> {
    let mut answer = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) if answer.is_empty() => return Err(Why::Nothing),
            Ok(0) => return Ok(answer),
            Ok(count) => answer.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if !ready(&stream, PollFlags::POLLIN, end).map_err(Why::from_errno)? {
                    return Err(Why::TooSlow);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Why::Os(error)),
        }
        if answer.len() > limit {
            return Err(Why::TooLong { limit });
        }
        // A peer that drips never lets the read block.
        if Instant::now() >= end {
            return Err(Why::TooSlow);
        }
    }
}

/// Short beside what a person notices, long beside a connection's turn.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);
