//! What the double knows, and the way of a request through it: faults, who calls, quotas, the service itself.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Map, Value};

use super::access::{Access, Caller};
use super::answer::{self, Refusal};
use super::clock::{self, Clock};
use super::faults::{Faults, Kind};
use super::http::{Answer, Reply, Request};
use super::logs::Logs;
use super::quota::Quotas;
use super::ssm::Ssm;
use super::sts;
use super::{Account, Call, Service};

#[derive(Debug)]
pub(super) struct State {
    pub(super) account: Account,
    pub(super) clock: Clock,
    pub(super) faults: Faults,
    pub(super) quotas: Quotas,
    pub(super) access: Mutex<Access>,
    pub(super) logs: Mutex<Logs>,
    pub(super) ssm: Mutex<Ssm>,
    pub(super) calls: Mutex<Vec<Call>>,
    pub(super) requests: AtomicU64,
}

/// What a request asks for, as far as that can be told before anything else.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) service: Service,
    pub(super) action: String,
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
    pub(super) fn new(account: Account) -> Self {
        Self {
            account,
            clock: Clock::default(),
            faults: Faults::default(),
            quotas: Quotas::default(),
            access: Mutex::new(Access::new(account)),
            logs: Mutex::default(),
            ssm: Mutex::default(),
            calls: Mutex::default(),
            requests: AtomicU64::new(0),
        }
    }

    pub(super) fn reply(&self, request: Request) -> Reply {
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
