//! The store as a whole, on a real disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::host::Kind;
use crate::host::object::{
    Algorithm, Content, Flags, MAX_VERITY, Moment, Trouble, Value, Verity, Xattr, order, path, split,
};
use crate::host::packages::recorded::Digest;

pub(super) fn header() -> Header {
    Header {
        created: Timestamp::from_second(1_700_000_000).unwrap(),
        algorithm: Algorithm::Sha256,
        rules: [1; 32],
        root: b"/".to_vec(),
        agent: "0.1.0".to_owned(),
        machine: [2; 32],
        boot: "7f".to_owned(),
        clock: -5,
        who: String::new(),
        why: String::new(),
    }
}

fn moment() -> impl Strategy<Value = Moment> {
    let seconds =
        prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0), any::<i64>(), 1_600_000_000..1_800_000_000i64];
    (seconds, prop_oneof![Just(0), Just(u32::MAX), any::<u32>()])
        .prop_map(|(seconds, nanos)| Moment { seconds, nanos })
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        Just(Trouble::Denied),
        Just(Trouble::Unstable),
        Just(Trouble::Replaced),
        Just(Trouble::Gone),
        Just(Trouble::TooLarge),
        Just(Trouble::TooMany),
        any::<i32>().prop_map(Trouble::Failed),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    let algorithm = prop_oneof![Just(Algorithm::Sha256), Just(Algorithm::Blake3)];
    prop_oneof![
        Just(Content::Unasked),
        (algorithm, any::<[u8; 32]>(), prop_oneof![Just(7), any::<u64>()])
            .prop_map(|(algorithm, digest, length)| Content::Hashed { algorithm, digest, length }),
        trouble().prop_map(Content::Unread),
    ]
}

fn bytes(most: usize) -> impl Strategy<Value = Box<[u8]>> {
    proptest::collection::vec(any::<u8>(), 0..most).prop_map(Vec::into_boxed_slice)
}

fn xattr() -> impl Strategy<Value = Xattr> {
    let value = prop_oneof![
        bytes(600).prop_map(Value::Whole),
        (any::<u32>(), any::<[u8; 32]>()).prop_map(|(length, digest)| Value::Digest { length, digest }),
    ];
    (bytes(30), value).prop_map(|(name, value)| Xattr { name, value })
}

fn object() -> impl Strategy<Value = Object> {
    let kind = proptest::sample::select(vec![
        Kind::BlockDevice,
        Kind::CharacterDevice,
        Kind::Directory,
        Kind::Fifo,
        Kind::File,
        Kind::Socket,
        Kind::SymbolicLink,
        Kind::Other,
    ]);
    let number = || prop_oneof![Just(0), Just(1), Just(u32::MAX), any::<u32>()];
    let large = || prop_oneof![Just(0), Just(7), Just(u64::MAX), any::<u64>()];
    (
        (kind, number(), number(), number(), large(), large(), large(), number(), large()),
        (moment(), moment(), proptest::option::of(moment()), any::<u8>(), content()),
        (
            proptest::option::of(bytes(50)),
            proptest::collection::vec(xattr(), 0..3),
            proptest::option::of(trouble()),
            proptest::option::of(any::<[u8; 16]>()),
            proptest::option::of((any::<u16>(), bytes(MAX_VERITY))),
        ),
    )
        .prop_map(|(numbers, times, rest)| Object {
            kind: numbers.0,
            mode: numbers.1,
            uid: numbers.2,
            gid: numbers.3,
            size: numbers.4,
            device: numbers.5,
            inode: numbers.6,
            links: numbers.7,
            rdev: numbers.8,
            modified: times.0,
            changed: times.1,
            born: times.2,
            flags: Flags(times.3),
            content: times.4,
            target: rest.0,
            xattrs: rest.1,
            xattr_trouble: rest.2,
            verity: rest.4.map(|(algorithm, digest)| Box::new(Verity { algorithm, digest })),
            md5: rest.3,
            sha256: None,
            text: None,
        })
}

pub(super) fn entry() -> impl Strategy<Value = Entry> {
    let owner = (".{0,12}", any::<[u8; 32]>(), any::<[u8; 16]>(), 0..5u8, any::<bool>());
    (object(), proptest::option::of(owner), any::<bool>(), proptest::option::of(bytes(40))).prop_map(
        |(object, owner, per_host, text)| {
            let owner = owner.map(|(package, sha256, md5, which, is_configuration)| Owner {
                package: Arc::from(package),
                digest: match (which, object.content) {
                    (0, _) => None,
                    (1, _) => Some(Digest::Md5(md5)),
                    (2, _) => object.md5.map(Digest::Md5),
                    (3, Content::Hashed { digest, .. }) => Some(Digest::Sha256(digest)),
                    _ => Some(Digest::Sha256(sha256)),
                },
                is_configuration,
            });
            Entry { object, owner, per_host, text }
        },
    )
}

/// A plain file.
pub(super) fn file(number: u64) -> Entry {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_le_bytes());
    let object = Object {
        kind: Kind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: number,
        device: 2,
        inode: number,
        links: 1,
        rdev: 0,
        modified: Moment { seconds: 1_600_000_000, nanos: 0 },
        changed: Moment { seconds: 1_700_000_000, nanos: 5 },
        born: None,
        flags: Flags::default(),
        content: Content::Hashed { algorithm: Algorithm::Sha256, digest, length: number },
        target: None,
        xattrs: Vec::new(),
        xattr_trouble: None,
        verity: None,
        md5: None,
        sha256: None,
        text: None,
    };
    Entry { object, owner: None, per_host: false, text: None }
}

