//! tar(5), as far as the control part of a package needs it: one file at the top, out of an archive in memory.
//!
//! Both GNU's form, which dpkg-deb writes, and POSIX's. What two readers could take for two different things is
//! refused: we must not read another file than dpkg unpacked.

use memchr::{memchr, memmem};

/// The content of the regular file of that name; `None` where there is none.
pub(super) fn member<'a>(archive: &'a [u8], wanted: &[u8]) -> Result<Option<&'a [u8]>, &'static str> {
    let mut rest = archive;
    let mut found = None;
    let mut long_name = None;
    while !rest.is_empty() {
        let (block, after) = rest.split_first_chunk::<BLOCK>().ok_or(CUT_SHORT)?;
        if block.iter().all(|&byte| byte == 0) {
            break;
        }
        let header = Header::of(block)?;
        let (content, after) = split(after, header.size)?;
        rest = after;
        match header.kind {
            b'L' => long_name = Some(until_nul(content).to_vec()),
            // The target of a link.
            b'K' => {}
            b'x' | b'g' if is_overriding(content) => {
                return Err("a member of tar with a name of POSIX's form");
            }
            b'x' | b'g' => {}
            kind => {
                let name = long_name.take().unwrap_or_else(|| header.name());
                if !is_at_the_top(&name, wanted) {
                    continue;
                }
                if !matches!(kind, b'0' | b'\0') {
                    return Err("a member of tar that should be a regular file and is none");
                }
                if found.replace(content).is_some() {
                    return Err("a member of tar that is there twice");
                }
            }
        }
    }
    Ok(found)
}

struct Header<'a> {
    block: &'a [u8; BLOCK],
    size: u64,
    kind: u8,
}

impl<'a> Header<'a> {
    fn of(block: &'a [u8; BLOCK]) -> Result<Self, &'static str> {
        let sum = octal(&block[148..156]).ok_or("a header of tar without a sum")?;
        let blank = u64::from(b' ') * 8;
        let bytes = block[..148].iter().chain(&block[156..]);
        if bytes.map(|&byte| u64::from(byte)).sum::<u64>() + blank != sum {
            return Err("a header of tar whose sum is wrong");
        }
        let size = octal(&block[124..136]).ok_or("a header of tar without a size")?;
        let kind = block[156];
        if size > 0 && matches!(kind, b'1'..=b'6') {
            return Err("a link or directory of tar with content");
        }
        Ok(Self { block, size, kind })
    }

    /// GNU's form has other fields where POSIX's has the first part of a name.
    fn name(&self) -> Vec<u8> {
        let name = until_nul(&self.block[..100]);
        let prefix = until_nul(&self.block[345..500]);
        if &self.block[257..263] == b"ustar\0" && !prefix.is_empty() {
            return [prefix, b"/", name].concat();
        }
        name.to_vec()
    }
}

/// A number with blanks before it and a blank or NUL behind it.
fn octal(field: &[u8]) -> Option<u64> {
    let digits = until_nul(field).trim_ascii();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &digit| match digit {
        b'0'..=b'7' => number.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// So many bytes, and what follows the block that they end in.
fn split(bytes: &[u8], size: u64) -> Result<(&[u8], &[u8]), &'static str> {
    let size = usize::try_from(size).map_err(|_| CUT_SHORT)?;
    let padded = size.checked_next_multiple_of(BLOCK).ok_or(CUT_SHORT)?;
    let (padded, after) = bytes.split_at_checked(padded).ok_or(CUT_SHORT)?;
    Ok((&padded[..size], after))
}

/// `./md5sums`, `md5sums`, and whatever else leads there.
fn is_at_the_top(name: &[u8], wanted: &[u8]) -> bool {
    let mut parts = name.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.next() == Some(wanted) && parts.next().is_none()
}

/// Whether POSIX's records change what the next header says.
fn is_overriding(records: &[u8]) -> bool {
    [&b" path="[..], b" size=", b" GNU.sparse."].iter().any(|key| memmem::find(records, key).is_some())
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    &bytes[..memchr(0, bytes).unwrap_or(bytes.len())]
}

const BLOCK: usize = 512;
const CUT_SHORT: &str = "a tar archive that is cut short";

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) fn file(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
        let mut block = [0; BLOCK];
        block[..name.len()].copy_from_slice(name);
        block[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        block[156] = kind;
        block[257..265].copy_from_slice(b"ustar  \0");
        sum(&mut block);
        let mut bytes = [&block[..], content].concat();
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    fn sum(block: &mut [u8; BLOCK]) {
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }

    fn end() -> Vec<u8> {
        vec![0; 2 * BLOCK]
    }

    #[test]
    fn a_file_is_found_however_its_name_is_written() {
        for name in ["./md5sums", "md5sums", ".//md5sums"] {
            let archive = [file(b"./", b'5', b""), file(name.as_bytes(), b'0', b"sums"), end()].concat();
            assert_eq!(member(&archive, b"md5sums"), Ok(Some(&b"sums"[..])), "{name}");
        }
        let other = [file(b"./md5sums/x", b'0', b"a"), file(b"./control", b'0', b"b"), end()].concat();
        assert_eq!(member(&other, b"md5sums"), Ok(None));
    }

    #[test]
    fn a_long_name_is_of_the_next_member() {
        let named = |name: &[u8], next: &[u8]| {
            let long = file(b"././@LongLink", b'L', &[name, b"\0"].concat());
            [long, file(next, b'0', b"x"), end()].concat()
        };
        assert_eq!(member(&named(b"./md5sums", b"cut"), b"md5sums"), Ok(Some(&b"x"[..])));
        assert_eq!(member(&named(b"./other", b"./md5sums"), b"md5sums"), Ok(None));
    }

    #[test]
    fn a_prefix_of_posix_belongs_to_the_name_and_the_bytes_of_gnu_there_do_not() {
        let mut archive = file(b"md5sums", b'0', b"x");
        archive[345] = b'd';
        let mut resummed = |magic: &[u8]| {
            archive[257..265].copy_from_slice(magic);
            sum(archive.first_chunk_mut().unwrap());
            member(&archive, b"md5sums").map(|found| found.is_some())
        };
        assert_eq!(resummed(b"ustar\x0000"), Ok(false));
        assert_eq!(resummed(b"ustar  \0"), Ok(true));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let sums = file(b"md5sums", b'0', b"x");
        let mut damaged = sums.clone();
        damaged[0] = b'M';
        let wrong: [Vec<u8>; 7] = [
            [sums.clone(), sums.clone()].concat(),
            file(b"md5sums", b'2', b""),
            file(b"other", b'1', b"content"),
            [file(b"p", b'x', b"16 path=md5sums\n"), sums.clone()].concat(),
            sums[..sums.len() - 1].to_vec(),
            sums[..BLOCK].to_vec(),
            damaged,
        ];
        for (index, archive) in wrong.iter().enumerate() {
            assert!(member(archive, b"md5sums").is_err(), "{index}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let _ = member(&bytes, b"md5sums");
        }

        #[test]
        fn no_change_of_a_header_stops_it(at in 0..BLOCK, byte in any::<u8>(), content in "[a-z]{0,600}") {
            let mut archive = [file(b"./md5sums", b'0', content.as_bytes()), end()].concat();
            archive[at] = byte;
            sum(archive.first_chunk_mut().unwrap());
            if let Ok(Some(found)) = member(&archive, b"md5sums") {
                prop_assert!(found.len() <= content.len().next_multiple_of(BLOCK) + 2 * BLOCK);
            }
        }
    }
}
