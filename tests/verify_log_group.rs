//! `guestward journal verify --log-group`: an auditor reads back what CloudWatch holds, and what was done to it there is
//! found as it is in a file.

use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use guestward::finding::wire::gap::Cause;
use serde_json::Value;

use crate::journal_verify::exports::{Journal, METRICS, note};
use crate::support::aws::{Account, Aws, Class, Fault, Kind};
use crate::support::binary::{guestward, text};

const GROUP: &str = "/guestward/records";
const ACCOUNT: Account = Account { id: "111122223333", region: "eu-central-1" };

fn journal() -> Journal {
    let mut journal = Journal::new(1, 1, None);
    journal.make_key(9);
    for _ in 0..3 {
        (0..10).for_each(|_| journal.finding());
        journal.checkpoint();
    }
    journal
}

/// The events of these records, a second apart and a while ago.
fn events(aws: &Aws, lines: &[Vec<u8>]) -> Vec<(i64, String)> {
    let start = aws.now() - 7 * 3_600_000;
    let text = |line: &Vec<u8>| String::from_utf8(line.clone()).unwrap();
    (0..).zip(lines).map(|(at, line)| (start + at * 1000, text(line))).collect()
}

fn seeded(lines: &[Vec<u8>]) -> Aws {
    let aws = Aws::start(ACCOUNT);
    aws.group(GROUP);
    aws.seed(GROUP, "i-1", events(&aws, lines));
    aws
}

fn run_without_credentials(aws: &Aws, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = guestward();
    command.args(["journal", "verify"]).args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.env("HOME", "/nonexistent").env("AWS_EC2_METADATA_DISABLED", "true");
    done(command.env("AWS_ENDPOINT_URL", aws.url()))
}

fn run_as(aws: &Aws, args: &[&str], region: Option<&str>) -> (Option<i32>, String, String) {
    let (id, secret, token) = aws.credentials();
    let mut command = guestward();
    command.args(["journal", "verify"]).args(args).stdin(Stdio::null());
    command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret).env("AWS_SESSION_TOKEN", token);
    command.env_remove("AWS_REGION").env_remove("AWS_DEFAULT_REGION").env("HOME", "/nonexistent");
    if let Some(region) = region {
        command.env("AWS_REGION", region);
    }
    done(command.env("AWS_ENDPOINT_URL", aws.url()))
}

fn done(command: &mut std::process::Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), text(&stdout), text(&stderr))
}

fn run(aws: &Aws, args: &[&str]) -> (Option<i32>, String, String) {
    run_as(aws, &[&["--log-group", GROUP], args].concat(), Some(ACCOUNT.region))
}

#[track_caller]
fn document(aws: &Aws, args: &[&str]) -> (Option<i32>, Value) {
    let (code, told, errors) = run(aws, &[args, &["--format", "json"]].concat());
    (code, serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}{errors}")))
}

#[test]
fn what_arrived_whole_is_proved() {
    let aws = seeded(&journal().bytes());
    let (code, document) = document(&aws, &[]);
    assert_eq!((code, &document["verdict"]), (Some(0), &"clean".into()), "{document:#}");
    assert_eq!(document["records"], 35);
    // Only its name begins so.
    assert_eq!(run(&aws, &["--log-stream-prefix", "i-1"]).0, Some(0));
    let (code, told, _) = run(&aws, &["--log-stream-prefix", "i-2"]);
    assert!(code == Some(3) && told.contains("nothing to verify"), "{told}");
}

#[test]
fn what_was_changed_at_aws_is_named_by_stream_and_time() {
    let mut lines = journal().bytes();
    let changed = String::from_utf8(lines[5].clone()).unwrap().replace("\"fail\"", "\"pass\"");
    lines[5] = changed.into_bytes();
    let aws = seeded(&lines);
    let time = aws.events(GROUP)[5].timestamp;
    for class in [Class::Standard, Class::InfrequentAccess] {
        aws.group(GROUP).class(class);
        let (code, told, _) = run(&aws, &[]);
        assert_eq!(code, Some(1), "{told}");
        let flowing = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flowing.contains(&format!("{GROUP} i-1:{time}: record 6 is not the one")), "{told}");
    }
}

