//! Histories of acceptances and merges, beside a map that does the same; and what the root digest says of them.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Accept(Vec<(Key, Option<Entry>)>),
    Merge,
    Reopen,
}

fn step(known: Vec<Key>) -> impl Strategy<Value = Step> {
    let path = prop_oneof![some_path(), proptest::sample::select(known)];
    let changes = proptest::collection::vec((path, proptest::option::of(entry())), 0..6);
    prop_oneof![4 => changes.prop_map(Step::Accept), 1 => Just(Step::Merge), 1 => Just(Step::Reopen)]
}

fn history() -> impl Strategy<Value = (Model, Vec<Step>)> {
    model(25).prop_flat_map(|model| {
        let mut known: Vec<Key> = model.keys().cloned().collect();
        known.push(Key(b"/a".to_vec()));
        (Just(model), proptest::collection::vec(step(known), 1..8))
    })
}

fn acceptance(changes: &[(Key, Option<Entry>)]) -> Acceptance {
    Acceptance {
        when: Timestamp::from_second(1_800_000_000).unwrap(),
        who: "root".to_owned(),
        why: "a test".to_owned(),
        changes: changes.iter().map(|(key, entry)| (key.0.clone(), entry.clone())).collect(),
    }
}

fn root(model: &Model) -> [u8; 32] {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path(), model, 3, 1).identity().root
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn after_any_history_all_that_was_agreed_is_there((mut model, steps) in history()) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = create(folder.path(), &model, 4, 2);
        let mut accepted = 0;
        for step in &steps {
            match step {
                Step::Accept(changes) => {
                    store.accept(&acceptance(changes)).unwrap();
                    accepted += 1;
                    for (key, entry) in changes {
                        match entry {
                            Some(entry) => model.insert(key.clone(), entry.clone()),
                            None => model.remove(key),
                        };
                    }
                }
                Step::Merge => store.merge().unwrap(),
                Step::Reopen => store = Store::open(folder.path()).unwrap().unwrap(),
            }
            assert_is(&store, &model);
        }
        prop_assert_eq!(store.acceptances().count(), accepted);
        prop_assert_eq!(store.identity().root, root(&model));
        store.recompute().unwrap();
        let mut cache = Cache::default();
        for (key, entry) in &model {
            let (_, found) = store.entry(&key.0, &mut cache).unwrap().unwrap();
            prop_assert_eq!(&found, entry);
            let below: Vec<Key> = store.below(&key.0).unwrap().map(|one| Key(one.unwrap().0)).collect();
            let within = |other: &Key| digest::is_within(&other.0, key.0.strip_suffix(b"/").unwrap_or(&key.0));
            prop_assert_eq!(below, model.keys().filter(|other| within(other)).cloned().collect::<Vec<_>>());
        }
    }

    #[test]
    fn slices_are_what_lies_between(model in model(60), from in proptest::option::of(name()), to in proptest::option::of(name())) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = create(folder.path(), &model, 5, 1);
        let some: Vec<(Key, Option<Entry>)> = model.iter().step_by(3).map(|(key, _)| (key.clone(), Some(file(7)))).collect();
        store.accept(&acceptance(&some)).unwrap();
        let mut cache = Cache::default();
        for Key(path) in model.keys() {
            let (directory, _) = split(path);
            let wanted: Vec<Vec<u8>> = model.keys().map(|key| split(&key.0)).filter(|(of, name)| {
                *of == directory && from.as_deref().is_none_or(|from| *name >= from) && to.as_deref().is_none_or(|to| *name < to)
            }).map(|(_, name)| name.to_vec()).collect();
            let slice = || store.slice(directory, &mut Cache::default(), from.as_deref(), to.as_deref()).unwrap().map(|one| one.unwrap().0).collect::<Vec<_>>();
            prop_assert_eq!(slice(), wanted.clone());
            let (mut lent, mut names) = (store.slice(directory, &mut cache, from.as_deref(), to.as_deref()).unwrap(), Vec::new());
            while let Some(seen) = lent.advance().unwrap() {
                prop_assert_eq!(seen.directory, directory);
                names.push(seen.name.to_vec());
            }
            prop_assert_eq!(names, wanted);
        }
    }

    #[test]
    fn the_root_digest_is_of_what_is_portable_alone(model in model(30), most in 1usize..7, turn: usize, number: u64) {
        let mut other = model.clone();
        for entry in other.values_mut() {
            let object = &mut entry.object;
            (object.inode, object.device, object.links) = (number, number, 3);
            (object.modified, object.changed, object.born) = (Moment::default(), Moment::default(), None);
            (entry.owner, entry.text, object.md5) = (None, None, None);
        }
        let mut private = file(number);
        private.per_host = true;
        other.insert(Key(b"/zz/each machine's own".to_vec()), private);
        let folder = tempfile::tempdir().unwrap();
        let store = create(folder.path(), &other, most, turn);
        prop_assert_eq!(store.identity().root, root(&model));
    }

    #[test]
    fn any_portable_byte_makes_another_root_digest(model in model(12), which: proptest::sample::Index, what in 0..14usize) {
        let mut other: Model = model.clone();
        let keys: Vec<Key> = model.iter().filter(|(_, entry)| !entry.per_host).map(|(key, _)| key.clone()).collect();
        prop_assume!(!keys.is_empty());
        let key = which.get(&keys);
        let mut entry = other.remove(key).unwrap();
        let object = &mut entry.object;
        let mut key = key.clone();
        match what {
            0 => object.mode ^= 1,
            1 => object.uid ^= 1,
            2 => object.gid ^= 1,
            3 => object.rdev ^= 1,
            4 => object.flags.0 ^= 1,
            5 => object.kind = if object.kind == Kind::Fifo { Kind::Socket } else { Kind::Fifo },
            6 => object.target = object.target.is_none().then(|| Box::from(&b"x"[..])),
            7 => object.xattrs.push(Xattr { name: Box::from(&b"n"[..]), value: Value::Whole(Box::default()) }),
            8 => object.content = match object.content {
                Content::Hashed { algorithm, mut digest, length } => {
                    digest[31] ^= 1;
                    Content::Hashed { algorithm, digest, length }
                }
                _ => Content::Hashed { algorithm: Algorithm::Blake3, digest: [0; 32], length: 0 },
            },
            9 => object.xattr_trouble = if object.xattr_trouble.is_none() { Some(Trouble::Gone) } else { None },
            10 => entry.per_host = true,
            11 => {
                // Only the flag says that there may be one.
                object.flags = object.flags.with(Flags::VERITY);
                let other = object.verity.as_ref().map_or(1, |verity| verity.algorithm ^ 1);
                object.verity = Some(Box::new(Verity { algorithm: other, digest: Box::new([7; 32]) }));
            }
            12 => key = Key([key.0.strip_suffix(b"/").unwrap_or(&key.0), b"/below"].concat()),
            _ => key = Key([&key.0[..], b"~"].concat()),
        }
        prop_assume!(what < 12 || !model.contains_key(&key));
        other.insert(key, entry);
        prop_assert_ne!(root(&other), root(&model));
    }
}

