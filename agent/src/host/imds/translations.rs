//! Whether this host's own firewall rewrites where a request for metadata goes.
//!
//! The rules of nf_tables(8) are followed with one packet in mind, as the kernel would: TCP to port 80 of the
//! service's address. What a rule asks beyond that (an interface, a user, a set) leaves it in doubt. Rules of the
//! older ip_tables are only told to whoever locks the table, so that they remain unread.

mod packet;
mod rules;

use std::net::IpAddr;

use nix::errno::Errno;

use super::endpoint::{SERVICE_V4, SERVICE_V6};
use super::{Cause, Host, Text, Unreadable};
use crate::sys::netlink::{self, Message, Part};
use packet::Packet;
use rules::Rules;

/// What rewrites the destination of a request for metadata.
#[derive(Debug, Clone, Default)]
pub struct Translations {
    pub found: Vec<Translation>,
    /// Rules that may or may not, and name no address of the service.
    pub unclear: Vec<Translation>,
    /// What could not be read.
    pub unread: Vec<Unreadable>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// `table ip nat, chain output, handle 3`.
    pub rule: Text,
    pub address: IpAddr,
    /// Whose requests: this host's own, or those that it passes on.
    pub is_own: bool,
}

impl Translations {
    /// `is_local`: whether the service's address is one of this host's own.
    pub(super) fn of(host: &Host, is_local: bool) -> Self {
        let mut translations = match nftables() {
            Ok((chains, rules)) => Self::among(&chains, &rules, is_local),
            Err(cause) => Self { unread: vec![cause], ..Self::default() },
        };
        for path in ["/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"] {
            match host.read(path, MAX_NAMES) {
                // The module is not loaded.
                Err(cause) if cause.is_absent() => {}
                Err(cause) => translations.unread.push(cause),
                Ok(names) if names.split(|&byte| byte == b'\n').any(|name| name == b"nat") => {
                    let what =
                        "rules of the older ip_tables rewrite addresses, and guestward cannot read them";
                    translations.unread.push(Unreadable::new(path, Cause::Unsupported(what.to_owned())));
                }
                Ok(_) => {}
            }
        }
        translations
    }

    /// From the kernel's own messages.
    pub fn among(chains: &[Message], rules: &[Message], is_local: bool) -> Self {
        let rules = Rules::from(chains, rules);
        let mut translations = Self::default();
        for address in [IpAddr::from(SERVICE_V4), IpAddr::from(SERVICE_V6)] {
            rules.follow(&Packet::to(address, is_local), &mut translations);
        }
        if !rules.is_whole {
            let what = "rules that are cut short".to_owned();
            translations.unread.push(Unreadable::malformed(NFTABLES, 0, what));
        }
        translations
    }
}

fn nftables() -> Result<(Vec<Message>, Vec<Message>), Unreadable> {
    // struct nfgenmsg: any family, version 0, no resource.
    let all = |kind| match netlink::dump(Part::Netfilter, NFNL_SUBSYS_NFTABLES << 8 | kind, &[0; 4]) {
        // A kernel without nf_tables has no rules of it.
        Err(Errno::EPROTONOSUPPORT | Errno::EOPNOTSUPP | Errno::EINVAL) => Ok(Vec::new()),
        Err(Errno::EPERM | Errno::EACCES) => Err(Unreadable::new(NFTABLES, Cause::Denied)),
        messages => messages.map_err(|errno| Unreadable::new(NFTABLES, Cause::Os(errno))),
    };
    Ok((all(NFT_MSG_GETCHAIN)?, all(NFT_MSG_GETRULE)?))
}

const NFTABLES: &str = "the rules of nf_tables";
const NFNL_SUBSYS_NFTABLES: u16 = 10;
const NFT_MSG_GETCHAIN: u16 = 4;
const NFT_MSG_GETRULE: u16 = 7;
/// A handful of names.
const MAX_NAMES: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_messages_make_it_panic(
            chains in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..4),
            rules in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..4),
        ) {
            let messages = |bodies: Vec<Vec<u8>>| -> Vec<Message> {
                bodies.into_iter().map(|body| Message { kind: 0, body }).collect()
            };
            let _ = Translations::among(&messages(chains), &messages(rules), false);
        }
    }
}
