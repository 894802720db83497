//! The lines of dpkg's records, each by itself: what is no such line says nothing.

/// `md5  path`, the path without the slash at its beginning.
pub fn md5sum(line: &[u8]) -> Option<([u8; 16], &[u8])> {
    let (digest, rest) = line.split_at_checked(32)?;
    let path = rest.strip_prefix(b"  ").or_else(|| rest.strip_prefix(b" *"))?;
    // Some packages were built with another tool than debhelper.
    let path = path.strip_prefix(b"./").or_else(|| path.strip_prefix(b"/")).unwrap_or(path);
    (!path.is_empty()).then_some((digest16(digest)?, path))
}

/// A line of `Conffiles`: ` /path md5`, with `obsolete` or `remove-on-upgrade` behind it.
pub fn conffile(line: &[u8]) -> Option<([u8; 16], &[u8])> {
    let line = line.trim_ascii();
    // Neither the digest nor what follows it has a blank; a path may.
    let line = MARKS.iter().fold(line, |line, mark| line.strip_suffix(*mark).unwrap_or(line));
    let blank = memchr::memrchr(b' ', line)?;
    let (path, digest) = (&line[..blank], &line[blank + 1..]);
    (path.starts_with(b"/") && digest.len() == 32).then_some((digest16(digest)?, path))
}

/// The links of an alternative: where it is, and behind it the one in /etc/alternatives.
///
/// `auto` or `manual`, the link, then name and link of each that goes along, until a line is empty.
pub fn alternative(name: &[u8], bytes: &[u8]) -> Vec<Vec<u8>> {
    let behind = |name: &[u8]| [ALTERNATIVES, name].concat();
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let is_mode = lines.next().is_some_and(|mode| mode == b"auto" || mode == b"manual");
    let Some(link) = lines.next().filter(|link| is_mode && link.starts_with(b"/")) else { return Vec::new() };
    let mut links = vec![link.to_vec(), behind(name)];
    while let (Some(name), Some(link)) = (lines.next().filter(|name| !name.is_empty()), lines.next()) {
        if link.starts_with(b"/") && !name.contains(&b'/') && links.len() < MAX_LINKS {
            links.extend([link.to_vec(), behind(name)]);
        }
    }
    links
}

fn digest16(text: &[u8]) -> Option<[u8; 16]> {
    let mut digest = [0; 16];
    for (byte, two) in digest.iter_mut().zip(text.chunks_exact(2)) {
        *byte = nibble(two[0])? << 4 | nibble(two[1])?;
    }
    Some(digest)
}

pub(super) fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

const ALTERNATIVES: &[u8] = b"/etc/alternatives/";
const MARKS: [&[u8]; 2] = [b" obsolete", b" remove-on-upgrade"];
/// `vim` brings two dozen manual pages along.
const MAX_LINKS: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEX: &str = "00ff00000000000000000000000000Aa";

    #[test]
    fn a_line_of_md5sums_is_a_digest_and_a_path_with_any_blanks() {
        let digest = digest16(HEX.as_bytes()).unwrap();
        assert_eq!((digest[1], digest[15]), (0xff, 0xaa));
        let read = |text: &str| md5sum(text.as_bytes()).map(|(_, path)| path.to_vec());
        assert_eq!(read(&format!("{HEX}  usr/bin/a  b ")), Some(b"usr/bin/a  b ".to_vec()));
        assert_eq!(read(&format!("{HEX}  ./usr/x")), Some(b"usr/x".to_vec()));
        for wrong in
            [format!("{HEX} usr/x"), format!("{HEX}  "), format!("{}g  x", &HEX[1..]), HEX.to_owned()]
        {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_conffile_may_be_obsolete_and_its_path_may_have_blanks() {
        let read = |text: &str| conffile(text.as_bytes()).map(|(_, path)| path.to_vec());
        assert_eq!(read(&format!(" /etc/a b {HEX}")), Some(b"/etc/a b".to_vec()));
        assert_eq!(read(&format!(" /etc/x {HEX} obsolete")), Some(b"/etc/x".to_vec()));
        assert_eq!(read(" /etc/x newconffile"), None);
        assert_eq!(read(&format!(" etc/x {HEX}")), None);
    }

    #[test]
    fn an_alternative_has_its_link_and_those_that_go_along() {
        let text =
            b"auto\n/usr/bin/editor\neditor.1.gz\n/usr/share/man/man1/editor.1.gz\n\n/bin/ed\n-100\n\n\n";
        let links = alternative(b"editor", text);
        let links: Vec<&str> = links.iter().map(|link| std::str::from_utf8(link).unwrap()).collect();
        assert_eq!(
            links,
            [
                "/usr/bin/editor",
                "/etc/alternatives/editor",
                "/usr/share/man/man1/editor.1.gz",
                "/etc/alternatives/editor.1.gz"
            ]
        );
        assert!(alternative(b"x", b"junk\n/usr/bin/x\n").is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_make_them_panic(bytes in proptest::collection::vec(prop_oneof![
            Just(b'\n'), Just(b' '), Just(b'/'), Just(b'a'), any::<u8>()], 0..120))
        {
            let _ = md5sum(&bytes);
            let _ = conffile(&bytes);
            let _ = alternative(b"x", &bytes);
            let _ = alternative(b"x", &[b"auto\n/x\n", bytes.as_slice()].concat());
        }
    }
}
