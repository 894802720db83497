//! One request to the metadata service, and what came back: bounded in time and in size.
//!
//! Nothing of the environment counts here: no proxy, no redirect, no variable of the SDKs. Each request has a
//! connection of its own, so that what one of them does to it cannot touch the next.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};

use super::{Endpoint, Text};

#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
}

/// What came back for a request: something of HTTP, or nothing.
pub type Answer = Result<Reply, NoReply>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// The whole body; a longer one than we read is [`NoReply::Garbled`].
    pub body: Vec<u8>,
    /// Where a redirect would have led.
    pub location: Option<Text>,
    pub took: Duration,
}

/// Why nothing of HTTP came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoReply {
    /// Nobody listens there, or a firewall says so.
    Refused,
    /// This host's own routes or firewall do not let the request out.
    Forbidden,
    /// Somebody took the connection, and then said nothing or nothing whole.
    Silent,
    /// No way there: EHOSTUNREACH, ENETUNREACH and the like.
    Unreachable(Errno),
    /// Nobody took the connection.
    TimedOut,
    /// It spoke, and it was not HTTP as we accept it.
    Garbled(Text),
}

impl fmt::Display for NoReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the connection was refused"),
            Self::Forbidden => f.write_str("this host's own routes or firewall do not let the request out"),
            Self::Unreachable(errno) => write!(f, "it cannot be reached: {}", errno.desc()),
            Self::Silent => {
                write!(f, "it took the connection, and no answer came within {} ms", PATIENCE.as_millis())
            }
            Self::TimedOut => write!(f, "nobody took the connection within {} ms", CONNECT.as_millis()),
            Self::Garbled(what) => write!(f, "its answer is not understood: {what}"),
        }
    }
}

impl Client {
    pub(super) fn to(endpoint: Endpoint) -> Result<Self, NoReply> {
        let http = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(Policy::none())
            // A second try would be a second request, and the account of those is what we promise.
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            .user_agent(concat!("guestward/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| no_reply(&error))?;
        Ok(Self { http, endpoint })
    }

    /// A token for this run; its time is the least that is of use.
    pub(super) async fn put_token(&self) -> Answer {
        self.send(self.request(Method::PUT, "/latest/api/token").header(TOKEN_SECONDS_HEADER, "60")).await
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(self.request(Method::GET, path).header(TOKEN_HEADER, token)).await
    }

    /// The one request without a token: only to see whether it is refused, and never for a credential.
    pub(super) async fn get_instance_id_without_token(&self) -> Answer {
        self.send(self.request(Method::GET, "/latest/meta-data/instance-id")).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.endpoint.address()))
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let began = Instant::now();
        let mut response = request.send().await.map_err(|error| no_reply(&error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| no_reply(&error))? {
            if body.len() + chunk.len() > MAX_BODY {
                let what = format!("a body of more than {MAX_BODY} bytes");
                return Err(NoReply::Garbled(Text::new(&what)));
            }
            body.extend_from_slice(&chunk);
        }
        let location = response.headers().get("location");
        Ok(Reply {
            status: response.status().as_u16(),
            body,
            location: location.map(|value| Text::from_bytes_within(value.as_bytes(), MAX_SHOWN)),
            took: began.elapsed(),
        })
    }
}

fn no_reply(error: &reqwest::Error) -> NoReply {
    if error.is_timeout() {
        return if error.is_connect() { NoReply::TimedOut } else { NoReply::Silent };
    }
    let mut last: &dyn Error = error;
    while let Some(source) = last.source() {
        last = source;
        if let Some(errno) = last.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return match Errno::from_raw(errno) {
                Errno::ECONNREFUSED => NoReply::Refused,
                Errno::EACCES | Errno::EPERM => NoReply::Forbidden,
                Errno::ETIMEDOUT => NoReply::TimedOut,
                errno @ (Errno::ECONNRESET | Errno::EPIPE) => {
                    NoReply::Garbled(Text::new(&format!("the connection broke off: {}", errno.desc())))
                }
                errno => NoReply::Unreachable(errno),
            };
        }
    }
    NoReply::Garbled(Text::from_bytes_within(last.to_string().as_bytes(), MAX_SHOWN))
}

const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";
const TOKEN_SECONDS_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";
/// The service is in the same machine and answers within milliseconds; the SDKs give it a second, too.
const PATIENCE: Duration = Duration::from_millis(950);
/// Within that, so that it is told apart who said nothing.
const CONNECT: Duration = Duration::from_millis(800);
/// A role's name and a token have less than a hundred bytes.
const MAX_BODY: usize = 64 * 1024;
/// Enough of a hostile answer to recognise it by.
const MAX_SHOWN: usize = 120;
