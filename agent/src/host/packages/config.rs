//! apt.conf(5), for the handful of settings that decide which update apt would choose.
//!
//! A setting that moves apt's files elsewhere is refused, because an answer from the wrong files is worse than none.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::host::{Cause, Host, Unreadable};

/// apt's settings in the order in which apt reads them.
#[derive(Debug, Clone, Default)]
pub(super) struct Config {
    /// Names in lower case, as apt compares them; an entry of a list has its list's name.
    entries: Vec<(String, String)>,
}

impl Config {
    pub(super) fn of(host: &Host) -> Result<Self, Unreadable> {
        let mut config = Self::default();
        let mut files = parts(host, "/etc/apt/apt.conf.d", &["conf"], true)?;
        if host.exists("/etc/apt/apt.conf")? {
            files.push(PathBuf::from("/etc/apt/apt.conf"));
        }
        for file in files {
            let bytes = host.read(&file, MAX_CONFIG)?;
            config.read(&bytes, &file)?;
        }
        config.refuse_what_moves_files()?;
        Ok(config)
    }

    /// The last value of a setting.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.entries.iter().rev().find(|(entry, _)| entry == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a list.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.entries.iter().filter(move |(entry, _)| entry == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| {
            ["yes", "true", "with", "on", "enable", "1"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
        })
    }

    fn read(&mut self, bytes: &[u8], file: &Path) -> Result<(), Unreadable> {
        let text = String::from_utf8_lossy(bytes);
        let mut prefixes: Vec<String> = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        for token in Tokens::of(&text) {
            let (line, token) =
                token.map_err(|line| Unreadable::malformed(file, line, "an open quotation"))?;
            match token {
                Token::Word(word) => words.push(word),
                Token::Open => {
                    if prefixes.len() == MAX_DEPTH {
                        return Err(Unreadable::malformed(file, line, "blocks within blocks without end"));
                    }
                    let name = words.first().map_or("", |word| word.text.as_str());
                    prefixes.push(join(prefixes.last(), name));
                    // `Name "value" { … }` sets the value as well.
                    self.put(prefixes.last(), words.get(1));
                    words.clear();
                }
                Token::Close => {
                    self.statement(prefixes.last(), &words, file, line)?;
                    words.clear();
                    if prefixes.pop().is_none() {
                        return Err(Unreadable::malformed(file, line, "a brace that closes nothing"));
                    }
                }
                Token::End => {
                    self.statement(prefixes.last(), &words, file, line)?;
                    words.clear();
                }
            }
        }
        let lines = text.lines().count();
        if !prefixes.is_empty() {
            return Err(Unreadable::malformed(file, lines, "a block that does not end"));
        }
        self.statement(None, &words, file, lines)
    }

    fn statement(
        &mut self,
        prefix: Option<&String>,
        words: &[Word],
        file: &Path,
        line: usize,
    ) -> Result<(), Unreadable> {
        match words {
            [] => {}
            [name, ..] if !name.is_quoted && name.text.eq_ignore_ascii_case("#clear") => {
                for word in &words[1..] {
                    let gone = join(prefix, &word.text);
                    let below = format!("{gone}::");
                    self.entries.retain(|(entry, _)| *entry != gone && !entry.starts_with(&below));
                }
            }
            [name, ..] if !name.is_quoted && name.text.eq_ignore_ascii_case("#include") => {
                let what = format!("line {line} includes another file, which guestward does not follow yet");
                return Err(Unreadable::new(file, Cause::Unsupported(what)));
            }
            // An entry of the list that the block is.
            [value] if value.is_quoted => self.put(prefix, Some(value)),
            [_] => {}
            [name, value, ..] => self.put(Some(&join(prefix, &name.text)), Some(value)),
        }
        Ok(())
    }

    fn put(&mut self, name: Option<&String>, value: Option<&Word>) {
        if let (Some(name), Some(value)) = (name, value) {
            self.entries.push((name.clone(), value.text.clone()));
        }
    }

    fn refuse_what_moves_files(&self) -> Result<(), Unreadable> {
        let moved = self.entries.iter().find(|(name, _)| {
            (name == "dir" || name == "rootdir" || name.starts_with("dir::"))
                && !HARMLESS.iter().any(|harmless| name.starts_with(harmless))
        });
        match moved {
            Some((name, value)) => Err(Unreadable::new(
                "/etc/apt/apt.conf",
                Cause::Unsupported(format!(
                    "{name} is set to \"{value}\", so apt's files are not where they usually are"
                )),
            )),
            None => Ok(()),
        }
    }
}

/// `A` and `B` are `a::b`; `A::` and nothing is the list `a`.
fn join(prefix: Option<&String>, name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let name = name.trim_matches(':');
    match prefix {
        Some(prefix) if name.is_empty() => prefix.clone(),
        Some(prefix) if !prefix.is_empty() => format!("{prefix}::{name}"),
        _ => name.to_owned(),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    text: String,
    is_quoted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(Word),
    Open,
    Close,
    End,
}

struct Tokens<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Tokens<'a> {
    fn of(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// Blanks and remarks: `//` and `#` to the end of the line, `/* … */`. `#clear` and `#include` are none.
    fn skip(&mut self) {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.take(blank);
            if self.rest.starts_with("//") || (self.rest.starts_with('#') && !is_directive(self.rest)) {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.take(self.rest.find("*/").map_or(self.rest.len(), |at| at + 2));
            } else {
                return;
            }
        }
    }
}

fn is_directive(text: &str) -> bool {
    ["#clear", "#include"]
        .iter()
        .any(|word| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)))
}

