//! What came, went and was moved among the mounts.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;

use super::Mounted;
use crate::host::Text;
use crate::host::files::mounts::Mounts;

#[derive(Debug, Default)]
pub(super) struct Table {
    /// By their numbers; of a file system's own number only whether it is another.
    mounts: BTreeMap<u32, Seen>,
    changes: Vec<Mounted>,
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    point: Vec<u8>,
    device: (u32, u32),
    kind: Text,
}

impl Table {
    pub(super) fn update(&mut self, mounts: Mounts) {
        let seen = mounts.list.into_iter().map(|mount| {
            let point = mount.point.as_os_str().as_bytes().to_vec();
            (mount.id, Seen { point, device: mount.device, kind: mount.kind })
        });
        let before = std::mem::replace(&mut self.mounts, seen.collect());
        let is_gone = |id: &u32, seen: &Seen| self.mounts.get(id).is_none_or(|now| now.point != seen.point);
        for (_, seen) in before.iter().filter(|(id, seen)| is_gone(id, seen)) {
            self.changes.push(Mounted { point: seen.point.clone(), kind: None });
        }
        for (_, seen) in self.mounts.iter().filter(|(id, seen)| before.get(id) != Some(seen)) {
            self.changes.push(Mounted { point: seen.point.clone(), kind: Some(seen.kind.clone()) });
        }
    }

    /// Since it was asked last.
    pub(super) fn take(&mut self) -> Vec<Mounted> {
        std::mem::take(&mut self.changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_went_and_moved_is_told_by_its_points() {
        let parse = |text: &str| Mounts::parse(text.as_bytes()).unwrap();
        let mut table = Table::default();
        table.update(parse(
            "1 0 8:1 / / rw - ext4 a rw\n2 1 0:1 / /a rw - tmpfs t rw\n3 1 0:2 / /b rw - tmpfs t rw\n",
        ));
        table.take();
        table.update(parse(
            "1 0 8:1 / / ro - ext4 a ro\n3 1 0:2 / /c rw - tmpfs t rw\n4 1 8:1 /x /d rw - ext4 a rw\n",
        ));
        let of = |point: &str, kind: Option<&str>| Mounted { point: point.into(), kind: kind.map(Text::new) };
        let expected = [of("/a", None), of("/b", None), of("/c", Some("tmpfs")), of("/d", Some("ext4"))];
        assert_eq!(table.take(), expected);
        assert_eq!(table.take(), []);
    }
}
