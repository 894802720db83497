//! Reading the journal, from a process that does not write it: only what was accepted, in order, damage skipped.

use std::collections::BTreeMap;
use std::io;

use super::cursor::Position;
use super::frame::{Content, Frame};
use super::open::{MAX_SEGMENT, read_header, segment_names};
use super::segment::{Contents, Header, Name};
use super::storage::Storage;
use crate::finding::Severity;
use crate::finding::wire::record::{Id, Kind, MAX_LINE};

/// A record that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub position: Position,
    pub kind: Kind,
    pub severity: Severity,
    /// Its exact bytes, without a newline.
    pub line: Vec<u8>,
}

/// Some records in a row.
#[derive(Debug, Default)]
pub struct Batch {
    pub entries: Vec<Entry>,
    /// Bytes between them that are no records any more. The sensor tells of them as a gap.
    pub damaged: u64,
}

#[derive(Debug)]
pub struct Reader<S: Storage> {
    storage: S,
    after: Option<Position>,
    place: Option<Place>,
    headers: BTreeMap<Name, Header>,
    /// How often in a row the segment at hand could not be read.
    failures: u32,
}

/// Where to go on in a segment.
#[derive(Debug, Clone, Copy)]
struct Place {
    name: Name,
    offset: u64,
}

impl<S: Storage> Reader<S> {
    /// From behind that position; `None` is the oldest record that is there.
    pub fn new(storage: S, after: Option<Position>) -> Self {
        Self { storage, after, place: None, headers: BTreeMap::new(), failures: 0 }
    }

    pub fn position(&self) -> Option<Position> {
        self.after
    }

