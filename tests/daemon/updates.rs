//! What a package manager does is one record, and nobody's alarm; what somebody does beside it is.
//!
//! The real dpkg, on a copy of its database, installs into a folder that lies over /opt, where nobody else sees it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::rig::{Daemon, Rig, SELDOM};
use super::watched::{CHECKS, EVENTS_ALONE, about, event, of_path, succeed};

#[test]
fn an_update_is_one_record_and_no_alarm() {
    let (_alone, rig, sensor) = shop("");
    dpkg(&rig, &package(&rig, "2", ""));
    let update = update(&rig);
    assert_eq!(update["manager"], "dpkg", "{update:#}");
    let packages = update["packages"].as_array().unwrap();
    assert_eq!((packages.len(), &packages[0]["package"]), (1, &"guestward-shop:all 2".into()), "{update:#}");
    assert_eq!((&packages[0]["count"], &update["modified"]), (&FILES.into(), &FILES.into()), "{update:#}");
    assert_eq!(update["unexplained"], 0, "{update:#}");
    assert_eq!(update["actor"]["program"]["path"], "/usr/bin/dpkg", "{update:#}");
    assert!(objects(&rig).is_empty(), "{:#?}", objects(&rig));

    // A byte beside it is one alarm.
    let file = Path::new("/opt/shop/file-3");
    inside(&rig, "printf x >> /opt/shop/file-3");
    let body = of_path(&rig, file, "new")["body"].clone();
    assert_eq!(
        (&body["explained"], &body["package"]["records"]),
        (&Value::Null, &"differs".into()),
        "{body:#}"
    );
    assert_eq!(objects(&rig).len(), 1, "{:#?}", objects(&rig));
    // And so is whoever calls himself dpkg.
    inside(
        &rig,
        &format!(
            "mkdir {0}/by; cp /usr/bin/cp {0}/by/dpkg; {0}/by/dpkg /etc/hostname /opt/shop/file-4",
            rig.folder().display()
        ),
    );
    let body = of_path(&rig, Path::new("/opt/shop/file-4"), "new")["body"].clone();
    let program = body["actor"]["program"]["path"].as_str().unwrap();
    assert!(program.ends_with("/dpkg") && program != "/usr/bin/dpkg", "{body:#}");
    assert_eq!(objects(&rig).len(), 2, "{:#?}", objects(&rig));
    assert_eq!(about(&rig, "update").len(), 1);
    sensor.stop();
}

#[test]
fn what_an_update_brings_along_and_no_package_records_is_worse_than_a_change() {
    let (_alone, rig, sensor) = shop("");
    dpkg(
        &rig,
        &package(&rig, "2", "#!/bin/sh\necho evil > /opt/shop/planted\necho evil >> /opt/shop/file-1\n"),
    );
    let update = update(&rig);
    assert_eq!(update["unexplained"], 2, "{update:#}");
    for (name, drift) in [("planted", "added"), ("file-1", "modified")] {
        let body = of_path(&rig, &Path::new("/opt/shop").join(name), "new")["body"].clone();
        assert_eq!((&body["drift"], &body["claims"]), (&drift.into(), &"update".into()), "{body:#}");
        assert!(["high", "critical"].contains(&body["severity"].as_str().unwrap()), "{body:#}");
    }
    assert_eq!(objects(&rig).len(), 2, "{:#?}", objects(&rig));
    sensor.stop();
}

#[test]
fn the_right_content_by_the_wrong_hand_is_told() {
    let (_alone, rig, sensor) = shop("");
    let deb = package(&rig, "2", "");
    // As an installation would leave it, but by tar.
    let line = format!(
        "cd {0} && dpkg-deb -x {1} out && cp out/opt/shop/file-5 /opt/shop/file-5",
        rig.folder().display(),
        deb.display()
    );
    inside(&rig, &line);
    let body = of_path(&rig, Path::new("/opt/shop/file-5"), "new")["body"].clone();
    assert_eq!(body["explained"], Value::Null, "{body:#}");
    sensor.stop();
}

