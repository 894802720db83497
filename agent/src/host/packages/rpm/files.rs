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
