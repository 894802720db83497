//! What we read of rpm's records against rpm itself: thirty packages and more, really installed, and really changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;

use guestward::host::files::Owners;
use guestward::host::packages::recorded::{self, Digest, Record, Recorded};
use guestward::host::{Host, Kind};
use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::support::rpm::{Root, Rpm, VAR, What, build};

/// So many of the usual kind.
const PACKAGES: usize = 30;

/// Each has what packages have.
fn usual(number: usize) -> Rpm {
    let name = format!("p{number}");
    let text = |part: &str| format!("{part} of {name}\n");
    let mut package = Rpm::new(&name, "1", "2")
        .file(&format!("/usr/bin/{name}"), &text("program"), 0o755)
        .file(&format!("/usr/bin/{name}-su"), &text("set-uid"), 0o4755)
        .directory(&format!("/usr/lib/{name}"), 0o750)
        .file(&format!("/usr/lib/{name}/data"), &text("data"), 0o644)
        .file(&format!("/usr/lib/{name}/mail"), &text("mail"), 0o640)
        .link(&format!("/usr/lib/{name}/link"), "data")
        .config(&format!("/etc/{name}.conf"), &text("configuration"))
        .entry(&format!("/etc/{name}.opt"), What::File(text("option").into()), 0o600, "%config(missingok)")
        .entry(&format!("/etc/{name}.ghost"), What::File(Vec::new()), 0o640, "%ghost")
        .directory("/usr/lib/shared", 0o755);
    for entry in package.entries.iter_mut().filter(|entry| entry.path.ends_with("/mail")) {
        (entry.owner, entry.group) = ("mail".to_owned(), "post".to_owned());
    }
    package
}

fn odd() -> Vec<Rpm> {
    let digests = |name: &str, number: u32| {
        let line = format!("%global _binary_filedigest_algorithm {number}");
        Rpm::new(name, "1", "1").noarch().line(&line).file(&format!("/opt/{name}"), name, 0o644)
    };
    vec![
        digests("old", 1),
        digests("new", 10),
        Rpm::new("lenient", "1", "1").entry(
            "/opt/lenient",
            What::File(b"x".to_vec()),
            0o644,
            "%verify(not md5 size mtime mode)",
        ),
        Rpm::new("epoch", "1", "1").epoch(3).file("/bin/merged", "x", 0o755),
    ]
}

fn root() -> Root {
    let root = Root::new(VAR);
    for (path, text) in
        [("etc/passwd", "root:x:0:0::/:\nmail:x:77:78::/:\n"), ("etc/group", "root:x:0:\npost:x:78:\n")]
    {
        fs::create_dir_all(root.path().join("etc")).unwrap();
        fs::write(root.path().join(path), text).unwrap();
    }
    fs::create_dir_all(root.path().join("usr/bin")).unwrap();
    symlink("usr/bin", root.path().join("bin")).unwrap();
    root.install(&(0..PACKAGES).map(usual).collect::<Vec<_>>());
    // Each with macros of its own.
    for package in odd() {
        let built = tempfile::tempdir().unwrap();
        let files = build(&[package], built.path());
        root.change_to(&["-i"], &files);
    }
    // One takes over a path of another, and one is installed without its documents.
    root.change(
        &["-i", "--replacefiles"],
        &[Rpm::new("taker", "1", "1").file("/usr/bin/p29", "taken", 0o755)],
    );
    let paper = Rpm::new("paper", "1", "1").entry("/opt/paper", What::File(b"x".to_vec()), 0o644, "%doc");
    root.change(&["-i", "--excludedocs"], &[paper]);
    root
}

/// What somebody does to the files of one package.
type Act = fn(&dyn Fn(&str) -> std::path::PathBuf);

