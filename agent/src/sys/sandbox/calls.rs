//! The system calls that each daemon makes, as data: a group has a reason, and what is in none fails.
//!
//! Seen by strace under the end-to-end tests; beside them stands what other C libraries (glibc 2.17 to 2.41) make of the
//! same functions, on both processors.

use libc::c_long;

/// Calls that belong together, and what for.
#[derive(Debug)]
pub(super) struct Group {
    #[cfg_attr(not(test), expect(dead_code, reason = "for who reads the table, and for its tests"))]
    pub(super) why: &'static str,
    pub(super) calls: &'static [Call],
}

/// A call; if `only` names anything, then only where one of these is so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) number: c_long,
    pub(super) only: &'static [Only],
}

/// The bits of an argument that are in the mask have this value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Only {
    pub(super) argument: u8,
    pub(super) mask: u32,
    pub(super) value: u32,
}

impl Call {
    pub(super) const fn any(number: c_long) -> Self {
        Self { number, only: &[] }
    }

    const fn only(number: c_long, only: &'static [Only]) -> Self {
        Self { number, only }
    }
}

const fn is(argument: u8, value: i32) -> Only {
    Only { argument, mask: u32::MAX, value: value.cast_unsigned() }
}

/// The first bits are there, and the others are not.
const fn has_without(argument: u8, bits: i32, others: i32) -> Only {
    Only { argument, mask: (bits | others).cast_unsigned(), value: bits.cast_unsigned() }
}

const fn lacks(argument: u8, bits: i32) -> Only {
    Only { argument, mask: bits.cast_unsigned(), value: 0 }
}

