//! A machine with an archive of its own: packages that dpkg-deb built, lists that apt-ftparchive made.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

/// Builds a package with dpkg-deb; `sums` are what it says of its files, whatever those have.
pub(super) fn build(
    folder: &Path,
    name: &str,
    version: &str,
    architecture: &str,
    form: &str,
    sums: Option<&str>,
) -> PathBuf {
    let tree = tempfile::tempdir().unwrap();
    let control = tree.path().join("DEBIAN");
    fs::create_dir(&control).unwrap();
    fs::write(
        control.join("control"),
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: A <a@example.com>\n\
             Description: a probe\n"
        ),
    )
    .unwrap();
    if let Some(sums) = sums {
        fs::write(control.join("md5sums"), sums).unwrap();
    }
    fs::create_dir_all(tree.path().join("usr/bin")).unwrap();
    fs::write(tree.path().join("usr/bin").join(name), name).unwrap();
    run(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(tree.path()));
    let file = folder.join(format!("{name}_{}_{architecture}.deb", version.replace(':', "%3a")));
    let arguments = ["--root-owner-group", "--uniform-compression", &format!("-Z{form}"), "--build"];
    run(Command::new("dpkg-deb").args(arguments).arg(tree.path()).arg(&file));
    file
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    /// `dash` and `libc6` are installed and at hand; `libc6` may be there for several architectures.
    fn new() -> Self {
        let machine = Self { root: tempfile::tempdir().unwrap() };
        for folder in [ARCHIVES, LISTS, INFO, DIST] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        build(&machine.path(ARCHIVES), "dash", "1:0.5-2", "amd64", "xz", Some(SUMS));
        build(&machine.path(ARCHIVES), "libc6", "2.36-9", "amd64", "zstd", Some(SUMS));
        machine.write("var/lib/dpkg/info/dash.md5sums", SUMS);
        machine.write("var/lib/dpkg/info/libc6:amd64.md5sums", SUMS);
        machine.status("installed");
        machine.publish();
        machine
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), bytes).unwrap();
    }

    fn status(&self, state: &str) {
        let stanza = |name: &str, version: &str| {
            format!(
                "Package: {name}\nStatus: install ok {state}\nArchitecture: amd64\nVersion: {version}\n\n"
            )
        };
        let text = stanza("dash", "1:0.5-2") + &stanza("libc6", "2.36-9");
        self.write("var/lib/dpkg/status", text);
    }

    /// Makes the lists of what is at hand.
    fn publish(&self) {
        let list =
            run(Command::new("apt-ftparchive").arg("packages").arg(".").current_dir(self.path(ARCHIVES)));
        self.write(&format!("{DIST}/main/binary-amd64/Packages"), &list);
        self.write(&format!("{LISTS}/{LIST}"), &list);
        let head = run(Command::new("apt-ftparchive").arg("release").arg(".").current_dir(self.path(DIST)));
        self.write(&format!("{LISTS}/{HEAD}"), head);
    }

    fn ask(&self, packages: &[(&str, &str)]) -> Vec<Vouched> {
        let packages: Vec<_> =
            packages.iter().map(|(key, version)| (key.to_string(), version.to_string())).collect();
        vouched(&Host::at(self.root.path()).unwrap(), &packages)
    }

    fn dash(&self) -> Vouched {
        self.ask(&[("dash:amd64", "1:0.5-2")]).remove(0)
    }

    #[track_caller]
    fn does_not_know(&self, why: &str) {
        let verdict = self.dash();
        assert!(verdict.reason().is_some_and(|reason| reason.contains(why)), "{verdict:?}, not {why}");
    }

    fn change(&self, path: &str, change: impl FnOnce(String) -> String) {
        let text = fs::read_to_string(self.path(path)).unwrap();
        self.write(path, change(text));
    }
}

