//! Numbers in foreign bytes: none where they end before.

pub(in crate::host::packages) fn bytes<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

pub(in crate::host::packages) fn be16(from: &[u8], at: usize) -> Option<u16> {
    bytes(from, at).map(u16::from_be_bytes)
}

pub(in crate::host::packages) fn be32(from: &[u8], at: usize) -> Option<u32> {
    bytes(from, at).map(u32::from_be_bytes)
}

pub(in crate::host::packages) fn le32(from: &[u8], at: usize) -> Option<u32> {
    bytes(from, at).map(u32::from_le_bytes)
}

/// `start..start + length`, where the bytes reach that far.
pub(in crate::host::packages) fn part(from: &[u8], start: usize, length: usize) -> Option<&[u8]> {
    from.get(start..start.checked_add(length)?)
}
