//! `guestward baseline show`: what was agreed.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::super::args::{Format, ShowArgs};
use super::super::{Exit, Failure};
use super::{hex, last, paths, places};
use crate::baseline::store::{Cache, Entry, Ordinal, Store};
use crate::finding::Text;
use crate::finding::wire::object::Described;
use crate::finding::wire::record;

pub(super) fn run(args: &ShowArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let store = open(&args.target.root)?;
    let format = args.format.format;
    let path = args.path.as_ref().map(|path| paths(std::slice::from_ref(path))).transpose()?;
    let path = path.and_then(|mut paths| paths.pop());
    let written = match (args.digests, path) {
        (Some(levels), path) => digests(&store, path.as_deref().unwrap_or(b"/"), levels, format, out)?,
        (None, Some(path)) => {
            let found = store.entry(&path, &mut Cache::default()).map_err(Failure::trouble)?;
            let (ordinal, entry) = found.ok_or_else(|| {
                let path = Text::from_bytes(&path);
                Failure::trouble(format!(
                    "nothing was agreed on {path}; `guestward policy show` has the rules"
                ))
            })?;
            one(&store, &path, ordinal, &entry, format, out)
        }
        (None, None) => whole(&store, format, out),
    };
    written.map_err(|error| Failure::output(error, Exit::Clean))?;
    Ok(Exit::Clean)
}

pub(super) fn open(root: &Path) -> Result<Store, Failure> {
    let directory = places(root).baseline();
    let store = Store::open(&directory).map_err(Failure::trouble)?;
    store.ok_or_else(|| Failure::trouble(crate::baseline::diff::CannotCompare::None))
}

fn digests(
    store: &Store,
    path: &[u8],
    levels: usize,
    format: Format,
    out: &mut dyn Write,
) -> Result<io::Result<()>, Failure> {
    let digests = store.digests(path, levels).map_err(Failure::trouble)?;
    let shown =
        |path: &[u8]| if path.is_empty() { "/".to_owned() } else { Text::from_bytes(path).to_string() };
    if format == Format::Json {
        let list: Vec<_> = digests
            .iter()
            .map(|(path, digest)| json!({"path": shown(path), "digest": hex(digest)}))
            .collect();
        let document = json!({"schema": "guestward.baseline-digests/1", "directories": list});
        return Ok(line(&document, out));
    }
    Ok(digests.iter().try_for_each(|(path, digest)| writeln!(out, "{}  {}", hex(digest), shown(path))))
}

fn one(
    store: &Store,
    path: &[u8],
    ordinal: Ordinal,
    entry: &Entry,
    format: Format,
    out: &mut dyn Write,
) -> io::Result<()> {
    let described = Described::of(&entry.object);
    let hashed = store.verified(ordinal);
    let compared = compared(store, path);
    let owner = entry.owner.as_ref();
    if format == Format::Json {
        let package = owner.map(|owner| {
            let of =
                |name| owner.digest.filter(|digest| digest.name() == name).map(|digest| hex(digest.bytes()));
            json!({
                "name": &*owner.package,
                "md5": of("md5"),
                "sha256": of("sha256"),
                "configuration": owner.is_configuration,
            })
        });
        let document = json!({
            "schema": "guestward.baseline-entry/1",
            "path": Text::from_bytes(path).to_string(),
            "agreed": described,
            "package": package,
            "per_host": entry.per_host,
            "verified": { "hashed": hashed.map(|time| time.to_string()), "metadata": compared },
        });
        return line(&document, out);
    }
    writeln!(out, "{}", Text::from_bytes(path))?;
    for name in FIELDS {
        let word = described.field(name);
        if word != "-" {
            writeln!(out, "  {name:<13} {word}")?;
        }
    }
    for (name, hash) in [("sha256", &described.sha256), ("blake3", &described.blake3)] {
        if let Some(hash) = hash {
            writeln!(out, "  {name:<13} {}", hash.as_str())?;
        }
    }
    if let Some(owner) = owner {
        let configuration = if owner.is_configuration { ", a configuration file" } else { "" };
        writeln!(out, "  {:<13} {}{configuration}", "package", Text::new(&owner.package))?;
    }
    let hashed = hashed
        .map_or("its content never, as far as is known".to_owned(), |time| format!("by hash {time:.0}"));
    let compared = compared
        .map_or("in no comparison of everything yet".to_owned(), |time| format!("by metadata {time}"));
    writeln!(out, "  {:<13} {hashed}, {compared}", "verified")
}

/// When its metadata were compared last, if they could be.
fn compared(store: &Store, path: &[u8]) -> Option<String> {
    let last = last(store.directory())?;
    let is_hidden =
        last["complete"] != true || last["state"] != record::Hash(store.identity().state).to_string();
    let path = Text::from_bytes(path);
    let differs = last["drifts"]
        .as_array()
        .is_some_and(|drifts| drifts.iter().any(|drift| drift["path"] == path.as_str()));
    (!is_hidden && !differs).then(|| last["time"].as_str().map(str::to_owned)).flatten()
}

fn whole(store: &Store, format: Format, out: &mut dyn Write) -> io::Result<()> {
    let (header, identity) = (store.header(), store.identity());
    let root = Text::from_bytes(&header.root);
    if format == Format::Json {
        let acceptances = store.acceptances().map(|accepted| {
            json!({
                "when": accepted.when.to_string(), "who": accepted.who, "why": accepted.why,
                "count": accepted.count, "root": hex(&accepted.after),
            })
        });
        let document = json!({
            "schema": "guestward.baseline/1", "version": identity.version, "root": hex(&identity.root),
            "state": hex(&identity.state), "entries": store.len(), "created": header.created.to_string(),
            "who": header.who, "why": header.why, "below": root.to_string(),
            "algorithm": header.algorithm.name(), "acceptances": acceptances.collect::<Vec<_>>(),
        });
        return line(&document, out);
    }
    writeln!(out, "version {} of {:.0}, by {}", identity.version, header.created, Text::new(&header.who))?;
    if !header.why.is_empty() {
        writeln!(out, "  {}", Text::new(&header.why))?;
    }
    writeln!(out, "{} objects below {root}, {}", store.len(), header.algorithm.name())?;
    writeln!(out, "root {}", hex(&identity.root))?;
    for accepted in store.acceptances() {
        let (who, why) = (Text::new(&accepted.who), Text::new(&accepted.why));
        writeln!(out, "{:.0}  {who} accepted {}: {why}", accepted.when, accepted.count)?;
    }
    Ok(())
}

fn line(document: &serde_json::Value, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, document)?;
    out.write_all(b"\n")
}

const FIELDS: [&str; 14] = [
    "type",
    "mode",
    "owner",
    "group",
    "size",
    "target",
    "device",
    "links",
    "flags",
    "acl",
    "selinux",
    "capabilities",
    "verity",
    "mtime",
];
