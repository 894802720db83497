//! apt.conf(5): nested blocks, three kinds of comments, lists, `#clear` and `#include`, as apt itself reads them.
//!
//! The oracle is `apt-config dump`. What apt refuses is refused here too, because a configuration that apt does
//! not accept updates nothing.

mod words;

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::{Cause, Host, Unreadable};
use words::{quote_word, string_words};

/// apt's configuration, as a tree of names without case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AptConf {
    root: Item,
    /// How much has been read: a small file that is included often enough is a large one.
    bytes: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Item {
    tag: Vec<u8>,
    value: Vec<u8>,
    /// Where the value is written: file and line.
    written: Option<(PathBuf, usize)>,
    children: Vec<Self>,
}

impl AptConf {
    /// What apt would read below this root: `apt.conf.d` in order, then `apt.conf`, which therefore wins.
    pub fn of(host: &Host) -> Result<Self, Unreadable> {
        let mut conf = Self::default();
        conf.read_directory(host, Path::new(PARTS), 0)?;
        match conf.read_file(host, Path::new(MAIN), 0) {
            Err(cause) if cause.is_absent() && cause.path == Path::new(MAIN) => {}
            done => done?,
        }
        Ok(conf)
    }

    /// The value of an item, empty if it has none.
    pub fn value(&self, name: &str) -> &[u8] {
        self.item(name).map_or(b"", |item| &item.value)
    }

    /// The file and the line that give an item its value.
    pub fn written(&self, name: &str) -> Option<(&Path, usize)> {
        self.item(name)?.written.as_ref().map(|(file, line)| (file.as_path(), *line))
    }

    /// The values of a list, `Name { "a"; "b"; }`.
    pub fn list(&self, name: &str) -> Vec<&[u8]> {
        self.item(name).map_or_else(Vec::new, |item| item.children.iter().map(|item| &*item.value).collect())
    }

    fn item(&self, name: &str) -> Option<&Item> {
        let tags = tags_of(name.as_bytes());
        tags.iter().try_fold(&self.root, |item, tag| {
            item.children.iter().find(|child| !tag.is_empty() && child.tag.eq_ignore_ascii_case(tag))
        })
    }

    /// Every item with its full name, in apt's order.
    pub fn items(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut items = Vec::new();
        for child in &self.root.children {
            child.collect(&child.tag, &mut items);
        }
        items
    }

    /// Lays the configuration in `text` over this one. Nothing is included: there is no host to read from.
    pub fn merge(&mut self, file: &Path, text: &[u8]) -> Result<(), Unreadable> {
        let mut include =
            |_: &mut Self, _: &Path| Err(Unreadable::new(file, Cause::Unsupported(NO_HOST.to_owned())));
        Parser::new(self, file, &mut include).text(text)
    }

    fn read_file(&mut self, host: &Host, path: &Path, depth: u32) -> Result<(), Unreadable> {
        let text = host.read(path, MAX_BYTES.saturating_sub(self.bytes))?;
        self.bytes += text.len() as u64 + COST_OF_A_FILE;
        let mut include = |conf: &mut Self, wanted: &Path| {
            if depth >= MAX_DEPTH {
                return Err(Unreadable::malformed(path, 0, "too many nested includes"));
            }
            if wanted.as_os_str().as_encoded_bytes().ends_with(b"/") {
                conf.read_directory(host, wanted, depth + 1)
            } else {
                conf.read_file(host, wanted, depth + 1)
            }
        };
        Parser::new(self, path, &mut include).text(&text)
    }

    fn read_directory(&mut self, host: &Host, folder: &Path, depth: u32) -> Result<(), Unreadable> {
        parts(host, folder, &["conf"], true)?.iter().try_for_each(|path| self.read_file(host, path, depth))
    }

    fn set(&mut self, name: &[u8], value: Vec<u8>, written: (PathBuf, usize)) {
        let mut item = &mut self.root;
        for tag in tags_of(name) {
            item = item.child(tag);
        }
        item.value = value;
        item.written = Some(written);
    }

    fn clear(&mut self, name: &[u8]) {
        let mut item = &mut self.root;
        for tag in tags_of(name) {
            let place = item.place(tag);
            let Some(at) = place else { return };
            item = &mut item.children[at];
        }
        item.value.clear();
        item.written = None;
        item.children.clear();
    }
}

