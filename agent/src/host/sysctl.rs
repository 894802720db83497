//! Kernel settings as they are in force: the files below `/proc/sys`, sysctl(8).

use std::path::PathBuf;

use super::{Cause, Host, Text, Unreadable};

/// The value of a setting by its dotted name, such as `kernel.kptr_restrict`.
pub fn text(host: &Host, name: &str) -> Result<Text, Unreadable> {
    let path = path(name);
    let bytes = host.read(&path, MAX_VALUE)?;
    Ok(Text::from_bytes(bytes.trim_ascii()))
}

/// The value of a setting that is one number.
pub fn number(host: &Host, name: &str) -> Result<i64, Unreadable> {
    let value = text(host, name)?;
    let parsed = value.as_str().parse();
    parsed.map_err(|_| Unreadable::malformed(path(name), 1, format!("'{value}' is no number")))
}

/// As [`number`], where kernels without the feature have no such setting.
pub fn optional_number(host: &Host, name: &str) -> Result<Option<i64>, Unreadable> {
    match number(host, name) {
        Err(Unreadable { cause: Cause::Absent, .. }) => Ok(None),
        value => value.map(Some),
    }
}

/// Where a setting is: `/proc/sys/kernel/kptr_restrict`.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/sys/{}", name.replace('.', "/")))
}

/// The kernel gives at most a page.
const MAX_VALUE: u64 = 4096;
