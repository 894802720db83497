//! The store of a baseline when things go wrong: any bytes of any file changed, any moment the last one.
//!
//! Whatever happens, what is read is what was agreed, or it is called damage. `GUESTWARD_STORE_SEED=N` makes up other
//! accidents.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use guestward::baseline::diff::Identity;
use guestward::baseline::store::{Acceptance, Cache, Damage, Draft, Entry, Header, Owner, Store};
use guestward::host::Kind;
use guestward::host::object::{Algorithm, Content, Flags, Moment, Object};
use guestward::host::packages::recorded::Digest;
use jiff::Timestamp;

/// What somebody who reads a baseline sees of it.
#[derive(Debug, PartialEq)]
struct Read {
    identity: Identity,
    header: Header,
    entries: Vec<(Vec<u8>, Entry)>,
    accepted: usize,
}

fn read(directory: &Path) -> Result<Option<(Read, Store)>, Damage> {
    let Some(store) = Store::open(directory)? else { return Ok(None) };
    let entries =
        store.all()?.map(|one| one.map(|(path, _, entry)| (path, entry))).collect::<Result<_, _>>()?;
    store.recompute()?;
    let accepted = store.acceptances().count();
    Ok(Some((Read { identity: store.identity(), header: store.header().clone(), entries, accepted }, store)))
}

#[test]
fn no_damage_is_read_as_if_it_were_what_was_agreed() {
    let mut random = Random(seed());
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    let older = grow(&live);
    let files: BTreeMap<String, Vec<u8>> = contents(&live);
    let right = read(&live).unwrap().unwrap().0;
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for case in 0..5_000 {
        let name = ["base.2", "delta.2"][usize::from(random.below(3) == 0)];
        let (what, bytes) = damaged(&mut random, &files[name], &older[name]);
        if bytes.as_ref() == Some(&files[name]) {
            continue;
        }
        let _ = fs::remove_file(live.join(name));
        if let Some(bytes) = &bytes {
            fs::write(live.join(name), bytes).unwrap();
        }
        let outcome = match read(&live) {
            Err(damage) => {
                assert!(damage.file.starts_with(&live) && !damage.to_string().is_empty(), "{damage:?}");
                "named"
            }
            Ok(None) => panic!("case {case}: {what} of {name}: as if there had never been one"),
            Ok(Some((read, store))) => {
                assert_eq!(read, right, "case {case}: {what} of {name}");
                // Only what was never accepted may follow.
                let torn =
                    store.torn().unwrap_or_else(|| panic!("case {case}: {what} of {name} goes unnoticed"));
                assert_eq!((torn.file, torn.offset), (live.join(name), files[name].len() as u64));
                "cut and told"
            }
        };
        *seen.entry(outcome).or_default() += 1;
        fs::write(live.join(name), &files[name]).unwrap();
    }
    eprintln!("{seen:?}");
    assert!(seen["named"] > 4_000 && seen["cut and told"] > 0, "{seen:?}");
}

#[test]
fn a_block_that_is_damaged_while_the_baseline_is_open_is_named() {
    let mut random = Random(seed());
    let folder = tempfile::tempdir().unwrap();
    grow(folder.path());
    let path = folder.path().join("base.2");
    let (right, store) = read(folder.path()).unwrap().unwrap();
    let whole = fs::read(&path).unwrap();
    let mut named = 0;
    for _ in 0..300 {
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        let at = random.below(whole.len() as u64);
        std::os::unix::fs::FileExt::write_at(&file, &[!whole[usize::try_from(at).unwrap()]], at).unwrap();
        let entries = store.all().and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match entries {
            Err(damage) => {
                assert_eq!(damage.file, path);
                named += 1;
            }
            Ok(entries) => {
                let same = entries.into_iter().map(|(path, _, entry)| (path, entry)).collect::<Vec<_>>();
                assert_eq!(same, right.entries);
            }
        }
        std::os::unix::fs::FileExt::write_all_at(&file, &whole, 0).unwrap();
    }
    assert!(named > 100, "{named}");
    drop(fs::OpenOptions::new().write(true).truncate(true).open(&path).unwrap());
    let is_named = store.all().map_or(true, |mut all| all.any(|one| one.is_err()));
    assert!(is_named, "a file that was cut short is an error");
}

