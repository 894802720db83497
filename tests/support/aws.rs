//! A strict double of AWS on the loopback: CloudWatch Logs, Systems Manager's compliance, inventory and parameters, and
//! STS's GetCallerIdentity.
//!
//! It refuses what AWS refuses, also where emulators are lenient: sizes, order, span, signatures, expired tokens. The
//! rules come from the services' published models, documentation and quotas; where AWS's own behaviour is not known for
//! certain, the rule says so. And it goes wrong as a test wants it (`aws/faults.rs`).

mod access;
mod answer;
pub(crate) mod clock;
mod faults;
mod http;
mod logs;
mod metadata;
mod quota;
mod server;
mod sigv4;
mod ssm;
mod sts;
mod tls;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use serde_json::{Map, Value};

use access::{Access, Caller};
use answer::Refusal;
#[allow(unused_imports, reason = "the same")]
pub(crate) use faults::{Fault, Faults, Kind};
use http::{Answer, Reply, Request};
use logs::Logs;
#[allow(unused_imports, reason = "the same")]
pub(crate) use logs::{Class, Event};
#[allow(unused_imports, reason = "the same")]
pub(crate) use metadata::Metadata;
use quota::Quotas;
use server::Server;
use ssm::Ssm;
#[allow(unused_imports, reason = "the same")]
pub(crate) use ssm::{Compliance, Inventory, Parameter};
use tls::Authority;

/// Where the double is, and whose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) id: &'static str,
    pub(crate) region: &'static str,
}

/// The double, as long as it lives.
#[derive(Debug)]
pub(crate) struct Aws {
    server: Server,
    state: Arc<State>,
    authority: Option<Authority>,
}

/// A request, answered or not, refused or not.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) service: Service,
    /// `PutLogEvents`; empty where it could not be told.
    pub(crate) action: String,
    /// 0 where there was no answer.
    pub(crate) status: u16,
    /// The code of the refusal, or a word for the fault that took the answer away.
    pub(crate) code: Option<String>,
    /// When it was there as a whole.
    pub(crate) at: Instant,
    /// Of its body.
    pub(crate) bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Logs,
    Ssm,
    Sts,
}

impl Service {
    /// As signatures and permissions have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Ssm => "ssm",
            Self::Sts => "sts",
        }
    }
}

#[derive(Debug)]
struct State {
    account: Account,
    clock: clock::Clock,
    faults: Faults,
    quotas: Quotas,
    access: Mutex<Access>,
    logs: Mutex<Logs>,
    ssm: Mutex<Ssm>,
    calls: Mutex<Vec<Call>>,
    requests: AtomicU64,
}

impl Aws {
    pub(crate) fn start(account: Account) -> Self {
        Self::with(account, None)
    }

    /// The same behind a certificate that [`Aws::authority`] vouches for.
    pub(crate) fn start_tls(account: Account) -> Self {
        Self::with(account, Some(Authority::new()))
    }

    fn with(account: Account, authority: Option<Authority>) -> Self {
        let state = Arc::new(State {
            account,
            clock: clock::Clock::default(),
            faults: Faults::default(),
            quotas: Quotas::default(),
            access: Mutex::new(Access::new(account)),
            logs: Mutex::default(),
            ssm: Mutex::default(),
            calls: Mutex::default(),
            requests: AtomicU64::new(0),
        });
        let serving = Arc::clone(&state);
        let tls = authority.as_ref().map(Authority::config);
        let server = Server::start(tls, move |request| serving.reply(request));
        Self { server, state, authority }
    }

