//! Who waits for what: each source of input on its own thread, each with a bounded way to the loop.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use nix::sys::inotify::Inotify;

use super::files;
use super::identify::{self, Ask};
use super::looks::{self, Order};
use super::{Input, Signal};
use crate::journal::places::Places;
use crate::sys::clock::Steps;
use crate::sys::notify::Notifier;
use crate::sys::notify::stored::{self, Stored};
use crate::sys::signals::Signals;
use crate::sys::socket::Listener;
use crate::watch::inputs::Inputs;

/// The running threads.
pub(super) struct Threads {
    pub(super) inputs: Receiver<Input>,
    pub(super) orders: SyncSender<Order>,
    pub(super) comparisons: SyncSender<files::Order>,
    pub(super) asks: SyncSender<Ask>,
    is_over: Arc<AtomicBool>,
    /// The ones that must end before the process does, because they leave something in the file system.
    waited_for: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(super) fn start(
        places: &Places,
        signals: Signals,
        listener: Option<Listener>,
        watched: Option<Inputs>,
    ) -> io::Result<Self> {
        let (sender, inputs) = mpsc::sync_channel(WAITING);
        let (orders, ordered) = mpsc::sync_channel(1);
        let (asks, asked) = mpsc::sync_channel(1);
        let is_over = Arc::new(AtomicBool::new(false));
        let mut waited_for = Vec::new();
        let way = sender.clone();
        start("signals", move || wait_for_signals(&signals, &way))?;
        let way = sender.clone();
        let state = places.state().to_owned();
        start("looks", move || looks::serve(&state, &ordered, &way))?;
        let (comparisons, ordered) = mpsc::sync_channel(1);
        let (way, over, directory) = (sender.clone(), Arc::clone(&is_over), places.baseline());
        start("files", move || files::serve(&directory, &over, &ordered, &way))?;
        let way = sender.clone();
        start("clock", move || wait_for_steps(&way))?;
        let way = sender.clone();
        start("identity", move || identify::serve(&asked, &way))?;
        if let Some(watched) = watched {
            let way = sender.clone();
            start("changes", move || wait_for_changes(watched, &way))?;
        }
        if let Some(listener) = listener {
            let over = Arc::clone(&is_over);
            waited_for.push(start("status", move || wait_for_questions(&listener, &sender, &over))?);
        }
        Ok(Self { inputs, orders, comparisons, asks, is_over, waited_for })
    }

    /// Nothing new is let in, and the socket goes.
    pub(super) fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(self.inputs);
        for thread in self.waited_for {
            // A thread that panicked has ended too.
            let _ = thread.join();
        }
    }
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).stack_size(STACK).spawn(work)
}

fn wait_for_signals(signals: &Signals, way: &SyncSender<Input>) {
    loop {
        let signal = signals.wait();
        if way.send(Input::Signal(signal)).is_err() || signal != Signal::Reload {
            return;
        }
    }
}

fn wait_for_changes(mut watched: Inputs, way: &SyncSender<Input>) {
    loop {
        if let Some(seen) = watched.next(LONGEST_WAIT)
            && way.send(Input::Seen(seen)).is_err()
        {
            return;
        }
    }
}

/// Without them each comparison still sees that the clock is not where it was; only there and back goes unseen.
fn wait_for_steps(way: &SyncSender<Input>) {
    let Ok(mut steps) = Steps::new() else { return };
    while let Ok(stepped) = steps.wait() {
        if way.send(Input::ClockStepped(stepped)).is_err() {
            return;
        }
    }
}

fn wait_for_questions(listener: &Listener, way: &SyncSender<Input>, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        match listener.accept(PATIENCE) {
            // A loop that is busy answers the next one.
            Ok(Some(connection)) => drop(way.try_send(Input::Asked(connection))),
            Ok(None) => {}
            Err(_) => std::thread::sleep(PATIENCE),
        }
    }
}

/// The root directory whose changes are watched, with what the shipper leaves in our own; and what is wrong with that.
/// Where the service manager kept an earlier process's watches, what they noticed since is noticed now.
pub(super) fn watch(
    stored: Vec<Stored>,
    notifier: &Notifier,
    cursors: PathBuf,
) -> (Option<Inputs>, Vec<String>) {
    let (kept, mut troubles) = kept(stored, notifier);
    if let Some(kept) = kept {
        return (Some(Inputs::resume(kept, Path::new("/"), Some(cursors))), troubles);
    }
    match Inputs::start(Path::new("/"), Some(cursors)) {
        Ok(inputs) => {
            notifier.keep(INPUTS, inputs.descriptor());
            (Some(inputs), troubles)
        }
        Err(error) => {
            troubles.push(error.to_string());
            (None, troubles)
        }
    }
}

/// The watches that were kept for us. What else was handed over is closed and told.
fn kept(stored: Vec<Stored>, notifier: &Notifier) -> (Option<Inotify>, Vec<String>) {
    let (mut kept, mut troubles) = (None, Vec::new());
    for Stored { name, descriptor } in stored {
        let adopted = match name.as_str() {
            INPUTS if kept.is_none() => stored::inotify(descriptor),
            INPUTS => Err("there is another already".to_owned()),
            _ => Err("nothing of ours has that name".to_owned()),
        };
        match adopted {
            Ok(inotify) => kept = Some(inotify),
            Err(why) => {
                notifier.forget(&name);
                troubles.push(format!("a descriptor that was handed over as {name:?} is not taken: {why}"));
            }
        }
    }
    (kept, troubles)
}

/// The name under which the service manager keeps the watches.
const INPUTS: &str = "inputs";
/// Who has to wait longer than this many others waits at the kernel's, which says when it lost something.
const WAITING: usize = 64;
/// The deepest look needs a tenth of it.
const STACK: usize = 2 * 1024 * 1024;
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How soon the status thread notices that it is over.
const PATIENCE: Duration = Duration::from_millis(500);
