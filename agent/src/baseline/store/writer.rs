//! Writes the file of a version from entries that come in order.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Write as _};

use sha2::{Digest as _, Sha256};

use super::Entry;
use super::base::{About, MAGIC, Trailer, push_history};
use super::block::Builder;
use super::digest::Tree;
use super::header::Accepted;
use super::index::Index;
use super::packages::Interner;
use super::section;
use crate::host::object::order;

#[derive(Debug)]
pub(super) struct Writer {
    file: File,
    hash: Sha256,
    at: u64,
    buffer: Vec<u8>,
    block: Builder,
    index: Index,
    packages: Interner,
    tree: Tree,
    count: u32,
    last: Option<(Vec<u8>, Vec<u8>)>,
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) digest: [u8; 32],
    pub(super) root: [u8; 32],
}

impl Writer {
    pub(super) fn begin(file: File, about: &About) -> io::Result<Self> {
        let mut writer = Self {
            file,
            hash: Sha256::new(),
            at: 0,
            buffer: Vec::with_capacity(BUFFER),
            block: Builder::default(),
            index: Index::default(),
            packages: Interner::default(),
            tree: Tree::new(),
            count: 0,
            last: None,
        };
        writer.put(&MAGIC)?;
        let mut bytes = Vec::new();
        about.push(&mut bytes);
        writer.put_section(&bytes)?;
        Ok(writer)
    }

    pub(super) fn push(&mut self, directory: &[u8], name: &[u8], entry: &Entry) -> io::Result<()> {
        let before = self.last.as_ref().map(|(directory, name)| (&directory[..], &name[..]));
        if before.is_some_and(|before| order(before, (directory, name)) != Ordering::Less) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "an entry comes twice, or out of order"));
        }
        if self.count == u32::MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "more entries than a baseline can have"));
        }
        if self.block.is_empty() {
            self.index.add(directory, name, self.at, self.count);
        }
        self.block.push(directory, name, entry, &mut self.packages);
        self.tree.push(directory, name, entry);
        self.count += 1;
        let (last, last_name) = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(directory);
        last_name.clear();
        last_name.extend_from_slice(name);
        if self.block.is_full() { self.end_block() } else { Ok(()) }
    }

    /// On the disk when it returns, but for its name.
    pub(super) fn finish(mut self, history: &[Accepted]) -> io::Result<Written> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let mut bytes = Vec::new();
        let packages = self.at;
        self.packages.push(&mut bytes);
        self.put_section(&bytes)?;
        let begins = self.at;
        bytes.clear();
        push_history(&mut bytes, history);
        self.put_section(&bytes)?;
        let index = self.at;
        bytes.clear();
        self.index.push(&mut bytes);
        self.put_section(&bytes)?;
        let (root, _) = self.tree.finish();
        let trailer = Trailer { packages, history: begins, index, count: self.count.into(), root };
        let hashed = trailer.hashed();
        self.hash.update(&hashed);
        let digest: [u8; 32] = self.hash.finalize().into();
        self.buffer.extend_from_slice(&hashed);
        self.buffer.extend_from_slice(&Trailer::sealed(&hashed, &digest));
        self.file.write_all(&self.buffer)?;
        self.file.sync_all()?;
        Ok(Written { digest, root })
    }

    fn end_block(&mut self) -> io::Result<()> {
        let groups = self.block.finish();
        self.put_section(&groups)
    }

    fn put_section(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut section = Vec::with_capacity(section::HEAD + bytes.len());
        section::push(&mut section, bytes);
        self.put(&section)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.at += bytes.len() as u64;
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER {
            self.file.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

const BUFFER: usize = 256 * 1024;
