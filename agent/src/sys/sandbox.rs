//! What a daemon gives up of its own accord, once everything that needs it is open: capabilities(7), seccomp(2),
//! landlock(7), PR_SET_NO_NEW_PRIVS and PR_SET_DUMPABLE of prctl(2).
//!
//! All of it is inherited by the threads that start afterwards, and so it is done before the first. Nothing here ends the
//! process: what could not be given up is told ([`Applied::troubles`]), and watching goes on.
//!
//! The sensor has no Landlock. A process in a Landlock domain may not look into processes outside of it: with a rule about
//! writing alone, or about one port, `readlink` of another's `/proc/PID/exe`, `cwd` and `ns/net` is EACCES for root itself
//! (measured with Linux 6.18). The sensor would no longer know which program listens or runs outdated code. What it may
//! write is its unit's to bound (`ProtectSystem=strict`).

mod calls;
mod filter;
mod places;
mod powers;

use std::sync::OnceLock;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, SecureComputingMode, no_new_privs, secure_computing_mode, set_no_new_privs,
};

pub use places::Reach;

/// What is in force.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// As `CAP_NET_ADMIN`.
    pub capabilities: Vec<String>,
    pub no_new_privs: bool,
    /// There is a filter of system calls.
    pub filtered: bool,
    /// The Landlock that is applied, by the version of its interface.
    pub landlock: Option<u32>,
    /// What could not be given up, and why.
    pub troubles: Vec<String>,
}

/// Of the sensor. To be called when everything is open and no thread has started.
pub fn confine_sensor() -> Applied {
    confine(powers::of_sensor(), calls::SENSOR, None)
}

/// Of the shipper, with the only places that it needs. To be called before any thread starts.
pub fn confine_shipper(reach: &Reach) -> Applied {
    confine(powers::of_shipper(&reach.writes), calls::SHIPPER, Some(reach))
}

/// What is in force now; `None` where nothing was asked for.
pub fn applied() -> Option<Applied> {
    let (landlock, troubles) = DONE.get()?;
    Some(Applied {
        capabilities: powers::names(),
        no_new_privs: no_new_privs().unwrap_or(false),
        filtered: secure_computing_mode().is_ok_and(|mode| mode == SecureComputingMode::Filter),
        landlock: *landlock,
        troubles: troubles.clone(),
    })
}

fn confine(powers: CapabilitySet, calls: &[&[calls::Group]], reach: Option<&Reach>) -> Applied {
    let mut troubles = Vec::new();
    let mut done = |what: &str, result: Result<(), String>| {
        troubles.extend(result.err().map(|why| format!("cannot {what}: {why}")));
    };
    let text = |errno: rustix::io::Errno| errno.to_string();
    done("give up capabilities", powers::keep_only(powers).map_err(text));
    // No program is started; should one be, it gets no more than we have.
    done("rule out new privileges", set_no_new_privs(true).map_err(text));
    // Keys and credentials are in our memory: no core file, and nobody of the same user looks into it. What we read of
    // ourselves below /proc/self stays readable to ourselves.
    done("keep our memory private", set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(text));
    let mut landlock = None;
    if let Some(reach) = reach {
        match places::restrict(reach) {
            Ok(version) => landlock = version,
            Err(why) => done("confine ourselves to our own files", Err(why)),
        }
    }
    // Last, for it forbids the steps before.
    done("filter our system calls", filter::install(calls));
    let _ = DONE.set((landlock, troubles));
    applied().unwrap_or_default()
}

static DONE: OnceLock<(Option<u32>, Vec<String>)> = OnceLock::new();

#[cfg(test)]
mod tests;
