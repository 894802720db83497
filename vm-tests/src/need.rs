//! What the suite needs of its host, and what of that is missing.

use std::path::Path;

/// What is missing here, a line each; nothing where guests can be made and run.
pub fn missing() -> Vec<String> {
    let mut missing: Vec<String> = PROGRAMS
        .iter()
        .filter(|(path, _)| !Path::new(path).exists())
        .map(|(path, package)| format!("{path} (package {package})"))
        .collect();
    if !nix::unistd::geteuid().is_root() {
        missing.push("root, for network namespaces and for the owners of a guest's files".to_owned());
    }
    if !Path::new(TUN).exists() {
        missing.push(format!("{TUN}, the kernel's end of a guest's cable"));
    }
    missing
}

const TUN: &str = "/dev/net/tun";

/// A program, and the Debian package that has it. `tests/all` installs them.
const PROGRAMS: &[(&str, &str)] = &[
    ("/usr/bin/qemu-system-x86_64", "qemu-system-x86"),
    ("/usr/bin/qemu-img", "qemu-utils"),
    ("/usr/bin/mmdebstrap", "mmdebstrap"),
    ("/usr/sbin/mke2fs", "e2fsprogs"),
    ("/bin/busybox", "busybox-static"),
    ("/usr/bin/cpio", "cpio"),
    ("/sbin/depmod", "kmod"),
    ("/usr/sbin/ip", "iproute2"),
    ("/usr/bin/setpriv", "util-linux"),
    ("/usr/bin/openssl", "openssl"),
];
