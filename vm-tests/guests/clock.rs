//! A clock that is days off.

use std::time::{Duration, SystemTime};

use vm_tests::Suite;

use crate::ec2::Ec2;

pub(crate) fn two_days_back_and_a_year_ahead(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    // It would mend what we break.
    ec2.guest.sh("systemctl stop systemd-timesyncd");
    let now = SystemTime::now();
    for time in [now - 2 * DAY, now + 365 * DAY, SystemTime::now()] {
        ec2.guest.set_clock(time);
        let before = ec2.accepted();
        ec2.flow();
        let accepted = ec2.guest.wait_for("records", Duration::from_secs(300), || {
            let accepted = ec2.accepted();
            (accepted.1 >= before.1 + 20).then_some(accepted)
        });
        ec2.stop_flow();
        ec2.until_all_up_to(&accepted);
    }
    ec2.until_delivered();
}

const DAY: Duration = Duration::from_secs(86_400);
