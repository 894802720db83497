//! A header: the tagged values of one package, as they lie in rpm's database (rpm's docs/manual/format_header.md).

/// Borrowed from the bytes, of which nothing is believed.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    bytes: &'a [u8],
}

impl<'a> Header<'a> {
    /// The bytes as the database has them: two counts, the index, the store.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        Ok(Self { bytes })
    }

    /// A string, or the first of several.
    pub fn string(&self, tag: u32) -> Option<&'a [u8]> {
        let _ = (tag, self.bytes);
        None
    }

    /// Every string of an array.
    pub fn strings(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let _ = (tag, self.bytes);
        std::iter::empty()
    }

    /// Numbers of 8, 16, 32 or 64 bits.
    pub fn numbers(&self, tag: u32) -> impl Iterator<Item = u64> + use<'a> {
        let _ = (tag, self.bytes);
        std::iter::empty()
    }
}
