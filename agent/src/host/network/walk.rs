//! One packet on its way through the chains of a table, rule by rule.

use std::collections::BTreeSet;

use super::bits::{self, Bits, Certainty};
use super::nftables::{Chain, Compare, Expression, Mapped, Rule, Set, Table, Verdict};
use super::packet::{CT_STATE, MAX_LOAD, META_MARK, Packet};
use super::xtables::{self, Effect};
use crate::host::Text;

/// The ways in which a chain may end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ends {
    pub(super) accept: bool,
    pub(super) drop: bool,
    /// Back to the chain that jumped here, or to the policy.
    pub(super) fall: bool,
}

impl Ends {
    const ANY: Self = Self { accept: true, drop: true, fall: true };
    const EITHER: Self = Self { accept: true, drop: true, fall: false };

    fn add(&mut self, other: Self) {
        self.accept |= other.accept;
        self.drop |= other.drop;
        self.fall |= other.fall;
    }
}

/// What rules may change about the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    mark: Vec<Bits>,
    pub(super) connection: Vec<Bits>,
    /// Whether something kept, or may have kept, connection tracking from it.
    pub(super) is_untracked: bool,
}

impl State {
    fn blurred() -> Self {
        Self { mark: bits::unknown(4), connection: bits::unknown(4), is_untracked: true }
    }
}

pub(super) fn new_connection() -> Vec<Bits> {
    bits::known(&CT_NEW.to_ne_bytes())
}

pub(super) struct Walk<'a> {
    packet: &'a Packet,
    steps: &'a mut usize,
    /// What could not be decided.
    pub(super) doubts: BTreeSet<Text>,
    pub(super) state: State,
    /// The rule at which it last ended.
    pub(super) end: Option<u64>,
}

/// What a rule does to the packet if it applies; none: nobody knows.
type Does = Option<Verdict>;

impl<'a> Walk<'a> {
    pub(super) fn new(packet: &'a Packet, steps: &'a mut usize) -> Self {
        let state = State { mark: bits::known(&[0; 4]), connection: new_connection(), is_untracked: false };
        Self { packet, steps, doubts: BTreeSet::new(), state, end: None }
    }

    pub(super) fn chain(&mut self, table: &Table, chain: &Chain, depth: usize) -> Ends {
        let mut ends = Ends::default();
        if depth > MAX_DEPTH {
            return self.doubt("chains that are nested too deep");
        }
        for rule in &chain.rules {
            let Some(left) = self.steps.checked_sub(1) else {
                return self.doubt("more rules than are followed");
            };
            *self.steps = left;
            let before = self.state.clone();
            let (certainty, does) = self.rule(table, rule);
            if certainty == Certainty::No {
                self.state = before;
                continue;
            }
            let (of_rule, goes_on) = self.follow(table, rule, does, depth);
            ends.add(of_rule);
            if certainty == Certainty::Yes && !goes_on {
                return ends;
            }
            if certainty == Certainty::Maybe && self.state != before {
                self.state = State::blurred();
            }
        }
        ends.fall = true;
        ends
    }

    /// How this chain may end by a rule that applies, and whether the next rule may be met all the same.
    fn follow(&mut self, table: &Table, rule: &Rule, does: Does, depth: usize) -> (Ends, bool) {
        let none = Ends::default();
        let (ends, goes_on) = match does {
            None => (Ends::ANY, true),
            Some(Verdict::Continue) => (none, true),
            Some(Verdict::Accept) => (Ends { accept: true, ..none }, false),
            Some(Verdict::Drop) => (Ends { drop: true, ..none }, false),
            Some(Verdict::Return) => (Ends { fall: true, ..none }, false),
            Some(Verdict::Queue) => {
                self.doubt("a queue to a program");
                (Ends::EITHER, false)
            }
            Some(Verdict::Goto(name)) => (self.named(table, &name, depth), false),
            Some(Verdict::Jump(name)) => {
                let ends = self.named(table, &name, depth);
                (Ends { fall: false, ..ends }, ends.fall)
            }
        };
        if ends.accept || ends.drop {
            self.end = Some(rule.handle);
        }
        (ends, goes_on)
    }

