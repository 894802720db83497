//! Whether the packet filter's rules come back after a restart: what loads them, and from where.

use std::path::PathBuf;

use crate::host::units::{Enablement, Units};
use crate::host::{Host, Kind, Unreadable};

/// A service that loads rules when the system starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loader {
    pub unit: &'static str,
    pub is_enabled: bool,
    /// Where it finds its rules; none, if there are none.
    pub rules: Option<PathBuf>,
}

/// Those that are installed.
pub fn read(host: &Host) -> Result<Vec<Loader>, Unreadable> {
    let units = Units::of(host)?;
    let mut loaders = Vec::new();
    for &(unit, places) in LOADERS {
        if units.enablement(unit)? == Enablement::Missing {
            continue;
        }
        let is_enabled = units.starts(unit)?.is_some() && is_switched_on(host, unit)?;
        let mut rules = None;
        for place in places {
            match host.stat(place) {
                Ok(meta) if meta.kind == Kind::Directory || meta.size > 0 => {
                    rules.get_or_insert_with(|| PathBuf::from(place));
                }
                Ok(_) => {}
                Err(cause) if cause.is_absent() => {}
                Err(cause) => return Err(cause),
            }
        }
        loaders.push(Loader { unit, is_enabled, rules });
    }
    Ok(loaders)
}

/// ufw's service does nothing until ufw is switched on.
fn is_switched_on(host: &Host, unit: &str) -> Result<bool, Unreadable> {
    if unit != "ufw.service" {
        return Ok(true);
    }
    let text = match host.read("/etc/ufw/ufw.conf", MAX_CONF) {
        Err(cause) if cause.is_absent() => return Ok(false),
        text => text?,
    };
    let mut values =
        text.split(|&byte| byte == b'\n').filter_map(|line| line.trim_ascii().strip_prefix(b"ENABLED="));
    Ok(values.next_back().is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"yes")))
}

/// Unit, and the places of its rules.
const LOADERS: &[(&str, &[&str])] = &[
    ("nftables.service", &["/etc/nftables.conf", "/etc/sysconfig/nftables.conf"]),
    ("netfilter-persistent.service", &["/etc/iptables/rules.v4", "/etc/iptables/rules.v6"]),
    ("iptables.service", &["/etc/sysconfig/iptables"]),
    ("ufw.service", &["/etc/ufw/user.rules", "/lib/ufw/user.rules", "/etc/ufw/before.rules"]),
    ("firewalld.service", &["/etc/firewalld", "/usr/lib/firewalld"]),
    ("shorewall.service", &["/etc/shorewall/rules"]),
    ("ferm.service", &["/etc/ferm/ferm.conf"]),
];
const MAX_CONF: u64 = 64 * 1024;
