//! Databases that somebody damaged: each is refused or read, with as much work as it has bytes.

use std::fs;
use std::path::Path;

use guestward::host::Host;
use guestward::host::packages::rpm::{Installed, each_header};

use super::some;
use crate::support::rpm::forms::{berkeley, headers, ndb};
use crate::support::rpm::{Root, VAR};

/// The same numbers each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }
}

/// Bits, lengths, zeros, counts, and pages that point to themselves.
fn damaged(intact: &[u8], page: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = intact.to_vec();
    // Half of them in the first bytes of a page, where its counts and pointers are.
    let pages = bytes.len() / page;
    let number = random.below(pages);
    let at = if random.below(2) == 0 { random.below(bytes.len()) } else { number * page + random.below(40) };
    let at = at.min(bytes.len() - 1);
    let four = at.min(bytes.len() - 4);
    match random.below(8) {
        0 | 1 => bytes[at] ^= 1 << random.below(8),
        2 => bytes.truncate(at),
        3 => {
            let end = (at + 1 + random.below(3 * page)).min(bytes.len());
            bytes[at..end].fill(0);
        }
        4 => {
            let counts = [u32::MAX, 0x7fff_ffff, 0x0fff_ffff, 0x00ff_ffff, 0];
            bytes[four..four + 4].copy_from_slice(&counts[random.below(5)].to_be_bytes());
        }
        5 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
        6 => {
            // SQLite counts pages from 1 and Berkeley DB from 0; where the next one is named differs, too.
            let own = u32::try_from(number).unwrap();
            let field = number * page + [0, 4, 8, 12, 16][random.below(5)];
            let own = [(own + 1).to_be_bytes(), own.to_le_bytes()][random.below(2)];
            bytes[field..field + 4].copy_from_slice(&own);
        }
        _ => {
            let other = random.below(pages) * page;
            let copy = bytes[other..other + page].to_vec();
            bytes[number * page..number * page + page].copy_from_slice(&copy);
        }
    }
    bytes
}

/// What this thread has read by now.
fn work() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/io").unwrap();
    text.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

/// How many were refused.
fn judge(root: &Path, file: &Path, page: usize) -> usize {
    let intact = fs::read(file).unwrap();
    let host = Host::at(root).unwrap();
    let expected = Installed::of(&host).unwrap().packages.len();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut refused = 0;
    for round in 0..2000 {
        let bytes = damaged(&intact, page, &mut random);
        fs::write(file, &bytes).unwrap();
        let before = work();
        match Installed::of(&host) {
            // Rows that overlap are the worst that can be.
            Ok(installed) => assert!((1..=expected + intact.len() / 64).contains(&installed.packages.len())),
            Err(cause) => {
                assert!(!cause.is_absent() && !cause.to_string().is_empty());
                refused += 1;
            }
        }
        let limit = 20 * (bytes.len() as u64 + 1024 * 1024);
        assert!(work() - before < limit, "round {round}: {} bytes read", work() - before);
        if round % 10 == 0 {
            let _ = each_header(&host, |header| {
                for tag in (1000..1120).step_by(7).chain([1117, 5096]) {
                    let values = header.strings(tag).count() + header.numbers(tag).count();
                    assert!(values <= bytes.len());
                }
                Ok(())
            });
        }
    }
    fs::write(file, &intact).unwrap();
    assert_eq!(Installed::of(&host).unwrap().packages.len(), expected);
    refused
}

#[test]
fn no_damage_to_sqlite_stops_it() {
    let root = Root::knowing(VAR, &some());
    let refused = judge(root.path(), &root.place().join("rpmdb.sqlite"), 4096);
    assert!(refused > 100, "{refused}");
}

#[test]
fn no_damage_to_berkeley_db_stops_it() {
    let root = Root::knowing(VAR, &some());
    let headers = headers(&root.place().join("rpmdb.sqlite"));
    fs::remove_file(root.place().join("rpmdb.sqlite")).unwrap();
    let file = root.place().join("Packages");
    berkeley(&headers, 512, false, &file);
    let refused = judge(root.path(), &file, 512);
    assert!(refused > 1000, "{refused}");
}

#[test]
fn no_damage_to_ndb_stops_it() {
    let root = Root::knowing(VAR, &some());
    let headers = headers(&root.place().join("rpmdb.sqlite"));
    fs::remove_file(root.place().join("rpmdb.sqlite")).unwrap();
    let file = root.place().join("Packages.db");
    ndb(&headers, &file);
    // All of it is under a checksum, or unused.
    let refused = judge(root.path(), &file, 512);
    assert!(refused > 1500, "{refused}");
}
