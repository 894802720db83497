//! What sends the AWS SDKs elsewhere for metadata and credentials: variables of running processes, and the
//! configuration files in homes.
//!
//! Of a value only scheme, host and port are kept: a proxy's password or a token in a path is nobody's business.

mod target;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::endpoint::SERVICE_V4;
use super::{Cause, Host, Unreadable};
use crate::host::accounts::Accounts;
use crate::host::running::{has_ended, place};
pub use target::Target;

#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// In the order of [`Setting`], each value once, with where it was seen first.
    pub seen: Vec<Seen>,
    /// Proxies for plain HTTP that requests to 169.254.169.254 would go through.
    pub proxies: Vec<Seen>,
    /// How many processes were looked at; none where nothing runs below this root.
    pub processes: usize,
    /// Processes and files that could not be looked into.
    pub unread: Vec<Unreadable>,
}

/// A setting with one value, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub setting: Setting,
    pub target: Target,
    /// The file (`/proc/7/environ`, `/root/.aws/config`), with its line where it has lines.
    pub path: PathBuf,
    pub line: usize,
    /// How many more processes have the same.
    pub others: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    Endpoint,
    EndpointMode,
    V1Disabled,
    ContainerFullUri,
    ContainerRelativeUri,
    Proxy,
}

impl Setting {
    /// As it is written in an environment.
    pub fn name(self) -> &'static str {
        match self {
            Self::Endpoint => "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            Self::EndpointMode => "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
            Self::V1Disabled => "AWS_EC2_METADATA_V1_DISABLED",
            Self::ContainerFullUri => "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            Self::ContainerRelativeUri => "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            Self::Proxy => "http_proxy",
        }
    }
}

impl Settings {
    pub(super) fn of(host: &Host) -> Self {
        let mut look = Look { settings: Self::default(), seen: BTreeMap::new() };
        look.processes(host);
        look.files(host);
        let mut settings = look.settings;
        for (_, seen) in look.seen {
            match seen.setting {
                Setting::Proxy => settings.proxies.push(seen),
                _ => settings.seen.push(seen),
            }
        }
        settings
    }
}

struct Look {
    settings: Settings,
    seen: BTreeMap<(Setting, Target), Seen>,
}

impl Look {
    fn processes(&mut self, host: &Host) {
        let names = match host.list("/proc", MAX_PROCESSES) {
            Err(cause) if cause.is_absent() && !host.is_live() => return,
            Err(cause) => return self.settings.unread.push(cause),
            Ok(names) => names,
        };
        let mut pids: Vec<u32> = names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect();
        pids.sort_unstable();
        self.settings.processes = pids.len();
        // Every system that runs has a PID 1; hidepid hides it from those who are not root.
        if pids.first() != Some(&1) && (host.is_live() || !pids.is_empty()) {
            self.settings.unread.push(Unreadable::new(place(1).join("environ"), Cause::Denied));
        }
        for pid in pids {
            let path = place(pid).join("environ");
            match host.read(&path, MAX_ENVIRONMENT) {
                Ok(environment) => self.environment(&path, &environment),
                Err(cause) if has_ended(&cause) => {}
                Err(cause) => self.settings.unread.push(cause),
            }
        }
    }

    fn environment(&mut self, path: &Path, environment: &[u8]) {
        for (setting, target) in in_environment(environment) {
            self.add(setting, target, path, 0);
        }
    }

    /// Of root and of everybody who has a home.
    fn files(&mut self, host: &Host) {
        let users = match Accounts::of(host).users {
            Ok(users) => users,
            Err(cause) => return self.settings.unread.push(cause),
        };
        let mut homes: Vec<PathBuf> =
            users.into_iter().map(|user| user.home).filter(|home| home.is_absolute()).collect();
        homes.push(PathBuf::from("/root"));
        homes.sort_unstable();
        homes.dedup();
        for home in homes.iter().take(MAX_HOMES) {
            let path = home.join(".aws/config");
            match host.read(&path, MAX_CONFIG) {
                Ok(config) => {
                    for (line, setting, target) in in_config(&config) {
                        self.add(setting, target, &path, line);
                    }
                }
                Err(cause) if cause.is_absent() => {}
                Err(cause) => self.settings.unread.push(cause),
            }
        }
        if homes.len() > MAX_HOMES {
            self.settings.unread.push(Unreadable::new("/etc/passwd", Cause::TooMany { limit: MAX_HOMES }));
        }
    }

