//! Where the metadata service is: its own addresses, or one that somebody gave by hand.
//!
//! An address and not a name: a name would have to be looked up, and whoever answers that decides whom we ask.

use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::{Host, Surroundings};

/// An address and port that speak HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint(SocketAddr);

impl Endpoint {
    pub const V4: Self = Self(SocketAddr::new(IpAddr::V4(SERVICE_V4), PORT));
    pub const V6: Self = Self(SocketAddr::new(IpAddr::V6(SERVICE_V6), PORT));

    pub fn address(&self) -> SocketAddr {
        self.0
    }

    /// Where this machine's identity is asked for: on EC2 at the service itself, elsewhere nowhere. `named` is what
    /// [`VARIABLE`] holds. It counts only as an address that nobody beyond this link can have: a test's.
    pub fn of(host: &Host, named: Option<&OsStr>) -> Result<Option<Self>, String> {
        if let Some(named) = named.filter(|named| !named.is_empty()) {
            let named = named.to_str().ok_or_else(|| format!("{VARIABLE}: it is no text"))?;
            let endpoint: Self = named.parse().map_err(|why| format!("{VARIABLE}: {why}"))?;
            if !endpoint.is_near() {
                return Err(format!("{VARIABLE}: it is neither a loopback nor a link-local address"));
            }
            return Ok(Some(endpoint));
        }
        let surroundings = Surroundings::of(host).map_err(|cause| cause.to_string())?;
        let is_ec2 = surroundings.is_ec2.map_err(|cause| cause.to_string())?;
        Ok(is_ec2.then_some(Self::V4))
    }

    fn is_near(&self) -> bool {
        match self.0.ip() {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6 == SERVICE_V6,
        }
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let rest = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            _ => return Err(format!("it begins with http://, as {} does", Self::V4)),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('/') {
            return Err("it has no path: guestward knows the paths of the service".to_owned());
        }
        let bare = || -> Option<SocketAddr> {
            let address = match authority.strip_prefix('[') {
                Some(inside) => IpAddr::V6(inside.strip_suffix(']')?.parse().ok()?),
                None => IpAddr::V4(authority.parse().ok()?),
            };
            Some(SocketAddr::new(address, PORT))
        };
        match authority.parse().ok().or_else(bare) {
            Some(SocketAddr::V6(v6)) if v6.scope_id() != 0 => Err("it has no zone".to_owned()),
            Some(address) if address.port() != 0 => Ok(Self(address)),
            _ => Err(format!("it is an address and no name, as {} and {}", Self::V4, Self::V6)),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            SocketAddr::V6(v6) if v6.port() == PORT => write!(f, "http://[{}]", v6.ip()),
            SocketAddr::V4(v4) if v4.port() == PORT => write!(f, "http://{}", v4.ip()),
            other => write!(f, "http://{other}"),
        }
    }
}

/// The link-local address that every instance has (EC2 user guide, "Access instance metadata").
pub(super) const SERVICE_V4: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// fd00:ec2::254, where an instance's owner turned it on.
pub(super) const SERVICE_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
const PORT: u16 = 80;
/// The variable of the SDKs.
pub const VARIABLE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_over_http() {
        for (url, shown) in [
            ("http://169.254.169.254", "http://169.254.169.254"),
            ("HTTP://169.254.169.254:80/", "http://169.254.169.254"),
            ("http://[fd00:ec2::254]", "http://[fd00:ec2::254]"),
            ("http://127.0.0.1:1338/", "http://127.0.0.1:1338"),
            ("http://[::1]:1338", "http://[::1]:1338"),
        ] {
            assert_eq!(url.parse::<Endpoint>().unwrap().to_string(), shown, "{url}");
        }
    }

    #[test]
    fn nobody_is_asked_off_ec2_but_where_a_test_says_so_and_then_nobody_far_away() {
        let nowhere = tempfile::tempdir().unwrap();
        let host = Host::at(nowhere.path()).unwrap();
        let of = |named: &str| Endpoint::of(&host, Some(named.as_ref()));
        assert_eq!(Endpoint::of(&host, None), Ok(None));
        assert_eq!(of(""), Ok(None));
        for near in ["http://127.0.0.1:1338", "http://169.254.169.254", "http://[::1]:80", "http://[fe80::1]"]
        {
            assert_eq!(of(near), Ok(Some(near.parse().unwrap())), "{near}");
        }
        for far in
            ["http://192.0.2.80", "http://10.0.0.1", "http://[2001:db8::1]", "metadata.example", "\u{1b}"]
        {
            let why = of(far).unwrap_err();
            assert!(why.starts_with(VARIABLE), "{why}");
        }
        let dmi = nowhere.path().join("sys/devices/virtual/dmi/id");
        std::fs::create_dir_all(&dmi).unwrap();
        std::fs::write(dmi.join("sys_vendor"), "Amazon EC2\n").unwrap();
        assert_eq!(Endpoint::of(&host, None), Ok(Some(Endpoint::V4)));
    }

    #[test]
    fn anything_else_is_refused() {
        for url in [
            "",
            "169.254.169.254",
            "https://169.254.169.254",
            "http://",
            "http://metadata.example",
            "http://user@169.254.169.254",
            "http://169.254.169.254/latest",
            "http://169.254.169.254:0",
            "http://169.254.169.254:65536",
            "http://fd00:ec2::254",
            "http://[fe80::1%2]:80",
            "http://169.254.169.254?x",
        ] {
            assert!(url.parse::<Endpoint>().is_err(), "{url}");
        }
    }
}
