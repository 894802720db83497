//! Bytes of which some bits may be unknown, and answers that may be: what a rule compares when it judges a packet
//! that nobody has sent yet.

/// Whether something holds for the packet in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    Yes,
    No,
    Maybe,
}

impl Certainty {
    pub fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Maybe,
        }
    }

    #[must_use]
    pub fn negated_if(self, negate: bool) -> Self {
        match (self, negate) {
            (Self::Yes, true) => Self::No,
            (Self::No, true) => Self::Yes,
            (same, _) => same,
        }
    }
}

/// One byte and which of its bits are known; unknown bits are 0 in `value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bits {
    value: u8,
    known: u8,
}

impl Bits {
    pub const UNKNOWN: Self = Self { value: 0, known: 0 };

    pub const fn known(value: u8) -> Self {
        Self { value, known: 0xff }
    }

    /// As nf_tables' bitwise: what the mask takes away is known to be 0.
    #[must_use]
    pub fn masked(self, mask: u8, xor: u8) -> Self {
        let known = self.known | !mask;
        Self { value: (self.value & mask ^ xor) & known, known }
    }

    fn exact(self) -> Option<u8> {
        (self.known == 0xff).then_some(self.value)
    }
}

pub fn known(bytes: &[u8]) -> Vec<Bits> {
    bytes.iter().copied().map(Bits::known).collect()
}

pub fn unknown(count: usize) -> Vec<Bits> {
    vec![Bits::UNKNOWN; count]
}

/// The bytes, if every bit is known.
pub fn exact(bits: &[Bits]) -> Option<Vec<u8>> {
    bits.iter().map(|bits| bits.exact()).collect()
}

/// Whether they are these bytes.
pub fn equal(bits: &[Bits], bytes: &[u8]) -> Certainty {
    if bits.len() != bytes.len() {
        return Certainty::Maybe;
    }
    let differ = bits.iter().zip(bytes).any(|(bits, byte)| (bits.value ^ byte) & bits.known != 0);
    let certain = bits.iter().all(|bits| bits.known == 0xff);
    match (differ, certain) {
        (true, _) => Certainty::No,
        (false, true) => Certainty::Yes,
        (false, false) => Certainty::Maybe,
    }
}

/// Whether they lie between these bounds, both included, as memcmp(3) orders bytes.
pub fn within(bits: &[Bits], low: &[u8], high: &[u8]) -> Certainty {
    // The least and the greatest that the unknown bits allow.
    let least: Vec<u8> = bits.iter().map(|bits| bits.value).collect();
    let greatest: Vec<u8> = bits.iter().map(|bits| bits.value | !bits.known).collect();
    if bits.len() != low.len() || bits.len() != high.len() {
        Certainty::Maybe
    } else if greatest.as_slice() < low || least.as_slice() > high {
        Certainty::No
    } else if least.as_slice() >= low && greatest.as_slice() <= high {
        Certainty::Yes
    } else {
        Certainty::Maybe
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_mask_takes_away_is_known() {
        assert_eq!(equal(&[Bits::UNKNOWN.masked(0, 0)], &[0]), Certainty::Yes);
        assert_eq!(equal(&[Bits::UNKNOWN.masked(0xf0, 0)], &[0x0f]), Certainty::No);
        assert_eq!(equal(&[Bits::UNKNOWN.masked(0xf0, 0)], &[0x10]), Certainty::Maybe);
    }

    proptest! {
        /// Whatever the unknown bits turn out to be, a certain answer was right.
        #[test]
        fn a_certain_answer_holds_for_every_completion(
            value: u8, known: u8, fill: u8, mask: u8, xor: u8, low: u8, high: u8, other: u8,
        ) {
            let bits = Bits { value: value & known, known };
            let real = (value & known) | (fill & !known);
            let (bits, real) = (bits.masked(mask, xor), (real & mask) ^ xor);
            for (answer, truth) in [
                (equal(&[bits], &[other]), real == other),
                (within(&[bits], &[low], &[high]), (low..=high).contains(&real)),
            ] {
                match answer {
                    Certainty::Yes => prop_assert!(truth),
                    Certainty::No => prop_assert!(!truth),
                    Certainty::Maybe => {}
                }
            }
        }
    }
}
