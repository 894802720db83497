//! No cache, and one that is broken.

use std::fs;

use super::world::World;
use crate::dnf::world::notice;
use crate::support::rpm::Rpm;

fn world() -> World {
    let world = World::new(&[Rpm::new("a", "1.0", "1")]);
    let notices = [notice("S-1", "security", "low", &["a-1.1-1.x86_64"])];
    world.repo("base", "", &[Rpm::new("a", "1.1", "1")], &notices);
    world
}

#[test]
fn without_a_cache_nothing_is_known() {
    let world = world();
    assert_eq!(
        world.packages().metadata.missing,
        ["nothing is cached of base (/etc/zypp/repos.d/base.repo:1)"]
    );
    world.refresh();
    assert_eq!(world.agrees("").len(), 1);
    fs::remove_dir_all(world.path().join("var/cache/zypp/raw/base")).unwrap();
    let packages = world.packages();
    assert!(packages.metadata.missing[0].starts_with("nothing is cached of base"));
    assert!(packages.updates.unwrap().pending.is_empty());
    let world = World::new(&[Rpm::new("a", "1.0", "1")]);
    assert_eq!(world.packages().metadata.missing, ["no repository is enabled"]);
}

#[test]
fn a_broken_cache_leaves_it_open() {
    let world = world();
    world.refresh();
    let directory = world.path().join("var/cache/zypp/raw/base/repodata");
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        let good = fs::read(&path).unwrap();
        for bad in [good[..good.len() / 2].to_vec(), vec![0; good.len()], Vec::new()] {
            // It may be one file with the repository's own.
            fs::remove_file(&path).unwrap();
            fs::write(&path, bad).unwrap();
            let unsure = world.packages().updates.unwrap().unsure;
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(unsure.iter().any(|cause| cause.to_string().contains(name)), "{name}: {unsure:?}");
        }
        fs::write(&path, good).unwrap();
    }
    assert_eq!(world.agrees("").len(), 1);
}