impl Iterator for Tokens<'_> {
    /// An error is the line of a quotation that does not end.
    type Item = Result<(usize, Token), usize>;

    fn next(&mut self) -> Option<Self::Item> {
        self.skip();
        let line = self.line;
        let token = match self.rest.chars().next()? {
            '{' => Token::Open,
            '}' => Token::Close,
            ';' => Token::End,
            '"' => {
                let Some(end) = self.rest[1..].find('"') else {
                    self.rest = "";
                    return Some(Err(line));
                };
                let text = self.take(end + 2);
                let text = text[1..=end].to_owned();
                return Some(Ok((line, Token::Word(Word { text, is_quoted: true }))));
            }
            _ => {
                let is_end = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ';' | '"');
                let text = self.take(self.rest.find(is_end).unwrap_or(self.rest.len())).to_owned();
                return Some(Ok((line, Token::Word(Word { text, is_quoted: false }))));
            }
        };
        self.take(1);
        Some(Ok((line, token)))
    }
}

/// The files of one of apt's directories that apt would read, in its order. An absent directory has none.
pub(super) fn parts(
    host: &Host,
    directory: &str,
    extensions: &[&str],
    also_without: bool,
) -> Result<Vec<PathBuf>, Unreadable> {
    let names = match host.list(directory, MAX_FILES) {
        Err(cause) if cause.is_absent() => return Ok(Vec::new()),
        names => names?,
    };
    let mut found = Vec::new();
    for name in names {
        let bytes = name.as_bytes();
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
        let is_wanted = match bytes.iter().rposition(|&byte| byte == b'.') {
            Some(dot) => extensions.iter().any(|extension| extension.as_bytes() == &bytes[dot + 1..]),
            None => also_without,
        };
        if bytes.starts_with(b".") || !bytes.iter().all(is_plain) || !is_wanted {
            continue;
        }
        let path = Path::new(directory).join(&name);
        // apt leaves directories and dangling links alone.
        match host.stat(&path) {
            Ok(meta) if meta.is_directory() => {}
            Err(cause) if cause.is_absent() => {}
            Err(cause) => return Err(cause),
            Ok(_) => found.push(path),
        }
    }
    Ok(found)
}

const MAX_CONFIG: u64 = 1024 * 1024;
const MAX_FILES: usize = 4096;
const MAX_DEPTH: usize = 64;
/// Settings below `Dir` that move no file that is read here.
const HARMLESS: [&str; 6] =
    ["dir::cache", "dir::log", "dir::bin", "dir::media", "dir::ignore-files-silently", "dir::etc::trusted"];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn config(text: &str) -> Config {
        let mut config = Config::default();
        config.read(text.as_bytes(), Path::new("x")).unwrap();
        config
    }

    #[test]
    fn blocks_lists_and_remarks_are_understood() {
        let config = config(
            "// remark\nAPT { Default-Release \"stable\"; /* more\n */ Architectures { \"amd64\"; \"i386\"; }; };\n\
             # remark \"\nAcquire::http::Proxy \"http://proxy:3128\";\nx::List:: \"a\";\nx::list:: \"b\";\n",
        );
        assert_eq!(config.value("apt::default-release"), Some("stable"));
        assert_eq!(config.values("apt::architectures").collect::<Vec<_>>(), ["amd64", "i386"]);
        assert_eq!(config.value("acquire::http::proxy"), Some("http://proxy:3128"));
        assert_eq!(config.values("x::list").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn the_last_value_stands_and_clear_takes_it_away() {
        assert_eq!(config("A::B \"1\"; A::B \"2\";").value("a::b"), Some("2"));
        assert_eq!(config("A::B \"1\"; #clear A;").value("a::b"), None);
    }

    #[test]
    fn a_setting_that_moves_files_is_refused() {
        assert!(config("Dir::State::Lists \"/elsewhere\";").refuse_what_moves_files().is_err());
        assert!(config("Dir::Cache::pkgcache \"\";").refuse_what_moves_files().is_ok());
    }

    #[test]
    fn an_open_quotation_or_block_is_an_error() {
        for text in ["A \"b;\n", "A { B \"c\";\n", "A \"b\"; };\n"] {
            assert!(Config::default().read(text.as_bytes(), Path::new("x")).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_those_that_apt_reads() {
        let text = "A \"a//b\"; # c\nB \"b\" { C \"c\"; };\n/* D \"no\"; */ D { \"d\"; E \"e\" };\n\
                    F 1; G 2;\n#clear G;\nH unquoted;\nI::J \"1\"; i::j \"2\";\nK { L { M \"m\"; }; N \"n\"; };\n";
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("apt.conf");
        std::fs::write(&file, text).unwrap();
        let config = config(text);
        for name in ["A", "B", "B::C", "D::E", "F", "G", "H", "I::J", "K::L::M", "K::N"] {
            let output = std::process::Command::new("apt-config")
                .args(["shell", "VALUE", name])
                .env("APT_CONFIG", &file)
                .output()
                .unwrap();
            let theirs = String::from_utf8(output.stdout).unwrap();
            let theirs =
                theirs.trim().strip_prefix("VALUE=").map(|value| value.trim_matches('\'').to_owned());
            let theirs = theirs.filter(|value| !value.is_empty());
            assert_eq!(config.value(&name.to_ascii_lowercase()).map(str::to_owned), theirs, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_stop_it(bytes in proptest::collection::vec(prop_oneof![
            Just(b'{'), Just(b'}'), Just(b';'), Just(b'"'), Just(b'/'), Just(b'*'), Just(b'#'), any::<u8>()], 0..200))
        {
            let _ = Config::default().read(&bytes, Path::new("x"));
        }
    }
}
