//! Databases of packages, made and read by Python's own SQLite.

use std::process::Command;

use super::super::primary::tests::installed;
use super::*;

/// Makes a database of so many packages with createrepo's tables, their columns in another order, quoted and commented;
/// and prints what is in it, as Python reads it.
const SCRIPT: &str = r#"
import random, sqlite3, sys
path, count, page = sys.argv[1], int(sys.argv[2]), sys.argv[3]
draw = random.Random(7)
base = sqlite3.connect(path)
base.execute(f"PRAGMA page_size = {page}")
base.executescript('''
CREATE TABLE db_info (dbversion INTEGER, checksum TEXT);
CREATE TABLE packages ( summary TEXT, "release" TEXT, pkgKey INTEGER PRIMARY KEY, -- a key, and
  `version` TEXT, [arch] TEXT, description TEXT /* , no column */, size DECIMAL(10, 5) DEFAULT (1 + (2)),
  name TEXT, epoch TEXT, rpm_vendor TEXT, time_build INTEGER);
CREATE TABLE provides (name TEXT, flags TEXT, epoch TEXT, version TEXT, release TEXT, pkgKey INTEGER);
CREATE TABLE obsoletes (pkgKey INTEGER, release TEXT, version TEXT, epoch TEXT, flags TEXT, name TEXT);
CREATE INDEX packagename ON packages (name);
''')
key = 0
for number in range(count):
    key += draw.choice([1, 1, 1, 200])
    name = f"p{number % (count // 2)}" + draw.choice(["", "-\u00e9", "-" + "x" * 200])
    row = dict(pkgKey=key, name=name, arch=draw.choice(["x86_64", "noarch", "src"]),
        epoch=draw.choice(["0", "1", None]), version=draw.choice(["1", "1.10", "2~rc1"]),
        release=draw.choice(["1", "1.amzn2.0.1"]), rpm_vendor=draw.choice([None, "", "V"]), time_build=number << 20,
        summary="s" * draw.randrange(300), description="d" * draw.choice([0, 10, 1000, 70000 if number % 500 == 499 else 5]),
        size=draw.choice([None, 1.5, 7]))
    base.execute(f"INSERT INTO packages ({','.join(row)}) VALUES ({','.join('?' * len(row))})", list(row.values()))
    for _ in range(draw.randrange(4)):
        base.execute("INSERT INTO provides VALUES (?, 'EQ', '0', '1', NULL, ?)", (f"q{draw.randrange(99)}", key))
    if number % 3 == 0:
        flags, version = draw.choice([(None, None), ("LT", "2"), ("GT", "5")])
        target = draw.choice(["p1", "none"])
        base.execute("INSERT INTO obsoletes VALUES (?, NULL, ?, ?, ?, ?)", (key, version, version and "0", flags, target))
# Pages that nobody uses, and rows out of their first places.
base.execute("DELETE FROM packages WHERE pkgKey % 7 = 0")
base.commit()
for key, *row in base.execute("SELECT pkgKey, name, arch, ifnull(epoch, '0'), version, release, ifnull(rpm_vendor, '')"
        " FROM packages WHERE arch != 'src' ORDER BY pkgKey").fetchall():
    provides = base.execute("SELECT name FROM provides WHERE pkgKey = ? ORDER BY rowid", (key,))
    obsoletes = base.execute("SELECT name FROM obsoletes WHERE pkgKey = ? AND name != 'none'"
        " AND ifnull(flags, 'LT') = 'LT'", (key,))
    print("|".join(row + [" ".join(n for n, in provides), " ".join(n for n, in obsoletes)]))
"#;

fn database(count: usize, page: &str) -> (Vec<u8>, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("primary_db.sqlite");
    let output = Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(&path)
        .args([&count.to_string(), page])
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    (std::fs::read(path).unwrap(), lines)
}

fn told(offered: &Offered) -> String {
    let Offered { name, architecture, evr, vendor, obsoletes, provides } = offered;
    let Evr { epoch, version, release } = evr;
    let obsoletes: Vec<&str> = obsoletes.iter().map(|relation| relation.name.as_str()).collect();
    let lists = [provides.join(" "), obsoletes.join(" ")];
    [name, architecture, &epoch.to_string(), version, release, vendor, &lists[0], &lists[1]]
        .map(String::as_str)
        .join("|")
}

fn found(bytes: Vec<u8>, names: &[&str]) -> Result<Vec<String>, Cause> {
    let installed = installed(names);
    let mut found = Vec::new();
    each(Source::held(bytes), &Wanted::of(&installed), |offered| {
        found.push(told(&offered));
        Ok(())
    })?;
    Ok(found)
}

#[test]
fn twenty_thousand_rows_are_those_that_sqlite_reads() {
    for (count, page) in [(20_000, "1024"), (500, "512"), (500, "4096"), (500, "65536")] {
        let (bytes, expected) = database(count, page);
        let names: Vec<&str> = expected.iter().map(|line| line.split('|').next().unwrap()).collect();
        assert_eq!(found(bytes.clone(), &names).unwrap(), expected, "{page}");
        // Of what is not installed, only what takes the place of what is.
        let some = |line: &&String| line.starts_with("p1|") || line.ends_with("|p1");
        let expected: Vec<String> = expected.iter().filter(some).cloned().collect();
        assert!(expected.len() > 2 && expected.len() < count / 2, "{}", expected.len());
        assert_eq!(found(bytes, &["p1"]).unwrap(), expected, "{page}");
    }
}

#[test]
fn two_thousand_changes_break_nothing() {
    let (good, expected) = database(40, "512");
    let names: Vec<&str> = expected.iter().map(|line| line.split('|').next().unwrap()).collect();
    let mut random = 7_u64;
    let mut failed = 0;
    for _ in 0..2000 {
        let mut bytes = good.clone();
        for _ in 0..=(random % 8) {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Half of them in the first pages, and in the heads of others.
            let at = usize::try_from(random >> 33).unwrap() % bytes.len();
            let at = if random & 1 == 0 { at / 512 * 512 + at % 12 } else { at };
            bytes[at] = u8::try_from(random >> 56).unwrap();
        }
        failed += usize::from(found(bytes, &names).is_err());
    }
    assert!(failed > 200, "{failed}");
    for end in (0..good.len()).step_by(97) {
        assert!(found(good[..end].to_vec(), &names).is_err(), "{end}");
    }
}

#[test]
fn a_database_of_something_else_is_an_error() {
    let (good, _) = database(10, "1024");
    for (from, to) in [
        ("TABLE packages", "TABLE pockages"),
        ("packages", "pockages"),
        ("TABLE obsoletes", "TABLE obsolates"),
        ("[arch] TEXT", "[orch] TEXT"),
        ("PRIMARY KEY,", "PRIMARY_KEY,"),
        ("`version`", "`version "),
    ] {
        let finder = memchr::memmem::Finder::new(from);
        let mut bytes = good.clone();
        for at in finder.find_iter(&good) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        // The table's name is where it is looked for, and not in the statement.
        assert_eq!(found(bytes, &["p1"]).is_ok(), from.starts_with("TABLE"), "{from}");
    }
    assert!(found(Vec::new(), &["p1"]).is_err() && found(vec![0; 4096], &["p1"]).is_err());
}
