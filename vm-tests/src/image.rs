//! A guest's disk: a Debian suite as mmdebstrap makes it, the cloud kernel unpacked over it, and what every guest of
//! ours is told. No device, no mount: `mke2fs -d` writes the file system from the directory.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::shell::{run, sh, sh_in};
use crate::suite::Suite;
use crate::{cache, initrd, network, qemu};

/// The files of an image in the cache.
#[derive(Debug, Clone)]
pub struct Image {
    pub suite: Suite,
    pub place: PathBuf,
}

impl Image {
    /// Of this suite; made where the cache does not have it yet.
    pub fn of(suite: Suite) -> Self {
        let packages = suite.packages().join(",");
        let ingredients: [&[u8]; 4] =
            [suite.name().as_bytes(), packages.as_bytes(), RECIPE.as_bytes(), qemu::version().as_bytes()];
        let place = cache::entry(suite.name(), &ingredients, |place| network::outside(|| make(suite, place)));
        Self { suite, place }
    }

    pub fn kernel(&self) -> PathBuf {
        self.place.join("vmlinuz")
    }

    pub fn initrd(&self) -> PathBuf {
        self.place.join("initrd.cpio")
    }

    /// Never written: guests have overlays.
    pub fn root(&self) -> PathBuf {
        self.place.join("root.ext4")
    }
}

fn make(suite: Suite, place: &Path) {
    let began = Instant::now();
    say(&format!(
        "making the image of {suite}; once, and kept in {}",
        place.parent().unwrap_or(place).display()
    ));
    let root = place.join("root");
    bootstrap(suite, &root);
    let version = unpack_kernel(&root, place);
    initrd::make(&root, &version, place);
    configure(suite, &root);
    let image = place.join("root.ext4");
    run(Command::new("/usr/sbin/mke2fs")
        .args(["-q", "-t", "ext4", "-L", "root", "-E", "root_owner=0:0", "-d"])
        .args([&root, &image])
        .arg("2G"));
    fs::remove_dir_all(&root).expect("a directory that we made");
    say(&format!("the image of {suite} is made, after {} s", began.elapsed().as_secs()));
}

fn bootstrap(suite: Suite, root: &Path) {
    // The kernel's package is only unpacked later: installed, it would bring a maker of initrds and run it.
    let kernel = "cd \"$1/var/tmp\" && export APT_CONFIG=\"$MMDEBSTRAP_APT_CONFIG\" && \
                  apt-get download -q $(apt-cache depends linux-image-cloud-amd64 | \
                  sed -n 's/.*Depends: \\(linux-image-[0-9].*\\)/\\1/p' | head -n 1)";
    run(Command::new("/usr/bin/mmdebstrap")
        .args(["--quiet", "--mode=root", "--variant=minbase", "--aptopt=APT::Sandbox::User \"root\""])
        .arg(format!("--include={}", suite.packages().join(",")))
        .arg(format!("--customize-hook={kernel}"))
        .arg(suite.name())
        .arg(root)
        .arg(format!("deb http://deb.debian.org/debian {} main", suite.name()))
        .arg(suite.security()));
}

/// The kernel beside the image and its modules inside; the version that modules are filed under.
fn unpack_kernel(root: &Path, place: &Path) -> String {
    sh_in(
        root,
        "mkdir ../kernel
         dpkg-deb --extract var/tmp/linux-image-*.deb ../kernel
         rm var/tmp/linux-image-*.deb",
    );
    let version =
        sh_in(place, "ls kernel/lib/modules 2> /dev/null || ls kernel/usr/lib/modules").trim().to_owned();
    sh_in(
        place,
        &format!(
            "cp kernel/boot/vmlinuz-{version} vmlinuz
             cp kernel/boot/config-{version} kernel/boot/System.map-{version} root/boot/
             modules=$(echo kernel/lib/modules kernel/usr/lib/modules | tr ' ' '\\n' | while read d; do
               [ ! -d $d ] || echo $d; done)
             rm -rf $modules/{version}/kernel/drivers/gpu $modules/{version}/kernel/drivers/infiniband \
               $modules/{version}/kernel/drivers/net/ethernet/mellanox
             mkdir -p root/lib/modules
             cp -a $modules/{version} root/lib/modules/
             depmod -b root {version}
             rm -rf kernel"
        ),
    );
    version
}

/// What makes the tree a guest of ours: who it is, its one address, and nothing that waits for hardware it lacks.
fn configure(suite: Suite, root: &Path) {
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap_or(root)).expect("a directory of the image");
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    };
    write("etc/hostname", "guest\n");
    write("etc/hosts", HOSTS);
    write("etc/fstab", "LABEL=root / ext4 defaults 0 1\n");
    write("etc/resolv.conf", "");
    write("etc/systemd/network/10-ec2.network", NETWORK);
    write("etc/systemd/timesyncd.conf", "[Time]\nNTP=169.254.169.123\nFallbackNTP=\n");
    // Emulated, a processor is ten times slower.
    write(
        "etc/systemd/system.conf.d/10-emulated.conf",
        "[Manager]\nDefaultTimeoutStartSec=180\nDefaultTimeoutStopSec=180\n",
    );
    let security = suite.security();
    write("etc/apt/sources.list", &format!("deb http://deb.debian.org/debian {suite} main\n{security}\n"));
    // It would write a line for each question of ours, and the journal is what we read after a failure.
    write("etc/systemd/system/qemu-guest-agent.service.d/10-quiet.conf", "[Service]\nLogLevelMax=notice\n");
    for unit in MASKED {
        sh(&format!("ln -sf /dev/null '{}/etc/systemd/system/{unit}'", root.display()));
    }
    for unit in ["systemd-networkd.service", "systemd-timesyncd.service"] {
        run(Command::new("systemctl").arg(format!("--root={}", root.display())).args(["-q", "enable", unit]));
    }
    // As in an image for EC2: the first boot makes it.
    sh_in(root, "rm -f etc/machine-id var/lib/dbus/machine-id; touch etc/machine-id");
}

pub(crate) fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "vm-tests: {what}");
}

/// Everything here and in the initrd decides what is in an image.
const RECIPE: &str = concat!(include_str!("image.rs"), include_str!("initrd.rs"));

const HOSTS: &str = "\
127.0.0.1 localhost
127.0.1.1 guest
10.0.0.1 logs.eu-central-1.amazonaws.com ssm.eu-central-1.amazonaws.com sts.eu-central-1.amazonaws.com
";

/// An address from the subnet, and a way to the link-local ones, as EC2's images have it.
const NETWORK: &str = "\
[Match]
MACAddress=02:00:00:00:00:05
[Network]
Address=10.0.0.5/24
LinkLocalAddressing=no
[Route]
Destination=169.254.169.254/32
Scope=link
[Route]
Destination=169.254.169.123/32
Scope=link
";

/// Units that cost an emulated guest seconds, or wait for what it does not have.
const MASKED: &[&str] = &[
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty@tty1.service",
    "serial-getty@ttyS0.service",
    "kmod-static-nodes.service",
    "modprobe@configfs.service",
    "modprobe@dm_mod.service",
    "modprobe@drm.service",
    "modprobe@efi_pstore.service",
    "modprobe@fuse.service",
    "modprobe@loop.service",
    "proc-sys-fs-binfmt_misc.automount",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-binfmt.service",
    "systemd-networkd-wait-online.service",
];
