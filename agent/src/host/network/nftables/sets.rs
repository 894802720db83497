//! Sets and maps: what `tcp dport { 22, 443 }`, `@blocked` and `ct state vmap { … }` look into.

use std::cmp::Ordering;

use super::expressions::{DATA_VALUE, DATA_VERDICT, verdict_of};
use super::{NFGENMSG, Verdict, be32, text};
use crate::host::Text;
use crate::host::network::bits::{self, Bits, Certainty};
use crate::sys::netlink::{Attributes, Message};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set {
    pub name: Text,
    key_length: usize,
    maps_to_verdicts: bool,
    /// Whether it has ranges, which begin at one element and end at the next.
    has_intervals: bool,
    /// The lengths of the parts of a concatenation.
    fields: Vec<usize>,
    /// In order; none if there are too many to look at.
    pub elements: Option<Vec<Element>>,
    /// What is found where nothing else is.
    otherwise: Option<Element>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    pub key: Vec<u8>,
    /// The last of a range in a concatenation.
    key_end: Option<Vec<u8>>,
    /// Whether it ends a range, itself excluded.
    is_end: bool,
    /// Whether it counts more than packets: a limit or a quota of its own.
    is_conditional: bool,
    pub data: Option<Mapped>,
}

/// What a map gives for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapped {
    Value(Vec<u8>),
    Verdict(Verdict),
}

impl Set {
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        let flags = Attributes::find(body, SET_FLAGS).and_then(be32).unwrap_or(0);
        let description = Attributes::find(body, SET_DESCRIPTION).unwrap_or_default();
        let concatenation = Attributes::find(description, DESCRIPTION_CONCAT).unwrap_or_default();
        let fields = Attributes::of(concatenation)
            .take(MAX_FIELDS)
            .filter_map(|(_, field)| usize::try_from(be32(Attributes::find(field, FIELD_LENGTH)?)?).ok())
            .filter(|length| *length <= MAX_KEY)
            .collect();
        let key_length = usize::try_from(Attributes::find(body, SET_KEY_LENGTH).and_then(be32)?).ok()?;
        Some(Self {
            name: text(body, SET_NAME)?,
            key_length,
            maps_to_verdicts: Attributes::find(body, SET_DATA_TYPE).and_then(be32) == Some(DATA_TYPE_VERDICT),
            has_intervals: flags & SET_INTERVAL != 0,
            fields,
            elements: None,
            otherwise: None,
        })
    }

    /// How many bytes of the registers it looks for.
    pub fn key_length(&self) -> usize {
        self.key_length
    }

    pub fn maps_to_verdicts(&self) -> bool {
        self.maps_to_verdicts
    }

    /// The elements in the kernel's answer; none at all, if one of them cannot be understood.
    pub fn take(&mut self, messages: &[Message]) {
        let mut elements = Vec::new();
        for message in messages {
            let body = message.body.get(NFGENMSG..).unwrap_or_default();
            let list = Attributes::find(body, LIST_ELEMENTS).unwrap_or_default();
            let mut attributes = Attributes::of(list);
            for (_, bytes) in attributes.by_ref() {
                match Element::of(bytes) {
                    Some((element, false)) => elements.push(element),
                    Some((element, true)) => self.otherwise = Some(element),
                    None => return,
                }
            }
            if !attributes.is_whole() {
                return;
            }
        }
        // A range may begin where another ends.
        elements.sort_by(|a, b| a.key.cmp(&b.key).then(b.is_end.cmp(&a.is_end)));
        self.elements = Some(elements);
    }

    /// What is found for a key.
    pub fn find(&self, key: &[Bits]) -> (Certainty, Option<&Mapped>) {
        let Some(elements) = &self.elements else { return (Certainty::Maybe, None) };
        let found = match bits::exact(key) {
            Some(key) => self.exactly(elements, &key),
            None if self.may_hold(elements, key) => return (Certainty::Maybe, None),
            None => None,
        };
        match found.or(self.otherwise.as_ref()) {
            None => (Certainty::No, None),
            Some(element) if element.is_conditional => (Certainty::Maybe, element.data.as_ref()),
            Some(element) => (Certainty::Yes, element.data.as_ref()),
        }
    }

    fn exactly<'a>(&self, elements: &'a [Element], key: &[u8]) -> Option<&'a Element> {
        if self.is_concatenation_of_ranges() {
            return elements.iter().find(|element| self.spans(element, key));
        }
        if self.has_intervals {
            let after = elements.partition_point(|element| element.key.as_slice() <= key);
            return elements[..after].last().filter(|element| !element.is_end);
        }
        let at = elements.binary_search_by(|element| match element.key.as_slice().cmp(key) {
            Ordering::Equal => Ordering::Equal,
            other => other,
        });
        at.ok().and_then(|at| elements.get(at))
    }

    fn is_concatenation_of_ranges(&self) -> bool {
        self.has_intervals && self.fields.len() > 1
    }

    /// Whether each part of the key lies in its range.
    fn spans(&self, element: &Element, key: &[u8]) -> bool {
        let end = element.key_end.as_ref().unwrap_or(&element.key);
        let mut at = 0;
        self.fields.iter().all(|&length| {
            let part = at..at + length;
            // Parts begin at a register.
            at += length.next_multiple_of(4);
            match (key.get(part.clone()), element.key.get(part.clone()), end.get(part)) {
                (Some(key), Some(low), Some(high)) => low <= key && key <= high,
                _ => false,
            }
        })
    }

    /// Whether a key of which not everything is known may be there.
    fn may_hold(&self, elements: &[Element], key: &[Bits]) -> bool {
        self.has_intervals || elements.iter().any(|element| bits::equal(key, &element.key) != Certainty::No)
    }
}

