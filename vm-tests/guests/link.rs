//! The cable pulled while records flow, for as long as it takes to queue thousands of them (`tests/all --long`).

use std::time::{Duration, Instant};

use vm_tests::Suite;

use crate::ec2::Ec2;
use crate::figures::{is_long, tell};

pub(crate) fn records_wait_for_the_link(suite: Suite) {
    let ec2 = Ec2::installed(suite);
    ec2.guest.link(false);
    let before = ec2.accepted();
    let began = Instant::now();
    ec2.flow();
    let accepted = ec2.guest.wait_for("a queue", Duration::from_secs(900), || {
        let accepted = ec2.accepted();
        (accepted.1 >= before.1 + queued()).then_some(accepted)
    });
    ec2.stop_flow();
    let took = began.elapsed();
    let delivered = ec2.records().len() as u64;
    assert!(delivered <= before.1, "{delivered} records went over a cable that was pulled");
    ec2.guest.link(true);
    let began = Instant::now();
    ec2.until_all_up_to(&accepted);
    tell(&format!(
        "{suite}: {} records queued in {:.0} s, delivered within {:.0} s of the link's return",
        accepted.1 - before.1,
        took.as_secs_f64(),
        began.elapsed().as_secs_f64()
    ));
    ec2.until_delivered();
}

/// Thousands in `tests/all --long`.
fn queued() -> u64 {
    if is_long() { 3000 } else { 300 }
}
