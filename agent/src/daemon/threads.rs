//! Who waits for what: each source of input on its own thread, each with a bounded way to the loop.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use nix::sys::inotify::Inotify;
use std::os::fd::OwnedFd;

use super::files;
use super::identify::{self, Ask};
use super::live::{self, Shared};
use super::looks::{self, Order};
use super::{Input, Signal};
use crate::journal::places::Places;
use crate::sys::clock::Steps;
use crate::sys::notify::Notifier;
use crate::sys::notify::stored::{self, Stored};
use crate::sys::signals::Signals;
use crate::sys::socket::Listener;
use crate::watch::files::{Setup, Watch};
use crate::watch::inputs::Inputs;

/// The running threads.
pub(super) struct Threads {
    pub(super) inputs: Receiver<Input>,
    pub(super) orders: SyncSender<Order>,
    pub(super) comparisons: SyncSender<files::Order>,
    pub(super) touched: SyncSender<live::Order>,
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
        live: (Watch, Shared),
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
        let (touched, noticed) = mpsc::sync_channel(BATCHES);
        let (watch, shared) = live;
        let (waker, directory, way, of_shared) =
            (watch.waker(), places.baseline(), sender.clone(), shared.clone());
        let (knows, known) = mpsc::sync_channel(1);
        start("live", move || live::serve(&directory, of_shared, &waker, knows, &noticed, &way))?;
        let (way, over) = (touched.clone(), Arc::clone(&is_over));
        start("watch", move || live::watch(watch, &shared, &known, &way, &over))?;
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
        Ok(Self { inputs, orders, comparisons, touched, asks, is_over, waited_for })
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

/// What is watched, and what is wrong with that.
pub(super) struct Watched {
    pub(super) inputs: Option<Inputs>,
    pub(super) files: Watch,
    pub(super) troubles: Vec<String>,
}

/// The root directory whose changes are watched, with what the shipper leaves in our own; and the files.
/// Where the service manager kept an earlier process's watches, what they noticed since is noticed now.
pub(super) fn watch(stored: Vec<Stored>, notifier: &Notifier, cursors: PathBuf, setup: Setup) -> Watched {
    let Kept { inputs, files, mut troubles } = kept(stored, notifier);
    let files = match files {
        Some(files) => Watch::resume(files, setup),
        None => {
            let watch = Watch::start(setup);
            if let Some(descriptor) = watch.descriptor() {
                notifier.keep(FILES, descriptor);
            }
            watch
        }
    };
    if let Some(kept) = inputs {
        let inputs = Some(Inputs::resume(kept, Path::new("/"), Some(cursors)));
        return Watched { inputs, files, troubles };
    }
    let inputs = match Inputs::start(Path::new("/"), Some(cursors)) {
        Ok(inputs) => {
            notifier.keep(INPUTS, inputs.descriptor());
            Some(inputs)
        }
        Err(error) => {
            troubles.push(error.to_string());
            None
        }
    };
    Watched { inputs, files, troubles }
}

/// What was kept for us.
#[derive(Default)]
struct Kept {
    inputs: Option<Inotify>,
    files: Option<OwnedFd>,
    troubles: Vec<String>,
}

/// The watches that were kept for us. What else was handed over is closed and told.
fn kept(stored: Vec<Stored>, notifier: &Notifier) -> Kept {
    let mut kept = Kept::default();
    for Stored { name, descriptor } in stored {
        let adopted = match name.as_str() {
            INPUTS if kept.inputs.is_none() => {
                stored::inotify(descriptor).map(|inotify| kept.inputs = Some(inotify))
            }
            FILES if kept.files.is_none() => {
                stored::fanotify(descriptor).map(|descriptor| kept.files = Some(descriptor))
            }
            INPUTS | FILES => Err("there is another already".to_owned()),
            _ => Err("nothing of ours has that name".to_owned()),
        };
        if let Err(why) = adopted {
            notifier.forget(&name);
            kept.troubles.push(format!("a descriptor that was handed over as {name:?} is not taken: {why}"));
        }
    }
    kept
}

/// The name under which the service manager keeps the watches.
const INPUTS: &str = "inputs";
const FILES: &str = "files";
/// Each has up to some thousands of paths; what has no room here goes on to coalesce.
const BATCHES: usize = 4;
/// Who has to wait longer than this many others waits at the kernel's, which says when it lost something.
const WAITING: usize = 64;
/// The deepest look needs a tenth of it.
const STACK: usize = 2 * 1024 * 1024;
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How soon the status thread notices that it is over.
const PATIENCE: Duration = Duration::from_millis(500);