    /// For all the variables `AWS_ENDPOINT_URL…`
    pub(crate) fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.server.address())
    }

    /// The file for `SSL_CERT_FILE`, where the double has TLS.
    pub(crate) fn authority(&self) -> Option<PathBuf> {
        self.authority.as_ref().map(Authority::file)
    }

    /// Makes a log group, or finds it again.
    pub(crate) fn group<'a>(&'a self, name: &'a str) -> Group<'a> {
        self.logs().group(name);
        Group { aws: self, name }
    }

    /// What a group took, in the order in which it came, duplicates included.
    pub(crate) fn events(&self, group: &str) -> Vec<Event> {
        self.logs().groups.get(group).map(|group| group.events.clone()).unwrap_or_default()
    }

    /// How many those are.
    pub(crate) fn count(&self, group: &str) -> usize {
        self.logs().groups.get(group).map_or(0, |group| group.events.len())
    }

    /// The names of a group's streams.
    pub(crate) fn streams(&self, group: &str) -> Vec<String> {
        self.logs().groups.get(group).map(|group| group.streams.keys().cloned().collect()).unwrap_or_default()
    }

    /// Puts events into a stream past all rules, as what was there long before.
    pub(crate) fn seed(&self, group: &str, stream: &str, events: impl IntoIterator<Item = (i64, String)>) {
        let now = self.now();
        let mut logs = self.logs();
        logs.group(group).seed(stream, events, now);
    }

    /// Whether a search gives an empty page with a token before each page with events.
    pub(crate) fn empty_pages(&self, are_given: bool) {
        self.logs().has_empty_pages = are_given;
    }

    /// Every request so far, in the order of their answers.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state.calls.lock().expect("calls").clone()
    }

    pub(crate) fn forget_calls(&self) {
        self.state.calls.lock().expect("calls").clear();
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// So many calls at once, and so many more each second.
    pub(crate) fn quota(&self, action: &str, burst: u32, per_second: u32) {
        self.state.quotas.set(action, burst, per_second);
    }

    /// The double's time, in milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.state.clock.now()
    }

    /// How many milliseconds it is ahead of the host.
    pub(crate) fn clock_offset(&self, milliseconds: i64) {
        self.state.clock.offset(milliseconds);
    }

    /// Stops its time; an offset moves it all the same.
    pub(crate) fn freeze_clock(&self) {
        self.state.clock.freeze();
    }

    /// Key id, secret and session token of the account's role: the newest.
    pub(crate) fn credentials(&self) -> (String, String, String) {
        self.access().newest()
    }

    /// Of another account, which STS knows; everything else is denied to it.
    pub(crate) fn foreign_credentials(&self, account: &str) -> (String, String, String) {
        self.access().make(account)
    }

    /// All credentials that were handed out so far; [`Aws::credentials`] has new ones.
    pub(crate) fn expire(&self) {
        self.access().expire();
    }

    /// `logs:PutLogEvents`
    pub(crate) fn deny(&self, action: &str) {
        self.access().deny(action);
    }

    pub(crate) fn allow(&self, action: &str) {
        self.access().allow(action);
    }

    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        self.ssm().parameters.values().cloned().collect()
    }

    /// Somebody else's parameter, of type String.
    pub(crate) fn put_parameter(&self, name: &str, value: &str) {
        let (name, value, modified) = (name.to_owned(), value.to_owned(), self.now());
        let parameter =
            Parameter { name: name.clone(), value, kind: "String".to_owned(), version: 1, modified };
        self.ssm().parameters.insert(name, parameter);
    }

    pub(crate) fn compliance(&self) -> Vec<Compliance> {
        self.ssm().compliance.values().cloned().collect()
    }

    pub(crate) fn inventory(&self) -> Vec<Inventory> {
        self.ssm().inventory.values().cloned().collect()
    }

    fn logs(&self) -> MutexGuard<'_, Logs> {
        self.state.logs.lock().expect("logs")
    }

    fn ssm(&self) -> MutexGuard<'_, Ssm> {
        self.state.ssm.lock().expect("parameters")
    }

    fn access(&self) -> MutexGuard<'_, Access> {
        self.state.access.lock().expect("keys")
    }
}

/// A log group that was made just now, to be made more of.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    aws: &'a Aws,
    name: &'a str,
}

impl Group<'_> {
    pub(crate) fn class(self, class: Class) -> Self {
        self.aws.logs().group(self.name).class = class;
        self
    }

    pub(crate) fn retention_days(self, days: i64) -> Self {
        self.aws.logs().group(self.name).retention_days = Some(days);
        self
    }

    pub(crate) fn stream(self, name: &str) -> Self {
        let now = self.aws.now();
        self.aws.logs().group(self.name).streams.insert(name.to_owned(), now);
        self
    }
}

/// What a request asks for, as far as that can be told before anything else.
#[derive(Debug)]
struct Asked {
    service: Service,
    action: String,
}

