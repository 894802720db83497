//! The chains and rules of nf_tables, and the way of one packet through them.

use std::collections::HashMap;

use super::packet::{Answer, Packet, Registers, number, string};
use super::{Text, Translation, Translations};
use crate::sys::netlink::{Attributes, Message};

/// Family, table and chain.
type Place<'a> = (u8, &'a [u8], &'a [u8]);

#[derive(Debug, Default)]
pub(super) struct Rules<'a> {
    /// Chains that the kernel itself calls, with their hook.
    bases: Vec<(Place<'a>, u32)>,
    chains: HashMap<Place<'a>, Vec<Rule<'a>>>,
    /// Whether every message could be taken apart.
    pub(super) is_whole: bool,
}

#[derive(Debug)]
struct Rule<'a> {
    handle: u64,
    expressions: Vec<(&'a [u8], &'a [u8])>,
}

/// What became of the packet at the end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Back to where the chain was called from.
    Goes,
    /// Accepted, dropped or translated: no further rule of this base chain sees it.
    Ended,
}

/// How the packet came to a chain.
#[derive(Debug, Clone, Copy)]
struct Call {
    /// Because a rule asked for the service's very address.
    by_name: bool,
    is_certain: bool,
    depth: usize,
}

struct Walk<'a, 'r> {
    rules: &'r Rules<'a>,
    packet: &'r Packet,
    base: Place<'a>,
    is_own: bool,
    /// Whether a rule in doubt may have ended it already.
    in_doubt: bool,
    steps_left: usize,
    found: &'r mut Translations,
}

impl<'a> Rules<'a> {
    pub(super) fn from(chains: &'a [Message], rules: &'a [Message]) -> Self {
        let mut all = Self { is_whole: true, ..Self::default() };
        for message in chains {
            let Some((family, body)) = split(message) else {
                all.is_whole = false;
                continue;
            };
            let hook = Attributes::find(body, CHAIN_HOOK).and_then(|hook| number(hook, HOOK_NUMBER));
            if let Some(hook @ (PREROUTING | OUTPUT)) = hook {
                all.bases.push(((family, string(body, CHAIN_TABLE), string(body, CHAIN_NAME)), hook));
            }
        }
        for message in rules {
            let rule = split(message).and_then(|(family, body)| {
                let place = (family, string(body, RULE_TABLE), string(body, RULE_CHAIN));
                Some((place, Rule::of(body)?))
            });
            match rule {
                Some((place, rule)) => all.chains.entry(place).or_default().push(rule),
                None => all.is_whole = false,
            }
        }
        all
    }

    pub(super) fn follow(&self, packet: &Packet, found: &mut Translations) {
        for &(base, hook) in self.bases.iter().filter(|(place, _)| packet.is_of(place.0)) {
            let is_own = hook == OUTPUT;
            let mut walk = Walk {
                rules: self,
                packet,
                base,
                is_own,
                in_doubt: false,
                steps_left: MAX_STEPS,
                found: &mut *found,
            };
            walk.chain(base, Call { by_name: false, is_certain: true, depth: 0 });
        }
    }
}

impl<'a> Walk<'a, '_> {
    fn chain(&mut self, place: Place<'a>, call: Call) -> Fate {
        let rules = self.rules;
        for rule in rules.chains.get(&place).map(Vec::as_slice).unwrap_or_default() {
            if self.steps_left == 0 || call.depth > MAX_DEPTH {
                self.found.unclear.push(self.translation(place, rule));
                return Fate::Ended;
            }
            self.steps_left -= 1;
            if let Some(fate) = self.rule(place, rule, call) {
                return fate;
            }
        }
        Fate::Goes
    }

    /// How the chain ends with this rule; `None` when it goes on.
    fn rule(&mut self, place: Place<'a>, rule: &Rule<'a>, call: Call) -> Option<Fate> {
        let mut registers = Registers::default();
        let mut is_certain = true;
        let mut by_name = call.by_name;
        for &(name, body) in &rule.expressions {
            let reached = Call { by_name, is_certain: call.is_certain && is_certain, depth: call.depth };
            if translates(name, body) {
                self.note(place, rule, reached);
                return self.ended(Fate::Ended, is_certain);
            }
            match verdict(name, body) {
                None if decides_by_a_map(name, body) => {
                    // Which chain the map leads to is not looked up: any that translates may be it.
                    self.note_map(place, rule);
                    return self.ended(Fate::Ended, false);
                }
                None => {}
                Some(Verdict::Goes) => return None,
                Some(Verdict::Ends) => return self.ended(Fate::Ended, is_certain),
                Some(Verdict::Returns) => return self.ended(Fate::Goes, is_certain),
                Some(Verdict::Calls { chain, is_goto }) => {
                    let call = Call { depth: call.depth + 1, ..reached };
                    let fate = self.chain((place.0, place.1, chain), call);
                    let goes_on = fate == Fate::Goes && !is_goto;
                    return if goes_on { None } else { self.ended(fate, is_certain) };
                }
            }
            match self.packet.meets(name, body, &mut registers) {
                Answer::Yes => {}
                Answer::YesByName => by_name = true,
                Answer::Maybe => is_certain = false,
                Answer::No => return None,
            }
        }
        None
    }

    /// A rule that only may have matched leaves all that follows in doubt.
    fn ended(&mut self, fate: Fate, is_certain: bool) -> Option<Fate> {
        self.in_doubt |= !is_certain;
        is_certain.then_some(fate)
    }

    fn note(&mut self, place: Place<'a>, rule: &Rule<'a>, reached: Call) {
        let translation = self.translation(place, rule);
        let is_sure = reached.is_certain && !self.in_doubt;
        // What others send through here is diverted often and for good reasons, unless the address is named.
        match (self.is_own, reached.by_name) {
            (_, true) => self.found.found.push(translation),
            (true, false) if is_sure => self.found.found.push(translation),
            (true, false) => self.found.unclear.push(translation),
            (false, false) => {}
        }
    }

    fn note_map(&mut self, place: Place<'a>, rule: &Rule<'a>) {
        let rules = self.rules;
        let of_table = rules.chains.iter().filter(|(other, _)| (other.0, other.1) == (place.0, place.1));
        let mut expressions = of_table.flat_map(|(_, rules)| rules).flat_map(|rule| &rule.expressions);
        if self.is_own && expressions.any(|(name, body)| translates(name, body)) {
            self.found.unclear.push(self.translation(place, rule));
        }
    }

    fn translation(&self, place: Place<'a>, rule: &Rule<'a>) -> Translation {
        let family = match self.base.0 {
            2 => "ip",
            10 => "ip6",
            _ => "inet",
        };
        let (table, chain) = (Text::from_bytes(place.1), Text::from_bytes(place.2));
        Translation {
            rule: Text::new(&format!("table {family} {table}, chain {chain}, handle {}", rule.handle)),
            address: self.packet.address,
            is_own: self.is_own,
        }
    }
}

