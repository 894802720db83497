//! The kernel's answers about nf_tables, and the verdicts that are drawn from them.
//!
//! The input is a row of messages, each after its length in two bytes and its kind in one: a table, a chain, a rule or
//! a set.

#![no_main]

use guestward::host::imds::Translations;
use guestward::host::network::nftables::Ruleset;
use guestward::host::network::{Ip, outside};
use guestward::sys::netlink::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut lists: [Vec<Message>; 4] = Default::default();
    let mut rest = bytes;
    while let [low, high, kind, after @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (body, next) = after.split_at(length);
        lists[usize::from(kind % 4)].push(Message { kind: 0, body: body.to_vec() });
        rest = next;
    }
    let mut ruleset = Ruleset::default();
    let _ = ruleset.take(&lists[0], &lists[1], &lists[2], &lists[3]);
    let _ = outside::unlisted(&ruleset, &[], Ip::V4);
    let _ = outside::unlisted(&ruleset, &[], Ip::V6);
    let _ = Translations::among(&lists[1], &lists[2], true);
});
