//! A root with packages, repositories for it, and both answers: dnf's and ours.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use guestward::host::Host;
use guestward::host::packages::{Metadata, Packages, Pending, PendingState, Updates};
use sha2::{Digest as _, Sha256};

use crate::support::binary::text;
use crate::support::rpm::{Root, Rpm, VAR, build};

#[derive(Debug)]
pub(super) struct World {
    pub(super) root: Root,
    /// The repositories as a server would have them, and a home that tells rpm where the database is.
    outside: tempfile::TempDir,
    pub(super) compression: &'static str,
    /// That of the databases for yum, where there are any.
    pub(super) database: &'static str,
}

impl World {
    pub(super) fn new(installed: &[Rpm]) -> Self {
        let world = Self {
            root: Root::knowing(VAR, installed),
            outside: tempfile::tempdir().unwrap(),
            compression: "gz",
            database: "",
        };
        fs::write(world.outside.path().join(".rpmmacros"), format!("%_dbpath {VAR}\n")).unwrap();
        world.write("etc/dnf/dnf.conf", "[main]\n");
        world.write("etc/dnf/vars/product", "x\n");
        world
    }

    pub(super) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(super) fn write(&self, path: &str, bytes: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(super) fn repo(&mut self, id: &str, packages: &[Rpm], notices: &[String]) {
        self.repo_at(id, id, id, packages, notices);
    }

    /// As [`World::repo`], in that directory and with that address.
    pub(super) fn repo_at(
        &mut self,
        id: &str,
        directory: &str,
        address: &str,
        packages: &[Rpm],
        notices: &[String],
    ) {
        let place = self.outside.path().join(directory);
        fs::create_dir_all(&place).unwrap();
        if !packages.is_empty() {
            build(packages, &place);
        }
        // The one is for everything, the other for all but the lists in XML, which are in gzip then.
        let form = match self.database {
            "" => ["--no-database", "--general-compress-type", self.compression],
            form => ["--database", "--compress-type", form],
        };
        run(Command::new("createrepo_c").arg("-q").args(form).arg(&place));
        if !notices.is_empty() {
            let text = format!("<?xml version=\"1.0\"?>\n<updates>{}</updates>\n", notices.concat());
            self.add(id, "updateinfo", &text);
        }
        let address = self.outside.path().join(address);
        let text =
            format!("[{id}]\nname={id}\nbaseurl=file://{}/\nenabled=1\ngpgcheck=0\n", address.display());
        self.write(&format!("etc/yum.repos.d/{id}.repo"), &text);
    }

    /// The metadata as the repository has it.
    pub(super) fn repodata(&self, id: &str) -> PathBuf {
        self.outside.path().join(id).join("repodata")
    }

    /// Adds metadata to a repository.
    pub(super) fn add(&self, id: &str, kind: &str, bytes: &str) {
        let name = if kind == "modules" { "modules.yaml".to_owned() } else { format!("{kind}.xml") };
        let file = self.outside.path().join(format!("{id}-{name}"));
        fs::write(&file, bytes).unwrap();
        let repodata = self.repodata(id);
        let form = ["--compress-type", self.compression];
        run(Command::new("modifyrepo_c").args(["--mdtype", kind]).args(form).args([&file, &repodata]));
    }

    /// More lines of a repository's configuration.
    pub(super) fn configure(&self, id: &str, lines: &str) {
        let file = self.path().join(format!("etc/yum.repos.d/{id}.repo"));
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, format!("{text}{lines}\n")).unwrap();
    }

    pub(super) fn make_cache(&self) {
        run(self.command().args(["-q", "makecache"]));
    }

    fn command(&self) -> Command {
        let mut command = Command::new("dnf");
        command.arg(format!("--installroot={}", self.path().display()));
        command.env("HOME", self.outside.path()).env("LC_ALL", "C").env("COLUMNS", "500");
        command
    }