    fn named(&mut self, table: &Table, name: &Text, depth: usize) -> Ends {
        match table.chains.get(name) {
            Some(target) => self.chain(table, target, depth + 1),
            None => self.doubt("a chain that is not there"),
        }
    }

    fn doubt(&mut self, what: &str) -> Ends {
        self.doubts.insert(Text::new(what));
        Ends::ANY
    }

    /// Whether a rule applies, and what it then does.
    fn rule(&mut self, table: &Table, rule: &Rule) -> (Certainty, Does) {
        let mut registers = [Bits::UNKNOWN; MAX_LOAD];
        let mut certainty = Certainty::Yes;
        for expression in &rule.expressions {
            let holds = match expression {
                Expression::Verdict(verdict) => return (certainty, Some(verdict.clone())),
                Expression::Lookup { set, from, to, inverted } => {
                    let Some(set) = table.sets.get(set) else { return (Certainty::Maybe, None) };
                    match self.lookup(set, *from, *to, *inverted, &mut registers) {
                        Found::Condition(holds) => holds,
                        Found::Verdict(holds, does) => return (certainty.and(holds), does),
                    }
                }
                Expression::Target { name, revision, info } => match xtables::target(name, *revision, info) {
                    Effect::Verdict(verdict) => return (certainty, Some(verdict)),
                    Effect::Pass => Certainty::Yes,
                    Effect::Marks => {
                        self.state.mark = bits::unknown(4);
                        Certainty::Yes
                    }
                    Effect::Untracks => self.untrack(),
                    Effect::Unclear => {
                        self.doubt(&format!("the target {name}"));
                        return (Certainty::Maybe, None);
                    }
                },
                other => self.condition(other, &mut registers),
            };
            certainty = certainty.and(holds);
            if certainty == Certainty::No {
                return (Certainty::No, None);
            }
        }
        (certainty, Some(Verdict::Continue))
    }

    /// Whether a condition holds; loading into registers always does.
    fn condition(&mut self, expression: &Expression, registers: &mut Registers) -> Certainty {
        match expression {
            Expression::Bitwise { from, to, mask, xor } => {
                let loaded = read(registers, *from, mask.len());
                let masks = mask.iter().zip(xor.iter().chain(std::iter::repeat(&0)));
                let result: Vec<Bits> =
                    loaded.iter().zip(masks).map(|(bits, (mask, xor))| bits.masked(*mask, *xor)).collect();
                write(registers, *to, &result);
            }
            Expression::Byteorder { from, to, length, size } => {
                let mut loaded = read(registers, *from, *length);
                if cfg!(target_endian = "little") && (1..=8).contains(size) {
                    loaded.chunks_mut(*size).for_each(<[Bits]>::reverse);
                }
                write(registers, *to, &loaded);
            }
            Expression::Cmp { from, compare, value } => {
                let holds = self::compare(&read(registers, *from, value.len()), *compare, value);
                return self.noting(holds, "a value that no packet tells");
            }
            Expression::Range { from, inverted, low, high } => {
                let holds = bits::within(&read(registers, *from, low.len()), low, high).negated_if(*inverted);
                return self.noting(holds, "a value that no packet tells");
            }
            Expression::Condition(name) => return self.noting(Certainty::Maybe, name.as_str()),
            Expression::Ct { key, to } => {
                let value = match *key {
                    CT_STATE => self.state.connection.clone(),
                    key => self.packet.connection(key),
                };
                write(registers, *to, &value);
            }
            Expression::Fib { to, result, flags } => {
                write(registers, *to, &self.packet.route(*result, *flags))
            }
            Expression::Immediate { to, value } => write(registers, *to, &bits::known(value)),
            // One packet is never too much.
            Expression::Limit { over } => return Certainty::of(!over),
            Expression::Load { to } => write(registers, *to, &bits::unknown(MAX_LOAD)),
            Expression::Match { name, revision, info } => {
                let holds = xtables::holds(
                    name,
                    *revision,
                    info,
                    self.packet,
                    &self.state.connection,
                    &self.state.mark,
                );
                return self.noting(holds, &format!("the match {name}"));
            }
            Expression::Meta { key: META_MARK, to } => write(registers, *to, &self.state.mark.clone()),
            Expression::Meta { key, to } => write(registers, *to, &self.packet.meta(*key)),
            Expression::MetaSet { key: META_MARK } => self.state.mark = bits::unknown(4),
            Expression::Notrack => return self.untrack(),
            Expression::Payload { to, base, offset, length } => {
                write(registers, *to, &self.packet.header(*base, *offset, *length));
            }
            Expression::MetaSet { .. }
            | Expression::Pass
            | Expression::Lookup { .. }
            | Expression::Target { .. }
            | Expression::Verdict(_) => {}
        }
        Certainty::Yes
    }

