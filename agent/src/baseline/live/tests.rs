//! Looks at single paths of small trees, held against the comparison of everything.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use proptest::prelude::*;

use super::*;
use crate::baseline::accept::{Decision, Of, accept};
use crate::baseline::create::create;
use crate::baseline::diff::{self, Order};
use crate::baseline::drift::{Change, Records};
use crate::watch::files::Interest as _;

struct Machine {
    folder: tempfile::TempDir,
    policy: Arc<Policy>,
}

impl Machine {
    fn new(files: &[(&str, &str)]) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap(), policy: Arc::new(Policy::default()) };
        fs::create_dir(machine.at("")).unwrap();
        for (path, text) in files {
            machine.write(path, text);
        }
        machine
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("root").join(path.trim_start_matches('/'))
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    fn host(&self) -> Host {
        Host::at(self.at("")).unwrap()
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("baseline")
    }

    fn agree(&self) -> Live {
        let over = AtomicBool::new(false);
        create(&self.host(), &self.policy, &self.store(), ("a", "b"), &over, &|_| {}).unwrap();
        self.live()
    }

    fn live(&self) -> Live {
        Live::open(self.host(), Arc::clone(&self.policy), &self.store()).unwrap().unwrap()
    }

    fn everything(&self) -> Vec<Drift> {
        let order = Order {
            store: self.store(),
            paths: Vec::new(),
            depth: Depth::Full,
            polite_until: None,
            most: usize::MAX,
        };
        diff::check(&self.host(), &self.policy, &order, &AtomicBool::new(false), &|_| {}).unwrap().drifts
    }
}

fn look(live: &mut Live, paths: &[&str]) -> Looked {
    let looks: Vec<Look> =
        paths.iter().map(|path| Look { path: path.as_bytes().to_vec(), is_tree: false }).collect();
    live.look(&looks).unwrap()
}

fn told(drifts: &[Drift]) -> Vec<String> {
    let one = |drift: &Drift| {
        let matter = drift.matter.map_or_else(String::new, |matter| format!(" {}", matter.name()));
        let fields: Vec<&str> = drift.fields.names().collect();
        let path = String::from_utf8_lossy(&drift.path);
        format!("{} {path} {} {}{matter}", drift.change, fields.join(","), drift.severity)
    };
    drifts.iter().map(one).collect()
}

fn passed(looked: &Looked) -> Vec<&str> {
    looked.passed.iter().map(|passed| std::str::from_utf8(&passed.path).unwrap()).collect()
}

fn looked_at(looked: &Looked) -> Vec<(&str, bool)> {
    looked.looked.iter().map(|look| (std::str::from_utf8(&look.path).unwrap(), look.is_tree)).collect()
}

const SMALL: &[(&str, &str)] = &[
    ("/etc/sudoers", "root ALL=(ALL) ALL\n"),
    ("/etc/hosts", "127.0.0.1 localhost\n"),
    ("/usr/bin/tool", "tool"),
    ("/usr/lib/app/one", "1"),
    ("/usr/lib/app/deep/two", "2"),
    ("/var/tmp/any", "any"),
];

#[test]
fn only_what_was_asked_for_is_looked_at_and_all_of_it_is_told() {
    let machine = Machine::new(SMALL);
    let mut live = machine.agree();
    assert!(look(&mut live, &["/etc/sudoers", "/usr/bin/tool"]).drifts.is_empty());
    machine.write("/etc/sudoers", "root ALL=(ALL) NOPASSWD: ALL\n");
    machine.write("/etc/hosts", "changed, and nobody asks\n");
    fs::set_permissions(machine.at("/usr/bin/tool"), fs::Permissions::from_mode(0o4755)).unwrap();
    machine.write("/etc/cron.d/x", "* * * * * root x\n");
    machine.write("/var/tmp/other", "nobody agreed on anything here");
    let asked =
        ["/usr/bin/tool", "/etc/cron.d", "/etc/cron.d/x", "/etc/sudoers", "/var/tmp/other", "/nowhere/x"];
    let looked = look(&mut live, &asked);
    assert_eq!(
        told(&looked.drifts),
        [
            "added /etc/cron.d  high cron",
            "added /etc/cron.d/x  high cron",
            "modified /etc/sudoers content,size,mtime critical sudoers",
            "modified /usr/bin/tool mode critical set-id",
        ]
    );
    let sudoers = &looked.drifts[2];
    assert!(sudoers.text.as_ref().unwrap().contains("+root ALL=(ALL) NOPASSWD"), "{:?}", sudoers.text);
    assert_eq!(looked.identity, live.identity());
    assert_eq!(
        looked_at(&looked),
        [
            ("/etc/cron.d", true),
            ("/etc/sudoers", true),
            ("/nowhere", true),
            ("/usr/bin/tool", true),
            ("/var/tmp/other", true)
        ]
    );
}