#[test]
fn a_backdoor_is_told_before_the_update_ends() {
    let (_alone, rig, sensor) = shop("");
    let (goes_on, wait) = waiting(&rig);
    let script = format!("#!/bin/sh\ncp /bin/true /opt/shop/door\nchmod 4755 /opt/shop/door\n{wait}\n");
    let deb = package(&rig, "2", &script);
    inside(&rig, &format!("dpkg --log=/dev/null -i {} > /dev/null 2>&1 < /dev/null &", deb.display()));
    let body = of_path(&rig, Path::new("/opt/shop/door"), "new")["body"].clone();
    let (matter, claims, by_manager) = (&body["matter"], &body["claims"], &body["by_manager"]);
    assert_eq!((matter, claims, by_manager), (&"set-id".into(), &"update".into(), &false.into()), "{body:#}");
    assert!(about(&rig, "update").is_empty(), "dpkg waits for its script still");
    fs::remove_file(goes_on).unwrap();
    let update = update(&rig);
    assert_eq!((&update["unexplained"], &update["modified"]), (&1.into(), &FILES.into()), "{update:#}");
    assert_eq!(objects(&rig).len(), 1, "{:#?}", objects(&rig));
    sensor.stop();
}

#[test]
fn whoever_is_left_behind_by_an_update_works_for_himself() {
    let (_alone, rig, sensor) = shop("");
    let (goes_on, wait) = waiting(&rig);
    let script = format!("#!/bin/sh\n({wait}; echo late > /opt/shop/late) > /dev/null 2>&1 < /dev/null &\n");
    dpkg(&rig, &package(&rig, "2", &script));
    let update = update(&rig);
    assert_eq!((&update["unexplained"], &update["modified"]), (&0.into(), &FILES.into()), "{update:#}");
    fs::remove_file(goes_on).unwrap();
    let body = of_path(&rig, Path::new("/opt/shop/late"), "new")["body"].clone();
    assert_eq!((&body["claims"], &body["explained"]), (&Value::Null, &Value::Null), "{body:#}");
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

/// Version 1 is installed, and agreed on.
/// A sensor hears of every process there is, so another test's package manager would join the run of this one's.
pub(super) type Alone = std::sync::MutexGuard<'static, ()>;

pub(super) fn alone() -> Alone {
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn shop(more: &str) -> (Alone, Rig, Daemon) {
    let alone = alone();
    let line = "cp -a /var/lib/dpkg \"$1/dpkg\"; mount --bind \"$1/dpkg\" /var/lib/dpkg\n\
                mkdir \"$1/opt\"; mount --bind \"$1/opt\" /opt";
    let rig = Rig::with_mounts(CHECKS, "", line);
    let rules = format!(
        "[files]\nbuilt-in-rules = false\n{EVENTS_ALONE}\n[[files.rules]]\nseverity = \"medium\"\n\
         paths = [\"/opt/**\", \"/usr/bin/dpkg\", \"/usr/bin/apt-get\"]\n{SELDOM}{more}"
    );
    rig.write_policy(CHECKS, &rules);
    dpkg(&rig, &package(&rig, "1", ""));
    succeed(&rig, &["baseline", "create"]);
    let sensor = rig.start("run");
    event(&rig, "created");
    rig.sensor_until("it watches", |sensor| sensor["files"]["live"]["state"] == "watching");
    rig.sensor_until("the first comparison is over", |sensor| !sensor["files"]["last"].is_null());
    (alone, rig, sensor)
}

/// A package with as many files, and what runs behind their installation.
fn package(rig: &Rig, version: &str, postinst: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let tree = rig.folder().join(format!("shop-{version}"));
    let control = format!(
        "Package: guestward-shop\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.com>\nDescription: a shop\n"
    );
    fs::create_dir_all(tree.join("DEBIAN")).unwrap();
    fs::create_dir_all(tree.join("opt/shop")).unwrap();
    fs::write(tree.join("DEBIAN/control"), control).unwrap();
    for number in 0..FILES {
        fs::write(tree.join(format!("opt/shop/file-{number}")), format!("{number} of {version}\n")).unwrap();
    }
    if !postinst.is_empty() {
        fs::write(tree.join("DEBIAN/postinst"), postinst).unwrap();
        fs::set_permissions(tree.join("DEBIAN/postinst"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let deb = rig.folder().join(format!("shop_{version}.deb"));
    let sums = "cd \"$1\" && find opt -type f | xargs md5sum > DEBIAN/md5sums && \
                dpkg-deb --root-owner-group --build . \"$2\"";
    let built = Command::new("sh").args(["-c", sums, "sh"]).arg(&tree).arg(&deb).output().unwrap();
    assert!(built.status.success(), "{built:?}");
    deb
}

fn dpkg(rig: &Rig, deb: &Path) {
    inside(rig, &format!("dpkg --log=/dev/null --force-confold -i {}", deb.display()));
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