    /// What dnf says from its cache; that there are updates is an exit code of its own.
    pub(super) fn dnf(&self, arguments: &[&str]) -> String {
        let output = self.command().args(["-q", "-C"]).args(arguments).output().unwrap();
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 100)), "{arguments:?} {code:?} {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Names, architectures and candidates of dnf's updates.
    pub(super) fn dnf_updates(&self) -> BTreeSet<String> {
        let told = self.dnf(&["check-update"]);
        let lines = told.lines().take_while(|line| !line.starts_with("Obsoleting"));
        lines
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                Some(format!("{} {}", words.next()?, words.next()?))
            })
            .collect()
    }

    /// Ids, names and architectures of dnf's notices.
    pub(super) fn dnf_notices(&self) -> BTreeSet<String> {
        let told = self.dnf(&["updateinfo", "list"]);
        let notice = |line: &str| {
            let mut words = line.split_whitespace();
            let (id, full) = (words.next()?, words.nth(1)?);
            let (rest, architecture) = full.rsplit_once('.')?;
            let name = rest.rsplit_once('-')?.0.rsplit_once('-')?.0;
            Some(format!("{id} {name}.{architecture}"))
        };
        told.lines().filter_map(notice).collect()
    }

    pub(super) fn packages(&self) -> Packages {
        Packages::of(&Host::at(self.path()).unwrap())
    }

    pub(super) fn updates(&self) -> Updates {
        self.packages().updates.unwrap()
    }

    pub(super) fn metadata(&self) -> Metadata {
        self.packages().metadata
    }

    pub(super) fn ours(&self) -> Vec<Pending> {
        let packages = self.packages();
        let updates = packages.updates.unwrap();
        assert!(updates.unsure.is_empty(), "{:?}", updates.unsure);
        assert!(packages.metadata.missing.is_empty(), "{:?}", packages.metadata);
        assert_eq!(packages.metadata.refresh(), "dnf makecache");
        assert!(packages.metadata.checked.is_some() && packages.metadata.newest.is_some());
        updates.pending
    }

    /// Both name the same updates, and the same notices but for what is excluded: that, dnf does not tell.
    pub(super) fn agrees(&self) {
        let ours = self.ours();
        let updates = ours.iter().filter(|pending| pending.state == PendingState::Pending);
        let updates: BTreeSet<String> = updates
            .map(|pending| format!("{}.{} {}", pending.name, pending.architecture, pending.candidate))
            .collect();
        assert_eq!(updates, self.dnf_updates());
        let told = ours.iter().filter(|pending| pending.state != PendingState::Pinned);
        let notices: BTreeSet<String> = told
            .flat_map(|pending| {
                let key = format!("{}.{}", pending.name, pending.architecture);
                let beyond = pending.hidden_fix.as_deref().and_then(|fix| fix.split_whitespace().nth(2));
                let ids = pending.advisories.iter().map(|advisory| advisory.id.as_str()).chain(beyond);
                ids.map(move |id| format!("{id} {key}")).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(notices, self.dnf_notices());
    }

    /// Puts another file of that kind into the cache, and lists it as it is.
    pub(super) fn replace(&self, kind: &str, extension: &str, bytes: &[u8]) {
        let old = self.cached(kind);
        fs::remove_file(&old).unwrap();
        let name = format!("new-{kind}.xml{}{extension}", if extension.is_empty() { "" } else { "." });
        fs::write(old.parent().unwrap().join(&name), bytes).unwrap();
        let place = self.cached("repomd.xml");
        let text = fs::read_to_string(&place).unwrap();
        let (before, data) = text.split_once(&format!("<data type=\"{kind}\">")).unwrap();
        let (_, after) = data.split_once("</data>").unwrap();
        let sum: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let listed = format!(
            "<data type=\"{kind}\"><checksum type=\"sha256\">{sum}</checksum><location href=\"repodata/{name}\"/>\
             <timestamp>1700000000</timestamp><size>4294967295</size></data>"
        );
        fs::write(place, format!("{before}{listed}{after}")).unwrap();
    }

    /// That file, unpacked.
    pub(super) fn plain(&self, kind: &str) -> Vec<u8> {
        let path = self.cached(kind);
        let command = if path.extension().unwrap() == "xz" { "xz -d" } else { "gzip -d" };
        filter(command, &fs::read(path).unwrap())
    }

    /// The file of that kind in dnf's cache.
    pub(super) fn cached(&self, kind: &str) -> PathBuf {
        let found = walk(&self.path().join("var/cache/dnf"));
        let is_it = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().contains(kind);
        found.into_iter().find(|path| path.parent().unwrap().ends_with("repodata") && is_it(path)).unwrap()
    }
}

/// What a program makes of its input.
pub(crate) fn filter(command: &str, bytes: &[u8]) -> Vec<u8> {
    let mut words = command.split(' ');
    let mut command = Command::new(words.next().unwrap());
    let mut child =
        command.args(words).arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(bytes).unwrap());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        output.stdout
    })
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A notice as vendors write it, about packages by their full names.
pub(crate) fn notice(id: &str, kind: &str, severity: &str, packages: &[&str]) -> String {
    notice_for(id, kind, severity, "", packages)
}

/// As [`notice`], with a module's element in the collection.
pub(super) fn notice_for(id: &str, kind: &str, severity: &str, module: &str, packages: &[&str]) -> String {
    let package = |full: &&str| {
        let (rest, architecture) = full.rsplit_once('.').unwrap();
        let (rest, release) = rest.rsplit_once('-').unwrap();
        let (name, version) = rest.rsplit_once('-').unwrap();
        let (epoch, version) = version.split_once(':').unwrap_or(("0", version));
        format!(
            "<package name=\"{name}\" epoch=\"{epoch}\" version=\"{version}\" release=\"{release}\" arch=\"{architecture}\">\
             <filename>{full}.rpm</filename></package>"
        )
    };
    let packages: String = packages.iter().map(package).collect();
    format!(
        "<update from=\"x@example.org\" status=\"final\" type=\"{kind}\" version=\"1\"><id>{id}</id><title>{id} &amp; more</title>\
         <issued date=\"2026-03-01 10:00:00\"/><updated date=\"2026-03-02 10:00:00\"/><severity>{severity}</severity>\
         <references><reference href=\"https://example.org/\" id=\"CVE-2026-1\" type=\"cve\" title=\"x\"/></references>\
         <pkglist><collection short=\"c\"><name>c</name>{module}{packages}</collection></pkglist></update>"
    )
}

pub(super) fn run(command: &mut Command) {
    let output = command.env("LC_ALL", "C").output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
}
