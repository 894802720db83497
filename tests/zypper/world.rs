//! A root with packages, repositories for it, and both answers: zypper's and ours.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use guestward::host::Host;
use guestward::host::packages::advisory::Kind;
use guestward::host::packages::{Packages, Pending, PendingState};

use crate::support::binary::text;
use crate::support::rpm::{Root, Rpm, VAR, build};

#[derive(Debug)]
pub(super) struct World {
    pub(super) root: Root,
    /// The repositories as a server would have them, zypper's log, and a home that tells rpm where the database is.
    outside: tempfile::TempDir,
}

/// As SUSE delivers it.
pub(super) const SETTINGS: &str = "[main]\nmultiversion = provides:multiversion(kernel)\n";

impl World {
    pub(super) fn new(installed: &[Rpm]) -> Self {
        let world = Self { root: Root::knowing(VAR, installed), outside: tempfile::tempdir().unwrap() };
        fs::write(world.outside.path().join(".rpmmacros"), format!("%_dbpath {VAR}\n")).unwrap();
        world.write("etc/zypp/zypp.conf", SETTINGS);
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

    /// With more lines of its configuration.
    pub(super) fn repo(&self, id: &str, lines: &str, packages: &[Rpm], notices: &[String]) {
        let place = self.source(id);
        fs::create_dir_all(&place).unwrap();
        build(packages, &place);
        run(Command::new("createrepo_c").args(["-q", "--no-database"]).arg(&place));
        if !notices.is_empty() {
            let file = self.outside.path().join("updateinfo.xml");
            let text = format!("<?xml version=\"1.0\"?>\n<updates>{}</updates>\n", notices.concat());
            fs::write(&file, text).unwrap();
            run(Command::new("modifyrepo_c")
                .args(["--mdtype", "updateinfo"])
                .arg(file)
                .arg(place.join("repodata")));
        }
        let text = format!("[{id}]\nname={id}\nbaseurl=file://{}\ngpgcheck=0\n{lines}\n", place.display());
        self.write(&file(id), &text);
    }

    /// Where a repository is, as its server has it.
    pub(super) fn source(&self, id: &str) -> PathBuf {
        self.outside.path().join(plain(id))
    }

    pub(super) fn refresh(&self) {
        run(self.zypper().args(["--no-gpg-checks", "refresh"]));
    }

    pub(super) fn zypper(&self) -> Command {
        let mut command = Command::new("zypper");
        command.arg("--root").arg(self.path()).arg("--non-interactive");
        // With another root, zypper goes by the settings of this machine.
        command.env("ZYPP_CONF", self.path().join("etc/zypp/zypp.conf"));
        command.env("ZYPP_LOGFILE", self.outside.path().join("log"));
        command.env("HOME", self.outside.path()).env("LC_ALL", "C");
        command
    }

    fn asked(&self, question: &[&str]) -> String {
        text(&run(self.zypper().args(["--no-refresh", "--xmlout"]).args(question)).stdout)
    }

    /// Names, architectures and candidates of zypper's updates.
    pub(super) fn updates(&self) -> BTreeSet<String> {
        let told = self.asked(&["list-updates"]);
        let row = |update: &str| {
            format!("{}.{} {}", value(update, "name"), value(update, "arch"), value(update, "edition"))
        };
        told.split("<update ").skip(1).map(row).collect()
    }

    /// Ids of the notices that zypper calls security patches which are needed.
    pub(super) fn patches(&self) -> BTreeSet<String> {
        let told = self.asked(&["list-patches"]);
        let all = told.split("<update ").skip(1);
        all.filter(|patch| value(patch, "category") == "security").map(|patch| value(patch, "name")).collect()
    }

    /// What an update would remove, because something takes its place.
    pub(super) fn replaced(&self) -> Vec<String> {
        let told = self.asked(&["update", "--dry-run"]);
        let removed = told.split("<to-remove>").nth(1).and_then(|rest| rest.split("</to-remove>").next());
        removed.unwrap_or_default().split("<solvable ").skip(1).map(|row| value(row, "name")).collect()
    }

    pub(super) fn packages(&self) -> Packages {
        Packages::of(&Host::at(self.path()).unwrap())
    }

    pub(super) fn ours(&self) -> Vec<Pending> {
        let packages = self.packages();
        let updates = packages.updates.unwrap();
        assert!(updates.unsure.is_empty(), "{:?}", updates.unsure);
        assert!(packages.metadata.missing.is_empty(), "{:?}", packages.metadata);
        assert_eq!(packages.metadata.refresh(), "zypper refresh");
        assert!(packages.metadata.checked.is_some() && packages.metadata.newest.is_some());
        updates.pending
    }

    /// Both name the same updates and the same security notices; what is told to both, so.
    #[track_caller]
    pub(super) fn agrees(&self, about: &str) -> Vec<Pending> {
        let ours = self.ours();
        // What another package takes the place of, zypper does not list.
        let updates = ours.iter().filter(|pending| pending.state == PendingState::Pending);
        let updates: BTreeSet<String> = updates
            .filter(|pending| pending.reason.is_none())
            .map(|pending| format!("{} {}", pending.name, pending.candidate))
            .collect();
        let theirs = self.updates();
        let plain = |row: &String| {
            let (name, candidate) = row.split_once(' ').unwrap();
            format!("{} {candidate}", name.rsplit_once('.').unwrap().0)
        };
        assert_eq!(updates, theirs.iter().map(plain).collect(), "{about}");
        let ids: BTreeSet<String> = ours
            .iter()
            .flat_map(|pending| {
                let beyond = pending.hidden_fix.as_deref().and_then(|fix| fix.split_whitespace().nth(2));
                let own = pending.advisories.iter().filter(|advisory| advisory.kind == Kind::Security);
                own.map(|advisory| advisory.id.as_str()).chain(beyond).map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(ids, self.patches(), "{about}");
        ours
    }
}

/// Where a repository is configured.
pub(super) fn file(id: &str) -> String {
    format!("etc/zypp/repos.d/{}.repo", plain(id))
}

/// A name with nothing in it that has a meaning.
fn plain(id: &str) -> String {
    id.replace(['/', '$', '.'], "_")
}

pub(super) fn of<'a>(ours: &'a [Pending], name: &str) -> &'a Pending {
    ours.iter().find(|pending| pending.name == name).unwrap()
}

fn value(element: &str, attribute: &str) -> String {
    let (_, rest) = element.split_once(&format!("{attribute}=\"")).unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

fn run(command: &mut Command) -> std::process::Output {
    let output = command.env("LC_ALL", "C").output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    output
}
