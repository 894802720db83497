//! rpm's own packages and databases: small packages from the real rpmbuild, and roots in which the real rpm installed them.
//!
//! Debian's rpm keeps its database in the caller's home and knows other macros than the systems that live by rpm, so that
//! everything is said on the command line.

pub(crate) mod forms;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::binary::text;

/// One package to build.
#[derive(Debug, Clone)]
pub(crate) struct Rpm {
    pub(crate) name: String,
    pub(crate) epoch: Option<u32>,
    pub(crate) version: String,
    pub(crate) release: String,
    /// `noarch` or `x86_64`.
    pub(crate) architecture: String,
    /// The source package's name, where it has another one.
    pub(crate) source: Option<String>,
    pub(crate) vendor: String,
    pub(crate) module: Option<String>,
    pub(crate) entries: Vec<Entry>,
    /// Whole lines of the package's part of the specification: `Requires: x >= 1`, `Provides: kernel`.
    pub(crate) lines: Vec<String>,
    /// Whole sections: `%post -n name`, and its lines.
    pub(crate) sections: Vec<String>,
}

/// Something that a package brings.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Absolute.
    pub(crate) path: String,
    pub(crate) what: What,
    pub(crate) mode: u32,
    pub(crate) owner: String,
    pub(crate) group: String,
    /// What goes before the path: `%config(noreplace)`, `%ghost`, `%doc`.
    pub(crate) flags: String,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    File(Vec<u8>),
    Directory,
    Link(String),
}

impl Rpm {
    /// Of `version-release` as Amazon would build it, empty.
    pub(crate) fn new(name: &str, version: &str, release: &str) -> Self {
        Self {
            name: name.to_owned(),
            epoch: None,
            version: version.to_owned(),
            release: release.to_owned(),
            architecture: "x86_64".to_owned(),
            source: None,
            vendor: "Amazon Linux".to_owned(),
            module: None,
            entries: Vec::new(),
            lines: Vec::new(),
            sections: Vec::new(),
        }
    }

    pub(crate) fn epoch(mut self, epoch: u32) -> Self {
        self.epoch = Some(epoch);
        self
    }

    pub(crate) fn noarch(mut self) -> Self {
        self.architecture = "noarch".to_owned();
        self
    }

    pub(crate) fn source(mut self, name: &str) -> Self {
        self.source = Some(name.to_owned());
        self
    }

    pub(crate) fn vendor(mut self, vendor: &str) -> Self {
        self.vendor = vendor.to_owned();
        self
    }

    pub(crate) fn module(mut self, label: &str) -> Self {
        self.module = Some(label.to_owned());
        self
    }

    /// A line such as `Provides: kernel-uname-r = 1`.
    pub(crate) fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    pub(crate) fn section(mut self, text: &str) -> Self {
        self.sections.push(text.to_owned());
        self
    }

    pub(crate) fn file(self, path: &str, text: &str, mode: u32) -> Self {
        self.entry(path, What::File(text.into()), mode, "")
    }

    pub(crate) fn config(self, path: &str, text: &str) -> Self {
        self.entry(path, What::File(text.into()), 0o644, "%config(noreplace)")
    }

    pub(crate) fn directory(self, path: &str, mode: u32) -> Self {
        self.entry(path, What::Directory, mode, "%dir")
    }

    pub(crate) fn link(self, path: &str, target: &str) -> Self {
        self.entry(path, What::Link(target.to_owned()), 0o777, "")
    }

    pub(crate) fn entry(mut self, path: &str, what: What, mode: u32, flags: &str) -> Self {
        let (owner, group) = ("root".to_owned(), "root".to_owned());
        self.entries.push(Entry { path: path.to_owned(), what, mode, owner, group, flags: flags.to_owned() });
        self
    }

    /// As `rpm -qa` names it.
    pub(crate) fn nevra(&self) -> String {
        format!("{}-{}-{}.{}", self.name, self.version, self.release, self.architecture)
    }

    fn specification(&self, payload: &Path) -> String {
        let source = self.source.clone().unwrap_or_else(|| format!("{}-src", self.name));
        let mut text = format!("Name: {source}\nVersion: {}\nRelease: {}\n", self.version, self.release);
        let mut say = |line: String| text.push_str(&(line + "\n"));
        if let Some(epoch) = self.epoch {
            say(format!("Epoch: {epoch}"));
        }
        if self.architecture == "noarch" {
            say("BuildArch: noarch".to_owned());
        }
        say(format!("Summary: x\nLicense: MIT\nVendor: {}\n%description\nx", self.vendor));
        // The main package is not built, for it lists no files: so that the source has a name of its own.
        say(format!("%package -n {}\nSummary: x\nAutoReqProv: no", self.name));
        if let Some(label) = &self.module {
            say(format!("ModularityLabel: {label}"));
        }
        self.lines.iter().for_each(|line| say(line.clone()));
        say(format!("%description -n {}\nx\n%install\nmkdir -p %{{buildroot}}", self.name));
        say(format!("cp -a '{}/.' %{{buildroot}}/", payload.display()));
        self.sections.iter().for_each(|section| say(section.clone()));
        say(format!("%files -n {}", self.name));
        for Entry { path, what, mode, owner, group, flags } in &self.entries {
            let mode = if matches!(what, What::Link(_)) { "-".to_owned() } else { format!("{mode:04o}") };
            say(format!("%attr({mode},{owner},{group}) {flags} \"{path}\""));
        }
        text
    }