impl Item {
    fn place(&self, tag: &[u8]) -> Option<usize> {
        if tag.is_empty() {
            return None;
        }
        self.children.iter().position(|child| child.tag.eq_ignore_ascii_case(tag))
    }

    /// The child of that name; a name that is empty makes a new element of a list.
    fn child(&mut self, tag: &[u8]) -> &mut Self {
        let at = self.place(tag).unwrap_or_else(|| {
            self.children.push(Self { tag: tag.to_vec(), ..Self::default() });
            self.children.len() - 1
        });
        &mut self.children[at]
    }

    fn collect(&self, name: &[u8], items: &mut Vec<(Vec<u8>, Vec<u8>)>) {
        items.push((name.to_vec(), self.value.clone()));
        for child in &self.children {
            child.collect(&[name, b"::", &child.tag].concat(), items);
        }
    }
}

/// The parts of `A::B::C`; a `::` at the end leaves an empty one, which names a new element of a list.
fn tags_of(name: &[u8]) -> Vec<&[u8]> {
    let mut tags = Vec::new();
    let (mut start, mut at) = (0, 0);
    while name.len().saturating_sub(at) >= 2 {
        if &name[at..at + 2] == b"::" {
            tags.push(&name[start..at]);
            start = at + 2;
            // apt steps over the first byte of a part too.
            at += 2;
        }
        at += 1;
    }
    tags.push(&name[start..]);
    tags
}

/// The files of one of apt's directories that apt would read, in its order; an absent directory has none.
///
/// Their names are plain, as run-parts(8) wants them, and end in one of `extensions`, or in nothing where
/// `also_without` says so. apt leaves directories and dangling links alone.
pub(super) fn parts(
    host: &Host,
    directory: &Path,
    extensions: &[&str],
    also_without: bool,
) -> Result<Vec<PathBuf>, Unreadable> {
    let names = match host.list(directory, MAX_PARTS) {
        Err(cause) if cause.is_absent() => return Ok(Vec::new()),
        names => names?,
    };
    let mut found = Vec::new();
    for name in names.iter().filter(|name| is_part(name.as_bytes(), extensions, also_without)) {
        let path = directory.join(name);
        match host.stat(&path) {
            Ok(meta) if meta.is_directory() => {}
            Err(cause) if cause.is_absent() => {}
            Err(cause) => return Err(cause),
            Ok(_) => found.push(path),
        }
    }
    Ok(found)
}

fn is_part(name: &[u8], extensions: &[&str], also_without: bool) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    let is_wanted = match name.iter().rposition(|&byte| byte == b'.') {
        Some(dot) => extensions.iter().any(|extension| extension.as_bytes() == &name[dot + 1..]),
        None => also_without,
    };
    is_wanted && !name.starts_with(b".") && name.iter().all(is_plain)
}

type Include<'a> = dyn FnMut(&mut AptConf, &Path) -> Result<(), Unreadable> + 'a;

/// The state between two lines of a file.
struct Parser<'a> {
    conf: &'a mut AptConf,
    file: &'a Path,
    include: &'a mut Include<'a>,
    line: usize,
    in_comment: bool,
    /// What has been read of the statement that is not yet closed.
    pending: Vec<u8>,
    parent: Vec<u8>,
    parents: Vec<Vec<u8>>,
}

impl<'a> Parser<'a> {
    fn new(conf: &'a mut AptConf, file: &'a Path, include: &'a mut Include<'a>) -> Self {
        let (pending, parent, parents) = (Vec::new(), Vec::new(), Vec::new());
        Self { conf, file, include, line: 0, in_comment: false, pending, parent, parents }
    }

    fn text(mut self, text: &[u8]) -> Result<(), Unreadable> {
        for line in text.split(|&byte| byte == b'\n') {
            self.line += 1;
            let line: Vec<u8> = line.iter().map(|&byte| if byte == b'\t' { b' ' } else { byte }).collect();
            let content = words::without_comments(line.trim_ascii(), &mut self.in_comment);
            self.content(&content)?;
        }
        if self.pending.is_empty() { Ok(()) } else { Err(self.malformed("extra junk at the end")) }
    }

    fn content(&mut self, content: &[u8]) -> Result<(), Unreadable> {
        let (mut start, mut in_quotes) = (0, false);
        for (at, &byte) in content.iter().enumerate() {
            in_quotes ^= byte == b'"';
            if !in_quotes && matches!(byte, b'{' | b';' | b'}') {
                self.append(&content[start..at]);
                start = at + 1;
                self.close(byte)?;
            }
        }
        self.append(&content[start..]);
        Ok(())
    }