    fn lookup(
        &mut self,
        set: &Set,
        from: usize,
        to: Option<usize>,
        inverted: bool,
        registers: &mut Registers,
    ) -> Found {
        let (holds, data) = set.find(&read(registers, from, set.key_length()));
        let holds = self.noting(holds, &format!("the set {}", set.name));
        match (to, data) {
            (None, _) => Found::Condition(holds.negated_if(inverted)),
            (Some(_), Some(Mapped::Verdict(verdict))) => Found::Verdict(holds, Some(verdict.clone())),
            (Some(to), Some(Mapped::Value(value))) => {
                write(registers, to, &bits::known(value));
                Found::Condition(holds)
            }
            // It may be any of the map's verdicts.
            (Some(_), None) if holds == Certainty::Maybe && set.maps_to_verdicts() => {
                Found::Verdict(holds, None)
            }
            (Some(to), None) => {
                write(registers, to, &bits::unknown(MAX_LOAD));
                Found::Condition(holds)
            }
        }
    }

    fn untrack(&mut self) -> Certainty {
        self.state.is_untracked = true;
        self.state.connection = bits::known(&CT_UNTRACKED.to_ne_bytes());
        Certainty::Yes
    }

    fn noting(&mut self, holds: Certainty, what: &str) -> Certainty {
        if holds == Certainty::Maybe {
            self.doubts.insert(Text::new(what));
        }
        holds
    }
}

enum Found {
    Condition(Certainty),
    Verdict(Certainty, Does),
}

type Registers = [Bits; MAX_LOAD];

fn read(registers: &Registers, from: usize, length: usize) -> Vec<Bits> {
    (from..from.saturating_add(length.min(MAX_LOAD)))
        .map(|at| registers.get(at).copied().unwrap_or(Bits::UNKNOWN))
        .collect()
}

/// The rest of the last register becomes zero, as in the kernel.
fn write(registers: &mut Registers, to: usize, value: &[Bits]) {
    let padding = value.len().next_multiple_of(4) - value.len();
    let padded = value.iter().copied().chain(std::iter::repeat_n(Bits::known(0), padding));
    for (register, bits) in registers.iter_mut().skip(to).zip(padded) {
        *register = bits;
    }
}

fn compare(loaded: &[Bits], compare: Compare, value: &[u8]) -> Certainty {
    let least = vec![0; value.len()];
    let at_most = || bits::within(loaded, &least, value);
    let greatest = vec![0xff; value.len()];
    let at_least = || bits::within(loaded, value, &greatest);
    match compare {
        Compare::Equal => bits::equal(loaded, value),
        Compare::NotEqual => bits::equal(loaded, value).negated_if(true),
        Compare::LessOrEqual => at_most(),
        Compare::Greater => at_most().negated_if(true),
        Compare::GreaterOrEqual => at_least(),
        Compare::Less => at_least().negated_if(true),
    }
}

/// NF_CT_STATE_BIT(IP_CT_NEW) and NF_CT_STATE_UNTRACKED_BIT.
const CT_NEW: u32 = 8;
const CT_UNTRACKED: u32 = 64;
/// NFT_JUMP_STACK_SIZE of the kernel.
const MAX_DEPTH: usize = 16;