#[test]
fn what_is_missing_is_named_and_what_a_note_tells_of_is_not() {
    let lines = journal().bytes();
    let left = [&lines[..14], &lines[19..]].concat();
    let aws = seeded(&left);
    let (code, told) = document(&aws, &[]);
    assert_eq!((code, &told["problems"][0]["kind"]), (Some(1), &"hole".into()));
    let told = String::from_utf8(note(Cause::TooOld, &lines[14..19])).unwrap();
    aws.seed(GROUP, "i-1", [(aws.now(), told), (aws.now(), String::from_utf8(METRICS.to_vec()).unwrap())]);
    for class in [Class::Standard, Class::InfrequentAccess] {
        aws.group(GROUP).class(class);
        let (code, told) = document(&aws, &[]);
        assert_eq!((code, &told["verdict"]), (Some(0), &"clean".into()), "{told:#}");
        let part = &told["epochs"][0];
        assert_eq!((&part["untaken"], &part["notes"][0]["from"]), (&5.into(), &15.into()));
        assert_eq!(told["metrics"], 1);
    }
    let (_, told, _) = run(&aws, &[]);
    assert!(told.contains("told by the shipper: records 15 to 19 (too-old)"), "{told}");
}

/// A file from the machine beside it: the records that the note gives up are held against its digest.
#[test]
fn a_file_and_a_group_are_one_export() {
    let lines = journal().bytes();
    let aws = seeded(&[&lines[..14], &lines[19..]].concat());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rest.jsonl");
    std::fs::write(&path, lines[14..19].join(&b'\n')).unwrap();
    let told = String::from_utf8(note(Cause::TooOld, &lines[14..19])).unwrap();
    aws.seed(GROUP, "i-1", [(aws.now(), told)]);
    let (code, told) = document(&aws, &[path.to_str().unwrap()]);
    assert_eq!((code, &told["epochs"][0]["untaken"]), (Some(0), &0.into()), "{told:#}");
    assert_eq!(told["epochs"][0]["notes"][0]["here"], 5);
}

#[test]
fn pages_without_an_event_are_not_the_end() {
    let aws = seeded(&journal().bytes());
    aws.empty_pages(true);
    let (code, told) = document(&aws, &[]);
    assert_eq!((code, &told["records"]), (Some(0), &35.into()));
}

fn many(records: u64) -> Vec<Vec<u8>> {
    let mut journal = Journal::new(1, 1, None);
    (1..records).for_each(|_| journal.finding());
    journal.bytes()
}

#[test]
fn many_events_come_page_by_page_and_slice_by_slice() {
    let lines = many(25_000);
    let aws = Aws::start(ACCOUNT);
    aws.group(GROUP);
    let mut seeded = events(&aws, &lines);
    // Eight in each second, all within an hour: one query does not give them.
    let start = aws.now() - 5 * 3_600_000;
    (0..).zip(&mut seeded).for_each(|(at, event)| event.0 = start + at * 125);
    aws.seed(GROUP, "i-1", seeded);
    let (code, told) = document(&aws, &[]);
    assert_eq!((code, &told["records"]), (Some(0), &25_000.into()));
    aws.group(GROUP).class(Class::InfrequentAccess);
    let (code, told) = document(&aws, &[]);
    assert_eq!(
        (code, &told["records"], &told["epochs"][0]["duplicates"]),
        (Some(0), &25_000.into(), &0.into())
    );
    let queries = aws.calls().iter().filter(|call| call.action == "StartQuery").count();
    assert!((4..40).contains(&queries), "{queries}");
}

#[test]
fn what_no_query_gives_is_an_error_with_a_way_out() {
    let lines = many(10_001);
    let aws = Aws::start(ACCOUNT);
    aws.group(GROUP).class(Class::InfrequentAccess);
    let now = aws.now() - 60_000;
    let all = events(&aws, &lines).into_iter().map(|(_, line)| (now, line));
    aws.seed(GROUP, "i-1", all);
    let (code, told, errors) = run(&aws, &[]);
    assert_eq!((code, told.as_str()), (Some(2), ""));
    assert!(errors.contains("--log-stream-prefix"), "{errors}");
}

#[test]
fn insights_are_asked_where_somebody_says_so() {
    let aws = seeded(&journal().bytes());
    let (code, told) = document(&aws, &["--insights"]);
    assert_eq!((code, &told["records"]), (Some(0), &35.into()), "{told:#}");
    assert!(!aws.calls().iter().any(|call| call.action == "FilterLogEvents"));
}

#[test]
fn an_export_may_begin_later() {
    let aws = seeded(&journal().bytes());
    let since = jiff::Timestamp::from_millisecond(aws.events(GROUP)[20].timestamp).unwrap().to_string();
    for more in [&[][..], &["--insights"]] {
        let (code, told) = document(&aws, &[&["--since", &since], more].concat());
        assert_eq!((code, &told["records"], &told["epochs"][0]["first"]), (Some(0), &15.into(), &21.into()));
    }
    assert_eq!(run(&aws, &["--since", "8h"]).0, Some(0));
    assert_eq!(run(&aws, &["--since", "1h"]).0, Some(3), "nothing is so young");
    assert_eq!(run(&aws, &["--since", "lately"]).0, Some(2));
}

