//! The machine of an event: the cloud it is in, the device, the resource that the verdict is about.

use serde::Serialize;

use crate::finding::{Finding, Text};
use crate::host::Identity;

#[derive(Debug, Serialize)]
pub(super) struct Cloud {
    pub(super) provider: &'static str,
}

/// The machine. The schema wants at least one name of it, so the name is always there.
#[derive(Debug, Serialize)]
pub(super) struct Device<'a> {
    type_id: u8,
    r#type: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid_alt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Option<Os<'a>>,
}

impl<'a> Device<'a> {
    pub(super) fn of(identity: &'a Identity) -> Self {
        let instance = text(&identity.instance_id);
        let machine = text(&identity.machine_id);
        // An EC2 instance is a virtual machine; of any other machine nobody said what it is.
        let (type_id, r#type) = if instance.is_some() { (6, "Virtual") } else { (0, "Unknown") };
        Self {
            type_id,
            r#type,
            name: name(identity),
            hostname: text(&identity.hostname),
            uid: instance.or(machine),
            uid_alt: instance.and(machine),
            instance_uid: instance,
            os: text(&identity.os).map(|os| Os::of(os, text(&identity.kernel))),
        }
    }
}

#[derive(Debug, Serialize)]
struct Os<'a> {
    name: &'a str,
    type_id: u16,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel_release: Option<&'a str>,
}

impl<'a> Os<'a> {
    fn of(os: &'a str, kernel_release: Option<&'a str>) -> Self {
        let (name, version) = os.rsplit_once(' ').map_or((os, None), |(name, version)| (name, Some(version)));
        Self { name, type_id: 200, r#type: "Linux", version, kernel_release }
    }
}

/// What the verdict is about, on its machine.
#[derive(Debug, Serialize)]
pub(super) struct Resource<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
}

impl<'a> Resource<'a> {
    pub(super) fn of(identity: &'a Identity, finding: &'a Finding) -> Self {
        let subject = finding.subject.as_str();
        Self {
            name: subject,
            r#type: subject.split(':').next().filter(|kind| !kind.is_empty()),
            hostname: text(&identity.hostname),
            uid: text(&identity.instance_id).or(text(&identity.machine_id)),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Observable<'a> {
    name: &'static str,
    type_id: u8,
    r#type: &'static str,
    value: &'a str,
}

pub(super) fn observables(identity: &Identity) -> Vec<Observable<'_>> {
    let hostname = text(&identity.hostname);
    let uid = text(&identity.instance_id).or(text(&identity.machine_id));
    let names = [
        hostname.map(|value| Observable { name: "device.hostname", type_id: 1, r#type: "Hostname", value }),
        uid.map(|value| Observable { name: "resources[].uid", type_id: 10, r#type: "Resource UID", value }),
    ];
    names.into_iter().flatten().collect()
}

pub(super) fn name(identity: &Identity) -> &str {
    text(&identity.hostname).or(text(&identity.instance_id)).unwrap_or("a machine without a name")
}

pub(super) fn text(text: &Option<Text>) -> Option<&str> {
    text.as_ref().map(Text::as_str)
}
