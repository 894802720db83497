//! Changes as they happen, in a whole system: the confined sensor, a real kernel, a real init, and real packages.

use serde_json::Value;
use vm_tests::Suite;

use crate::ec2::{Ec2, UP};
use crate::figures::tell;

/// Every way to change a file that a machine has, and the record that comes of it: with the unit and the program of who did
/// it, from a sensor that is nobody.
pub(crate) fn whoever_changes_a_file_is_named(suite: Suite) {
    let ec2 = watching(suite);
    // Only /proc tells the unit, and only of who is still there when the sensor looks.
    ec2.guest.sh("systemd-run --quiet --unit=intruder sh -c \
         'echo toor:x:0:0::/:/bin/sh >> /etc/passwd; until [ -e /run/told ]; do sleep 0.2; done'");
    let body = of_path(&ec2, "/etc/passwd");
    assert_eq!((&body["drift"], &body["seen"]), (&"modified".into(), &"event".into()), "{body:#}");
    assert_eq!(
        (&body["actor"]["unit"], &body["actor"]["uid"]),
        (&"intruder.service".into(), &0.into()),
        "{body:#}"
    );
    assert_eq!(body["actor"]["program"]["package"], "dash:amd64", "{body:#}");
    ec2.guest.sh("touch /run/told");
    // Of who is gone by then, the kernel's queues have told this much.
    ec2.guest.sh("systemd-run --quiet --wait --unit=brief sh -c 'echo x > /etc/brief'");
    let actor = &of_path(&ec2, "/etc/brief")["actor"];
    assert_eq!((&actor["uid"], &actor["program"]["package"]), (&0.into(), &"dash:amd64".into()), "{actor:#}");
    ec2.guest.write("/root/evade", EVADE);
    ec2.guest.sh("perl /root/evade");
    for (path, drift, matter) in [
        ("/etc/replaced", "modified", Value::Null),
        ("/etc/left", "modified", Value::Null),
        ("/etc/right", "modified", Value::Null),
        ("/etc/linked", "modified", Value::Null),
        ("/etc/bound", "modified", Value::Null),
        ("/etc/moved/one", "removed", Value::Null),
        ("/usr/local/bin/x", "added", "set-id".into()),
        ("/root/.ssh/authorized_keys", "added", "authorized-keys".into()),
        ("/etc/systemd/system/x.service", "added", "unit".into()),
        ("/etc/ld.so.preload", "added", "preload".into()),
        ("/etc/cron.d/x", "added", "cron".into()),
    ] {
        let body = of_path(&ec2, path);
        assert_eq!((&body["drift"], &body["matter"]), (&drift.into(), &matter), "{body:#}");
        assert_eq!(body["actor"]["uid"], 0, "{body:#}");
    }
    // What gives no event is swept up.
    ec2.guest.sh("chattr +i /etc/flagged");
    let body = of_path(&ec2, "/etc/flagged");
    assert_eq!(
        (&body["fields"], &body["seen"]),
        (&serde_json::json!(["flags"]), &"sweep".into()),
        "{body:#}"
    );
    ec2.guest.sh("chattr -i /etc/flagged");
    ec2.guest.sh("mount -t tmpfs none /etc/security");
    let over = ec2.until_record("a mount", |record| record["body"]["detection"] == "mount-over");
    assert_eq!((&over["body"]["path"], &over["body"]["kind"]), (&"/etc/security".into(), &"tmpfs".into()));
    ec2.guest.sh("umount /etc/security");
    in_a_container(&ec2, suite);
    killed(&ec2);
}

/// What a container writes to a file of its overlay, the host sees on the upper directory from Linux 6.5 on; before, doctor
/// says so, and the sweep finds it.
fn in_a_container(ec2: &Ec2, suite: Suite) {
    ec2.guest.sh("mkdir -p /srv/merged /srv/work && modprobe overlay && mount -t overlay none \
         -o lowerdir=/usr/share/doc,upperdir=/srv/upper,workdir=/srv/work /srv/merged && \
         unshare --mount --pid --fork sh -c 'echo x >> /srv/merged/by-a-container'");
    let body = of_path(ec2, "/srv/upper/by-a-container");
    let is_seen = suite == Suite::Trixie;
    let wanted = if is_seen { "event" } else { "sweep" };
    assert_eq!((&body["drift"], &body["seen"]), (&"modified".into(), &wanted.into()), "{body:#}");
}