    /// The next records: at least one if any is there, else at most so many of at most so many bytes.
    pub fn next_batch(&mut self, max_records: usize, max_bytes: usize) -> io::Result<Batch> {
        let names = segment_names(&self.storage)?;
        self.learn_headers(&names);
        let mut batch = Batch::default();
        let mut bytes = 0;
        let Some(mut index) = self.start(&names) else { return Ok(batch) };
        while index < names.len() {
            let is_last = !names[index + 1..].iter().any(|name| self.headers.contains_key(name));
            match self.read_on(&names, index, is_last, &mut batch, &mut bytes, (max_records, max_bytes)) {
                Ok(Stop::Enough) => return Ok(batch),
                Ok(Stop::End) if is_last => return Ok(batch),
                Ok(Stop::End) => {}
                // The sensor freed it meanwhile, or wrote it anew under another name.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.place = None;
                    return Ok(batch);
                }
                // What was read before it is in the batch, and comes no second time.
                Err(_) if !batch.entries.is_empty() => return Ok(batch),
                // What lies beyond a segment that stays unreadable must not wait for it for ever.
                Err(error) if is_last || !self.gives_up(&error) => return Err(error),
                Err(_) => batch.damaged += self.storage.size(&names[index].to_string()).unwrap_or(0),
            }
            self.failures = 0;
            index += 1;
            self.place = names.get(index).map(|&name| Place { name, offset: 0 });
        }
        Ok(batch)
    }

    fn gives_up(&mut self, error: &io::Error) -> bool {
        self.failures += 1;
        self.failures > MAX_FAILURES || error.kind() == io::ErrorKind::InvalidData
    }

    fn learn_headers(&mut self, names: &[Name]) {
        self.headers.retain(|name, _| names.binary_search(name).is_ok());
        for &name in names {
            if !self.headers.contains_key(&name)
                && let Ok(Some(header)) = read_header(&self.storage, name)
            {
                self.headers.insert(name, header);
            }
        }
    }

    /// The segment to go on in, with `place` set to it.
    fn start(&mut self, names: &[Name]) -> Option<usize> {
        if let Some(place) = self.place
            && let Some(index) = names.iter().position(|&name| name == place.name)
        {
            return Some(index);
        }
        let index = self.first_undelivered(names);
        self.place = names.get(index).map(|&name| Place { name, offset: 0 });
        self.place.map(|_| index)
    }

    fn first_undelivered(&self, names: &[Name]) -> usize {
        let Some(after) = self.after else { return 0 };
        let epoch = |name: &Name| self.headers.get(name).map(|header| header.epoch);
        // Where nothing of the cursor's epoch is left, everything that is left came after it, or is another machine's.
        let Some(mut own) = names.iter().position(|name| epoch(name) == Some(after.epoch)) else { return 0 };
        // Those before it whose header is damaged may be of the same epoch.
        while own > 0 && !self.headers.contains_key(&names[own - 1]) {
            own -= 1;
        }
        let holds_more = |index: &usize| {
            let next = names[index + 1..].iter().filter_map(|name| self.headers.get(name)).next();
            next.is_none_or(|next| next.epoch != after.epoch || next.first > after.seq.saturating_add(1))
        };
        (own..names.len()).find(holds_more).unwrap_or(own)
    }

    fn read_on(
        &mut self,
        names: &[Name],
        index: usize,
        is_last: bool,
        batch: &mut Batch,
        bytes: &mut usize,
        (max_records, max_bytes): (usize, usize),
    ) -> io::Result<Stop> {
        let Some(mut place) = self.place else { return Ok(Stop::End) };
        loop {
            let (chunk, contents) = self.chunk(place, is_last)?;
            let is_whole = chunk.len() != CHUNK;
            let end = self.end(names, index, is_last, &contents);
            let mut done = 0;
            for frame in &contents.records {
                if frame.seq > end {
                    break;
                }
                let line = &chunk[frame.payload()];
                let epoch = self.epoch(names[index], line);
                let is_new = self.after.is_none_or(|after| after.epoch != epoch || after.seq < frame.seq);
                if is_new {
                    if !batch.entries.is_empty()
                        && (batch.entries.len() >= max_records || *bytes + line.len() > max_bytes)
                    {
                        return Ok(Stop::Enough);
                    }
                    *bytes += line.len();
                    let position = Position { segment: place.name.number, epoch, seq: frame.seq };
                    batch.entries.extend(entry(position, frame, line));
                    self.after = Some(position);
                }
                batch.damaged += damaged(&contents, done, frame.span.start);
                done = frame.span.end;
                self.place = Some(Place { offset: place.offset + done as u64, ..place });
            }
            if is_whole {
                if !is_last {
                    batch.damaged += damaged(&contents, done, chunk.len());
                }
                return Ok(Stop::End);
            }
            // The end of the chunk may have cut a frame in two; where nothing in it was whole, damage is stepped over.
            let step = if done > 0 {
                done
            } else if is_last {
                return Ok(Stop::End);
            } else {
                CHUNK - MAX_LINE * 2
            };
            place.offset += step as u64;
            self.place = Some(place);
        }
    }

    /// As much as is read at once. Recovery writes the end of a segment anew with one marker behind all of it: where
    /// nothing else vouches for the last segment, it is looked for until the end.
    fn chunk(&self, place: Place, is_last: bool) -> io::Result<(Vec<u8>, Contents)> {
        let mut chunk = self.storage.read(&place.name.to_string(), place.offset, CHUNK)?;
        let mut contents = Contents::of(&chunk);
        if is_last && contents.marker.is_none() && chunk.len() == CHUNK {
            chunk = self.storage.read(&place.name.to_string(), place.offset, MAX_SEGMENT)?;
            contents = Contents::of(&chunk);
        }
        Ok((chunk, contents))
    }

    /// The last seq of a segment that may be delivered.
    fn end(&self, names: &[Name], index: usize, is_last: bool, contents: &Contents) -> u64 {
        if is_last {
            return contents.marker.map_or(0, |(seq, _)| seq);
        }
        let own = self.headers.get(&names[index]).map(|header| header.epoch);
        let later = names[index + 1..].iter().filter_map(|name| self.headers.get(name));
        let mut later = later.filter(|header| own.is_none_or(|own| header.epoch == own));
        later.next().map_or(u64::MAX, |header| header.first - 1)
    }

    fn epoch(&self, name: Name, line: &[u8]) -> Id {
        let header = self.headers.get(&name).map(|header| header.epoch);
        let record = || crate::finding::wire::record::parse(line).ok().map(|record| record.epoch);
        header.or_else(record).or(self.after.map(|after| after.epoch)).unwrap_or(Id::new([0; 8]))
    }
}

enum Stop {
    Enough,
    End,
}

fn entry(position: Position, frame: &Frame, line: &[u8]) -> Option<Entry> {
    let Content::Record(kind, severity) = frame.content else { return None };
    Some(Entry { position, kind, severity, line: line.to_vec() })
}

fn damaged(contents: &Contents, from: usize, to: usize) -> u64 {
    let spans = contents.damage.iter().filter(|span| span.start >= from && span.end <= to);
    spans.map(|span| span.len() as u64).sum()
}

/// A disk that fails for a moment gets this many more chances.
const MAX_FAILURES: u32 = 20;
/// Larger than any group that shares a marker.
const CHUNK: usize = 2 * 1024 * 1024;
