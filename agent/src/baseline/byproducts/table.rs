//! The by-products that are known: Debian and Ubuntu, and what RPM's triggers and kernel-install(8) run.

use super::Made;

const fn made(kind: &'static str, by: &'static [&'static str], paths: &'static [&'static str]) -> Made {
    Made { kind, by, paths, is_managers: false, leads_to: &[] }
}

pub(super) const MADE: &[Made] = &[
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
                "/etc/**/*.rpmorig",
                "/etc/*.rpmorig",
            ],
        )
    },
    // What rpm and dnf keep of what they did; what the database says of files is asked for itself.
    Made {
        is_managers: true,
        ..made("package-database", &[], &["/usr/lib/sysimage/rpm/*", "/usr/lib/sysimage/libdnf5/*"])
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
        &[
            "update-ca-certificates",
            "ca-certificates.postinst",
            "update-ca-trust",
            "p11-kit",
            "trust",
            "openssl",
            "c_rehash",
        ],
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
