//! How the shippers are, for whoever asks at the status socket.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::Duration;

use super::status::{Standing, Status, backlog};
use crate::finding::wire::rfc3339_millis;
use crate::finding::wire::status::{Behind, Destination, Reached, Shipper};
use crate::journal::Directory;
use crate::sys::own::Own;
use crate::sys::sandbox;
use crate::sys::socket::Listener;

/// A thread that answers, until this is dropped; then the socket goes too.
#[derive(Debug)]
pub struct Answers {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Answers {
    pub fn start(listener: Listener, standings: Vec<Arc<Standing>>, journal: PathBuf) -> io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let work = move || {
            let mut own = Own::new();
            while !over.load(Ordering::Relaxed) {
                match listener.accept(PATIENCE) {
                    // Whoever did not take it may ask again.
                    Ok(Some(asked)) => {
                        drop(asked.answer(told(&mut own, &standings, &journal).to_json().as_bytes()))
                    }
                    Ok(None) => {}
                    Err(_) => sleep(PATIENCE),
                }
            }
        };
        let thread = Builder::new().name("status".to_owned()).spawn(work)?;
        Ok(Self { is_over, thread: Some(thread) })
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // One that panicked has ended, too.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn told(own: &mut Option<Own>, standings: &[Arc<Standing>], journal: &Path) -> Shipper {
    let cost = own.as_mut().and_then(Own::cost);
    Shipper {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION"),
        up_s: cost.map_or(0, |cost| cost.uptime.as_secs()),
        rss: cost.map(|cost| cost.rss),
        cpu_s: cost.map(|cost| cost.cpu.as_secs_f64()),
        confinement: sandbox::applied().map(Into::into),
        shippers: standings.iter().map(|standing| destination(&standing.now(), journal)).collect(),
    }
}

fn destination(status: &Status, journal: &Path) -> Destination {
    let behind = Directory::open(journal).and_then(|journal| backlog(&journal, status.position)).ok();
    let error = status.last_error.as_ref().filter(|_| status.failing);
    Destination {
        name: status.name,
        position: status.position.map(|at| Reached { epoch: at.epoch, seq: at.seq }),
        delivered_records: status.delivered.records,
        delivered_bytes: status.delivered.bytes,
        last_delivery: status.last_delivery.map(rfc3339_millis),
        last_error: error.map(|error| error.text.as_str().to_owned()),
        retries: status.retries,
        rejected: status.refused.iter().map(|(kind, count)| (kind.name(), *count)).collect(),
        damaged: status.damaged,
        backlog: behind.map(|behind| Behind {
            records: behind.amount.records,
            bytes: behind.amount.bytes,
            is_estimate: behind.is_estimate,
            oldest: behind.oldest,
        }),
    }
}

const PATIENCE: Duration = Duration::from_millis(500);
