//! GRUB's environment block: `# GRUB Environment Block`, then `NAME=VALUE` a line, then `#` up to its size.
//!
//! As grub-core/lib/envblk.c reads it: a backslash takes the next byte as it is, also a newline and also in a comment, and
//! what has no end is not there.

/// The value of a variable; the last one, where it is there several times, for GRUB sets one after the other.
pub(super) fn value(block: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let found = Variables::of(block)?.filter(|(found, _)| *found == name).last();
    found.map(|(_, value)| unescaped(value))
}

/// Name and value of each, the value with its backslashes.
struct Variables<'a> {
    rest: &'a [u8],
}

impl<'a> Variables<'a> {
    /// `None` if it is no environment block.
    fn of(block: &'a [u8]) -> Option<Self> {
        // GRUB wants one byte more than the signature.
        let rest = block.strip_prefix(SIGNATURE).filter(|rest| !rest.is_empty())?;
        Some(Self { rest })
    }
}

impl<'a> Iterator for Variables<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(comment) = self.rest.strip_prefix(b"#") {
            let end = end_of(comment)?;
            self.rest = comment.get(end..)?.strip_prefix(b"\n")?;
        }
        let equals = memchr::memchr(b'=', self.rest)?;
        let (name, value) = (self.rest.get(..equals)?, self.rest.get(equals..)?.strip_prefix(b"=")?);
        let end = end_of(value)?;
        self.rest = value.get(end..)?.strip_prefix(b"\n")?;
        Some((name, value.get(..end)?))
    }
}

/// Where the newline is that is not behind a backslash.
fn end_of(value: &[u8]) -> Option<usize> {
    let mut bytes = value.iter().enumerate();
    while let Some((index, &byte)) = bytes.next() {
        match byte {
            b'\n' => return Some(index),
            b'\\' => _ = bytes.next()?,
            _ => {}
        }
    }
    None
}

fn unescaped(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        plain.push(if byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte });
    }
    plain
}

const SIGNATURE: &[u8] = b"# GRUB Environment Block\n";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    fn block(rest: &[u8]) -> Vec<u8> {
        [SIGNATURE, rest].concat()
    }

    /// As `grub-editenv FILE list` writes it.
    fn listed(block: &[u8]) -> Option<Vec<u8>> {
        let line = |(name, value): (&[u8], &[u8])| [name, b"=", &unescaped(value), b"\n"].concat();
        Some(Variables::of(block)?.map(line).collect::<Vec<_>>().concat())
    }

    /// What GRUB's own program says of it; `None` if it refuses.
    fn judged(block: &[u8]) -> Option<Vec<u8>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), block).unwrap();
        let output = Command::new("grub-editenv").arg(file.path()).arg("list").output().unwrap();
        output.status.success().then_some(output.stdout)
    }

    #[test]
    fn the_last_of_several_counts_and_what_has_no_end_does_not() {
        let block = block(b"a=1\n# a=2\n#\\\nc=4\nb=x\\\\y\\\nz\na=3\nempty=\nb=4#######");
        assert_eq!(value(&block, b"a").unwrap(), b"3");
        assert_eq!(value(&block, b"b").unwrap(), b"x\\y\nz");
        assert_eq!(value(&block, b"empty").unwrap(), b"");
        assert_eq!(value(&block, b"c"), None);
        assert_eq!(value(b"a=1\n", b"a"), None, "no block");
    }

    #[test]
    fn what_grub_editenv_writes_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("grubenv");
        let run = |arguments: &[&str]| {
            let status = Command::new("grub-editenv").arg(&file).args(arguments).status().unwrap();
            assert!(status.success(), "{arguments:?}");
        };
        run(&["create"]);
        run(&["set", "saved_entry=a\\b c=d", "kernelopts=root=UUID=1 ro", "gone=1"]);
        run(&["unset", "gone"]);
        let block = std::fs::read(&file).unwrap();
        assert_eq!(block.len(), 1024);
        assert_eq!(value(&block, b"saved_entry").unwrap(), b"a\\b c=d");
        assert_eq!(value(&block, b"kernelopts").unwrap(), b"root=UUID=1 ro");
        assert_eq!(value(&block, b"gone"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        /// Without the byte that ends a string in C.
        #[test]
        fn it_reads_what_grub_editenv_reads(
            pieces in proptest::collection::vec(
                prop::sample::select(vec!["a", "b", "=", "\n", "\n", "\\", "#", "saved_entry=", " ", "\u{e9}"]),
                0..30,
            ),
            is_block in prop::bool::weighted(0.95),
        ) {
            let rest = pieces.concat();
            let block = if is_block { block(rest.as_bytes()) } else { rest.into_bytes() };
            prop_assert_eq!(listed(&block), judged(&block));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(rest in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = (value(&block(&rest), b"a"), value(&rest, b"a"));
        }
    }
}
