//! bpf(2): whether it is there, asked with questions that load nothing.

#![expect(unsafe_code, reason = "bpf has no safe wrapper in the libraries that we have")]

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use super::Has;

/// Whether there is bpf(2) for whoever asks: which program is the first of those that are loaded?
pub fn programs() -> Has {
    match call(BPF_PROG_GET_NEXT_ID, [0; WORDS]) {
        // None is loaded.
        Err(Errno::ENOENT) => Has::Yes,
        // Linux before 4.13 has the call and not this question.
        Err(Errno::EINVAL) => Has::Yes,
        answer => Has::of(answer, &[Errno::ENOSYS]),
    }
}

/// Whether a program can be set on a group of processes: which ones are on this group already? Of cgroups v1 there is
/// none to be asked about.
pub fn cgroup_programs(group: &Path) -> Has {
    let opened = open(group, OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
    let answer = opened.and_then(|group: OwnedFd| {
        let mut attributes = [0; WORDS];
        // target_fd and, at once zero for BPF_CGROUP_INET_INGRESS, attach_type; no room is given for an answer's ids.
        attributes[0] = u32::try_from(group.as_raw_fd()).map_err(|_| Errno::EBADF)?;
        call(BPF_PROG_QUERY, attributes)
    });
    match answer {
        // There are some, and no room for their ids.
        Err(Errno::ENOSPC) => Has::Yes,
        answer => Has::of(answer, &[Errno::ENOSYS, Errno::EINVAL, Errno::EBADF, Errno::ENOENT]),
    }
}

fn call(command: libc::c_long, mut attributes: [u32; WORDS]) -> Result<(), Errno> {
    // SAFETY: the pointer is to that many bytes of our own, more than a kernel writes to; the two commands above, the
    // only ones, find no pointer in them that is not null, and the kernel keeps none to them.
    let answer =
        unsafe { libc::syscall(libc::SYS_bpf, command, attributes.as_mut_ptr(), size_of::<[u32; WORDS]>()) };
    Errno::result(answer).map(|_| ())
}

/// include/uapi/linux/bpf.h.
const BPF_PROG_GET_NEXT_ID: libc::c_long = 11;
const BPF_PROG_QUERY: libc::c_long = 16;
/// More than any kernel's union bpf_attr (6.18: 168 bytes): newer kernels answer in fields that older ones do not have,
/// whatever size they were told. What a kernel does not know has to be zero.
const WORDS: usize = 64;
