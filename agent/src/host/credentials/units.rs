//! What a unit of systemd says about its environment's files.

use memchr::memmem::find_iter;

/// The paths and patterns behind `EnvironmentFile=` (systemd.exec(5)); a `-` in front means that it may be absent.
///
/// One with a specifier (`%i`) names a file of an instance, which this unit alone does not tell.
pub(super) fn environment_files(unit: &[u8]) -> impl Iterator<Item = &[u8]> {
    find_iter(unit, NAME).filter_map(move |at| {
        let value =
            unit[at + NAME.len()..].split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii();
        let path = value.strip_prefix(b"-").unwrap_or(value);
        (path.starts_with(b"/") && path.len() < MAX_PATH && !path.contains(&b'%')).then_some(path)
    })
}

const NAME: &[u8] = b"EnvironmentFile=";
/// PATH_MAX of Linux.
const MAX_PATH: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_is_taken_with_and_without_its_dash() {
        let unit =
            b"[Service]\nEnvironmentFile=-/etc/a\nEnvironmentFile=/etc/b/*.env \nEnvironmentFile=/etc/%i\n";
        assert_eq!(environment_files(unit).collect::<Vec<_>>(), [&b"/etc/a"[..], b"/etc/b/*.env"]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in "(EnvironmentFile=|-|/|%|\n|[a-z]){0,40}") {
            environment_files(bytes.as_bytes()).count();
        }
    }
}
