//! yum 3.4 as Amazon Linux 2 has it: the same repositories as dnf's, but of the packages only the database, unpacked into
//! `gen/`. dnf judges what it says, as far as they are of one mind; where they are not, yum's own source does.

mod plugins;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use guestward::host::Host;
use guestward::host::packages::{Packages, Pending, PendingState};

use super::world::{World, filter, notice, run};
use crate::support::rpm::Rpm;

/// A root in Amazon Linux 2's layout, with what is installed in another one, and with its repositories.
struct Yum {
    root: tempfile::TempDir,
}

impl Yum {
    fn of(world: &World, repos: &[&str]) -> Self {
        let yum = Self { root: tempfile::tempdir().unwrap() };
        yum.write("etc/os-release", "NAME=\"Amazon Linux\"\nID=\"amzn\"\nVERSION_ID=\"2\"\n");
        yum.configure("");
        for path in ["var/lib/rpm", "etc/yum.repos.d"] {
            let place = yum.path(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            run(Command::new("cp").arg("-a").arg(world.path().join(path)).arg(place));
        }
        for repo in repos {
            yum.fetch(world, repo);
        }
        yum
    }

    /// What yum leaves of a repository.
    fn fetch(&self, world: &World, repo: &str) {
        let cache = self.cache(repo);
        fs::create_dir_all(cache.join("gen")).unwrap();
        fs::write(cache.join("cachecookie"), "").unwrap();
        for entry in fs::read_dir(world.repodata(repo)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if ["repomd.xml", "primary.sqlite", "updateinfo"].iter().any(|kind| name.contains(kind)) {
                fs::copy(&path, cache.join(name)).unwrap();
            }
        }
        assert_eq!(self.packed(repo).extension().unwrap(), world.database);
        fs::write(self.unpacked(repo), unpack(&self.packed(repo))).unwrap();
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn cache(&self, repo: &str) -> PathBuf {
        self.path("var/cache/yum/x86_64/2").join(repo)
    }

    fn unpacked(&self, repo: &str) -> PathBuf {
        self.cache(repo).join("gen/primary_db.sqlite")
    }

    fn packed(&self, repo: &str) -> PathBuf {
        let mut names = fs::read_dir(self.cache(repo)).unwrap().map(|entry| entry.unwrap().path());
        let is_it = |path: &PathBuf| path.to_str().unwrap().contains("-primary.sqlite.");
        names.find(is_it).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Amazon's own yum.conf, and more lines.
    fn configure(&self, more: &str) {
        let text = "[main]\ncachedir=/var/cache/yum/$basearch/$releasever\nkeepcache=0\nobsoletes=1\nplugins=1\n\
                    distroverpkg=system-release\n";
        self.write("etc/yum.conf", &format!("{text}{more}\n"));
    }

    /// The program of a plugin, and what enables it.
    fn plug(&self, name: &str, settings: &str) {
        self.write(&format!("usr/lib/yum-plugins/{name}.py"), "");
        self.write(&format!("etc/yum/pluginconf.d/{name}.conf"), &format!("[main]\n{settings}\n"));
    }

    fn packages(&self) -> Packages {
        Packages::of(&Host::at(self.root.path()).unwrap())
    }

    fn unsure(&self) -> Vec<String> {
        self.packages().updates.unwrap().unsure.iter().map(ToString::to_string).collect()
    }

    fn ours(&self) -> Vec<Pending> {
        let packages = self.packages();
        let updates = packages.updates.unwrap();
        assert!(updates.unsure.is_empty(), "{:?}", updates.unsure);
        assert!(packages.metadata.missing.is_empty(), "{:?}", packages.metadata);
        assert_eq!(packages.metadata.refresh(), "yum makecache");
        updates.pending
    }

    /// `name candidate`, where it would really come, and else the name alone.
    fn told(&self) -> Vec<String> {
        let told = |pending: &Pending| match pending.state {
            PendingState::Pending => format!("{} {}", pending.name, pending.candidate),
            _ => pending.name.clone(),
        };
        self.ours().iter().map(told).collect()
    }

    /// Nothing is believed of a list that cannot be, and the notice of an update says so.
    #[track_caller]
    fn is_unsure(&self, of: &str) {
        let updates = self.packages().updates.unwrap();
        let unsure: Vec<String> = updates.unsure.iter().map(ToString::to_string).collect();
        assert!(unsure.iter().any(|cause| cause.contains(of)), "{of}: {unsure:?} {updates:?}");
        let [pending] = &updates.pending[..] else { panic!("{:?}", updates.pending) };
        assert_eq!(pending.reason.as_deref(), Some("whether a repository has it could not be read"));
    }
}

fn unpack(path: &Path) -> Vec<u8> {
    let command = if path.extension().unwrap() == "gz" { "gzip -d" } else { "bzip2 -d" };
    filter(command, &fs::read(path).unwrap())
}

fn release() -> Rpm {
    Rpm::new("system-release", "2", "13.amzn2").line("Provides: system-release(releasever) = 2")
}

fn world(database: &'static str, installed: &[Rpm]) -> World {
    let mut world = World::new(&[installed, &[release()]].concat());
    world.database = database;
    world
}

/// With one package, an update of it, and a notice about that.
fn small(database: &'static str) -> World {
    let mut world = world(database, &[Rpm::new("a", "1.0", "1")]);
    let notices = [notice("A-1", "security", "Low", &["a-1.1-1.x86_64"])];
    world.repo("amzn2-core", &[Rpm::new("a", "1.1", "1")], &notices);
    world
}

#[test]
fn what_the_database_says_is_what_the_xml_and_dnf_say() {
    for form in ["gz", "bz2"] {
        let kernel =
            |version: &str| Rpm::new("kernel", version, "1").line("Provides: installonlypkg(kernel)");
        let installed = [
            Rpm::new("plain", "1.0", "1"),
            Rpm::new("epoch", "9.0", "1"),
            Rpm::new("older", "2.0", "1"),
            Rpm::new("tilde", "1.0~rc1", "1"),
            Rpm::new("any", "1.0", "1").noarch(),
            Rpm::new("old", "1", "1"),
            Rpm::new("newer", "3", "1"),
            Rpm::new("local", "1", "1"),
            kernel("4.14.1"),
            kernel("4.14.3"),
        ];
        let core = [
            Rpm::new("plain", "1.1", "1"),
            Rpm::new("plain", "1.10", "1"),
            Rpm::new("epoch", "1.0", "1").epoch(1),
            Rpm::new("older", "1.0", "1"),
            Rpm::new("tilde", "1.0", "1"),
            Rpm::new("any", "1.0", "2").noarch(),
            Rpm::new("other", "2", "1").line("Obsoletes: newer < 2"),
            Rpm::new("unknown", "1", "1"),
            kernel("4.14.2"),
            kernel("4.14.4"),
        ];
        let new = Rpm::new("new", "2", "1").line("Obsoletes: old < 2").line("Obsoletes: x");
        let notices = [
            notice("ALAS2-1", "security", "Critical", &["plain-1.1-1.x86_64", "kernel-4.14.4-1.x86_64"]),
            notice("ALAS2-2", "security", "Low", &["local-2-1.x86_64"]),
        ];
        let mut world = world(form, &installed);
        world.repo("amzn2-core", &core, &notices);
        world.repo("amzn2extra-docker", &[new, Rpm::new("plain", "1.9", "7")], &[]);
        world.make_cache();
        // What takes the place of another, dnf lists elsewhere.
        let theirs = world.dnf_updates();
        let yum = Yum::of(&world, &["amzn2-core", "amzn2extra-docker"]);
        let ours = yum.ours();
        assert_eq!(ours, world.ours(), "{form}");
        let updates =
            ours.iter().filter(|pending| pending.state == PendingState::Pending && pending.name != "old");
        let updates =
            updates.map(|pending| format!("{}.{} {}", pending.name, pending.architecture, pending.candidate));
        assert_eq!(updates.collect::<BTreeSet<_>>(), theirs);
        let told = yum.told();
        assert!(told.contains(&"old new-2-1".to_owned()) && told.contains(&"local".to_owned()), "{told:?}");
        assert_eq!((theirs.len(), ours.len()), (5, 7), "{ours:?}");
        let checked = yum.packages().metadata.checked.unwrap().as_second();
        let cookies = ["amzn2-core", "amzn2extra-docker"].map(|repo| yum.cache(repo).join("cachecookie"));
        assert_eq!(checked, cookies.iter().map(|path| fs::metadata(path).unwrap().mtime()).min().unwrap());
        for (main, expected) in [("exclude=plain*", "plain"), ("exclude=plain-1.10-*", "plain 1.9-7")] {
            yum.configure(main);
            assert!(yum.told().contains(&expected.to_owned()), "{main}: {:?}", yum.told());
        }
        yum.configure("");
        // What dnf does not know either is not known.
        fs::remove_dir_all(yum.cache("amzn2extra-docker")).unwrap();
        let missing = yum.packages().metadata.missing;
        assert!(missing[0].starts_with("nothing is cached of amzn2extra-docker"), "{missing:?}");
    }
}

#[test]
fn the_packed_database_stands_in_where_it_is_understood() {
    let world = small("gz");
    let yum = Yum::of(&world, &["amzn2-core"]);
    let good = fs::read(yum.unpacked("amzn2-core")).unwrap();
    assert_eq!(yum.told(), ["a 1.1-1"]);
    for bad in [good[..good.len() / 2].to_vec(), vec![0; good.len()], Vec::new()] {
        fs::write(yum.unpacked("amzn2-core"), bad).unwrap();
        assert_eq!(yum.told(), ["a 1.1-1"]);
    }
    fs::remove_file(yum.unpacked("amzn2-core")).unwrap();
    assert_eq!(yum.told(), ["a 1.1-1"]);
    // Where yum had it before there was `gen/`.
    let packed = yum.packed("amzn2-core");
    fs::write(packed.with_extension(""), good).unwrap();
    fs::remove_file(&packed).unwrap();
    assert_eq!(yum.told(), ["a 1.1-1"]);
    fs::remove_file(packed.with_extension("")).unwrap();
    yum.is_unsure("the file of the kind primary_db that repomd.xml lists is not there");
    // It unpacks to far more than is held.
    let bomb = filter("gzip", &vec![0; 80 << 20]);
    fs::write(packed, bomb).unwrap();
    yum.is_unsure("primary.sqlite.gz");
}

#[test]
fn what_is_not_the_listed_database_is_not_believed() {
    let world = small("bz2");
    let yum = Yum::of(&world, &["amzn2-core"]);
    let (path, contents) = (yum.unpacked("amzn2-core"), yum.cache("amzn2-core").join("repomd.xml"));
    let good = fs::read(&path).unwrap();
    assert_eq!(yum.told(), ["a 1.1-1"]);
    let mut random = 7_u64;
    for _ in 0..2000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut bad = good.clone();
        let at = usize::try_from(random >> 33).unwrap() % bad.len();
        bad[at] ^= u8::try_from(random >> 56).unwrap() | 1;
        fs::write(&path, bad).unwrap();
        yum.is_unsure("its sha256 is not the one that repomd.xml lists");
    }
    for bad in [good[..good.len() / 2].to_vec(), Vec::new()] {
        fs::write(&path, bad).unwrap();
        yum.is_unsure("its sha256 is not the one that repomd.xml lists");
    }
    fs::write(&path, &good).unwrap();
    let text = fs::read_to_string(&contents).unwrap();
    for (from, to, of) in [
        (">10</database_version>", ">11</database_version>", "another version than yum's"),
        ("open-checksum", "other-checksum", "its checksum is not listed"),
        ("<open-checksum type=\"sha256\"", "<open-checksum type=\"md5\"", "of the kind md5"),
        ("\"primary\"", "\"secondary\"", ""),
        ("\"primary_db\"", "\"secondary_db\"", "the kind primary that repomd.xml lists is not there"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        fs::write(&contents, changed).unwrap();
        if of.is_empty() { assert_eq!(yum.told(), ["a 1.1-1"]) } else { yum.is_unsure(of) }
    }
    fs::write(&contents, text).unwrap();
    fs::remove_file(path).unwrap();
    yum.is_unsure("this compression is not understood");
}

#[test]
fn notices_that_yum_unpacked_are_read() {
    let world = small("gz");
    let yum = Yum::of(&world, &["amzn2-core"]);
    let cache = yum.cache("amzn2-core");
    let place = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
    let place = place.into_iter().find(|path| path.to_str().unwrap().contains("updateinfo")).unwrap();
    assert!(yum.ours()[0].is_security);
    fs::write(cache.join("gen/updateinfo.xml"), unpack(&place)).unwrap();
    let contents = fs::read_to_string(cache.join("repomd.xml")).unwrap();
    fs::write(cache.join("repomd.xml"), contents.replace("updateinfo.xml.gz", "updateinfo.xml.bz2")).unwrap();
    assert!(yum.ours()[0].is_security);
    fs::write(cache.join("gen/updateinfo.xml"), "<updates></updates>").unwrap();
    assert!(yum.unsure()[0].contains("its sha256 is not the one"), "{:?}", yum.unsure());
}

#[test]
fn the_cache_is_where_yum_conf_says() {
    let world = small("gz");
    let yum = Yum::of(&world, &["amzn2-core"]);
    yum.write("etc/yum/vars/awsregion", "eu-west-1\n");
    yum.configure("cachedir=/srv/$awsregion/$basearch/$releasever");
    fs::create_dir_all(yum.path("srv/eu-west-1/x86_64")).unwrap();
    fs::rename(yum.path("var/cache/yum/x86_64/2"), yum.path("srv/eu-west-1/x86_64/2")).unwrap();
    assert_eq!(yum.told(), ["a 1.1-1"]);
}
