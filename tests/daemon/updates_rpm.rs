//! What rpm and dnf do is one record, and nobody's alarm; what somebody does beside it is.
//!
//! The real rpm, on a database of its own, installs into a folder that lies over /opt. Where the sensor looks, no dpkg is
//! to be seen: /var/lib has rpm's database and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::rig::{Daemon, Rig, SELDOM};
use super::updates::{Alone, alone};
use super::watched::{CHECKS, EVENTS_ALONE, about, event, of_path, succeed};
use crate::support::rpm::{Rpm, What, build};

#[test]
fn an_update_is_one_record_and_no_alarm() {
    let (_alone, rig, sensor) = shop();
    rpm(&rig, "-U", &[package(&rig, "2", "")]);
    let update = update(&rig);
    assert_eq!(update["manager"], "rpm", "{update:#}");
    let packages = update["packages"].as_array().unwrap();
    // What it has no more it had, in whichever version.
    let names: Vec<&Value> = packages.iter().map(|package| &package["package"]).collect();
    assert_eq!(names, ["guestward-shop:noarch", "guestward-shop:noarch 2-1"], "{update:#}");
    // Beside the files a link that leads elsewhere, a mode, and a directory.
    assert_eq!(
        (&packages[1]["count"], &packages[0]["count"]),
        (&(FILES + 3).into(), &1.into()),
        "{update:#}"
    );
    assert_eq!(update["unexplained"], 0, "{update:#}");
    // The copy that lies over /usr/bin/rpm here.
    assert!(update["actor"]["program"]["path"].as_str().unwrap().ends_with("/rpm"), "{update:#}");
    // What somebody had changed stays, and what the package would have put there lies beside it.
    let byproducts = update["byproducts"].as_array().unwrap();
    assert_eq!(byproducts.len(), 1, "{update:#}");
    assert_eq!(byproducts[0]["kind"], "configuration-copies", "{update:#}");
    assert!(objects(&rig).is_empty(), "{:#?}", objects(&rig));

    // A byte beside it is one alarm.
    inside(&rig, "printf x >> /opt/shop/file-3");
    let body = of_path(&rig, Path::new("/opt/shop/file-3"), "new")["body"].clone();
    let records = &body["package"]["records"];
    assert_eq!((&body["explained"], records), (&Value::Null, &"differs".into()), "{body:#}");
    // A mode as well, which rpm records and dpkg does not.
    inside(&rig, "chmod 4755 /opt/shop/file-4");
    let body = of_path(&rig, Path::new("/opt/shop/file-4"), "new")["body"].clone();
    assert_eq!(body["package"]["records"], "differs", "{body:#}");
    // And so is whoever calls himself rpm.
    let by = rig.folder().join("by");
    let line =
        format!("mkdir {0}; cp /usr/bin/cp {0}/rpm; {0}/rpm /etc/hostname /opt/shop/file-5", by.display());
    inside(&rig, &line);
    let body = of_path(&rig, Path::new("/opt/shop/file-5"), "new")["body"].clone();
    let program = body["actor"]["program"]["path"].as_str().unwrap();
    assert!(program.ends_with("/rpm") && program != "/usr/bin/rpm", "{body:#}");
    assert_eq!(objects(&rig).len(), 3, "{:#?}", objects(&rig));
    assert_eq!(about(&rig, "update").len(), 1);
    sensor.stop();
}

#[test]
fn what_an_update_brings_along_and_no_package_records_is_worse_than_a_change() {
    let (_alone, rig, sensor) = shop();
    let script = "echo evil > /opt/shop/planted\necho evil >> /opt/shop/file-1\nchmod 777 /opt/shop/file-2";
    rpm(&rig, "-U", &[package(&rig, "2", script)]);
    let update = update(&rig);
    assert_eq!(update["unexplained"], 3, "{update:#}");
    for (name, drift) in [("planted", "added"), ("file-1", "modified"), ("file-2", "modified")] {
        let body = of_path(&rig, &Path::new("/opt/shop").join(name), "new")["body"].clone();
        assert_eq!((&body["drift"], &body["claims"]), (&drift.into(), &"update".into()), "{body:#}");
        assert!(["high", "critical"].contains(&body["severity"].as_str().unwrap()), "{body:#}");
    }
    assert_eq!(objects(&rig).len(), 3, "{:#?}", objects(&rig));
    sensor.stop();
}

