//! Metadata that is broken, or that somebody made to break its reader.

use std::fs;

use super::world::{World, filter, notice};
use crate::support::rpm::Rpm;

fn world() -> World {
    let mut world = World::new(&[Rpm::new("a", "1.0", "1")]);
    let notices = [notice("A-1", "security", "Low", &["a-1.1-1.x86_64"])];
    world.repo("base", &[Rpm::new("a", "1.1", "1")], &notices);
    world.make_cache();
    world
}

/// Something is told to be unsure, and it is about that.
#[track_caller]
fn is_unsure(world: &World, of: &str) {
    let packages = world.packages();
    let unsure: Vec<String> = packages.updates.unwrap().unsure.iter().map(ToString::to_string).collect();
    assert!(unsure.iter().any(|cause| cause.contains(of)), "{of}: {unsure:?}");
}

#[test]
fn a_file_that_is_not_the_listed_one_is_not_believed() {
    for kind in ["primary", "updateinfo"] {
        let world = world();
        let path = world.cached(kind);
        let good = fs::read(&path).unwrap();
        let other = String::from_utf8(world.plain(kind)).unwrap().replace("1.1", "1.2");
        fs::write(&path, filter("gzip", other.as_bytes())).unwrap();
        is_unsure(&world, "its sha256 is not the one that repomd.xml lists");
        let pending = world.updates().pending;
        assert!(pending.iter().all(|pending| pending.candidate == "1.1-1"), "{pending:?}");
        for bad in [good[..good.len() / 2].to_vec(), vec![0; good.len()], Vec::new()] {
            fs::write(&path, bad).unwrap();
            is_unsure(&world, kind);
        }
        fs::remove_file(&path).unwrap();
        is_unsure(&world, "that repomd.xml lists is not there");
    }
}

#[test]
fn a_table_of_contents_that_is_broken_leaves_it_open() {
    let world = world();
    let path = world.cached("repomd.xml");
    let good = fs::read(&path).unwrap();
    for bad in [good[..good.len() / 2].to_vec(), vec![0; good.len()], Vec::new()] {
        fs::write(&path, bad).unwrap();
        is_unsure(&world, "repomd.xml");
        assert!(!world.metadata().unsure.is_empty() || !world.metadata().missing.is_empty());
    }
    let text = String::from_utf8(good).unwrap();
    fs::write(&path, text.replace("sha256", "md5")).unwrap();
    is_unsure(&world, "its checksum is of the kind md5");
    fs::write(&path, text.replace("-primary.xml.gz", "-primary.xml.zck")).unwrap();
    is_unsure(&world, "primary");
    fs::write(&path, text.replace("repodata/", "../../../../etc/passwd/..//")).unwrap();
    let _ = world.packages();
}

#[test]
fn laughs_and_bombs_are_refused() {
    let world = world();
    let entities = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
    for (kind, root) in [("primary", "metadata"), ("updateinfo", "updates")] {
        let text = format!("<?xml version=\"1.0\"?>{entities}<{root}>&b;</{root}>");
        world.replace(kind, "gz", &filter("gzip", text.as_bytes()));
        is_unsure(&world, "document type");
    }
    // 64 MiB of one element, in a few KB.
    let element = |name: &str| format!("<metadata><package><{name}>{}", "x".repeat(64 << 20));
    world.replace("primary", "gz", &filter("gzip", element("name").as_bytes()));
    is_unsure(&world, "too large");
    let deep = format!("<updates><update>{}</update></updates>", "<package name=\"a\">".repeat(100_000));
    world.replace("updateinfo", "gz", &filter("gzip", deep.as_bytes()));
    is_unsure(&world, "updateinfo");
    let many = "<update type=\"x\"><id>1</id><pkglist><collection>\
                <package name=\"a\" version=\"2\" release=\"1\" arch=\"x86_64\"/></collection></pkglist></update>";
    let many = format!("<updates>{}</updates>", many.repeat(310_000));
    world.replace("updateinfo", "gz", &filter("gzip", many.as_bytes()));
    is_unsure(&world, "too many notices");
}

#[test]
fn modules_that_are_not_understood_leave_it_open() {
    let world = world();
    world.add("base", "modules", "---\ndocument: modulemd\ndata: {name: x}\n...\n");
    world.make_cache();
    // dnf takes what it has for new enough.
    let packages = world.packages();
    if packages.updates.unwrap().unsure.is_empty() {
        fs::remove_dir_all(world.path().join("var/cache/dnf")).unwrap();
        world.make_cache();
    }
    is_unsure(&world, "modules");
}
