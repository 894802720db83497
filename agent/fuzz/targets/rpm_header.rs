//! A package's header out of rpm's database: as it is, and with counts that fit.

#![no_main]

use guestward::host::packages::rpm::header::Header;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    judge(bytes);
    judge(&believable(bytes));
});

fn judge(bytes: &[u8]) {
    let Ok(header) = Header::parse(bytes) else { return };
    for tag in (61..64).chain(100..300).chain(1000..1200).chain(5000..5100) {
        let strings: usize = header.strings(tag).map(|value| value.len() + 1).sum();
        assert!(strings + header.numbers(tag).count() <= bytes.len());
        assert_eq!(header.string(tag), header.strings(tag).next());
    }
}

/// The first byte says how many entries there are; the rest is the store.
fn believable(bytes: &[u8]) -> Vec<u8> {
    let (count, rest) = bytes.split_first().map_or((0, bytes), |(count, rest)| (u32::from(*count), rest));
    let stored = u32::try_from(rest.len()).unwrap_or(0).saturating_sub(16 * count);
    [&count.to_be_bytes()[..], &stored.to_be_bytes(), rest].concat()
}
