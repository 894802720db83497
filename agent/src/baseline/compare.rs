//! Two states of one object: which of what matters differs.

use super::drift::Fields;
use crate::host::Kind;
use crate::host::object::{Content, Object, Xattr};
use crate::policy::rules::Compare;

/// What differs of what the rule takes for important.
///
/// The inode and the time of the last change of metadata are recorded and never drift by themselves: a package that is
/// installed again replaces a file by its equal.
pub(super) fn fields(compare: Compare, before: &Object, after: &Object) -> Fields {
    let mut fields = Fields::default();
    let mut differs = |field, differs: bool| {
        if differs {
            fields.insert(field);
        }
    };
    if compare == Compare::Nothing {
        return fields;
    }
    differs(Fields::TYPE, before.kind != after.kind);
    if compare == Compare::Existence {
        return fields;
    }
    differs(Fields::MODE, before.mode != after.mode);
    differs(Fields::OWNER, before.uid != after.uid);
    differs(Fields::GROUP, before.gid != after.gid);
    differs(Fields::TARGET, before.target != after.target);
    differs(Fields::DEVICE, before.rdev != after.rdev);
    differs(Fields::FLAGS, before.flags != after.flags);
    if before.xattr_trouble.is_none() && after.xattr_trouble.is_none() {
        for (field, differs_) in xattrs(&before.xattrs, &after.xattrs) {
            differs(field, differs_);
        }
    }
    let is_file = before.kind == Kind::File && after.kind == Kind::File;
    match compare {
        Compare::Content => {
            differs(Fields::CONTENT, is_file && contents_differ(&before.content, &after.content));
            // Who sealed it or took the seal off is told by the flag.
            let are_sealed = before.verity.is_some() && after.verity.is_some();
            differs(Fields::VERITY, are_sealed && before.verity != after.verity);
            differs(Fields::SIZE, is_file && before.size != after.size);
            differs(Fields::MTIME, is_file && before.modified != after.modified);
            differs(Fields::LINKS, before.kind != Kind::Directory && before.links != after.links);
        }
        // What was there is to be there still, with more behind it.
        Compare::Log => {
            differs(Fields::SIZE, is_file && after.size < before.size);
            differs(Fields::CONTENT, is_file && contents_differ(&before.content, &after.content));
        }
        Compare::Permissions | Compare::Existence | Compare::Nothing => {}
    }
    fields
}

/// Only what was read both times can differ; what could not be read is told by itself.
fn contents_differ(before: &Content, after: &Content) -> bool {
    match (before, after) {
        (
            Content::Hashed { algorithm: one, digest: before, length: from },
            Content::Hashed { algorithm: other, digest: after, length: to },
        ) => one == other && (before, from) != (after, to),
        _ => false,
    }
}

fn xattrs(before: &[Xattr], after: &[Xattr]) -> [(Fields, bool); 4] {
    let differ = |field: Fields| {
        let of = |xattrs: &'_ [Xattr]| -> Vec<Xattr> {
            xattrs.iter().filter(|xattr| field_of(&xattr.name) == field).cloned().collect()
        };
        of(before) != of(after)
    };
    if before == after {
        return KINDS_OF_XATTRS.map(|field| (field, false));
    }
    KINDS_OF_XATTRS.map(|field| (field, differ(field)))
}

/// The attributes that have a meaning of their own.
fn field_of(name: &[u8]) -> Fields {
    match name {
        b"system.posix_acl_access" | b"system.posix_acl_default" => Fields::ACL,
        b"security.selinux" => Fields::SELINUX,
        b"security.capability" => Fields::CAPABILITIES,
        _ => Fields::XATTRS,
    }
}

/// Whether nothing that is changed by writing, or by changing what is known of the object, has changed: the kernel sets
/// the time of the last change itself, and only a clock that is set lets anybody choose it.
pub(super) fn is_same_by_metadata(before: &Object, now: &Object) -> bool {
    before.kind == now.kind
        && before.inode == now.inode
        && before.size == now.size
        && before.changed == now.changed
        && before.flags == now.flags
}

/// Whether nothing differs, of two whose contents, targets and attributes are taken to be the same.
pub(super) fn is_same_beside_content(compare: Compare, before: &Object, now: &Object) -> bool {
    let is_same_to_use =
        (before.kind, before.mode, before.uid, before.gid, before.rdev, before.flags, before.size)
            == (now.kind, now.mode, now.uid, now.gid, now.rdev, now.flags, now.size);
    let is_important = compare == Compare::Content && before.kind != Kind::Directory;
    is_same_to_use
        && (!is_important || (before.modified, before.links) == (now.modified, now.links))
        && before.xattr_trouble.is_none()
}

