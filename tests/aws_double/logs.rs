//! What PutLogEvents and CreateLogStream take and refuse.

use super::clients::{Clients, code};
use super::{GROUP, double};
use crate::support::aws::Class;

const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

#[test]
fn what_is_put_is_kept_as_it_was() {
    let aws = double();
    aws.freeze_clock();
    let (clients, now) = (Clients::of(&aws), aws.now());
    assert_eq!(
        clients.put(GROUP, "s", &[(now - 5, "one"), (now, "zwei \u{fc}\n"), (now, "one")]),
        Ok([None; 3])
    );
    let kept: Vec<_> =
        aws.events(GROUP).into_iter().map(|e| (e.stream, e.timestamp, e.message, e.ingested)).collect();
    let wanted = [(now - 5, "one"), (now, "zwei \u{fc}\n"), (now, "one")];
    assert_eq!(kept, wanted.map(|(time, text)| ("s".to_owned(), time, text.to_owned(), now)));
    assert_eq!(aws.count(GROUP), 3);
}

#[test]
fn a_batch_is_in_order_or_nothing_of_it_is_kept() {
    let aws = double();
    let (clients, now) = (Clients::of(&aws), aws.now());
    let refusal = clients.put(GROUP, "s", &[(now - 1, "a"), (now, "b"), (now - 1, "c")]);
    let text = "Log events in a single PutLogEvents request must be in chronological order.";
    assert_eq!(refusal, Err(("InvalidParameterException".to_owned(), text.to_owned())));
    assert_eq!(aws.count(GROUP), 0);
    assert_eq!(clients.put(GROUP, "s", &[(now, "a"), (now, "b")]), Ok([None; 3]));
}

#[test]
fn a_batch_has_one_to_ten_thousand_events() {
    let aws = double();
    let (clients, now) = (Clients::of(&aws), aws.now());
    let events = vec![(now, "x"); 10_001];
    assert_eq!(code(clients.put(GROUP, "s", &[])), "InvalidParameterException");
    assert_eq!(code(clients.put(GROUP, "s", &events)), "InvalidParameterException");
    assert_eq!(aws.count(GROUP), 0);
    assert_eq!(clients.put(GROUP, "s", &events[1..]), Ok([None; 3]));
    assert_eq!(aws.count(GROUP), 10_000);
}

#[test]
fn a_batch_has_a_mebibyte_with_26_bytes_for_each_event() {
    let aws = double();
    let (clients, now) = (Clients::of(&aws), aws.now());
    let half = 1_048_576 / 2 - 26;
    let (fits, longer, umlauts) = ("x".repeat(half), "x".repeat(half + 1), "\u{fc}".repeat(half / 2 + 1));
    assert_eq!(clients.put(GROUP, "s", &[(now, &fits), (now, &fits)]), Ok([None; 3]));
    let (code, text) = clients.put(GROUP, "s", &[(now, &fits), (now, &longer)]).unwrap_err();
    assert_eq!(code, "InvalidParameterException");
    assert_eq!(text, "Upload too large: 1048577 bytes exceeds limit of 1048576");
    // Fewer characters, and more bytes.
    let (_, text) = clients.put(GROUP, "s", &[(now, &fits), (now, &umlauts)]).unwrap_err();
    assert_eq!(text, "Upload too large: 1048578 bytes exceeds limit of 1048576");
}

#[test]
fn an_event_has_a_mebibyte_and_is_never_empty() {
    let aws = double();
    let (clients, now) = (Clients::of(&aws), aws.now());
    let longest = "x".repeat(1_048_576 - 26);
    assert_eq!(clients.put(GROUP, "s", &[(now, &longest)]), Ok([None; 3]));
    let (_, text) = clients.put(GROUP, "s", &[(now, &format!("{longest}x"))]).unwrap_err();
    assert_eq!(text, "Log event too large: 1048577 bytes exceeds limit of 1048576");
    let (code, text) = clients.put(GROUP, "s", &[(now, "x"), (now, "")]).unwrap_err();
    assert_eq!(code, "InvalidParameterException");
    assert!(text.contains("'logEvents.2.member.message'"), "{text}");
    assert_eq!(clients.put(GROUP, "s", &[(-1, "x")]).unwrap_err().0, "InvalidParameterException");
}