#[test]
fn an_archive_vouches_for_a_record_that_is_its_own() {
    let machine = Machine::new();
    let packages =
        [("libc6:amd64", "2.36-9"), ("none:all", "1"), ("dash:amd64", "1:0.5-2"), ("dash:amd64", "9")];
    let expected = [Vouched::Index, Vouched::Absent, Vouched::Index, Vouched::Absent];
    assert_eq!(machine.ask(&packages), expected);
    assert_eq!(machine.ask(&[]), []);
}

#[test]
fn a_package_that_somebody_fetched_by_hand_is_at_hand_too() {
    for name in ["dash_1:0.5-2_amd64.deb", "dash_0.5-2_amd64.deb"] {
        let machine = Machine::new();
        fs::rename(
            machine.path(ARCHIVES).join("dash_1%3a0.5-2_amd64.deb"),
            machine.path(ARCHIVES).join(name),
        )
        .unwrap();
        assert_eq!(machine.dash(), Vouched::Index, "{name}");
    }
}

#[test]
fn apt_may_keep_its_packages_elsewhere_and_its_lists_compressed() {
    let machine = Machine::new();
    fs::create_dir(machine.path("srv")).unwrap();
    fs::rename(machine.path(ARCHIVES), machine.path("srv/debs")).unwrap();
    assert_eq!(machine.dash(), Vouched::Absent);
    machine.write("etc/apt/apt.conf", "Dir::Cache \"/srv\"; Dir::Cache::archives \"debs/\";\n");
    assert_eq!(machine.dash(), Vouched::Index);
    let list = machine.path(LISTS).join(LIST);
    for (program, extension) in [("gzip", "gz"), ("xz", "xz"), ("zstd", "zst")] {
        let packed = run(Command::new(program).arg("-c").arg(&list));
        let packed_list = machine.path(LISTS).join(format!("{LIST}.{extension}"));
        fs::write(&packed_list, packed).unwrap();
        fs::rename(&list, machine.path("kept")).unwrap();
        assert_eq!(machine.dash(), Vouched::Index, "{extension}");
        fs::remove_file(packed_list).unwrap();
        fs::rename(machine.path("kept"), &list).unwrap();
    }
    machine.write("etc/apt/apt.conf", "Dir::State::lists \"/elsewhere\";\n");
    machine.does_not_know("apt's files are not where they usually are");
}

#[test]
fn a_record_that_says_something_else_differs() {
    let record = "var/lib/dpkg/info/dash.md5sums";
    let machine = Machine::new();
    machine.change(record, |sums| sums.replace("00", "11"));
    assert_eq!(machine.dash(), Vouched::Differs);
    machine.write(record, SUMS.repeat(400_000));
    assert_eq!(machine.dash(), Vouched::Differs, "it is larger than any");
    fs::remove_file(machine.path(record)).unwrap();
    assert_eq!(machine.dash(), Vouched::Differs, "it is gone");
    // The one that `recorded.rs` would read.
    machine.write(record, SUMS);
    machine.write("var/lib/dpkg/info/dash:amd64.md5sums", "");
    assert_eq!(machine.dash(), Vouched::Differs);
}

#[test]
fn while_dpkg_is_at_work_nothing_is_said_to_differ() {
    let machine = Machine::new();
    machine.write("var/lib/dpkg/info/dash.md5sums", "");
    machine.status("half-installed");
    machine.does_not_know("at work");
    machine.status("unpacked");
    assert_eq!(machine.dash(), Vouched::Differs);
    machine.change("var/lib/dpkg/status", |status| status.replace("0.5-2", "0.5-3"));
    machine.does_not_know("at work");
}

#[test]
fn a_package_that_no_list_has_is_not_vouched_for() {
    let machine = Machine::new();
    let file = machine.path(ARCHIVES).join("dash_1%3a0.5-2_amd64.deb");
    let whole = fs::read(&file).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&file, &changed).unwrap();
    assert_eq!(machine.dash(), Vouched::Unlisted, "another content of the same size");
    fs::write(&file, [whole, b"\n".to_vec()].concat()).unwrap();
    assert_eq!(machine.dash(), Vouched::Unlisted, "another size");
    fs::remove_dir_all(machine.path(LISTS)).unwrap();
    assert_eq!(machine.dash(), Vouched::Unlisted, "no list at all");
}

