//! Who may change system files, which programs run as somebody else, and how temporary directories are mounted.

use super::{Check, Topic};
use crate::host::Wanted;

pub(super) const TOPIC: Topic = Topic {
    name: "files",
    title: "Files and mounts",
    needs: Wanted { files: true, ..Wanted::NONE },
    lists: &[CHECKS],
};

const CHECKS: &[Check] = &[];
