//! What a rule is made of: the kernel's expressions, as far as they decide what becomes of a packet.

use super::{be32, text};
use crate::host::Text;
use crate::sys::netlink::Attributes;

/// One step of a rule. Registers are byte offsets into the kernel's 64 bytes of registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    Bitwise {
        from: usize,
        to: usize,
        mask: Vec<u8>,
        xor: Vec<u8>,
    },
    Byteorder {
        from: usize,
        to: usize,
        length: usize,
        size: usize,
    },
    Cmp {
        from: usize,
        compare: Compare,
        value: Vec<u8>,
    },
    /// A condition that cannot be decided from the packet alone.
    Condition(Text),
    Ct {
        key: u32,
        to: usize,
    },
    Fib {
        to: usize,
        result: u32,
        flags: u32,
    },
    Immediate {
        to: usize,
        value: Vec<u8>,
    },
    /// Holds for as long as there is little traffic, or (`over`) once there is too much.
    Limit {
        over: bool,
    },
    /// Something that no packet can be asked for yet, into a register.
    Load {
        to: usize,
    },
    Lookup {
        set: Text,
        from: usize,
        to: Option<usize>,
        inverted: bool,
    },
    Match {
        name: Text,
        revision: u32,
        info: Vec<u8>,
    },
    Meta {
        key: u32,
        to: usize,
    },
    MetaSet {
        key: u32,
    },
    Notrack,
    /// Counts, logs, remembers, rewrites: the packet goes on.
    Pass,
    Payload {
        to: usize,
        base: u32,
        offset: usize,
        length: usize,
    },
    Range {
        from: usize,
        inverted: bool,
        low: Vec<u8>,
        high: Vec<u8>,
    },
    Target {
        name: Text,
        revision: u32,
        info: Vec<u8>,
    },
    Verdict(Verdict),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    Continue,
    Drop,
    Goto(Text),
    Jump(Text),
    /// A program in user space decides.
    Queue,
    Return,
}

/// The list in a rule; none if it is not well formed.
pub(super) fn list(bytes: &[u8]) -> Option<Vec<Expression>> {
    let mut attributes = Attributes::of(bytes);
    let mut expressions = Vec::new();
    for (_, element) in attributes.by_ref() {
        if expressions.len() == MAX_EXPRESSIONS {
            return None;
        }
        expressions.push(one(element)?);
    }
    attributes.is_whole().then_some(expressions)
}

/// An expression; one that is known and lacks what it must have is none.
pub(super) fn one(element: &[u8]) -> Option<Expression> {
    let name = text(element, EXPRESSION_NAME)?;
    let data = Attributes::find(element, EXPRESSION_DATA).unwrap_or_default();
    let number = |kind| Attributes::find(data, kind).and_then(be32);
    let size = |kind| number(kind).and_then(|number| usize::try_from(number).ok());
    let at = |kind| number(kind).and_then(register);
    Some(match name.as_str() {
        "bitwise" => match number(6).unwrap_or(0) {
            0 => {
                Expression::Bitwise { from: at(1)?, to: at(2)?, mask: value(data, 4)?, xor: value(data, 5)? }
            }
            _ => Expression::Load { to: at(2)? },
        },
        "byteorder" => Expression::Byteorder { from: at(1)?, to: at(2)?, length: size(4)?, size: size(5)? },
        "cmp" => Expression::Cmp {
            from: at(1)?,
            compare: Compare::from_number(number(2)?)?,
            value: value(data, 3)?,
        },
        "ct" => match number(1) {
            Some(_) => Expression::Ct { key: number(2)?, to: at(1)? },
            None => Expression::Pass,
        },
        "meta" => match number(1) {
            Some(_) => Expression::Meta { key: number(2)?, to: at(1)? },
            None => Expression::MetaSet { key: number(2)? },
        },
        "rt" | "exthdr" | "numgen" | "osf" | "xfrm" => match number(1) {
            Some(_) => Expression::Load { to: at(1)? },
            None => Expression::Pass,
        },
        "tunnel" | "hash" | "socket" => Expression::Load { to: at(2)? },
        "fib" => Expression::Fib { to: at(1)?, result: number(2)?, flags: number(3)? },
        "immediate" => immediate(data)?,
        "limit" => Expression::Limit { over: number(5).unwrap_or(0) & 1 != 0 },
        "connlimit" => Expression::Limit { over: number(2).unwrap_or(0) & 1 != 0 },
        "lookup" => {
            let (from, to) = (
                at(2)?,
                match number(3) {
                    // Register 0 is where verdicts go: what matters is that it looks something up.
                    Some(0) => Some(0),
                    Some(_) => Some(at(3)?),
                    None => None,
                },
            );
            Expression::Lookup { set: text(data, 1)?, from, to, inverted: number(5).unwrap_or(0) & 1 != 0 }
        }
        "dynset" => dynset(data)?,
        "match" => Expression::Match { name: text(data, 1)?, revision: number(2)?, info: bytes(data, 3)? },
        "target" => Expression::Target { name: text(data, 1)?, revision: number(2)?, info: bytes(data, 3)? },
        "notrack" => Expression::Notrack,
        "payload" => match number(1) {
            Some(_) => {
                Expression::Payload { to: at(1)?, base: number(2)?, offset: size(3)?, length: size(4)? }
            }
            None => Expression::Pass,
        },
        "range" => Expression::Range {
            from: at(1)?,
            inverted: number(2)? != 0,
            low: value(data, 3)?,
            high: value(data, 4)?,
        },
        "reject" => Expression::Verdict(Verdict::Drop),
        "queue" => Expression::Verdict(Verdict::Queue),
        "objref" => match number(1) {
            // Quotas and limits decide; counters, helpers and timeouts do not.
            Some(2 | 4 | 5 | 10) | None => Expression::Condition(Text::new("an object")),
            Some(_) => Expression::Pass,
        },
        "counter" | "log" | "last" | "nat" | "masq" | "redir" | "dup" | "flow_offload" => Expression::Pass,
        _ => Expression::Condition(name),
    })
}

