//! The same tree and the same thousand changes for AIDE and for us: we must tell whatever it tells, and of what we tell
//! beyond that it must be known why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use super::mutations::{self, Dice, KINDS, Truth};
use super::{ALL, Machine, entries};

/// What we tell and AIDE does not, by the kind of change, each with the reason.
const BEYOND: &[(&str, &str)] = &[];

#[test]
fn a_thousand_changes_are_told_as_aide_tells_them_or_better() {
    let machine = Machine::new(ALL);
    let (root, mut dice) = (machine.root(), Dice::new(7));
    let (files, links) = mutations::plant(&root, 4_000, &mut dice);
    machine.expect(0, &["create"]);
    let aide = Aide::beside(&machine);
    aide.run("--init", 0);
    fs::rename(machine.path("aide.out"), machine.path("aide.in")).unwrap();
    assert_eq!(entries(&machine.diff(0, &[])), BTreeMap::new(), "nothing was changed yet");

    let mut truth = Truth::new();
    let (mut files, mut links) = (files.into_iter(), links.into_iter());
    let mut kinds: BTreeMap<String, &str> = BTreeMap::new();
    for number in 0..1_000 {
        let kind = KINDS[number % KINDS.len()];
        let path = if kind == "target" { links.next() } else { files.nth(dice.below(3)) };
        let path = path.expect("there are more objects than changes");
        let before: BTreeSet<String> = truth.keys().cloned().collect();
        mutations::change(&root, kind, &path, &mut truth, &mut dice);
        kinds.extend(truth.keys().filter(|path| !before.contains(*path)).map(|path| (path.clone(), kind)));
    }
    let ours = machine.diff(1, &[]);
    let quick = machine.diff(1, &["--quick"]);
    let theirs = aide.check();
    mutations::soften(&root);

    let told = entries(&ours);
    assert_eq!(told, entries(&quick), "no clock was set, so the metadata give each change away");
    for (path, (change, fields)) in &truth {
        let kind = kinds[path];
        let (ours, ours_fields) = told.get(path).unwrap_or_else(|| panic!("{kind}: {path} is not told"));
        assert_eq!(ours, change, "{kind}: {path}");
        for field in fields {
            assert!(
                ours_fields.iter().any(|told| told == field),
                "{kind}: {path}: {ours_fields:?} lacks {field}"
            );
        }
    }
    let unknown: Vec<_> = told.keys().filter(|path| !truth.contains_key(*path)).collect();
    assert!(unknown.is_empty(), "told, and nobody changed it: {unknown:?}");

    let missed: Vec<_> = theirs.iter().filter(|path| !told.contains_key(*path)).collect();
    assert!(missed.is_empty(), "AIDE tells, and we do not: {missed:?}");
    let beyond: BTreeSet<&str> =
        told.keys().filter(|path| !theirs.contains(*path)).map(|path| kinds[path]).collect();
    let expected: BTreeSet<&str> = BEYOND.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(beyond, expected, "what we tell beyond AIDE has a row each, and no row is for nothing");
}

struct Aide {
    config: std::path::PathBuf,
    root: String,
}

impl Aide {
    fn beside(machine: &Machine) -> Self {
        let (config, root) = (machine.path("aide.conf"), machine.root());
        let text = format!(
            "database_in=file:{0}/aide.in\ndatabase_out=file:{0}/aide.out\ngzip_dbout=no\nlog_level=error\n\
             report_url=stdout\nreport_level=list_entries\nnum_workers=2\n\
             FILES = p+ftype+l+n+u+g+s+m+acl+xattrs+sha256+caps+e2fsattrs\n\
             FOLDERS = p+ftype+u+g+acl+xattrs+e2fsattrs\n\
             {1} d FOLDERS\n{1} !d FILES\n",
            machine.path("").display().to_string().trim_end_matches('/'),
            root.display()
        );
        // A rule for all but directories is written as one for each of the others.
        let text = text.replace(
            &format!("{} !d FILES\n", root.display()),
            &format!("{} f,l,p,s,b,c FILES\n", root.display()),
        );
        fs::write(&config, text).unwrap();
        Self { config, root: root.display().to_string() }
    }

    /// Returns what it printed. The code says which kinds of difference there are, by its bits (aide(1)).
    fn run(&self, action: &str, most: i32) -> Vec<u8> {
        let output = Command::new("aide").arg("--config").arg(&self.config).arg(action).output().unwrap();
        let code = output.status.code().unwrap();
        assert!(
            (0..=most).contains(&code),
            "aide {action}: {code}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    /// The paths below the root that it tells: `f > ... .  .H.. . : /path`, `f+++++++++++++++++: /path`.
    fn check(&self) -> BTreeSet<String> {
        let report = String::from_utf8(self.run("--check", 7)).unwrap();
        let told = report.lines().filter_map(|line| line.split_once(": "));
        let paths: BTreeSet<String> =
            told.filter_map(|(_, path)| below(path, Path::new(&self.root))).collect();
        assert!(paths.len() > 900, "{report}");
        paths
    }
}

fn below(path: &str, root: &Path) -> Option<String> {
    let rest = Path::new(path).strip_prefix(root).ok()?;
    Some(format!("/{}", rest.display()))
}
