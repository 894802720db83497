//! The names of units: `sshd.service`, `getty@tty1.service`, `dev-sda1.device`.

use std::path::Path;

/// systemd.unit(5): letters, digits and `:-_.\@`, then a type.
pub(super) fn is_valid(name: &str) -> bool {
    let Some((stem, kind)) = name.rsplit_once('.') else { return false };
    !stem.is_empty()
        && !stem.starts_with('@')
        && name.len() <= MAX_NAME
        && TYPES.contains(&kind)
        && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte))
}

/// `getty@.service` for `getty@tty1.service`.
pub(super) fn template_of(name: &str) -> Option<String> {
    let (prefix, instance, kind) = parts(name)?;
    (!instance.is_empty()).then(|| format!("{prefix}@.{kind}"))
}

/// A template's name with the instance that `name` has; any other name as it is.
pub(super) fn with_instance_of(template: &str, name: &str) -> String {
    match (parts(template), parts(name)) {
        (Some((prefix, "", kind)), Some((_, instance, _))) if !instance.is_empty() => {
            format!("{prefix}@{instance}.{kind}")
        }
        _ => template.to_owned(),
    }
}

/// Whether systemd takes a link of one name to another for an alias: the same type, and both plain, both templates,
/// or an instance for the same instance or for a template.
pub(super) fn can_stand_for(alias: &str, name: &str) -> bool {
    let kind = |name: &str| name.rsplit_once('.').map(|(_, kind)| kind.to_owned());
    let instance = |name: &str| parts(name).map(|(_, instance, _)| instance.to_owned());
    let is_kin = match (instance(alias), instance(name)) {
        (None, None) => true,
        (Some(alias), Some(name)) => alias == name || name.is_empty(),
        _ => false,
    };
    is_valid(name) && kind(alias) == kind(name) && is_kin
}

pub(super) fn is_instance(name: &str) -> bool {
    template_of(name).is_some()
}

pub(super) fn is_template(name: &str) -> bool {
    matches!(parts(name), Some((_, "", _)))
}

/// Prefix, instance and type of a name with an `@`.
fn parts(name: &str) -> Option<(&str, &str, &str)> {
    let (stem, kind) = name.rsplit_once('.')?;
    let (prefix, instance) = stem.split_once('@')?;
    Some((prefix, instance, kind))
}

/// The names whose `.d` directories belong to a unit, the most particular first: `a-b@c.service`, `a-b@.service`,
/// `a-.service`.
pub(super) fn dropin_stems(name: &str) -> Vec<String> {
    let mut stems = vec![name.to_owned()];
    stems.extend(template_of(name));
    let Some((stem, kind)) = name.rsplit_once('.') else { return stems };
    let mut prefix = stem.split_once('@').map_or(stem, |(prefix, _)| prefix);
    // `a-b-` has been there already when `a-b-.service` itself is the unit.
    prefix = prefix.strip_suffix('-').unwrap_or(prefix);
    while let Some((shorter, _)) = prefix.rsplit_once('-') {
        stems.push(format!("{shorter}-.{kind}"));
        prefix = shorter;
    }
    stems
}

/// A path's last component, if it can be the name of a unit.
pub(super) fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

const MAX_NAME: usize = 255;
const TYPES: [&str; 11] = [
    "service",
    "socket",
    "device",
    "mount",
    "automount",
    "swap",
    "target",
    "path",
    "timer",
    "slice",
    "scope",
];
