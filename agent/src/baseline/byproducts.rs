//! What comes about while packages are installed and no package records: made anew by their scripts and triggers from
//! what is installed, by tools that have that one purpose.
//!
//! Accounts, passwords, PAM and sudo are on purpose not among it: what a package's script writes there is told. So is
//! every program that runs as another user, wherever it lies.

mod table;
#[cfg(test)]
mod tests;

use super::drift::{Drift, Matter};
use crate::host::actor::Actor;
use crate::host::glob;
use crate::host::object::Object;
use crate::host::{Kind, Text};
use table::MADE;

/// One tool's.
struct Made {
    kind: &'static str,
    /// The names of programs and scripts of which one is what wrote it, or what started that.
    by: &'static [&'static str],
    /// A `*` stands for anything but a slash, `**` for one or more components.
    paths: &'static [&'static str],
    /// The package manager's own program does it, and nobody that it starts.
    is_managers: bool,
    /// Whatever is left there is a symbolic link to below one of these.
    leads_to: &'static [&'static str],
}

/// Which kind of by-product a difference is, if it is one: where it is, and what made it.
pub fn kind<'a>(
    drift: &Drift,
    actors: impl Iterator<Item = &'a Actor> + Clone,
    by_manager: bool,
) -> Option<&'static str> {
    if drift.matter == Some(Matter::SetId) {
        return None;
    }
    let mut made =
        MADE.iter().filter(|made| made.paths.iter().any(|path| is_at(path.as_bytes(), &drift.path)));
    // Whoever else touched it may have done what is seen.
    let is_its = |made: &&Made| {
        let mut all = actors.clone().peekable();
        let mut is_tools = || all.peek().is_some() && all.all(|actor| is_by(made.by, actor));
        let is_its = if made.is_managers { by_manager } else { is_tools() };
        is_its && leads(made, drift.after.as_ref())
    };
    made.find(is_its).map(|made| made.kind)
}

fn leads(made: &Made, after: Option<&Object>) -> bool {
    let Some(after) = after.filter(|_| !made.leads_to.is_empty()) else { return true };
    match (after.kind, after.target.as_deref()) {
        (Kind::Directory, _) => true,
        (Kind::SymbolicLink, Some(target)) => {
            made.leads_to.iter().any(|place| target.starts_with(place.as_bytes()))
                && memchr::memmem::find(target, b"/../").is_none()
        }
        _ => false,
    }
}

/// Whether a process, or one that it comes from, is one of these programs or runs one of these scripts.
fn is_by(tools: &[&str], actor: &Actor) -> bool {
    let program = actor.program.as_ref().map(|program| program.path.as_slice());
    let own = is_tool(tools, program, actor.command.as_ref());
    own || actor.parents.iter().any(|parent| is_tool(tools, parent.path.as_deref(), parent.command.as_ref()))
}

fn is_tool(tools: &[&str], program: Option<&[u8]>, command: Option<&Text>) -> bool {
    let is_one = |path: &[u8]| {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        tools.iter().any(|tool| glob::matches(tool.as_bytes(), name))
    };
    // A script is its interpreter's first argument, but for options.
    let words = command.map_or("", |command| command.as_str()).split(' ');
    let mut words = words.filter(|word| !word.starts_with('-')).take(2);
    program.is_some_and(is_one) || words.any(|word| is_one(word.as_bytes()))
}

/// Whether a pattern is this path, component by component.
fn is_at(pattern: &[u8], path: &[u8]) -> bool {
    let parts: Vec<&[u8]> = pattern.split(|byte| *byte == b'/').collect();
    let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    fits(&parts, &names)
}

/// Patterns are ours and have one `**` at most.
fn fits(parts: &[&[u8]], names: &[&[u8]]) -> bool {
    match (parts, names) {
        ([], []) => true,
        ([part, rest @ ..], [_, below @ ..]) if *part == b"**" => fits(rest, below) || fits(parts, below),
        ([part, rest @ ..], [name, below @ ..]) => glob::matches(part, name) && fits(rest, below),
        _ => false,
    }
}
