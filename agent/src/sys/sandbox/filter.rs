//! The filter of system calls, made of the tables in `calls.rs`: seccomp(2).
//!
//! What is not in the tables fails with EPERM and nothing is killed: a call that somebody forgot is an error where it is
//! made, which is told like any other error, and not the end of watching.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};

use super::calls::{Call, Group, Only};

/// Of this thread and all that it starts, and of those that may already run.
pub(super) fn install(groups: &[&[Group]]) -> Result<(), String> {
    let allowed = groups.iter().flat_map(|groups| groups.iter()).flat_map(|group| group.calls);
    let programs = [
        // Where it fails so, the C library takes clone instead, whose flags can be seen by a filter. The kernel takes the
        // first filter's word where both refuse, and the last one's comes first, so this one is a filter of its own.
        program(&[CLONE3], SeccompAction::Allow, SeccompAction::Errno(errno(libc::ENOSYS)))?,
        program(
            &allowed.copied().chain([CLONE3]).collect::<Vec<_>>(),
            SeccompAction::Errno(errno(libc::EPERM)),
            SeccompAction::Allow,
        )?,
    ];
    // The second must still let the first be.
    programs
        .iter()
        .try_for_each(|program| apply_filter_all_threads(program).map_err(|error| error.to_string()))
}

fn program(calls: &[Call], others: SeccompAction, these: SeccompAction) -> Result<BpfProgram, String> {
    let text = |error: seccompiler::BackendError| error.to_string();
    let mut rules = BTreeMap::new();
    for call in calls {
        let only: Result<Vec<_>, _> = call.only.iter().map(rule).collect();
        rules.insert(call.number, only.map_err(text)?);
    }
    let here = std::env::consts::ARCH.try_into().map_err(text)?;
    SeccompFilter::new(rules, others, these, here).and_then(TryInto::try_into).map_err(text)
}

fn rule(only: &Only) -> Result<SeccompRule, seccompiler::BackendError> {
    let is = SeccompCmpOp::MaskedEq(only.mask.into());
    let condition = SeccompCondition::new(only.argument, SeccompCmpArgLen::Dword, is, only.value.into())?;
    SeccompRule::new(vec![condition])
}

fn errno(number: i32) -> u32 {
    number.unsigned_abs()
}

const CLONE3: Call = Call::any(libc::SYS_clone3);
