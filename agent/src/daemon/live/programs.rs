//! What the executed files of actors are: the digest of each, and the package that has it.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use md5::Md5;
use sha2::{Digest as _, Sha256};

use crate::baseline::live::Live;
use crate::host::actor::{Actor, Program};
use crate::host::packages::recorded::Digest;
use crate::host::{Host, Text};
use crate::watch::files::Touched;

/// What was found out lately: most changes are by few programs.
#[derive(Debug, Default)]
pub(super) struct Programs(HashMap<(u64, u64), Known>);

/// A file that was executed, as it was when it was read.
#[derive(Debug, Clone)]
struct Known {
    changed: (i64, i64),
    digest: [u8; 32],
    package: Option<Text>,
}

impl Programs {
    /// Puts beside each actor what its program is.
    pub(super) fn describe(&mut self, touched: &mut [&mut Touched], live: Option<&mut Live>) {
        // The same process stands behind many paths: it is described once.
        let mut done: HashMap<*const Actor, (Arc<Actor>, Arc<Actor>)> = HashMap::new();
        let mut live = live;
        for actor in touched.iter_mut().flat_map(|touched| &mut touched.actors) {
            let (_, described) = done.entry(Arc::as_ptr(actor)).or_insert_with(|| {
                // The first is held, so that no other comes to lie at its address.
                (Arc::clone(actor), self.described(actor, live.as_deref_mut()))
            });
            *actor = Arc::clone(described);
        }
    }

    pub(super) fn described(&mut self, actor: &Arc<Actor>, live: Option<&mut Live>) -> Arc<Actor> {
        let known = actor.program.as_ref().and_then(|program| self.known(program, live));
        let Some(known) = known else { return Arc::clone(actor) };
        let mut described = Actor::clone(actor);
        if let Some(program) = &mut described.program {
            program.digest = Some(known.digest);
            program.package.clone_from(&known.package);
        }
        Arc::new(described)
    }

    /// Nothing where another file has its name by now.
    fn known(&mut self, program: &Program, live: Option<&mut Live>) -> Option<Known> {
        let path = Path::new(std::ffi::OsStr::from_bytes(&program.path));
        let (file, _) = Host::at(Path::new("/")).ok()?.open(path).ok()?;
        let meta = file.metadata().ok()?;
        if !meta.is_file() || (meta.dev(), meta.ino()) != (program.device, program.inode) {
            return None;
        }
        let (key, changed) = ((program.device, program.inode), (meta.ctime(), meta.ctime_nsec()));
        if let Some(known) = self.0.get(&key).filter(|known| known.changed == changed) {
            return Some(known.clone());
        }
        let (digest, md5) = digests(file)?;
        let recorded = live.and_then(|live| live.recorded(&program.path));
        let is_its = |recorded: &Digest| [Digest::Md5(md5), Digest::Sha256(digest)].contains(recorded);
        let package = recorded.filter(|(_, recorded)| recorded.as_ref().is_some_and(is_its));
        let package = package.map(|(package, _)| package);
        let known = Known { changed, digest, package };
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(key, known.clone());
        Some(known)
    }
}

fn digests(file: File) -> Option<([u8; 32], [u8; 16])> {
    let (mut sha, mut md5) = (Sha256::new(), Md5::new());
    let mut file = file.take(LONGEST + 1);
    let (mut buffer, mut length) = (vec![0; PIECE], 0);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                length += read as u64;
                sha.update(&buffer[..read]);
                md5.update(&buffer[..read]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    (length <= LONGEST).then(|| (sha.finalize().into(), md5.finalize().into()))
}

/// A busy server runs some hundreds.
const MOST: usize = 1_024;
/// The largest programs have some hundred megabytes; a larger one is told without a digest.
const LONGEST: u64 = 512 * 1024 * 1024;
const PIECE: usize = 128 * 1024;
