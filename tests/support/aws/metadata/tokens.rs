//! Tokens for sessions with the metadata service: made by lot, as many as anybody wants, each with its end.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

/// The tokens that were given out, and until when they are good. The double's clock does not move that: it is a time
/// from the request on.
#[derive(Debug, Default)]
pub(super) struct Issued(HashMap<String, Instant>);

impl Issued {
    pub(super) fn make(&mut self, seconds: u32) -> String {
        let now = Instant::now();
        self.0.retain(|_, until| *until > now);
        let mut bytes = [0; 40];
        bytes[..3].copy_from_slice(&[1, 0, 4]);
        let lot = File::open("/dev/urandom").and_then(|mut lot| lot.read_exact(&mut bytes[3..]));
        lot.expect("random bytes");
        let token = URL_SAFE.encode(bytes);
        self.0.insert(token.clone(), now + Duration::from_secs(seconds.into()));
        token
    }

    /// `None` when there is no such token, or none any more.
    pub(super) fn seconds_left(&self, token: &str) -> Option<u64> {
        let left = self.0.get(token)?.checked_duration_since(Instant::now())?;
        // A part of a second is not over yet.
        Some(left.as_secs() + u64::from(left.subsec_nanos() > 0)).filter(|left| *left > 0)
    }
}

/// How long a token is to be good: a second to six hours.
pub(super) fn seconds(text: &str) -> Option<u32> {
    text.parse().ok().filter(|seconds| (1..=21_600).contains(seconds))
}
