//! Packages: those that dpkg-deb builds, against what dpkg-deb reads of them, and those that nobody would.

use std::fs;
use std::process::Command;

use proptest::prelude::*;

use super::super::tar;
use super::super::tests::build;
use super::*;

fn read_all(bytes: &[u8]) -> io::Result<Deb> {
    read(bytes, bytes.len() as u64)
}

fn md5sums_of(bytes: &[u8]) -> Option<Vec<u8>> {
    read_all(bytes).unwrap().md5sums.unwrap()
}

fn error_of(bytes: &[u8]) -> String {
    read_all(bytes).unwrap().md5sums.unwrap_err().to_string()
}

fn member(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len()).into_bytes();
    bytes.extend_from_slice(content);
    if content.len() % 2 == 1 {
        bytes.push(b'\n');
    }
    bytes
}

fn package(members: &[(&str, &[u8])]) -> Vec<u8> {
    let members = members.iter().map(|(name, content)| member(name, content));
    std::iter::once(MAGIC.to_vec()).chain(members).flatten().collect()
}

fn control() -> Vec<u8> {
    tar::tests::file(b"./md5sums", b'0', b"sums")
}

#[test]
fn every_form_that_dpkg_deb_writes_is_read_as_dpkg_deb_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let long: String =
        (0..3000).map(|n| format!("{n:032x}  usr/share/{}/{n}\n", "long".repeat(30))).collect();
    for form in ["xz", "gzip", "zstd", "none"] {
        for sums in [Some("00000000000000000000000000000000  usr/bin/x\n"), Some(&*long), Some(""), None] {
            let file = build(folder.path(), "probe", "1:2~3-4", "amd64", form, sums);
            let bytes = fs::read(&file).unwrap();
            let deb = read_all(&bytes).unwrap();
            assert_eq!(deb.sha256, <[u8; 32]>::from(Sha256::digest(&bytes)), "{form}");
            let theirs = Command::new("dpkg-deb").arg("-I").arg(&file).arg("md5sums").output().unwrap();
            assert_eq!(theirs.status.success(), sums.is_some(), "{form}");
            let ours = deb.md5sums.unwrap();
            assert_eq!(ours.as_deref(), sums.map(str::as_bytes), "{form}");
            assert_eq!(ours.unwrap_or_default(), theirs.stdout, "{form}");
        }
    }
}

#[test]
fn the_parts_of_a_package_may_come_in_any_order() {
    let (version, control) = (("debian-binary", &b"2.0\n"[..]), control());
    let data = ("data.tar", &b"odd"[..]);
    for members in [
        [version, ("control.tar", &control), data],
        [data, ("control.tar", &control), version],
        [("control.tar/", &control), ("_extra", b""), version],
    ] {
        assert_eq!(md5sums_of(&package(&members)).as_deref(), Some(&b"sums"[..]));
    }
}

#[test]
fn what_is_no_package_says_so_and_has_a_digest_nevertheless() {
    let (version, control) = (("debian-binary", &b"2.0\n"[..]), control());
    let control = ("control.tar", &*control);
    let whole = package(&[version, control]);
    let cases = [
        (package(&[version]), "without a control part"),
        (package(&[control]), "without a control part or a version"),
        (package(&[version, version, control]), "not a package of version 2"),
        (package(&[("debian-binary", b"3.0\n"), control]), "not a package of version 2"),
        (package(&[version, control, control]), "two control parts"),
        (package(&[version, ("control.tar.bz2", b"BZh9")]), "not understood"),
        (package(&[version, ("control.tar.gz", b"junk")]), ""),
        (whole[..whole.len() - 1].to_vec(), "cut short"),
        (whole[..20].to_vec(), ""),
        (b"!<thin>\n".to_vec(), "not an archive"),
        (Vec::new(), ""),
        ([whole, b"trailing".to_vec()].concat(), ""),
    ];
    for (bytes, expected) in cases {
        let told = error_of(&bytes);
        assert!(told.contains(expected), "{told}, not {expected}");
        assert_eq!(read_all(&bytes).unwrap().sha256, <[u8; 32]>::from(Sha256::digest(&bytes)));
    }
}

#[test]
fn a_control_part_that_unpacks_to_more_than_any_is_refused() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    io::copy(&mut io::repeat(0).take(MAX_CONTROL + 1), &mut encoder).unwrap();
    let bomb = encoder.finish().unwrap();
    let version = ("debian-binary", &b"2.0\n"[..]);
    assert_eq!(error_of(&package(&[version, ("control.tar.gz", &bomb)])), TOO_LARGE);
    let mut packed = package(&[version, ("control.tar", b"")]);
    let at = packed.len() - 12;
    packed[at..at + 10].copy_from_slice(b"9999999999");
    assert_eq!(error_of(&packed), TOO_LARGE);
}

#[test]
fn a_file_that_grew_or_shrank_meanwhile_is_an_error() {
    let whole = package(&[("debian-binary", b"2.0\n"), ("control.tar", &control())]);
    let length = whole.len() as u64;
    assert!(read(&*whole, length).is_ok());
    assert!(read(&*whole, length - 1).is_err());
    assert!(read(&*whole, length + 1).is_err());
}

proptest! {
    #[test]
    fn no_bytes_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_all(&bytes);
        let _ = read_all(&[&MAGIC[..], &bytes].concat());
        for form in ["control.tar", "control.tar.gz", "control.tar.xz", "control.tar.zst"] {
            let _ = read_all(&package(&[("debian-binary", b"2.0\n"), (form, &bytes)]));
        }
    }

    #[test]
    fn no_change_stops_it_and_every_change_has_another_digest(at in 0..1000_usize, byte in any::<u8>()) {
        let whole = package(&[("debian-binary", b"2.0\n"), ("control.tar", &control()), ("data.tar", b"data")]);
        let mut changed = whole.clone();
        let at = at % changed.len();
        changed[at] = byte;
        let deb = read_all(&changed).unwrap();
        prop_assert_eq!(deb.sha256 == read_all(&whole).unwrap().sha256, changed == whole);
        if let Ok(Some(found)) = deb.md5sums {
            prop_assert!(found.len() as u64 <= MAX_CONTROL);
        }
    }

    #[test]
    fn it_reads_the_same_however_the_bytes_come(capacity in 1..200_usize) {
        let whole = package(&[("debian-binary", b"2.0\n"), ("control.tar", &control()), ("data.tar", b"odd")]);
        let deb = read(io::BufReader::with_capacity(capacity, &*whole), whole.len() as u64).unwrap();
        prop_assert_eq!(deb.md5sums.unwrap(), Some(b"sums".to_vec()));
        prop_assert_eq!(deb.sha256, read_all(&whole).unwrap().sha256);
    }
}
