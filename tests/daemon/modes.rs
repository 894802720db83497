//! Who may read what the agent keeps, whatever the umask of whoever started it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::rig::{OFTEN, ROOTS, Rig, until};

#[test]
fn the_umask_neither_opens_nor_closes_what_the_agent_keeps() {
    for umask in ["000", "077"] {
        let rig = Rig::with_etc(&[ROOTS], OFTEN);
        rig.append_to_etc("passwd", "toor:x:0:0::/root:/bin/sh\n");
        let key = rig.folder().join("first.key");
        let run = format!(
            "umask {umask}; {0} journal init-key {1} && exec {0} run",
            env!("CARGO_BIN_EXE_guestward"),
            key.display()
        );
        fs::write(rig.etc("group"), format!("root:x:0:\nguestward:x:{GROUP}:\n")).unwrap();
        let mut command = rig.mounts.as_ref().unwrap().command("sh".as_ref());
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("GUESTWARD_STATE", rig.state()).env("GUESTWARD_POLICY", rig.policy());
        let sensor = rig.spawn(command.args(["-c", &run]), "run");
        until("it remembers", || rig.state().join("state/open.json").exists().then_some(()));
        let state = rig.state();
        let expect = |path: &Path, mode: u32, group: u32| {
            let meta = fs::metadata(path).unwrap();
            let found = (meta.permissions().mode() & 0o7777, meta.uid(), meta.gid());
            let path = path.display();
            assert_eq!(found, (mode, 0, group), "{path} with umask {umask}: {:o}, not {mode:o}", found.0);
        };
        expect(&state, 0o755, 0);
        expect(&state.join("journal"), 0o750, GROUP);
        expect(&state.join("cursors"), 0o770, GROUP);
        expect(&state.join("run"), 0o750, GROUP);
        expect(&state.join("run/sensor.sock"), 0o660, GROUP);
        expect(&state.join("seal"), 0o700, 0);
        expect(&state.join("seal/key.slots"), 0o600, 0);
        expect(&state.join("state"), 0o750, 0);
        expect(&state.join("state/open.json"), 0o640, 0);
        expect(&key, 0o600, 0);
        for entry in fs::read_dir(state.join("journal")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "seg") {
                expect(&path, 0o640, GROUP);
            }
        }
        sensor.stop();
    }
}

/// A number that no group of this machine has.
const GROUP: u32 = 64_221;
