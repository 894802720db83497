//! The names of packages, each once: an entry says the number of its own.

use std::collections::HashMap;
use std::sync::Arc;

use super::bytes::{Malformed, Push, Reader};

/// To read.
#[derive(Debug, Default)]
pub(super) struct Packages(Vec<Arc<str>>);

impl Packages {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let count = reader.count(1)?;
        (0..count).map(|_| reader.text().map(Arc::from)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn one(name: &str) -> Self {
        Self(vec![Arc::from(name)])
    }

    pub(super) fn get(&self, number: u32) -> Option<&Arc<str>> {
        self.0.get(usize::try_from(number).ok()?)
    }
}

/// To write.
#[derive(Debug, Default)]
pub(super) struct Interner {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
    /// The one before is nearly always the next one, too.
    last: Option<(Arc<str>, u32)>,
}

impl Interner {
    pub(super) fn number(&mut self, name: &Arc<str>) -> u32 {
        if let Some((last, number)) = &self.last
            && last == name
        {
            return *number;
        }
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(Arc::clone(name)).or_insert_with(|| {
            self.names.push(Arc::clone(name));
            next
        });
        self.last = Some((Arc::clone(name), number));
        number
    }

    pub(super) fn push(&self, out: &mut Vec<u8>) {
        out.number(self.names.len() as u64);
        for name in &self.names {
            out.string(name.as_bytes());
        }
    }
}
