//! Objects as literal texts, and what hostile ones make of them.

use proptest::prelude::*;

use super::*;
use crate::host::object::{Flags, Trouble, Value, Verity, Xattr};

#[test]
fn an_object_has_the_promised_members_in_their_order() {
    let described = Described::of(&object());
    let text = r#"{"type":"file","mode":"4755","owner":0,"group":42,"size":3,"sha256":"0101010101010101010101010101010101010101010101010101010101010101","verity":"sha256:03030303","links":1,"inode":77,"mtime":"2026-11-22T01:02:03.000000004Z","ctime":"1970-01-01T00:00:00.000000000Z","btime":"1970-01-01T00:00:01.000000000Z","flags":["immutable"],"acl":"user::rw-,user:1000:r--,mask::r--,other::---","selinux":"system_u:object_r:bin_t:s0","capabilities":"cap_net_raw=ep","xattrs":[{"name":"user.long","sha256":"0202020202020202020202020202020202020202020202020202020202020202","length":9000},{"name":"user.note","value":"hello"},{"name":"user.raw","value_b64":"/w=="}]}"#;
    assert_eq!(serde_json::to_string(&described).unwrap(), text);
    assert_eq!(serde_json::from_str::<Described>(text).unwrap(), described);
}

#[test]
fn what_is_no_file_has_its_own_members() {
    let link = Object {
        kind: Kind::SymbolicLink,
        target: Some(b"/\xff/x"[..].into()),
        content: Content::Unasked,
        xattrs: Vec::new(),
        flags: Flags::default(),
        born: None,
        ..object()
    };
    let text = serde_json::to_string(&Described::of(&link)).unwrap();
    assert!(text.contains(r#""target":"/\\xff/x","target_b64":"L/8veA==","links":1"#), "{text}");
    assert!(!text.contains("size") && !text.contains("btime") && !text.contains("xattrs"), "{text}");
    let device = Object { kind: Kind::BlockDevice, rdev: nix::sys::stat::makedev(8, 1), ..link };
    assert_eq!(Described::of(&device).device, Some("8:1".into()));
}

#[test]
fn a_hash_of_a_beginning_or_none_at_all_is_said() {
    let content = Content::Hashed { algorithm: Algorithm::Blake3, digest: [1; 32], length: 2 };
    let log = Described::of(&Object { content, ..object() });
    assert_eq!((log.hashed, log.sha256), (Some(2), None));
    assert!(log.blake3.is_some());
    let unread = Described::of(&Object { content: Content::Unread(Trouble::Unstable), ..object() });
    assert_eq!(unread.unread, Some("it changes while it is read".into()));
}

#[test]
fn a_time_that_no_calendar_has_is_told_as_it_is() {
    let modified = Moment { seconds: i64::MAX, nanos: 5 };
    assert_eq!(
        Described::of(&Object { modified, ..object() }).mtime,
        "@9223372036854775807.000000005".into()
    );
}

/// `setfacl -m u:1000:r f; getfattr -e hex -n system.posix_acl_access f`, and the same cut, or of another version.
#[test]
fn an_acl_is_told_as_getfacl_does_or_not_at_all() {
    let bytes = acl_bytes();
    assert_eq!(acl(&bytes).as_deref(), Some("user::rw-,user:1000:r--,mask::r--,other::---"));
    assert_eq!(acl(&bytes[..bytes.len() - 1]), None);
    assert_eq!(acl(b"\x03\0\0\0"), None);
    assert_eq!(acl(b""), None);
}

#[test]
fn bytes_that_a_text_does_not_tell_are_told_beside_it() {
    let long = b"/x".repeat(1_000);
    for bytes in [&b"/a"[..], b"/\xff", b"/\x1b[2J", b"/a\\x1b", &long] {
        let (text, exact) = (text(bytes), exact(bytes));
        assert_eq!(bytes_of(&text, exact.as_deref()).as_deref(), Some(bytes), "{text:?} {exact:?}");
    }
    assert_eq!(exact(b"/plain"), None);
}

proptest! {
    #[test]
    fn whatever_an_object_is_it_is_bounded_and_read_back(
        target in proptest::collection::vec(any::<u8>(), 0..9_000),
        names in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..300), proptest::collection::vec(any::<u8>(), 0..512)), 0..40),
        seconds in any::<i64>(), nanos in any::<u32>(), mode in any::<u32>(),
    ) {
        let xattrs = names.into_iter().map(|(name, value)| Xattr { name: name.into(), value: Value::Whole(value.into()) });
        let object = Object {
            target: Some(target.into()),
            xattrs: xattrs.collect(),
            modified: Moment { seconds, nanos },
            mode,
            ..object()
        };
        let described = Described::of(&object);
        let text = serde_json::to_string(&described).unwrap();
        prop_assert!(text.len() < 60 * 1024, "{}", text.len());
        prop_assert!(!text.chars().any(char::is_control));
        prop_assert_eq!(serde_json::from_str::<Described>(&text).unwrap(), described);
    }

    #[test]
    fn no_bytes_panic_who_decodes_them(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = (acl(&bytes), capabilities(&bytes));
    }
}

fn acl_bytes() -> Vec<u8> {
    let entry = |tag: u16, bits: u16, id: u32| {
        [&tag.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    let entries =
        [entry(1, 6, u32::MAX), entry(2, 4, 1000), entry(0x10, 4, u32::MAX), entry(0x20, 0, u32::MAX)];
    [vec![2, 0, 0, 0], entries.concat()].concat()
}

pub(crate) fn object() -> Object {
    let xattr =
        |name: &str, value: &[u8]| Xattr { name: name.as_bytes().into(), value: Value::Whole(value.into()) };
    Object {
        kind: Kind::File,
        mode: 0o4755,
        uid: 0,
        gid: 42,
        size: 3,
        device: 1,
        inode: 77,
        links: 1,
        rdev: 0,
        modified: Moment { seconds: 1_795_309_323, nanos: 4 },
        changed: Moment::default(),
        born: Some(Moment { seconds: 1, nanos: 0 }),
        flags: Flags::IMMUTABLE,
        content: Content::Hashed { algorithm: Algorithm::Sha256, digest: [1; 32], length: 3 },
        target: None,
        xattrs: vec![
            xattr("security.capability", &[1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            xattr("security.selinux", b"system_u:object_r:bin_t:s0\0"),
            xattr("system.posix_acl_access", &acl_bytes()),
            Xattr { name: b"user.long"[..].into(), value: Value::Digest { length: 9_000, digest: [2; 32] } },
            xattr("user.note", b"hello"),
            xattr("user.raw", &[0xff]),
        ],
        xattr_trouble: None,
        verity: Some(Box::new(Verity { algorithm: 1, digest: Box::new([3; 4]) })),
        md5: None,
        sha256: None,
        text: None,
    }
}
