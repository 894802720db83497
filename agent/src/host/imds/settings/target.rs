//! Where the value of a setting leads: a URL's scheme, host and port, and never what else is in it.

use std::fmt;
use std::net::IpAddr;

use super::Setting;
use crate::host::Text;

/// Where a value leads, as far as it may be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub scheme: Text,
    pub host: Text,
    /// The host as an address, if it is one.
    pub address: Option<IpAddr>,
    pub port: Option<u16>,
}

impl Target {
    pub(super) fn of(setting: Setting, value: &[u8]) -> Self {
        match setting {
            // A word, not a URL.
            Setting::EndpointMode | Setting::V1Disabled => Self::word(value),
            // It is put behind http://169.254.170.2, so that whatever is no path becomes part of the host.
            Setting::ContainerRelativeUri if value.starts_with(b"/") => Self::url(b"http://169.254.170.2"),
            Setting::ContainerRelativeUri => Self::url(&[b"http://169.254.170.2", value].concat()),
            Setting::Endpoint | Setting::ContainerFullUri | Setting::Proxy => Self::url(value),
        }
    }

    fn word(value: &[u8]) -> Self {
        let host = Text::from_bytes_within(&value.to_ascii_lowercase(), MAX_SHOWN);
        Self { scheme: Text::default(), host, address: None, port: None }
    }

    fn url(value: &[u8]) -> Self {
        let (scheme, rest) = match memchr::memmem::find(value, b"://") {
            Some(at) => (&value[..at], &value[at + 3..]),
            None => (&b"http"[..], value),
        };
        let end = rest.iter().position(|byte| b"/?#\\".contains(byte)).unwrap_or(rest.len());
        // Whoever wrote user:password@ before the host is not told.
        let authority = rest[..end].rsplit(|&byte| byte == b'@').next().unwrap_or_default();
        let (host, port) = match authority.strip_prefix(b"[") {
            Some(inside) => {
                let end = memchr::memchr(b']', inside).unwrap_or(inside.len());
                (&inside[..end], inside.get(end + 1..).and_then(|after| after.strip_prefix(b":")))
            }
            None => match memchr::memrchr(b':', authority) {
                Some(at) => (&authority[..at], Some(&authority[at + 1..])),
                None => (authority, None),
            },
        };
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
        Self {
            scheme: Text::from_bytes_within(&scheme.to_ascii_lowercase(), MAX_SHOWN),
            host: Text::from_bytes_within(&host.to_ascii_lowercase(), MAX_SHOWN),
            address: text(host).and_then(|host| host.parse().ok()),
            port: port.and_then(text).and_then(|port| port.parse().ok()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.scheme, self.address) {
            (scheme, _) if scheme.as_str().is_empty() => return write!(f, "{}", self.host),
            (scheme, Some(IpAddr::V6(v6))) => write!(f, "{scheme}://[{v6}]")?,
            (scheme, _) => write!(f, "{scheme}://{}", self.host)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Longer than any host name that resolves (RFC 1123).
const MAX_SHOWN: usize = 255;
