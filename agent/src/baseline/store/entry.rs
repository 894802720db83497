//! How an entry is written: three bytes of flags, then what is not as with the entry before.
//!
//! A digest cannot be made shorter; nearly all else of an entry is as its neighbours have it.

use std::sync::Arc;

use super::bytes::{Malformed, Push, Reader};
use super::packages::{Interner, Packages};
use super::{Entry, Owner};
use crate::host::Kind;
use crate::host::object::{
    Algorithm, Content, Flags, MAX_VERITY, Moment, Object, Trouble, Value, Verity, Xattr,
};
use crate::host::packages::recorded::Digest;

/// What the entry before had.
#[derive(Debug, Clone)]
pub(super) struct Context {
    owners: [(u32, u32, u32); 8],
    device: u64,
    inode: u64,
    modified: i64,
    changed: i64,
    package: u32,
}

impl Default for Context {
    fn default() -> Self {
        let mut owners = [(0, 0, 0); 8];
        owners[usize::from(code(Kind::File))].0 = 0o644;
        owners[usize::from(code(Kind::Directory))].0 = 0o755;
        owners[usize::from(code(Kind::SymbolicLink))].0 = 0o777;
        Self { owners, device: 0, inode: 0, modified: 0, changed: 0, package: 0 }
    }
}

/// Everything but its name.
pub(super) fn push(out: &mut Vec<u8>, entry: &Entry, context: &mut Context, packages: &mut Interner) {
    let object = &entry.object;
    let owners = &mut context.owners[usize::from(code(object.kind))];
    let now = (object.mode, object.uid, object.gid);
    let flags =
        flags(entry) | bit(SAME_OWNERS, *owners == now) | bit(SAME_DEVICE, object.device == context.device);
    out.extend_from_slice(&flags.to_le_bytes()[..3]);
    if *owners != now {
        [now.0, now.1, now.2].into_iter().for_each(|number| out.number(number.into()));
        *owners = now;
    }
    if flags & SAME_DEVICE == 0 {
        out.number(object.device);
        context.device = object.device;
    }
    out.number(object.size);
    out.distance(object.inode.wrapping_sub(context.inode).cast_signed());
    context.inode = object.inode;
    if flags & ONE_LINK == 0 {
        out.number(object.links.into());
    }
    push_times(out, object, context);
    if flags & DEVICE_FILE != 0 {
        out.number(object.rdev);
    }
    if flags & FLAGS != 0 {
        out.push(object.flags.0);
    }
    push_content(out, object);
    push_details(out, object);
    if let Some(verity) = &object.verity {
        push_verity(out, verity);
    }
    if let Some(md5) = &object.md5 {
        out.extend_from_slice(md5);
    }
    if let Some(owner) = &entry.owner {
        let package = packages.number(&owner.package);
        out.distance(i64::from(package) - i64::from(context.package));
        context.package = package;
        push_digest(out, flags, object, owner.digest);
    }
    if let Some(text) = &entry.text {
        out.string(text);
    }
}

fn flags(entry: &Entry) -> u32 {
    let object = &entry.object;
    let owner = entry.owner.as_ref();
    let (is_own, is_same) = owner.map_or((false, false), |owner| match owner.digest {
        None => (false, false),
        Some(Digest::Md5(recorded)) => {
            let is_same = object.md5 == Some(recorded);
            (!is_same, is_same)
        }
        // Both together, which no MD5 has.
        Some(Digest::Sha256(_)) => (true, true),
    });
    u32::from(code(object.kind))
        | u32::from(content_code(object)) << CONTENT_SHIFT
        | bit(ONE_LINK, object.links == 1)
        | bit(DEVICE_FILE, object.rdev != 0)
        | bit(MODIFIED_NANOS, object.modified.nanos != 0)
        | bit(BORN, object.born.is_some())
        | bit(FLAGS, object.flags != Flags::default())
        | bit(TARGET, object.target.is_some())
        | bit(XATTRS, !object.xattrs.is_empty())
        | bit(XATTR_TROUBLE, object.xattr_trouble.is_some())
        | bit(MD5, object.md5.is_some())
        | bit(OWNER, owner.is_some())
        | bit(OWNER_MD5, is_own)
        | bit(OWNER_SAME_MD5, is_same)
        | bit(CONFIGURATION, owner.is_some_and(|owner| owner.is_configuration))
        | bit(PER_HOST, entry.per_host)
        | bit(TEXT, entry.text.is_some())
        | bit(VERITY, object.verity.is_some())
}

