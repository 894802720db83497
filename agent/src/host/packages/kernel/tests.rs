//! Which kernel is the newest of its flavour, and whether the running one is it.

use super::*;

fn kernel(running: &str, build: Option<&str>, installed: &[(&str, &str)]) -> Kernel {
    let kernel = |(release, version): &(&str, &str)| InstalledKernel {
        package: format!("linux-image-{release}:amd64"),
        release: (*release).to_owned(),
        version: (*version).to_owned(),
        flavour: flavour(release).to_owned(),
    };
    Kernel {
        running: Some(running.to_owned()),
        build: build.map(str::to_owned),
        installed: installed.iter().map(kernel).collect(),
        ..Kernel::default()
    }
}

fn is_needed(kernel: &Kernel) -> bool {
    matches!(kernel.reboot(), Reboot::Needed { .. })
}

#[test]
fn a_release_has_a_number_and_a_flavour() {
    for (release, expected_number, expected_flavour) in [
        ("6.1.0-50-cloud-amd64", "6.1.0-50", "cloud-amd64"),
        ("6.12.43+deb13-amd64", "6.12.43+deb13", "amd64"),
        ("6.8.0-1021-aws", "6.8.0-1021", "aws"),
        ("6.1.0-13-686-pae", "6.1.0-13", "686-pae"),
        ("6.1.0-0.deb11.21-rt-amd64", "6.1.0-0.deb11.21", "rt-amd64"),
        ("6.18.44-fc-v445", "6.18.44", "fc-v445"),
    ] {
        assert_eq!((number(release), flavour(release)), (expected_number, expected_flavour), "{release}");
    }
}

#[test]
fn the_newest_is_newest_by_version_and_not_by_name() {
    let installed = [("6.1.0-9-amd64", "6.1.27-1"), ("6.1.0-50-amd64", "6.1.164-1")];
    assert!(is_needed(&kernel("6.1.0-9-amd64", None, &installed)));
    assert!(!is_needed(&kernel("6.1.0-50-amd64", None, &installed)));
}

#[test]
fn another_flavour_says_nothing_about_the_running_one() {
    let installed = [("6.1.0-50-amd64", "1"), ("6.1.0-49-cloud-amd64", "1")];
    assert!(matches!(kernel("6.1.0-49-cloud-amd64", None, &installed).reboot(), Reboot::NotNeeded { .. }));
    assert!(matches!(kernel("6.18.44-fc", None, &installed).reboot(), Reboot::Unknown { .. }));
}

#[test]
fn a_rebuild_under_the_same_name_needs_a_restart() {
    let installed = [("6.1.0-50-amd64", "6.1.164-2")];
    assert!(is_needed(&kernel("6.1.0-50-amd64", Some("6.1.164-1"), &installed)));
    assert!(!is_needed(&kernel("6.1.0-50-amd64", Some("6.1.164-2"), &installed)));
}

#[test]
fn a_running_kernel_whose_package_is_gone_still_needs_a_restart_into_a_newer_one() {
    assert!(is_needed(&kernel("6.1.0-49-amd64", None, &[("6.1.0-50-amd64", "1")])));
}

#[test]
fn a_default_of_the_bootloader_that_is_not_the_newest_is_told() {
    let installed = [("6.1.0-49-amd64", "1"), ("6.1.0-50-amd64", "1")];
    let reason = |release: &str, by: Choice| {
        let boot = Some(Boot { release: release.to_owned(), by });
        match (Kernel { boot, ..kernel("6.1.0-49-amd64", None, &installed) }).reboot() {
            Reboot::Needed { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    };
    let plain = reason("6.1.0-50-amd64", Choice::Saved);
    let told = |release, by| reason(release, by).strip_prefix(&plain).unwrap().to_owned();
    assert_eq!(
        told("6.1.0-49-amd64", Choice::Saved),
        "; a restart alone starts 6.1.0-49-amd64, the bootloader's default by grub-set-default: grub-set-default 0"
    );
    assert_eq!(
        told("6.1.0-49-amd64", Choice::Fixed),
        "; a restart alone starts 6.1.0-49-amd64, the bootloader's default by GRUB_DEFAULT in /etc/default/grub"
    );
    assert_eq!(
        told("6.1.0-9-rt-amd64", Choice::Once),
        "; a restart alone starts 6.1.0-9-rt-amd64, the bootloader's default for one start"
    );
    let boot = Some(Boot { release: "6.1.0-49-amd64".to_owned(), by: Choice::Saved });
    assert_eq!(
        Kernel { boot, ..kernel("6.1.0-50-amd64", None, &installed) }.reboot(),
        kernel("6.1.0-50-amd64", None, &installed).reboot(),
        "no restart is due"
    );
}

#[test]
fn a_kernel_from_outside_is_no_concern_of_the_packages() {
    assert!(matches!(kernel("6.18.44-fc", None, &[]).reboot(), Reboot::NotApplicable { .. }));
    assert!(matches!(Kernel::default().reboot(), Reboot::NotApplicable { .. }));
}

#[test]
fn builds_are_found_where_distributions_write_them() {
    let version = "Linux version 6.1.0-50-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) \
                   12.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.1.164-1 (2026-03-01)";
    assert_eq!(debian_build(version).as_deref(), Some("6.1.164-1"));
    assert_eq!(ubuntu_build("Ubuntu 6.8.0-31.31-generic 6.8.1").as_deref(), Some("6.8.0-31.31"));
    assert_eq!(debian_build("Linux version 6.18 (x) #1 SMP @0"), None);
}
