//! Where the services are, if not at their own addresses: the standard AWS variables, read once and judged.

use std::net::IpAddr;

/// URLs that somebody gave in place of the services' own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Endpoints {
    all: Option<String>,
    logs: Option<String>,
    ssm: Option<String>,
    sts: Option<String>,
}

impl Endpoints {
    /// From `AWS_ENDPOINT_URL` and its like. Without TLS only this machine is asked.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let read = |name: &str| match var(name).filter(|url| !url.is_empty()) {
            Some(url) => judged(&url).map(Some).map_err(|why| format!("{name}: {why}")),
            None => Ok(None),
        };
        Ok(Self {
            all: read("AWS_ENDPOINT_URL")?,
            logs: read("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS")?,
            ssm: read("AWS_ENDPOINT_URL_SSM")?,
            sts: read("AWS_ENDPOINT_URL_STS")?,
        })
    }

    pub fn logs(&self) -> Option<String> {
        self.logs.clone().or_else(|| self.all.clone())
    }

    pub fn ssm(&self) -> Option<String> {
        self.ssm.clone().or_else(|| self.all.clone())
    }

    pub fn sts(&self) -> Option<String> {
        self.sts.clone().or_else(|| self.all.clone())
    }

    /// The ports that the given URLs lead to.
    pub fn ports(&self) -> Vec<u16> {
        let urls = [&self.all, &self.logs, &self.ssm, &self.sts];
        urls.into_iter().flatten().filter_map(|url| port(url)).collect()
    }
}

/// The port that a URL leads to.
fn port(url: &str) -> Option<u16> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let after = authority.rsplit_once(']').map_or(authority, |(_, after)| after);
    match after.rsplit_once(':') {
        Some((_, port)) => port.parse().ok(),
        None => Some(if scheme == "https" { 443 } else { 80 }),
    }
}

fn judged(url: &str) -> Result<String, String> {
    if url.starts_with("https://") && url.len() > "https://".len() {
        return Ok(url.to_owned());
    }
    let rest = url.strip_prefix("http://").ok_or("it begins with https://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    // An address: whoever answers for a name decides where it leads.
    match host.parse::<IpAddr>() {
        Ok(address) if address.is_loopback() => Ok(url.to_owned()),
        _ => Err("without TLS only a loopback address is taken, as http://127.0.0.1:4566".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_its_own_url_or_that_of_all_or_none() {
        let vars = |name: &str| match name {
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:4566".to_owned()),
            "AWS_ENDPOINT_URL_SSM" => Some("https://ssm.example".to_owned()),
            _ => None,
        };
        let endpoints = Endpoints::from_vars(vars).unwrap_or_default();
        assert_eq!(endpoints.logs().as_deref(), Some("http://127.0.0.1:4566"));
        assert_eq!(endpoints.ssm().as_deref(), Some("https://ssm.example"));
        assert_eq!(Endpoints::from_vars(|_| None), Ok(Endpoints::default()));
    }

    #[test]
    fn each_url_leads_to_a_port() {
        for (url, to) in [
            ("https://ssm.example", Some(443)),
            ("http://127.0.0.1", Some(80)),
            ("http://127.0.0.1:4566/x:1", Some(4566)),
            ("http://[::1]:9", Some(9)),
            ("http://[::1]", Some(80)),
            ("https://logs.example:70000", None),
        ] {
            assert_eq!(port(url), to, "{url}");
        }
    }

    #[test]
    fn nothing_leaves_the_machine_without_tls() {
        for url in [
            "http://logs.example",
            "http://localhost:1",
            "http://10.0.0.1",
            "ftp://x",
            "https://",
            "http://127.0.0.1.evil:80",
        ] {
            assert!(judged(url).is_err(), "{url}");
        }
        for url in ["http://[::1]:8080/", "http://127.0.0.1:9", "https://vpce-1.logs.example"] {
            assert!(judged(url).is_ok(), "{url}");
        }
    }
}
