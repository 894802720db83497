//! What a baseline says of itself: when and how it was made, and what was accepted since.

use jiff::Timestamp;

use super::bytes::{Malformed, Push, Reader};
use crate::host::object::Algorithm;

/// How a baseline was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub created: Timestamp,
    pub algorithm: Algorithm,
    /// Of the rules by which it was made.
    pub rules: [u8; 32],
    /// The directory that its paths are below.
    pub root: Vec<u8>,
    /// The agent's version.
    pub agent: String,
    /// A hash of the machine's id.
    pub machine: [u8; 32],
    /// The boot in which it was made.
    pub boot: String,
    /// Nanoseconds from the boot to the epoch, as the clocks had it: whether the clock was set since.
    pub clock: i64,
    /// Who made it, and why if they said so.
    pub who: String,
    pub why: String,
}

/// Something that was accepted, once it is part of what was agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Counts from 1, for as long as there is a baseline.
    pub seq: u64,
    pub when: Timestamp,
    pub who: String,
    pub why: String,
    pub count: u64,
    /// The first paths of it.
    pub paths: Vec<Vec<u8>>,
    /// The root digest before it, and after.
    pub before: [u8; 32],
    pub after: [u8; 32],
}

impl Header {
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        push_time(out, self.created);
        out.push(match self.algorithm {
            Algorithm::Sha256 => 0,
            Algorithm::Blake3 => 1,
        });
        out.extend_from_slice(&self.rules);
        out.string(&self.root);
        out.string(self.agent.as_bytes());
        out.extend_from_slice(&self.machine);
        out.string(self.boot.as_bytes());
        out.distance(self.clock);
        out.string(self.who.as_bytes());
        out.string(self.why.as_bytes());
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            created: read_time(reader)?,
            algorithm: match reader.byte()? {
                0 => Algorithm::Sha256,
                1 => Algorithm::Blake3,
                _ => return Err(Malformed("it names an algorithm that there is not")),
            },
            rules: reader.array()?,
            root: reader.string()?.to_vec(),
            agent: reader.text()?.to_owned(),
            machine: reader.array()?,
            boot: reader.text()?.to_owned(),
            clock: reader.distance()?,
            who: reader.text()?.to_owned(),
            why: reader.text()?.to_owned(),
        })
    }
}

impl Accepted {
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        out.number(self.seq);
        push_time(out, self.when);
        out.string(self.who.as_bytes());
        out.string(self.why.as_bytes());
        out.number(self.count);
        out.number(self.paths.len() as u64);
        for path in &self.paths {
            out.string(path);
        }
        out.extend_from_slice(&self.before);
        out.extend_from_slice(&self.after);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            seq: reader.number()?,
            when: read_time(reader)?,
            who: reader.text()?.to_owned(),
            why: reader.text()?.to_owned(),
            count: reader.number()?,
            paths: {
                let count = reader.count(1)?;
                (0..count).map(|_| reader.string().map(<[u8]>::to_vec)).collect::<Result<_, _>>()?
            },
            before: reader.array()?,
            after: reader.array()?,
        })
    }
}

fn push_time(out: &mut Vec<u8>, time: Timestamp) {
    out.distance(time.as_second());
    out.distance(time.subsec_nanosecond().into());
}

fn read_time(reader: &mut Reader<'_>) -> Result<Timestamp, Malformed> {
    let no_time = Malformed("it names a time that there is not");
    let seconds = reader.distance()?;
    let nanos = i32::try_from(reader.distance()?).map_err(|_| no_time)?;
    Timestamp::new(seconds, nanos).map_err(|_| no_time)
}
