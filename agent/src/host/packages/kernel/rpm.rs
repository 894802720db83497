//! The kernels that rpm installed: which packages boot, what `uname -r` says of each, and which succeed one another.
//!
//! Amazon Linux 2023 has a package for each line of kernels: `kernel` is 6.1, `kernel6.12` is 6.12. RHEL puts the bootable
//! file into `kernel-core` and has variants (`kernel-rt-core`, `kernel-64k-core`), Oracle `kernel-uek`, SUSE `kernel-default`.
//! Only kernels of one name succeed one another.

use std::cmp::Ordering;

use super::InstalledKernel;
use crate::host::packages::rpm::version::compare_evr;
use crate::host::packages::rpm::{Installed, Package};

pub(super) fn installed(installed: &Installed) -> Vec<InstalledKernel> {
    installed.packages.iter().filter_map(kernel).collect()
}

fn kernel(package: &Package) -> Option<InstalledKernel> {
    let flavour = line(&package.name)?;
    let Package { version, release, architecture, .. } = package;
    let name = match flavour.strip_prefix("kernel-") {
        // Its release counts the builds of the package behind those of the kernel: 150500.55.7.1 boots as 150500.55.7.
        Some("default" | "azure") => {
            let counted = release.rsplit_once('.').map_or(release.as_str(), |(release, _)| release);
            format!("{version}-{counted}-{}", &flavour["kernel-".len()..])
        }
        _ => format!("{version}-{release}.{architecture}"),
    };
    Some(InstalledKernel {
        package: format!("{}:{architecture}", package.name),
        release: name,
        version: package.evr(),
        flavour: flavour.to_owned(),
    })
}

/// The name under which a package's kernels succeed one another; `None` for what does not boot.
fn line(name: &str) -> Option<&str> {
    let name = name.strip_suffix("-core").unwrap_or(name);
    let rest = name.strip_prefix("kernel")?;
    let is_stream = rest.split('.').count() == 2
        && rest.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let is_variant = rest.strip_prefix('-').is_some_and(|variant| VARIANTS.contains(&variant));
    (rest.is_empty() || is_stream || is_variant).then_some(name)
}

/// Of which line a kernel is whose package is gone: by what its name says, or because there is one line only.
pub(super) fn flavour(running: &str, installed: &[InstalledKernel]) -> Option<String> {
    let (base, variant) =
        running.split_once('+').map_or((running, None), |(base, variant)| (base, Some(variant)));
    let known =
        |name: &str| installed.iter().find(|kernel| kernel.flavour == name).map(|k| k.flavour.clone());
    if let Some(variant) = variant {
        return known(&format!("kernel-{variant}"));
    }
    if base.contains("uek") {
        return known("kernel-uek");
    }
    // A distribution's own mark: el9, amzn2023, fc42. A kernel without it is from elsewhere.
    let mark = mark(base)?;
    let alike: Vec<&InstalledKernel> =
        installed.iter().filter(|kernel| self::mark(&kernel.release) == Some(mark)).collect();
    let series = |release: &str| release.splitn(3, '.').take(2).map(str::to_owned).collect::<Vec<_>>();
    let of_series = alike.iter().find(|kernel| series(&kernel.release) == series(base));
    let first = alike.first()?;
    match of_series {
        Some(kernel) => Some(kernel.flavour.clone()),
        None if alike.iter().all(|kernel| kernel.flavour == first.flavour) => Some(first.flavour.clone()),
        None => None,
    }
}

/// `amzn2023` of `6.1.109-118.189.amzn2023.x86_64`, `el9` of `5.14.0-503.11.1.el9_5.x86_64`.
fn mark(release: &str) -> Option<&str> {
    let mut parts = release.split('.');
    let mark = parts.rfind(|part| MARKS.iter().any(|mark| part.starts_with(mark)))?;
    Some(mark.split('_').next().unwrap_or(mark))
}

/// Whether a kernel's release is the running one's, whatever the running one has behind it for its variant.
pub(super) fn is_running(kernel: &InstalledKernel, running: &str) -> bool {
    match running.split_once('+') {
        Some((base, variant)) => {
            kernel.release == base && kernel.flavour.strip_prefix("kernel-") == Some(variant)
        }
        None => kernel.release == running,
    }
}

/// By `[epoch:]version-release`.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    compare_evr(parts(a), parts(b))
}

fn parts(evr: &str) -> (u32, &str, &str) {
    let (epoch, rest) = evr.split_once(':').unwrap_or(("0", evr));
    let (version, release) = rest.split_once('-').unwrap_or((rest, ""));
    (epoch.parse().unwrap_or(0), version, release)
}