    fn append(&mut self, fragment: &[u8]) {
        let fragment = fragment.trim_ascii();
        if !fragment.is_empty() && !self.pending.is_empty() {
            self.pending.push(b' ');
        }
        self.pending.extend_from_slice(fragment);
    }

    /// A `{`, `;` or `}` ends what is pending.
    fn close(&mut self, end: u8) -> Result<(), Unreadable> {
        let statement = std::mem::take(&mut self.pending);
        if statement.is_empty() {
            return match end {
                b'{' => Err(self.malformed("a block without a name")),
                b'}' => {
                    self.leave_block();
                    Ok(())
                }
                _ => Ok(()),
            };
        }
        let (mut tag, rest) = quote_word(&statement).ok_or_else(|| self.malformed("a malformed tag"))?;
        let mut value = None;
        match string_words(rest).map(|word| (word, &rest[rest.len()..])).or_else(|| quote_word(rest)) {
            Some((word, b"")) => value = Some(word),
            Some(_) => return Err(self.malformed("extra junk after the value")),
            None if !rest.is_empty() => return Err(self.malformed("extra junk after the value")),
            None if end != b'{' => value = Some(std::mem::take(&mut tag)),
            None => {}
        }
        if end == b'{' {
            if self.parents.len() == MAX_TAGS {
                return Err(self.malformed("blocks within blocks without end"));
            }
            self.enter_block(&tag);
            tag.clear();
        }
        self.apply(&tag, value, end)?;
        if end == b'}' {
            self.leave_block();
        }
        Ok(())
    }

    fn apply(&mut self, tag: &[u8], value: Option<Vec<u8>>, end: u8) -> Result<(), Unreadable> {
        if let Some(directive) = tag.strip_prefix(b"#") {
            return self.direct(directive, value.unwrap_or_default());
        }
        let Some(value) = value else { return Ok(()) };
        let item = match (self.parent.as_slice(), tag, end) {
            (b"", tag, _) => tag.to_vec(),
            (parent, b"", b'{') => parent.to_vec(),
            (parent, tag, _) => [parent, b"::", tag].concat(),
        };
        if tag.is_empty() && value == b"#clear" {
            return Err(self.malformed("#clear does not say what"));
        }
        // A name is a way down the tree, and the tree is walked by recursion.
        if tags_of(&item).len() > MAX_TAGS {
            return Err(self.malformed("a name of too many parts"));
        }
        self.conf.set(&item, value, (self.file.to_owned(), self.line));
        Ok(())
    }

    fn direct(&mut self, directive: &[u8], word: Vec<u8>) -> Result<(), Unreadable> {
        if !self.parent.is_empty() {
            return Err(self.malformed("a directive inside a block"));
        }
        match directive {
            b"clear" if word.is_empty() => return Err(self.malformed("#clear does not say what")),
            b"clear" => self.conf.clear(&word),
            b"include" => {
                (self.include)(self.conf, Path::new(std::ffi::OsStr::from_bytes(&word)))?;
            }
            // Describes options, sets none.
            b"x-apt-configure-index" => {}
            _ => return Err(self.malformed("a directive that apt does not know")),
        }
        Ok(())
    }

    fn enter_block(&mut self, tag: &[u8]) {
        self.parents.push(self.parent.clone());
        if !self.parent.is_empty() {
            self.parent.extend_from_slice(b"::");
        }
        self.parent.extend_from_slice(tag);
    }

    fn leave_block(&mut self) {
        self.parent = self.parents.pop().unwrap_or_default();
    }

    fn malformed(&self, what: &str) -> Unreadable {
        Unreadable::malformed(self.file, self.line, what)
    }
}

const MAIN: &str = "/etc/apt/apt.conf";
const PARTS: &str = "/etc/apt/apt.conf.d";
const NO_HOST: &str = "an #include without a host to read it from";
/// As apt's own bound.
const MAX_DEPTH: u32 = 10;
const MAX_PARTS: usize = 10_000;
/// Real names have four parts, and real blocks are three deep.
const MAX_TAGS: usize = 64;
/// All files together; real ones have some thousand bytes.
const MAX_BYTES: u64 = 1024 * 1024;
/// So that empty files come to an end, too.
const COST_OF_A_FILE: u64 = 256;
