//! apt-get's answer: what a dist-upgrade, only simulated, would do.

use std::process;
use std::time::Duration;

use super::child::{Said, run};
use super::place::Place;
use super::program;
use crate::host::Host;
use crate::host::packages::compared::Answer;

pub(super) fn ask(host: &Host) -> Result<Answer, String> {
    let mut command = program("apt-get");
    // In memory alone: whose the cache on the disk is does not matter then.
    command.args(["-s", "-V", "-q", "-o", "Debug::NoLocking=1", "-o", "Dir::Cache::pkgcache="]);
    command.args(["-o", "Dir::Cache::srcpkgcache=", "-o", "APT::Get::Show-User-Simulation-Note=0"]);
    let _place = match host.is_live() {
        true => None,
        false => Some(elsewhere(host, &mut command)?),
    };
    let Said { status, output, errors } = run(command.arg("dist-upgrade"), LONGEST)?;
    if !status.success() {
        let line = errors.lines().find(|line| line.starts_with("E: ")).unwrap_or("it did not say why");
        return Err(format!("apt-get -s dist-upgrade failed: {line}"));
    }
    Ok(answer(&output))
}

/// In another tree. A file that APT_CONFIG names is read before the tree's own configuration, so that apt finds that at all.
fn elsewhere(host: &Host, command: &mut process::Command) -> Result<Place, String> {
    let root = host.root_path().display().to_string();
    if root.contains(['"', '\n']) {
        return Err("apt's settings have no way to write the path of this root".to_owned());
    }
    let lines = format!("Dir \"{root}\";\nDir::State::status \"{root}/var/lib/dpkg/status\";\n");
    let place = Place::new("apt").map_err(|error| format!("no directory for apt's settings: {error}"))?;
    let settings = place.path().join("apt.conf");
    place.write("apt.conf", &lines).map_err(|error| format!("{}: {error}", settings.display()))?;
    command.env("APT_CONFIG", settings);
    Ok(place)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Upgraded,
    Kept,
    Removed,
    Other,
}

/// Its lists have a title each, and below it a package a line: `   openssl (3.0.1 => 3.0.2)`, a foreign one `   x:i386 (…)`.
fn answer(output: &str) -> Answer {
    let mut answer = Answer::default();
    let mut section = Section::Other;
    for line in output.lines() {
        let Some(row) = line.strip_prefix("   ") else {
            section = title(line);
            continue;
        };
        let Some((name, versions)) = row.split_once(" (") else { continue };
        let key = name.to_owned();
        match section {
            Section::Other => continue,
            Section::Removed => {
                answer.removed.insert(key);
                continue;
            }
            Section::Kept => {
                answer.kept_back.insert(key.clone());
            }
            Section::Upgraded => {}
        }
        if let Some((_, candidate)) = versions.trim_end_matches(')').split_once(" => ") {
            answer.newer.insert(key, candidate.to_owned());
        }
    }
    answer
}

fn title(line: &str) -> Section {
    let is = |words: &str| line.contains(words);
    match () {
        () if is("kept back:")
            || is("deferred due to phasing:")
            || is("not upgrading yet due to phasing:") =>
        {
            Section::Kept
        }
        () if is("will be upgraded:") || line == "Upgrading:" => Section::Upgraded,
        () if is("will be REMOVED:") || line == "REMOVING:" => Section::Removed,
        () => Section::Other,
    }
}

/// A small instance takes ten seconds for it.
const LONGEST: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_lists_are_told_apart() {
        let said = "Reading package lists...\n\
                    The following packages have been kept back:\n   a (1 => 2)\n\
                    The following packages will be REMOVED:\n   r (1)\n\
                    The following NEW packages will be installed:\n   n (5)\n\
                    The following packages will be upgraded:\n   b:i386 (1:1 => 1:2)\n   c (1 => 2~x)\n\
                    2 upgraded, 1 newly installed, 1 to remove and 1 not upgraded.\n\
                    Inst c [1] (2~x Debian:12/stable [amd64])\n";
        let found = answer(said);
        let newer: Vec<(&str, &str)> = found.newer.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(newer, [("a", "2"), ("b:i386", "1:2"), ("c", "2~x")]);
        assert!(found.kept_back.contains("a") && found.kept_back.len() == 1);
        assert!(found.removed.contains("r") && found.removed.len() == 1);
    }
}
