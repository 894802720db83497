//! The Debian releases that guests are made of, each with the kernel and the systemd that it stands for.

use std::fmt;

/// A release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    /// Debian 11: kernel 5.10 (as Amazon Linux 2 has it too), systemd 247, glibc 2.31; `/lib` is not `/usr/lib`.
    Bullseye,
    /// Debian 12: kernel 6.1 (as Amazon Linux 2023 has it too), systemd 252.
    Bookworm,
    /// Debian 13: kernel 6.12, systemd 257.
    Trixie,
}

impl Suite {
    /// As archives name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bullseye => "bullseye",
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        }
    }

    /// Where its security updates are.
    pub fn security(self) -> String {
        format!("deb http://deb.debian.org/debian-security {}-security main", self.name())
    }

    /// What a guest has besides the essential packages. An image for EC2 has at least these.
    pub fn packages(self) -> &'static [&'static str] {
        PACKAGES
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const PACKAGES: &[&str] = &[
    "systemd",
    "systemd-sysv",
    "udev",
    "dbus",
    "kmod",
    "openssh-server",
    "nftables",
    "iproute2",
    "ca-certificates",
    "procps",
    "e2fsprogs",
    "systemd-timesyncd",
    "qemu-guest-agent",
];
