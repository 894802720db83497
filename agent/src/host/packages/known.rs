//! The packages held for whoever asks often, and read again when anything has changed that they were read from.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Database, Packages, at_work};
use crate::host::Host;
use crate::host::trace::Trace;

/// The last answer, where it can be told whether it still holds. A package takes some four hundred bytes.
#[derive(Debug, Default)]
pub struct Known(Mutex<Option<(Trace, Arc<Packages>)>>);

impl Packages {
    /// As they are now: the host's known ones if they still hold.
    pub(in crate::host) fn now(host: &Host) -> Arc<Self> {
        match &host.known {
            Some(known) => known.now(host),
            None => Arc::new(Self::of(host)),
        }
    }
}

impl Known {
    pub fn now(&self, host: &Host) -> Arc<Packages> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, packages)) = kept.as_ref().filter(|(trace, _)| host.is_as(trace)) {
            return still(host, packages);
        }
        // Before the next ones are read: both at once would be one too many.
        *kept = None;
        let Some(noting) = host.noting() else { return Arc::new(Packages::of(host)) };
        let packages = Arc::new(Packages::of(&noting));
        let trace = if is_to_keep(&packages) { noting.into_trace() } else { None };
        *kept = trace.map(|trace| (trace, Arc::clone(&packages)));
        packages
    }
}

/// What stood in the way may be gone without a trace: a disk that failed, or too many open files.
fn is_to_keep(packages: &Packages) -> bool {
    let is_small = |database: &Database| database.packages.len() <= MAX_KEPT;
    packages.database.as_ref().is_ok_and(is_small)
        && packages.updates.as_ref().is_ok_and(|updates| updates.unsure.is_empty())
        && packages.metadata.unsure.is_empty()
        && packages.kernel.is_ok()
}

/// A lock comes and goes without a trace in any file.
fn still(host: &Host, packages: &Arc<Packages>) -> Arc<Packages> {
    let at_work = at_work::at_work(host);
    if at_work == packages.at_work {
        return Arc::clone(packages);
    }
    Arc::new(Packages { at_work, ..packages.as_ref().clone() })
}

/// Four megabytes; a server has some five hundred.
const MAX_KEPT: usize = 10_000;
