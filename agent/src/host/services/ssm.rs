//! What the agent of AWS Systems Manager leaves behind: whether it was ever registered, and whether it sleeps.

use crate::host::{Host, Unreadable};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ssm {
    pub is_installed: bool,
    /// Whether it has an identity: its own registration, or a directory with the instance's id.
    pub is_registered: bool,
    /// When it last wrote that it hibernates, in seconds since 1970.
    pub hibernated: Option<i64>,
    /// When it last wrote to its own log.
    pub logged: Option<i64>,
}

impl Ssm {
    pub(super) fn of(host: &Host) -> Result<Self, Unreadable> {
        let mut is_installed = false;
        for path in PROGRAMS {
            is_installed |= host.exists(path)?;
        }
        Ok(Self {
            is_installed,
            is_registered: is_registered(host)?,
            hibernated: changed(host, "/var/log/amazon/ssm/hibernate.log")?,
            logged: changed(host, "/var/log/amazon/ssm/amazon-ssm-agent.log")?,
        })
    }
}

fn is_registered(host: &Host) -> Result<bool, Unreadable> {
    let names = match host.list(STATE, MAX_ENTRIES) {
        Err(cause) if cause.is_absent() => return Ok(false),
        names => names?,
    };
    let starts = |with: &str| names.iter().any(|name| name.as_encoded_bytes().starts_with(with.as_bytes()));
    Ok(host.exists("/var/lib/amazon/ssm/registration")? || starts("i-") || starts("mi-"))
}

fn changed(host: &Host, path: &str) -> Result<Option<i64>, Unreadable> {
    match host.stat(path) {
        Ok(meta) => Ok(Some(meta.mtime)),
        Err(cause) if cause.is_absent() => Ok(None),
        Err(cause) => Err(cause),
    }
}

const STATE: &str = "/var/lib/amazon/ssm";
const PROGRAMS: [&str; 2] = ["/usr/bin/amazon-ssm-agent", "/snap/amazon-ssm-agent/current/amazon-ssm-agent"];
const MAX_ENTRIES: usize = 10_000;
