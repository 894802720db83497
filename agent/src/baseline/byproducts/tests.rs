//! By-products, what only looks like one, and what never is one.

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
    let parent = Ancestor { pid: 1, path: Some(b"/usr/bin/dash".to_vec()), command: Some(Text::new(parent)) };
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
        ("/etc/pam.d/common-auth", None, "/usr/bin/perl", "perl /usr/sbin/pam-auth-update", postinst, None),
        ("/usr/lib/modules/6.1/modules.dep.bin", None, "/usr/bin/kmod", "depmod -a", "", Some("depmod")),
        ("/usr/share/mime/application/x.xml", None, "/usr/bin/update-mime-database", "", "", Some("caches")),
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
    for path in ["/etc/x.rpmnew", "/etc/ssh/sshd_config.rpmsave", "/etc/ssh/sshd_config.rpmorig"] {
        let copy = drift(path.as_bytes(), None);
        assert_eq!(kind(&copy, [].into_iter(), true), Some("configuration-copies"), "{path}");
    }
    let database = drift(b"/usr/lib/sysimage/rpm/rpmdb.sqlite", None);
    assert_eq!(kind(&database, [&script].into_iter(), false), None);
    assert_eq!(kind(&database, [].into_iter(), true), Some("package-database"));
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
