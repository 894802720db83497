//! moto, an emulator that others wrote, asked the same as the double: where it knows a rule, both say the same.
//!
//! It was written from the same documentation by other people. Where the two differ on purpose, the row says why.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use aws_sdk_ssm::types::ParameterType;

use super::clients::{Clients, Rejected, Said};
use super::{ACCOUNT, GROUP};
use crate::support::aws::Aws;
use crate::support::binary::text;

/// A question, and how moto answers it if not as the double does, with the reason.
type Row = (&'static str, fn(&Clients, i64) -> String, Option<(&'static str, &'static str)>);

const ROWS: &[Row] = &[
    (
        "whose credentials",
        |c, _| said(c.ask(c.sts.get_caller_identity().send()).map(|who| who.account().unwrap().to_owned())),
        None,
    ),
    ("a stream", |c, _| said(create(c, GROUP, "s")), None),
    ("the stream again", |c, _| code(create(c, GROUP, "s")), None),
    ("a stream of no group", |c, _| said(create(c, "/none", "s")), None),
    ("a stream with a colon", |c, _| code(create(c, GROUP, "a:b")), Some(("fine", "moto takes every name"))),
    (
        "three events",
        |c, now| rejected(c.put(GROUP, "s", &[(now - 2, "a"), (now - 1, "b"), (now, "a")])),
        None,
    ),
    ("a search", |c, now| said(search(c, GROUP, now - 2, now - 1)), None),
    (
        "a stream read",
        |c, now| said(read(c, now - 2, now)),
        Some((
            "\"aba\"",
            "moto gives what is at the end as well; the documentation says that it is not included",
        )),
    ),
    ("out of order", |c, now| said(c.put(GROUP, "s", &[(now, "a"), (now - 1, "b")])), None),
    ("no group", |c, now| said(c.put("/none", "s", &[(now, "a")])), None),
    ("no stream", |c, now| said(c.put(GROUP, "none", &[(now, "a")])), None),
    ("no events", |c, _| code(c.put(GROUP, "s", &[])), Some(("fine", "moto looks for no least number"))),
    ("too new", |c, now| rejected(c.put(GROUP, "s", &[(now, "n"), (now + 3 * HOUR, "a")])), None),
    (
        "too old",
        |c, now| rejected(c.put(GROUP, "s", &[(now - 15 * DAY, "a"), (now, "n")])),
        Some((
            "[None, Some(0), None]",
            "moto gives the index of the last that is too old; AWS the one behind it",
        )),
    ),
    (
        "a span of 25 hours",
        |c, now| code(c.put(GROUP, "s", &[(now - 25 * HOUR, "a"), (now, "b")])),
        Some(("fine", "moto looks for no span")),
    ),
    (
        "10,001 events",
        |c, now| code(c.put(GROUP, "s", &vec![(now, "x"); 10_001])),
        Some(("fine", "moto counts no events")),
    ),
    (
        "a byte too much",
        |c, now| code(c.put(GROUP, "s", &[(now, &"x".repeat(1_048_551))])),
        Some(("fine", "moto counts no bytes")),
    ),
    ("a search in no group", |c, now| said(search(c, "/none", now, now)), None),
    ("a parameter", |c, _| said(put(c, "/w/a", "one", false)), None),
    ("the parameter again", |c, _| code(put(c, "/w/a", "two", false)), None),
    ("the parameter over", |c, _| said(put(c, "/w/a", "three", true)), None),
    (
        "a secret's plain text",
        |c, _| said(put(c, "/w/b", "x", false).and_then(|_| get(c, "/w/b", true))),
        None,
    ),
    (
        "a secret's other text",
        |c, _| said(get(c, "/w/b", false).map(|value| (value != "x").to_string())),
        None,
    ),
    ("no parameter", |c, _| code(get(c, "/w/none", true)), None),
    ("a path", |c, _| said(by_path(c, "/w", None)), None),
    ("eleven of a path", |c, _| code(by_path(c, "/w", Some(11))), None),
    (
        "4,097 bytes",
        |c, _| code(put(c, "/w/c", &"x".repeat(4097), false)),
        Some(("fine", "moto has no limit for values")),
    ),
];

#[test]
fn the_double_and_moto_say_the_same_but_where_a_row_says_why_not() {
    let aws = Aws::start(ACCOUNT);
    aws.group(GROUP);
    let ours = Clients::of(&aws);
    let moto = Moto::start();
    let theirs = Clients::with(&moto.url, aws.credentials());
    theirs.ask(theirs.logs.create_log_group().log_group_name(GROUP).send()).unwrap();
    let now = aws.now();
    let mut wrong = Vec::new();
    for (question, ask, difference) in ROWS {
        let (ours, theirs) = (ask(&ours, now), ask(&theirs, now));
        let wanted = difference.map_or(ours.as_str(), |(theirs, _)| theirs);
        if theirs != wanted || (difference.is_some() && ours == theirs) {
            wrong.push(format!("{question}: the double says {ours:.200}, moto {theirs:.200}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // moto looks at no signature, and has no compliance at all.
    let (id, _, token) = aws.credentials();
    let forged = |url: &str| Clients::with(url, (id.clone(), "another".to_owned(), token.clone()));
    let put = |clients: &Clients| code(clients.put(GROUP, "s", &[(now, "x")]));
    assert_eq!(
        (put(&forged(&aws.url())).as_str(), put(&forged(&moto.url)).as_str()),
        ("InvalidSignatureException", "fine")
    );
    let comply =
        |clients: &Clients| clients.ask(super::ssm::base(clients).set_items(Some(Vec::new())).send()).is_ok();
    assert_eq!((comply(&ours), comply(&theirs)), (true, false));
}

fn create(c: &Clients, group: &str, stream: &str) -> Result<String, Said> {
    let create = c.logs.create_log_stream().log_group_name(group).log_stream_name(stream);
    c.ask(create.send()).map(|_| "fine".to_owned())
}

fn search(c: &Clients, group: &str, start: i64, end: i64) -> Result<String, Said> {
    let search = c.logs.filter_log_events().log_group_name(group).start_time(start).end_time(end);
    let found = c.ask(search.send())?;
    let shown = found.events().iter().map(|event| {
        let since = event.timestamp().unwrap() - start;
        format!("{} {since} {}", event.log_stream_name().unwrap(), event.message().unwrap())
    });
    Ok(shown.collect::<Vec<_>>().join(", "))
}

fn read(c: &Clients, start: i64, end: i64) -> Result<String, Said> {
    let read = c.logs.get_log_events().log_group_name(GROUP).log_stream_name("s").start_from_head(true);
    let found = c.ask(read.start_time(start).end_time(end).send())?;
    Ok(found.events().iter().map(|event| event.message().unwrap()).collect())
}

/// What begins with `/w/b` is a secret.
fn put(c: &Clients, name: &str, value: &str, overwrite: bool) -> Result<String, Said> {
    let kind = if name == "/w/b" { ParameterType::SecureString } else { ParameterType::String };
    let put = c.ssm.put_parameter().name(name).value(value).r#type(kind).overwrite(overwrite);
    c.ask(put.send()).map(|done| done.version().to_string())
}

fn get(c: &Clients, name: &str, plain: bool) -> Result<String, Said> {
    let found = c.ask(c.ssm.get_parameter().name(name).with_decryption(plain).send())?;
    Ok(found.parameter().unwrap().value().unwrap().to_owned())
}

fn by_path(c: &Clients, path: &str, most: Option<i32>) -> Result<String, Said> {
    let page = c.ask(c.ssm.get_parameters_by_path().path(path).set_max_results(most).send())?;
    Ok(page.parameters().iter().map(|one| format!("{} {};", one.name().unwrap(), one.version())).collect())
}

/// All that was said.
fn said<T: std::fmt::Debug>(result: Result<T, Said>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err((code, text)) => format!("{code}: {text}"),
    }
}

fn rejected(result: Result<Rejected, Said>) -> String {
    said(result)
}

/// The code alone, where each has words of its own.
fn code<T>(result: Result<T, Said>) -> String {
    result.map_or_else(|(code, _)| code, |_| "fine".to_owned())
}

struct Moto {
    child: Child,
    url: String,
}

impl Moto {
    fn start() -> Self {
        let mut child = Command::new(python())
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])
            .env("NO_COLOR", "1")
            .env("MOTO_ACCOUNT_ID", ACCOUNT.id)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("moto");
        let mut words = BufReader::new(child.stderr.take().unwrap());
        let mut heard = String::new();
        let url = loop {
            let mut line = String::new();
            let length = words.read_line(&mut line).unwrap();
            assert!(length > 0, "moto ended: {heard}");
            if let Some((_, url)) = line.split_once("Running on ") {
                break url.trim().to_owned();
            }
            heard.push_str(&line);
        };
        // It writes a line for each request, and waits while nobody reads them.
        std::thread::spawn(move || std::io::copy(&mut words, &mut std::io::sink()));
        Self { child, url }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The interpreter of a virtual environment with what `requirements.txt` pins, made once.
pub(super) fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("moto-venv");
        let python = environment.join("bin/python");
        let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/aws_double/requirements.txt");
        let made = environment.join("requirements.txt");
        if fs::read(&wanted).unwrap() != fs::read(&made).unwrap_or_default() {
            let _ = fs::remove_dir_all(&environment);
            succeed(Command::new("/usr/bin/python3").args(["-m", "venv"]).arg(&environment));
            let install = ["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"];
            let only = ["--only-binary=:all:", "-r"];
            succeed(Command::new(&python).args(install).args(only).arg(&wanted));
            fs::copy(&wanted, &made).unwrap();
        }
        python
    })
}

fn succeed(command: &mut Command) {
    let output = command.output().expect("python3 (package python3-venv)");
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
}

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
