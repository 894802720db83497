//! Records that CloudWatch Logs does not take: too old, too new, expired. Each is sent otherwise, or accounted for.

use guestward::finding::wire::record::Hash;
use jiff::SignedDuration;

use super::super::support::aws::{Fault, Kind};
use super::super::support::journal::until;
use super::{Cloud, GROUP, REGION, cursor, notes};

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

#[test]
fn a_host_that_was_offline_for_fifteen_days_delivers_everything_under_the_present_time() {
    let cloud = Cloud::new("");
    cloud.record_past(15 * 24, SignedDuration::ZERO);
    let _shipper = cloud.ship();
    cloud.until_delivered();
    cloud.assert_sound();
    assert!(notes(&cloud.events()).is_empty());
    assert_eq!(cloud.duplicates(), 0);
    assert_eq!(cloud.events().len(), cloud.lines().len());
}

#[test]
fn or_sums_up_what_is_too_old_in_one_digest_that_names_each_seq() {
    let cloud = Cloud::new("too-old = \"digest\"");
    cloud.record_past(16 * 24, SignedDuration::ZERO);
    let _shipper = cloud.ship();
    cloud.until_delivered();
    until("the cursor is behind all of them", || cursor(&cloud) == Some(cloud.lines().len() as u64));
    cloud.assert_sound();
    let (events, lines) = (cloud.events(), cloud.lines());
    let notes = notes(&events);
    assert_eq!(notes.len(), 1, "{notes:?}");
    let run = notes[0].run;
    let old = lines.iter().skip_while(|line| line.contains("lifecycle")).count();
    assert!(run.to >= run.from && old > 0);
    assert_eq!(notes[0].lost.iter().map(|lost| lost.count).sum::<u64>(), run.to - run.from + 1);
    let summed = &lines[usize::try_from(run.from).unwrap() - 1..usize::try_from(run.to).unwrap()];
    let hashes: Vec<u8> = summed.iter().flat_map(|line| Hash::of(line.as_bytes()).0).collect();
    assert_eq!(notes[0].sha256, Hash::of(&hashes));
    assert_eq!(events.len() as u64, lines.len() as u64 - (run.to - run.from + 1) + 1);
}

#[test]
fn a_group_that_keeps_a_day_teaches_what_is_too_old_and_gets_the_rest_once() {
    for too_old in ["send-now", "digest"] {
        let cloud = Cloud::new(&format!("too-old = \"{too_old}\""));
        cloud.aws.group(GROUP).retention_days(1);
        cloud.record_past(5 * 24, SignedDuration::ZERO);
        let _shipper = cloud.ship();
        cloud.until_delivered();
        cloud.assert_sound();
        assert_eq!(cloud.duplicates(), 0, "{too_old}: none of the accepted is sent again");
        assert_eq!(notes(&cloud.events()).is_empty(), too_old == "send-now");
    }
}

#[test]
fn indexes_that_cannot_be_lose_nothing() {
    let cloud = Cloud::new("");
    cloud.record(0..200);
    cloud.aws.faults().set([Fault::always(Kind::WrongIndexes).on("PutLogEvents")]);
    let _shipper = cloud.ship();
    until("it tries again", || cloud.puts() >= 3);
    cloud.aws.faults().clear();
    cloud.until_delivered();
    cloud.assert_sound();
    until("the cursor follows", || cursor(&cloud) == Some(cloud.lines().len() as u64));
}

#[test]
fn times_that_go_back_and_forth_keep_the_order() {
    let cloud = Cloud::new("");
    for ago in [3, 1, 10, 2, 0, 5] {
        cloud.record_past(3, days(ago));
    }
    let _shipper = cloud.ship();
    cloud.until_delivered();
    cloud.assert_sound();
    assert_eq!(cloud.duplicates(), 0);
    let messages: Vec<String> = cloud.events().into_iter().map(|event| event.message).collect();
    assert_eq!(messages, cloud.lines());
}

#[test]
fn after_it_all_the_proof_over_the_log_group_agrees() {
    let cloud = Cloud::new("too-old = \"digest\"\nstream = \"one\"");
    cloud.aws.group(GROUP).stream("one");
    cloud.record_past(16 * 24, SignedDuration::ZERO);
    cloud.record(1000..1400);
    cloud.aws.faults().set([
        Fault::times(1, Kind::LostReply).on("PutLogEvents"),
        Fault::times(2, Kind::Throttle(None)),
        Fault::always(Kind::Poison("\\\"n\\\":1203,")),
    ]);
    let mut shipper = cloud.ship();
    cloud.until_delivered();
    until("the cursor is behind all of them", || cursor(&cloud) == Some(cloud.lines().len() as u64));
    assert!(shipper.terminate().0.success());
    cloud.assert_sound();
    cloud.aws.faults().clear();
    let verify = ["journal", "verify", "--log-group", GROUP, "--region", REGION, "--format", "json"];
    let output = cloud.command(&verify).output().unwrap();
    let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{why}");
    for cause in ["too-old", "refused"] {
        assert!(said.contains(&format!("\"{cause}\"")), "{cause} is told: {said}");
    }
}
