//! What is asked of the service, in which order, and what it said.
//!
//! Everything is asked with a token but one question: whether a request without one is refused. That one is asked
//! once over each address, for the instance id, which is no secret.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use nix::errno::Errno;

use super::client::{Answer, Client, NoReply, Reply};
use super::{Cause, Endpoint, Text, Unreadable};
use crate::sys::packets::Overheard;

/// What one address said.
#[derive(Debug, Clone)]
pub struct Conversation {
    pub endpoint: Endpoint,
    /// The answer to the one request without a token.
    pub tokenless: Answer,
    /// The answer to the request for a token.
    pub token: Answer,
    /// The time to live with which that answer arrived: its hop limit.
    pub hops: Result<u8, Unreadable>,
    /// The role whose credentials the instance has; `Ok(None)` when it has none.
    pub role: Result<Option<Text>, NoReply>,
}

/// Both addresses at once.
#[derive(Debug, Clone)]
pub struct Conversations {
    /// Over IPv4, or with the endpoint that was given by hand.
    pub main: Conversation,
    /// Over IPv6; only where no endpoint was given.
    pub v6: Option<Conversation>,
}

impl Conversations {
    pub(super) fn with(given: Option<Endpoint>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(async {
            match given {
                Some(endpoint) => Self { main: Conversation::with(endpoint).await, v6: None },
                None => {
                    let v6 = tokio::spawn(Conversation::over_v6());
                    let main = Conversation::with(Endpoint::V4).await;
                    Self { main, v6: v6.await.ok() }
                }
            }
        }))
    }
}

impl Conversation {
    /// Three requests, one after the other: with the patience of each, three seconds at most.
    async fn with(endpoint: Endpoint) -> Self {
        let client = match Client::to(endpoint) {
            Ok(client) => client,
            Err(cause) => return Self::silent(endpoint, &cause),
        };
        let tokenless = client.get_instance_id_without_token().await;
        // Refused at the door: a second and a third knock would tell nothing new.
        if let Err(cause @ (NoReply::Refused | NoReply::Forbidden | NoReply::Unreachable(_))) = &tokenless {
            return Self::silent(endpoint, cause);
        }
        let (token, hops) = token_and_hops(endpoint, client.put_token()).await;
        let role = match granted(&token) {
            Ok(token) => role(client.get("/latest/meta-data/iam/security-credentials/", token).await),
            Err(cause) => Err(cause),
        };
        Self { endpoint, tokenless, token, hops, role }
    }

    /// Most instances have no IPv6 endpoint: only where it gives a sign of life is the question without token asked.
    async fn over_v6() -> Self {
        let endpoint = Endpoint::V6;
        let client = match Client::to(endpoint) {
            Ok(client) => client,
            Err(cause) => return Self::silent(endpoint, &cause),
        };
        let token = client.put_token().await;
        let tokenless = match &token {
            Ok(_) | Err(NoReply::Garbled(_) | NoReply::Silent) => {
                client.get_instance_id_without_token().await
            }
            Err(cause) => Err(cause.clone()),
        };
        Self { tokenless, token, ..Self::silent(endpoint, &NoReply::Refused) }
    }

    fn silent(endpoint: Endpoint, cause: &NoReply) -> Self {
        Self {
            endpoint,
            tokenless: Err(cause.clone()),
            token: Err(cause.clone()),
            hops: Err(Unreadable::new(place(endpoint), Cause::Unsupported(cause.to_string()))),
            role: Err(cause.clone()),
        }
    }

    /// How the request without a token was taken.
    pub fn without_token(&self) -> WithoutToken<'_> {
        match &self.tokenless {
            Ok(Reply { status: 401, .. }) => WithoutToken::Refused,
            Ok(Reply { status: 403, .. }) => WithoutToken::Off,
            Ok(reply) if reply.status == 200 && is_instance_id(&reply.body) => WithoutToken::Answered,
            Ok(reply) => WithoutToken::Odd(reply),
            Err(cause) => WithoutToken::Silent(cause),
        }
    }

    /// Whether a token was granted.
    pub fn has_token(&self) -> bool {
        granted(&self.token).is_ok()
    }
}

