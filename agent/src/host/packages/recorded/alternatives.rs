//! The links of update-alternatives(1) and of chkconfig's alternatives(8): no package lists them.
//!
//! Both keep a file for each alternative, and both begin it alike: mode, link, then name and link of each that goes along,
//! until a line is empty (dpkg's utils/update-alternatives.c, chkconfig's alternatives.c). What follows differs, and says
//! where the links may lead, which is not asked here.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::parse;
use crate::host::{Host, Unreadable};

/// Hands over each link that is kept in this directory, and the ones in /etc/alternatives behind them.
pub(super) fn each(host: &Host, directory: &str, mut each: impl FnMut(&[u8])) -> Result<(), Unreadable> {
    let found = match host.list(directory, MAX_ALTERNATIVES) {
        Err(cause) if cause.is_absent() => return Ok(()),
        found => found?,
    };
    for name in found {
        let bytes = match host.read(Path::new(directory).join(&name), MAX_SMALL) {
            Err(cause) if cause.is_absent() => continue,
            bytes => bytes?,
        };
        parse::alternative(name.as_bytes(), &bytes).iter().for_each(|link| each(link));
    }
    Ok(())
}

/// An alternative has a few kilobytes.
const MAX_SMALL: u64 = 4 * 1024 * 1024;
/// A Debian has a few hundred.
const MAX_ALTERNATIVES: usize = 100_000;
