//! What a file gives to whoever executes it, short of set-uid: file capabilities, capabilities(7).

use std::fmt;

/// The capabilities in the extended attribute `security.capability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Bit masks by the kernel's numbers.
    pub permitted: u64,
    pub inheritable: u64,
    /// Whether they are in force at once, or only once the program asks.
    pub effective: bool,
    /// In a user namespace whose root is this user, and nowhere else.
    pub root: Option<u32>,
}

impl Capabilities {
    /// struct vfs_ns_cap_data of linux/capability.h, in each of its three versions; `None` if it is none of them.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk::<4>()?));
        let magic = word(0)?;
        let (pairs, length) = match magic & REVISION {
            0x0100_0000 => (1, 12),
            0x0200_0000 => (2, 20),
            0x0300_0000 => (2, 24),
            _ => return None,
        };
        if bytes.len() != length {
            return None;
        }
        let mask = |first: usize| {
            (0..pairs)
                .try_fold(0_u64, |mask, pair| Some(mask | u64::from(word(first + pair * 8)?) << (pair * 32)))
        };
        Some(Self {
            permitted: mask(4)?,
            inheritable: mask(8)?,
            effective: magic & EFFECTIVE != 0,
            root: if length == 24 { word(20).filter(|&root| root != 0) } else { None },
        })
    }

    /// Whether it has one of these, by name, in a way that counts for whoever executes the file.
    pub fn has(&self, names: &[&str]) -> bool {
        names_in(self.permitted).any(|name| names.contains(&name))
    }

    /// What it has, by name; a number where the name is not known to us.
    pub fn permitted(&self) -> impl Iterator<Item = &'static str> {
        names_in(self.permitted)
    }
}

/// As getcap(8) writes them, with the letters of cap_text_formats(7).
impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut is_first = true;
        for (has_permitted, has_inheritable) in [(true, true), (true, false), (false, true)] {
            let of = |mask: u64, wanted: bool| if wanted { mask } else { !mask };
            let mask = of(self.permitted, has_permitted) & of(self.inheritable, has_inheritable);
            let names: Vec<&str> = names_in(mask & ALL).collect();
            if names.is_empty() {
                continue;
            }
            let effective = if self.effective { "e" } else { "" };
            let inheritable = if has_inheritable { "i" } else { "" };
            let permitted = if has_permitted { "p" } else { "" };
            let space = if is_first { "" } else { " " };
            write!(f, "{space}{}={effective}{inheritable}{permitted}", names.join(","))?;
            is_first = false;
        }
        if is_first { f.write_str("=") } else { Ok(()) }
    }
}

fn names_in(mask: u64) -> impl Iterator<Item = &'static str> {
    NAMES.iter().enumerate().filter(move |(number, _)| mask >> number & 1 == 1).map(|(_, name)| *name)
}

const REVISION: u32 = 0xff00_0000;
const EFFECTIVE: u32 = 1;
/// As many as have a name.
const ALL: u64 = (1 << NAMES.len()) - 1;
/// In the order of the kernel's numbers, up to Linux 6.12.
const NAMES: [&str; 41] = [
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_three_versions_are_read() {
        let mut bytes = vec![1, 0, 0, 2];
        bytes.extend([0, 0x20, 0, 0, 0, 0, 0, 0].iter().chain(&[0; 8]));
        let found = Capabilities::parse(&bytes).unwrap();
        assert_eq!(found.to_string(), "cap_net_raw=ep");
        bytes[3] = 3;
        bytes.extend(1000_u32.to_le_bytes());
        assert_eq!(Capabilities::parse(&bytes).unwrap().root, Some(1000));
        assert!(Capabilities::parse(&[1, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0]).unwrap().has(&["cap_setuid"]));
        assert_eq!(Capabilities::parse(&bytes[..20]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..32)) {
            let _ = Capabilities::parse(&bytes).map(|found| found.to_string());
        }
    }
}