#[test]
fn throttling_and_trouble_are_waited_out() {
    let aws = seeded(&journal().bytes());
    aws.faults().push(Fault::times(3, Kind::Throttle(None)));
    aws.faults().push(Fault::times(2, Kind::Unavailable));
    aws.faults().push(Fault::times(1, Kind::Reset));
    let started = Instant::now();
    let (code, told) = document(&aws, &[]);
    assert_eq!((code, &told["records"]), (Some(0), &35.into()));
    assert_eq!(aws.calls().len(), 7);
    assert!(started.elapsed() < Duration::from_secs(300));
}

#[test]
fn what_stands_in_the_way_is_named_with_a_way_out() {
    let aws = seeded(&journal().bytes());
    let region = Some(ACCOUNT.region);
    let refused = |(code, told, errors): (Option<i32>, String, String), words: &[&str]| {
        assert_eq!((code, told.as_str()), (Some(2), ""), "{errors}");
        assert!(words.iter().all(|word| errors.contains(word)), "{words:?} in {errors}");
    };
    refused(run_as(&aws, &["--log-group", GROUP], None), &["--region", "AWS_REGION"]);
    refused(
        run_as(&aws, &["--log-group", "/other"], region),
        &["log group /other", "eu-central-1", "--region"],
    );
    let args = ["--log-group", GROUP, "--region", ACCOUNT.region];
    refused(run_without_credentials(&aws, &args), &["no credentials", "AWS_PROFILE"]);
    aws.deny("logs:FilterLogEvents");
    refused(run(&aws, &[]), &["permission logs:FilterLogEvents"]);
    aws.deny("logs:StartQuery");
    refused(run(&aws, &["--insights"]), &["permission logs:StartQuery"]);
    aws.expire();
    aws.allow("logs:FilterLogEvents");
    assert_eq!(run(&aws, &[]).0, Some(0), "with new ones");
}

#[test]
fn the_first_key_comes_from_a_parameter() {
    let journal = journal();
    let aws = seeded(&journal.bytes());
    let key = journal.first_key.clone().unwrap().to_json();
    let (agent, epoch) = (journal.speaker.agent, journal.speaker.epoch);
    aws.put_parameter(&format!("/guestward/seal/{agent}/{epoch}/key"), &key);
    for name in ["/guestward/seal/{agent}/{epoch}".to_owned(), format!("/guestward/seal/{agent}/{epoch}")] {
        let (code, told) = document(&aws, &["--key-parameter", &name]);
        assert_eq!(code, Some(0), "{told:#}");
        assert_eq!(told["epochs"][0]["seals"]["through"], 35, "{told:#}");
    }
    let (_, told) = document(&aws, &[]);
    assert_eq!(told["epochs"][0]["seals"]["state"], "no-key");
    // A template may find nothing for an epoch; a name must be there.
    let (code, _, errors) = run(&aws, &["--key-parameter", "/other/{epoch}"]);
    assert!(code == Some(0) && errors.contains(&format!("no parameter /other/{epoch}/key")), "{errors}");
    let (code, _, errors) = run(&aws, &["--key-parameter", "/other"]);
    assert!(code == Some(2) && errors.contains("/other/key"), "{errors}");
    let (code, _, errors) = run(&aws, &["--key-parameter", "/x/{account}"]);
    assert!(code == Some(2) && errors.contains("{agent}"), "{errors}");
    aws.deny("ssm:GetParameter");
    let (code, _, errors) = run(&aws, &["--key-parameter", "/guestward/seal/{agent}/{epoch}"]);
    assert!(
        code == Some(2) && errors.contains("ssm:GetParameter") && errors.contains("kms:Decrypt"),
        "{errors}"
    );
}

#[test]
fn another_epochs_key_in_this_ones_parameter_is_refused() {
    let journal = journal();
    let aws = seeded(&journal.bytes());
    let mut other = Journal::new(1, 2, None);
    other.make_key(7);
    let (agent, epoch) = (journal.speaker.agent, journal.speaker.epoch);
    aws.put_parameter(&format!("/s/{agent}/{epoch}/key"), &other.first_key.unwrap().to_json());
    let (code, _, errors) = run(&aws, &["--key-parameter", "/s/{agent}/{epoch}"]);
    assert!(code == Some(2) && errors.contains("the key of another epoch"), "{errors}");
}

#[test]
fn what_an_event_names_cannot_speak_to_the_terminal() {
    let aws = seeded(&journal().bytes());
    aws.seed(GROUP, "i-\u{1b}[2J", [(aws.now(), "not one\u{1b}".to_owned())]);
    let (code, told, errors) = run(&aws, &[]);
    assert_eq!((code, errors.as_str()), (Some(1), ""));
    assert!(!told.contains('\u{1b}'), "{told}");
}
