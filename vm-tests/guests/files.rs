//! File integrity in a whole system: what root agreed on is what the confined sensor compares with.

use serde_json::Value;
use vm_tests::Suite;

use crate::ec2::Ec2;
use crate::figures::tell;

pub(crate) fn the_sensor_tells_what_differs_from_what_root_agreed_on(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    let policy = "[ship.cloudwatch]\nenabled = true\nwindow = 0\n[files]\ninterval = \"15s\"\ncpu = 100\n";
    ec2.policy(policy);
    ec2.guest.sh("systemctl restart guestward");
    ec2.until_posture();
    // The sensor notices by itself.
    let told = ec2.guest.sh("guestward baseline create");
    tell(&format!("{suite}: {}", told.lines().next().unwrap_or_default()));
    ec2.until_record("a baseline", |record| record["body"]["change"] == "created");
    // With the eyes of the sensor nothing differs either.
    let compared = ec2.guest.wait_for("a comparison", crate::ec2::UP, || {
        let status = ec2.status();
        let last = status["sensor"]["files"]["last"].clone();
        (!last.is_null()).then_some(last)
    });
    tell(&format!("{suite}: the sensor's comparison: {compared}"));
    let drifts: Vec<Value> = of_objects(&ec2);
    assert!(drifts.is_empty(), "{drifts:#?}");

    ec2.guest.sh("chmod 4755 /usr/bin/find; echo 'x:x:0:0::/:/bin/sh' >> /etc/passwd; rm /usr/bin/head");
    for (path, drift) in
        [("/usr/bin/find", "modified"), ("/etc/passwd", "modified"), ("/usr/bin/head", "removed")]
    {
        let record =
            ec2.until_record(path, |record| record["kind"] == "drift" && record["body"]["path"] == path);
        assert_eq!(record["body"]["drift"], drift, "{record:#}");
    }
    ec2.guest.sh("guestward baseline accept --all --reason 'as it should be'");
    let accepted = ec2.until_record("an acceptance", |record| record["body"]["about"] == "acceptance");
    assert_eq!(accepted["body"]["why"], "as it should be", "{accepted:#}");
    let posture =
        ec2.guest.try_sh("guestward check files-integrity-checked files-drift --format json").stdout;
    let posture: Value = serde_json::from_str(&posture).unwrap();
    assert_eq!(posture["summary"]["fail"], 0, "{posture:#}");
}

fn of_objects(ec2: &Ec2) -> Vec<Value> {
    let records = ec2.records().into_iter();
    records.filter(|record| record["kind"] == "drift" && record["body"]["about"] == "object").collect()
}