/// One for each of the first packages; the others stay as they are.
const ACTS: &[(&str, Act)] = &[
    ("another content", |at| fs::write(at("/usr/bin/"), "evil\n").unwrap()),
    ("another content of the same size and time", |at| {
        let old = fs::read(at("/usr/bin/")).unwrap();
        let modified = fs::metadata(at("/usr/bin/")).unwrap().modified().unwrap();
        fs::write(at("/usr/bin/"), vec![b'x'; old.len()]).unwrap();
        fs::File::options().write(true).open(at("/usr/bin/")).unwrap().set_modified(modified).unwrap();
    }),
    ("a mode", |at| mode(&at("/usr/bin/"), 0o777)),
    ("set-uid given", |at| mode(&at("/usr/bin/"), 0o4755)),
    ("set-uid taken", |at| mode(&at("/usr/bin/-su"), 0o755)),
    ("an owner", |at| chown(at("/usr/bin/"), Some(77), None).unwrap()),
    ("a group", |at| chown(at("/usr/lib//data"), None, Some(5)).unwrap()),
    ("the owner that is recorded taken", |at| chown(at("/usr/lib//mail"), Some(0), Some(0)).unwrap()),
    ("removed", |at| fs::remove_file(at("/usr/lib//data")).unwrap()),
    ("a link that leads elsewhere", |at| {
        fs::remove_file(at("/usr/lib//link")).unwrap();
        symlink("/tmp/evil", at("/usr/lib//link")).unwrap();
    }),
    ("a link in the place of a file", |at| {
        fs::remove_file(at("/usr/lib//data")).unwrap();
        symlink("link", at("/usr/lib//data")).unwrap();
    }),
    ("a file in the place of a link", |at| {
        fs::remove_file(at("/usr/lib//link")).unwrap();
        fs::write(at("/usr/lib//link"), "x").unwrap();
    }),
    ("a directory in the place of a file", |at| {
        fs::remove_file(at("/usr/bin/")).unwrap();
        fs::create_dir(at("/usr/bin/")).unwrap();
    }),
    ("a directory's mode", |at| mode(&at("/usr/lib/"), 0o755)),
    ("a directory removed", |at| fs::remove_dir_all(at("/usr/lib/")).unwrap()),
    ("a configuration changed", |at| fs::write(at("/etc/.conf"), "mine\n").unwrap()),
    ("a configuration's mode", |at| mode(&at("/etc/.conf"), 0o600)),
    ("a configuration removed", |at| fs::remove_file(at("/etc/.conf")).unwrap()),
    ("what may be missing removed", |at| fs::remove_file(at("/etc/.opt")).unwrap()),
    ("what may be missing changed", |at| fs::write(at("/etc/.opt"), "mine\n").unwrap()),
    ("a ghost as it is to be", |at| {
        fs::write(at("/etc/.ghost"), "x").unwrap();
        mode(&at("/etc/.ghost"), 0o640);
    }),
    ("a ghost with another mode", |at| {
        fs::write(at("/etc/.ghost"), "x").unwrap();
        mode(&at("/etc/.ghost"), 0o666);
    }),
    ("a ghost that is a link", |at| symlink("x", at("/etc/.ghost")).unwrap()),
    ("a stranger", |at| fs::write(at("/usr/lib//stranger"), "x").unwrap()),
    ("another time", |at| {
        let file = fs::File::options().write(true).open(at("/usr/bin/")).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000)).unwrap();
    }),
];