#[test]
fn an_acceptance_that_was_torn_is_cut_and_told() {
    let folder = tempfile::tempdir().unwrap();
    grow(folder.path());
    // As it is when the power fails before the head knows of the last acceptance.
    let (head, before) =
        (fs::read(folder.path().join("head")).unwrap(), read(folder.path()).unwrap().unwrap().0);
    let size = fs::metadata(folder.path().join("delta.2")).unwrap().len();
    let mut store = Store::open(folder.path()).unwrap().unwrap();
    store.accept(&changes(77, 3)).unwrap();
    let after = read(folder.path()).unwrap().unwrap().0;
    fs::write(folder.path().join("head"), head).unwrap();
    let whole = fs::read(folder.path().join("delta.2")).unwrap();
    for length in (usize::try_from(size).unwrap()..=whole.len()).rev() {
        fs::write(folder.path().join("delta.2"), &whole[..length]).unwrap();
        let (found, store) = read(folder.path()).unwrap().unwrap();
        match length == whole.len() {
            true => assert_eq!(found, after),
            false => {
                assert_eq!(found, before);
                assert_eq!(store.torn().map_or(0, |torn| torn.bytes), length as u64 - size);
            }
        }
    }
    let mut store = Store::open(folder.path()).unwrap().unwrap();
    assert_eq!(
        store.accept(&changes(77, 3)).unwrap(),
        after.identity,
        "what comes next is as if it had not been"
    );
}

#[test]
fn a_damaged_time_of_a_hash_is_not_known_and_never_another_one() {
    let mut random = Random(seed());
    let folder = tempfile::tempdir().unwrap();
    grow(folder.path());
    let times = |store: &Store| -> Vec<Option<Timestamp>> {
        store.all().unwrap().map(|one| store.verified(one.unwrap().1)).collect()
    };
    let mut store = Store::open(folder.path()).unwrap().unwrap();
    let ordinals: Vec<_> = store.all().unwrap().map(|one| one.unwrap().1).collect();
    let older = fs::read(folder.path().join("verified.2")).unwrap();
    let told: Vec<_> =
        (1_800_000_000..).zip(&ordinals).map(|(second, ordinal)| (*ordinal, Some(time(second)))).collect();
    store.set_verified(&told, None).unwrap();
    let right = times(&Store::open(folder.path()).unwrap().unwrap());
    assert!(right.iter().all(Option::is_some));
    let path = folder.path().join("verified.2");
    let whole = fs::read(&path).unwrap();
    let mut unknown = 0;
    for _ in 0..500 {
        match damaged(&mut random, &whole, &older) {
            // Older times are true, too.
            (_, Some(bytes)) if bytes != older => fs::write(&path, bytes).unwrap(),
            _ => drop(fs::remove_file(&path)),
        }
        let found = times(&Store::open(folder.path()).unwrap().unwrap());
        assert!(found.iter().zip(&right).all(|(found, right)| found.is_none() || found == right));
        unknown += u32::from(found != right);
    }
    assert!(unknown > 400, "{unknown}");
}

/// A version with some acceptances; and older files, by the names of the newer ones.
fn grow(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut store = create(directory, 1);
    store.accept(&changes(2, 20)).unwrap();
    let before = contents(directory);
    store.merge().unwrap();
    store.accept(&changes(3, 30)).unwrap();
    let delta = fs::read(directory.join("delta.2")).unwrap();
    store.accept(&changes(4, 4)).unwrap();
    store.accept(&changes(5, 1)).unwrap();
    [("base.2".to_owned(), before["base.1"].clone()), ("delta.2".to_owned(), delta)].into()
}

fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

/// An accident; `None`: the file is gone.
fn damaged(random: &mut Random, whole: &[u8], older: &[u8]) -> (&'static str, Option<Vec<u8>>) {
    let mut bytes = whole.to_vec();
    let at = usize::try_from(random.below(whole.len() as u64)).unwrap();
    let what = match random.below(100) {
        0..40 => {
            bytes[at] ^= 1 << random.below(8);
            "a bit"
        }
        40..55 => {
            bytes.truncate(at);
            "a cut"
        }
        55..70 => {
            let more = (0..1 + random.below(64)).map(|_| random.0.to_le_bytes()[3]).collect::<Vec<u8>>();
            bytes.splice(at..at, more);
            "more bytes"
        }
        70..75 => {
            bytes.extend((0..1 + random.below(100)).map(|_| 0));
            "zeros behind"
        }
        75..92 => {
            let page = at / 4096 * 4096;
            let end = whole.len().min(page + 4096);
            bytes[page..end].fill(0);
            "a page of zeros"
        }
        92..95 => {
            bytes = older.to_vec();
            "an older file"
        }
        95..98 => {
            bytes.clear();
            "nothing left"
        }
        _ => return ("gone", None),
    };
    (what, Some(bytes))
}

