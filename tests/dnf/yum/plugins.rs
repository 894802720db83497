//! Where yum differs from dnf on purpose: its plugins, each judged by the rule that its own source has.

use std::fs;

use guestward::host::packages::PendingState;

use super::{Yum, world};
use crate::support::rpm::Rpm;

/// The rule is that of yum-utils' plugins/priorities/priorities.py, as its head has it: «excludes packages from lower
/// priority repositories based on the package name»; with `only_samearch`, on «the package name and architecture»;
/// with `check_obsoletes`, it protects «high-priority repositories against obsoletes in low-priority repositories». The
/// lowest number is the highest priority, and 99 is that of a repository that says none.
#[test]
fn of_each_name_only_the_best_repository_counts() {
    let installed = ["a", "b", "c", "old", "n"].map(|name| Rpm::new(name, "1", "1"));
    let mut world = world("gz", &installed);
    let core = [
        Rpm::new("a", "2", "1"),
        Rpm::new("b", "1", "1"),
        Rpm::new("old", "1", "1"),
        Rpm::new("n", "1", "1").noarch(),
    ];
    let extra = [
        Rpm::new("a", "3", "1"),
        Rpm::new("b", "2", "1"),
        Rpm::new("c", "2", "1"),
        Rpm::new("new", "2", "1").line("Obsoletes: old"),
        Rpm::new("n", "2", "1"),
    ];
    world.repo("amzn2-core", &core, &[]);
    world.repo("other", &extra, &[]);
    world.configure("amzn2-core", "priority=10");
    let yum = Yum::of(&world, &["amzn2-core", "other"]);
    // Without the plugin, yum knows no priority.
    let all = ["a 3-1", "b 2-1", "c 2-1", "n 2-1", "old new-2-1"];
    assert_eq!(yum.told(), all);
    yum.plug("priorities", "enabled = 1");
    assert_eq!(yum.told(), ["a 2-1", "b", "c 2-1", "n", "old new-2-1"]);
    let reason = "a repository of priority 10 goes before other of 99";
    assert_eq!(yum.ours()[1].reason.as_deref(), Some(reason));
    assert_eq!(yum.ours()[1].state, PendingState::KeptBack);
    yum.plug("priorities", "enabled = 1\ncheck_obsoletes = 1");
    assert_eq!(yum.told(), ["a 2-1", "b", "c 2-1", "n", "old"]);
    yum.plug("priorities", "enabled = 1\nonly_samearch = 1");
    assert_eq!(yum.told(), ["a 2-1", "b", "c 2-1", "n 2-1", "old new-2-1"]);
    // yum.conf's own exclusions come first, in the order of yum's `_getSacks`.
    yum.plug("priorities", "enabled = 1");
    yum.configure("exclude=a-2-1");
    assert_eq!(yum.told(), ["a 3-1", "b", "c 2-1", "n", "old new-2-1"]);
    // What versionlock keeps back comes after priorities: the one lets only this version through, the other only others.
    yum.configure("");
    yum.plug("versionlock", "enabled = 1\nlocklist = /etc/yum/pluginconf.d/versionlock.list");
    yum.write("etc/yum/pluginconf.d/versionlock.list", "0:a-3-1.*\n");
    assert_eq!(yum.told(), ["a", "b", "c 2-1", "n", "old new-2-1"]);
    fs::remove_file(yum.path("usr/lib/yum-plugins/versionlock.py")).unwrap();
    for (main, settings) in [("plugins=0", "enabled=1"), ("", "enabled=0"), ("", "")] {
        yum.configure(main);
        yum.plug("priorities", settings);
        assert_eq!(yum.told(), all, "{main} {settings}");
    }
    yum.plug("priorities", "enabled=1");
    fs::remove_file(yum.path("usr/lib/yum-plugins/priorities.py")).unwrap();
    assert_eq!(yum.told(), all);
}

/// By yum-utils' plugins/versionlock/versionlock.py: names and versions are looked up as they are written, the architecture
/// is not looked at, and an epoch that is not written is 0.
#[test]
fn locked_versions_stay() {
    let installed = ["aa", "ab", "b", "c", "d", "e", "old"].map(|name| Rpm::new(name, "1.0", "1"));
    let mut world = world("gz", &installed);
    let mut newer: Vec<Rpm> = ["1.1", "1.2"]
        .iter()
        .flat_map(|version| ["aa", "ab", "b", "c", "d", "e"].map(|name| Rpm::new(name, version, "1")))
        .collect();
    newer.push(Rpm::new("new", "2", "1").line("Obsoletes: old"));
    world.repo("amzn2-core", &newer, &[]);
    let yum = Yum::of(&world, &["amzn2-core"]);
    let list = "# Added locks on Mon\n0:aa-1.0-1.*\n\nab-1.1-1.x86_64\n!0:b-1.2-1.*\nc\n0:d-1.*-1.*\n1:e-1.1-1.*\n0:old-1.0-1.*\n";
    yum.write("srv/locks", list);
    let all = ["aa 1.2-1", "ab 1.2-1", "b 1.2-1", "c 1.2-1", "d 1.2-1", "e 1.2-1", "old new-2-1"];
    assert_eq!(yum.told(), all);
    yum.plug("versionlock", "enabled = 1\nlocklist = file:///srv/locks");
    assert_eq!(yum.told(), ["aa", "ab 1.1-1", "b 1.1-1", "c 1.2-1", "d", "e", "old new-2-1"]);
    let ours = yum.ours();
    assert_eq!((ours[0].state, ours[0].reason.as_deref()), (PendingState::Held, Some("/srv/locks:2")));
    yum.plug("versionlock", "enabled = 1\nlocklist = /srv/locks\nfollow_obsoletes = 1");
    assert_eq!(yum.told().last().unwrap(), "old");
    yum.plug("versionlock", "enabled = 0\nlocklist = /srv/locks");
    assert_eq!(yum.told(), all);
    for settings in ["enabled = 1", "enabled = 1\nlocklist = http://example.org/locks"] {
        yum.plug("versionlock", settings);
        let cause = yum.packages().updates.unwrap_err().to_string();
        assert!(cause.contains("versionlock.conf"), "{cause}");
    }
}
