//! The first seconds of a boot: busybox, the drivers of the emulated disk and cable, and the way to the real root.
//!
//! The cloud kernel has NVMe built in and would need none, but QEMU cannot save a machine that has an NVMe disk.

use std::fs;
use std::path::Path;

use crate::shell::sh_in;

/// Writes `initrd.cpio` into `place`, from the modules that lie in `root`.
pub(crate) fn make(root: &Path, version: &str, place: &Path) {
    let tree = place.join("initrd");
    for directory in ["bin", "modules", "proc", "sys", "dev", "root"] {
        fs::create_dir_all(tree.join(directory)).expect("a directory of the initrd");
    }
    fs::copy("/bin/busybox", tree.join("bin/busybox")).expect("busybox (package busybox-static)");
    fs::write(tree.join("init"), INIT).expect("the initrd's program");
    let modules = root.join("lib/modules").join(version);
    for module in MODULES {
        // A kernel may have it built in, in another form of compression, or not know it.
        let line = format!(
            "f=$(find . -name '{module}.ko' -o -name '{module}.ko.xz' -o -name '{module}.ko.zst' | head -n 1)
             case $f in
             *.ko) cp $f '{to}' ;;
             *.xz) xz -dc $f > '{to}' ;;
             *.zst) zstd -qdc $f > '{to}' ;;
             esac",
            to = tree.join("modules").join(format!("{module}.ko")).display()
        );
        sh_in(&modules, &line);
    }
    sh_in(&tree, "chmod 755 init; find . | LC_ALL=C sort | cpio --quiet -o -H newc > ../initrd.cpio");
    fs::remove_dir_all(&tree).expect("a directory that we made");
}

const INIT: &str = "\
#!/bin/busybox sh
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t devtmpfs none /dev
for m in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk virtio_console \
  failover net_failover virtio_net virtio_rng; do
  [ ! -e /modules/$m.ko ] || /bin/busybox insmod /modules/$m.ko
done
n=0
while [ ! -b /dev/vda ] && [ $n -lt 500 ]; do /bin/busybox usleep 10000; n=$((n + 1)); done
/bin/busybox mount -t ext4 /dev/vda /root || /bin/busybox poweroff -f
/bin/busybox mount --move /proc /root/proc
/bin/busybox mount --move /sys /root/sys
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
";

const MODULES: &[&str] = &[
    "virtio",
    "virtio_ring",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "virtio_blk",
    "virtio_console",
    "failover",
    "net_failover",
    "virtio_net",
    "virtio_rng",
];
