//! rpm's database in a hash of Berkeley DB, as Amazon Linux 2 and RHEL 8 have it.
//!
//! `Packages` is read as rpm itself reads it where it is built without Berkeley DB (lib/backend/bdb_ro.c): bucket by bucket,
//! each a chain of pages with keys and values, what is long in a chain of its own. The key is the package's number, in the
//! byte order of the machine that made the file. Neither the environment beside it (`__db.*`) nor its locks are touched.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;

use super::field::{bytes as field, part};
use super::header::MAX_HEADER;
use super::source::{Source, malformed};
use super::{MAX_PACKAGES, Visit, settled};
use crate::host::{Cause, Host, Unreadable};

/// Hands each header to `visit`.
pub(super) fn each(host: &Host, path: &Path, visit: &mut Visit<'_>) -> Result<(), Unreadable> {
    let before = settled::stamp(host, path);
    let source = Source::open(host, path)?;
    let read = Hash::new(source).and_then(|mut hash| hash.packages(visit));
    if settled::stamp(host, path) != before {
        return Err(settled::moved(path));
    }
    read.map_err(|cause| Unreadable::new(path, cause))
}

struct Hash {
    source: Source,
    order: Order,
    page_size: usize,
    last_page: u32,
    last_bucket: u32,
    /// How many pages that are no buckets come before the buckets of each power of two.
    spares: Vec<u32>,
}

/// A key or a value on a page.
enum Item<'a> {
    Here(&'a [u8]),
    Elsewhere { page: u32, length: usize },
}

impl Hash {
    fn new(mut source: Source) -> Result<Self, Cause> {
        let meta = source.bytes(0, META)?.to_vec();
        let order = [Order::Little, Order::Big].into_iter().find(|order| order.u32(&meta, 12) == Some(MAGIC));
        let order = order.ok_or_else(|| malformed("it is no hash of Berkeley DB"))?;
        let number = |at| order.u32(&meta, at).unwrap_or(0);
        // Encryption, and a checksum on each page; rpm uses neither.
        let is_plain = meta.get(24) == Some(&0) && meta.get(26).is_some_and(|flags| flags & 1 == 0);
        if !(8..=10).contains(&number(16)) || !is_plain {
            return Err(Cause::Unsupported("a hash of Berkeley DB of another version".to_owned()));
        }
        let page_size = usize::try_from(number(20)).unwrap_or(0);
        if !(512..=65536).contains(&page_size) || !page_size.is_power_of_two() {
            return Err(malformed("its pages have no size that Berkeley DB knows"));
        }
        let (last_page, last_bucket) = (number(32), number(72));
        let whole = u64::from(last_page).saturating_add(1).saturating_mul(page_size as u64);
        if whole > source.size || last_bucket >= last_page {
            return Err(malformed("it was cut short"));
        }
        let spares = (0..32).map(|spare| number(96 + 4 * spare)).collect();
        Ok(Self { source, order, page_size, last_page, last_bucket, spares })
    }

    fn packages(&mut self, visit: &mut Visit<'_>) -> Result<(), Cause> {
        let mut known = HashSet::new();
        for bucket in 0..=self.last_bucket {
            let mut next = self.first(bucket)?;
            while next != 0 {
                let page = self.page(next)?.to_vec();
                if self.on_page(&page, next, &mut known, visit)?.is_break() {
                    return Ok(());
                }
                next = self.order.u32(&page, 16).unwrap_or(0);
            }
        }
        Ok(())
    }

    /// The page that a bucket begins with.
    fn first(&self, bucket: u32) -> Result<u32, Cause> {
        let power = usize::try_from(u32::BITS - bucket.leading_zeros()).unwrap_or(usize::MAX);
        let page = self.spares.get(power).and_then(|spare| spare.checked_add(bucket));
        page.filter(|page| *page != 0).ok_or_else(|| malformed(format!("its bucket {bucket} begins nowhere")))
    }

