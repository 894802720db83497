//! The ratchet that seals checkpoints: each state makes the next, and no state tells the one before it.
//!
//! Whoever takes the machine finds the present state only, so every checkpoint before that moment stays as it was
//! sealed. The first state, kept elsewhere, opens them all. No I/O here: where states are kept is `journal/slots.rs`.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::finding::wire::key::FirstKey;
use crate::finding::wire::record::{Hash, Id};

/// One state of the ratchet, with its place in the row.
#[derive(Clone)]
pub struct Ratchet {
    index: u64,
    key: Zeroizing<[u8; 32]>,
}

impl Ratchet {
    /// From fresh random bytes.
    pub fn new(random: Zeroizing<[u8; 32]>) -> Self {
        Self { index: 0, key: random }
    }

    /// Where it was left.
    pub fn resume(index: u64, key: Zeroizing<[u8; 32]>) -> Self {
        Self { index, key }
    }

    pub fn index(&self) -> u64 {
        self.index
    }

    /// The state itself, for the slots that keep it.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// What the operator keeps elsewhere.
    pub fn first_key(&self, agent: Id, epoch: Id, from_seq: u64) -> FirstKey {
        FirstKey { agent, epoch, from_seq, index: self.index, key: self.key.clone() }
    }

    pub fn mac(&self, covered: &[u8]) -> Hash {
        Hash(self.hmac(covered).finalize().into_bytes().into())
    }

    /// Whether `mac` is ours for `covered`, in a time that does not tell how much of it was right.
    pub fn proves(&self, covered: &[u8], mac: &Hash) -> bool {
        self.hmac(covered).verify_slice(&mac.0).is_ok()
    }

    /// On to the next state; this one is gone.
    pub fn advance(&mut self) {
        let next = Zeroizing::new(<[u8; 32]>::from(self.hmac(STEP).finalize().into_bytes()));
        // The assignment drops the old state, and dropping it writes zeros over it.
        self.key = next;
        self.index = self.index.saturating_add(1);
    }

    /// On to the state `index`, which is not before this one and not absurdly far.
    pub fn advance_to(&mut self, index: u64) -> Result<(), OutOfReach> {
        let steps = index.checked_sub(self.index).filter(|&steps| steps <= FARTHEST);
        let steps = steps.ok_or(OutOfReach { from: self.index, to: index })?;
        (0..steps).for_each(|_| self.advance());
        Ok(())
    }

    fn hmac(&self, message: &[u8]) -> Hmac<Sha256> {
        // HMAC fills a short key up to the block with zeros; a whole block is what cannot be of a wrong length.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(&*self.key);
        let mut hmac = Hmac::<Sha256>::new((&*block).into());
        hmac.update(message);
        hmac
    }
}

impl From<&FirstKey> for Ratchet {
    fn from(first: &FirstKey) -> Self {
        Self::resume(first.index, first.key.clone())
    }
}

/// Never the state itself: what is printed is kept.
impl fmt::Debug for Ratchet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ratchet").field("index", &self.index).finish_non_exhaustive()
    }
}

/// A state that lies behind, or farther ahead than any checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfReach {
    pub from: u64,
    pub to: u64,
}

impl fmt::Display for OutOfReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the ratchet at {} cannot go to {}", self.from, self.to)
    }
}

impl std::error::Error for OutOfReach {}

const STEP: &[u8] = b"guestward ratchet 1";
/// A checkpoint a minute for 38 years; ten seconds of work for whoever asks for more.
const FARTHEST: u64 = 20_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// The key is the bytes 0 to 31.
    fn ratchet() -> Ratchet {
        let mut key = Zeroizing::new([0; 32]);
        (0u8..).zip(key.iter_mut()).for_each(|(n, byte)| *byte = n);
        Ratchet::new(key)
    }

    /// From Python 3.11: `k = bytes(range(32)); m = lambda k, t: base64.urlsafe_b64encode(hmac.digest(k, t, "sha256"))`,
    /// then `m(k, b"covered")`, `m(k, b"")`, and with `k = hmac.digest(k, b"guestward ratchet 1", "sha256")` done once
    /// and a thousand times, `m(k, b"covered")` again.
    #[test]
    fn it_is_the_hmac_that_others_know() {
        let mut ratchet = ratchet();
        assert_eq!(ratchet.mac(b"covered").to_string(), "9BChNV9gyTYD9UzhUCHnIN9uHxgseTVayuUwtX2dZlg");
        assert_eq!(ratchet.mac(b"").to_string(), "04tCCW2A9F-Ca0Sp1WB95ySWpBXT9KGoyI47udqNwcs");
        ratchet.advance();
        assert_eq!(
            (ratchet.index(), ratchet.mac(b"covered").to_string().as_str()),
            (1, "_MtzIU80dddxXJ3nOFuOop0LbtRg6Y0zi148zY0GWnw")
        );
        ratchet.advance_to(1000).unwrap();
        assert_eq!(
            (ratchet.index(), ratchet.mac(b"covered").to_string().as_str()),
            (1000, "8b35Y-zcp3pGFm4sJoAWKg5NlYOhGFwFIFZhbB5gs3o")
        );
    }

    #[test]
    fn a_seal_holds_for_its_state_and_its_text_only() {
        let mut ratchet = ratchet();
        let mac = ratchet.mac(b"covered");
        assert!(ratchet.proves(b"covered", &mac));
        assert!(!ratchet.proves(b"coverec", &mac));
        let mut other = mac;
        other.0[31] ^= 1;
        assert!(!ratchet.proves(b"covered", &other));
        ratchet.advance();
        assert!(!ratchet.proves(b"covered", &mac));
    }

    #[test]
    fn it_goes_neither_back_nor_on_for_ever() {
        let mut ratchet = ratchet();
        ratchet.advance_to(5).unwrap();
        assert_eq!(ratchet.advance_to(4), Err(OutOfReach { from: 5, to: 4 }));
        assert_eq!(ratchet.advance_to(u64::MAX), Err(OutOfReach { from: 5, to: u64::MAX }));
        assert_eq!(ratchet.index(), 5);
    }

    #[test]
    fn the_first_key_opens_what_the_ratchet_sealed() {
        let mut ratchet = ratchet();
        let first = ratchet.first_key(Id::new([1; 8]), Id::new([2; 8]), 1);
        ratchet.advance_to(3).unwrap();
        let mac = ratchet.mac(b"covered");
        let mut opener = Ratchet::from(&FirstKey::parse(&first.to_json()).unwrap());
        opener.advance_to(3).unwrap();
        assert!(opener.proves(b"covered", &mac));
    }

    #[test]
    fn a_state_is_never_shown() {
        assert_eq!(format!("{:?}", ratchet()), "Ratchet { index: 0, .. }");
    }
}