fn push_times(out: &mut Vec<u8>, object: &Object, context: &mut Context) {
    out.distance(object.modified.seconds.wrapping_sub(context.modified));
    context.modified = object.modified.seconds;
    if object.modified.nanos != 0 {
        out.extend_from_slice(&object.modified.nanos.to_le_bytes());
    }
    out.distance(object.changed.seconds.wrapping_sub(context.changed));
    out.extend_from_slice(&object.changed.nanos.to_le_bytes());
    context.changed = object.changed.seconds;
    if let Some(born) = object.born {
        out.distance(born.seconds.wrapping_sub(object.changed.seconds));
        out.extend_from_slice(&born.nanos.to_le_bytes());
    }
}

fn push_content(out: &mut Vec<u8>, object: &Object) {
    match object.content {
        Content::Unasked => {}
        Content::Hashed { digest, length, .. } => {
            out.extend_from_slice(&digest);
            if length != object.size {
                out.number(length);
            }
        }
        Content::Unread(trouble) => push_trouble(out, trouble),
    }
}

fn push_details(out: &mut Vec<u8>, object: &Object) {
    if let Some(target) = &object.target {
        out.string(target);
    }
    if !object.xattrs.is_empty() {
        push_xattrs(out, &object.xattrs);
    }
    if let Some(trouble) = object.xattr_trouble {
        push_trouble(out, trouble);
    }
}

pub(super) fn push_xattrs(out: &mut Vec<u8>, xattrs: &[Xattr]) {
    out.number(xattrs.len() as u64);
    for xattr in xattrs {
        out.string(&xattr.name);
        match &xattr.value {
            Value::Whole(bytes) => {
                out.push(0);
                out.string(bytes);
            }
            Value::Digest { length, digest } => {
                out.push(1);
                out.number((*length).into());
                out.extend_from_slice(digest);
            }
        }
    }
}

pub(super) fn push_verity(out: &mut Vec<u8>, verity: &Verity) {
    out.number(verity.algorithm.into());
    out.string(&verity.digest);
}

pub(super) fn push_trouble(out: &mut Vec<u8>, trouble: Trouble) {
    let (code, errno) = match trouble {
        Trouble::Denied => (0, 0),
        Trouble::Unstable => (1, 0),
        Trouble::Replaced => (2, 0),
        Trouble::Gone => (3, 0),
        Trouble::TooLarge => (4, 0),
        Trouble::TooMany => (5, 0),
        Trouble::Failed(errno) => (6, errno),
    };
    out.push(code);
    out.distance(errno.into());
}

/// What [`push`] wrote, into an entry that is used again: entries are large, and are read by the hundred thousand.
pub(super) fn read(
    reader: &mut Reader<'_>,
    context: &mut Context,
    packages: &Packages,
    into: &mut Entry,
) -> Result<(), Malformed> {
    let [a, b, c] = reader.array()?;
    let flags = u32::from_le_bytes([a, b, c, 0]);
    let has = |which: u32| flags & which != 0;
    let object = &mut into.object;
    object.kind = KINDS[usize::from(a & 7)];
    let owners = &mut context.owners[usize::from(a & 7)];
    if !has(SAME_OWNERS) {
        *owners = (reader.number32()?, reader.number32()?, reader.number32()?);
    }
    (object.mode, object.uid, object.gid) = *owners;
    if !has(SAME_DEVICE) {
        context.device = reader.number()?;
    }
    object.device = context.device;
    object.size = reader.number()?;
    context.inode = context.inode.wrapping_add(reader.distance()?.cast_unsigned());
    object.inode = context.inode;
    object.links = if has(ONE_LINK) { 1 } else { reader.number32()? };
    read_times(reader, flags, context, object)?;
    object.rdev = if has(DEVICE_FILE) { reader.number()? } else { 0 };
    object.flags = Flags(if has(FLAGS) { reader.byte()? } else { 0 });
    object.content = read_content(reader, flags >> CONTENT_SHIFT & 7, object.size)?;
    object.target = if has(TARGET) { Some(reader.string()?.into()) } else { None };
    object.xattrs.clear();
    if has(XATTRS) {
        read_xattrs(reader, &mut object.xattrs)?;
    }
    object.xattr_trouble = if has(XATTR_TROUBLE) { Some(read_trouble(reader)?) } else { None };
    object.verity = if has(VERITY) { Some(Box::new(read_verity(reader)?)) } else { None };
    object.md5 = if has(MD5) { Some(reader.array()?) } else { None };
    match has(OWNER) {
        true => read_owner(reader, flags, &into.object, context, packages, &mut into.owner)?,
        false => into.owner = None,
    }
    into.text = if has(TEXT) { Some(reader.string()?.into()) } else { None };
    into.per_host = has(PER_HOST);
    Ok(())
}

