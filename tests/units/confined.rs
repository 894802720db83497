//! A command as a unit's service would be: its user, groups and capabilities, read from the unit itself.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{read, value, values};

/// Numbers that nobody on this machine has.
pub(super) const SENSOR_USER: u32 = 64_301;
pub(super) const SHIPPER_USER: u32 = 64_302;
pub(super) const GROUP: u32 = 64_300;

/// The arguments of setpriv(1) for a unit's service; `without` is a capability that it shall not have.
pub(super) fn setpriv(unit: &str, user: u32, without: Option<&str>) -> Vec<String> {
    let text = read(unit);
    let granted = value(&text, "CapabilityBoundingSet").split(' ').filter(|name| !name.is_empty());
    let granted: Vec<_> = granted.filter(|name| Some(*name) != without).collect();
    let mut set = "-all".to_owned();
    for name in granted {
        set += &format!(",+{}", name.strip_prefix("CAP_").unwrap().to_lowercase());
    }
    let mut arguments =
        vec![format!("--reuid={user}"), format!("--regid={GROUP}"), format!("--inh-caps={set}")];
    match &values(&text, "SupplementaryGroups")[..] {
        [] => arguments.push("--clear-groups".to_owned()),
        groups => arguments.push(format!("--groups={}", groups.join(","))),
    }
    arguments.push(format!("--ambient-caps={set}"));
    arguments.push(format!("--bounding-set={set}"));
    assert_eq!(value(&text, "NoNewPrivileges"), "yes");
    arguments.push("--no-new-privs".to_owned());
    arguments
}

/// The program where such users can reach it.
pub(super) fn program(folder: &Path) -> PathBuf {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.join("guestward");
    // By another process: what this one has open to write, a test beside it may pass on to a child, and then nobody can
    // execute it (ETXTBSY).
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_guestward")).arg(&program).status().unwrap();
    assert!(copied.success());
    program
}

/// The directories as guestward.tmpfiles has them, below a folder: the state's own, and `run` and `log` in it.
pub(super) fn directories(folder: &Path) -> PathBuf {
    let state = folder.join("state");
    for line in read("guestward.tmpfiles").lines().filter(|line| line.starts_with("d ")) {
        let [_, path, mode, user, group, _] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let path = match path {
            "/run/guestward" => state.join("run"),
            "/var/log/guestward" => state.join("log"),
            path => folder.join(path.replacen("/var/lib/guestward", "state", 1)),
        };
        fs::create_dir(&path).unwrap();
        let owner = match user {
            "root" => 0,
            "guestward" => SENSOR_USER,
            "guestward-ship" => SHIPPER_USER,
            _ => panic!("{line}"),
        };
        assert_eq!(group, "guestward");
        chown(&path, Some(owner), Some(GROUP)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(u32::from_str_radix(mode, 8).unwrap()))
            .unwrap();
    }
    state
}

/// A line of shell that makes of a mount namespace of its own what the sensor's unit makes of it: everything read-only
/// but `$1`, a /dev of its own, and a /proc that hides whom one may not trace.
pub(super) fn mounts() -> &'static str {
    let text = read(super::SENSOR);
    for (directive, wanted) in [
        ("ProtectSystem", "strict"),
        ("ProtectHome", "read-only"),
        ("PrivateDevices", "yes"),
        ("ProtectProc", "invisible"),
        ("ProtectKernelTunables", "yes"),
        ("PrivateTmp", "no"),
        ("ProtectKernelModules", "no"),
        ("PrivateNetwork", "no"),
        ("PrivateUsers", "no"),
    ] {
        assert_eq!(value(&text, directive), wanted, "the shell line below has another {directive}");
    }
    r#"
    exec 2>&1
    mount -n -t tmpfs -o mode=755,nosuid dev /mnt
    for name in null zero full random urandom tty; do cp -a /dev/$name /mnt/; done
    mkdir /mnt/shm /mnt/pts
    mount -n --bind /dev/shm /mnt/shm; mount -n --bind /dev/pts /mnt/pts; mount -n --move /mnt /dev
    findmnt -rno TARGET | sort -u | grep -v '^/proc' | while read -r point; do
        mount -n -o remount,bind,ro "$(printf '%b' "$point")" || true
    done
    mount -n -t proc -o hidepid=invisible proc /proc
    mount -n --bind /proc/sys /proc/sys; mount -n -o remount,bind,ro /proc/sys
    mount -n --bind "$1" "$1"; mount -n -o remount,bind,rw "$1"
    "#
}
