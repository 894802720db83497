//! A row, as a cell of a table's tree has it: the types of its columns, and then their values.

use super::super::field::part;

#[derive(Debug, PartialEq, Eq)]
pub(in crate::host::packages) enum Value<'a> {
    Null,
    Number(i64),
    /// Eight bytes of a floating point number; nobody asks for one.
    Real,
    Bytes(&'a [u8]),
    Text(&'a [u8]),
}

/// A number in up to nine bytes, and how many they were.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (at, &byte) in bytes.iter().enumerate().take(9) {
        if at == 8 {
            return Some(((value << 8) | u64::from(byte), 9));
        }
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

/// A column of a row, the first being 0; none if it is not there or not whole.
pub(in crate::host::packages) fn column(row: &[u8], column: usize) -> Option<Value<'_>> {
    let (header, mut at) = varint(row)?;
    let header = usize::try_from(header).ok()?;
    let types = row.get(..header)?;
    let mut start = header;
    for number in 0..=column {
        let (kind, used) = varint(types.get(at..)?)?;
        at = at.checked_add(used)?;
        let length = length(kind)?;
        if number == column {
            return value(kind, part(row, start, length)?);
        }
        start = start.checked_add(length)?;
    }
    None
}

fn length(kind: u64) -> Option<usize> {
    Some(match kind {
        0 | 8 | 9 => 0,
        1..=4 => usize::try_from(kind).ok()?,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return None,
        _ => usize::try_from((kind - 12) / 2).ok()?,
    })
}

fn value(kind: u64, bytes: &[u8]) -> Option<Value<'_>> {
    Some(match kind {
        0 => Value::Null,
        7 => Value::Real,
        8 => Value::Number(0),
        9 => Value::Number(1),
        1..=6 => {
            let sign = bytes.first().map_or(0, |byte| if byte & 0x80 == 0 { 0 } else { -1 });
            Value::Number(bytes.iter().fold(sign, |number, byte| (number << 8) | i64::from(*byte)))
        }
        _ if kind.is_multiple_of(2) => Value::Bytes(bytes),
        _ => Value::Text(bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_of_every_length_are_read() {
        assert_eq!(varint(&[0x7f]), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0x00]), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0xff; 8]), None);
        let row = [6, 0, 1, 5, 8, 17, 0xff, 0, 0, 0, 0, 1, 0, b'a', b'b'];
        let values: Vec<_> = (0..6).map(|number| column(&row, number)).collect();
        let numbers = [Value::Null, Value::Number(-1), Value::Number(256), Value::Number(0)].map(Some);
        assert_eq!(values[..4], numbers);
        assert_eq!(values[4..], [Some(Value::Text(b"ab")), None]);
    }

    proptest! {
        #[test]
        fn no_bytes_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..40), number in 0_usize..40) {
            let _ = column(&bytes, number);
        }
    }
}