fn read_times(
    reader: &mut Reader<'_>,
    flags: u32,
    context: &mut Context,
    object: &mut Object,
) -> Result<(), Malformed> {
    context.modified = context.modified.wrapping_add(reader.distance()?);
    let nanos = if flags & MODIFIED_NANOS != 0 { reader.u32()? } else { 0 };
    object.modified = Moment { seconds: context.modified, nanos };
    context.changed = context.changed.wrapping_add(reader.distance()?);
    object.changed = Moment { seconds: context.changed, nanos: reader.u32()? };
    object.born = match flags & BORN {
        0 => None,
        _ => Some(Moment { seconds: context.changed.wrapping_add(reader.distance()?), nanos: reader.u32()? }),
    };
    Ok(())
}

fn read_content(reader: &mut Reader<'_>, code: u32, size: u64) -> Result<Content, Malformed> {
    let algorithm = if code & 1 == 1 { Algorithm::Sha256 } else { Algorithm::Blake3 };
    match code {
        0 => Ok(Content::Unasked),
        1 | 2 => Ok(Content::Hashed { algorithm, digest: reader.array()?, length: size }),
        3 | 4 => Ok(Content::Hashed { algorithm, digest: reader.array()?, length: reader.number()? }),
        5 => read_trouble(reader).map(Content::Unread),
        _ => Err(Malformed("an entry has a content of a kind that there is not")),
    }
}

fn read_xattrs(reader: &mut Reader<'_>, xattrs: &mut Vec<Xattr>) -> Result<(), Malformed> {
    let count = reader.count(3)?;
    xattrs.reserve(count);
    for _ in 0..count {
        let name = reader.string()?.into();
        let value = match reader.byte()? {
            0 => Value::Whole(reader.string()?.into()),
            1 => Value::Digest { length: reader.number32()?, digest: reader.array()? },
            _ => return Err(Malformed("an extended attribute is of a kind that there is not")),
        };
        xattrs.push(Xattr { name, value });
    }
    Ok(())
}

fn read_verity(reader: &mut Reader<'_>) -> Result<Verity, Malformed> {
    let algorithm = u16::try_from(reader.number()?);
    let algorithm = algorithm.map_err(|_| Malformed("an algorithm of fs-verity has too large a number"))?;
    let digest = reader.string()?;
    if digest.len() > MAX_VERITY {
        return Err(Malformed("a digest of fs-verity is too long"));
    }
    Ok(Verity { algorithm, digest: digest.into() })
}

fn read_trouble(reader: &mut Reader<'_>) -> Result<Trouble, Malformed> {
    let code = reader.byte()?;
    let errno = i32::try_from(reader.distance()?).map_err(|_| Malformed("an errno is too large"))?;
    Ok(match code {
        0 => Trouble::Denied,
        1 => Trouble::Unstable,
        2 => Trouble::Replaced,
        3 => Trouble::Gone,
        4 => Trouble::TooLarge,
        5 => Trouble::TooMany,
        6 => Trouble::Failed(errno),
        _ => return Err(Malformed("an entry has a trouble that there is not")),
    })
}

fn read_owner(
    reader: &mut Reader<'_>,
    flags: u32,
    object: &Object,
    context: &mut Context,
    packages: &Packages,
    into: &mut Option<Owner>,
) -> Result<(), Malformed> {
    let number = i64::from(context.package).checked_add(reader.distance()?);
    let number = number.and_then(|number| u32::try_from(number).ok());
    context.package = number.ok_or(NO_PACKAGE)?;
    let digest = read_digest(reader, flags, object)?;
    let package = packages.get(context.package).ok_or(NO_PACKAGE)?;
    let is_configuration = flags & CONFIGURATION != 0;
    match into {
        // Its neighbours are nearly always of the same package: counting its users up and down costs the most here.
        Some(owner) if Arc::ptr_eq(&owner.package, package) => {
            (owner.digest, owner.is_configuration) = (digest, is_configuration);
        }
        _ => *into = Some(Owner { package: Arc::clone(package), digest, is_configuration }),
    }
    Ok(())
}