    fn add(&mut self, setting: Setting, target: Target, path: &Path, line: usize) {
        if let Some(seen) = self.seen.get_mut(&(setting, target.clone())) {
            seen.others += 1;
        } else if self.seen.len() < MAX_SEEN {
            let seen = Seen { setting, target: target.clone(), path: path.to_owned(), line, others: 0 };
            self.seen.insert((setting, target), seen);
        }
    }
}

/// The settings in an environment, as environ in proc(5) has it.
pub fn in_environment(environment: &[u8]) -> Vec<(Setting, Target)> {
    let mut found = Vec::new();
    let mut proxy = None;
    let mut exceptions: &[u8] = b"";
    for pair in environment.split(|&byte| byte == 0) {
        let Some(at) = memchr::memchr(b'=', pair) else { continue };
        let (name, value) = (&pair[..at], pair[at + 1..].trim_ascii());
        let setting = match name {
            _ if value.is_empty() => continue,
            b"AWS_EC2_METADATA_SERVICE_ENDPOINT" => Setting::Endpoint,
            b"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE" => Setting::EndpointMode,
            b"AWS_EC2_METADATA_V1_DISABLED" => Setting::V1Disabled,
            b"AWS_CONTAINER_CREDENTIALS_FULL_URI" => Setting::ContainerFullUri,
            b"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" => Setting::ContainerRelativeUri,
            b"http_proxy" | b"HTTP_PROXY" | b"all_proxy" | b"ALL_PROXY" => {
                proxy = proxy.or(Some(value));
                continue;
            }
            b"no_proxy" | b"NO_PROXY" => {
                exceptions = value;
                continue;
            }
            _ => continue,
        };
        found.push((setting, Target::of(setting, value)));
    }
    if let Some(value) = proxy.filter(|_| !is_exempt(exceptions)) {
        found.push((Setting::Proxy, Target::of(Setting::Proxy, value)));
    }
    found
}

/// The settings in `~/.aws/config`, each with its line. The profile does not matter: any may be chosen.
///
/// As Python's configparser reads it, which is what botocore uses and the most generous of the SDKs' readers.
pub fn in_config(config: &[u8]) -> Vec<(usize, Setting, Target)> {
    let mut found = Vec::new();
    let mut has_option = false;
    let mut indent = 0;
    for (index, line) in config.split(|&byte| byte == b'\n').enumerate() {
        let text = line.trim_ascii();
        let Some(first) = text.first().filter(|first| !b"#;".contains(first)) else { continue };
        let depth = line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        // A line that is further in than the setting before it goes on with that one's value.
        if has_option && depth > indent {
            continue;
        }
        (indent, has_option) = (depth, *first != b'[');
        let Some(at) = memchr::memchr2(b'=', b':', text).filter(|_| has_option) else { continue };
        let setting = match text[..at].trim_ascii() {
            name if name.eq_ignore_ascii_case(b"ec2_metadata_service_endpoint") => Setting::Endpoint,
            name if name.eq_ignore_ascii_case(b"ec2_metadata_service_endpoint_mode") => Setting::EndpointMode,
            name if name.eq_ignore_ascii_case(b"ec2_metadata_v1_disabled") => Setting::V1Disabled,
            _ => continue,
        };
        let value = text[at + 1..].trim_ascii();
        if !value.is_empty() {
            found.push((index + 1, setting, Target::of(setting, value)));
        }
    }
    found
}

