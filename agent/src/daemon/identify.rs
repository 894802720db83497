//! Who AWS says that we are: asked on a thread of its own until it is known, and told in every record from then on.
//!
//! Until then records say no account and no region, and nothing waits.

use std::mem::{Discriminant, discriminant};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use super::{Daemon, Input, draft, timers};
use crate::finding::Severity;
use crate::finding::wire::body::{Lifecycle, Told};
use crate::finding::wire::record::Kind;
use crate::host::Host;
use crate::host::imds::{Document, Endpoint, Unverified, document};

/// What is to be asked where.
#[derive(Debug)]
pub(super) struct Ask {
    endpoint: Endpoint,
    /// The certificate that the policy names.
    certificate: Option<PathBuf>,
}

/// What the loop knows of it.
#[derive(Debug)]
pub(super) struct Identity {
    asks: SyncSender<Ask>,
    /// `None` where there is nobody to ask.
    endpoint: Option<Endpoint>,
    is_known: bool,
    attempts: u32,
    /// Which reasons were told. Their words may be somebody else's, and no two the same.
    told: Vec<Discriminant<Unverified>>,
    is_other_told: bool,
}

impl Identity {
    pub(super) fn new(asks: SyncSender<Ask>, endpoint: Option<Endpoint>) -> Self {
        Self { asks, endpoint, is_known: false, attempts: 0, told: Vec::new(), is_other_told: false }
    }

    /// Whether this is news that whoever reads the records should have.
    fn is_worth_telling(&mut self, why: &Unverified) -> bool {
        // In the first moments of an instance it is nothing to speak of.
        if why.is_silence() && self.attempts < SILENT_ATTEMPTS {
            return false;
        }
        let is_new = !self.told.contains(&discriminant(why));
        if is_new {
            self.told.push(discriminant(why));
        }
        is_new
    }
}

/// Asks whenever it is told to, until nobody tells or listens any more.
pub(super) fn serve(asks: &Receiver<Ask>, inputs: &SyncSender<Input>) {
    while let Ok(ask) = asks.recv() {
        let found = certificate(&ask).and_then(|pem| document(ask.endpoint, pem.as_deref()));
        if inputs.send(Input::Identified(Box::new(found))).is_err() {
            return;
        }
    }
}

fn certificate(ask: &Ask) -> Result<Option<Vec<u8>>, Unverified> {
    let Some(path) = &ask.certificate else { return Ok(None) };
    let read = Host::at("/").and_then(|host| host.read(path, MAX_CERTIFICATE));
    read.map(Some).map_err(|cause| Unverified::CertificateFile(cause.to_string()))
}

impl Daemon {
    /// Asks, if there is anybody to ask and anything to find out.
    pub(super) fn identify(&mut self, now: Instant) {
        let identity = &mut self.identity;
        let Some(endpoint) = identity.endpoint.filter(|_| !identity.is_known) else { return };
        let certificate = self.policy.identity_certificate().map(PathBuf::from);
        // Where one question is still under way, its answer brings the next.
        if identity.asks.try_send(Ask { endpoint, certificate }).is_ok() {
            identity.attempts = identity.attempts.saturating_add(1);
        }
        self.timers.identity.set(now + timers::jittered(pause(identity.attempts)));
    }

    /// Another policy may name another certificate.
    pub(super) fn identify_anew(&mut self, now: Instant) {
        self.identity.told.clear();
        self.identify(now);
    }

    pub(super) fn identified(&mut self, found: Result<Document, Unverified>) {
        let reason = match found {
            Ok(Document { account, region, instance }) => {
                match self.journal.identify(&instance, &account, &region) {
                    Ok(()) => {
                        self.identity.is_known = true;
                        return;
                    }
                    Err(_) if self.identity.is_other_told => return,
                    Err(own) => {
                        self.identity.is_other_told = true;
                        format!(
                            "the account and region are not known for certain: the metadata service gives the \
                             document of {instance}, and this is the journal of {own}"
                        )
                    }
                }
            }
            Err(why) if self.identity.is_worth_telling(&why) => why.to_string(),
            Err(_) => return,
        };
        let event = Lifecycle::Trouble { reason: Told::new(&reason) };
        self.record(vec![draft(Kind::Lifecycle, Severity::Medium, event.to_json())]);
    }
}

/// How long it waits after so many attempts.
fn pause(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(MAX_DOUBLINGS);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

const FIRST_PAUSE: Duration = Duration::from_secs(4);
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// Four seconds become an hour.
const MAX_DOUBLINGS: u32 = 10;
/// Two minutes of silence: longer than any boot leaves the service out of reach.
const SILENT_ATTEMPTS: u32 = 6;
/// AWS's have less than two thousand bytes.
const MAX_CERTIFICATE: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::imds::NoReply;

    #[test]
    fn it_is_asked_ever_more_seldom_and_at_least_once_an_hour() {
        let pauses: Vec<u64> = (1..=13).map(|attempts| pause(attempts).as_secs()).collect();
        assert_eq!(pauses, [4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600, 3600]);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }

    #[test]
    fn a_reason_is_told_once_and_silence_only_when_it_lasts() {
        let (asks, _) = std::sync::mpsc::sync_channel(1);
        let mut identity = Identity::new(asks, Some(Endpoint::V4));
        let silence = Unverified::NoAnswer(NoReply::Refused);
        assert!(!identity.is_worth_telling(&silence));
        let other = |region: &str| Unverified::Forged { region: region.into() };
        assert!(identity.is_worth_telling(&other("a")));
        assert!(!identity.is_worth_telling(&other("b")), "whoever answers chooses the words");
        assert!(identity.is_worth_telling(&Unverified::Differs));
        identity.attempts = SILENT_ATTEMPTS;
        assert!(identity.is_worth_telling(&silence));
        assert!(!identity.is_worth_telling(&Unverified::NoAnswer(NoReply::Silent)));
    }
}
