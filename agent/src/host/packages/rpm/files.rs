//! The files of one package, as its header in rpm's database has them (rpm's docs/manual/tags.md, "File tags").

use super::header::Header;

/// A file that is on the machine, as far as the package says. Nothing of it is believed but that it is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct File<'a> {
    /// With the slash at its end.
    pub directory: &'a [u8],
    pub name: &'a [u8],
    /// RPMFILE_*: [`CONFIGURATION`], [`GHOST`], [`MAY_BE_MISSING`].
    pub flags: u64,
    /// As stat(2) has it, with the type.
    pub mode: Option<u16>,
    /// In hexadecimal digits; empty of what is no regular file.
    pub digest: &'a [u8],
    /// Where a symbolic link leads; empty of anything else.
    pub target: &'a [u8],
    pub user: &'a [u8],
    pub group: &'a [u8],
}

impl File<'_> {
    /// Its path, in a buffer that is used for file after file.
    pub fn path<'p>(&self, into: &'p mut Vec<u8>) -> &'p [u8] {
        into.clear();
        into.extend_from_slice(self.directory);
        into.extend_from_slice(self.name);
        // A package lists the root as a directory, too.
        if into.len() > 1 && into.ends_with(b"/") {
            into.pop();
        }
        into
    }

    pub fn is(&self, flag: u64) -> bool {
        self.flags & flag != 0
    }
}

/// The number of the algorithm of all digests of the package.
pub fn algorithm(header: &Header<'_>) -> u64 {
    header.numbers(DIGEST_ALGORITHM).next().unwrap_or(MD5)
}

/// Hands over each file that was installed: not what was left out (`--excludedocs`, `%_netsharedpath`), what another
/// package replaced, and what is there in the other colour of two architectures.
pub fn each<'a>(header: &Header<'a>, mut each: impl FnMut(&File<'a>)) -> Result<(), String> {
    let directories: Vec<&[u8]> = header.strings(DIRECTORIES).collect();
    let mut places = header.numbers(DIRECTORY_OF);
    let (mut flags, mut modes, mut states) =
        (header.numbers(FLAGS), header.numbers(MODES), header.numbers(STATES));
    let (mut digests, mut targets) = (header.strings(DIGESTS), header.strings(TARGETS));
    let (mut users, mut groups) = (header.strings(USERS), header.strings(GROUPS));
    // Packages of rpm 3 have whole paths.
    let names = header.strings(NAMES);
    let whole = header.strings(OLD_NAMES).filter(|_| directories.is_empty());
    for name in names.chain(whole) {
        let directory = match places.next() {
            Some(place) => usize::try_from(place).ok().and_then(|place| directories.get(place)).copied(),
            None => directories.is_empty().then_some(&b""[..]),
        };
        let file = File {
            directory: directory.ok_or("a file of it lies in no directory of it")?,
            name,
            flags: flags.next().unwrap_or(0),
            mode: modes.next().and_then(|mode| u16::try_from(mode & 0xffff).ok()),
            digest: digests.next().unwrap_or_default(),
            target: targets.next().unwrap_or_default(),
            user: users.next().unwrap_or_default(),
            group: groups.next().unwrap_or_default(),
        };
        let is_there = states.next().is_none_or(|state| state == NORMAL);
        let is_path = file.directory.first().or(file.name.first()) == Some(&b'/');
        if is_there && is_path {
            each(&file);
        }
    }
    Ok(())
}

/// `openssl:x86_64`, as every package manager's packages are told.
pub fn key(header: &Header<'_>) -> Vec<u8> {
    let word = |tag| header.string(tag).unwrap_or_default();
    [word(NAME), b":", word(ARCHITECTURE)].concat()
}

/// `[epoch:]version-release`
pub fn evr(header: &Header<'_>) -> Vec<u8> {
    let word = |tag| header.string(tag).unwrap_or_default();
    let epoch = header.numbers(EPOCH).next().filter(|epoch| *epoch != 0);
    let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
    [epoch.as_bytes(), word(VERSION), b"-", word(RELEASE)].concat()
}

/// RPMFILE_CONFIG
pub const CONFIGURATION: u64 = 1;
/// RPMFILE_MISSINGOK
pub const MAY_BE_MISSING: u64 = 1 << 3;
/// RPMFILE_GHOST: the package has the path, and installs nothing there.
pub const GHOST: u64 = 1 << 6;

