//! What delivery to CloudWatch Logs costs: the built shipper, and two that send the same lines to the same server.
//!
//! `tests/bench-ship` runs these, with what they compare with; they are no tests, and so they are ignored by themselves.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use guestward::finding::Severity;
use guestward::finding::wire::record::Kind;
use guestward::journal::{Draft, Limits};
use jiff::Timestamp;

use super::ship_cloudwatch::{ACCOUNT, Cloud, GROUP, REGION};
use super::support::aws::{Account, Aws};
use super::support::journal::{Running, State};

#[test]
#[ignore = "tests/bench-ship runs it"]
fn how_many_events_a_second() {
    let cloud = Cloud::new("");
    let count = setting("GUESTWARD_BENCH_RECORDS").parse().unwrap();
    fill(&cloud, count);
    let lines = cloud.lines();
    let (took, usage) = deliver(&cloud, lines.len());
    let ours = rate(lines.len(), took);
    println!("{}", row("guestward ship", ours, ours, &usage));

    let events = cloud.events();
    let messages: Vec<&str> = events.iter().map(|event| event.message.as_str()).collect();
    assert_eq!(messages.len(), lines.len(), "each once");
    assert!(messages == lines, "in order, and in their exact bytes");
    println!("{} of {} accepted, none altered, {} calls", events.len(), lines.len(), cloud.puts());

    let file = cloud.state.path().join("lines");
    fs::write(&file, lines.join("\n")).unwrap();
    for how in ["watchtower", "boto3"] {
        let peer = Cloud::new("");
        let began = Instant::now();
        let ok = python(&peer, how, &file).status().unwrap().success();
        let took = began.elapsed();
        let arrived: HashSet<String> = peer.events().into_iter().map(|event| event.message).collect();
        let lost = lines.iter().filter(|line| !arrived.contains(*line)).count();
        let how_it_went = if ok { "" } else { ", and it failed" };
        let more = format!("lost {lost}, {} calls{how_it_went}", peer.puts());
        println!("{}", row(how, rate(lines.len(), took), ours, &more));
    }
}

#[test]
#[ignore = "tests/bench-ship runs it"]
fn what_an_idle_shipper_takes() {
    let aws = Aws::start_tls(Account { id: ACCOUNT, region: REGION });
    aws.group(GROUP);
    let cloud = Cloud { state: State::new(), aws };
    cloud.set_policy("");
    fill(&cloud, 1000);
    let mut command = binary(&cloud);
    command.env("SSL_CERT_FILE", cloud.aws.authority().unwrap());
    let mut shipper = Running::start(&mut command);
    arrive(&cloud, cloud.lines().len());
    // What the delivery took is given back, and the connections of the pool are closed.
    std::thread::sleep(Duration::from_secs(10));
    let before = ticks(&shipper);
    let idle = Duration::from_secs(60);
    std::thread::sleep(idle);
    let spent = ticks(&shipper) - before;
    // proc_pid_stat(5): a hundredth of a second, on every machine that guestward runs on.
    let percent = spent as f64 / idle.as_secs_f64();
    println!("idle after TLS: {}, {percent:.3} % of a core over {} s", memory(&shipper), idle.as_secs());
    let (status, took) = shipper.terminate();
    assert!(status.success(), "{status}");
    println!("it ended {} ms after SIGTERM", took.as_millis());
}

/// Findings of the usual size.
fn fill(cloud: &Cloud, count: usize) {
    let mut journal = cloud.state.journal(Limits::default());
    let draft = |n: usize| Draft {
        time: Timestamp::now(),
        kind: Kind::Finding,
        severity: Severity::Low,
        body: format!("{{\"n\":{n},\"check\":\"ssh-password\",\"title\":\"{}\"}}", "x".repeat(150)),
    };
    let mut left = 0..count;
    while !left.is_empty() {
        let drafts: Vec<Draft> = left.by_ref().take(1000).map(draft).collect();
        journal.append(&drafts, Timestamp::now()).unwrap();
    }
}

/// How long until all of them are there, and what it cost.
fn deliver(cloud: &Cloud, count: usize) -> (Duration, String) {
    let began = Instant::now();
    let mut shipper = Running::start(&mut binary(cloud));
    arrive(cloud, count);
    let took = began.elapsed();
    let seconds = ticks(&shipper) as f64 / 100.0;
    let usage = format!("{seconds:.2} s of CPU, {}", memory(&shipper));
    assert!(shipper.terminate().0.success());
    (took, usage)
}

fn arrive(cloud: &Cloud, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(600);
    while cloud.aws.count(GROUP) < count {
        assert!(Instant::now() < deadline, "{} of {count} in ten minutes", cloud.aws.count(GROUP));
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `ship` of the binary that is measured, as the tests start their own.
fn binary(cloud: &Cloud) -> Command {
    let like = cloud.command(&["ship"]);
    let mut command = Command::new(setting("GUESTWARD_BENCH_BINARY"));
    command.args(like.get_args()).env_clear();
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn python(cloud: &Cloud, how: &str, lines: &Path) -> Command {
    let like = cloud.command(&[]);
    let mut command = Command::new(setting("GUESTWARD_BENCH_PYTHON"));
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("AWS_DEFAULT_REGION", REGION);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/ship-bench/peer.py");
    command.arg(script).arg(how).arg(GROUP).arg(lines);
    command
}

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: tests/bench-ship sets it"))
}

fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

fn row(name: &str, rate: f64, ours: f64, more: &str) -> String {
    format!("{name:<16} {rate:>8.0} events/s {:>6.2} x   {more}", ours / rate)
}

/// User and system, in hundredths of a second.
fn ticks(process: &Running) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.pid())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn memory(process: &Running) -> String {
    let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.pid())).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
    let kib = |text: &str, name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    format!(
        "RSS {:.1} MiB, PSS {:.1} MiB, peak RSS {:.1} MiB",
        kib(&text, "Rss:") / 1024.0,
        kib(&text, "Pss:") / 1024.0,
        kib(&status, "VmHWM:") / 1024.0
    )
}
