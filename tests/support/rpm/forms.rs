//! The same database in the forms that this rpm cannot write: its headers, taken out of SQLite by Python's own library, put
//! into a hash by Berkeley DB's own loader, and into ndb as rpm's lib/backend/ndb/rpmpkg.c writes it.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What Python prints.
pub(crate) fn python(script: &str, arguments: &[&str]) -> String {
    let output = Command::new("python3").args(["-c", script]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Each header of a database in SQLite, with its number.
pub(crate) fn headers(database: &Path) -> Vec<(u32, Vec<u8>)> {
    let told = python(
        "import sqlite3, sys\n\
         rows = sqlite3.connect(sys.argv[1]).execute('select hnum, hex(blob) from Packages order by hnum')\n\
         for number, header in rows: print(number, header)",
        &[database.to_str().unwrap()],
    );
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let header = |line: &str| {
        let (number, header) = line.split_once(' ').unwrap();
        (number.parse().unwrap(), header.as_bytes().chunks(2).map(byte).collect())
    };
    told.lines().map(header).collect()
}

/// A hash with pages of that size, in the byte order of a machine of that kind.
pub(crate) fn berkeley(headers: &[(u32, Vec<u8>)], page_size: u32, is_big: bool, file: &Path) {
    let number = |number: u32| if is_big { number.to_be_bytes() } else { number.to_le_bytes() };
    let order = if is_big { 4321 } else { 1234 };
    let mut text =
        format!("VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize={page_size}\ndb_lorder={order}\n");
    text.push_str("HEADER=END\n");
    // The first is the last number that was given away, as rpm keeps it.
    let last = headers.iter().map(|(package, _)| *package).max().unwrap_or(0);
    let pairs = [(0, number(last).to_vec())].into_iter().chain(headers.iter().cloned());
    for (package, value) in pairs {
        for bytes in [&number(package)[..], &value] {
            text.push(' ');
            bytes.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
            text.push('\n');
        }
    }
    text.push_str("DATA=END\n");
    let _ = fs::remove_file(file);
    let mut loader = Command::new("db5.3_load").arg(file).stdin(Stdio::piped()).spawn().unwrap();
    loader.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(loader.wait().unwrap().success());
}

/// With slots that nobody uses before, between and behind those that are.
pub(crate) fn ndb(headers: &[(u32, Vec<u8>)], file: &Path) {
    let le = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let (tag, size) = (|name: [u8; 4]| u32::from_le_bytes(name), |length| u32::try_from(length).unwrap());
    let slot_pages = (32 + headers.len() * 32).div_ceil(4096);
    let mut slots = le(&[tag(*b"RpmP"), 0, 7, size(slot_pages), 1 + size(headers.len()), 0, 0, 0]);
    let mut blobs = Vec::new();
    for (package, header) in headers {
        let blocks = (16 + header.len() + 12).div_ceil(16);
        let block = size(slot_pages * 256 + blobs.len() / 16);
        slots.extend(le(&[tag(*b"Slot"), 0, 0, 0, tag(*b"Slot"), *package, block, size(blocks)]));
        let mut blob = [le(&[tag(*b"BlbS"), *package, 1, size(header.len())]), header.clone()].concat();
        blob.resize(blocks * 16 - 12, 0);
        blob.extend(le(&[adler32(&blob), size(header.len()), tag(*b"BlbE")]));
        blobs.extend(blob);
    }
    while slots.len() < slot_pages * 4096 {
        slots.extend(le(&[tag(*b"Slot"), 0, 0, 0]));
    }
    fs::write(file, [slots, blobs].concat()).unwrap();
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (a + b) % 65521)
    });
    b << 16 | a
}
