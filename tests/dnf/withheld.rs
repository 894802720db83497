//! Exclusions and locks.

use guestward::host::packages::{Pending, PendingState};

use super::world::{World, notice};
use crate::support::rpm::Rpm;

fn world() -> World {
    let mut world = World::new(&["aa", "ab", "b", "c", "d"].map(|name| Rpm::new(name, "1.0", "1")));
    let newer = ["1.1", "1.2"]
        .iter()
        .flat_map(|version| ["aa", "ab", "b", "c", "d"].map(|name| Rpm::new(name, version, "1")))
        .collect::<Vec<_>>();
    let notices = [notice("A-1", "security", "Low", &["aa-1.1-1.x86_64", "c-1.2-1.x86_64"])];
    world.repo("base", &newer, &notices);
    world.make_cache();
    world
}

fn of<'a>(ours: &'a [Pending], name: &str) -> &'a Pending {
    ours.iter().find(|pending| pending.name == name).unwrap()
}

#[test]
fn exclusions_are_those_of_dnf_and_name_their_line() {
    let world = world();
    for (main, repo) in [
        ("excludepkgs=aa", ""),
        ("exclude=a*", ""),
        ("exclude=a?, d", "excludepkgs=b"),
        ("", "exclude=c-1.2-1\n  b-*"),
        ("excludepkgs=aa-1.2-1.x86_64 b-0:1.2-1", ""),
        ("", "excludepkgs=*.x86_64"),
        ("", "includepkgs=aa c-1.1*"),
        ("includepkgs=b", ""),
    ] {
        world.write("etc/dnf/dnf.conf", &format!("[main]\n{main}\n"));
        let file = world.path().join("etc/yum.repos.d/base.repo");
        let text = std::fs::read_to_string(&file).unwrap();
        world.configure("base", repo);
        let ours = world.ours();
        let updates: Vec<String> = ours
            .iter()
            .filter(|pending| pending.state == PendingState::Pending)
            .map(|pending| format!("{}.x86_64 {}", pending.name, pending.candidate))
            .collect();
        let theirs: Vec<String> = world.dnf_updates().into_iter().collect();
        assert_eq!(updates, theirs, "{main} {repo}");
        std::fs::write(file, text).unwrap();
    }
    world.write("etc/dnf/dnf.conf", "[main]\n# x\nexcludepkgs=aa c-1.2*\n");
    let ours = world.ours();
    assert_eq!(of(&ours, "aa").state, PendingState::Pinned);
    assert_eq!(of(&ours, "aa").reason.as_deref(), Some("/etc/dnf/dnf.conf:3"));
    assert!(of(&ours, "aa").is_security);
    let c = of(&ours, "c");
    assert_eq!((c.candidate.as_str(), c.is_security), ("1.1-1", false));
    assert_eq!(c.hidden_fix.as_deref(), Some("1.2-1 by A-1 (/etc/dnf/dnf.conf:3)"));
}

/// Debian has no plugin of that name: its file is judged by what its manual says.
#[test]
fn locked_versions_stay() {
    let world = world();
    world.write(
        "etc/dnf/plugins/versionlock.conf",
        "[main]\nenabled = 1\nlocklist = /etc/dnf/plugins/my.list\n",
    );
    let list = "# Added lock on ...\naa-0:1.0-1.*\n\nab-0:1.1-1.*\n!b-0:1.2-1.*\nc\n";
    world.write("etc/dnf/plugins/my.list", list);
    let ours = world.ours();
    let told = |name: &str| (of(&ours, name).state, of(&ours, name).candidate.as_str());
    assert_eq!(told("aa"), (PendingState::Held, "1.2-1"));
    assert_eq!(of(&ours, "aa").reason.as_deref(), Some("/etc/dnf/plugins/my.list:2"));
    assert_eq!(told("ab"), (PendingState::Pending, "1.1-1"));
    assert_eq!(told("b"), (PendingState::Pending, "1.1-1"));
    assert_eq!(told("c"), (PendingState::Pending, "1.2-1"));
    world.write("etc/dnf/plugins/versionlock.conf", "[main]\nenabled = 0\n");
    world.agrees();
    let text = "version = \"1.0\"\n[[packages]]\nname = \"aa\"\n[[packages.conditions]]\nkey = \"evr\"\n\
                comparator = \"=\"\nvalue = \"1.0-1\"\n";
    world.write("etc/dnf/versionlock.toml", text);
    let ours = world.ours();
    assert_eq!(of(&ours, "aa").state, PendingState::Held);
    assert_eq!(of(&ours, "aa").reason.as_deref(), Some("/etc/dnf/versionlock.toml:2"));
}
