//! What comes about while packages are installed and no package records: made anew by their scripts and triggers from
//! what is installed, by tools that have that one purpose.
//!
//! Accounts, passwords, PAM and sudo are on purpose not among it: what a package's script writes there is told. So is
//! every program that runs as another user, wherever it lies.

use super::drift::{Drift, Matter};
use crate::host::actor::Actor;
use crate::host::glob;
use crate::host::object::Object;
use crate::host::{Kind, Text};

/// One tool's.
struct Made {
    kind: &'static str,
    /// The names of programs and scripts of which one is what wrote it, or what started that.
    by: &'static [&'static str],
    /// A `*` stands for anything but a slash, `**` for one or more components.
    paths: &'static [&'static str],
    /// The package manager's own program does it, and nobody that it starts.
    is_managers: bool,
    /// Whatever is left there is a symbolic link to below one of these.
    leads_to: &'static [&'static str],
}

/// Which kind of by-product a difference is, if it is one: where it is, and what made it.
pub fn kind<'a>(
    drift: &Drift,
    actors: impl Iterator<Item = &'a Actor> + Clone,
    by_manager: bool,
) -> Option<&'static str> {
    if drift.matter == Some(Matter::SetId) {
        return None;
    }
    let mut made =
        MADE.iter().filter(|made| made.paths.iter().any(|path| is_at(path.as_bytes(), &drift.path)));
    // Whoever else touched it may have done what is seen.
    let is_its = |made: &&Made| {
        let mut all = actors.clone().peekable();
        let mut is_tools = || all.peek().is_some() && all.all(|actor| is_by(made.by, actor));
        let is_its = if made.is_managers { by_manager } else { is_tools() };
        is_its && leads(made, drift.after.as_ref())
    };
    made.find(is_its).map(|made| made.kind)
}

fn leads(made: &Made, after: Option<&Object>) -> bool {
    let Some(after) = after.filter(|_| !made.leads_to.is_empty()) else { return true };
    match (after.kind, after.target.as_deref()) {
        (Kind::Directory, _) => true,
        (Kind::SymbolicLink, Some(target)) => {
            made.leads_to.iter().any(|place| target.starts_with(place.as_bytes()))
                && memchr::memmem::find(target, b"/../").is_none()
        }
        _ => false,
    }
}

/// Whether a process, or one that it comes from, is one of these programs or runs one of these scripts.
fn is_by(tools: &[&str], actor: &Actor) -> bool {
    let program = actor.program.as_ref().map(|program| program.path.as_slice());
    let own = is_tool(tools, program, actor.command.as_ref());
    own || actor.parents.iter().any(|parent| is_tool(tools, parent.path.as_deref(), parent.command.as_ref()))
}

fn is_tool(tools: &[&str], program: Option<&[u8]>, command: Option<&Text>) -> bool {
    let is_one = |path: &[u8]| {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        tools.iter().any(|tool| glob::matches(tool.as_bytes(), name))
    };
    // A script is its interpreter's first argument, but for options.
    let words = command.map_or("", |command| command.as_str()).split(' ');
    let mut words = words.filter(|word| !word.starts_with('-')).take(2);
    program.is_some_and(is_one) || words.any(|word| is_one(word.as_bytes()))
}

/// Whether a pattern is this path, component by component.
fn is_at(pattern: &[u8], path: &[u8]) -> bool {
    let parts: Vec<&[u8]> = pattern.split(|byte| *byte == b'/').collect();
    let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    fits(&parts, &names)
}

/// Patterns are ours and have one `**` at most.
fn fits(parts: &[&[u8]], names: &[&[u8]]) -> bool {
    match (parts, names) {
        ([], []) => true,
        ([part, rest @ ..], [_, below @ ..]) if *part == b"**" => fits(rest, below) || fits(parts, below),
        ([part, rest @ ..], [name, below @ ..]) => glob::matches(part, name) && fits(rest, below),
        _ => false,
    }
}

