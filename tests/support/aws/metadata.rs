//! The metadata service of an instance in the double's account: tokens with an end and a hop limit, what EC2 tells of
//! an instance, the role's credentials, and an identity document that is signed as EC2 signs it.
//!
//! The rules are those of the EC2 user guide. Where EC2's own behaviour is not known for certain, the rule says so.

mod identity;
mod pages;
mod tokens;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use super::clock;
use super::http::{Answer, Reply, Request};
use super::server::{LOOPBACK, Server};
use super::state::State;
use super::{Account, Aws};
use identity::{Identity, Signed};
use tokens::Issued;

/// The service, as long as it lives. `AWS_EC2_METADATA_SERVICE_ENDPOINT` is its [`Metadata::url`].
#[derive(Debug)]
pub(crate) struct Metadata {
    server: Server,
    told: Arc<Mutex<Told>>,
    identity: Identity,
}

/// `HttpTokens` of an instance, or no `HttpEndpoint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tokens {
    Required,
    Optional,
    /// 403 for everybody and everything.
    Off,
}

/// A request, and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Whether there was one, good or not.
    pub(crate) has_token: bool,
    pub(crate) status: u16,
    pub(crate) at: Instant,
}

/// What it answers, and to whom.
#[derive(Debug)]
struct Told {
    tokens: Tokens,
    hops: u8,
    issued: Issued,
    account: Account,
    instance: String,
    signed: Signed,
    /// In place of the newest ones of the double.
    credentials: Option<(String, String, String)>,
    has_role: bool,
    /// Nobody gets more than 503.
    is_away: bool,
    tags: Vec<(String, String)>,
    user_data: Vec<u8>,
    asked: Vec<Asked>,
}

impl Metadata {
    /// Of the guest's interface; its address in the subnet is [`Metadata::LOCAL`].
    pub(crate) const MAC: &'static str = "02:00:00:00:00:05";
    pub(crate) const LOCAL: &'static str = "10.0.0.5";
    pub(crate) const ROLE: &'static str = "web";

    /// Of an instance that belongs to the double's account, on the loopback.
    pub(crate) fn start(aws: &Aws) -> Self {
        Self::start_at(aws, LOOPBACK)
    }

    /// At an address that is there already: 169.254.169.254:80.
    pub(crate) fn start_at(aws: &Aws, address: SocketAddr) -> Self {
        let (account, instance) = (aws.state.account, "i-0123456789abcdef0");
        let identity = Identity::new();
        let told = Told {
            tokens: Tokens::Required,
            hops: 1,
            issued: Issued::default(),
            account,
            instance: instance.to_owned(),
            signed: identity.sign(account, instance),
            credentials: None,
            has_role: true,
            is_away: false,
            tags: Vec::new(),
            user_data: Vec::new(),
            asked: Vec::new(),
        };
        let told = Arc::new(Mutex::new(told));
        let (state, telling) = (Arc::clone(&aws.state), Arc::clone(&told));
        let server = Server::start_at(address, None, move |request| {
            telling.lock().expect("metadata").reply(&state, &request)
        });
        Self { server, told, identity }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The certificate that the identity document was signed with, for `[aws] identity-certificate`.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.identity.certificate()
    }

    /// Whether a request needs a token; at first it does.
    pub(crate) fn tokens(&self, tokens: Tokens) {
        self.told().tokens = tokens;
    }

    /// `HttpPutResponseHopLimit`: how far an answer with a token goes. At first it is 1.
    pub(crate) fn hops(&self, hops: u8) {
        assert!((1..=64).contains(&hops), "EC2 takes 1 to 64 hops, and not {hops}");
        self.told().hops = hops;
    }

    /// The instance's tags, which an instance may see from now on; none, and there is nothing to see.
    pub(crate) fn tags(&self, tags: &[(&str, &str)]) {
        for (key, _) in tags {
            assert!(pages::is_tag(key), "EC2 shows no instance the tag {key:?}");
        }
        self.told().tags = tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    }