/// The service manager keeps the queue: what happens while nobody lives is told by whom, too.
fn killed(ec2: &Ec2) {
    ec2.guest.sh("systemctl kill --signal=KILL guestward; echo x > /etc/while-dead");
    let body = of_path(ec2, "/etc/while-dead");
    assert_eq!(body["drift"], "added", "{body:#}");
    ec2.until_active();
    ec2.guest.sh("echo x > /etc/afterwards");
    let body = of_path(ec2, "/etc/afterwards");
    assert_eq!(body["seen"], "event", "{body:#}");
}

/// A hundred packages at once are one record and no alarm; whoever calls himself dpkg is one.
pub(crate) fn patch_day_is_one_record(suite: Suite) {
    let ec2 = watching(suite);
    ec2.guest.write("/root/packages", PACKAGES);
    ec2.guest.sh("perl /root/packages 1 && dpkg -i /root/debs/*_1_all.deb > /dev/null");
    // What was not agreed on before is explained as well: these came by dpkg, too.
    let first = update(&ec2, 1);
    // Four files and their directory each.
    assert_eq!((&first["added"], &first["unexplained"]), (&500.into(), &0.into()), "{first:#}");
    ec2.guest.sh("perl /root/packages 2 && dpkg -i /root/debs/*_2_all.deb > /dev/null");
    let second = update(&ec2, 2);
    assert_eq!(second["packages"].as_array().map(Vec::len), Some(100), "{second:#}");
    assert_eq!((&second["unexplained"], &second["manager"]), (&0.into(), &"dpkg".into()), "{second:#}");
    // Root's own folder is watched as well, and there they were made.
    let is_root = |body: &Value| body["path"].as_str().is_some_and(|path| path.starts_with("/root/"));
    let alarms: Vec<Value> = objects(&ec2).into_iter().filter(|body| !is_root(body)).collect();
    assert!(alarms.is_empty(), "{alarms:#?}");
    ec2.guest.sh(
        "mkdir /root/bin && cp /bin/cp /root/bin/dpkg && /root/bin/dpkg /etc/hostname /usr/share/p7/file1",
    );
    let body = of_path(&ec2, "/usr/share/p7/file1");
    assert_eq!(body["actor"]["program"]["path"], "/root/bin/dpkg", "{body:#}");
    let of_it = objects(&ec2).into_iter().filter(|body| body["path"] == "/usr/share/p7/file1").count();
    assert_eq!(of_it, 1);
}

/// More happens than the kernel queues while the sensor cannot look: it says so, and finds what matters. The queue is made
/// small, for an emulated processor; `tests/bench-live flood --long` does it with a million files and the usual one.
pub(crate) fn a_flood_hides_nothing(suite: Suite) {
    let ec2 = watching(suite);
    // Stopped for good, so that the service manager does not keep the queue that there is.
    ec2.guest.sh("sysctl -q -w fs.fanotify.max_queued_events=4096 && systemctl stop guestward && systemctl start guestward");
    until_it_watches(&ec2);
    ec2.guest.write("/root/flood", FLOOD);
    ec2.guest.sh(
        "systemctl kill --signal=STOP guestward; perl /root/flood 20000; echo x > /etc/needle; systemctl kill --signal=CONT guestward",
    );
    let gap =
        ec2.until_record("a gap", |record| record["kind"] == "gap" && record["body"]["cause"] == "overload");
    assert!(!gap["body"]["unwatched"]["why"].is_null(), "{gap:#}");
    of_path(&ec2, "/etc/needle");
    ec2.guest.wait_for("everything is counted", UP, || {
        let files = ec2.status()["sensor"]["files"].clone();
        (files["last"]["differ"].as_u64() >= Some(10_000)).then_some(())
    });
    let memory = ec2.guest.sh("systemctl show -p MemoryPeak -p MemoryCurrent guestward");
    tell(&format!("{suite}: after 20000 files: {}", memory.replace('\n', " ")));
}

fn watching(suite: Suite) -> Ec2 {
    let ec2 = Ec2::installed(suite);
    ec2.policy(POLICY);
    ec2.guest.sh("mkdir -p /srv/upper /etc/moved /root/.ssh && echo x > /srv/upper/by-a-container && cd /etc && for name in replaced left right linked bound flagged moved/one; \
         do echo $name > $name; done; systemctl restart guestward");
    ec2.until_posture();
    let told = ec2.guest.sh("guestward baseline create");
    tell(&format!("{suite}: {}", told.lines().next().unwrap_or_default()));
    ec2.until_record("a baseline", |record| record["body"]["change"] == "created");
    until_it_watches(&ec2);
    ec2
}

