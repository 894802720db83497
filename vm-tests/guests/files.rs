//! File integrity in a whole system: what root agreed on is what the confined sensor compares with.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use vm_tests::Suite;

use crate::ec2::Ec2;
use crate::figures::tell;

pub(crate) fn the_sensor_tells_what_differs_from_what_root_agreed_on(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    ec2.policy(POLICY);
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

/// An emulated processor hashes a hundredth of what a real one does: of libraries, it is enough to see everything else.
const POLICY: &str = r#"
[ship.cloudwatch]
enabled = true
window = 0
[files]
interval = "15s"
cpu = 100
[[files.rules]]
paths = ["/usr/lib/**", "/boot/**"]
compare = "permissions"
severity = "high"
"#;

/// This kernel can seal files, and the expected digest is worked out here, from the documented format of one block.
pub(crate) fn a_sealed_file_is_known_by_what_the_kernel_measured(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    ec2.guest.write("/root/seal", SEAL);
    ec2.guest.sh(
        "modprobe loop && mkfs.ext4 -q -O verity -b 4096 /srv/disk 16M && mount -o loop /srv/disk /mnt &&
         mkdir -p /mnt/usr/bin && printf sealed > /mnt/usr/bin/file && perl /root/seal /mnt/usr/bin/file &&
         guestward baseline create --root /mnt",
    );
    let shown = ec2.guest.sh("guestward baseline show /usr/bin/file --root /mnt");
    assert!(shown.contains(&format!("sha256:{}", measured(b"sealed"))), "{shown}");
    assert!(ec2.guest.sh("guestward baseline diff --root /mnt").contains("nothing differs"));
    // The same bytes under another seal.
    ec2.guest.sh("cd /mnt/usr/bin && cp -p file new && perl /root/seal new salt && mv new file");
    let told = ec2.guest.try_sh("guestward baseline diff --root /mnt --format json").stdout;
    let told: Value = serde_json::from_str(&told).unwrap();
    let drift = told["entries"].as_array().unwrap().iter().find(|entry| entry["path"] == "/usr/bin/file");
    let fields = drift.unwrap()["fields"].as_array().unwrap();
    assert!(fields.contains(&"verity".into()) && !fields.contains(&"content".into()), "{told:#}");
}

/// What fs-verity makes of a file of one block without a salt: `struct fsverity_descriptor`, hashed.
fn measured(content: &[u8]) -> String {
    let mut block = content.to_vec();
    block.resize(4_096, 0);
    let mut descriptor = vec![1, 1, 12, 0, 0, 0, 0, 0];
    descriptor.extend((content.len() as u64).to_le_bytes());
    descriptor.extend(Sha256::digest(&block));
    descriptor.resize(256, 0);
    Sha256::digest(&descriptor).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of_objects(ec2: &Ec2) -> Vec<Value> {
    let records = ec2.records().into_iter();
    records.filter(|record| record["kind"] == "drift" && record["body"]["about"] == "object").collect()
}

/// FS_IOC_ENABLE_VERITY with `struct fsverity_enable_arg`: SHA-256, blocks of 4 KiB, and the salt of the command line.
const SEAL: &str = r#"
my ($path, $salt) = (@ARGV, "");
my $arg = pack("L L L L P L L Q x88", 1, 1, 4096, length $salt, $salt, 0, 0, 0);
open my $file, "<", $path or die "$path: $!";
ioctl($file, 0x40806685, $arg) or die "$path: $!";
"#;
