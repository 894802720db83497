//! The set-uid and set-gid files that Debian's packages ship, with the mode that they ship them with.
//!
//! dpkg records no modes. The table is made by `packaging/set-id-files`.

use std::path::Path;

/// One row: a file as a package makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shipped {
    pub(super) mode: u32,
    pub(super) owner: &'static str,
    pub(super) group: &'static str,
}

/// What is known of a path; several rows where releases differ.
pub(super) fn at(path: &Path) -> impl Iterator<Item = Shipped> {
    let path = path.to_str().map(merged);
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(move |line| {
        let mut fields = line.split('\t');
        let (_package, of) = (fields.next()?, fields.next()?);
        if Some(merged(of)) != path {
            return None;
        }
        let mode = u32::from_str_radix(fields.next()?, 8).ok()?;
        Some(Shipped { mode, owner: fields.next()?, group: fields.next()? })
    })
}

/// The path below /usr, where it lies since the merge, without the architecture in it.
fn merged(path: &str) -> String {
    let path = path
        .strip_prefix("/usr")
        .filter(|rest| MERGED.iter().any(|place| rest.starts_with(place)))
        .unwrap_or(path);
    path.replace("aarch64-linux-gnu", "x86_64-linux-gnu")
}

const TABLE: &str = include_str!("set_id.tsv");
const MERGED: &[&str] = &["/bin/", "/sbin/", "/lib/", "/lib64/"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_whole_and_says_set_id() {
        let mut count = 0;
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 6, "{line}");
            let mode = u32::from_str_radix(fields[2], 8).unwrap();
            assert!(mode & 0o6000 != 0 && mode & 0o002 == 0, "{line}");
            assert!(fields[1].starts_with('/') && fields.iter().all(|field| !field.is_empty()), "{line}");
            count += 1;
        }
        assert!(count > 50, "{count} rows");
    }

    #[test]
    fn both_sides_of_the_merge_and_both_architectures_are_known() {
        for path in ["/bin/su", "/usr/bin/su"] {
            assert!(at(Path::new(path)).any(|row| row.mode == 0o4755 && row.owner == "root"), "{path}");
        }
        assert_eq!(
            at(Path::new("/usr/lib/aarch64-linux-gnu/utempter/utempter")).next().unwrap().group,
            "utmp"
        );
        assert_eq!(at(Path::new("/usr/bin/vim")).count(), 0);
    }
}