fn immediate(data: &[u8]) -> Option<Expression> {
    let content = Attributes::find(data, 2)?;
    if let Some(verdict) = Attributes::find(content, DATA_VERDICT) {
        return verdict_of(verdict).map(Expression::Verdict);
    }
    let to = Attributes::find(data, 1).and_then(be32).and_then(register)?;
    Some(Expression::Immediate { to, value: bytes(content, DATA_VALUE)? })
}

/// Adding to a set always succeeds, short of the set being full; a limit for each element may be part of it.
fn dynset(data: &[u8]) -> Option<Expression> {
    let inner = match (Attributes::find(data, 7), Attributes::find(data, 10)) {
        (Some(single), _) => vec![one(single)?],
        (None, Some(several)) => list(several)?,
        (None, None) => Vec::new(),
    };
    Some(inner.into_iter().find(|expression| *expression != Expression::Pass).unwrap_or(Expression::Pass))
}

pub(super) fn verdict_of(verdict: &[u8]) -> Option<Verdict> {
    let code = Attributes::find(verdict, VERDICT_CODE).and_then(be32)?.cast_signed();
    let chain = || text(verdict, VERDICT_CHAIN);
    Some(match code {
        // NFT_CONTINUE to NFT_RETURN, and what netfilter itself knows.
        -1 => Verdict::Continue,
        -3 => Verdict::Jump(chain()?),
        -4 => Verdict::Goto(chain()?),
        -5 => Verdict::Return,
        1 => Verdict::Accept,
        // Dropped, or stolen by somebody who answers for it.
        0 | 2 => Verdict::Drop,
        code if code & 0xff == 3 => Verdict::Queue,
        code if code & 0xff == 0 => Verdict::Drop,
        _ => return None,
    })
}

impl Compare {
    fn from_number(number: u32) -> Option<Self> {
        const ALL: [Compare; 6] = [
            Compare::Equal,
            Compare::NotEqual,
            Compare::Less,
            Compare::LessOrEqual,
            Compare::Greater,
            Compare::GreaterOrEqual,
        ];
        ALL.get(usize::try_from(number).ok()?).copied()
    }
}

/// Where a register begins: four of sixteen bytes by their old names, sixteen of four by their new ones.
fn register(number: u32) -> Option<usize> {
    let number = usize::try_from(number).ok()?;
    match number {
        1..=4 => Some((number - 1) * 16),
        8..=23 => Some((number - 8) * 4),
        _ => None,
    }
}

/// The bytes of nested data.
fn value(data: &[u8], kind: u16) -> Option<Vec<u8>> {
    bytes(Attributes::find(data, kind)?, DATA_VALUE)
}

fn bytes(data: &[u8], kind: u16) -> Option<Vec<u8>> {
    Attributes::find(data, kind).map(<[u8]>::to_vec)
}

const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;
pub(super) const DATA_VALUE: u16 = 1;
pub(super) const DATA_VERDICT: u16 = 2;
const VERDICT_CODE: u16 = 1;
const VERDICT_CHAIN: u16 = 2;
/// NFT_RULE_MAXEXPRS of the kernel.
const MAX_EXPRESSIONS: usize = 128;
