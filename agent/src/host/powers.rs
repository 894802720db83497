//! What a process may: the capabilities and bounds that proc_pid_status(5) tells.

use super::{Host, Unreadable};

/// Of one process, now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Powers {
    pub uid: u32,
    /// Bit by bit, as capabilities(7) counts them.
    pub effective: u64,
}

impl Powers {
    pub fn of(host: &Host, pid: u32) -> Result<Self, Unreadable> {
        let path = format!("/proc/{pid}/status");
        let status = host.read(&path, MAX_STATUS)?;
        Self::parse(&status).ok_or_else(|| Unreadable::malformed(path, 0, "not the status of a process"))
    }

    pub fn parse(status: &[u8]) -> Option<Self> {
        let value = |key: &[u8]| {
            let mut lines = status.split(|&byte| byte == b'\n');
            let value = lines.find_map(|line| line.strip_prefix(key))?;
            std::str::from_utf8(value.trim_ascii()).ok()
        };
        // Real, effective, saved, of the file system.
        let uid = value(b"Uid:")?.split_ascii_whitespace().nth(1)?.parse().ok()?;
        let digits = value(b"CapEff:")?;
        let is_hex = digits.len() <= 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let effective = is_hex.then(|| u64::from_str_radix(digits, 16).ok()).flatten()?;
        Some(Self { uid, effective })
    }

    /// By its number in capabilities(7).
    pub fn may(&self, capability: u32) -> bool {
        self.effective.checked_shr(capability).is_some_and(|rest| rest & 1 == 1)
    }
}

/// A few kilobytes, of which the groups of a user in very many are the most: 65,536 of them.
const MAX_STATUS: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn capabilities_are_told_by_their_bits() {
        let status = b"Name:\tguestward\nUid:\t0\t997\t997\t997\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000081004\n";
        let powers = Powers::parse(status).unwrap();
        assert_eq!(powers.uid, 997);
        let has: Vec<u32> = (0..70).filter(|&capability| powers.may(capability)).collect();
        assert_eq!(has, [2, 12, 19]);
    }

    #[test]
    fn half_a_status_is_none() {
        for status in
            ["", "Uid:\t0\t0\t0\t0\n", "CapEff:\t0\n", "Uid:\t0\nCapEff:\t0\n", "Uid:\t0 0\nCapEff:\t+1\n"]
        {
            assert_eq!(Powers::parse(status.as_bytes()), None, "{status}");
        }
    }

    #[test]
    fn our_own_are_told() {
        let host = Host::at("/").unwrap();
        let own = Powers::of(&host, std::process::id()).unwrap();
        assert_eq!(own.uid, nix::unistd::geteuid().as_raw());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), effective: u64) {
            let _ = Powers::parse(&bytes);
            let status = format!("Uid:\t1\t2\t3\t4\nCapEff:\t{effective:016x}\n");
            let whole = [status.as_bytes(), &bytes].concat();
            prop_assert_eq!(Powers::parse(&whole).map(|powers| powers.effective), Some(effective));
        }
    }
}