macro_rules! calls {
    ($($(#[$when:meta])* $name:ident),* $(,)?) => { &[$($(#[$when])* Call::any(libc::$name)),*] };
}

/// Of `guestward run`.
pub(super) const SENSOR: &[&[Group]] = &[BOTH, WATCHING];
/// Of `guestward ship`.
pub(super) const SHIPPER: &[&[Group]] = &[BOTH];

const BOTH: &[Group] = &[
    Group {
        why: "threads, and no other process nor another view of the machine: clone3's flags cannot be seen by a filter, and \
              it says that it does not exist",
        calls: &[
            Call::only(libc::SYS_clone, &[has_without(0, libc::CLONE_THREAD, NAMESPACES)]),
            Call::only(
                libc::SYS_prctl,
                &[
                    is(0, libc::PR_SET_NAME),
                    is(0, libc::PR_GET_NAME),
                    is(0, libc::PR_SET_VMA),
                    is(0, libc::PR_GET_NO_NEW_PRIVS),
                    is(0, libc::PR_GET_SECCOMP),
                ],
            ),
        ],
    },
    Group {
        why: "what the C library's threads are made of",
        calls: calls![
            #[cfg(target_arch = "x86_64")]
            SYS_arch_prctl,
            SYS_exit,
            SYS_exit_group,
            SYS_futex,
            SYS_get_robust_list,
            SYS_getcpu,
            SYS_gettid,
            SYS_membarrier,
            SYS_restart_syscall,
            SYS_rseq,
            SYS_sched_getaffinity,
            SYS_sched_yield,
            SYS_set_robust_list,
            SYS_set_tid_address,
        ],
    },
    Group {
        why: "memory, of which none is both written and run: what is read from others never becomes code; none of it can be \
              declared broken (MADV_HWPOISON), and two numbers beside that make guards for stacks",
        calls: &[
            Call::only(libc::SYS_mmap, &[lacks(2, libc::PROT_EXEC), lacks(2, libc::PROT_WRITE)]),
            Call::only(libc::SYS_mprotect, &[lacks(2, libc::PROT_EXEC)]),
            Call::any(libc::SYS_brk),
            Call::only(
                libc::SYS_madvise,
                &[lacks(2, MADV_OF_HARDWARE), is(2, MADV_GUARD_INSTALL), is(2, MADV_GUARD_REMOVE)],
            ),
            Call::any(libc::SYS_mincore),
            Call::any(libc::SYS_mremap),
            Call::any(libc::SYS_munmap),
        ],
    },
    Group {
        why: "signals to itself, as abort sends one; whether another process lives is asked with signal 0",
        calls: &[
            Call::only(libc::SYS_kill, &[is(1, 0)]),
            Call::any(libc::SYS_rt_sigaction),
            Call::any(libc::SYS_rt_sigpending),
            Call::any(libc::SYS_rt_sigprocmask),
            Call::any(libc::SYS_rt_sigreturn),
            Call::any(libc::SYS_rt_sigsuspend),
            Call::any(libc::SYS_rt_sigtimedwait),
            Call::any(libc::SYS_sigaltstack),
            Call::any(libc::SYS_signalfd4),
            Call::any(libc::SYS_tgkill),
        ],
    },
    Group {
        why: "time, which it cannot set",
        calls: calls![
            #[cfg(target_arch = "x86_64")]
            SYS_time,
            SYS_clock_getres,
            SYS_clock_gettime,
            SYS_clock_nanosleep,
            SYS_gettimeofday,
            SYS_nanosleep,
            SYS_timerfd_create,
            SYS_timerfd_gettime,
            SYS_timerfd_settime,
            SYS_times,
        ],
    },
    Group {
        why: "who and where it is, its limits, and randomness",
        calls: calls![
            SYS_capget,
            SYS_getegid,
            SYS_geteuid,
            SYS_getgid,
            SYS_getgroups,
            SYS_getpid,
            SYS_getppid,
            SYS_getrandom,
            SYS_getresgid,
            SYS_getresuid,
            SYS_getrlimit,
            SYS_getrusage,
            SYS_getuid,
            SYS_prlimit64,
            SYS_setrlimit,
            SYS_sysinfo,
            SYS_umask,
            SYS_uname,
        ],
    },
    Group {
        why: "waiting for several things at once",
        calls: calls![
            #[cfg(target_arch = "x86_64")]
            SYS_epoll_create,
            #[cfg(target_arch = "x86_64")]
            SYS_epoll_wait,
            #[cfg(target_arch = "x86_64")]
            SYS_eventfd,
            #[cfg(target_arch = "x86_64")]
            SYS_pipe,
            #[cfg(target_arch = "x86_64")]
            SYS_poll,
            #[cfg(target_arch = "x86_64")]
            SYS_select,
            SYS_epoll_create1,
            SYS_epoll_ctl,
            SYS_epoll_pwait,
            SYS_epoll_pwait2,
            SYS_eventfd2,
            SYS_pipe2,
            SYS_ppoll,
            SYS_pselect6,
        ],
    },
    Group {
        why: "finding and reading files",
        calls: calls![
            #[cfg(target_arch = "x86_64")]
            SYS_access,
            #[cfg(target_arch = "x86_64")]
            SYS_getdents,
            #[cfg(target_arch = "x86_64")]
            SYS_lstat,
            #[cfg(target_arch = "x86_64")]
            SYS_open,
            #[cfg(target_arch = "x86_64")]
            SYS_readlink,
            #[cfg(target_arch = "x86_64")]
            SYS_stat,
            SYS_close,
            SYS_close_range,
            SYS_faccessat,
            SYS_faccessat2,
            SYS_fadvise64,
            SYS_fgetxattr,
            SYS_flistxattr,
            SYS_fstat,
            SYS_fstatfs,
            SYS_getcwd,
            SYS_getdents64,
            SYS_getxattr,
            SYS_lgetxattr,
            SYS_listxattr,
            SYS_llistxattr,
            SYS_lseek,
            SYS_newfstatat,
            SYS_openat,
            SYS_openat2,
            SYS_pread64,
            SYS_preadv,
            SYS_preadv2,
            SYS_read,
            SYS_readahead,
            SYS_readlinkat,
            SYS_readv,
            SYS_statfs,
            SYS_statx,
        ],
    },
    Group {
        why: "writing and keeping its own files; whose they are is for modes and Landlock to say",
        calls: calls![
            #[cfg(target_arch = "x86_64")]
            SYS_chmod,
            #[cfg(target_arch = "x86_64")]
            SYS_chown,
            #[cfg(target_arch = "x86_64")]
            SYS_lchown,
            #[cfg(target_arch = "x86_64")]
            SYS_link,
            #[cfg(target_arch = "x86_64")]
            SYS_mkdir,
            #[cfg(target_arch = "x86_64")]
            SYS_rename,
            #[cfg(target_arch = "x86_64")]
            SYS_rmdir,
            #[cfg(target_arch = "x86_64")]
            SYS_unlink,
            SYS_copy_file_range,
            SYS_fallocate,
            SYS_fchmod,
            SYS_fchmodat,
            SYS_fchmodat2,
            SYS_fchown,
            SYS_fchownat,
            SYS_fdatasync,
            SYS_flock,
            SYS_fsync,
            SYS_ftruncate,
            SYS_linkat,
            SYS_mkdirat,
            SYS_pwrite64,
            SYS_pwritev,
            SYS_pwritev2,
            SYS_renameat,
            SYS_renameat2,
            SYS_sendfile,
            SYS_sync_file_range,
            SYS_unlinkat,
            SYS_utimensat,
            SYS_write,
            SYS_writev,
        ],
    },
    Group {
        why: "descriptors; of ioctl only what makes one not wait, what asks for a terminal, and what fs-verity measured",
        calls: &[
            Call::only(
                libc::SYS_ioctl,
                &[
                    is(1, FIONBIO),
                    is(1, FIOCLEX),
                    is(1, FIONREAD),
                    is(1, TCGETS),
                    is(1, TIOCGWINSZ),
                    is(1, MEASURE_VERITY),
                ],
            ),
            #[cfg(target_arch = "x86_64")]
            Call::any(libc::SYS_dup2),
            Call::any(libc::SYS_dup),
            Call::any(libc::SYS_dup3),
            Call::any(libc::SYS_fcntl),
        ],
    },
    Group {
        why: "the status socket, the service manager, the metadata service; the kernel's own answers by netlink",
        calls: &[
            Call::only(
                libc::SYS_socket,
                &[is(0, libc::AF_UNIX), is(0, libc::AF_INET), is(0, libc::AF_INET6), is(0, libc::AF_NETLINK)],
            ),
            Call::only(libc::SYS_socketpair, &[is(0, libc::AF_UNIX)]),
            #[cfg(target_arch = "x86_64")]
            Call::any(libc::SYS_accept),
            Call::any(libc::SYS_accept4),
            Call::any(libc::SYS_bind),
            Call::any(libc::SYS_connect),
            Call::any(libc::SYS_getpeername),
            Call::any(libc::SYS_getsockname),
            Call::any(libc::SYS_getsockopt),
            Call::any(libc::SYS_listen),
            Call::any(libc::SYS_recvfrom),
            Call::any(libc::SYS_recvmmsg),
            Call::any(libc::SYS_recvmsg),
            Call::any(libc::SYS_sendmmsg),
            Call::any(libc::SYS_sendmsg),
            Call::any(libc::SYS_sendto),
            Call::any(libc::SYS_setsockopt),
            Call::any(libc::SYS_shutdown),
        ],
    },
];

const WATCHING: &[Group] = &[
    Group {
        why: "watching files: inotify; and fanotify, whose events name files by their handles",
        calls: calls![
            #[cfg(target_arch = "x86_64")]
            SYS_inotify_init,
            SYS_fanotify_init,
            SYS_fanotify_mark,
            SYS_inotify_add_watch,
            SYS_inotify_init1,
            SYS_inotify_rm_watch,
            SYS_name_to_handle_at,
            SYS_open_by_handle_at,
        ],
    },
    Group {
        why: "reading every file in its turn, when no other wants the disk: the least urgency that there is, and \
              the kernel lets nobody set that of another user's threads",
        calls: &[Call::only(libc::SYS_ioprio_set, &[is(2, IOPRIO_IDLE)])],
    },
    Group {
        why: "whether the clock is kept right, asked with the call that sets it for who has the capability",
        calls: calls![SYS_adjtimex, SYS_clock_adjtime],
    },
];

/// Of the flags of clone(2) what makes a namespace.
const NAMESPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;
/// madvise(2): from 64 on there are MADV_HWPOISON (100) and MADV_SOFT_OFFLINE (101), which take pages from the machine, and
/// the two of guards, which the C library uses (glibc 2.42).
const MADV_OF_HARDWARE: i32 = 64;
const MADV_GUARD_INSTALL: i32 = 102;
const MADV_GUARD_REMOVE: i32 = 103;
/// IOPRIO_CLASS_IDLE, shifted by IOPRIO_CLASS_SHIFT.
const IOPRIO_IDLE: i32 = 3 << 13;
const FIONBIO: i32 = 0x5421;
const FIOCLEX: i32 = 0x5451;
const FIONREAD: i32 = 0x541b;
const TCGETS: i32 = 0x5401;
const TIOCGWINSZ: i32 = 0x5413;
const MEASURE_VERITY: i32 = crate::sys::verity::MEASURE.cast_signed();

#[cfg(test)]
pub(super) mod tests;
