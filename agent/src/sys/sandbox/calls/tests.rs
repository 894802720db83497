//! That the tables have what they must and nothing that they must not.

use super::*;

use std::collections::BTreeSet;

fn numbers(groups: &[&[Group]]) -> Vec<c_long> {
    groups
        .iter()
        .flat_map(|groups| groups.iter())
        .flat_map(|group| group.calls)
        .map(|call| call.number)
        .collect()
}

#[test]
fn what_nobody_makes_is_in_no_table() {
    let never = numbers(&[NEVER]);
    for daemon in [SENSOR, SHIPPER] {
        let both: Vec<_> = numbers(daemon).into_iter().filter(|number| never.contains(number)).collect();
        assert!(both.is_empty(), "of NEVER: {both:?}");
    }
    assert!(never.len() > 50);
}

#[test]
fn each_call_stands_once_and_each_group_says_why() {
    for daemon in [SENSOR, SHIPPER] {
        let all = numbers(daemon);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "a call is listed twice");
        assert!(all.len() > 100);
    }
    for group in [BOTH, WATCHING, NEVER].into_iter().flatten() {
        assert!(group.why.len() > 20 && !group.calls.is_empty(), "{group:?}");
    }
}

#[test]
fn what_is_asked_of_a_descriptor_has_the_kernels_numbers() {
    for (ours, theirs) in [
        (FIONBIO, libc::FIONBIO),
        (FIOCLEX, libc::FIOCLEX),
        (FIONREAD, libc::FIONREAD),
        (TCGETS, libc::TCGETS),
        (TIOCGWINSZ, libc::TIOCGWINSZ),
    ] {
        assert_eq!(i64::from(ours), i64::try_from(theirs).unwrap());
    }
}

/// What nobody makes of us unless our memory is somebody else's: stated, so that no table above comes to have it.
pub(in crate::sys::sandbox) const NEVER: &[Group] = &[
    Group {
        why: "the agent starts no program and no process",
        calls: calls![
            SYS_execve,
            SYS_execveat,
            #[cfg(target_arch = "x86_64")]
            SYS_fork,
            #[cfg(target_arch = "x86_64")]
            SYS_vfork,
        ],
    },
    Group {
        why: "into the memory and the descriptors of others",
        calls: calls![
            SYS_ptrace,
            SYS_process_vm_readv,
            SYS_process_vm_writev,
            SYS_process_madvise,
            SYS_pidfd_getfd,
            SYS_pidfd_send_signal,
            SYS_kcmp,
            SYS_userfaultfd,
        ],
    },
    Group {
        why: "into the kernel, or past its filters",
        calls: calls![
            SYS_init_module,
            SYS_finit_module,
            SYS_delete_module,
            SYS_kexec_load,
            SYS_kexec_file_load,
            SYS_bpf,
            SYS_perf_event_open,
            SYS_io_uring_setup,
            SYS_io_uring_enter,
            SYS_io_uring_register,
            #[cfg(target_arch = "x86_64")]
            SYS_iopl,
            #[cfg(target_arch = "x86_64")]
            SYS_ioperm,
            SYS_reboot,
            SYS_syslog,
            SYS_acct,
            SYS_swapon,
            SYS_quotactl,
        ],
    },
    Group {
        why: "another view of the machine, or another machine for others",
        calls: calls![
            SYS_mount,
            SYS_umount2,
            SYS_pivot_root,
            SYS_chroot,
            SYS_move_mount,
            SYS_open_tree,
            SYS_fsopen,
            SYS_fsmount,
            SYS_mount_setattr,
            SYS_setns,
            SYS_unshare,
            SYS_personality,
            SYS_sethostname,
            SYS_setdomainname,
        ],
    },
    Group {
        why: "another clock, other users, other keys",
        calls: calls![
            SYS_settimeofday,
            SYS_clock_settime,
            SYS_setuid,
            SYS_setgid,
            SYS_setresuid,
            SYS_setresgid,
            SYS_setgroups,
            SYS_setfsuid,
            SYS_setfsgid,
            SYS_capset,
            SYS_keyctl,
            SYS_add_key,
            SYS_request_key,
            SYS_mknodat,
            SYS_setxattr,
            SYS_lsetxattr,
            SYS_fsetxattr,
        ],
    },
];