const VARIANTS: [&str; 12] = [
    "uek",
    "rt",
    "64k",
    "rt-64k",
    "debug",
    "default",
    "azure",
    "lt",
    "ml",
    "plus",
    "longterm",
    "aarch64-64k",
];
const MARKS: [&str; 4] = ["el", "amzn", "fc", "azl"];

#[cfg(test)]
mod tests {
    use super::super::{Family, Kernel, Reboot};
    use super::*;

    fn package(name: &str, version: &str, release: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            release: release.to_owned(),
            architecture: "x86_64".to_owned(),
            ..Package::default()
        }
    }

    fn reboot(running: &str, packages: &[(&str, &str, &str)]) -> Reboot {
        let packages =
            packages.iter().map(|(name, version, release)| package(name, version, release)).collect();
        let found = Installed { packages, ..Installed::default() };
        Kernel {
            running: Some(running.to_owned()),
            installed: installed(&found),
            family: Family::Rpm,
            ..Kernel::default()
        }
        .reboot()
    }

    fn is_needed(running: &str, packages: &[(&str, &str, &str)]) -> bool {
        match reboot(running, packages) {
            Reboot::Needed { .. } => true,
            Reboot::NotNeeded { .. } => false,
            other => panic!("{running}: {other:?}"),
        }
    }

    const OLD: (&str, &str, &str) = ("kernel", "6.1.109", "118.189.amzn2023");
    const NEW: (&str, &str, &str) = ("kernel", "6.1.115", "126.197.amzn2023");
    const STREAM: (&str, &str, &str) = ("kernel6.12", "6.12.9", "10.31.amzn2023");

    #[test]
    fn the_newest_of_the_running_line_decides() {
        assert!(is_needed("6.1.109-118.189.amzn2023.x86_64", &[OLD, NEW]));
        assert!(!is_needed("6.1.115-126.197.amzn2023.x86_64", &[OLD, NEW]));
        assert!(is_needed(
            "5.14.0-427.el9.x86_64",
            &[("kernel-core", "5.14.0", "427.el9"), ("kernel-core", "5.14.0", "1000.el9")]
        ));
    }

    #[test]
    fn another_stream_of_amazons_is_no_newer_kernel_and_its_own_newer_one_is() {
        assert!(!is_needed("6.1.115-126.197.amzn2023.x86_64", &[NEW, STREAM]));
        let later = ("kernel6.12", "6.12.20", "23.97.amzn2023");
        assert!(is_needed("6.12.9-10.31.amzn2023.x86_64", &[NEW, STREAM, later]));
        // Its package is gone, and its line is known by its number.
        assert!(is_needed("6.12.9-10.31.amzn2023.x86_64", &[NEW, later]));
    }

    #[test]
    fn variants_are_lines_of_their_own() {
        let both = [("kernel-core", "5.14.0", "503.el9"), ("kernel-rt-core", "5.14.0", "427.el9")];
        assert!(!is_needed("5.14.0-427.el9.x86_64+rt", &both));
        let suse =
            [("kernel-default", "5.14.21", "150500.55.7.1"), ("kernel-default", "5.14.21", "150500.55.12.1")];
        assert!(is_needed("5.14.21-150500.55.7-default", &suse));
        assert!(!is_needed("5.14.21-150500.55.12-default", &suse));
        let uek = [("kernel-uek-core", "5.15.0", "300.el9uek"), ("kernel", "5.14.0", "503.el9")];
        assert!(is_needed("5.15.0-200.el9uek.x86_64", &uek));
    }

    #[test]
    fn a_kernel_from_elsewhere_is_not_judged() {
        for running in ["6.18.44-fc-v445", "6.6.1-custom", "4.14.1-1.el7.x86_64"] {
            assert!(matches!(reboot(running, &[OLD, NEW]), Reboot::Unknown { .. }), "{running}");
        }
        assert!(matches!(reboot("6.1.1-x", &[]), Reboot::NotApplicable { .. }));
    }

    #[test]
    fn what_does_not_boot_is_no_kernel() {
        for name in [
            "kernel-headers",
            "kernel-tools",
            "kernel-modules-core",
            "kernel-livepatch-6.1.109-118.189",
            "kernel6.12-devel",
            "kernelx",
        ] {
            assert_eq!(line(name), None, "{name}");
        }
        assert_eq!(line("kernel6.12"), Some("kernel6.12"));
        assert_eq!(line("kernel-64k-core"), Some("kernel-64k"));
    }
}