/// kill -9 at any moment: what is there is what was before, or what was to be, and all of it.
#[test]
fn whoever_is_killed_leaves_the_old_or_the_new_baseline() {
    let mut random = Random(seed());
    let folder = tempfile::tempdir().unwrap();
    let (live, reference) = (folder.path().join("live"), folder.path().join("reference"));
    let mut expected = vec![(None, 0)];
    let (mut at, mut deaths, mut interrupted) = (0, BTreeSet::new(), 0);
    for _ in 0..80 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "baseline_store::maker", "--nocapture"]).env_clear();
        command.env(MAKER, &live).env(FROM, (at + 1).to_string());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let begun = lines.by_ref().map_while(Result::ok).any(|line| line.contains("begins"));
        assert!(begun, "it begins");
        // Some steps whole, and a part of the one after them.
        let wait = usize::try_from(random.below(STEPS)).unwrap();
        let done = lines.by_ref().map_while(Result::ok).filter_map(|line| told(&line)).take(wait).last();
        std::thread::sleep(Duration::from_micros(random.below(40_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let last = lines.map_while(Result::ok).filter_map(|line| told(&line)).last();
        let done = last.or(done).unwrap_or(at);
        while (expected.len() as u64) < done + 2 {
            let step = expected.len() as u64;
            run(&reference, step);
            let (read, _) = read(&reference).unwrap().unwrap();
            expected.push((Some(read.identity.root), read.entries.len()));
        }
        let found = read(&live).unwrap_or_else(|damage| panic!("after step {done}: {damage}"));
        let found = found.map_or((None, 0), |(read, _)| (Some(read.identity.root), read.entries.len()));
        let index = |step: u64| usize::try_from(step).unwrap();
        assert!(expected[index(done)..=index(done + 1)].contains(&found), "after step {done}: {found:?}");
        at = if found == expected[index(done + 1)] { done + 1 } else { done };
        deaths.insert((done + 1) % STEPS);
        interrupted += u32::from(Draft::is_interrupted(&live));
    }
    eprintln!("{at} steps, killed in {deaths:?}, {interrupted} drafts were interrupted");
    assert_eq!(deaths.len() as u64, STEPS, "each step was the last one once: {deaths:?}");
    let names: BTreeSet<String> = contents(&live).into_keys().collect();
    run(&live, (at / STEPS + 1) * STEPS + 1);
    let left: BTreeSet<String> = contents(&live).into_keys().collect();
    assert_eq!(left.len(), 5, "nothing unfinished stays: {names:?}, then {left:?}");
}

fn told(line: &str) -> Option<u64> {
    // The last line of one that was killed may be torn.
    line.split_once("did ")?.1.strip_suffix(" .")?.parse().ok()
}

/// Not a test by itself: what the test above starts.
#[test]
fn maker() {
    let Some(directory) = std::env::var_os(MAKER).map(PathBuf::from) else { return };
    let from: u64 = std::env::var(FROM).unwrap().parse().unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "begins").unwrap();
    for step in from.. {
        run(&directory, step);
        writeln!(out, "did {step} .").unwrap();
    }
}

/// Each step makes of what the steps before it made what the same step makes of it everywhere.
fn run(directory: &Path, step: u64) {
    if step % STEPS == 1 {
        create(directory, step);
        return;
    }
    let mut store = Store::open(directory).unwrap().unwrap();
    match step % STEPS {
        0 | 3 => store.merge().unwrap(),
        _ => drop(store.accept(&changes(step, 10)).unwrap()),
    }
}

fn create(directory: &Path, number: u64) -> Store {
    let draft = Draft::begin(directory, header()).unwrap();
    for part in (0..40).rev() {
        let entries: Vec<_> =
            (0..15).map(|n| (format!("file {n:02}").into_bytes(), entry(number * 1000 + n))).collect();
        draft.add(format!("/usr/lib/part-{part:03}").as_bytes(), &entries).unwrap();
    }
    draft.finish().unwrap()
}

