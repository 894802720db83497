//! The key file `guestward.key/1`: the ratchet's first state, kept away from the machine, opens every seal after it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::record::{Id, Malformed};

/// A state of the ratchet, and the first record that it can have sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstKey {
    pub agent: Id,
    pub epoch: Id,
    /// What the epoch has before it was made without a key.
    pub from_seq: u64,
    pub index: u64,
    pub key: Zeroizing<[u8; 32]>,
}

impl FirstKey {
    /// One line, without the newline.
    pub fn to_json(&self) -> Zeroizing<String> {
        let (agent, epoch) = (self.agent.to_string(), self.epoch.to_string());
        let key = Zeroizing::new(BASE64.encode(*self.key));
        let written = File {
            schema: SCHEMA,
            agent: &agent,
            epoch: &epoch,
            from_seq: self.from_seq,
            index: self.index,
            key: &key,
        };
        Zeroizing::new(serde_json::to_string(&written).unwrap_or_default())
    }

    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let read: File<'_> = serde_json::from_str(text).map_err(|_| NOT_A_KEY)?;
        if read.schema != SCHEMA {
            return Err(Malformed("a key file of another version"));
        }
        if read.from_seq == 0 {
            return Err(Malformed("seq starts at 1"));
        }
        // Decoded in place, so that no copy stays behind; the decoder wants room for a whole last group.
        let mut decoded = Zeroizing::new([0; 33]);
        let length = BASE64.decode_slice(read.key, &mut *decoded).map_err(|_| NOT_A_KEY)?;
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(decoded.get(..length).filter(|bytes| bytes.len() == 32).ok_or(NOT_A_KEY)?);
        Ok(Self {
            agent: read.agent.parse()?,
            epoch: read.epoch.parse()?,
            from_seq: read.from_seq,
            index: read.index,
            key,
        })
    }
}

/// Never the key itself: what is printed is kept.
impl fmt::Debug for FirstKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstKey")
            .field("agent", &self.agent)
            .field("epoch", &self.epoch)
            .field("from_seq", &self.from_seq)
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'a> {
    schema: &'a str,
    agent: &'a str,
    epoch: &'a str,
    from_seq: u64,
    index: u64,
    key: &'a str,
}

const SCHEMA: &str = "guestward.key/1";
const NOT_A_KEY: Malformed = Malformed("not a key file of guestward");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> FirstKey {
        FirstKey {
            agent: Id::new([0xab; 8]),
            epoch: Id::new([1; 8]),
            from_seq: 12,
            index: 0,
            key: Zeroizing::new([7; 32]),
        }
    }

    #[test]
    fn a_key_file_is_read_back() {
        assert_eq!(
            *key().to_json(),
            concat!(
                r#"{"schema":"guestward.key/1","agent":"abababababababab","epoch":"0101010101010101","from_seq":12,"#,
                r#""index":0,"key":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"}"#
            )
        );
        assert_eq!(FirstKey::parse(&format!("{}\n", *key().to_json())).unwrap(), key());
    }

    #[test]
    fn what_is_no_key_file_is_refused() {
        let whole = key().to_json();
        for (from, to) in [
            ("key/1", "key/2"),
            ("\"from_seq\":12", "\"from_seq\":0"),
            ("\"index\":0", "\"index\":-1"),
            ("\"index\":0", "\"other\":1,\"index\":0"),
            ("wc\"}", "w\"}"),
            ("wc\"}", "wcw\"}"),
            ("wc\"}", "wd\"}"),
            ("wc\"}", "wc=\"}"),
        ] {
            let changed = whole.replace(from, to);
            assert_ne!(changed, *whole);
            assert!(FirstKey::parse(&changed).is_err(), "{changed}");
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        assert!(!format!("{:?}", key()).contains("7, 7"), "{:?}", key());
    }

    proptest! {
        #[test]
        fn no_text_panics_the_reader(text in ".{0,300}") {
            let _ = FirstKey::parse(&text);
        }
    }
}