#[test]
fn a_directory_that_is_gone_or_is_none_any_more_is_told_with_all_that_was_below_it() {
    let machine = Machine::new(SMALL);
    let mut live = machine.agree();
    fs::rename(machine.at("/usr/lib/app"), machine.at("/usr/lib/moved")).unwrap();
    let looked = look(&mut live, &["/usr/lib/app/deep/two", "/usr/lib/app/one"]);
    let gone = [
        "removed /usr/lib/app  high",
        "removed /usr/lib/app/deep  high",
        "removed /usr/lib/app/deep/two  high",
        "removed /usr/lib/app/one  high",
    ];
    assert_eq!(told(&looked.drifts), gone);
    assert_eq!(looked_at(&looked), [("/usr/lib/app", true)]);
    symlink("moved", machine.at("/usr/lib/app")).unwrap();
    let looked = look(&mut live, &["/usr/lib/app/deep/two"]);
    assert_eq!(looked.drifts.len(), 4, "what lies behind a link is not what was agreed on");
    assert_eq!(looked.drifts[0].change, Change::Modified);
    let looked = look(&mut live, &["/usr/lib/moved"]);
    assert_eq!(looked.drifts.len(), 4, "what came is gone into: {:?}", told(&looked.drifts));
}

#[test]
fn what_was_another_for_a_moment_is_named_once() {
    let machine = Machine::new(SMALL);
    let mut live = machine.agree();
    assert_eq!(passed(&look(&mut live, &["/etc/sudoers", "/etc/hosts"])), [""; 0]);
    let before = fs::read(machine.at("/etc/sudoers")).unwrap();
    let time = fs::metadata(machine.at("/etc/sudoers")).unwrap().modified().unwrap();
    fs::write(machine.at("/etc/sudoers"), "x").unwrap();
    fs::write(machine.at("/etc/sudoers"), &before).unwrap();
    fs::File::options().write(true).open(machine.at("/etc/sudoers")).unwrap().set_modified(time).unwrap();
    machine.write("/etc/ld.so.preload", "/tmp/evil.so\n");
    fs::remove_file(machine.at("/etc/ld.so.preload")).unwrap();
    let asked = ["/etc/sudoers", "/etc/hosts", "/etc/ld.so.preload", "/etc/hosts.swp"];
    let looked = look(&mut live, &asked);
    assert_eq!(told(&looked.drifts), [""; 0]);
    assert_eq!(passed(&looked), ["/etc/ld.so.preload", "/etc/sudoers"]);
    assert_eq!(looked.passed[0].severity, Severity::Critical);
    assert_eq!(passed(&look(&mut live, &["/etc/sudoers"])), [""; 0], "nothing was done to it since");
}

#[test]
fn what_a_package_records_is_known_again_after_dpkg_wrote() {
    let status = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n\
                  Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n";
    let list = "/.\n/usr\n/usr/bin\n/usr/bin/tool\n";
    let machine = Machine::new(&[
        ("/var/lib/dpkg/status", status),
        ("/var/lib/dpkg/info/tool.list", list),
        ("/var/lib/dpkg/info/tool.md5sums", "5d41402abc4b2a76b9719d911017c592  usr/bin/tool\n"),
        ("/usr/bin/tool", "before"),
    ]);
    let mut live = machine.agree();
    let records = |live: &mut Live| look(live, &["/usr/bin/tool"]).drifts[0].package.clone().unwrap();
    machine.write("/usr/bin/tool", "hello");
    assert_eq!(records(&mut live).records, Records::Same);
    machine.write("/usr/bin/tool", "evil!");
    assert_eq!(records(&mut live).records, Records::Differs);
    machine.write("/var/lib/dpkg/info/tool.md5sums-new", "4034a346ccee15292d823416f7510a2f  usr/bin/tool\n");
    let sums = machine.at("/var/lib/dpkg/info/tool.md5sums");
    fs::rename(machine.at("/var/lib/dpkg/info/tool.md5sums-new"), sums).unwrap();
    assert_eq!(records(&mut live).records, Records::Differs, "the digest of something else");
    let version = status.replace("Version: 1\n\nPackage: tool", "Version: 1\n\nPackage: tools");
    machine.write("/var/lib/dpkg/status", &version);
    assert_eq!(records(&mut live).package, "tool:amd64", "it was the package's");
}

#[test]
fn a_name_that_was_agreed_on_is_found_by_its_inode_while_it_is_still_that_file() {
    let machine = Machine::new(SMALL);
    fs::hard_link(machine.at("/usr/bin/tool"), machine.at("/usr/bin/twin")).unwrap();
    let live = machine.agree();
    let agreed = live.agreed().unwrap();
    let meta = fs::metadata(machine.at("/usr/bin/tool")).unwrap();
    let names = |agreed: &Agreed| agreed.names_of(meta.dev(), meta.ino());
    assert_eq!(names(&agreed), [b"/usr/bin/tool".to_vec(), b"/usr/bin/twin".to_vec()]);
    fs::rename(machine.at("/usr/bin/twin"), machine.at("/var/tmp/alias")).unwrap();
    assert_eq!(names(&agreed), [b"/usr/bin/tool".to_vec()]);
    assert!(agreed.wants(b"/etc/sudoers") && agreed.leads_on(b"/etc") && agreed.leads_on(b"/"));
    assert!(!agreed.wants(b"/var/tmp/any") && !agreed.leads_on(b"/var/tmp"));
    let generation = agreed.generation();
    agreed.replace(None).unwrap();
    assert_ne!(agreed.generation(), generation);
    assert!(!agreed.wants(b"/etc/sudoers") && names(&agreed).is_empty());
}