#[test]
fn the_digests_of_directories_tell_where_two_machines_differ() {
    let one: Model =
        (0..300).map(|n| (Key(format!("/usr/d{}/e{}/f{n}", n % 3, n % 5).into_bytes()), file(n))).collect();
    let mut other = one.clone();
    other.insert(Key(b"/usr/d1/e4/new".to_vec()), file(1));
    let digests = |model: &Model, path: &[u8], depth| {
        let folder = tempfile::tempdir().unwrap();
        let store = create(folder.path(), model, 9, 4);
        let told = store.digests(path, depth).unwrap();
        assert!(!path.is_empty() || told[0] == (Vec::new(), store.identity().root));
        told
    };
    let differing = |path: &[u8], depth| -> Vec<String> {
        let (a, b) = (digests(&one, path, depth), digests(&other, path, depth));
        assert_eq!(a.len(), b.len());
        let pairs = a.into_iter().zip(b);
        pairs.filter(|(a, b)| a != b).map(|(a, _)| String::from_utf8(a.0).unwrap()).collect()
    };
    assert_eq!(differing(b"", 2), ["", "/usr", "/usr/d1"]);
    assert_eq!(differing(b"/usr/d1", 1), ["/usr/d1", "/usr/d1/e4"]);
    assert_eq!(differing(b"/usr/d2", 1), [""; 0]);
}

