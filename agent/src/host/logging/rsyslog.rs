//! What rsyslog does with messages, as far as one must know: whether it writes them to files, and whether it sends
//! them away. Both of its languages are recognised; what is not understood is not guessed at.

use std::path::{Path, PathBuf};

use crate::host::{Host, Unreadable, glob};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rsyslog {
    /// The first line that writes to a file.
    pub to_file: Option<(PathBuf, usize)>,
    /// The first line that sends to another host.
    pub to_host: Option<(PathBuf, usize)>,
    files: usize,
}

/// What one line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    ToFile,
    ToHost,
    Include(String),
    Other,
}

impl Rsyslog {
    pub(super) fn of(host: &Host, main: &Path) -> Result<Self, Unreadable> {
        let mut rsyslog = Self::default();
        rsyslog.read(host, main, 0)?;
        Ok(rsyslog)
    }

    fn read(&mut self, host: &Host, path: &Path, depth: usize) -> Result<(), Unreadable> {
        self.files += 1;
        if depth > MAX_DEPTH || self.files > MAX_FILES {
            return Err(Unreadable::malformed(path, 0, "includes too much"));
        }
        for (number, line) in lines(&host.read(path, MAX_FILE)?) {
            match line {
                Line::ToFile => drop(self.to_file.get_or_insert_with(|| (path.to_owned(), number))),
                Line::ToHost => drop(self.to_host.get_or_insert_with(|| (path.to_owned(), number))),
                Line::Include(pattern) => {
                    for file in glob::expand(host, pattern.as_bytes())? {
                        // A directory may be named, too; its files are then named by nobody else.
                        if !host.stat(&file)?.is_directory() {
                            self.read(host, &file, depth + 1)?;
                        }
                    }
                }
                Line::Other => {}
            }
        }
        Ok(())
    }
}

/// What each line of a file is about.
pub fn lines(bytes: &[u8]) -> Vec<(usize, Line)> {
    let mut is_remark = false;
    let mut found = Vec::new();
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let text = String::from_utf8_lossy(line);
        let text = text.split('#').next().unwrap_or_default().trim();
        // RainerScript has remarks over several lines.
        is_remark |= text.starts_with("/*");
        if !is_remark && !text.is_empty() {
            found.push((index + 1, line_of(text)));
        }
        is_remark &= !text.ends_with("*/");
    }
    found
}

fn line_of(text: &str) -> Line {
    let squeezed: String =
        text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    if let Some(pattern) = text.strip_prefix("$IncludeConfig") {
        return Line::Include(pattern.trim().to_owned());
    }
    if squeezed.starts_with("include(") {
        let from = text.split_once("file").and_then(|(_, rest)| rest.split('"').nth(1));
        return from.map_or(Line::Other, |pattern| Line::Include(pattern.to_owned()));
    }
    if squeezed.contains("action(") {
        let has = |kind: &str| squeezed.contains(&format!("type=\"{kind}\""));
        return match (has("omfile"), has("omfwd") || has("omrelp") || has("omkafka") || has("omhttp")) {
            (_, true) => Line::ToHost,
            (true, _) => Line::ToFile,
            _ => Line::Other,
        };
    }
    legacy(text)
}

/// `auth,authpriv.*  /var/log/auth.log` and `*.* @@192.0.2.1:514`.
fn legacy(text: &str) -> Line {
    let mut words = text.split_ascii_whitespace();
    let (Some(selector), Some(action)) = (words.next(), words.next()) else { return Line::Other };
    let is_selector = selector.contains('.') && !selector.starts_with(['$', '(', '{', ':']);
    match action.as_bytes() {
        _ if !is_selector => Line::Other,
        [b'@', ..] => Line::ToHost,
        [b'/', ..] | [b'-', b'/', ..] if !action.contains("/dev/") => Line::ToFile,
        _ if action.starts_with(":omrelp:") => Line::ToHost,
        _ => Line::Other,
    }
}

pub(super) const MAIN: &str = "/etc/rsyslog.conf";
const MAX_DEPTH: usize = 10;
const MAX_FILES: usize = 500;
const MAX_FILE: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(line: &str, expected: Line) {
        assert_eq!(lines(line.as_bytes()), [(1, expected)], "{line}");
    }

    #[test]
    fn both_languages_write_files_and_send() {
        check("auth,authpriv.*\t\t\t/var/log/auth.log", Line::ToFile);
        check("*.*;auth,authpriv.none  -/var/log/syslog", Line::ToFile);
        check("*.* @@logs.example:514", Line::ToHost);
        check("action(type=\"omfwd\" target=\"logs.example\")", Line::ToHost);
        check("if $x then action( type = \"omfile\" file=\"/var/log/x\")", Line::ToFile);
        check("$IncludeConfig /etc/rsyslog.d/*.conf", Line::Include("/etc/rsyslog.d/*.conf".into()));
        check(
            "include(file=\"/etc/rsyslog.d/*.conf\" mode=\"optional\")",
            Line::Include("/etc/rsyslog.d/*.conf".into()),
        );
        check("*.emerg :omusrmsg:*", Line::Other);
        check("module(load=\"imuxsock\")", Line::Other);
        check("$FileOwner root", Line::Other);
        assert!(lines(b"#*.* @x\n/* a\n*.* @y\n*/\n").is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "(action|type=|\"|omfile|\\(|\\.| |/|@|\\*|#){0,20}") {
            let _ = (lines(&bytes), lines(text.as_bytes()));
        }
    }
}