/// What its package recorded of it. With rpm that is nearly always the hash of the entry itself.
fn push_digest(out: &mut Vec<u8>, flags: u32, object: &Object, digest: Option<Digest>) {
    match digest {
        Some(Digest::Sha256(recorded)) if hash(object) == Some(recorded) => out.push(SAME_AS_CONTENT),
        Some(Digest::Sha256(recorded)) => {
            out.push(OF_ITS_OWN);
            out.extend_from_slice(&recorded);
        }
        Some(Digest::Md5(recorded)) if flags & OWNER_SAME_MD5 == 0 => out.extend_from_slice(&recorded),
        _ => {}
    }
}

fn read_digest(reader: &mut Reader<'_>, flags: u32, object: &Object) -> Result<Option<Digest>, Malformed> {
    Ok(match (flags & OWNER_MD5 != 0, flags & OWNER_SAME_MD5 != 0) {
        (true, true) => Some(Digest::Sha256(match reader.byte()? {
            SAME_AS_CONTENT => hash(object).ok_or(NO_DIGEST)?,
            OF_ITS_OWN => reader.array()?,
            _ => return Err(NO_DIGEST),
        })),
        (true, false) => Some(Digest::Md5(reader.array()?)),
        (false, true) => object.md5.map(Digest::Md5),
        (false, false) => None,
    })
}

fn hash(object: &Object) -> Option<[u8; 32]> {
    match object.content {
        Content::Hashed { digest, .. } => Some(digest),
        _ => None,
    }
}

impl Entry {
    /// To be read into.
    pub(super) fn blank() -> Self {
        let object = Object {
            kind: Kind::Other,
            mode: 0,
            uid: 0,
            gid: 0,
            size: 0,
            device: 0,
            inode: 0,
            links: 0,
            rdev: 0,
            modified: Moment::default(),
            changed: Moment::default(),
            born: None,
            flags: Flags::default(),
            content: Content::Unasked,
            target: None,
            xattrs: Vec::new(),
            xattr_trouble: None,
            verity: None,
            md5: None,
            sha256: None,
            text: None,
        };
        Self { object, owner: None, per_host: false, text: None }
    }
}

fn content_code(object: &Object) -> u8 {
    match object.content {
        Content::Unasked => 0,
        Content::Hashed { algorithm, length, .. } => {
            let cut = if length == object.size { 0 } else { 2 };
            cut + if algorithm == Algorithm::Sha256 { 1 } else { 2 }
        }
        Content::Unread(_) => 5,
    }
}

pub(super) fn code(kind: Kind) -> u8 {
    match kind {
        Kind::BlockDevice => 0,
        Kind::CharacterDevice => 1,
        Kind::Directory => 2,
        Kind::Fifo => 3,
        Kind::File => 4,
        Kind::Socket => 5,
        Kind::SymbolicLink => 6,
        Kind::Other => 7,
    }
}

fn bit(which: u32, is_set: bool) -> u32 {
    if is_set { which } else { 0 }
}

/// By their [`code`].
const KINDS: [Kind; 8] = [
    Kind::BlockDevice,
    Kind::CharacterDevice,
    Kind::Directory,
    Kind::Fifo,
    Kind::File,
    Kind::Socket,
    Kind::SymbolicLink,
    Kind::Other,
];
const CONTENT_SHIFT: u32 = 3;
const SAME_OWNERS: u32 = 1 << 6;
const SAME_DEVICE: u32 = 1 << 7;
const ONE_LINK: u32 = 1 << 8;
const DEVICE_FILE: u32 = 1 << 9;
const MODIFIED_NANOS: u32 = 1 << 10;
const BORN: u32 = 1 << 11;
const FLAGS: u32 = 1 << 12;
const TARGET: u32 = 1 << 13;
const XATTRS: u32 = 1 << 14;
const XATTR_TROUBLE: u32 = 1 << 15;
const MD5: u32 = 1 << 16;
const OWNER: u32 = 1 << 17;
const OWNER_MD5: u32 = 1 << 18;
const OWNER_SAME_MD5: u32 = 1 << 19;
const CONFIGURATION: u32 = 1 << 20;
const PER_HOST: u32 = 1 << 21;
const TEXT: u32 = 1 << 22;
const VERITY: u32 = 1 << 23;
const SAME_AS_CONTENT: u8 = 0;
const OF_ITS_OWN: u8 = 1;
const NO_DIGEST: Malformed = Malformed("an entry has a digest of its package that there is not");
const NO_PACKAGE: Malformed = Malformed("an entry names a package that there is not");
