//! A package as it is published: as a whole, and as the control part of one whose frame is as it should be.

#![no_main]

use guestward::host::packages::vouched::deb;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    judge(bytes);
    for form in ["control.tar", "control.tar.gz", "control.tar.xz", "control.tar.zst"] {
        judge(&package(form, bytes));
    }
    judge(&package("control.tar", &believable(bytes)));
});

fn judge(bytes: &[u8]) {
    let deb = deb::read(bytes, bytes.len() as u64).expect("a digest of whatever there is");
    if let Ok(Some(sums)) = deb.md5sums {
        assert!(sums.len() as u64 <= deb::MAX_CONTROL);
    }
}

fn package(form: &str, control: &[u8]) -> Vec<u8> {
    let header = |name: &str, size: usize| format!("{name:<16}{:<32}{size:<10}`\n", 0);
    let version = format!("!<arch>\n{}2.0\n", header("debian-binary", 4));
    [version.as_bytes(), header(form, control.len()).as_bytes(), control, &b"\n"[1 - control.len() % 2..]].concat()
}

/// Each header of tar with the sum that it needs to be believed.
fn believable(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(header) = bytes.get_mut(at..at + 512) {
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let digits = std::str::from_utf8(&header[124..135]).unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 8).unwrap_or(0);
        at += 512 + size.next_multiple_of(512);
    }
    bytes
}
