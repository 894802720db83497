//! What becomes of a packet: the rules are followed as the kernel follows them, with "maybe" where a condition is
//! about something that a packet which nobody has sent does not tell.

use super::bits;
use super::nftables::{Base, Chain, Family, Hook, Ruleset, Table};
use super::packet::Packet;
use super::walk::{Walk, new_connection};
use crate::host::Text;

/// What becomes of it, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Accepted { by: Text },
    Denied { by: Text },
    Undecided { why: Text },
}

impl Ruleset {
    /// The fate of a packet that arrives for this host. `steps` is how many rules may still be followed.
    pub fn fate(&self, packet: &Packet, steps: &mut usize) -> Fate {
        let mut walk = Walk::new(packet, steps);
        let mut may_be_denied = false;
        let mut accepted_by = None;
        for (table, chain, base) in self.on_the_way_in(packet) {
            if base.priority <= CONNTRACK_PRIORITY {
                walk.state.connection = bits::unknown(4);
            } else if !walk.state.is_untracked {
                walk.state.connection = new_connection();
            }
            let ends = walk.chain(table, chain, 0);
            let label = format!("{} {} {}", table.family.name(), table.name, chain.name);
            let drops = ends.drop || (ends.fall && base.drops);
            let accepts = ends.accept || (ends.fall && !base.drops);
            let by = match walk.end.take() {
                Some(handle) if !ends.fall => format!("rule {handle} of {label}"),
                _ => format!("the policy of {label}"),
            };
            if drops && !accepts {
                return Fate::Denied { by: Text::new(&by) };
            }
            may_be_denied |= drops;
            if base.hook == Hook::Input {
                accepted_by = Some(by);
            }
        }
        if may_be_denied {
            let doubts: Vec<&str> = walk.doubts.iter().map(Text::as_str).take(MAX_DOUBTS).collect();
            return Fate::Undecided { why: Text::new(&doubts.join(", ")) };
        }
        let by = accepted_by.unwrap_or_else(|| NO_CHAIN.to_owned());
        Fate::Accepted { by: Text::new(&by) }
    }

    /// The chains that it meets, in their order. Address translation sends no packet here that was not meant for here
    /// and lets none through, so its chains say nothing about who may come in.
    fn on_the_way_in(&self, packet: &Packet) -> Vec<(&Table, &Chain, &Base)> {
        let mut found = Vec::new();
        for table in self.tables.iter().filter(|table| !table.is_dormant && table.family.holds(packet)) {
            for chain in table.chains.values() {
                let Some(base) = &chain.base else { continue };
                if matches!(base.hook, Hook::Prerouting | Hook::Input) && base.kind.as_str() != "nat" {
                    found.push((table, chain, base));
                }
            }
        }
        found.sort_by_key(|(_, _, base)| (base.hook == Hook::Input, base.priority));
        found
    }
}

impl Family {
    fn holds(self, packet: &Packet) -> bool {
        match self {
            Self::Inet => true,
            Self::Ip => packet.is_ipv4(),
            Self::Ip6 => !packet.is_ipv4(),
        }
    }
}

/// What lets packets in where nothing stands in their way.
pub const NO_CHAIN: &str = "no chain on hook input";
/// Connection tracking comes to know a packet at this priority (NF_IP_PRI_CONNTRACK); chains before it cannot ask.
const CONNTRACK_PRIORITY: i32 = -200;
/// As many as a reader looks at.
const MAX_DOUBTS: usize = 3;
