//! Planting the decoys that the policy asks for, and taking them back.
//!
//! What is there stays: nothing is written over, and only what was planted here and is unchanged is removed.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::bait;
use super::memory::Memory;
use super::place::{Place, There};
use crate::finding::Text;
use crate::host::planted::{self, Planted};
use crate::policy::Policy;
use crate::policy::decoys::Plant;

/// One decoy, and what became of it or would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub path: PathBuf,
    pub plant: Text,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is there, and `apply` would write something like this, owned so.
    WouldPlant {
        uid: u32,
        gid: u32,
        sample: Vec<u8>,
    },
    Planted,
    /// It is there as it was planted.
    Stands,
    /// It was planted and is another now.
    Changed,
    /// Somebody else's file is there.
    Taken,
    /// It was planted, is there, and the policy does not ask for it any more.
    LeftOver,
    Removed,
    /// It was planted, and somebody took it away.
    Gone,
    Cannot(Text),
}

impl Outcome {
    pub fn name(&self) -> &'static str {
        match self {
            Self::WouldPlant { .. } => "would-plant",
            Self::Planted => "planted",
            Self::Stands => "stands",
            Self::Changed => "changed",
            Self::Taken => "taken",
            Self::LeftOver => "left-over",
            Self::Removed => "removed",
            Self::Gone => "gone",
            Self::Cannot(_) => "cannot",
        }
    }

    fn cannot(error: &io::Error) -> Self {
        Self::Cannot(Text::new(&error.to_string()))
    }
}

/// What `apply` would do. Changes nothing, and opens no decoy.
pub fn plan(policy: &Policy, state: &Path) -> Result<Vec<Step>, String> {
    let planted = Memory::look(state).map_err(|cause| cause.to_string())?;
    let mut steps: Vec<Step> = wanted(policy)
        .map(|(path, plant)| {
            let outcome = would(path, plant, &planted).unwrap_or_else(|error| Outcome::cannot(&error));
            Step { path: path.to_owned(), plant: Text::new(plant.name()), outcome }
        })
        .collect();
    steps.extend(left_over(policy, &planted));
    Ok(steps)
}

/// Plants what is missing.
pub fn apply(policy: &Policy, state: &Path) -> Result<Vec<Step>, String> {
    let mut memory = Memory::open(state)?;
    let mut steps = Vec::new();
    for (path, plant) in wanted(policy) {
        let outcome = put(path, plant, &mut memory).unwrap_or_else(|error| Outcome::cannot(&error));
        steps.push(Step { path: path.to_owned(), plant: Text::new(plant.name()), outcome });
    }
    steps.extend(left_over(policy, &memory.planted));
    Ok(steps)
}

/// Takes back everything that was planted and is unchanged, whatever the policy asks for now.
pub fn undo(state: &Path) -> Result<Vec<Step>, String> {
    // Where nothing was planted, nothing is made either.
    if Memory::look(state).map_err(|cause| cause.to_string())?.0.is_empty() {
        return Ok(Vec::new());
    }
    let mut memory = Memory::open(state)?;
    let mut steps = Vec::new();
    for decoy in memory.planted.0.clone() {
        let outcome = take_back(&decoy).unwrap_or_else(|error| Outcome::cannot(&error));
        // What somebody made his own is no longer ours to remember.
        if !matches!(outcome, Outcome::Cannot(_)) {
            memory.planted.0.retain(|other| other.path != decoy.path);
        }
        steps.push(Step { path: decoy.path.clone(), plant: Text::new(&decoy.plant), outcome });
    }
    memory.save().map_err(|error| format!("cannot forget what was removed: {error}"))?;
    Ok(steps)
}

fn wanted(policy: &Policy) -> impl Iterator<Item = (&Path, Plant)> {
    policy.files_decoys().iter().filter_map(|decoy| Some((decoy.path.as_path(), decoy.plant?)))
}