#[test]
fn the_right_content_by_the_wrong_hand_is_told() {
    let (_alone, rig, sensor) = shop();
    let package = package(&rig, "2", "");
    // As an installation would leave it, but by cpio.
    let line = format!(
        "mkdir {0}/out; cd {0}/out && rpm2cpio {1} | cpio --quiet -idm && cp opt/shop/file-5 /opt/shop/file-5",
        rig.folder().display(),
        package.display()
    );
    inside(&rig, &line);
    let body = of_path(&rig, Path::new("/opt/shop/file-5"), "new")["body"].clone();
    assert_eq!(body["explained"], Value::Null, "{body:#}");
    sensor.stop();
}

#[test]
fn a_backdoor_is_told_before_the_update_ends() {
    let (_alone, rig, sensor) = shop();
    let (goes_on, wait) = waiting(&rig);
    let script = format!("cp /bin/true /opt/shop/door\nchmod 4755 /opt/shop/door\n{wait}");
    let package = package(&rig, "2", &script);
    inside(&rig, &format!("{RPM} -U {} > /dev/null 2>&1 < /dev/null &", package.display()));
    let body = of_path(&rig, Path::new("/opt/shop/door"), "new")["body"].clone();
    let (matter, claims, by_manager) = (&body["matter"], &body["claims"], &body["by_manager"]);
    assert_eq!((matter, claims, by_manager), (&"set-id".into(), &"update".into(), &false.into()), "{body:#}");
    assert!(about(&rig, "update").is_empty(), "rpm waits for its script still");
    fs::remove_file(goes_on).unwrap();
    let update = update(&rig);
    assert_eq!(update["unexplained"], 1, "{update:#}");
    assert_eq!(objects(&rig).len(), 1, "{:#?}", objects(&rig));
    sensor.stop();
}

#[test]
fn whoever_is_left_behind_by_an_update_works_for_himself() {
    let (_alone, rig, sensor) = shop();
    let (goes_on, wait) = waiting(&rig);
    let script = format!("({wait}; echo late > /opt/shop/late) > /dev/null 2>&1 < /dev/null &");
    rpm(&rig, "-U", &[package(&rig, "2", &script)]);
    let update = update(&rig);
    assert_eq!(update["unexplained"], 0, "{update:#}");
    fs::remove_file(goes_on).unwrap();
    let body = of_path(&rig, Path::new("/opt/shop/late"), "new")["body"].clone();
    assert_eq!((&body["claims"], &body["explained"]), (&Value::Null, &Value::Null), "{body:#}");
    sensor.stop();
}

#[test]
fn dnf_is_a_script_that_installs_by_itself_and_python_is_no_package_manager() {
    let (_alone, rig, sensor) = shop();
    let package = package(&rig, "2", "");
    // Debian's rpm has its database at home, and so has what dnf loads of it.
    let home = rig.folder().join("home");
    fs::create_dir_all(&home).unwrap();
    std::os::unix::fs::symlink("/var/lib/rpm", home.join(".rpmdb")).unwrap();
    let cache = rig.folder().join("cache");
    inside(
        &rig,
        &format!(
            "HOME={} dnf -y -q --disablerepo='*' --setopt=cachedir={1} --setopt=logdir={1} --setopt=persistdir={1} \
             --setopt=gpgcheck=0 --setopt=localpkg_gpgcheck=0 --disableplugin='*' install {2}",
            home.display(),
            cache.display(),
            package.display()
        ),
    );
    let update = update(&rig);
    assert_eq!((&update["manager"], &update["unexplained"]), (&"rpm".into(), &0.into()), "{update:#}");
    let program = update["actor"]["program"]["path"].as_str().unwrap();
    assert!(program.starts_with("/usr/bin/python3"), "{update:#}");
    assert_eq!(update["byproducts"][0]["kind"], "configuration-copies", "dnf itself wrote it: {update:#}");
    inside(&rig, "python3 -c 'open(\"/opt/shop/file-5\", \"w\").write(\"5 of 2\")'");
    let body = of_path(&rig, Path::new("/opt/shop/file-5"), "new")["body"].clone();
    assert_eq!((&body["claims"], &body["explained"]), (&Value::Null, &Value::Null), "{body:#}");
    assert_eq!(about(&rig, "update").len(), 1);
    sensor.stop();
}