#[test]
fn another_package_of_the_archive_does_not_stand_in() {
    let machine = Machine::new();
    let archives = machine.path(ARCHIVES);
    fs::copy(archives.join("libc6_2.36-9_amd64.deb"), archives.join("dash_1%3a0.5-2_amd64.deb")).unwrap();
    assert_eq!(machine.dash(), Vouched::Unlisted);
}

#[test]
fn a_list_that_its_head_does_not_name_proves_nothing() {
    let (list, head) = (format!("{LISTS}/{LIST}"), format!("{LISTS}/{HEAD}"));
    let machine = Machine::new();
    machine.change(&list, |text| text + "\n");
    machine
        .does_not_know("it is not what /var/lib/apt/lists/deb.example_debian_dists_stable_InRelease names");
    machine.publish();
    assert_eq!(machine.dash(), Vouched::Index);
    machine.change(&head, |text| text.replace("main/binary-amd64/Packages", "main/binary-i386/Packages"));
    machine.does_not_know("has no digest of it");
    fs::remove_file(machine.path(&head)).unwrap();
    machine.does_not_know("no InRelease");
    // A second list that says the same and is named.
    fs::remove_file(machine.path(&list)).unwrap();
    machine.publish();
    fs::copy(machine.path(&list), machine.path(LISTS).join("other.example_Packages")).unwrap();
    assert_eq!(machine.dash(), Vouched::Index);
}

#[test]
fn a_list_that_cannot_be_read_may_have_had_the_package() {
    let machine = Machine::new();
    let damaged = format!("{LISTS}/a.example_Packages.gz");
    machine.write(&damaged, "junk");
    assert_eq!(machine.dash(), Vouched::Index, "another list has it");
    machine.write(&format!("{LISTS}/{LIST}"), "");
    machine.does_not_know("a.example_Packages.gz");
}

#[test]
fn a_package_without_md5sums_is_not_compared() {
    let machine = Machine::new();
    build(&machine.path(ARCHIVES), "dash", "1:0.5-2", "amd64", "gzip", None);
    machine.publish();
    machine.does_not_know("without md5sums");
}

#[test]
fn what_is_no_file_is_no_trap_and_a_link_does_not_lead_out() {
    let machine = Machine::new();
    let file = machine.path(ARCHIVES).join("dash_1%3a0.5-2_amd64.deb");
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::copy(&file, outside.path()).unwrap();
    fs::remove_file(&file).unwrap();
    symlink(outside.path(), &file).unwrap();
    assert_eq!(machine.dash(), Vouched::Absent);
    fs::remove_file(&file).unwrap();
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    machine.does_not_know("a FIFO");
}

#[test]
fn what_is_no_name_of_a_package_is_asked_of_nobody() {
    let machine = Machine::new();
    let packages = [("../../dash:amd64", "1"), ("dash", "1"), ("dash:amd64", "a/b"), ("dash:amd64", "")];
    for verdict in machine.ask(&packages) {
        assert_eq!(verdict.name(), "unknown", "{verdict:?}");
    }
    let many = vec![("none:all", "1"); MAX_PACKAGES + 1];
    let verdicts = machine.ask(&many);
    assert_eq!(verdicts[MAX_PACKAGES - 1], Vouched::Absent);
    assert!(verdicts[MAX_PACKAGES].reason().unwrap().contains("at once"));
    assert_eq!(verdicts.len(), many.len());
}

const SUMS: &str = "00000000000000000000000000000000  usr/bin/probe\n";
const ARCHIVES: &str = "var/cache/apt/archives";
const LISTS: &str = "var/lib/apt/lists";
const INFO: &str = "var/lib/dpkg/info";
const DIST: &str = "published/dists/stable";
const LIST: &str = "deb.example_debian_dists_stable_main_binary-amd64_Packages";
const HEAD: &str = "deb.example_debian_dists_stable_InRelease";