    /// None of it, and there is no such page.
    pub(crate) fn user_data(&self, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        assert!(bytes.len() <= MOST_USER_DATA, "EC2 takes no {} bytes of user data", bytes.len());
        self.told().user_data = bytes;
    }

    /// Which instance of which account it says that this is, with a signature that fits.
    pub(crate) fn instance(&self, account: Account, instance: &str) {
        let signed = self.identity.sign(account, instance);
        let mut told = self.told();
        (told.account, told.signed) = (account, signed);
        instance.clone_into(&mut told.instance);
    }

    /// Other text than what was signed.
    pub(crate) fn forge(&self, document: &str) {
        document.clone_into(&mut self.told().signed.document);
    }

    /// Somebody's credentials in place of the role's own; `None` for those again.
    pub(crate) fn credentials(&self, credentials: Option<(String, String, String)>) {
        self.told().credentials = credentials;
    }

    /// Whether the instance has a role.
    pub(crate) fn role(&self, has_role: bool) {
        self.told().has_role = has_role;
    }

    pub(crate) fn go_away(&self, is_away: bool) {
        self.told().is_away = is_away;
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.told().asked.clone()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().expect("metadata")
    }
}

impl Told {
    /// Each answer is the last of its connection, as EC2's are, and that of a token goes no further than the limit.
    fn reply(&mut self, state: &State, request: &Request) -> Reply {
        let at = Instant::now();
        let is_token = request.path == TOKEN;
        let mut answer = if is_token { self.token(request) } else { self.page(state, request) };
        let date = clock::http_date(state.clock.now());
        answer.headers.extend([("server", "EC2ws".to_owned()), ("date", date)]);
        answer.headers.push(("connection", "close".to_owned()));
        self.asked.push(Asked {
            method: request.method.clone(),
            path: request.path.clone(),
            has_token: request.header("x-aws-ec2-metadata-token").is_some(),
            status: answer.status,
            at,
        });
        let hops = if is_token && answer.status == 200 { self.hops } else { FAR };
        Reply::Last(answer, hops)
    }

    fn token(&mut self, request: &Request) -> Answer {
        if let Some(status) = self.closed() {
            return plain(status);
        }
        if request.method != "PUT" {
            return not_allowed("OPTIONS, PUT");
        }
        if request.header("x-forwarded-for").is_some() {
            return plain(403);
        }
        let Some(seconds) = request.header(TTL).and_then(tokens::seconds) else { return plain(400) };
        let mut answer = Answer::new(200, "text/plain", self.issued.make(seconds));
        answer.headers.push((TTL, seconds.to_string()));
        answer
    }

    fn page(&self, state: &State, request: &Request) -> Answer {
        if let Some(status) = self.closed() {
            return plain(status);
        }
        // What EC2 says to another method is not known.
        if request.method != "GET" {
            return not_allowed("OPTIONS, GET");
        }
        let left = match request.header("x-aws-ec2-metadata-token") {
            Some(token) => match self.issued.seconds_left(token) {
                None => return plain(401),
                left => left,
            },
            None if self.tokens == Tokens::Optional => None,
            None => return plain(401),
        };
        let Some((kind, body)) = pages::find(self, state, &request.path) else { return plain(404) };
        let mut answer = Answer::new(200, kind, body);
        answer.headers.extend(left.map(|left| (TTL, left.to_string())));
        answer
    }

    fn closed(&self) -> Option<u16> {
        match (self.is_away, self.tokens) {
            (true, _) => Some(503),
            (false, Tokens::Off) => Some(403),
            _ => None,
        }
    }
}

fn not_allowed(allowed: &str) -> Answer {
    let mut answer = plain(405);
    answer.headers.push(("allow", allowed.to_owned()));
    answer
}

fn plain(status: u16) -> Answer {
    Answer::new(status, "text/plain", "")
}

const TOKEN: &str = "/latest/api/token";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
/// What every system begins with today; what EC2 begins with is not documented.
const FAR: u8 = 64;
/// 16 KB, before base64.
const MOST_USER_DATA: usize = 16 * 1024;
