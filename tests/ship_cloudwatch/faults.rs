//! Whatever stands between the agent and AWS: cut, slow, lying, refusing. Afterwards everything is there, once or more.

use std::time::{Duration, Instant};

use super::super::support::aws::{Fault, Kind};
use super::super::support::journal::until;
use super::{Cloud, GROUP, SOON, cursor, notes};

/// Every fault that a network or a server can have, with what it may cost.
fn faults() -> Vec<(&'static str, Kind)> {
    vec![
        ("throttled", Kind::Throttle(None)),
        ("throttled, with a time", Kind::Throttle(Some(1))),
        ("its own failure", Kind::Failure),
        ("unavailable", Kind::Unavailable),
        ("reset before it is done", Kind::Reset),
        ("a lost reply", Kind::LostReply),
        ("a page in place of an answer", Kind::Page(502)),
        ("a page that says yes", Kind::Page(200)),
        ("a page that refuses", Kind::Page(400)),
        ("an answer that ends too early", Kind::Cut),
        ("JSON without an end", Kind::Truncated),
        ("an endless answer", Kind::Huge),
        ("nothing, with 200", Kind::Empty),
        ("an expired token", Kind::ExpiredToken),
        ("everything is refused for good", Kind::RefuseAll),
        ("no permission", Kind::Refuse(400, "AccessDeniedException", "not authorized")),
        ("an error that nobody knows", Kind::Refuse(400, "MoonException", "it is full")),
        ("too large for somebody in between", Kind::Refuse(413, "RequestEntityTooLarge", "")),
    ]
}

#[test]
fn after_any_fault_every_record_is_there_unaltered_and_in_order() {
    std::thread::scope(|scope| {
        for (what, kind) in faults() {
            scope.spawn(move || {
                let cloud = Cloud::new("");
                cloud.record(0..300);
                cloud.aws.faults().set([Fault::always(kind.clone())]);
                let _shipper = cloud.ship();
                until(&format!("{what}: it tries again"), || cloud.aws.calls().len() >= 3);
                cloud.record(300..400);
                cloud.aws.faults().clear();
                cloud.until_delivered();
                cloud.assert_sound();
                let notes = notes(&cloud.events());
                assert!(notes.is_empty(), "{what}: nothing was given up, and yet there is {notes:?}");
                if !matches!(kind, Kind::LostReply | Kind::Cut | Kind::Truncated) {
                    assert_eq!(cloud.duplicates(), 0, "{what}: nothing was taken twice");
                }
            });
        }
    });
}

#[test]
fn a_lost_reply_costs_one_batch_of_byte_identical_duplicates() {
    let cloud = Cloud::new("stream = \"one\"");
    // So that the first call is the one whose events are kept.
    cloud.aws.group(GROUP).stream("one");
    cloud.record(0..500);
    cloud.aws.faults().set([Fault::times(1, Kind::LostReply).on("PutLogEvents")]);
    let _shipper = cloud.ship();
    cloud.until_delivered();
    until("the batch came twice", || cloud.duplicates() == cloud.lines().len());
    cloud.assert_sound();
}

#[test]
fn a_server_that_never_answers_is_left_within_thirty_seconds() {
    let cloud = Cloud::new("");
    cloud.record(0..10);
    cloud.aws.faults().set([Fault::times(1, Kind::Silent).on("PutLogEvents")]);
    let began = Instant::now();
    let _shipper = cloud.ship();
    cloud.until_delivered();
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(10) && took < Duration::from_secs(45), "{took:?}");
    cloud.assert_sound();
}

#[test]
fn an_answer_that_drips_is_waited_for_or_left_and_nothing_is_lost() {
    let cloud = Cloud::new("");
    cloud.record(0..10);
    cloud.aws.faults().set([Fault::times(1, Kind::Slow(Duration::from_secs(8))).on("PutLogEvents")]);
    let _shipper = cloud.ship();
    cloud.until_delivered();
    until("the cursor follows", || cursor(&cloud) == Some(cloud.lines().len() as u64));
    cloud.assert_sound();
}

#[test]
fn a_poisoned_record_has_a_note_in_its_place_and_holds_up_nobody() {
    let cloud = Cloud::new("");
    cloud.record(0..1000);
    cloud.aws.faults().set([Fault::always(Kind::Poison("\\\"n\\\":617,"))]);
    let _shipper = cloud.ship();
    cloud.until_delivered();
    until("the cursor is behind all of them", || cursor(&cloud) == Some(cloud.lines().len() as u64));
    cloud.assert_sound();
    let events = cloud.events();
    let notes = notes(&events);
    assert_eq!(notes.len(), 1, "{notes:?}");
    let lines = cloud.lines();
    let poisoned = lines.iter().position(|line| line.contains("\"n\":617,")).unwrap() as u64 + 1;
    assert_eq!((notes[0].run.from, notes[0].run.to), (poisoned, poisoned));
    assert_eq!(cloud.duplicates(), 0);
    assert!(cloud.state.said().contains("will never be taken"), "{}", cloud.state.said());
    let left = std::fs::read_to_string(cloud.state.path().join("cursors/delivery.json")).unwrap();
    assert!(left.contains("\"refused\"") && left.contains(&format!("seq {poisoned} ")), "{left}");
}

#[test]
fn a_retry_after_is_heeded() {
    let cloud = Cloud::new("");
    cloud.record(0..10);
    cloud.aws.faults().set([Fault::times(1, Kind::Throttle(Some(3))).on("PutLogEvents")]);
    let _shipper = cloud.ship();
    cloud.until_delivered();
    let puts: Vec<Instant> =
        cloud.aws.calls().iter().filter(|call| call.action == "PutLogEvents").map(|call| call.at).collect();
    let between = puts[1].duration_since(puts[0]);
    assert!(between >= Duration::from_secs(3), "{between:?}");
}

#[test]
fn in_an_outage_it_ends_within_five_seconds_of_being_asked() {
    for kind in [Kind::Silent, Kind::Reset, Kind::Throttle(Some(600)), Kind::Slow(Duration::from_secs(60))] {
        let cloud = Cloud::new("");
        cloud.record(0..10);
        cloud.aws.faults().set([Fault::always(kind.clone()).on("PutLogEvents")]);
        let mut shipper = cloud.ship();
        until("a call is under way", || cloud.puts() >= 1);
        let (status, took) = shipper.terminate();
        assert!(status.success() && took < SOON, "{kind:?}: {status} after {took:?}");
        cloud.aws.faults().clear();
        let _next = cloud.ship();
        cloud.until_delivered();
        cloud.assert_sound();
    }
}

#[test]
fn an_outage_with_a_long_journal_and_endless_answers_takes_no_more_memory() {
    let cloud = Cloud::new("");
    for part in 0..10 {
        cloud.record(part * 5_000..part * 5_000 + 5_000);
    }
    cloud.aws.faults().set([Fault::always(Kind::Huge)]);
    let shipper = cloud.ship();
    until("it tries again and again", || cloud.aws.calls().len() >= 6);
    let status = std::fs::read_to_string(format!("/proc/{}/status", shipper.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    // The debug build alone maps 30 MiB; an answer has 64.
    assert!(peak < 90_000, "{peak} kB");
}