/// Whether no_proxy leaves out 169.254.169.254: everything, the address itself, or a network around it.
fn is_exempt(exceptions: &[u8]) -> bool {
    let words = exceptions.split(|byte| *byte == b',' || byte.is_ascii_whitespace());
    words.filter_map(|word| std::str::from_utf8(word).ok()).any(|word| match word.split_once('/') {
        Some((network, length)) => match (network.parse::<std::net::Ipv4Addr>(), length.parse::<u32>()) {
            (Ok(network), Ok(length @ 0..=32)) => {
                let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
                network.to_bits() & mask == SERVICE_V4.to_bits() & mask
            }
            _ => false,
        },
        None => word == "*" || word.strip_suffix(":80").unwrap_or(word).parse() == Ok(SERVICE_V4),
    })
}

/// The kernel's own limit on process ids, with room for what else is in /proc.
const MAX_PROCESSES: usize = 4_200_000;
/// The kernel gives arguments and environment together 6 MiB at most.
const MAX_ENVIRONMENT: u64 = 6 * 1024 * 1024;
const MAX_CONFIG: u64 = 1024 * 1024;
/// More accounts than this on one guest come from a directory service and not from passwd(5).
const MAX_HOMES: usize = 10_000;
/// Different values; beyond that the twentieth tells as much.
const MAX_SEEN: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(environment: &str) -> Vec<String> {
        let found = in_environment(environment.replace(' ', "\0").as_bytes());
        found.iter().map(|(setting, target)| format!("{} {target}", setting.name())).collect()
    }

    #[test]
    fn no_secret_of_a_value_is_kept() {
        let environment = "http_proxy=http://bob:s3cret@proxy.example:3128/path?k=s3cret \
                           AWS_CONTAINER_CREDENTIALS_FULL_URI=https://x.example/s3cret#s3cret \
                           AWS_EC2_METADATA_SERVICE_ENDPOINT=s3cret@127.0.0.1:99";
        assert_eq!(
            shown(environment),
            [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI https://x.example",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT http://127.0.0.1:99",
                "http_proxy http://proxy.example:3128",
            ]
        );
    }

    #[test]
    fn a_relative_path_that_is_none_changes_the_host() {
        let uri = |value: &str| shown(&format!("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI={value}"));
        assert_eq!(uri("/v2/credentials/x"), ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI http://169.254.170.2"]);
        assert_eq!(uri("@evil.example/"), ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI http://evil.example"]);
        assert_eq!(
            uri(".evil.example/"),
            ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI http://169.254.170.2.evil.example"]
        );
    }

    #[test]
    fn no_proxy_leaves_out_the_address_its_network_or_everything() {
        for (exceptions, exempt) in [
            ("169.254.169.254", true),
            ("localhost, 169.254.169.254", true),
            ("10.0.0.0/8,169.254.0.0/16", true),
            ("0.0.0.0/0", true),
            ("*", true),
            ("169.254.169.254:80", true),
            ("169.254.169.25", false),
            ("10.0.0.0/8", false),
            ("169.254.0.0/33", false),
            ("amazonaws.com", false),
            ("", false),
        ] {
            assert_eq!(is_exempt(exceptions.as_bytes()), exempt, "{exceptions}");
        }
    }

    #[test]
    fn a_profile_that_leads_elsewhere_is_seen_with_its_line() {
        let config = b"[default]\nregion = eu-west-1\n# ec2_metadata_service_endpoint = http://a\n\
            s3 =\n  ec2_metadata_service_endpoint = http://b\n[profile x]\n\
            EC2_METADATA_SERVICE_ENDPOINT=http://c:81/x\n";
        let found: Vec<_> =
            in_config(config).into_iter().map(|(line, _, target)| (line, target.to_string())).collect();
        assert_eq!(found, [(7, "http://c:81".to_owned())]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = in_environment(&bytes);
            let _ = in_config(&bytes);
            for setting in [Setting::Endpoint, Setting::EndpointMode, Setting::ContainerRelativeUri] {
                let _ = Target::of(setting, &bytes).to_string();
            }
            let _ = is_exempt(&bytes);
        }
    }
}
