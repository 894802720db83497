//! Numbers and byte strings, as all files of a baseline write them; whatever is read was checked against what is there.

/// Bytes that are not what they ought to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// Goes through bytes from the start, and never beyond their end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_over(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    #[inline]
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(count).ok_or(TOO_SHORT)?;
        let taken = self.bytes.get(self.at..end).ok_or(TOO_SHORT)?;
        self.at = end;
        Ok(taken)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| TOO_SHORT)
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.bytes.get(self.at).ok_or(TOO_SHORT)?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    /// LEB128.
    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, Malformed> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(byte.into())
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(TOO_LARGE);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(TOO_LARGE)
    }

    #[inline]
    pub(super) fn number32(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.number()?).map_err(|_| TOO_LARGE)
    }

    /// How far something is from something else, in either direction.
    #[inline]
    pub(super) fn distance(&mut self) -> Result<i64, Malformed> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A count of things that take at least so many bytes each, so that no more than can be there is believed.
    pub(super) fn count(&mut self, at_least: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.number()?).map_err(|_| TOO_LARGE)?;
        if count > self.left() / at_least.max(1) { Err(TOO_LARGE) } else { Ok(count) }
    }

    /// A byte string with its length.
    #[inline]
    pub(super) fn string(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.count(1)?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.string()?).map_err(|_| Malformed("a text is not UTF-8"))
    }
}

/// What a [`Reader`] reads.
pub(super) trait Push {
    fn number(&mut self, number: u64);
    fn distance(&mut self, distance: i64);
    fn string(&mut self, string: &[u8]);
}

impl Push for Vec<u8> {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.push(number.to_le_bytes()[0]);
    }

    fn distance(&mut self, distance: i64) {
        self.number((distance << 1 ^ distance >> 63).cast_unsigned());
    }

    fn string(&mut self, string: &[u8]) {
        self.number(string.len() as u64);
        self.extend_from_slice(string);
    }
}

/// How many bytes two strings have in common at their beginning.
pub(super) fn shared(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

const TOO_SHORT: Malformed = Malformed("it ends too early");
const TOO_LARGE: Malformed = Malformed("a number is too large");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(number: u64, distance: i64, small in 0u64..300) {
            let mut bytes = Vec::new();
            bytes.number(number);
            bytes.distance(distance);
            bytes.number(small);
            let mut reader = Reader::new(&bytes, 0);
            prop_assert_eq!(reader.number(), Ok(number));
            prop_assert_eq!(reader.distance(), Ok(distance));
            prop_assert_eq!(reader.number(), Ok(small));
            prop_assert!(reader.is_over());
        }
    }

    #[test]
    fn extreme_numbers_come_back_and_longer_ones_are_refused() {
        for distance in [i64::MIN, i64::MAX, 0, -1, 1] {
            let mut bytes = Vec::new();
            bytes.distance(distance);
            assert_eq!(Reader::new(&bytes, 0).distance(), Ok(distance));
        }
        assert_eq!(Reader::new(&[0xff; 11], 0).number(), Err(TOO_LARGE));
        assert_eq!(Reader::new(&[0xff, 0xff], 0).number(), Err(TOO_SHORT));
    }

    #[test]
    fn a_count_of_more_than_there_is_room_for_is_refused() {
        let mut bytes = Vec::new();
        bytes.number(1 << 40);
        bytes.extend_from_slice(&[0; 100]);
        assert_eq!(Reader::new(&bytes, 0).count(1), Err(TOO_LARGE));
    }
}