const KINDS_OF_XATTRS: [Fields; 4] = [Fields::ACL, Fields::SELINUX, Fields::CAPABILITIES, Fields::XATTRS];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::object::{Algorithm, Flags, Moment, Value, Verity};

    fn file() -> Object {
        Object {
            kind: Kind::File,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: 10,
            device: 1,
            inode: 2,
            links: 1,
            rdev: 0,
            modified: Moment { seconds: 5, nanos: 6 },
            changed: Moment { seconds: 5, nanos: 6 },
            born: None,
            flags: Flags::default(),
            content: hashed(1, 10),
            target: None,
            xattrs: Vec::new(),
            xattr_trouble: None,
            verity: verity(7),
            md5: None,
            sha256: None,
            text: None,
        }
    }

    fn verity(byte: u8) -> Option<Box<Verity>> {
        Some(Box::new(Verity { algorithm: 1, digest: Box::new([byte; 32]) }))
    }

    fn hashed(byte: u8, length: u64) -> Content {
        Content::Hashed { algorithm: Algorithm::Sha256, digest: [byte; 32], length }
    }

    fn names(compare: Compare, change: impl Fn(&mut Object)) -> Vec<&'static str> {
        let mut after = file();
        change(&mut after);
        fields(compare, &file(), &after).names().collect()
    }

    #[test]
    fn each_rule_sees_what_it_is_about() {
        type Case =
            (fn(&mut Object), &'static [&'static str], &'static [&'static str], &'static [&'static str]);
        let cases: &[Case] = &[
            (|o| o.content = hashed(2, 10), &["content"], &[], &["content"]),
            (|o| o.size = 11, &["size"], &[], &[]),
            (|o| o.size = 9, &["size"], &[], &["size"]),
            (|o| o.mode = 0o4755, &["mode"], &["mode"], &["mode"]),
            (|o| o.uid = 1, &["owner"], &["owner"], &["owner"]),
            (|o| o.gid = 1, &["group"], &["group"], &["group"]),
            (|o| o.flags = Flags::IMMUTABLE, &["flags"], &["flags"], &["flags"]),
            (|o| o.links = 2, &["links"], &[], &[]),
            (|o| o.modified.nanos = 7, &["mtime"], &[], &[]),
            (|o| o.verity = verity(8), &["verity"], &[], &[]),
            (|o| o.verity = None, &[], &[], &[]),
            (|o| o.inode = 7, &[], &[], &[]),
            (|o| o.changed.seconds = 7, &[], &[], &[]),
            (|o| o.kind = Kind::Fifo, &["type"], &["type"], &["type"]),
            (|o| o.target = Some((*b"x").into()), &["target"], &["target"], &["target"]),
        ];
        for (index, (change, content, permissions, log)) in cases.iter().enumerate() {
            assert_eq!(names(Compare::Content, change), *content, "content, {index}");
            assert_eq!(names(Compare::Permissions, change), *permissions, "permissions, {index}");
            assert_eq!(names(Compare::Log, change), *log, "log, {index}");
            assert_eq!(names(Compare::Nothing, change), [""; 0], "nothing, {index}");
        }
        assert_eq!(names(Compare::Existence, |o| o.kind = Kind::Fifo), ["type"]);
        assert_eq!(names(Compare::Existence, |o| o.mode = 0), [""; 0]);
    }

    /// The short way must never say that nothing differs where the long one says what does.
    #[test]
    fn what_is_taken_for_the_same_is_the_same() {
        let changes: &[fn(&mut Object)] = &[
            |_| (),
            |o| o.size = 11,
            |o| o.mode = 0o600,
            |o| o.uid = 1,
            |o| o.gid = 1,
            |o| o.flags = Flags::APPEND,
            |o| o.links = 2,
            |o| o.modified.nanos = 7,
            |o| o.kind = Kind::Directory,
            |o| o.rdev = 7,
        ];
        for compare in [Compare::Content, Compare::Permissions, Compare::Log, Compare::Existence] {
            for (index, change) in changes.iter().enumerate() {
                let mut now = file();
                change(&mut now);
                if is_same_beside_content(compare, &file(), &now) {
                    assert!(fields(compare, &file(), &now).is_empty(), "{compare:?} {index}");
                }
            }
            assert!(is_same_beside_content(compare, &file(), &file()));
        }
    }

    #[test]
    fn attributes_with_a_meaning_have_a_field_each() {
        for (name, field) in [
            ("system.posix_acl_access", "acl"),
            ("system.posix_acl_default", "acl"),
            ("security.selinux", "selinux"),
            ("security.capability", "capabilities"),
            ("user.anything", "xattrs"),
        ] {
            let with = |o: &mut Object| {
                o.xattrs.push(Xattr { name: name.as_bytes().into(), value: Value::Whole((*b"v").into()) });
            };
            assert_eq!(names(Compare::Content, with), [field], "{name}");
        }
    }

    #[test]
    fn what_could_not_be_read_does_not_pass_for_changed() {
        use crate::host::object::Trouble;
        assert_eq!(names(Compare::Content, |o| o.content = Content::Unread(Trouble::Denied)), [""; 0]);
        assert_eq!(names(Compare::Content, |o| o.xattr_trouble = Some(Trouble::Denied)), [""; 0]);
    }

    #[test]
    fn a_time_that_the_kernel_sets_gives_a_write_away() {
        let mut now = file();
        assert!(is_same_by_metadata(&file(), &now));
        now.changed.nanos += 1;
        assert!(!is_same_by_metadata(&file(), &now));
    }
}
