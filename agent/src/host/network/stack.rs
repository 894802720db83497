//! Settings of the network stack as they are in force: sysctl(8), for the stack and for each interface.

use std::collections::BTreeMap;

use crate::host::{Cause, Host, Text, Unreadable, sysctl};

#[derive(Debug)]
pub struct Stack {
    pub syn_cookies: Result<i64, Unreadable>,
    pub ignore_broadcasts: Result<i64, Unreadable>,
    pub ignore_bogus_errors: Result<i64, Unreadable>,
    pub ip_forward: Result<i64, Unreadable>,
    pub ipv4: Result<Settings, Unreadable>,
    /// `Ok(None)`: the kernel has no IPv6.
    pub ipv6: Result<Option<Settings>, Unreadable>,
}

/// `net.ipv4.conf` or `net.ipv6.conf`.
#[derive(Debug)]
pub struct Settings {
    /// What holds for all interfaces; what that means differs from setting to setting.
    pub all: Values,
    /// Every interface but the loopback.
    pub interfaces: Vec<(Text, Values)>,
}

/// Settings by their name; those that a kernel does not have are missing.
pub type Values = BTreeMap<&'static str, i64>;

impl Stack {
    pub fn of(host: &Host) -> Self {
        let number = |name| sysctl::number(host, name);
        Self {
            syn_cookies: number("net.ipv4.tcp_syncookies"),
            ignore_broadcasts: number("net.ipv4.icmp_echo_ignore_broadcasts"),
            ignore_bogus_errors: number("net.ipv4.icmp_ignore_bogus_error_responses"),
            ip_forward: number("net.ipv4.ip_forward"),
            ipv4: Settings::of(host, "/proc/sys/net/ipv4/conf", IPV4),
            ipv6: match Settings::of(host, "/proc/sys/net/ipv6/conf", IPV6) {
                // Where even IPv4 has no settings, nobody can tell.
                Err(cause) if cause.is_absent() && host.exists("/proc/sys/net/ipv4").unwrap_or(false) => {
                    Ok(None)
                }
                settings => settings.map(Some),
            },
        }
    }
}

impl Settings {
    fn of(host: &Host, folder: &str, wanted: &[&'static str]) -> Result<Self, Unreadable> {
        let mut interfaces = Vec::new();
        let mut all = None;
        for name in host.list(folder, MAX_INTERFACES)? {
            let name =
                name.to_str().ok_or_else(|| Unreadable::malformed(folder, 0, "a name that is no text"))?;
            match name {
                "all" => all = Some(values(host, folder, name, wanted)?),
                "default" | "lo" => {}
                name => match values(host, folder, name, wanted) {
                    Ok(values) => interfaces.push((Text::new(name), values)),
                    // It went away while we looked.
                    Err(cause) if cause.is_absent() => {}
                    Err(cause) => return Err(cause),
                },
            }
        }
        let all = all.ok_or_else(|| Unreadable::new(format!("{folder}/all"), Cause::Absent))?;
        Ok(Self { all, interfaces })
    }
}

fn values(host: &Host, folder: &str, name: &str, wanted: &[&'static str]) -> Result<Values, Unreadable> {
    let mut values = Values::new();
    for setting in wanted {
        let path = format!("{folder}/{name}/{setting}");
        let text = match host.read(&path, MAX_VALUE) {
            Err(cause) if cause.is_absent() => continue,
            text => text?,
        };
        let value = std::str::from_utf8(text.trim_ascii()).ok().and_then(|text| text.parse().ok());
        values.insert(setting, value.ok_or_else(|| Unreadable::malformed(&path, 1, "not a number"))?);
    }
    Ok(values)
}

const IPV4: &[&str] =
    &["accept_redirects", "accept_source_route", "forwarding", "log_martians", "rp_filter", "send_redirects"];
const IPV6: &[&str] = &["accept_redirects", "accept_source_route", "disable_ipv6", "forwarding"];
/// As many interfaces as `links` looks at.
const MAX_INTERFACES: usize = 16_384;
/// The kernel gives at most a page.
const MAX_VALUE: u64 = 4096;
