//! What we read of dpkg's records against dpkg itself, on this very machine.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use guestward::host::Host;
use guestward::host::packages::recorded::{self, Digest, Recorded};
use md5::{Digest as _, Md5};

/// Packages that are on every Debian, with alternatives, diversions and conffiles among them.
const ALWAYS: &[&str] = &["bash", "coreutils", "dash", "dpkg", "libc6", "login", "passwd", "perl-base"];
/// So many others, spread over all that are installed.
const OTHERS: usize = 12;
/// dpkg takes minutes to say whose each of thousands of paths is.
const MOST_PATHS: usize = 400;

#[test]
fn every_path_is_the_package_s_that_dpkg_says() {
    let recorded = all();
    let mut checked = 0;
    for package in sample() {
        let listed = dpkg("dpkg-query", &["--listfiles", &package]);
        for path in listed.lines().filter(|path| path.starts_with('/') && *path != "/.") {
            let Some(record) = recorded.get(path.as_bytes()) else { panic!("{package} has {path}") };
            let is_file = fs::metadata(path).is_ok_and(|meta| !meta.is_dir());
            // Directories have many owners, of which we tell one.
            if is_file && !is_diverted(path) {
                let owner = record.owner.package.as_str();
                assert_eq!(owner.split(':').next(), package.split(':').next(), "{path}");
                checked += 1;
            }
        }
        let version = dpkg("dpkg-query", &["--show", "--showformat=${Version}", &package]);
        let owner = recorded.packages().iter().find(|owner| is_of(owner.package.as_str(), &package));
        assert_eq!(owner.unwrap().version, version, "{package}");
    }
    assert!(checked > 300, "{checked}");
}

#[test]
fn whose_a_path_is_we_say_as_dpkg_does() {
    let recorded = all();
    let mut paths: Vec<String> = ["/usr/bin", "/usr/sbin", "/etc", "/usr/local/bin", "/usr/lib"]
        .iter()
        .flat_map(|directory| fs::read_dir(directory).unwrap())
        .filter_map(|entry| entry.unwrap().path().into_os_string().into_string().ok())
        // dpkg -S takes a pattern where it can.
        .filter(|path| !path.contains(['*', '?', '[', '\\']) && !Path::new(path).is_dir())
        .collect();
    paths.sort();
    let step = paths.len().div_ceil(MOST_PATHS);
    let paths: Vec<String> = paths.into_iter().step_by(step).collect();
    let some = recorded::of(&host(), paths.iter().map(String::as_bytes)).unwrap().unwrap();
    let arguments: Vec<&str> = ["--search"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let told = dpkg("dpkg-query", &arguments);
    let mut differing = Vec::new();
    for path in &paths {
        // The merge of /usr lets dpkg know a path by its other name.
        let other = path.strip_prefix("/usr").unwrap_or(path);
        let other = dpkg("dpkg-query", &["--search", other]);
        let owners: BTreeSet<&str> = told
            .lines()
            .chain(other.lines())
            .filter(|line| !line.starts_with("diversion by"))
            .filter_map(|line| line.split_once(": "))
            .filter(|(_, found)| path == found || path.strip_prefix("/usr") == Some(found))
            .flat_map(|(owners, _)| owners.split(", "))
            .map(|owner| owner.split(':').next().unwrap())
            .collect();
        let ours = recorded.get(path.as_bytes());
        assert_eq!(ours.map(|ours| ours.owner), some.get(path.as_bytes()).map(|some| some.owner), "{path}");
        let ours = ours.map(|ours| ours.owner.package.as_str().split(':').next().unwrap().to_owned());
        let agrees = match &ours {
            Some(ours) => owners.contains(ours.as_str()) || (owners.is_empty() && is_alternative(path, ours)),
            None => owners.is_empty(),
        };
        if !agrees && !is_diverted(path) {
            differing.push(format!("{path}: {ours:?}, and dpkg {owners:?}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn what_differs_from_its_package_differs_for_dpkg_too() {
    let recorded = all();
    for package in sample() {
        let verified = dpkg("dpkg", &["--verify", &package]);
        let theirs: BTreeSet<String> = verified
            .lines()
            .filter(|line| line.starts_with("??5"))
            .filter_map(|line| Some(line[line.find('/')?..].to_owned()))
            .collect();
        let listed = dpkg("dpkg-query", &["--listfiles", &package]);
        let ours: BTreeSet<String> = listed
            .lines()
            .filter(|path| path.starts_with('/') && !is_diverted(path))
            .filter(|path| {
                let Some(digest) = recorded.get(path.as_bytes()).and_then(|record| record.digest) else {
                    return false;
                };
                // dpkg follows a link here, and says "missing" of what is not there.
                fs::read(path).is_ok_and(|bytes| Digest::Md5(Md5::digest(bytes).into()) != digest)
            })
            .map(str::to_owned)
            .collect();
        assert_eq!(ours, theirs, "{package}");
    }
}

fn all() -> Recorded {
    recorded::all(&host()).unwrap().unwrap()
}

fn host() -> Host {
    Host::at("/").unwrap()
}

fn sample() -> Vec<String> {
    let all = dpkg("dpkg-query", &["--show", "--showformat=${db:Status-Status} ${binary:Package}\n"]);
    let all: Vec<&str> = all.lines().filter_map(|line| line.strip_prefix("installed ")).collect();
    let step = (all.len() / OTHERS).max(1);
    // Millions of bytes to hash twice would tell no more.
    let is_small = |package: &str| {
        let size = dpkg("dpkg-query", &["--show", "--showformat=${Installed-Size}", package]);
        size.parse::<u64>().is_ok_and(|kibibytes| kibibytes < 50_000)
    };
    let always = all.iter().filter(|package| ALWAYS.iter().any(|name| is_of(package, name)));
    let others = all.iter().step_by(step).filter(|package| is_small(package));
    always.chain(others).map(|package| (*package).to_owned()).collect()
}

fn is_of(package: &str, name: &str) -> bool {
    package == name || package.split(':').next() == Some(name)
}

fn is_diverted(path: &str) -> bool {
    fs::read_to_string("/var/lib/dpkg/diversions").is_ok_and(|text| {
        let other = path.strip_prefix("/usr").unwrap_or(path);
        text.lines().any(|line| line == path || line == other)
    })
}

fn is_alternative(path: &str, owner: &str) -> bool {
    owner == "dpkg" && fs::symlink_metadata(path).is_ok_and(|meta| meta.mode() & 0o170_000 == 0o120_000)
}

fn dpkg(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C").output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
