//! What `packaging/deny.toml` allows, held against what Cargo builds, without a network.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn every_dependency_has_a_licence_that_is_allowed_and_none_is_banned() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let deny: toml::Table = fs::read_to_string(project.join("packaging/deny.toml")).unwrap().parse().unwrap();
    let allowed: Vec<&str> = strings(&deny["licenses"]["allow"]);
    let banned: Vec<&str> =
        deny["bans"]["deny"].as_array().unwrap().iter().map(|ban| ban["crate"].as_str().unwrap()).collect();
    let exceptions = deny["licenses"]["exceptions"].as_array().unwrap();
    let packages = packages(&project);
    assert!(packages.len() > 20, "cargo metadata names the packages");
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        assert!(!banned.contains(&name), "{name} is banned by packaging/deny.toml");
        let licence = package["license"].as_str().unwrap_or_else(|| panic!("{name} names no licence"));
        let expression = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX)
            .unwrap_or_else(|error| panic!("{name}: '{licence}': {error}"));
        let fits = expression.evaluate(|needed| match &needed.license {
            spdx::LicenseItem::Spdx { id, .. } => {
                allowed.contains(&id.name)
                    || exceptions.iter().any(|exception| {
                        exception["crate"].as_str() == Some(name)
                            && strings(&exception["allow"]).contains(&id.name)
                    })
            }
            spdx::LicenseItem::Other { .. } => false,
        });
        assert!(fits, "{name} is under {licence}, which packaging/deny.toml does not allow");
        let source = package["source"].as_str().unwrap_or("registry+ours");
        assert!(source.starts_with("registry+"), "{name} comes from {source}, not from the registry");
    }
}

fn packages(project: &Path) -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(project)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let used: Vec<&serde_json::Value> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|node| &node["id"]).collect();
    let all = metadata["packages"].as_array().unwrap();
    all.iter().filter(|package| used.contains(&&package["id"])).cloned().collect()
}

fn strings(list: &toml::Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}