    fn page(&mut self, number: u32) -> Result<&[u8], Cause> {
        let (last, order) = (self.last_page, self.order);
        if number == 0 || number > last {
            return Err(malformed(format!("it refers to page {number} of {last}")));
        }
        let at = u64::from(number).saturating_mul(self.page_size as u64);
        let page = self.source.bytes(at, self.page_size)?;
        if order.u32(page, 8) != Some(number) {
            return Err(malformed(format!("page {number} says that it is another")));
        }
        Ok(page)
    }

    fn on_page(
        &mut self,
        page: &[u8],
        number: u32,
        known: &mut HashSet<u32>,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, Cause> {
        let damaged = || malformed(format!("page {number} is damaged"));
        let items = self.order.u16(page, 20).ok_or_else(damaged)?;
        if !matches!(page.get(25), Some(&UNSORTED | &SORTED)) || !items.is_multiple_of(2) {
            return Err(damaged());
        }
        for index in (0..usize::from(items)).step_by(2) {
            // A key longer than a page is no number.
            let Some(Item::Here(key)) = self.item(page, index) else { return Err(damaged()) };
            let package = self.order.u32(key, 0).filter(|_| key.len() == 4).ok_or_else(damaged)?;
            // Not a package: the last number that was given to one.
            if package == 0 {
                continue;
            }
            if !known.insert(package) {
                return Err(malformed(format!("package {package} is there twice")));
            }
            if known.len() > MAX_PACKAGES {
                return Err(Cause::TooMany { limit: MAX_PACKAGES });
            }
            let flow = match self.item(page, index + 1).ok_or_else(damaged)? {
                Item::Here(header) => visit(header)?,
                Item::Elsewhere { page, length } => visit(&self.chain(page, length)?)?,
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Items follow each other from the end of the page to its beginning.
    fn item<'a>(&self, page: &'a [u8], index: usize) -> Option<Item<'a>> {
        let offset = |index: usize| self.order.u16(page, PAGE_HEADER + 2 * index).map(usize::from);
        let start = offset(index)?;
        let end = index.checked_sub(1).map_or(Some(page.len()), offset)?;
        let (kind, value) = page.get(start..end)?.split_first()?;
        match *kind {
            HERE => Some(Item::Here(value)),
            ELSEWHERE if value.len() == 11 => Some(Item::Elsewhere {
                page: self.order.u32(value, 3)?,
                length: usize::try_from(self.order.u32(value, 7)?).ok()?,
            }),
            // Several values of one key, which rpm does not store here.
            _ => None,
        }
    }

    /// A long value, from the chain that begins at page `next`.
    fn chain(&mut self, mut next: u32, length: usize) -> Result<Vec<u8>, Cause> {
        if length > MAX_HEADER || length as u64 > self.source.size {
            return Err(malformed("a header is too large"));
        }
        let order = self.order;
        let mut value = Vec::with_capacity(length);
        while value.len() < length {
            let page = self.page(next)?;
            let damaged = || malformed("a chain of its pages is damaged");
            let here = order.u16(page, 22).map(usize::from).filter(|here| *here > 0);
            let here = here.and_then(|here| part(page, PAGE_HEADER, here)).ok_or_else(damaged)?;
            if page.get(25) != Some(&OVERFLOW) || here.len() > length - value.len() {
                return Err(damaged());
            }
            value.extend_from_slice(here);
            next = order.u32(page, 16).ok_or_else(damaged)?;
        }
        Ok(value)
    }
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, from: &[u8], at: usize) -> Option<u16> {
        let bytes = field(from, at)?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    fn u32(self, from: &[u8], at: usize) -> Option<u32> {
        let bytes = field(from, at)?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }
}

const MAGIC: u32 = 0x0006_1561;
const META: usize = 512;
const PAGE_HEADER: usize = 26;
/// P_HASH_UNSORTED, P_HASH and P_OVERFLOW.
const UNSORTED: u8 = 2;
const SORTED: u8 = 13;
const OVERFLOW: u8 = 7;
/// H_KEYDATA and H_OFFPAGE.
const HERE: u8 = 1;
const ELSEWHERE: u8 = 3;
