//! The kernel's resolver and our own give the same answers, on any small tree.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use guestward::host::Host;
use guestward::host::trail::{Place, Trail};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[derive(Debug, Clone)]
enum Node {
    File(String),
    Directory(String),
    Link(String, String),
}

#[test]
fn both_resolvers_agree_and_neither_leaves_the_root() {
    let mut runner = TestRunner::new(Config { cases: 400, ..Config::default() });
    let trees = proptest::collection::vec(node(), 0..12);
    let paths = proptest::collection::vec(path(), 1..12);
    runner
        .run(&(trees, paths), |(nodes, paths)| {
            let outside = tempfile::tempdir().unwrap();
            // Wherever a path leaves the root, it comes past a canary of the names in use.
            for name in ["a", "b", "c"] {
                fs::write(outside.path().join(name), CANARY).unwrap();
            }
            let root = outside.path().join("d");
            fs::create_dir(&root).unwrap();
            nodes.iter().for_each(|node| make(&root, node));
            let (kernel, by_hand) = (Host::at(&root).unwrap(), Host::at_by_hand(&root).unwrap());
            for path in &paths {
                let read = kernel.read(path, 100);
                prop_assert_eq!(&read, &by_hand.read(path, 100), "read {}", path);
                prop_assert_ne!(read.as_deref(), Ok(CANARY.as_bytes()), "left by {}", path);
                prop_assert_eq!(kernel.stat(path), by_hand.stat(path), "stat {}", path);
                prop_assert_eq!(kernel.lstat(path), by_hand.lstat(path), "lstat {}", path);
                prop_assert_eq!(kernel.read_link(path), by_hand.read_link(path), "read_link {}", path);
                // The trail to an object ends where the kernel does, by a path without links.
                let trail = Trail::to(&kernel, Path::new(path)).ok();
                let end = trail.as_ref().and_then(Trail::end);
                prop_assert_eq!(end.map(|end| end.meta), kernel.stat(path).ok(), "trail {}", path);
                let is_plain = |end: &Place| kernel.lstat(&end.path) == Ok(end.meta);
                prop_assert!(end.is_none_or(is_plain), "trail {}", path);
                prop_assert_eq!(kernel.list(path, 100), by_hand.list(path, 100), "list {}", path);
            }
            Ok(())
        })
        .unwrap();
}

fn node() -> impl Strategy<Value = Node> {
    let place = "[abc](/[abc]){0,2}";
    prop_oneof![
        place.prop_map(Node::File),
        place.prop_map(Node::Directory),
        (place, path()).prop_map(|(place, target)| Node::Link(place, target)),
        (place, path()).prop_map(|(place, target)| Node::Link(place, target)),
    ]
}

/// Anything that a path may look like, the ugly ones included.
fn path() -> impl Strategy<Value = String> {
    "(/|//|\\./|\\.\\./)?([abcd]|\\.\\.|\\.)(/{1,2}([abcd]|\\.\\.|\\.)){0,4}/?"
}

/// Makes what can be made: a file has no room for another below it.
fn make(root: &Path, node: &Node) {
    let (Node::File(place) | Node::Directory(place) | Node::Link(place, _)) = node;
    let path = root.join(place);
    // The parents may be links out of the root, which the maker would follow: only real directories are used.
    let mut parent = root.to_owned();
    for name in Path::new(place).parent().into_iter().flatten() {
        parent.push(name);
        if parent.is_symlink() || (fs::create_dir(&parent).is_err() && !parent.is_dir()) {
            return;
        }
    }
    let _ = match node {
        _ if path.is_symlink() => Ok(()),
        Node::File(_) => fs::write(&path, place),
        Node::Directory(_) => fs::create_dir(&path),
        Node::Link(_, target) => symlink(target, &path),
    };
}

const CANARY: &str = "the canary outside the root";