    fn lay_out(&self, payload: &Path) {
        fs::create_dir_all(payload).unwrap();
        for entry in &self.entries {
            let place = payload.join(entry.path.trim_start_matches('/'));
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            match &entry.what {
                What::File(bytes) => fs::write(&place, bytes).unwrap(),
                What::Directory => fs::create_dir_all(&place).unwrap(),
                What::Link(target) => symlink(target, &place).unwrap(),
            }
        }
    }
}

/// Builds them in one run of rpmbuild, into a directory; the files, in the order of the packages.
pub(crate) fn build(packages: &[Rpm], into: &Path) -> Vec<PathBuf> {
    let work = tempfile::tempdir().unwrap();
    let mut specifications = Vec::new();
    for (number, package) in packages.iter().enumerate() {
        let payload = work.path().join(format!("payload{number}"));
        package.lay_out(&payload);
        let place = work.path().join(format!("{number}.spec"));
        fs::write(&place, package.specification(&payload)).unwrap();
        specifications.push(place);
    }
    let define = |name: &str, value: &str| ["--define".to_owned(), format!("{name} {value}")];
    let here = |name: &str| work.path().join(name).to_str().unwrap().to_owned();
    let mut command = Command::new("rpmbuild");
    command.args(["-bb", "--quiet", "--target", "x86_64"]);
    command.args(define("_topdir", &here("top"))).args(define("_dbpath", &here("none")));
    command.args(define("_rpmdir", into.to_str().unwrap()));
    command.args(define("_build_name_fmt", "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"));
    // Nothing is stripped, compressed or linked to: what is built is what is laid out.
    command.args(define("__os_install_post", "%{nil}")).args(define("debug_package", "%{nil}"));
    command.args(define("_build_id_links", "none"));
    run(command.args(specifications));
    packages.iter().map(|package| into.join(format!("{}.rpm", package.nevra()))).collect()
}

/// A root directory with rpm's database.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) directory: tempfile::TempDir,
    /// Where the database is, beneath the root.
    pub(crate) database: &'static str,
}

/// Amazon Linux 2023 and RHEL 9 have it there.
pub(crate) const VAR: &str = "/var/lib/rpm";
/// Fedora and SUSE; `/var/lib/rpm` is a link to it.
pub(crate) const SYSIMAGE: &str = "/usr/lib/sysimage/rpm";

impl Root {
    /// With an empty database in SQLite.
    pub(crate) fn new(database: &'static str) -> Self {
        let root = Self { directory: tempfile::tempdir().unwrap(), database };
        fs::create_dir_all(root.path().join(&database[1..])).unwrap();
        run(root.rpm().arg("--initdb"));
        root
    }

    /// With those packages really installed.
    pub(crate) fn with(database: &'static str, packages: &[Rpm]) -> Self {
        let root = Self::new(database);
        root.install(packages);
        root
    }

    /// With those packages in the database, and nothing else: much faster where many have files.
    pub(crate) fn knowing(database: &'static str, packages: &[Rpm]) -> Self {
        let root = Self::new(database);
        root.change(&["-i", "--justdb"], packages);
        root
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The directory of the database, as this machine calls it.
    pub(crate) fn place(&self) -> PathBuf {
        self.path().join(&self.database[1..])
    }

    pub(crate) fn install(&self, packages: &[Rpm]) {
        self.change(&["-i"], packages);
    }

    pub(crate) fn upgrade(&self, packages: &[Rpm]) {
        self.change(&["-U"], packages);
    }

    pub(crate) fn erase(&self, names: &[&str]) {
        run(self.rpm().args(["-e", "--nodeps", "--noscripts", "--notriggers"]).args(names));
    }

    /// `how` is rpm's option, or several.
    pub(crate) fn change(&self, how: &[&str], packages: &[Rpm]) {
        let built = tempfile::tempdir().unwrap();
        let files = build(packages, built.path());
        self.change_to(how, &files);
    }

    /// With packages that are built already.
    pub(crate) fn change_to(&self, how: &[&str], files: &[PathBuf]) {
        // Nothing of the packages runs, and a machine of another kind can hold them as well.
        let plain = ["--nodeps", "--noscripts", "--notriggers", "--noplugins", "--ignorearch", "--ignoreos"];
        run(self.rpm().args(how).args(plain).args(files));
    }

    /// `rpm --root`, told where its database is.
    pub(crate) fn rpm(&self) -> Command {
        rpm(self.path(), self.database, "sqlite")
    }

    /// What rpm says of every package, the keys as well, sorted.
    pub(crate) fn query(&self, format: &str) -> Vec<String> {
        sorted(&run(self.rpm().args(["-qa", "--qf", &format!("{format}\n")])))
    }
}

/// rpm on a root, with the database there in that form.
pub(crate) fn rpm(root: &Path, database: &str, form: &str) -> Command {
    let mut command = Command::new("rpm");
    command.arg("--root").arg(root).args(["--dbpath", database]);
    command.args(["--define", &format!("_db_backend {form}")]).env("LC_ALL", "C");
    command
}

pub(crate) fn sorted(output: &Output) -> Vec<String> {
    let mut lines: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

fn run(command: &mut Command) -> Output {
    let output = command.env("LC_ALL", "C").output().expect("rpm is installed");
    let mut told = String::new();
    write!(told, "{command:?}\n{}", String::from_utf8_lossy(&output.stderr)).unwrap();
    assert!(output.status.success(), "{told}");
    output
}

/// Every path below, with its size and when it was written last, but for what readers of rpm's database touch.
pub(crate) fn tree(root: &Path) -> String {
    let output = Command::new("find")
        .arg(root)
        .args(["-path", "*/var/lib/rpm", "-prune", "-o", "-printf", "%p %s %T@\n"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}
