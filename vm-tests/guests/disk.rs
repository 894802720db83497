//! The disk below the journal: full, read-only, failing.

use std::time::Duration;

use vm_tests::Suite;

use crate::ec2::Ec2;

pub(crate) fn a_disk_that_is_full_read_only_or_fails_costs_nothing_that_memory_can_hold(suite: Suite) {
    let ec2 = on_its_own_disk(suite);
    full(&ec2);
    read_only(&ec2);
    failing(&ec2);
}

fn full(ec2: &Ec2) {
    // Everything but what root keeps for itself, and then that, too.
    ec2.guest.sh("fallocate -l 1G /var/lib/guestward/ballast || true
         dd if=/dev/zero of=/var/lib/guestward/rest bs=64k || true; sync");
    break_and_mend(ec2, || {
        ec2.guest.sh("rm /var/lib/guestward/ballast /var/lib/guestward/rest");
    });
}

fn read_only(ec2: &Ec2) {
    // What ext4 does by itself when it finds that its disk cannot be trusted.
    ec2.guest.sh("echo 1 > /sys/fs/ext4/vdc/trigger_fs_error; sleep 1; ! touch /var/lib/guestward/new");
    break_and_mend(ec2, || {
        ec2.guest.sh(BY_HAND);
    });
}

fn failing(ec2: &Ec2) {
    ec2.guest.break_disk(true);
    break_and_mend(ec2, || {
        ec2.guest.break_disk(false);
        // What the kernel holds of a file system whose disk failed is not to be trusted.
        ec2.guest.sh(BY_HAND);
    });
}

/// What an administrator does about a file system that has errors.
const BY_HAND: &str = "systemctl stop guestward guestward-ship; umount /var/lib/guestward; \
    e2fsck -p /dev/vdc || [ $? -lt 4 ]; mount /var/lib/guestward; systemctl start guestward guestward-ship;";

/// The state on the disk that tests may break, as an instance has it on a volume of its own.
fn on_its_own_disk(suite: Suite) -> Ec2 {
    let ec2 = Ec2::installed(suite);
    ec2.guest.sh("systemctl stop guestward guestward-ship
         mkfs.ext4 -q -E lazy_itable_init=0,root_owner=0:0 /dev/vdc 64M
         echo '/dev/vdc /var/lib/guestward ext4 errors=remount-ro 0 0' >> /etc/fstab
         rm -rf /var/lib/guestward/*; mount /var/lib/guestward; systemd-tmpfiles --create guestward.conf
         systemctl start guestward guestward-ship");
    ec2.until_active();
    ec2
}

/// Records while it is broken: the sensor says so and lives; once it is mended everything accepted is in CloudWatch, and
/// what could not be kept is a gap.
fn break_and_mend(ec2: &Ec2, mend: impl FnOnce()) {
    let before = ec2.accepted();
    ec2.flow();
    ec2.guest.wait_for("trouble in the status", Duration::from_secs(300), || {
        let status = ec2.status();
        let trouble = status["sensor"]["trouble"].as_array().is_some_and(|trouble| !trouble.is_empty());
        trouble.then_some(())
    });
    std::thread::sleep(Duration::from_secs(5));
    ec2.stop_flow();
    mend();
    ec2.until_active();
    ec2.guest.wait_for("an end of the trouble", Duration::from_secs(300), || {
        let status = ec2.status();
        let sensor = &status["sensor"];
        let is_well = sensor["trouble"].as_array().is_some_and(Vec::is_empty) && sensor["waiting"] == 0;
        is_well.then_some(())
    });
    let after = ec2.accepted();
    assert!(after.1 > before.1, "nothing was recorded since");
    ec2.until_all_up_to(&after);
}