impl Element {
    /// An element, and whether it stands for all that are not there.
    fn of(bytes: &[u8]) -> Option<(Self, bool)> {
        let flags = Attributes::find(bytes, ELEMENT_FLAGS).and_then(be32).unwrap_or(0);
        let is_otherwise = flags & ELEMENT_CATCHALL != 0;
        let value = |kind| Attributes::find(Attributes::find(bytes, kind)?, DATA_VALUE).map(<[u8]>::to_vec);
        let data = match Attributes::find(bytes, ELEMENT_DATA) {
            None => None,
            Some(data) => Some(match Attributes::find(data, DATA_VERDICT) {
                Some(verdict) => Mapped::Verdict(verdict_of(verdict)?),
                None => Mapped::Value(Attributes::find(data, DATA_VALUE)?.to_vec()),
            }),
        };
        let inner =
            match (Attributes::find(bytes, ELEMENT_EXPRESSION), Attributes::find(bytes, ELEMENT_EXPRESSIONS))
            {
                (Some(single), _) => vec![super::expressions::one(single)?],
                (None, Some(several)) => super::expressions::list(several)?,
                (None, None) => Vec::new(),
            };
        let element = Self {
            key: value(ELEMENT_KEY).or(is_otherwise.then(Vec::new))?,
            key_end: value(ELEMENT_KEY_END),
            is_end: flags & ELEMENT_INTERVAL_END != 0,
            is_conditional: inner.iter().any(|expression| *expression != super::Expression::Pass),
            data,
        };
        Some((element, is_otherwise))
    }
}

/// NFTA_SET_*, NFTA_SET_DESC_*, NFTA_SET_ELEM_* of nf_tables.h.
const SET_NAME: u16 = 2;
const SET_FLAGS: u16 = 3;
const SET_INTERVAL: u32 = 4;
const SET_KEY_LENGTH: u16 = 5;
const SET_DATA_TYPE: u16 = 6;
/// NFT_DATA_VERDICT.
const DATA_TYPE_VERDICT: u32 = 0xffff_ff00;
const SET_DESCRIPTION: u16 = 9;
const DESCRIPTION_CONCAT: u16 = 2;
const FIELD_LENGTH: u16 = 1;
const LIST_ELEMENTS: u16 = 3;
const ELEMENT_KEY: u16 = 1;
const ELEMENT_DATA: u16 = 2;
const ELEMENT_FLAGS: u16 = 3;
const ELEMENT_EXPRESSION: u16 = 7;
const ELEMENT_KEY_END: u16 = 10;
const ELEMENT_EXPRESSIONS: u16 = 11;
const ELEMENT_INTERVAL_END: u32 = 1;
const ELEMENT_CATCHALL: u32 = 2;
/// All of the kernel's registers: NFT_DATA_VALUE_MAXLEN.
const MAX_KEY: usize = 64;
/// NFT_REG32_COUNT of the kernel.
const MAX_FIELDS: usize = 16;