#[test]
fn a_batch_spans_a_day_of_those_that_are_kept() {
    let aws = double();
    aws.freeze_clock();
    let (clients, now) = (Clients::of(&aws), aws.now());
    assert_eq!(clients.put(GROUP, "s", &[(now - DAY, "a"), (now, "b")]), Ok([None; 3]));
    let (code, text) = clients.put(GROUP, "s", &[(now - DAY - 1, "a"), (now, "b")]).unwrap_err();
    assert_eq!(code, "InvalidParameterException");
    assert!(text.contains("24 hours"), "{text}");
    assert_eq!(aws.count(GROUP), 2);
    let far = [(now - 20 * DAY, "a"), (now, "b"), (now + 2 * DAY, "c")];
    assert_eq!(
        clients.put(GROUP, "s", &far),
        Ok([Some(2), Some(1), None]),
        "what is not kept does not count"
    );
}

#[test]
fn events_outside_of_their_time_are_rejected_alone() {
    let aws = double();
    aws.group("/short").retention_days(1).stream("s");
    aws.group("/long").retention_days(30).stream("s");
    aws.freeze_clock();
    let (clients, now) = (Clients::of(&aws), aws.now());
    let (ahead, old, kept) = (now + 2 * HOUR, now - 14 * DAY, now - DAY);
    for (group, times, rejected) in [
        (GROUP, &[now, ahead][..], [None; 3]),
        (GROUP, &[now, ahead, ahead + 1], [Some(2), None, None]),
        (GROUP, &[ahead + 1, ahead + 2], [Some(0), None, None]),
        (GROUP, &[old, old + 1], [None; 3]),
        // The end is the index behind the last that is too old.
        (GROUP, &[old - 1, old], [None, Some(1), None]),
        (GROUP, &[old - 2, old - 1], [None, Some(2), None]),
        (GROUP, &[old - 1, now, ahead + 1], [Some(2), Some(1), None]),
        (GROUP, &[old - 1, ahead + 1], [Some(1), Some(1), None]),
        ("/short", &[kept, now], [None; 3]),
        ("/short", &[kept - 1, kept], [None, None, Some(1)]),
        ("/short", &[old - 1, kept - 1, kept], [None, Some(1), Some(2)]),
        ("/long", &[old - 1, old], [None, Some(1), None]),
    ] {
        let before = aws.count(group);
        let events: Vec<_> = times.iter().map(|time| (*time, "x")).collect();
        assert_eq!(clients.put(group, "s", &events), Ok(rejected), "{group} {times:?} at {now}");
        let end = rejected[0].unwrap_or(i32::try_from(times.len()).unwrap());
        let first = rejected[1].max(rejected[2]).unwrap_or(0);
        assert_eq!(aws.count(group) - before, usize::try_from(end - first).unwrap(), "{group} {times:?}");
    }
}

#[test]
fn the_doubles_clock_decides_what_is_too_new() {
    let aws = double();
    aws.clock_offset(-3 * HOUR);
    let now = aws.now() + 3 * HOUR;
    let clients = Clients::at(&aws, aws.now());
    assert_eq!(clients.put(GROUP, "s", &[(now, "x")]), Ok([Some(0), None, None]));
}

#[test]
fn what_is_missing_is_named_with_the_words_of_aws() {
    let aws = double();
    let (clients, now) = (Clients::of(&aws), aws.now());
    let missing = |text: &str| Err(("ResourceNotFoundException".to_owned(), text.to_owned()));
    let event = [(now, "x")];
    assert_eq!(clients.put("/other", "s", &event), missing("The specified log group does not exist."));
    assert_eq!(clients.put(GROUP, "t", &event), missing("The specified log stream does not exist."));
}

