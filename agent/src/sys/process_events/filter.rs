//! What the kernel need not put into the queue at all: threads, and events that nobody here asks for. Otherwise a server
//! with a thread for each request would fill it.

#![expect(unsafe_code, reason = "no library that we have attaches a filter to a socket")]

use std::os::fd::{AsRawFd as _, BorrowedFd};

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_MISC, BPF_RET, BPF_TAX, BPF_W, BPF_X, sock_filter};
use nix::errno::Errno;

use super::parse::{EVENT_DATA, EXEC, EXIT, FORK, UID, WHAT};

/// Classic BPF: Documentation/networking/filter.rst.
pub(super) fn attach(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut program = program()?;
    let filter = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(|_| Errno::EINVAL)?,
        filter: program.as_mut_ptr(),
    };
    let size = libc::socklen_t::try_from(size_of_val(&filter)).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the pointer is to a whole sock_fprog of our own, whose pointer is to as many instructions as it says; the
    // kernel copies both within the call, and checks the program.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const filter).cast(),
            size,
        )
    };
    Errno::result(done).map(drop)
}

fn program() -> Result<[sock_filter; 16], Errno> {
    let of = EVENT_DATA;
    Ok([
        load(WHAT)?,
        // How many instructions to leave out: if so, if not.
        equals(FORK, 4, 0)?,
        equals(EXEC, 11, 0)?,
        equals(UID, 6, 0)?,
        equals(EXIT, 5, 0)?,
        pass(0)?,
        // A fork: the child's own id, and its process's.
        load(of + 8)?,
        step(BPF_MISC | BPF_TAX, 0, 0, 0)?,
        load(of + 12)?,
        step(BPF_JMP | BPF_JEQ | BPF_X, 4, 5, 0)?,
        // The others: the thread's id, and its process's.
        load(of)?,
        step(BPF_MISC | BPF_TAX, 0, 0, 0)?,
        load(of + 4)?,
        step(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0)?,
        pass(u32::MAX)?,
        pass(0)?,
    ])
}

/// A word of the message; the kernel takes it for the network's byte order.
fn load(at: usize) -> Result<sock_filter, Errno> {
    step(BPF_LD | BPF_W | BPF_ABS, 0, 0, u32::try_from(at).map_err(|_| Errno::EINVAL)?)
}

fn equals(value: u32, yes: u8, no: u8) -> Result<sock_filter, Errno> {
    step(BPF_JMP | BPF_JEQ | BPF_K, yes, no, u32::from_be_bytes(value.to_ne_bytes()))
}

/// So many bytes of the message; 0 drops it.
fn pass(bytes: u32) -> Result<sock_filter, Errno> {
    step(BPF_RET | BPF_K, 0, 0, bytes)
}

fn step(code: u32, jt: u8, jf: u8, k: u32) -> Result<sock_filter, Errno> {
    Ok(sock_filter { code: u16::try_from(code).map_err(|_| Errno::EINVAL)?, jt, jf, k })
}
