//! One who follows a walk and writes down what is told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use guestward::host::files::Mounts;
use guestward::host::object::{self, Content, Object};
use guestward::host::tree::{Crew, Limits, Pace, Reading, Totals, Visitor, Walk, Want};
use guestward::host::{Host, Unreadable};

#[derive(Debug)]
pub(super) struct Slice {
    pub(super) directory: Vec<u8>,
    pub(super) from: Option<Vec<u8>>,
    pub(super) to: Option<Vec<u8>>,
    pub(super) objects: Vec<(Vec<u8>, Object)>,
}

/// Wants the same of every object, and goes everywhere.
pub(super) struct Recorder {
    pub(super) want: Want,
    pub(super) at_a_time: usize,
    pub(super) before_descent: Option<Box<dyn Fn() + Send + Sync>>,
    pub(super) slices: Mutex<Vec<Slice>>,
    pub(super) unread: Mutex<Vec<(Vec<u8>, String)>>,
    pub(super) skipped: Mutex<Vec<(Vec<u8>, String)>>,
}

impl Recorder {
    pub(super) fn new(want: Want) -> Self {
        let (slices, unread, skipped) = Default::default();
        Self { want, at_a_time: 64, before_descent: None, slices, unread, skipped }
    }

    /// Reads everything that can be read.
    pub(super) fn of_everything() -> Self {
        Self::new(Want { content: Some(Reading { md5: true, keep: 16, ..Reading::default() }), xattrs: true })
    }

    pub(super) fn objects(&self) -> BTreeMap<Vec<u8>, Object> {
        let slices = self.slices.lock().unwrap();
        let told = slices.iter().flat_map(|slice| slice.objects.iter().map(move |one| (slice, one)));
        told.map(|(slice, (name, object))| (object::path(&slice.directory, name), object.clone())).collect()
    }

    pub(super) fn object(&self, path: &str) -> Object {
        self.objects().remove(path.as_bytes()).unwrap_or_else(|| panic!("{path} is told"))
    }

    /// Of what is at or below a path, the digest if there is one.
    pub(super) fn digest(&self, path: &str) -> [u8; 32] {
        match self.object(path).content {
            Content::Hashed { digest, .. } => digest,
            other => panic!("{path} is read: {other:?}"),
        }
    }
}

impl Visitor for Recorder {
    type Scope = Vec<u8>;
    type Slice = Slice;

    fn names_at_a_time(&self) -> usize {
        self.at_a_time
    }

    fn begin(&self, directory: &[u8], from: Option<&[u8]>, to: Option<&[u8]>, scope: &Vec<u8>) -> Slice {
        assert_eq!(directory, scope, "the scope goes along with the directory");
        Slice {
            directory: directory.to_vec(),
            from: from.map(<[u8]>::to_vec),
            to: to.map(<[u8]>::to_vec),
            objects: Vec::new(),
        }
    }

    fn wants(&self, _: &mut Slice, _: &Vec<u8>, _: &[u8], _: &Object) -> Option<Want> {
        Some(self.want)
    }

    fn object(&self, slice: &mut Slice, _: &Vec<u8>, name: &[u8], object: Object) {
        slice.objects.push((name.to_vec(), object));
    }

    fn descend(&self, scope: &Vec<u8>, name: &[u8], _: &Object) -> Option<Vec<u8>> {
        if let Some(before) = &self.before_descent {
            before();
        }
        Some([scope, &b"/"[..], name].concat())
    }

    fn end(&self, slice: Slice) {
        self.slices.lock().unwrap().push(slice);
    }

    fn unread(&self, path: &[u8], cause: Unreadable) {
        self.unread.lock().unwrap().push((path.to_vec(), cause.to_string()));
    }

    fn skipped(&self, path: &[u8], file_system: &str) {
        self.skipped.lock().unwrap().push((path.to_vec(), file_system.to_owned()));
    }
}

/// How to walk.
#[derive(Debug, Default)]
pub(super) struct Way<'a> {
    pub(super) mounts: Mounts,
    pub(super) pace: Option<&'a Pace>,
    pub(super) limits: Limits,
    pub(super) file_systems: Vec<String>,
    pub(super) is_over: AtomicBool,
}

impl Way<'_> {
    pub(super) fn walk(&self, root: &Path, recorder: &Recorder) -> Totals {
        let host = Host::at(root).unwrap();
        let walk = Walk {
            host: &host,
            mounts: &self.mounts,
            crew: Crew { first: 2, most: 4 },
            pace: self.pace,
            limits: self.limits,
            file_systems: &self.file_systems,
            is_over: &self.is_over,
            tell: &|_| {},
        };
        walk.run(recorder, Vec::new()).unwrap()
    }
}

pub(super) fn walked(root: &Path, recorder: Recorder) -> Recorder {
    Way::default().walk(root, &recorder);
    recorder
}

/// Fails rather than hangs: what `work` does must come to an end by itself.
pub(super) fn ends<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::spawn(work);
    for _ in 0..PATIENCE {
        if thread.is_finished() {
            return thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} does not end");
}

/// Until it is dropped, something is done again and again.
#[derive(Debug)]
pub(super) struct Meanwhile<'a>(pub(super) &'a AtomicBool);

impl Drop for Meanwhile<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Two minutes, in hundredths of a second.
const PATIENCE: u32 = 12_000;