const fn made(kind: &'static str, by: &'static [&'static str], paths: &'static [&'static str]) -> Made {
    Made { kind, by, paths, is_managers: false, leads_to: &[] }
}

/// Debian and Ubuntu, and what RPM's triggers and kernel-install run.
const MADE: &[Made] = &[
    // dpkg(1), --force-confold; rpm's %config. Nothing reads them.
    Made {
        is_managers: true,
        ..made(
            "configuration-copies",
            &[],
            &[
                "/etc/**/*.dpkg-*",
                "/etc/*.dpkg-*",
                "/etc/**/*.rpmnew",
                "/etc/**/*.rpmsave",
                "/etc/*.rpmnew",
                "/etc/*.rpmsave",
            ],
        )
    },
    made("ldconfig", &["ldconfig", "ldconfig.real"], &["/etc/ld.so.cache", "/etc/ld.so.cache~"]),
    Made {
        leads_to: &["lib"],
        ..made(
            "ldconfig",
            &["ldconfig", "ldconfig.real"],
            &[
                "/lib/lib*",
                "/lib64/lib*",
                "/usr/lib/lib*",
                "/usr/lib64/lib*",
                "/usr/lib/*/lib*",
                "/lib/*/lib*",
            ],
        )
    },
    made(
        "initramfs",
        &["update-initramfs", "mkinitramfs", "dracut", "kernel-install", "mkinitrd"],
        &[
            "/boot/initrd.img*",
            "/boot/initramfs-*.img*",
            "/boot/initrd-*",
            "/boot/.tmp-initramfs*",
            "/boot/*/*/initrd",
        ],
    ),
    made(
        "boot-menu",
        &[
            "update-grub",
            "grub-mkconfig",
            "grub2-mkconfig",
            "grubby",
            "grub-install",
            "zz-update-grub",
            "kernel-install",
        ],
        &[
            "/boot/grub/grub.cfg*",
            "/boot/grub2/grub.cfg*",
            "/boot/grub*/grubenv*",
            "/boot/loader/entries/*.conf",
            "/boot/efi/EFI/*/grub.cfg*",
        ],
    ),
    Made {
        leads_to: &["boot/vmlinu", "boot/initrd", "vmlinu", "initrd"],
        ..made(
            "boot-links",
            &["linux-update-symlinks", "kernel-install", "grubby"],
            &[
                "/vmlinuz",
                "/vmlinuz.old",
                "/initrd.img",
                "/initrd.img.old",
                "/boot/vmlinuz",
                "/boot/initrd.img",
                "/boot/vmlinuz.old",
                "/boot/initrd.img.old",
            ],
        )
    },
    // kernel-install(8) copies the kernel out of the package's own directory.
    made(
        "kernel-install",
        &["kernel-install"],
        &[
            "/boot/vmlinuz-*",
            "/boot/.vmlinuz-*.hmac",
            "/boot/System.map-*",
            "/boot/config-*",
            "/boot/symvers-*",
        ],
    ),
    made("depmod", &["depmod", "kmod"], &["/usr/lib/modules/*/modules.*", "/lib/modules/*/modules.*"]),
    Made {
        leads_to: &["/usr/", "/bin/", "/sbin/", "/lib", "/opt/"],
        ..made("alternatives", &["update-alternatives", "alternatives"], &["/etc/alternatives/*"])
    },
    Made {
        leads_to: &["/etc/alternatives/"],
        ..made("alternatives", &["update-alternatives", "alternatives"], &["/usr/**/*", "/bin/*", "/sbin/*"])
    },
    Made {
        leads_to: &["/usr/lib/systemd/", "/lib/systemd/", "/dev/null"],
        ..made(
            "units",
            &["systemctl", "deb-systemd-helper", "systemd-update-helper"],
            &[
                "/etc/systemd/system/*",
                "/etc/systemd/system/*.wants/*",
                "/etc/systemd/system/*.requires/*",
                "/etc/systemd/user/*.wants/*",
            ],
        )
    },
    Made {
        leads_to: &["../init.d/"],
        ..made("init-links", &["update-rc.d", "insserv", "chkconfig"], &["/etc/rc*.d/*"])
    },
    made(
        "certificates",
        &["update-ca-certificates", "update-ca-trust", "p11-kit", "trust", "openssl", "c_rehash"],
        &[
            "/etc/ssl/certs/**",
            "/etc/ca-certificates.conf*",
            "/etc/pki/ca-trust/extracted/**",
            "/etc/pki/java/cacerts",
        ],
    ),
    made(
        "caches",
        &[
            "update-mime-database",
            "update-desktop-database",
            "gtk-update-icon-cache",
            "update-icon-caches",
            "glib-compile-schemas",
            "gio-querymodules",
            "gdk-pixbuf-query-loaders",
            "gtk-query-immodules*",
            "fc-cache",
            "iconvconfig",
            "install-info",
            "update-info-dir",
            "mandb",
            "man-db-cache-update",
        ],
        &[
            "/usr/share/mime/**",
            "/usr/share/applications/mimeinfo.cache",
            "/usr/share/icons/**/icon-theme.cache",
            "/usr/share/glib-2.0/schemas/gschemas.compiled",
            "/usr/lib*/**/giomodule.cache",
            "/usr/lib*/**/loaders.cache",
            "/usr/lib*/**/immodules.cache",
            "/usr/lib*/**/gconv-modules.cache",
            "/usr/lib/fontconfig/cache/**",
            "/usr/share/fonts/**/.uuid",
            "/usr/share/info/dir*",
            "/usr/share/man/**/index.*",
        ],
    ),
    made(
        "locales",
        &["locale-gen", "localedef", "update-locale", "build-locale-archive"],
        &["/usr/lib/locale/**"],
    ),
    made("hardware", &["systemd-hwdb", "udevadm"], &["/usr/lib/udev/hwdb.bin", "/etc/udev/hwdb.bin"]),
    made(
        "bytecode",
        &["py3compile", "pycompile", "py3clean", "pyclean", "python3*", "python2*", "platform-python*"],
        &["/usr/**/__pycache__", "/usr/**/__pycache__/*.pyc", "/usr/**/*.pyc", "/usr/**/*.pyo"],
    ),
    made(
        "modules",
        &["update-pciids", "update-usbids"],
        &["/usr/share/misc/*.ids", "/usr/share/hwdata/*.ids"],
    ),
    made(
        "selinux",
        &["semodule", "semanage", "restorecon"],
        &["/etc/selinux/*/policy/**", "/etc/selinux/*/contexts/**"],
    ),
    made("shells", &["add-shell", "remove-shell", "update-shells"], &["/etc/shells", "/etc/shells.*"]),
    made(
        "marks",
        &["systemd-update-done", "useradd", "groupadd", "usermod"],
        &["/etc/.updated", "/var/.updated", "/etc/.pwd.lock"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::drift::{Change, Fields};
    use crate::finding::Severity;
    use crate::host::actor::{Ancestor, Program};
    use proptest::prelude::*;

    fn drift(path: &[u8], target: Option<&str>) -> Drift {
        let object = Object {
            kind: if target.is_some() { Kind::SymbolicLink } else { Kind::File },
            target: target.map(|target| target.as_bytes().into()),
            ..crate::finding::wire::object::tests::object()
        };
        Drift {
            path: path.to_vec(),
            change: Change::Modified,
            fields: Fields::CONTENT,
            before: None,
            after: Some(object),
            severity: Severity::High,
            matter: None,
            package: None,
            text: None,
        }
    }

    /// A program with its command, and the command of the script that started it.
    fn actor(program: &str, command: &str, parent: &str) -> Actor {
        let parent =
            Ancestor { pid: 1, path: Some(b"/usr/bin/dash".to_vec()), command: Some(Text::new(parent)) };
        Actor {
            program: Some(Program { path: program.as_bytes().to_vec(), ..Program::default() }),
            command: Some(Text::new(command)),
            parents: vec![parent],
            ..Actor::default()
        }
    }

    #[test]
    fn a_by_product_is_where_it_belongs_and_of_the_tool_that_makes_it() {
        let postinst = "/bin/sh /var/lib/dpkg/info/x.postinst configure";
        for (path, target, program, command, parent, expected) in [
            (
                "/boot/initrd.img-6.1.0-9-amd64",
                None,
                "/usr/bin/zstd",
                "zstd -q",
                "/bin/sh /usr/sbin/mkinitramfs -o x",
                Some("initramfs"),
            ),
            ("/boot/initrd.img-6.1.0-9-amd64", None, "/usr/bin/dash", postinst, postinst, None),
            (
                "/boot/initramfs-6.1.img",
                None,
                "/usr/bin/cp",
                "cp a b",
                "/bin/bash --norc /usr/bin/dracut -f",
                Some("initramfs"),
            ),
            (
                "/boot/grub/grub.cfg",
                None,
                "/usr/bin/mv",
                "mv a b",
                "/bin/sh /usr/sbin/grub-mkconfig",
                Some("boot-menu"),
            ),
            (
                "/etc/alternatives/editor",
                Some("/usr/bin/vim"),
                "/usr/bin/update-alternatives",
                "",
                postinst,
                Some("alternatives"),
            ),
            (
                "/usr/bin/editor",
                Some("/etc/alternatives/editor"),
                "/usr/bin/update-alternatives",
                "",
                "",
                Some("alternatives"),
            ),
            ("/usr/bin/editor", Some("/tmp/evil"), "/usr/bin/update-alternatives", "", "", None),
            (
                "/usr/bin/editor",
                Some("/etc/alternatives/../../tmp/evil"),
                "/usr/bin/update-alternatives",
                "",
                "",
                None,
            ),
            ("/usr/bin/editor", None, "/usr/bin/update-alternatives", "", "", None),
            (
                "/etc/systemd/system/multi-user.target.wants/x.service",
                Some("/lib/systemd/system/x.service"),
                "/usr/bin/perl",
                "/usr/bin/perl /usr/bin/deb-systemd-helper enable x",
                postinst,
                Some("units"),
            ),
            ("/etc/systemd/system/x.service", None, "/usr/bin/systemctl", "systemctl edit x", "", None),
            (
                "/etc/rc2.d/S01x",
                Some("../init.d/x"),
                "/usr/bin/perl",
                "perl /usr/sbin/update-rc.d x defaults",
                "",
                Some("init-links"),
            ),
            (
                "/etc/ssl/certs/0a.0",
                None,
                "/usr/bin/openssl",
                "openssl rehash .",
                "/bin/sh /usr/sbin/update-ca-certificates",
                Some("certificates"),
            ),
            (
                "/usr/lib/x86_64-linux-gnu/libx.so.1",
                Some("libx.so.1.2"),
                "/usr/sbin/ldconfig",
                "/sbin/ldconfig",
                "",
                Some("ldconfig"),
            ),
            (
                "/usr/lib/x86_64-linux-gnu/libx.so.1",
                Some("/tmp/x"),
                "/usr/sbin/ldconfig",
                "/sbin/ldconfig",
                "",
                None,
            ),
            ("/usr/lib/locale/C.utf8/LC_TIME", None, "/usr/bin/localedef", "localedef", "", Some("locales")),
            (
                "/etc/shells",
                None,
                "/usr/bin/dash",
                "/bin/sh /usr/sbin/add-shell /bin/bash",
                postinst,
                Some("shells"),
            ),
            ("/etc/passwd", None, "/usr/sbin/useradd", "useradd x", postinst, None),
            ("/etc/shadow", None, "/usr/bin/passwd", "passwd", postinst, None),
            (
                "/etc/pam.d/common-auth",
                None,
                "/usr/bin/perl",
                "perl /usr/sbin/pam-auth-update",
                postinst,
                None,
            ),
            ("/usr/lib/modules/6.1/modules.dep.bin", None, "/usr/bin/kmod", "depmod -a", "", Some("depmod")),
            (
                "/usr/share/mime/application/x.xml",
                None,
                "/usr/bin/update-mime-database",
                "",
                "",
                Some("caches"),
            ),
        ] {
            let (drift, actor) = (drift(path.as_bytes(), target), actor(program, command, parent));
            assert_eq!(kind(&drift, [&actor].into_iter(), false), expected, "{path} {program}");
            assert_eq!(kind(&drift, [].into_iter(), false), None, "nobody made {path}");
        }
    }

    #[test]
    fn whoever_else_wrote_it_and_whatever_runs_as_another_user_is_told() {
        let tool = actor("/usr/sbin/ldconfig", "", "");
        let other = actor("/usr/bin/vi", "", "");
        let cache = drift(b"/etc/ld.so.cache", None);
        assert_eq!(kind(&cache, [&tool].into_iter(), false), Some("ldconfig"));
        assert_eq!(kind(&cache, [&tool, &other].into_iter(), false), None);
        let set_id = Drift { matter: Some(Matter::SetId), ..cache };
        assert_eq!(kind(&set_id, [&tool].into_iter(), false), None);
    }

    #[test]
    fn a_copy_of_a_configuration_is_the_managers_own_work() {
        let copy = drift(b"/etc/ssh/sshd_config.dpkg-dist", None);
        let script = actor("/usr/bin/cp", "", "dpkg --configure -a");
        assert_eq!(kind(&copy, [&script].into_iter(), false), None);
        assert_eq!(kind(&copy, [&script].into_iter(), true), Some("configuration-copies"));
    }

    proptest! {
        #[test]
        fn no_path_makes_it_panic(path in proptest::collection::vec(prop_oneof![
            Just(b'/'), Just(b'*'), any::<u8>()], 0..80))
        {
            let tool = actor("/usr/bin/update-alternatives", "", "");
            let _ = kind(&drift(&path, Some("/etc/alternatives/x")), [&tool].into_iter(), true);
        }
    }
}