fn left_over<'a>(policy: &'a Policy, planted: &'a Planted) -> impl Iterator<Item = Step> + 'a {
    let is_wanted = |path: &Path| wanted(policy).any(|(wanted, _)| wanted == path);
    planted.0.iter().filter(move |decoy| !is_wanted(&decoy.path)).map(|decoy| {
        let there = Place::of(&decoy.path).and_then(|place| place.there());
        let outcome = match there {
            Ok(Some(there)) if is_as_planted(decoy, &there) => Outcome::LeftOver,
            Ok(Some(_)) => Outcome::Changed,
            Ok(None) => Outcome::Gone,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Outcome::Gone,
            Err(error) => Outcome::cannot(&error),
        };
        Step { path: decoy.path.clone(), plant: Text::new(&decoy.plant), outcome }
    })
}

fn would(path: &Path, plant: Plant, planted: &Planted) -> io::Result<Outcome> {
    let place = Place::of(path)?;
    Ok(match place.there()? {
        Some(there) => standing(planted.at(path), &there),
        None => Outcome::WouldPlant {
            uid: place.uid,
            gid: place.gid,
            sample: bait::content(plant, &mut random()?),
        },
    })
}

fn put(path: &Path, plant: Plant, memory: &mut Memory) -> io::Result<Outcome> {
    let place = Place::of(path)?;
    if let Some(there) = place.there()? {
        return Ok(standing(memory.planted.at(path), &there));
    }
    let content = bait::content(plant, &mut random()?);
    let draft = place.draft(&content)?;
    let There { inode, size, modified, .. } = draft.there;
    let before = memory.planted.clone();
    memory.planted.0.retain(|decoy| decoy.path != path);
    memory.planted.0.push(planted::Decoy {
        path: path.to_owned(),
        plant: plant.name().to_owned(),
        inode,
        size,
        modified,
        digest: Sha256::digest(&content).into(),
    });
    // Remembered before it has its name: what is remembered and not there can be planted again, but what is there and not
    // remembered nobody would take back.
    if let Err(error) = memory.save() {
        memory.planted = before;
        place.discard(&draft);
        return Err(error);
    }
    match place.publish(draft) {
        Ok(()) => Ok(Outcome::Planted),
        // Somebody was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Outcome::Taken),
        Err(error) => Err(error),
    }
}

fn standing(decoy: Option<&planted::Decoy>, there: &There) -> Outcome {
    match decoy {
        Some(decoy) if is_as_planted(decoy, there) => Outcome::Stands,
        Some(decoy) if decoy.inode == there.inode => Outcome::Changed,
        _ => Outcome::Taken,
    }
}

fn is_as_planted(decoy: &planted::Decoy, there: &There) -> bool {
    let planted::Decoy { inode, size, modified, .. } = *decoy;
    *there == There { is_file: true, inode, size, modified }
}

fn take_back(decoy: &planted::Decoy) -> io::Result<Outcome> {
    let place = match Place::of(&decoy.path) {
        Ok(place) => place,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Outcome::Gone),
        Err(error) => return Err(error),
    };
    match place.there()? {
        None => return Ok(Outcome::Gone),
        Some(there) if !is_as_planted(decoy, &there) => return Ok(Outcome::Changed),
        Some(_) => {}
    }
    // Metadata can be set back; what is removed for good is read before.
    let (there, content) = place.read(decoy.size.saturating_add(1))?;
    let digest: [u8; 32] = Sha256::digest(&content).into();
    if !is_as_planted(decoy, &there) || digest != decoy.digest {
        return Ok(Outcome::Changed);
    }
    place.remove()?;
    Ok(Outcome::Removed)
}

/// Random bytes that the kernel gave at once, so that nothing fails on the way.
fn random() -> io::Result<impl FnMut(&mut [u8])> {
    let mut pool = vec![0; POOL];
    for part in pool.chunks_mut(256) {
        // getrandom(2): up to 256 bytes come at once or not at all.
        rustix::rand::getrandom(part, rustix::rand::GetRandomFlags::empty())?;
    }
    let mut at = 0;
    Ok(move |bytes: &mut [u8]| {
        for byte in bytes {
            *byte = pool[at % POOL];
            at += 1;
        }
    })
}

/// More than any content takes.
const POOL: usize = 1_024;

#[cfg(test)]
mod tests;