#[test]
fn whoever_agrees_on_something_else_is_noticed() {
    let machine = Machine::new(SMALL);
    let live = machine.agree();
    assert!(live.is_current());
    machine.write("/etc/hosts", "other\n");
    let of = Of::Paths(vec![b"/etc/hosts".to_vec()]);
    let decision = Decision { of, who: "a".into(), why: "b".into() };
    accept(&machine.host(), &machine.policy, &machine.store(), &decision, &|_| {}).unwrap();
    assert!(!live.is_current());
    assert!(look(&mut machine.live(), &["/etc/hosts"]).drifts.is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Write(usize, u8),
    Remove(usize),
    Mode(usize, u32),
    Move(usize, usize),
    Link(usize, usize),
    Folder(usize),
}

const PLACES: &[&str] = &[
    "/etc/a",
    "/etc/a/b",
    "/etc/a/b/c",
    "/etc/a-b",
    "/etc/a-b/c",
    "/usr/x",
    "/usr/x/y",
    "/usr/x/y/z",
    "/usr/z",
    "/var/lib/x",
    "/tmp/x",
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = || 0..PLACES.len();
    let step = prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Step::Write(at, byte % 4)),
        place().prop_map(Step::Remove),
        (place(), 0_u32..3).prop_map(|(at, mode)| Step::Mode(at, [0o755, 0o700, 0o4755][mode as usize])),
        (place(), place()).prop_map(|(from, to)| Step::Move(from, to)),
        (place(), place()).prop_map(|(from, to)| Step::Link(from, to)),
        place().prop_map(Step::Folder),
    ];
    proptest::collection::vec(step, 0..14)
}

/// Does it, if it can be done; says what was touched, and which of it as a whole.
fn act(machine: &Machine, step: &Step) -> Vec<(usize, bool)> {
    let at = |place: usize| machine.at(PLACES[place]);
    // Nothing here is ever written through a link.
    let is_plain = |place: usize| at(place).symlink_metadata().is_ok_and(|found| !found.is_symlink());
    match *step {
        Step::Write(place, byte) if !at(place).is_dir() && !at(place).is_symlink() => {
            let _ = fs::write(at(place), [byte; 3]);
            vec![(place, false)]
        }
        Step::Remove(place) if at(place).is_dir() && !at(place).is_symlink() => {
            let _ = fs::remove_dir_all(at(place));
            vec![(place, true)]
        }
        Step::Remove(place) => {
            let _ = fs::remove_file(at(place));
            vec![(place, false)]
        }
        Step::Mode(place, mode) if is_plain(place) => {
            let _ = fs::set_permissions(at(place), fs::Permissions::from_mode(mode));
            vec![(place, false)]
        }
        Step::Move(from, to) => {
            let _ = fs::rename(at(from), at(to));
            vec![(from, true), (to, true)]
        }
        Step::Link(from, to) => {
            let _ = symlink(format!("nowhere-{from}"), at(to));
            vec![(to, false)]
        }
        Step::Folder(place) => {
            let _ = fs::create_dir_all(at(place));
            let above = |other: &usize| PLACES[place].starts_with(&format!("{}/", PLACES[*other]));
            (0..PLACES.len()).filter(above).chain([place]).map(|place| (place, true)).collect()
        }
        _ => Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever is done: looks at what was touched find what a look at everything finds.
    #[test]
    fn looks_at_what_was_touched_find_what_a_look_at_everything_finds(before in steps(), after in steps()) {
        let machine = Machine::new(&[]);
        for place in ["/etc", "/usr", "/var/lib", "/tmp"] {
            fs::create_dir_all(machine.at(place)).unwrap();
        }
        for step in &before {
            act(&machine, step);
        }
        let mut live = machine.agree();
        let touched: Vec<(usize, bool)> = after.iter().flat_map(|step| act(&machine, step)).collect();
        let looks: Vec<Look> = touched.iter().map(|(place, is_tree)| {
            Look { path: PLACES[*place].as_bytes().to_vec(), is_tree: *is_tree }
        }).collect();
        let looked = live.look(&looks).unwrap();
        let all = machine.everything();
        let covered = |path: &[u8]| looked.looked.iter().any(|look| {
            look.path == path || look.is_tree && is_at_or_below(path, &look.path)
        });
        let expected: Vec<Drift> = all.iter().filter(|drift| covered(&drift.path)).cloned().collect();
        prop_assert_eq!(told(&looked.drifts), told(&expected), "{:?}", looked_at(&looked));
        for (place, _) in touched {
            prop_assert!(covered(PLACES[place].as_bytes()) , "{} in {:?}", PLACES[place], looked_at(&looked));
        }
    }
}
