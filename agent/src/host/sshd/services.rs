//! Ports by number or by name: sshd asks services(5), so `Port ssh` is a mistake on a machine without that file.

use super::numbers::integer;
use crate::host::Host;

/// The text of services(5); empty where there is none, and then no name is a port.
#[derive(Debug, Clone, Default)]
pub(super) struct Services(Vec<u8>);

impl Services {
    pub(super) fn of(host: &Host) -> Self {
        // libc, too, takes a file that it cannot read for one without names.
        Self(host.read(FILE, LIMIT).unwrap_or_default())
    }

    pub(super) fn port(&self, word: &[u8]) -> Option<u16> {
        integer(word).and_then(|port| u16::try_from(port).ok()).or_else(|| self.by_name(word))
    }

    /// `name port/protocol aliases… # remark`
    fn by_name(&self, wanted: &[u8]) -> Option<u16> {
        self.0.split(|&byte| byte == b'\n').find_map(|line| {
            let line = line.split(|&byte| byte == b'#').next()?;
            let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let (name, port) = (words.next()?, words.next()?.strip_suffix(b"/tcp")?);
            let is_meant = name == wanted || words.any(|alias| alias == wanted);
            is_meant.then(|| std::str::from_utf8(port).ok()?.parse().ok()).flatten()
        })
    }
}

const FILE: &str = "/etc/services";
/// Debian's has 13 kB, the longest known list a few hundred.
const LIMIT: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_has_a_number_a_name_or_an_alias() {
        let services =
            Services(b"ssh\t\t22/tcp\t# SSH\nhttp 80/tcp www # web\nssh 23/udp\n# x 1/tcp\n".to_vec());
        assert_eq!(services.port(b"22"), Some(22));
        assert_eq!(services.port(b"ssh"), Some(22));
        assert_eq!(services.port(b"www"), Some(80));
        assert_eq!(services.port(b"x"), None);
        assert_eq!(services.port(b"65536"), None);
        assert_eq!(Services::default().port(b"ssh"), None);
    }
}
