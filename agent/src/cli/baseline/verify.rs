//! `guestward baseline verify`: is it whole, is it the one that the journal names, is it the one that was sealed?

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::super::args::{Format, VerifyBaselineArgs};
use super::super::{Exit, Failure, policy};
use super::{hex, places, show};
use crate::baseline::store::{PublicKey, Sealed, Store};
use crate::finding::Text;
use crate::finding::wire::record::{self, Checkpoint, Kind};
use crate::journal::{Directory, Reader};

pub(super) fn run(args: &VerifyBaselineArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let policy = policy::load(args.policy.policy.as_ref())?;
    let store = show::open(&args.target.root)?;
    store.recompute().map_err(Failure::trouble)?;
    let wanted = args.key.as_deref().or_else(|| policy.files_seal_key());
    let wanted = wanted.map(PublicKey::read).transpose().map_err(Failure::trouble)?;
    let sealed = store.sealed().map_err(Failure::trouble)?;
    let verified = Verified {
        seal: Seal::of(sealed.as_ref(), wanted),
        pinned: pinned(&places(&args.target.root).journal(), &store),
        sealed,
        store,
    };
    let exit = match (&verified.pinned, verified.is_right()) {
        (_, false) => Exit::Found,
        (Pinned::Unread(_), true) => Exit::Incomplete,
        _ => Exit::Clean,
    };
    let written = match args.format.format {
        Format::Json => verified.json(out),
        Format::Text => verified.text(out),
    };
    written.map_err(|error| Failure::output(error, exit))?;
    Ok(exit)
}

struct Verified {
    store: Store,
    sealed: Option<Sealed>,
    seal: Seal,
    pinned: Pinned,
}

/// What the seal is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seal {
    /// By the key that was asked for.
    Right,
    /// There is one, and nobody said whose it ought to be.
    Unasked,
    /// By another key.
    Wrong,
    /// There is none, and nobody asked for one.
    None,
    Missing,
}

/// What the journal's last checkpoint says of the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pinned {
    /// There is no journal, or no checkpoint in it names one.
    Nothing,
    /// It could not be read to its end.
    Unread(String),
    /// This very one, or what it was before something was accepted.
    This,
    Another(String),
}

impl Seal {
    fn of(sealed: Option<&Sealed>, wanted: Option<PublicKey>) -> Self {
        match (sealed, wanted) {
            (None, None) => Self::None,
            (None, Some(_)) => Self::Missing,
            (Some(_), None) => Self::Unasked,
            (Some(sealed), Some(wanted)) if sealed.by == wanted => Self::Right,
            (Some(_), Some(_)) => Self::Wrong,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Unasked => "not-asked-for",
            Self::Wrong => "another-key",
            Self::None => "none",
            Self::Missing => "missing",
        }
    }
}

impl Verified {
    fn is_right(&self) -> bool {
        !matches!(self.seal, Seal::Wrong | Seal::Missing) && !matches!(self.pinned, Pinned::Another(_))
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let identity = self.store.identity();
        writeln!(out, "whole: version {}, {} objects", identity.version, self.store.len())?;
        writeln!(out, "root {}", hex(&identity.root))?;
        if let Some(sealed) = &self.sealed {
            let (who, key) = (Text::new(&sealed.who), hex(&sealed.by.0));
            writeln!(out, "sealed {:.0} by {who}, key {key}", sealed.at)?;
            if sealed.changes_since > 0 {
                writeln!(out, "  accepted since, under no seal: {}", sealed.changes_since)?;
            }
        }
        match self.seal {
            Seal::Wrong => writeln!(out, "wrong: it was sealed with another key than the one asked for")?,
            Seal::Missing => writeln!(out, "wrong: it carries no seal, and one was asked for")?,
            Seal::None => writeln!(out, "not sealed")?,
            Seal::Right | Seal::Unasked => {}
        }
        match &self.pinned {
            Pinned::Nothing => writeln!(out, "no checkpoint of the journal names a baseline"),
            Pinned::Unread(why) => writeln!(out, "unknown: the journal cannot be read: {}", Text::new(why)),
            Pinned::This => writeln!(out, "the journal's last checkpoint names it"),
            Pinned::Another(state) => {
                writeln!(out, "wrong: the journal's last checkpoint names another baseline, of state {state}")
            }
        }
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        let identity = self.store.identity();
        let sealed = self.sealed.as_ref().map(|sealed| {
            json!({
                "at": sealed.at.to_string(), "who": sealed.who, "key": hex(&sealed.by.0),
                "root": hex(&sealed.identity.root), "accepted_since": sealed.changes_since,
            })
        });
        let document = json!({
            "schema": "guestward.baseline-proof/1", "version": identity.version, "root": hex(&identity.root),
            "state": hex(&identity.state), "entries": self.store.len(), "sealed": sealed,
            "seal": self.seal.name(),
            "journal": match &self.pinned {
                Pinned::Nothing => "silent",
                Pinned::Unread(_) => "unread",
                Pinned::This => "agrees",
                Pinned::Another(_) => "names-another",
            },
        });
        serde_json::to_writer(&mut *out, &document)?;
        out.write_all(b"\n")
    }
}

/// The last checkpoint that names a baseline.
fn pinned(journal: &Path, store: &Store) -> Pinned {
    let directory = match Directory::open(journal) {
        Ok(directory) => directory,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Pinned::Nothing,
        Err(error) => return Pinned::Unread(error.to_string()),
    };
    let mut reader = Reader::new(directory, None);
    let mut last = None;
    loop {
        let batch = match reader.next_batch(BATCH, BATCH_BYTES) {
            Ok(batch) => batch,
            Err(error) => return Pinned::Unread(error.to_string()),
        };
        if batch.entries.is_empty() {
            break;
        }
        for entry in batch.entries.iter().filter(|entry| entry.kind == Kind::Checkpoint) {
            let body = record::parse(&entry.line).ok().and_then(|record| Checkpoint::parse(record.body).ok());
            last = body.and_then(|body| body.baseline_state).or(last);
        }
    }
    match last {
        None => Pinned::Nothing,
        Some(state) if store.was(&state.0) => Pinned::This,
        Some(state) => Pinned::Another(hex(&state.0)),
    }
}

const BATCH: usize = 10_000;
const BATCH_BYTES: usize = 8 * 1024 * 1024;