impl<'a> Rule<'a> {
    fn of(body: &'a [u8]) -> Option<Self> {
        let handle = Attributes::find(body, RULE_HANDLE)?;
        let list = Attributes::find(body, RULE_EXPRESSIONS).unwrap_or_default();
        let mut elements = Attributes::of(list);
        let expressions = elements
            .by_ref()
            .map(|(_, element)| {
                (string(element, EXPR_NAME), Attributes::find(element, EXPR_DATA).unwrap_or_default())
            })
            .collect();
        let handle = u64::from_be_bytes(*handle.first_chunk()?);
        elements.is_whole().then_some(Self { handle, expressions })
    }
}

/// The family in struct nfgenmsg, and the attributes after it.
fn split(message: &Message) -> Option<(u8, &[u8])> {
    Some((*message.body.first()?, message.body.get(4..)?))
}

/// Whether an expression gives the packet another destination.
fn translates(name: &[u8], body: &[u8]) -> bool {
    match name {
        b"nat" => number(body, 1) == Some(NAT_DNAT),
        b"redir" | b"tproxy" => true,
        b"target" => matches!(string(body, 1), b"DNAT" | b"REDIRECT" | b"NETMAP" | b"TPROXY"),
        _ => false,
    }
}

/// Whether an expression takes its verdict from a map (NFTA_LOOKUP_DREG is NFT_REG_VERDICT), or from another program.
fn decides_by_a_map(name: &[u8], body: &[u8]) -> bool {
    (name == b"lookup" && number(body, 3) == Some(0)) || name == b"queue"
}

#[derive(Debug, Clone, Copy)]
enum Verdict<'a> {
    Goes,
    Ends,
    Returns,
    Calls { chain: &'a [u8], is_goto: bool },
}

/// The verdict in an immediate (NFTA_DATA_VERDICT); immediates that load a value have none.
fn verdict<'a>(name: &[u8], body: &'a [u8]) -> Option<Verdict<'a>> {
    if name == b"reject" {
        return Some(Verdict::Ends);
    }
    if name != b"immediate" {
        return None;
    }
    let verdict = Attributes::find(Attributes::find(body, 2)?, 2)?;
    let chain = string(verdict, 2);
    Some(match number(verdict, 1)?.cast_signed() {
        -1 => Verdict::Goes,
        -3 => Verdict::Calls { chain, is_goto: false },
        -4 => Verdict::Calls { chain, is_goto: true },
        -5 => Verdict::Returns,
        _ => Verdict::Ends,
    })
}

/// enum nf_inet_hooks.
const PREROUTING: u32 = 0;
const OUTPUT: u32 = 3;
/// NFTA_CHAIN_* and NFTA_HOOK_*.
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const HOOK_NUMBER: u16 = 1;
/// NFTA_RULE_* and NFTA_EXPR_*.
const RULE_TABLE: u16 = 1;
const RULE_CHAIN: u16 = 2;
const RULE_HANDLE: u16 = 3;
const RULE_EXPRESSIONS: u16 = 4;
const EXPR_NAME: u16 = 1;
const EXPR_DATA: u16 = 2;
/// enum nft_nat_types.
const NAT_DNAT: u32 = 1;
/// NFT_JUMP_STACK_SIZE: the kernel itself calls no deeper.
const MAX_DEPTH: usize = 16;
/// Rules looked at for one base chain, repeated calls included.
const MAX_STEPS: usize = 200_000;