mod histories;

type Model = BTreeMap<Key, Entry>;

type Named = (Vec<u8>, Entry);

/// A path in the order of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key(Vec<u8>);

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        order(split(&self.0), split(&other.0))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Makes a baseline of slices of at most so many entries, in an order of their own.
fn create(directory: &Path, model: &Model, most: usize, turn: usize) -> Store {
    let mut slices: Vec<(Vec<u8>, Vec<Named>)> = Vec::new();
    for (Key(path), entry) in model {
        let (directory, name) = split(path);
        match slices.last_mut() {
            Some((last, slice)) if last == directory && slice.len() < most => {
                slice.push((name.to_vec(), entry.clone()));
            }
            _ => slices.push((directory.to_vec(), vec![(name.to_vec(), entry.clone())])),
        }
    }
    if !slices.is_empty() {
        let turn = turn % slices.len();
        slices.rotate_left(turn);
    }
    let draft = Draft::begin(directory, header()).unwrap();
    std::thread::scope(|scope| {
        for part in slices.chunks(slices.len().div_ceil(2).max(1)) {
            let draft = &draft;
            scope.spawn(move || part.iter().for_each(|(of, slice)| draft.add(of, slice).unwrap()));
        }
    });
    draft.finish().unwrap()
}

fn assert_is(store: &Store, model: &Model) {
    let all: Vec<_> =
        store.all().unwrap().map(|one| one.unwrap()).map(|(path, _, entry)| (Key(path), entry)).collect();
    assert_eq!(all, model.iter().map(|(key, entry)| (key.clone(), entry.clone())).collect::<Vec<_>>());
    assert_eq!(store.len(), model.len() as u64);
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let any =
        proptest::collection::vec(any::<u8>().prop_map(|byte| if byte == b'/' { b'0' } else { byte }), 1..6);
    prop_oneof![
        proptest::sample::select(vec![b"a".to_vec(), b"b".to_vec(), b"a-b".to_vec(), b"a.".to_vec()]),
        any
    ]
}

fn some_path() -> impl Strategy<Value = Key> {
    proptest::collection::vec(name(), 0..4)
        .prop_map(|names| names.iter().fold(Vec::new(), |path, name| [&path[..], b"/", name].concat()))
        .prop_map(|path| Key(if path.is_empty() { b"/".to_vec() } else { path }))
}

fn model(most: usize) -> impl Strategy<Value = Model> {
    proptest::collection::btree_map(some_path(), entry(), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_agreed_is_read_back(model in model(40), most in 1usize..8, turn: usize) {
        let folder = tempfile::tempdir().unwrap();
        let store = create(folder.path(), &model, most, turn);
        assert_is(&store, &model);
        let mut cache = Cache::default();
        for (key, entry) in &model {
            prop_assert_eq!(&store.entry(&key.0, &mut cache).unwrap().unwrap().1, entry);
        }
        prop_assert!(store.entry(b"/no/such/name", &mut cache).unwrap().is_none());
    }
}

#[test]
fn there_is_none_where_there_was_never_one() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Store::open(folder.path()).unwrap().is_none());
    assert!(Store::open(&folder.path().join("missing")).unwrap().is_none());
}

#[test]
fn what_is_accepted_is_agreed_and_merged() {
    let folder = tempfile::tempdir().unwrap();
    let mut model: Model =
        (0..2_000).map(|n| (Key(format!("/usr/d{}/f{n}", n % 7).into_bytes()), file(n))).collect();
    model.insert(Key(b"/".to_vec()), file(1));
    let mut store = create(folder.path(), &model, 50, 3);
    let before = store.identity();
    let changes: Vec<(Vec<u8>, Option<Entry>)> = vec![
        (b"/usr/d1/f1".to_vec(), Some(file(99))),
        (b"/usr/d2/f2".to_vec(), None),
        (b"/etc/new".to_vec(), Some(file(98))),
        (b"/zzz".to_vec(), Some(file(97))),
    ];
    for (path, entry) in &changes {
        match entry {
            Some(entry) => model.insert(Key(path.clone()), entry.clone()),
            None => model.remove(&Key(path.clone())),
        };
    }
    let when = Timestamp::from_second(1_800_000_000).unwrap();
    let acceptance = Acceptance { when, who: "root".to_owned(), why: "update".to_owned(), changes };
    let after = store.accept(&acceptance).unwrap();
    assert_ne!((after.root, after.state), (before.root, before.state));
    assert_is(&store, &model);
    let mut again = Store::open(folder.path()).unwrap().unwrap();
    assert_eq!(again.identity(), after);
    assert_is(&again, &model);
    again.merge().unwrap();
    assert_is(&again, &model);
    assert_eq!((again.identity().root, again.identity().version), (after.root, 2));
    let accepted: Vec<_> = again.acceptances().collect();
    assert_eq!((accepted[0].seq, accepted[0].before, accepted[0].after), (1, before.root, after.root));
    assert_eq!(path(b"/usr", b"x"), b"/usr/x");
}