fn changes(number: u64, count: u64) -> Acceptance {
    let changes = (0..count).map(|n| {
        let path = format!("/usr/lib/part-{:03}/file {:02}", (number * 7 + n) % 50, n % 20).into_bytes();
        (path, (n % 5 != 4).then(|| entry(number * 1000 + n)))
    });
    Acceptance {
        when: time(1_750_000_000),
        who: "root".into(),
        why: "an update".into(),
        changes: changes.collect(),
    }
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn header() -> Header {
    Header {
        created: time(1_700_000_000),
        algorithm: Algorithm::Sha256,
        rules: [1; 32],
        root: b"/".to_vec(),
        agent: "0".to_owned(),
        machine: [2; 32],
        boot: "boot".to_owned(),
        clock: 0,
        who: String::new(),
        why: String::new(),
    }
}

fn entry(number: u64) -> Entry {
    let mut random = Random(number);
    let mut digest = [0; 32];
    digest.fill_with(|| u8::try_from(random.below(256)).unwrap());
    let moment = |seconds| Moment { seconds, nanos: 7 };
    let object = Object {
        kind: Kind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: number,
        device: 1,
        inode: number,
        links: 1,
        rdev: 0,
        modified: moment(1),
        changed: moment(2),
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
    let owner = Owner {
        package: format!("package{}", number % 9).as_str().into(),
        digest: None,
        is_configuration: false,
    };
    Entry { object, owner: Some(owner), per_host: false, text: None }
}

/// With every time, inode and owner of this machine's own; digests are made up, for they are as long as true ones.
#[test]
fn an_entry_of_a_real_system_takes_at_most_120_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let draft = Draft::begin(folder.path(), header()).unwrap();
    let owners = owners();
    let (mut directories, mut count) = (vec![PathBuf::from("/usr/share")], 0_u64);
    while let Some(directory) = directories.pop() {
        let mut entries = Vec::new();
        for found in fs::read_dir(&directory).unwrap().map(|found| found.unwrap()) {
            let Ok(meta) = found.metadata() else { continue };
            if meta.is_dir() {
                directories.push(found.path());
            }
            entries.push((found.file_name().as_bytes().to_vec(), observed(&found.path(), &meta, &owners)));
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        count += entries.len() as u64;
        draft.add(directory.as_os_str().as_bytes(), &entries).unwrap();
        if count > 20_000 {
            break;
        }
    }
    let store = draft.finish().unwrap();
    let size = fs::metadata(folder.path().join("base.1")).unwrap().len();
    eprintln!("{count} entries of {} bytes", size / count);
    assert_eq!(store.len(), count);
    assert!(size <= 120 * count, "{size} bytes for {count} entries");
    let first = store.entry(b"/usr/share/doc", &mut Cache::default()).unwrap().unwrap().1;
    assert_eq!(first.object.inode, fs::metadata("/usr/share/doc").unwrap().ino());
}

fn owners() -> BTreeMap<Vec<u8>, std::sync::Arc<str>> {
    let mut owners = BTreeMap::new();
    for list in fs::read_dir("/var/lib/dpkg/info").unwrap().map(|entry| entry.unwrap().path()) {
        if list.extension().is_some_and(|extension| extension == "list") {
            let package: std::sync::Arc<str> = list.file_stem().unwrap().to_str().unwrap().into();
            let paths = fs::read(&list).unwrap();
            owners.extend(paths.split(|b| *b == b'\n').map(|path| (path.to_vec(), package.clone())));
        }
    }
    owners
}

fn observed(path: &Path, meta: &fs::Metadata, owners: &BTreeMap<Vec<u8>, std::sync::Arc<str>>) -> Entry {
    let mut entry = entry(meta.ino());
    let object = &mut entry.object;
    let is_file = meta.is_file();
    object.kind = match () {
        () if meta.is_dir() => Kind::Directory,
        () if meta.is_symlink() => Kind::SymbolicLink,
        () => Kind::File,
    };
    object.mode = meta.mode() & 0o7777;
    (object.uid, object.gid, object.size) = (meta.uid(), meta.gid(), meta.size());
    (object.device, object.inode, object.links) =
        (meta.dev(), meta.ino(), u32::try_from(meta.nlink()).unwrap());
    let moment = |seconds, nanos| Moment { seconds, nanos: u32::try_from(nanos).unwrap() };
    object.modified = moment(meta.mtime(), meta.mtime_nsec());
    object.changed = moment(meta.ctime(), meta.ctime_nsec());
    object.born = Some(moment(meta.ctime() - 1, meta.ctime_nsec()));
    object.content = match object.content {
        Content::Hashed { algorithm, digest, .. } if is_file => {
            object.md5 = Some(digest[..16].try_into().unwrap());
            Content::Hashed { algorithm, digest, length: meta.size() }
        }
        _ => Content::Unasked,
    };
    object.target = meta.is_symlink().then(|| fs::read_link(path).unwrap().as_os_str().as_bytes().into());
    let owner = |package: &std::sync::Arc<str>| Owner {
        package: package.clone(),
        digest: object.md5.map(Digest::Md5),
        is_configuration: false,
    };
    entry.owner = owners.get(path.as_os_str().as_bytes()).map(owner);
    entry
}

fn seed() -> u64 {
    std::env::var("GUESTWARD_STORE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

/// The same each time, so that a failure can be looked at again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        // Knuth, The Art of Computer Programming 2, 3.3.4: the constants are those of MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

const MAKER: &str = "GUESTWARD_TEST_MAKER";
const FROM: &str = "GUESTWARD_TEST_FROM";
/// Create, accept, merge, accept, accept, merge.
const STEPS: u64 = 6;
