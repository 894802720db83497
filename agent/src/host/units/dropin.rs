//! Configuration in systemd's layers: one main file, and drop-ins of which the first of each name counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::ini::{self, Setting};
use crate::host::{Host, Unreadable};

/// What `journald.conf` and its like say once all layers are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    /// In the order in which they were read.
    pub files: Vec<PathBuf>,
    pub settings: Vec<Setting>,
}

impl Stack {
    pub fn last(&self, section: &str, key: &str) -> Option<&Setting> {
        ini::last(&self.settings, section, key)
    }

    pub fn list(&self, section: &str, key: &str) -> Vec<&Setting> {
        ini::list(&self.settings, section, key)
    }
}

/// The layers of `systemd/journald.conf`, as `systemd-analyze cat-config` shows them.
pub fn stack(host: &Host, name: &str) -> Result<Stack, Unreadable> {
    let mut stack = Stack::default();
    let main = layers(name).find_map(|path| match host.lstat(&path) {
        Err(cause) if cause.is_absent() => None,
        found => Some(found.map(|_| path)),
    });
    stack.files.extend(main.transpose()?);
    let mut dropins: BTreeMap<String, PathBuf> = BTreeMap::new();
    for folder in layers(&format!("{name}.d")) {
        for file in super::confs(host, &folder)? {
            let path = folder.join(&file);
            dropins.entry(file).or_insert(path);
        }
    }
    stack.files.extend(dropins.into_values());
    for path in &stack.files {
        // A link to nowhere is how a file is masked.
        if host.read_link(path).is_ok_and(|target| target == Path::new(super::NULL)) {
            continue;
        }
        stack.settings.extend(ini::parse(path, &host.read(path, super::MAX_UNIT)?)?);
    }
    Ok(stack)
}

fn layers(name: &str) -> impl Iterator<Item = PathBuf> {
    LAYERS.iter().map(move |layer| Path::new(layer).join(name))
}

const LAYERS: [&str; 5] = ["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"];