/// In the paths of acts, the package's name goes behind the second slash, or before the ending.
fn change(root: &Root) {
    for (number, (_, act)) in ACTS.iter().enumerate() {
        let name = format!("p{number}");
        act(&|path| {
            let path = match path {
                "/usr/bin/-su" => format!("/usr/bin/{name}-su"),
                _ if path.starts_with("/etc/") => path.replacen("/etc/", &format!("/etc/{name}"), 1),
                _ if path.starts_with("/usr/lib/") => {
                    path.replacen("/usr/lib/", &format!("/usr/lib/{name}"), 1)
                }
                _ => format!("{path}{name}"),
            };
            root.path().join(&path[1..])
        });
    }
    for path in ["opt/old", "opt/new", "opt/lenient", "usr/bin/merged"] {
        fs::write(root.path().join(path), "changed").unwrap();
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Where we differ on purpose: what rpm says, what we say, and why.
const ON_PURPOSE: &[(&str, &str, &str, &str)] = &[
    (
        "/opt/new",
        "5",
        "",
        "a SHA-512 is nothing that anybody here computes: the file is listed, and never explained",
    ),
    ("/opt/lenient", "", "5", "a package may ask rpm to look away, and us not"),
    ("/usr/lib/p11/link", "M5", "M", "it was to be a link, and a link has no content that could differ"),
];

#[test]
fn what_differs_from_its_package_differs_for_rpm_too() {
    let root = root();
    let whole = compared(&root);
    assert!(whole.is_empty(), "{whole:#?}");
    assert!(lines(&root).is_empty(), "{:?}", lines(&root));
    change(&root);
    let theirs = lines(&root);
    assert!(theirs.len() >= 20, "{theirs:#?}");
    let differing = compared(&root);
    let expected: BTreeMap<String, (String, String)> = ON_PURPOSE
        .iter()
        .map(|(path, theirs, ours, _)| ((*path).to_owned(), ((*theirs).to_owned(), (*ours).to_owned())))
        .collect();
    assert_eq!(differing, expected);
}

/// Paths of which rpm and we say different things: rpm's, then ours.
fn compared(root: &Root) -> BTreeMap<String, (String, String)> {
    let recorded = all(root);
    let mut theirs: BTreeMap<String, String> = BTreeMap::new();
    for (path, letters) in lines(root) {
        let path = if path == "/bin/merged" { "/usr/bin/merged".to_owned() } else { path };
        theirs.entry(path).or_default().push_str(&letters);
    }
    let mut differing = BTreeMap::new();
    for path in paths(root) {
        let ours: BTreeSet<String> =
            recorded.each(path.as_bytes()).map(|record| letters(root, &path, &recorded, &record)).collect();
        let ours = ours.into_iter().collect::<Vec<_>>().concat();
        let theirs = theirs.remove(&path).unwrap_or_default();
        if ours != theirs {
            differing.insert(path, (theirs, ours));
        }
    }
    differing.extend(theirs.into_iter().map(|(path, letters)| (path, (letters, String::new()))));
    differing
}

/// `rpm -Va` by path; of the letters those about what we read, and `c` for a configuration file. Size follows from the
/// content, and nobody is told of times alone.
fn lines(root: &Root) -> BTreeSet<(String, String)> {
    let output = root.rpm().args(["-Va", "--nodeps"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let (head, path) = line.split_at(line.find('/').unwrap());
        let is_configuration = head.trim_end().ends_with(" c");
        let (result, _) = head.split_once(' ').unwrap();
        let result: String = match result {
            "missing" => result.to_owned(),
            _ => result.chars().filter(|letter| "M5LUG".contains(*letter)).collect(),
        };
        let mark = if is_configuration && !result.is_empty() { " c" } else { "" };
        (path.to_owned(), format!("{result}{mark}"))
    };
    text.lines().map(line).filter(|(_, letters)| !letters.is_empty()).collect()
}

/// The same from what we read.
fn letters(root: &Root, path: &str, recorded: &Recorded, record: &Record<'_>) -> String {
    let made = record.made.unwrap();
    let place = root.path().join(&path[1..]);
    let Ok(meta) = fs::symlink_metadata(&place) else {
        return match (made.may_be_missing, record.is_configuration) {
            (true, _) => String::new(),
            (false, true) => "missing c".to_owned(),
            (false, false) => "missing".to_owned(),
        };
    };
    let kind = match meta.file_type() {
        kind if kind.is_file() => Kind::File,
        kind if kind.is_dir() => Kind::Directory,
        kind if kind.is_symlink() => Kind::SymbolicLink,
        kind => panic!("{kind:?}"),
    };
    // Of a link rpm compares where it leads, and nothing else.
    let is_link = kind == Kind::SymbolicLink;
    let has_kind = is_link || made.kind().is_none_or(|made| made == kind);
    let has_mode = is_link || made.mode.is_some_and(|made| u32::from(made) & 0o7777 == meta.mode() & 0o7777);
    let is_ghost = made.kind().is_none();
    let is_content = match record.digest.filter(|_| kind == Kind::File) {
        Some(Digest::Md5(digest)) => <[u8; 16]>::from(Md5::digest(fs::read(&place).unwrap())) == digest,
        Some(Digest::Sha256(digest)) => <[u8; 32]>::from(Sha256::digest(fs::read(&place).unwrap())) == digest,
        None => true,
    };
    let leads = !is_link
        || is_ghost
        || recorded.leads(&made, fs::read_link(&place).unwrap().as_os_str().as_encoded_bytes());
    let mut letters = String::new();
    for (is_so, letter) in [
        (has_kind && has_mode, 'M'),
        (is_content, '5'),
        (leads, 'L'),
        (made.uid == Some(meta.uid()), 'U'),
        (made.gid == Some(meta.gid()), 'G'),
    ] {
        letters.extend((!is_so).then_some(letter));
    }
    if record.is_configuration && !letters.is_empty() {
        letters.push_str(" c");
    }
    letters
}

#[test]
fn whose_a_path_is_we_say_as_rpm_does() {
    let root = root();
    let recorded = all(&root);
    let mut paths = paths(&root);
    paths.extend(["/usr/bin".to_owned(), "/opt/paper".to_owned(), "/etc/passwd".to_owned()]);
    // rpm's answer for all of them at once: those of a path that several have come one after another.
    let every = root.rpm().args(["-qa", "--qf", "[%{=NAME} %{FILESTATES} %{FILENAMES}\n]"]).output().unwrap();
    let text = String::from_utf8(every.stdout).unwrap();
    let mut theirs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in text.lines() {
        let (name, rest) = line.split_once(' ').unwrap();
        let (state, path) = rest.split_once(' ').unwrap();
        if state == "0" {
            let path = if path == "/bin/merged" { "/usr/bin/merged" } else { path };
            theirs.entry(path).or_default().insert(name);
        }
    }
    let wanted: Vec<&Path> = paths.iter().map(Path::new).collect();
    let host = Host::at(root.path()).unwrap();
    let owners = Owners::of(&host, wanted.into_iter()).unwrap().unwrap();
    let some = recorded::of(&host, paths.iter().map(String::as_bytes)).unwrap().unwrap();
    for path in &paths {
        let expected = theirs.get(path.as_str()).cloned().unwrap_or_default();
        let ours = recorded.get(path.as_bytes());
        let name = ours.map(|ours| ours.owner.package.as_str().split(':').next().unwrap().to_owned());
        assert_eq!(name.is_none(), expected.is_empty(), "{path}: {name:?}, and rpm {expected:?}");
        assert!(name.iter().all(|name| expected.contains(name.as_str())), "{path}: {name:?} {expected:?}");
        let told = |record: Record<'_>| (record.owner.clone(), record.digest, record.is_configuration);
        assert_eq!(ours.map(told), some.get(path.as_bytes()).map(told), "{path}");
        let owner = owners.package(Path::new(path)).map(ToString::to_string);
        assert_eq!(owner.is_none(), expected.is_empty(), "{path}: {owner:?}");
        assert!(owner.iter().all(|owner| expected.contains(owner.as_str())), "{path}: {owner:?}");
        let query = root.rpm().args(["-qf", "--qf", "%{NAME}\n", path]).output().unwrap();
        if query.status.success() && path != "/usr/bin/merged" {
            let text = String::from_utf8(query.stdout).unwrap();
            assert_eq!(text.lines().collect::<BTreeSet<_>>(), expected, "{path}");
        }
    }
    assert!(paths.len() > PACKAGES * 9, "{}", paths.len());
    // What is set-uid is so by the header, and nothing else is in that list.
    let shipped = owners.shipped.unwrap();
    assert_eq!(shipped.len(), PACKAGES, "{shipped:?}");
    assert!(
        shipped.iter().all(|(path, meant)| path.to_str().unwrap().ends_with("-su") && meant.mode == 0o4755)
    );
    let epoch = recorded.get(b"/usr/bin/merged").unwrap().owner;
    assert_eq!((epoch.package.as_str(), epoch.version.as_str()), ("epoch:x86_64", "3:1-1"));
}

#[test]
fn the_links_of_alternatives_are_their_keeper_s() {
    let root = Root::knowing(VAR, &[Rpm::new("chkconfig", "1", "1"), Rpm::new("alternatives", "1.19", "1")]);
    let file = root.path().join("var/lib/alternatives/java");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    // As chkconfig's alternatives.c writes it: mode, link, followers, and then families and priorities.
    let text = "auto\n/usr/bin/java\njre\n/usr/lib/jvm/jre\njava.1.gz\n/usr/share/man/man1/java.1.gz\n\n\
                /usr/lib/jvm/jre-17/bin/java\n@java-17@1700\n/usr/lib/jvm/jre-17\n\n";
    fs::write(file, text).unwrap();
    let recorded = all(&root);
    for link in ["/usr/bin/java", "/etc/alternatives/java", "/usr/lib/jvm/jre", "/etc/alternatives/java.1.gz"]
    {
        let record = recorded.get(link.as_bytes()).unwrap();
        assert_eq!(
            (record.owner.package.as_str(), record.digest, record.made),
            ("alternatives:x86_64", None, None)
        );
    }
    assert_eq!(recorded.len(), 6, "no path of a program is its");
}

/// Every path that a package lists or that is there.
fn paths(root: &Root) -> BTreeSet<String> {
    let listed = root.rpm().args(["-qal"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let mut paths: BTreeSet<String> =
        listed.lines().filter(|line| line.starts_with('/')).map(str::to_owned).collect();
    paths.remove("/bin/merged");
    let mut directories = vec![root.path().to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let below = format!("/{}", path.strip_prefix(root.path()).unwrap().to_str().unwrap());
            if !below.starts_with("/var/lib/rpm") {
                paths.insert(below);
                directories.extend(entry.file_type().unwrap().is_dir().then_some(path));
            }
        }
    }
    paths
}

fn all(root: &Root) -> Recorded {
    recorded::all(&Host::at(root.path()).unwrap()).unwrap().unwrap()
}
