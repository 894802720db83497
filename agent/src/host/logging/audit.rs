//! The rules of the Linux audit system, as auditctl(8) reads them from `/etc/audit`.

use std::path::{Path, PathBuf};

use crate::host::glob;
use crate::host::{Host, Unreadable};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    pub rules: Vec<Rule>,
    /// The last `-e`: 0 is off, 1 on, 2 on until the next start of the machine.
    pub enabled: Option<(u32, PathBuf, usize)>,
}

/// One rule about system calls (`-a`, `-A`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub list: String,
    pub is_always: bool,
    /// Names or numbers; empty means all of them.
    pub syscalls: Vec<String>,
    /// `arch=b64`, `auid>=1000`: what limits it.
    pub fields: Vec<String>,
    pub path: PathBuf,
    pub line: usize,
}

impl Rules {
    /// augenrules(8) makes audit.rules of the directory whenever auditd starts; without one, audit.rules counts.
    pub(super) fn of(host: &Host) -> Result<Self, Unreadable> {
        let paths = glob::expand(host, b"/etc/audit/rules.d/*.rules")?;
        let mut rules = Self::default();
        for path in &paths {
            // It puts one -D in front of all, wherever it found one.
            rules.add(path, &host.read(path, MAX_FILE)?, false)?;
        }
        if paths.is_empty() {
            rules.take(Path::new(LOADED), &host.read(LOADED, MAX_FILE)?)?;
        }
        Ok(rules)
    }

    /// Takes in the rules of one file.
    pub fn take(&mut self, path: &Path, bytes: &[u8]) -> Result<(), Unreadable> {
        self.add(path, bytes, true)
    }

    fn add(&mut self, path: &Path, bytes: &[u8], clears: bool) -> Result<(), Unreadable> {
        for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let number = index + 1;
            let text = String::from_utf8_lossy(line);
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            let bad = |what: &str| Unreadable::malformed(path, number, what);
            match words[0] {
                "-D" if clears => self.rules.clear(),
                "-e" => {
                    let value = words.get(1).and_then(|word| word.parse().ok());
                    let value = value.filter(|value| *value <= 2).ok_or_else(|| bad("-e wants 0, 1 or 2"))?;
                    self.enabled = Some((value, path.to_owned(), number));
                }
                "-a" | "-A" => {
                    let rule = Rule::of(&words, path, number).ok_or_else(|| bad("not an audit rule"))?;
                    // -A puts it in front.
                    let at = if words[0] == "-A" { 0 } else { self.rules.len() };
                    self.rules.insert(at, rule);
                }
                // Watches, sizes, rates: nothing that is asked here.
                word if word.starts_with('-') => {}
                _ => return Err(bad("not an option of auditctl")),
            }
            if self.rules.len() > MAX_RULES {
                return Err(bad("more rules than the kernel would be given"));
            }
        }
        Ok(())
    }

    /// Whether something keeps every system call from being recorded.
    pub fn silenced(&self) -> Option<&Rule> {
        self.rules.iter().find(|rule| !rule.is_always && rule.list == "task" && rule.fields.is_empty())
    }

    /// The rule that records programs being started.
    pub fn execution(&self) -> Option<&Rule> {
        self.rules.iter().find(|rule| {
            let is_exec = |call: &String| call == "execve" || call == "execveat" || call == "all";
            rule.is_always && rule.list == "exit" && rule.syscalls.iter().any(is_exec)
        })
    }
}

impl Rule {
    fn of(words: &[&str], path: &Path, line: usize) -> Option<Self> {
        let (first, second) = words.get(1)?.split_once(',')?;
        let is_action = |word: &str| matches!(word, "always" | "never");
        let (list, action) = if is_action(first) { (second, first) } else { (first, second) };
        let known = ["task", "exit", "user", "exclude", "filesystem", "io_uring"];
        if !is_action(action) || !known.contains(&list) {
            return None;
        }
        let mut rule = Self {
            list: list.to_owned(),
            is_always: action == "always",
            syscalls: Vec::new(),
            fields: Vec::new(),
            path: path.to_owned(),
            line,
        };
        let mut rest = words[2..].iter();
        while let Some(word) = rest.next() {
            match *word {
                "-S" => rule.syscalls.extend(rest.next()?.split(',').map(str::to_owned)),
                "-F" | "-C" => rule.fields.push((*rest.next()?).to_owned()),
                "-k" | "-w" | "-p" => drop(rest.next()?),
                _ => return None,
            }
        }
        Some(rule)
    }
}

const LOADED: &str = "/etc/audit/audit.rules";
/// The largest rule sets that are published have some hundred kilobytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;
const MAX_RULES: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(text: &str) -> Rules {
        let mut rules = Rules::default();
        rules.take(Path::new("/x"), text.as_bytes()).expect("rules");
        rules
    }

    #[test]
    fn either_order_of_action_and_list_is_a_rule() {
        for text in ["-a always,exit -F arch=b64 -S execve,execveat -k x", "-a exit,always -S execve"] {
            assert_eq!(rules(text).execution().map(|rule| rule.line), Some(1), "{text}");
        }
        assert!(rules("-a never,exit -S execve").execution().is_none());
        assert!(rules("-a always,exit -S execve\n-D\n").execution().is_none());
    }

    #[test]
    fn never_task_silences_everything() {
        assert!(rules("-a never,task").silenced().is_some());
        assert!(rules("-a task,never -F uid=7").silenced().is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), words in "(-[aADeSFk] |always,exit |execve |[0-9,=a]{1,4} |\n){0,30}") {
            let _ = Rules::default().take(Path::new("/x"), &bytes);
            let _ = Rules::default().take(Path::new("/x"), words.as_bytes());
        }
    }
}