#[test]
fn ten_thousand_names_are_found_again() {
    let mut seed = 1_u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> 33
    };
    let mut model = Model::new();
    while model.len() < 10_000 {
        let length = 1 + random() % 20;
        let name: Vec<u8> =
            (0..length).map(|_| u8::try_from(random() % 255).unwrap() + 1).filter(|b| *b != b'/').collect();
        if !name.is_empty() {
            let directory = format!("/d{}", random() % 40);
            model.insert(Key(path(directory.as_bytes(), &name)), file(random()));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let store = create(folder.path(), &model, 128, 7);
    assert_is(&store, &model);
    let mut cache = Cache::default();
    for (key, entry) in &model {
        assert_eq!(&store.entry(&key.0, &mut cache).unwrap().unwrap().1, entry);
        assert!(store.entry(&[&key.0[..], b"\0"].concat(), &mut cache).unwrap().is_none());
    }
}

#[test]
fn what_was_interrupted_is_gone_on_with_where_nothing_changed() {
    let folder = tempfile::tempdir().unwrap();
    let slice = [(b"a".to_vec(), file(1)), (b"b".to_vec(), file(2))];
    let draft = Draft::begin(folder.path(), header()).unwrap();
    draft.add(b"/usr", &slice).unwrap();
    drop(draft);
    assert!(Draft::is_interrupted(folder.path()));
    let draft = Draft::resume(folder.path(), header()).unwrap();
    let mut recall = Recall::default();
    assert_eq!(draft.recall(b"/usr", b"b", &slice[1].1.object, &mut recall), Some(slice[1].1.clone()));
    let mut touched = slice[1].1.object.clone();
    touched.changed.nanos += 1;
    assert_eq!(draft.recall(b"/usr", b"b", &touched, &mut recall), None);
    assert_eq!(draft.recall(b"/usr", b"c", &slice[1].1.object, &mut recall), None);
    assert_eq!(draft.recall(b"/bin", b"b", &slice[1].1.object, &mut recall), None);
    draft.add(b"/bin", &[(b"x".to_vec(), file(3))]).unwrap();
    drop(draft);
    // The third attempt knows what the first two saw, and is only what it was told itself.
    let draft = Draft::resume(folder.path(), header()).unwrap();
    assert!(draft.recall(b"/usr", b"a", &slice[0].1.object, &mut recall).is_some());
    assert!(draft.recall(b"/bin", b"x", &file(3).object, &mut recall).is_some());
    draft.add(b"/usr", &slice[..1]).unwrap();
    let store = draft.finish().unwrap();
    assert_is(&store, &[(Key(b"/usr/a".to_vec()), slice[0].1.clone())].into_iter().collect());
    assert!(!Draft::is_interrupted(folder.path()));
}

#[test]
fn what_was_seen_under_other_circumstances_is_seen_again() {
    let others = [
        Header { rules: [9; 32], ..header() },
        Header { boot: "another".to_owned(), ..header() },
        Header { clock: 2_000_000_000, ..header() },
        Header { algorithm: Algorithm::Blake3, ..header() },
    ];
    for other in others {
        let folder = tempfile::tempdir().unwrap();
        let draft = Draft::begin(folder.path(), header()).unwrap();
        draft.add(b"", &[(b"a".to_vec(), file(1))]).unwrap();
        drop(draft);
        let draft = Draft::resume(folder.path(), other.clone()).unwrap();
        assert_eq!(draft.recall(b"", b"a", &file(1).object, &mut Recall::default()), None, "{other:?}");
    }
}

#[test]
fn a_hash_is_as_old_as_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let model: Model = (0..3000).map(|n| (Key(format!("/f{n:05}").into_bytes()), file(n))).collect();
    let mut store = create(folder.path(), &model, 100, 1);
    let ordinal = |store: &Store, path: &[u8]| store.entry(path, &mut Cache::default()).unwrap().unwrap().0;
    let (one, other) = (ordinal(&store, b"/f00001"), ordinal(&store, b"/f02500"));
    assert_eq!(store.verified(one), Some(header().created));
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    store.set_verified(&[(one, Some(now)), (other, Some(now))], None).unwrap();
    assert_eq!(store.reread(), None);
    let reread = Reread { boot: "b".repeat(36), clock: -5, at: now };
    store.set_verified(&[], Some(&reread)).unwrap();
    assert_eq!(store.reread(), Some(reread));
    assert_eq!(store.verified(one), Some(now));
    store.accept(&acceptance(&[(Key(b"/new".to_vec()), Some(file(1)))])).unwrap();
    let new = ordinal(&store, b"/new");
    assert_eq!(store.verified(new), None);
    store.set_verified(&[(new, Some(now))], None).unwrap();
    for merged in [false, true] {
        let mut again = Store::open(folder.path()).unwrap().unwrap();
        if merged {
            again.merge().unwrap();
        }
        for (path, time) in
            [(&b"/f00001"[..], now), (b"/f02500", now), (b"/new", now), (b"/f00002", header().created)]
        {
            assert_eq!(again.verified(ordinal(&again, path)), Some(time));
        }
    }
}

#[test]
fn what_cannot_be_kept_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let draft = Draft::begin(folder.path(), header()).unwrap();
    for (directory, name) in
        [(&b"usr"[..], &b"a"[..]), (b"/usr/", b"a"), (b"/usr", b""), (b"/usr", b"a/b"), (b"//", b"a")]
    {
        let refused = draft.add(directory, &[(name.to_vec(), file(1))]);
        assert!(matches!(refused, Err(NotKept::Refused(_))), "{directory:?} {name:?}");
    }
    draft.add(b"", &[(b"a".to_vec(), file(1))]).unwrap();
    draft.add(b"", &[(b"a".to_vec(), file(1))]).unwrap();
    assert!(draft.finish().unwrap_err().to_string().contains("twice"));
    assert!(Store::open(folder.path()).unwrap().is_none());
}

#[test]
fn whoever_comes_second_is_told_who_was_first() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Draft::begin(folder.path(), header()).unwrap();
    let refused = Draft::begin(folder.path(), header()).unwrap_err().to_string();
    assert!(refused.contains(&format!("process {} ", std::process::id())), "{refused}");
}
