//! The pages of the metadata service, and the listings of what is below a place.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::identity::{IMAGE, TYPE};
use super::{Metadata, Told};
use crate::support::aws::clock;
use crate::support::aws::state::State;

/// A place below the version, and what is there.
type Pages = BTreeMap<String, Vec<u8>>;

/// Kind and content of a page or of a listing. EC2 once redirected who asked for a listing without the last slash;
/// today a slash at the end makes no difference, and botocore sends one behind the availability zone.
pub(super) fn find(told: &Told, state: &State, path: &str) -> Option<(&'static str, Vec<u8>)> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Some((TEXT, VERSIONS.join("\n").into_bytes()));
    }
    let (version, place) = path.split_once('/').unwrap_or((path, ""));
    if !VERSIONS.contains(&version) {
        return None;
    }
    if place == "user-data" {
        let data = told.user_data.clone();
        return Some(("application/octet-stream", data)).filter(|(_, data)| !data.is_empty());
    }
    let pages = pages(told, state);
    let page = pages.get(place).cloned().or_else(|| listing(&pages, place, !told.user_data.is_empty()));
    page.map(|page| (TEXT, page))
}

/// Places with more below them end with a slash, but for the first.
fn listing(pages: &Pages, place: &str, has_user_data: bool) -> Option<Vec<u8>> {
    let is_first = place.is_empty();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for page in pages.keys() {
        let rest = if is_first {
            page
        } else {
            match page.strip_prefix(place).and_then(|rest| rest.strip_prefix('/')) {
                Some(rest) => rest,
                None => continue,
            }
        };
        names.insert(match rest.split_once('/') {
            Some((name, _)) if is_first => name.to_owned(),
            Some((name, _)) => format!("{name}/"),
            None => rest.to_owned(),
        });
    }
    // Whether EC2 lists user data where there are none is not known.
    if is_first && has_user_data {
        names.insert("user-data".to_owned());
    }
    let names: Vec<_> = names.into_iter().collect();
    Some(names.join("\n").into_bytes()).filter(|names| !names.is_empty())
}

fn pages(told: &Told, state: &State) -> Pages {
    let region = told.account.region;
    let host = format!("ip-{}.{region}.compute.internal", Metadata::LOCAL.replace('.', "-"));
    let mut pages = Pages::new();
    let mut add = |place: &str, text: &str| {
        pages.insert(place.to_owned(), text.as_bytes().to_vec());
    };
    for (name, text) in [
        ("ami-id", IMAGE),
        ("ami-launch-index", "0"),
        ("hostname", &host),
        ("instance-action", "none"),
        ("instance-id", &told.instance),
        ("instance-life-cycle", "on-demand"),
        ("instance-type", TYPE),
        ("local-hostname", &host),
        ("local-ipv4", Metadata::LOCAL),
        ("mac", Metadata::MAC),
        ("placement/availability-zone", &format!("{region}a")),
        ("placement/region", region),
        ("profile", "default-hvm"),
        ("reservation-id", "r-0123456789abcdef0"),
        ("security-groups", "default"),
        ("services/domain", "amazonaws.com"),
        ("services/partition", "aws"),
    ] {
        add(&format!("meta-data/{name}"), text);
    }
    let interface = format!("meta-data/network/interfaces/macs/{}", Metadata::MAC);
    for (name, text) in [
        ("device-number", "0"),
        ("interface-id", "eni-0123456789abcdef0"),
        ("local-hostname", &host),
        ("local-ipv4s", Metadata::LOCAL),
        ("mac", Metadata::MAC),
        ("owner-id", told.account.id),
        ("subnet-ipv4-cidr-block", "10.0.0.0/24"),
    ] {
        add(&format!("{interface}/{name}"), text);
    }
    if told.has_role {
        add("meta-data/iam/info", &profile(told, state));
        add(&format!("meta-data/iam/security-credentials/{}", Metadata::ROLE), &credentials(told, state));
    }
    for (key, value) in &told.tags {
        add(&format!("meta-data/tags/instance/{key}"), value);
    }
    // EC2 has `pkcs7` as well, signed by DSA, which nobody here reads.
    add("dynamic/instance-identity/document", &told.signed.document);
    add("dynamic/instance-identity/rsa2048", &told.signed.rsa2048);
    add("dynamic/instance-identity/signature", &told.signed.signature);
    add("dynamic/fws/instance-monitoring", "disabled");
    pages
}

fn profile(told: &Told, state: &State) -> String {
    let arn = format!("arn:aws:iam::{}:instance-profile/{}", told.account.id, Metadata::ROLE);
    let body = json!({
        "Code": "Success", "LastUpdated": clock::rfc3339(state.clock.now()),
        "InstanceProfileArn": arn, "InstanceProfileId": "AIPAEXAMPLEEXAMPLE123",
    });
    body.to_string()
}

fn credentials(told: &Told, state: &State) -> String {
    let newest = || state.access.lock().expect("keys").newest();
    let (id, secret, token) = told.credentials.clone().unwrap_or_else(newest);
    let now = state.clock.now();
    let body = json!({
        "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": clock::rfc3339(now),
        "AccessKeyId": id, "SecretAccessKey": secret, "Token": token,
        "Expiration": clock::rfc3339(now + 6 * 3_600_000),
    });
    body.to_string()
}

/// Whether a tag with that key can be seen by an instance: each is a part of a path.
pub(super) fn is_tag(key: &str) -> bool {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || "+-=.,_:@".contains(character);
    !key.is_empty() && key.chars().all(is_allowed) && ![".", "..", "_index"].contains(&key)
}

const TEXT: &str = "text/plain";
/// A few of EC2's, with those that cloud-init asks for.
const VERSIONS: &[&str] =
    &["1.0", "2009-04-04", "2016-09-02", "2018-09-24", "2020-10-27", "2021-03-23", "2021-07-15", "latest"];