fn until_it_watches(ec2: &Ec2) {
    ec2.guest.wait_for("the watch", UP, || {
        let files = ec2.status()["sensor"]["files"].clone();
        (files["live"]["state"] == "watching" && !files["last"].is_null()).then_some(())
    });
}

/// An emulated processor hashes a hundredth of what a real one does.
const POLICY: &str = r#"
[ship.cloudwatch]
enabled = true
window = 0
[files]
sweep = "15s"
cpu = 100
[[files.rules]]
paths = ["/usr/lib/**", "/usr/share/**", "/boot/**"]
compare = "permissions"
severity = "medium"
[[files.rules]]
paths = ["/usr/share/p*/**", "/srv/upper/**", "/usr/bin/dpkg"]
severity = "medium"
"#;

fn of_path(ec2: &Ec2, path: &str) -> Value {
    let record = ec2.until_record(path, |record| {
        record["kind"] == "drift" && record["body"]["path"] == path && record["body"]["change"] != "reverted"
    });
    record["body"].clone()
}

/// The update with this number.
fn update(ec2: &Ec2, number: usize) -> Value {
    let updates = || -> Vec<Value> {
        let records = ec2.records().into_iter();
        records
            .filter(|record| record["body"]["about"] == "update")
            .map(|record| record["body"].clone())
            .collect()
    };
    ec2.guest.wait_for("an update", UP, || updates().get(number - 1).cloned())
}

fn objects(ec2: &Ec2) -> Vec<Value> {
    let records = ec2.records().into_iter();
    records
        .filter(|record| record["kind"] == "drift" && record["body"]["about"] == "object")
        .map(|record| record["body"].clone())
        .collect()
}

/// renameat2 with RENAME_EXCHANGE has number 316 on x86-64.
const EVADE: &str = r##"
use strict;
sub put { my ($path, $text) = @_; open my $file, ">", $path or die "$path: $!"; print $file $text; close $file }
put("/root/new", "new"); rename "/root/new", "/etc/replaced" or die;
my ($left, $right) = ("/etc/left", "/etc/right");
syscall(316, -100, $left, -100, $right, 2) == 0 or die "exchange: $!";
link "/etc/linked", "/root/alias" or die; put("/root/alias", "by another name");
rename "/etc/moved", "/root/moved" or die;
system("cp /bin/true /usr/local/bin/x && chmod 4755 /usr/local/bin/x") == 0 or die;
put("/root/.ssh/authorized_keys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVzZWxlc3N1c2VsZXNzdXNlbGVzc3VzZWxlc3N1c2U x\n");
put("/etc/systemd/system/x.service", "[Service]\nExecStart=/bin/true\n");
put("/etc/ld.so.preload", "");
put("/etc/cron.d/x", "# nothing\n");
# A mount namespace that nobody else sees, in which another name leads to the same file.
system("unshare", "--mount", "sh", "-c", "touch /root/place; mount --bind /etc/bound /root/place; echo x >> /root/place") == 0 or die;
"##;

/// A hundred packages with four files each.
const PACKAGES: &str = r#"
use strict;
my ($version) = @ARGV;
mkdir "/root/debs";
for my $number (1 .. 100) {
  my $tree = "/root/tree/p$number";
  system("mkdir -p $tree/DEBIAN $tree/usr/share/p$number") == 0 or die;
  open my $control, ">", "$tree/DEBIAN/control" or die;
  print $control "Package: p$number\nVersion: $version\nArchitecture: all\nMaintainer: Nobody <nobody\@example.com>\nDescription: p\n";
  close $control;
  for my $file (1 .. 4) {
    open my $out, ">", "$tree/usr/share/p$number/file$file" or die;
    print $out "$number $file $version\n";
  }
  system("cd $tree && md5sum usr/share/p$number/* > DEBIAN/md5sums && dpkg-deb --root-owner-group -Znone --build . /root/debs/p${number}_${version}_all.deb > /dev/null") == 0 or die;
}
"#;

const FLOOD: &str = r#"
use strict;
my ($count) = @ARGV;
mkdir "/srv/upper/flood";
for my $number (1 .. $count) { open my $file, ">", "/srv/upper/flood/$number" or die; }
for my $number (1 .. $count / 2) { unlink "/srv/upper/flood/$number" or die; }
"#;
