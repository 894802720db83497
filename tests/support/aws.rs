//! A strict double of AWS, on the loopback or wherever a guest looks for AWS: CloudWatch Logs, Systems Manager's compliance, inventory and parameters, and
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
mod state;
mod sts;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use access::Access;
pub(crate) use faults::{Fault, Faults, Kind};
use logs::Logs;
pub(crate) use logs::{Class, Event};
pub(crate) use metadata::{Metadata, Tokens};
use server::{LOOPBACK, Server};
use ssm::Ssm;
pub(crate) use ssm::{Compliance, Inventory, Parameter};
use state::State;
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

impl Aws {
    pub(crate) fn start(account: Account) -> Self {
        Self::with(account, LOOPBACK, None)
    }

    /// The same behind a certificate that [`Aws::authority`] vouches for.
    pub(crate) fn start_tls(account: Account) -> Self {
        Self::start_tls_at(account, LOOPBACK, &["localhost"])
    }

    /// At an address that is there already, with a certificate for it and for these names.
    pub(crate) fn start_tls_at(account: Account, address: SocketAddr, names: &[&str]) -> Self {
        Self::with(account, address, Some(Authority::new(address.ip(), names)))
    }

    fn with(account: Account, address: SocketAddr, authority: Option<Authority>) -> Self {
        let state = Arc::new(State::new(account));
        let serving = Arc::clone(&state);
        let tls = authority.as_ref().map(Authority::config);
        let server = Server::start_at(address, tls, move |request| serving.reply(request));
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
