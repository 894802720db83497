//! How urgent what a thread wants of the disks is: ioprio_set(2), which has no safe wrapper.

use nix::errno::Errno;

/// What this thread reads from now on waits for everybody else's.
#[expect(unsafe_code, reason = "the one room that speaks to the kernel")]
pub fn read_when_idle() -> Result<(), Errno> {
    // SAFETY: three numbers go in, and no memory of ours is read or written.
    let done = unsafe { libc::syscall(libc::SYS_ioprio_set, PROCESS, THIS_THREAD, IDLE) };
    Errno::result(done).map(drop)
}

/// IOPRIO_WHO_PROCESS, which is a thread.
const PROCESS: libc::c_int = 1;
const THIS_THREAD: libc::c_int = 0;
/// IOPRIO_CLASS_IDLE, shifted by IOPRIO_CLASS_SHIFT.
const IDLE: libc::c_int = 3 << 13;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_can_wait_for_everybody_else() {
        std::thread::spawn(|| read_when_idle().unwrap()).join().unwrap();
    }
}
