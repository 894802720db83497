//! Clocks that are wrong, and when a record is sent.

use std::time::{Duration, Instant};

use guestward::finding::Severity;
use jiff::{SignedDuration, Timestamp};

use super::super::support::journal::{drafts, until};
use super::{Cloud, SOON, cursor, missing};

const DAY: i64 = 24 * 3_600_000;

#[test]
fn a_host_whose_clock_is_twenty_days_off_delivers_under_the_servers_time() {
    for offset in [20 * DAY, -20 * DAY] {
        let cloud = Cloud::new("");
        cloud.aws.clock_offset(offset);
        cloud.record(0..50);
        let _shipper = cloud.ship();
        cloud.until_delivered();
        cloud.assert_sound();
        let server = Timestamp::now().as_millisecond() + offset;
        for event in cloud.events() {
            assert!((event.timestamp - server).abs() < 600_000, "{} against {server}", event.timestamp);
        }
        assert_eq!(cloud.duplicates(), 0);
    }
}

#[test]
fn a_clock_that_jumps_while_records_wait_leaves_each_where_it_can_be() {
    let cloud = Cloud::new("");
    // Made under a clock that was twenty days ahead, then under one that is right.
    let mut all = drafts(0..40, Severity::Low);
    for draft in &mut all[..20] {
        draft.time = Timestamp::now() + SignedDuration::from_hours(20 * 24);
    }
    cloud.append(all);
    let _shipper = cloud.ship();
    cloud.until_delivered();
    cloud.assert_sound();
    cloud.aws.clock_offset(-20 * DAY);
    cloud.record(40..60);
    cloud.until_delivered();
    cloud.aws.clock_offset(0);
    cloud.record(60..80);
    cloud.until_delivered();
    cloud.assert_sound();
    until("the cursor follows", || cursor(&cloud) == Some(cloud.lines().len() as u64));
}

#[test]
fn what_is_urgent_goes_at_once_and_takes_along_what_waits_before_it() {
    let cloud = Cloud::new("window = \"1h\"");
    cloud.record(0..5);
    let _shipper = cloud.ship();
    until("the shipper is there", || cloud.state.path().join("cursors/lock").exists());
    std::thread::sleep(Duration::from_secs(3));
    // Its moment may be now: one host in a thousand.
    let before = cloud.events().len();
    let asked = Instant::now();
    cloud.append(drafts(5..6, Severity::Critical));
    cloud.until_delivered();
    cloud.assert_sound();
    assert!(asked.elapsed() < Duration::from_secs(30));
    assert!(before == 0 || before == 6, "{before} of those that may wait");
}

#[test]
fn what_waits_for_its_moment_is_sent_when_the_machine_goes_down() {
    let cloud = Cloud::new("window = \"1h\"");
    // A machine that is busy may not get through in the time that there is: then it stays in the journal, as always.
    let is_sent = (0..5).any(|round| {
        cloud.append(drafts(round * 10..round * 10 + 1, Severity::Critical));
        let mut shipper = cloud.ship();
        cloud.until_delivered();
        cloud.record(round * 10 + 1..round * 10 + 5);
        std::thread::sleep(Duration::from_secs(3));
        let (status, took) = shipper.terminate();
        assert!(status.success() && took < SOON, "{status} after {took:?}");
        missing(&cloud.lines(), &cloud.events()).is_empty()
    });
    assert!(is_sent, "not once in five times");
    assert_eq!(cloud.duplicates(), 0);
}
