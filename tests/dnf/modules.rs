//! Modules: streams that are enabled, disabled or the default.

use super::world::{World, notice, notice_for};
use crate::support::rpm::Rpm;

fn stream(stream: &str, artifacts: &[&str]) -> String {
    let artifacts: String = artifacts.iter().map(|name| format!("    - {name}\n")).collect();
    format!(
        "---\ndocument: modulemd\nversion: 2\ndata:\n  name: js\n  stream: \"{stream}\"\n  version: 1\n  context: c0\n  \
         arch: x86_64\n  summary: x\n  description: >-\n    A text: of\n    several lines\n  license:\n    module:\n    - MIT\n  \
         dependencies:\n  - requires:\n      platform: []\n  artifacts:\n    rpms:\n{artifacts}...\n"
    )
}

fn world() -> World {
    let of =
        |release: &str, stream: &str| Rpm::new("js", "1.0", release).module(&format!("js:{stream}:1:c0"));
    let mut world = World::new(&[of("1", "10"), Rpm::new("plain", "1", "1")]);
    let packages = [
        of("2", "10"),
        Rpm::new("js", "2.0", "1").module("js:20:1:c0"),
        Rpm::new("js", "3.0", "1"),
        Rpm::new("plain", "2", "1"),
    ];
    let module = |stream: &str| {
        format!("<module name=\"js\" stream=\"{stream}\" version=\"1\" context=\"c0\" arch=\"x86_64\"/>")
    };
    let notices = [
        notice_for("M-10", "security", "Low", &module("10"), &["js-1.0-2.x86_64"]),
        notice_for("M-20", "security", "Low", &module("20"), &["js-2.0-1.x86_64"]),
        notice("P-1", "security", "Low", &["plain-2-1.x86_64"]),
    ];
    world.repo("base", &packages, &notices);
    let text = stream("10", &["js-0:1.0-2.x86_64"])
        + &stream("20", &["js-0:2.0-1.x86_64"])
        + "---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: js\n  stream: \"20\"\n  profiles:\n    \"20\": [default]\n...\n";
    world.add("base", "modules", &text);
    world.write("etc/dnf/dnf.conf", "[main]\nmodule_platform_id=platform:el8\n");
    world.make_cache();
    world
}

#[test]
fn streams_enabled_disabled_and_default_are_those_of_dnf() {
    let world = world();
    for (state, candidate) in [
        (Some("stream=10\nprofiles=\nstate=enabled"), "1.0-2"),
        (Some("stream=20\nprofiles=\nstate=enabled"), "2.0-1"),
        (Some("stream=\nprofiles=\nstate=disabled"), "3.0-1"),
        (None, "2.0-1"),
    ] {
        let file = "etc/dnf/modules.d/js.module";
        match state {
            Some(state) => world.write(file, &format!("[js]\nname=js\n{state}\n")),
            None => std::fs::remove_file(world.path().join(file)).unwrap(),
        }
        let js = world.ours().into_iter().find(|pending| pending.name == "js").unwrap();
        assert_eq!(js.candidate, candidate, "{state:?}");
        world.agrees();
    }
}
