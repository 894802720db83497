//! The rows of a table, in the order of their numbers: a tree of pages, with chains for what does not fit into one.

use std::ops::ControlFlow;

use super::super::field::{be16, be32, part};
use super::super::source::malformed;
use super::pages::{HEADER, Pages};
use super::record::varint;
use crate::host::Cause;

/// Called with a row's number and its values.
pub(in crate::host::packages) type Row<'a> = dyn FnMut(i64, &[u8]) -> Result<ControlFlow<()>, Cause> + 'a;

/// Hands each row of the table that begins at page `root` to `row`; none may have more bytes than `most`.
pub(super) fn walk(pages: &mut Pages, root: u32, most: usize, row: &mut Row<'_>) -> Result<(), Cause> {
    let left = pages.room();
    let mut walk = Walk { pages, values: Vec::new(), last: None, left, most, row };
    walk.below(root, 0).map(|_| ())
}

struct Walk<'a, 'b> {
    pages: &'a mut Pages,
    values: Vec<u8>,
    /// The number of the row before.
    last: Option<i64>,
    /// Cells that overlap could make more rows of a page than it has bytes.
    left: u64,
    most: usize,
    row: &'a mut Row<'b>,
}

impl Walk<'_, '_> {
    fn below(&mut self, number: u32, depth: usize) -> Result<ControlFlow<()>, Cause> {
        if depth == MAX_DEPTH {
            return Err(malformed("its tree is deeper than SQLite makes one"));
        }
        let page = self.pages.get(number)?.to_vec();
        let damaged = || malformed(format!("page {number} of its tree is damaged"));
        let start = if number == 1 { HEADER } else { 0 };
        let kind = page.get(start).copied();
        let cells = be16(&page, start + 3).ok_or_else(damaged)?;
        let pointers = match kind {
            Some(LEAF) => start + 8,
            Some(INTERIOR) => start + 12,
            _ => return Err(damaged()),
        };
        for cell in 0..usize::from(cells) {
            let at = be16(&page, pointers + 2 * cell).ok_or_else(damaged)?;
            let cell = page.get(usize::from(at)..self.pages.usable).ok_or_else(damaged)?;
            let next = match kind {
                Some(LEAF) => self.cell(cell, damaged)?,
                _ => self.below(be32(cell, 0).ok_or_else(damaged)?, depth + 1)?,
            };
            if next.is_break() {
                return Ok(next);
            }
        }
        match kind {
            Some(INTERIOR) => self.below(be32(&page, start + 8).ok_or_else(damaged)?, depth + 1),
            _ => Ok(ControlFlow::Continue(())),
        }
    }

    fn cell(&mut self, cell: &[u8], damaged: impl Fn() -> Cause) -> Result<ControlFlow<()>, Cause> {
        let (length, used) = varint(cell).ok_or_else(&damaged)?;
        let rest = cell.get(used..).unwrap_or_default();
        let (number, used) = varint(rest).ok_or_else(&damaged)?;
        let rest = rest.get(used..).unwrap_or_default();
        let number = number.cast_signed();
        // The tree is sorted, and so nothing is told twice.
        if self.last.is_some_and(|last| number <= last) {
            return Err(malformed(format!("row {number} follows a later one")));
        }
        self.last = Some(number);
        self.left = self.left.checked_sub(length).ok_or_else(&damaged)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= self.most);
        let length = length.ok_or_else(|| malformed(format!("row {number} is too large")))?;
        let local = local(length, self.pages.usable).ok_or_else(&damaged)?;
        self.values.clear();
        self.values.extend_from_slice(part(rest, 0, local).ok_or_else(&damaged)?);
        if local < length {
            self.overflow(be32(rest, local).ok_or_else(&damaged)?, length)?;
        }
        (self.row)(number, &self.values)
    }

    /// The rest of a row, from the chain that begins at page `next`.
    fn overflow(&mut self, mut next: u32, length: usize) -> Result<(), Cause> {
        let room = self.pages.usable.saturating_sub(4);
        while self.values.len() < length {
            let page = self.pages.get(next)?;
            let wanted = (length - self.values.len()).min(room);
            let short = || malformed("a chain of its pages is cut short");
            next = be32(page, 0).ok_or_else(short)?;
            self.values.extend_from_slice(part(page, 4, wanted).ok_or_else(short)?);
        }
        Ok(())
    }
}

/// How much of a row is in the tree's own page (fileformat2.html, 1.6).
fn local(length: usize, usable: usize) -> Option<usize> {
    let most = usable.checked_sub(35)?;
    if length <= most {
        return Some(length);
    }
    let least = (usable.checked_sub(12)? * 32 / 255).checked_sub(23)?;
    let fitting = least + length.checked_sub(least)? % usable.checked_sub(4)?;
    Some(if fitting <= most { fitting } else { least })
}

const LEAF: u8 = 13;
const INTERIOR: u8 = 5;
/// BTCURSOR_MAX_DEPTH.
const MAX_DEPTH: usize = 20;
