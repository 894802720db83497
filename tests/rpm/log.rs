//! A database in SQLite whose last changes are in its log only, or that changes while it is read; SQLite itself is asked.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use guestward::host::Host;
use guestward::host::packages::rpm::Installed;

use super::{FORMAT, installed, read, some, state};
use crate::support::rpm::forms::{headers, python};
use crate::support::rpm::{Root, Rpm, VAR};

/// Changes the database and keeps it open, so that SQLite does not merge; a copy of both files is taken meanwhile.
const UNMERGED: &str = "
import shutil, sqlite3, sys
source, target = sys.argv[1:3]
c = sqlite3.connect(source, isolation_level=None)
c.execute('pragma journal_mode=wal'); c.execute('pragma wal_autocheckpoint=0')
c.execute('delete from Packages where hnum % 4 = 0')
c.execute('update Packages set blob = (select blob from Packages where hnum = 3) where hnum = 1')
c.execute('begin')
for number in range(100, 130): c.execute('insert into Packages select ?, blob from Packages where hnum = 3', (number,))
c.execute('commit')
c.execute('delete from Packages where hnum between 100 and 109')
for ending in ['', '-wal']: shutil.copyfile(source + ending, target + ending)
";

/// A root with the log that [`UNMERGED`] leaves.
fn unmerged() -> Root {
    let root = Root::knowing(VAR, &some());
    let target = Root::new(VAR);
    for file in ["rpmdb.sqlite-wal", "rpmdb.sqlite-shm"] {
        fs::remove_file(target.place().join(file)).unwrap();
    }
    let [from, to] = [&root, &target].map(|root| root.place().join("rpmdb.sqlite"));
    python(UNMERGED, &[from.to_str().unwrap(), to.to_str().unwrap()]);
    target
}

/// How many packages SQLite finds, which may merge and so is given a copy.
fn judged(database: &Path) -> Vec<Vec<u8>> {
    let copy = tempfile::tempdir().unwrap();
    for ending in ["", "-wal"] {
        let from = format!("{}{ending}", database.display());
        if Path::new(&from).exists() {
            fs::copy(from, copy.path().join(format!("db{ending}"))).unwrap();
        }
    }
    headers(&copy.path().join("db")).into_iter().map(|(_, header)| header).collect()
}

fn count(root: &Root) -> usize {
    installed(root.path()).unwrap().packages.len()
}

#[test]
fn what_is_in_the_log_only_is_known_and_stays_there() {
    let root = unmerged();
    let (file, log) = (root.place().join("rpmdb.sqlite"), root.place().join("rpmdb.sqlite-wal"));
    let before = state(&root.place());
    let found = read(root.path());
    assert_eq!(state(&root.place()), before);
    assert_eq!(found.len(), judged(&file).len());
    let copy = fs::read(&log).unwrap();
    assert_eq!(found, root.query(FORMAT), "rpm, which may merge");
    fs::remove_file(&log).unwrap();
    fs::write(&file, &before[&file.display().to_string()].2).unwrap();
    assert_eq!(count(&root), 13, "without the log");
    // Whatever is cut off, or not as it was written: what was committed before counts.
    for cut in (0..copy.len()).step_by(copy.len() / 9) {
        fs::write(&log, &copy[..cut]).unwrap();
        assert_eq!(count(&root), judged(&file).len(), "cut at {cut}");
        let mut damaged = copy.clone();
        damaged[cut] ^= 0x10;
        fs::write(&log, damaged).unwrap();
        assert_eq!(count(&root), judged(&file).len(), "damaged at {cut}");
    }
}

#[test]
fn pages_of_every_size_are_read() {
    let root = Root::knowing(VAR, &some());
    let told = read(root.path());
    for size in [512, 1024, 2048, 8192, 16384, 32768, 65536] {
        let script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                      c.execute('pragma journal_mode=delete')\nc.execute('pragma page_size=' + sys.argv[2])\n\
                      c.execute('vacuum')\nprint(c.execute('pragma page_size').fetchone()[0])";
        let file = root.place().join("rpmdb.sqlite");
        let now = python(script, &[file.to_str().unwrap(), &size.to_string()]);
        assert_eq!(now.trim(), size.to_string());
        assert_eq!(read(root.path()), told, "pages of {size}");
    }
}

#[test]
fn an_interrupted_change_is_no_answer() {
    let root = Root::knowing(VAR, &[Rpm::new("a", "1", "1")]);
    let journal = root.place().join("rpmdb.sqlite-journal");
    for done in [&b""[..], &[0; 512]] {
        fs::write(&journal, done).unwrap();
        assert_eq!(count(&root), 1, "a journal that is done with");
    }
    fs::write(&journal, [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]).unwrap();
    let cause = installed(root.path()).unwrap_err().to_string();
    assert!(cause.contains("rpmdb.sqlite-journal") && cause.contains("interrupted"), "{cause}");
}

/// Replaces every package in each transaction, and merges after each, until nobody listens.
const WRITER: &str = "
import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute('pragma journal_mode=wal'); c.execute('pragma wal_autocheckpoint=1'); c.execute('pragma synchronous=off')
old, new = [c.execute('select blob from Packages where hnum = ?', (n,)).fetchone()[0] for n in (1, 2)]
while True:
    for blob in [old, new]:
        c.execute('begin'); c.execute('delete from Packages')
        for number in range(1, 40): c.execute('insert into Packages values (?, ?)', (number, blob))
        c.execute('commit')
        print(end='x', flush=True)
        time.sleep(0.1)
";

#[test]
fn what_is_read_while_it_changes_is_of_one_moment() {
    let package = |version| Rpm::new("a", version, "1");
    let root = Root::new(VAR);
    root.change(&["-i", "--justdb", "--force"], &[package("1"), package("2")]);
    let file = root.place().join("rpmdb.sqlite");
    let mut writer = Command::new("python3");
    let writer = writer.args(["-c", WRITER, file.to_str().unwrap()]).stdout(Stdio::piped());
    let mut writer = writer.stderr(Stdio::null()).spawn().unwrap();
    let mut begun = [0; 2];
    writer.stdout.as_mut().unwrap().read_exact(&mut begun).unwrap();
    let host = Host::at(root.path()).unwrap();
    let (mut whole, mut versions) = (0, std::collections::BTreeSet::new());
    while whole < 15 || versions.len() < 2 {
        // Where it changes each time it is read, that is said.
        let Ok(installed) = Installed::of(&host) else { continue };
        let first = &installed.packages[0].version;
        assert!(installed.packages.iter().all(|package| package.version == *first));
        assert_eq!(installed.packages.len(), 39);
        versions.insert(first.clone());
        whole += 1;
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
}