/// A file, and what waits in a script for as long as it is there.
fn waiting(rig: &Rig) -> (PathBuf, String) {
    let goes_on = rig.folder().join("goes-on");
    fs::write(&goes_on, "").unwrap();
    let wait = format!("while [ -e {} ]; do sleep 0.1; done", goes_on.display());
    (goes_on, wait)
}

const FILES: usize = 40;
const RPM: &str = "rpm --dbpath /var/lib/rpm --define '_db_backend sqlite' --nodeps";

/// Version 1 is installed, and agreed on; its configuration was changed before.
/// With programs of its own: that other tests ask rpm things beside it is none of its runs.
fn shop() -> (Alone, Rig, Daemon) {
    let alone = alone();
    let line = "mkdir -p \"$1/lib/rpm\"; mount --bind \"$1/lib\" /var/lib\n\
                mkdir \"$1/opt\"; mount --bind \"$1/opt\" /opt\n\
                for name in rpm dnf-3; do cp -p /usr/bin/$name \"$1/$name\"; mount --bind \"$1/$name\" /usr/bin/$name; done";
    let rig = Rig::with_mounts(CHECKS, "", line);
    let rules = format!(
        "[files]\nbuilt-in-rules = false\n{EVENTS_ALONE}\n[[files.rules]]\nseverity = \"medium\"\n\
         paths = [\"/opt/**\", \"/etc/guestward-shop*\", \"/usr/bin/rpm\", \"/usr/bin/dnf-3\"]\n{SELDOM}"
    );
    rig.write_policy(CHECKS, &rules);
    rpm(&rig, "-i --justdb", &of_managers(&rig));
    rpm(&rig, "-i", &[package(&rig, "1", "")]);
    inside(&rig, "echo mine > /etc/guestward-shop.conf");
    succeed(&rig, &["baseline", "create"]);
    let sensor = rig.start("run");
    event(&rig, "created");
    rig.sensor_until("it watches", |sensor| sensor["files"]["live"]["state"] == "watching");
    rig.sensor_until("the first comparison is over", |sensor| !sensor["files"]["last"].is_null());
    (alone, rig, sensor)
}

/// Packages to which this machine's rpm and dnf belong, as they would on a machine that lives by them.
fn of_managers(rig: &Rig) -> Vec<PathBuf> {
    let of = |name: &str, path: &str| {
        let content = fs::read(path).unwrap();
        Rpm::new(name, "4", "1").entry(path, What::File(content), 0o755, "")
    };
    let packages = [of("rpm", "/usr/bin/rpm"), of("python3-dnf", "/usr/bin/dnf-3")];
    build(&packages, rig.folder())
}

/// As many files, and what runs behind their installation.
fn package(rig: &Rig, version: &str, post: &str) -> PathBuf {
    let mut package = Rpm::new("guestward-shop", version, "1")
        .noarch()
        .config("/etc/guestward-shop.conf", &format!("colour = {version}\n"))
        .link("/opt/shop/current", &format!("file-{version}"))
        .directory("/opt/shop", if version == "1" { 0o755 } else { 0o750 })
        .directory(&format!("/opt/shop/of-{version}"), 0o711);
    for number in 0..FILES {
        package =
            package.file(&format!("/opt/shop/file-{number}"), &format!("{number} of {version}\n"), 0o644);
    }
    if !post.is_empty() {
        package = package.section(&format!("%post -n guestward-shop\n{post}\nexit 0"));
    }
    build(&[package], rig.folder()).remove(0)
}

/// rpm with one package, or several.
fn rpm(rig: &Rig, how: &str, packages: &[PathBuf]) {
    let packages: Vec<String> = packages.iter().map(|path| path.display().to_string()).collect();
    inside(rig, &format!("{RPM} {how} {}", packages.join(" ")));
}

fn inside(rig: &Rig, line: &str) {
    rig.mounts.as_ref().unwrap().shell(line);
}

fn update(rig: &Rig) -> Value {
    rig.record_from(1, "an update", |record| record["body"]["about"] == "update")["body"].clone()
}

fn objects(rig: &Rig) -> Vec<Value> {
    about(rig, "object")
}
