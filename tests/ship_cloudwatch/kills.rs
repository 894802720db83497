//! kill -9 and SIGTERM in the middle of every kind of fault: nothing is lost, and at most one batch comes twice.

use std::time::Duration;

use super::super::support::aws::{Fault, Kind};
use super::super::support::journal::until;
use super::Cloud;

#[test]
fn killed_in_the_middle_of_any_fault_it_loses_nothing_and_repeats_one_batch_at_most() {
    let faults = [
        None,
        Some(Kind::Throttle(None)),
        Some(Kind::Failure),
        Some(Kind::Reset),
        Some(Kind::LostReply),
        Some(Kind::Silent),
        Some(Kind::Slow(Duration::from_millis(200))),
        Some(Kind::Page(502)),
        Some(Kind::ExpiredToken),
        Some(Kind::RefuseAll),
    ];
    for (round, fault) in faults.into_iter().enumerate() {
        let cloud = Cloud::new("");
        let mut expected = 0;
        for kill in 0..4_u64 {
            cloud.record(kill * 700..kill * 700 + 700);
            let mut shipper = cloud.ship();
            // Some of it is through, or some of it is under way.
            until("it is at work", || cloud.aws.calls().len() > expected);
            cloud.aws.faults().set(fault.clone().map(|kind| Fault::always(kind).on("PutLogEvents")));
            std::thread::sleep(Duration::from_millis(7 * (kill + 1) * (round as u64 + 1) % 90));
            let before = cloud.duplicates();
            if kill % 2 == 0 {
                shipper.kill();
            } else {
                assert!(shipper.terminate().0.success());
            }
            cloud.aws.faults().clear();
            let mut next = cloud.ship();
            cloud.until_delivered();
            next.terminate();
            let twice = cloud.duplicates() - before;
            // A batch is bounded by its bytes: these have about 2,000 to a batch.
            let is_lost_reply = matches!(fault, Some(Kind::LostReply | Kind::Slow(_)));
            assert!(is_lost_reply || twice <= 2_100, "{fault:?}: {twice} came twice");
            expected = cloud.aws.calls().len();
        }
        cloud.assert_sound();
    }
}