pub const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const ARCHITECTURE: u32 = 1022;
const OLD_NAMES: u32 = 1027;
const STATES: u32 = 1029;
const MODES: u32 = 1030;
const DIGESTS: u32 = 1035;
const TARGETS: u32 = 1036;
const FLAGS: u32 = 1037;
const USERS: u32 = 1039;
const GROUPS: u32 = 1040;
const DIRECTORY_OF: u32 = 1116;
const NAMES: u32 = 1117;
const DIRECTORIES: u32 = 1118;
const DIGEST_ALGORITHM: u32 = 5011;
/// PGPHASHALGO_MD5, which every package had when none was named.
const MD5: u64 = 1;
/// RPMFILE_STATE_NORMAL; the others say that the file is not there, or another package's.
const NORMAL: u64 = 0;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INT32: u32 = 4;
    const STRING: u32 = 6;
    const STRINGS: u32 = 8;

    /// A header as rpm's database has it: two counts, the index, the store.
    fn built(entries: &[(u32, u32, u32, Vec<u8>)]) -> Vec<u8> {
        let (mut index, mut store) = (Vec::new(), Vec::new());
        for (tag, kind, count, value) in entries {
            store.resize(usize::next_multiple_of(store.len(), 4), 0);
            for number in [*tag, *kind, u32::try_from(store.len()).unwrap(), *count] {
                index.extend(number.to_be_bytes());
            }
            store.extend_from_slice(value);
        }
        let count = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
        [&count(entries.len())[..], &count(store.len()), &index, &store].concat()
    }

    fn words(tag: u32, words: &[&str]) -> (u32, u32, u32, Vec<u8>) {
        let value = words.iter().flat_map(|word| word.bytes().chain([0])).collect();
        (tag, STRINGS, u32::try_from(words.len()).unwrap(), value)
    }

    fn numbers(tag: u32, numbers: &[u32]) -> (u32, u32, u32, Vec<u8>) {
        let value = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        (tag, INT32, u32::try_from(numbers.len()).unwrap(), value)
    }

    fn read(entries: &[(u32, u32, u32, Vec<u8>)]) -> Result<Vec<String>, String> {
        let bytes = built(entries);
        let header = Header::parse(&bytes).unwrap();
        let (mut found, mut buffer) = (Vec::new(), Vec::new());
        each(&header, |file| {
            let path = String::from_utf8_lossy(file.path(&mut buffer)).into_owned();
            found.push(format!("{path} {:o} {}", file.mode.unwrap_or(0), file.flags));
        })?;
        Ok(found)
    }

    #[test]
    fn a_file_is_its_directory_and_its_name_and_what_was_not_installed_is_none() {
        let files = [
            words(NAMES, &["", "a", "b", "c", "d", "e"]),
            words(DIRECTORIES, &["/", "/usr/bin/"]),
            numbers(DIRECTORY_OF, &[0, 0, 1, 1, 1, 1]),
            numbers(MODES, &[0o40_755, 0o100_644, 0o100_755]),
            // Replaced by another package, left out, and there in the other colour.
            numbers(STATES, &[0, 0, 0, 1, 2, 4]),
            numbers(FLAGS, &[0, 17]),
        ];
        assert_eq!(read(&files).unwrap(), ["/ 40755 0", "/a 100644 17", "/usr/bin/b 100755 0"]);
    }

    #[test]
    fn packages_of_rpm_3_have_whole_paths() {
        let files = [words(OLD_NAMES, &["/usr/bin/a", "relative"]), numbers(MODES, &[0o100_755])];
        assert_eq!(read(&files).unwrap(), ["/usr/bin/a 100755 0"]);
    }

    #[test]
    fn a_directory_that_there_is_not_is_said_to_be_wrong() {
        let directory = words(DIRECTORIES, &["/"]);
        for place in [1, u32::MAX] {
            let files = [words(NAMES, &["a"]), directory.clone(), numbers(DIRECTORY_OF, &[place])];
            assert!(read(&files).is_err(), "{place}");
        }
        assert!(read(&[words(NAMES, &["a"]), directory]).is_err());
    }

    #[test]
    fn a_package_is_named_as_every_package_manager_s_are() {
        let one = |tag, word: &str| (tag, STRING, 1, [word.as_bytes(), b"\0"].concat());
        let named = [one(NAME, "x"), one(VERSION, "1"), one(RELEASE, "2"), one(ARCHITECTURE, "noarch")];
        let plain = built(&named);
        let plain = Header::parse(&plain).unwrap();
        assert_eq!((key(&plain), evr(&plain)), (b"x:noarch".to_vec(), b"1-2".to_vec()));
        assert_eq!(algorithm(&plain), MD5);
        let more = [&named[..], &[numbers(EPOCH, &[3]), numbers(DIGEST_ALGORITHM, &[8])]].concat();
        let more = built(&more);
        let more = Header::parse(&more).unwrap();
        assert_eq!((evr(&more), algorithm(&more)), (b"3:1-2".to_vec(), 8));
    }

    proptest! {
        /// As many of each as somebody likes, and of any type.
        #[test]
        fn no_arrays_make_it_panic(entries in proptest::collection::vec(
            (prop::sample::select(vec![OLD_NAMES, STATES, MODES, DIGESTS, TARGETS, FLAGS, USERS, GROUPS,
                DIRECTORY_OF, NAMES, DIRECTORIES]),
             prop::sample::select(vec![3_u32, INT32, STRING, STRINGS]),
             0..5_u32,
             proptest::collection::vec(prop_oneof![Just(0), Just(b'/'), any::<u8>()], 0..24)), 0..14))
        {
            let bytes = built(&entries);
            if let Ok(header) = Header::parse(&bytes) {
                let mut buffer = Vec::new();
                let _ = each(&header, |file| {
                    assert!(file.path(&mut buffer).starts_with(b"/"));
                });
            }
        }
    }
}
