//! The bootloader's entries: one file each, by the Boot Loader Specification
//! (<https://uapi-group.org/specifications/specs/boot_loader_specification>, type #1).

use crate::host::Host;

/// The kernel of the entry of that id or title: `uname -r` as the entry has it, or else as its file is called.
pub(super) fn release(host: &Host, entry: &str) -> Option<String> {
    let names = host.list(PLACE, MAX_ENTRIES).ok()?;
    let ids = || names.iter().filter_map(|name| name.to_str()?.strip_suffix(".conf"));
    let text = |id: &str| host.read(format!("{PLACE}/{id}.conf"), MAX_BYTES).ok();
    if let Some(id) = ids().find(|id| *id == entry) {
        return release_of(&text(id)?);
    }
    let mut titled = ids().filter_map(text).filter(|text| value(text, b"title") == Some(entry));
    let found = titled.next()?;
    // Which of two is meant, the order decides in which GRUB has them.
    titled.next().is_none().then(|| release_of(&found)).flatten()
}

fn release_of(text: &[u8]) -> Option<String> {
    let by_file = || value(text, b"linux")?.rsplit('/').next()?.strip_prefix("vmlinuz-");
    let release = value(text, b"version").or_else(by_file)?;
    let is_release = release.len() <= MAX_RELEASE && release.bytes().all(|byte| byte.is_ascii_graphic());
    is_release.then(|| release.to_owned())
}

/// The first of that key: blanks around, a blank between.
fn value<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a str> {
    let value = text.split(|&byte| byte == b'\n').find_map(|line| {
        let rest = line.trim_ascii_start().strip_prefix(key)?;
        rest.first().is_some_and(|&byte| byte == b' ' || byte == b'\t').then(|| rest.trim_ascii())
    })?;
    std::str::from_utf8(value).ok().filter(|value| !value.is_empty())
}

const PLACE: &str = "/boot/loader/entries";
/// Each is a kernel that takes a hundred megabytes.
const MAX_ENTRIES: usize = 1000;
const MAX_BYTES: u64 = 64 * 1024;
/// The kernel's own limit has 64 (uname(2)).
const MAX_RELEASE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENTRY: &str = "# by kernel-install\ntitle Amazon Linux (6.1.109-118.189.amzn2023.x86_64) 2023\n\
        versionless x\nversion\t6.1.109-118.189.amzn2023.x86_64 \nlinux /boot/vmlinuz-6.1.109\noptions root=UUID=1 ro\n";

    #[test]
    fn an_entry_is_found_by_its_name_and_by_its_title() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("boot/loader/entries");
        std::fs::create_dir_all(&place).unwrap();
        let write = |name: &str, text: &str| std::fs::write(place.join(name), text).unwrap();
        write("1f-old.conf", ENTRY);
        write("1f-file.conf", "title Other\nlinux /vmlinuz-6.1.115\n");
        write("1f-twice.conf", "title Twice\nversion 1\n");
        write("1f-again.conf", "title Twice\nversion 2\n");
        write("1f-none.conf", "title None\nefi /shell.efi\n");
        write("1f-off", ENTRY);
        let host = Host::at(root.path()).unwrap();
        let told = |entry: &str| release(&host, entry);
        let old = Some("6.1.109-118.189.amzn2023.x86_64".to_owned());
        assert_eq!(told("1f-old"), old);
        assert_eq!(told("Amazon Linux (6.1.109-118.189.amzn2023.x86_64) 2023"), old);
        assert_eq!(told("1f-file").as_deref(), Some("6.1.115"));
        assert_eq!(told("1f-twice").as_deref(), Some("1"));
        for unknown in ["Twice", "1f-none", "1f-off", "1", "", "../x"] {
            assert_eq!(told(unknown), None, "{unknown}");
        }
    }

    proptest! {
        #[test]
        fn a_value_is_read_whatever_is_around_it(
            before in "(#[ -~]{0,20}\n|options [ -~]{0,20}\n|\n){0,5}",
            release in "[0-9a-z.+-]{1,30}",
            blank in "[ \t]{1,3}",
            after in "(\nversion other|\nlinux /x| ){0,2}",
        ) {
            let text = format!("{before}version{blank}{release}{after}");
            prop_assert_eq!(release_of(text.as_bytes()), Some(release));
        }

        #[test]
        fn no_bytes_make_it_panic(text in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = release_of(&[b"version ", &text[..]].concat());
        }
    }
}