/// How the service takes a request without a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutToken<'a> {
    /// 401: version 1 is off.
    Refused,
    /// 200 and an instance id: version 1 is on.
    Answered,
    /// 403: the service is off altogether.
    Off,
    Odd(&'a Reply),
    Silent(&'a NoReply),
}

/// Asks for the token with an ear at the wire: the answer that carries the token carries the hop limit.
async fn token_and_hops(
    endpoint: Endpoint,
    request: impl Future<Output = Answer>,
) -> (Answer, Result<u8, Unreadable>) {
    let ear = match endpoint.address() {
        SocketAddr::V4(peer) => Overheard::from(peer).map_err(|errno| unheard(endpoint, errno)),
        SocketAddr::V6(_) => {
            let what = "the hop limit is only measured over IPv4".to_owned();
            Err(Unreadable::new(place(endpoint), Cause::Unsupported(what)))
        }
    };
    let token = request.await;
    let hops = match granted(&token) {
        Err(cause) => {
            let what = format!("no token was granted: {cause}");
            Err(Unreadable::new(place(endpoint), Cause::Unsupported(what)))
        }
        Ok(token) => ear.and_then(|ear| {
            // Whatever else the service says to whomever else: only this answer has these bytes.
            let has_token = |payload: &[u8]| memchr::memmem::find(payload, token.as_bytes()).is_some();
            let hops = ear.time_to_live(has_token).map_err(|errno| unheard(endpoint, errno))?;
            hops.ok_or_else(|| {
                let what = "the packet that carried the token was not seen".to_owned();
                Unreadable::new(place(endpoint), Cause::Unsupported(what))
            })
        }),
    };
    (token, hops)
}

fn unheard(endpoint: Endpoint, errno: Errno) -> Unreadable {
    match errno {
        Errno::EPERM | Errno::EACCES => {
            Unreadable::new("the IP header of the answer (CAP_NET_RAW)", Cause::Denied)
        }
        errno => Unreadable::new(place(endpoint), Cause::Os(errno)),
    }
}

/// The token, if that is what came.
pub(super) fn granted(token: &Answer) -> Result<&str, NoReply> {
    let reply = token.as_ref().map_err(Clone::clone)?;
    let text = std::str::from_utf8(&reply.body).unwrap_or_default();
    let is_token = TOKEN_LENGTH.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    match reply.status {
        200 if is_token => Ok(text),
        200 => Err(NoReply::Garbled("200, and what came is no token".into())),
        status => Err(NoReply::Garbled(format!("status {status}").into())),
    }
}

/// The listing of the roles has one line, or there is none.
fn role(answer: Answer) -> Result<Option<Text>, NoReply> {
    let reply = answer?;
    let name = reply.body.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii();
    match reply.status {
        404 => Ok(None),
        200 if !name.is_empty() && name.len() <= MAX_ROLE && name.iter().all(|&byte| is_role_byte(byte)) => {
            Ok(Some(Text::from_bytes(name)))
        }
        200 => Err(NoReply::Garbled("200, and what came is no role's name".into())),
        status => Err(NoReply::Garbled(format!("status {status}").into())),
    }
}

fn is_role_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte)
}

/// A page of a captive portal is a 200, too.
pub(super) fn is_instance_id(body: &[u8]) -> bool {
    let digits = body.trim_ascii().strip_prefix(b"i-").unwrap_or_default();
    ID_DIGITS.contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit)
}

fn place(endpoint: Endpoint) -> PathBuf {
    PathBuf::from(endpoint.to_string())
}

/// AWS's have 56 characters. Shorter ones could stand in an answer by chance, longer ones fit no header.
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 16..=1024;
/// Eight in old ones, seventeen since 2016.
const ID_DIGITS: std::ops::RangeInclusive<usize> = 8..=17;
/// IAM's own limit.
const MAX_ROLE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_no_instance_id() {
        for (body, is) in [
            (&b"i-0123456789abcdef0"[..], true),
            (b"i-01234567\n", true),
            (b"i-", false),
            (b"i-0123456", false),
            (b"i-0123456789abcdefg", false),
            (b"<html>i-0123456789abcdef0</html>", false),
            (b"", false),
        ] {
            assert_eq!(is_instance_id(body), is, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn an_answer_that_is_no_name_is_no_role() {
        let answer = |status, body: &[u8]| {
            role(Ok(Reply { status, body: body.to_vec(), location: None, took: std::time::Duration::ZERO }))
        };
        assert_eq!(answer(200, b"web-server"), Ok(Some("web-server".into())));
        assert_eq!(answer(404, b""), Ok(None));
        assert!(answer(200, b"").is_err());
        assert!(answer(200, b"{\"AccessKeyId\": \"x\"}").is_err());
        assert!(answer(500, b"web-server").is_err());
    }
}
