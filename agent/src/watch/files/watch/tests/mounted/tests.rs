//! What is seen through mounts. It mounts, and so it runs only where nobody else sees that: `unshare -m`.

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::super::*;

const NONE: Option<&str> = None;

fn bind(from: &Path, to: &Path) {
    mount(Some(from), to, NONE, MsFlags::MS_BIND, NONE).unwrap();
}

fn tmpfs(at: &Path) {
    mount(Some("none"), at, Some("tmpfs"), MsFlags::empty(), NONE).unwrap();
}

/// Nothing of ours may keep it from being taken away. On some machines something else does.
fn leave(at: &Path) {
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let open = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    assert_eq!(open.filter(|path| path.starts_with(at)).collect::<Vec<_>>(), Vec::<PathBuf>::new());
    umount2(at, MntFlags::empty()).or_else(|_| umount2(at, MntFlags::MNT_DETACH)).unwrap();
}

fn mounted(scene: &mut Scene, name: &str, is_there: bool) {
    let point = scene.path(name).into_os_string().into_encoded_bytes();
    scene.until(&format!("the mount on {name}"), |noticed| {
        let lists =
            noticed.iter().filter_map(|one| if let Noticed::Mounted(list) = one { Some(list) } else { None });
        let mut mounts = lists.flatten();
        mounts.any(|mounted| mounted.point == point && mounted.kind.is_some() == is_there)
    });
}

#[test]
#[ignore = "it needs a mount namespace of its own"]
fn what_is_reached_through_mounts_is_touched_where_it_is_seen() {
    let prepare = |folder: &Path| {
        for name in ["real", "bound", "fresh", "upper", "lower", "work", "merged"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        fs::create_dir_all(folder.join("elsewhere/hidden")).unwrap();
        fs::write(folder.join("lower/file"), "x").unwrap();
    };
    for mut scene in scenes(prepare) {
        // The same directory under two names.
        bind(&scene.path("elsewhere/hidden"), &scene.path("bound"));
        mounted(&mut scene, "bound", true);
        fs::write(scene.path("elsewhere/hidden/a"), "x").unwrap();
        scene.touched("bound/a", How::WRITTEN);
        fs::write(scene.path("bound/b"), "x").unwrap();
        scene.touched("bound/b", How::WRITTEN);
        leave(&scene.path("bound"));
        mounted(&mut scene, "bound", false);
        fs::write(scene.path("elsewhere/hidden/c"), "x").unwrap();
        scene.settle();
        assert!(!scene.was_touched("bound/c") && !scene.was_touched("elsewhere/hidden/a"));
        // A file system that comes later, and does not stay because of us.
        tmpfs(&scene.path("fresh"));
        mounted(&mut scene, "fresh", true);
        fs::write(scene.path("fresh/a"), "x").unwrap();
        scene.touched("fresh/a", How::WRITTEN);
        leave(&scene.path("fresh"));
        mounted(&mut scene, "fresh", false);
        overlay(&mut scene);
        assert!(scene.watch.fallback.is_none(), "{:?}", scene.watch.coverage());
        assert_eq!(scene.losses(), Vec::<&Lost>::new());
    }
}

fn overlay(scene: &mut Scene) {
    let path = |name: &str| scene.path(name).into_os_string().into_string().unwrap();
    let options = format!("lowerdir={},upperdir={},workdir={}", path("lower"), path("upper"), path("work"));
    let merged = scene.path("merged");
    mount(Some("overlay"), &merged, Some("overlay"), MsFlags::empty(), Some(&options[..])).unwrap();
    mounted(scene, "merged", true);
    fs::write(merged.join("file"), "changed").unwrap();
    scene.touched("merged/file", How::WRITTEN);
    fs::write(merged.join("new"), "made").unwrap();
    scene.touched("merged/new", How::WRITTEN);
    fs::remove_file(merged.join("file")).unwrap();
    scene.settle();
    let point = merged.as_os_str().as_bytes();
    let by = scene.watch.coverage().into_iter().find(|covered| covered.point == point).unwrap().by;
    assert_eq!(by, By::Upper);
    leave(&merged);
    mounted(scene, "merged", false);
}