impl Asked {
    /// JSON services name it in a header, STS in a form.
    fn of(request: &Request) -> Self {
        let named = request.header("x-amz-target").and_then(|target| target.split_once('.'));
        let (service, action) = match named {
            Some(("Logs_20140328", action)) => (Service::Logs, action.to_owned()),
            Some(("AmazonSSM", action)) => (Service::Ssm, action.to_owned()),
            Some(_) => (Service::Logs, String::new()),
            None => {
                let body = String::from_utf8_lossy(&request.body);
                let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
                (Service::Sts, action.unwrap_or_default().to_owned())
            }
        };
        Self { service, action }
    }
}

impl State {
    fn reply(&self, request: Request) -> Reply {
        let (at, bytes) = (Instant::now(), request.body.len());
        let asked = Asked::of(&request);
        let fault = self.faults.take(&asked, &request.body);
        let (mut reply, status, code) = self.outcome(&asked, request, fault.as_ref());
        if let Reply::Whole(answer) | Reply::Slow(answer, _) | Reply::Cut(answer) = &mut reply {
            self.dress(answer);
        }
        let call = Call { service: asked.service, action: asked.action, status, code, at, bytes };
        self.calls.lock().expect("calls").push(call);
        reply
    }

    fn outcome(&self, asked: &Asked, request: Request, fault: Option<&Kind>) -> (Reply, u16, Option<String>) {
        if let Some((reply, status, code)) = fault.and_then(Kind::first) {
            return (reply, status, code.map(str::to_owned));
        }
        let (answer, code) = match self.done(asked, request, fault) {
            Ok(answer) => (answer, None),
            Err(refusal) => {
                let answer = refusal.answer(asked.service);
                (answer, Some(refusal.code))
            }
        };
        let status = answer.status;
        match fault {
            None => (Reply::Whole(answer), status, code),
            Some(Kind::LostReply) => (Reply::Reset, 0, code.or_else(|| Some("lost reply".to_owned()))),
            Some(fault) => (fault.last(asked.service, answer), status, code),
        }
    }

    /// First who, then how often, then what.
    fn done(&self, asked: &Asked, request: Request, fault: Option<&Kind>) -> Result<Answer, Refusal> {
        let now = self.clock.now();
        let caller = {
            let access = self.access.lock().expect("keys");
            let caller = access.authenticate(asked.service, &request, now)?;
            access.authorize(asked.service, &asked.action, &caller)?;
            caller
        };
        if !self.quotas.take(&asked.action) {
            return Err(Refusal::throttled());
        }
        if let Some(refusal) = fault.and_then(Kind::refusal) {
            return Err(refusal);
        }
        self.process(asked, &request, &caller, now)
    }

    fn process(
        &self,
        asked: &Asked,
        request: &Request,
        caller: &Caller,
        now: i64,
    ) -> Result<Answer, Refusal> {
        if request.method != "POST" || request.path != "/" {
            return Err(Refusal::new("UnknownOperationException", "").status(404));
        }
        if asked.service == Service::Sts {
            return sts::call(&asked.action, caller);
        }
        // What AWS says to another content type is not known; an SDK sends this one.
        if request.header("content-type") != Some(answer::JSON) {
            return Err(Refusal::new("UnknownOperationException", ""));
        }
        let body: Map<String, Value> =
            serde_json::from_slice(&request.body).map_err(|_| Refusal::new("SerializationException", ""))?;
        let action = &asked.action;
        let answer = match asked.service {
            Service::Logs => self.logs.lock().expect("logs").call(action, body, now)?,
            _ => {
                let place = format!("{}:{}", self.account.region, self.account.id);
                self.ssm.lock().expect("parameters").call(action, &body, now, &place)?
            }
        };
        Ok(answer::json(&answer))
    }

    /// What every answer of AWS carries; a page of somebody between has the date alone.
    fn dress(&self, answer: &mut Answer) {
        answer.headers.push(("date", clock::http_date(self.clock.now())));
        let is_from_aws =
            !answer.body.is_empty() && !answer.headers.iter().any(|(_, kind)| kind == "text/html");
        if is_from_aws {
            let number = self.requests.fetch_add(1, Ordering::Relaxed);
            answer.headers.push(("x-amzn-requestid", format!("00000000-0000-4000-8000-{number:012}")));
        }
    }
}