#[test]
fn names_are_what_the_model_says() {
    let aws = double();
    let clients = Clients::of(&aws);
    let create = |group: &str, stream: &str| {
        clients.ask(clients.logs.create_log_stream().log_group_name(group).log_stream_name(stream).send())
    };
    for stream in ["a:b", "a*", "", &"x".repeat(513)] {
        assert_eq!(code(create(GROUP, stream)), "InvalidParameterException", "{stream}");
    }
    for group in ["", "a b", "g\u{fc}", "a:b", "aws/x", &"x".repeat(513)] {
        assert_eq!(code(create(group, "t")), "InvalidParameterException", "{group}");
    }
    for stream in ["i-0123456789abcdef0/3", "a b \u{fc}", &"x".repeat(512), &"\u{fc}".repeat(512)] {
        create(GROUP, stream).unwrap();
    }
    for group in [".-_/#aZ9", &"x".repeat(512)] {
        assert_eq!(code(create(group, "t")), "ResourceNotFoundException", "{group}");
    }
    assert_eq!(aws.streams(GROUP).len(), 5);
}

#[test]
fn a_stream_is_made_once() {
    let aws = double();
    let clients = Clients::of(&aws);
    let create =
        || clients.ask(clients.logs.create_log_stream().log_group_name(GROUP).log_stream_name("t").send());
    create().unwrap();
    let text = "The specified log stream already exists";
    assert_eq!(create().unwrap_err(), ("ResourceAlreadyExistsException".to_owned(), text.to_owned()));
}

#[test]
fn beyond_the_quota_there_is_throttling_and_nothing_else() {
    let aws = double();
    let (clients, now) = (Clients::of(&aws), aws.now());
    for action in ["CreateLogStream", "PutLogEvents"] {
        aws.quota(action, 2, 0);
        let call = |number: u8| match action {
            "PutLogEvents" => clients.put(GROUP, "s", &[(now, "x")]).map(drop),
            _ => {
                let create = clients.logs.create_log_stream().log_group_name(GROUP);
                clients.ask(create.log_stream_name(format!("n{number}")).send()).map(drop)
            }
        };
        assert_eq!((call(1), call(2)), (Ok(()), Ok(())));
        let throttled = ("ThrottlingException".to_owned(), "Rate exceeded".to_owned());
        assert_eq!((call(3), call(4)), (Err(throttled.clone()), Err(throttled)));
        aws.quota(action, 2, 1);
        assert_eq!(call(5), Ok(()));
    }
    assert_eq!((aws.count(GROUP), aws.streams(GROUP).len()), (3, 4));
}

#[test]
fn a_cheaper_class_takes_events_all_the_same() {
    let aws = double();
    aws.group("/cheap").class(Class::InfrequentAccess).stream("s");
    let (clients, now) = (Clients::of(&aws), aws.now());
    assert_eq!(clients.put("/cheap", "s", &[(now, "x")]), Ok([None; 3]));
}

#[test]
fn whoever_describes_is_answered_and_counted() {
    let aws = double();
    let clients = Clients::of(&aws);
    let streams = clients.ask(clients.logs.describe_log_streams().log_group_name(GROUP).send()).unwrap();
    assert_eq!(streams.log_streams()[0].log_stream_name(), Some("s"));
    let groups = clients.ask(clients.logs.describe_log_groups().send()).unwrap();
    assert_eq!(groups.log_groups()[0].log_group_name(), Some(GROUP));
    assert_eq!(code(clients.ask(clients.ssm.describe_parameters().send())), "UnknownOperationException");
    let described: Vec<_> = aws
        .calls()
        .into_iter()
        .map(|call| call.action)
        .filter(|action| action.starts_with("Describe"))
        .collect();
    assert_eq!(described, ["DescribeLogStreams", "DescribeLogGroups", "DescribeParameters"]);
    aws.forget_calls();
    assert!(aws.calls().is_empty());
}
