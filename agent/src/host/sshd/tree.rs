//! The configuration as a tree: every file that sshd reads, every directive with its file and line.
//!
//! Reading follows sshd's own first pass, because what it accepts depends on it: outside `Match` directives
//! take effect, below it they are only checked, and `Match all` is not below anything.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::criteria::{self, Criterion};
use super::keyword::{self, Form, Keyword, Place};
use super::lex::{self, Line};
use super::value::{self, Surroundings, Values};
use super::{ConfigError, Defect, Origin, Settings};
use crate::host::{Cause, Host, Kind, Text, Unreadable, glob};

#[derive(Debug, Clone)]
pub(super) enum Node {
    /// Which directive.
    Set(usize),
    Match(Vec<Criterion>),
    /// One list a file.
    Include(Vec<Vec<Self>>),
}

/// One line that sets something.
#[derive(Debug, Clone)]
pub struct Directive {
    pub keyword: &'static Keyword,
    /// As `sshd -T` would print them.
    pub values: Values,
    pub origin: Origin,
}

#[derive(Debug)]
pub(super) struct Builder<'a> {
    host: &'a Host,
    around: Surroundings<'a>,
    pub(super) directives: Vec<Directive>,
    /// Every file that was read, in order.
    pub(super) files: Vec<PathBuf>,
    /// The directories that an Include looks into.
    pub(super) directories: Vec<PathBuf>,
    pub(super) global: Settings,
    pub(super) ports_are_fixed: bool,
    /// How much more may be read: a small file that is included often enough is a large one.
    bytes_left: u64,
}

impl<'a> Builder<'a> {
    pub(super) fn new(host: &'a Host, around: Surroundings<'a>) -> Self {
        Self {
            host,
            around,
            directives: Vec::new(),
            files: Vec::new(),
            directories: Vec::new(),
            global: Settings::default(),
            ports_are_fixed: false,
            bytes_left: MAX_BYTES,
        }
    }

    /// `-o` of the command line: it comes before any file.
    pub(super) fn command_line(&mut self, text: &[u8]) -> Result<(), ConfigError> {
        let refuse = |what| ConfigError::Invalid(Defect { origin: Origin::CommandLine, what });
        let Some(line) = lex::line(text, self.around.version).map_err(refuse)? else { return Ok(()) };
        let (keyword, _) = self.keyword(&line, &Origin::CommandLine)?;
        let values = value::parse(keyword, &line, self.around).map_err(refuse)?;
        self.set(keyword, values, Origin::CommandLine, true).map_err(refuse)?;
        Ok(())
    }

    pub(super) fn main_file(&mut self, path: &Path) -> Result<Vec<Node>, ConfigError> {
        let bytes = self.host.read(path, self.bytes_left).map_err(ConfigError::Unreadable)?;
        self.file(path, &bytes, 0, &mut true, false)
    }

    fn file(
        &mut self,
        path: &Path,
        bytes: &[u8],
        depth: usize,
        active: &mut bool,
        never: bool,
    ) -> Result<Vec<Node>, ConfigError> {
        if self.files.len() >= MAX_FILES {
            let cause = Cause::TooMany { limit: MAX_FILES };
            return Err(ConfigError::Unreadable(Unreadable::new(path, cause)));
        }
        self.files.push(path.to_owned());
        self.bytes_left -= bytes.len() as u64;
        let shared: Arc<Path> = Arc::from(path);
        let mut nodes = Vec::new();
        for (index, text) in lex::lines(bytes, self.around.version).iter().enumerate() {
            let origin = Origin::Line { file: Arc::clone(&shared), line: index + 1 };
            let refuse = |what| ConfigError::Invalid(Defect { origin: origin.clone(), what });
            let Some(line) = lex::line(text, self.around.version).map_err(refuse)? else { continue };
            let (keyword, place) = self.keyword(&line, &origin)?;
            if !*active && place == Place::Global {
                return Err(refuse(format!("{} is not allowed below Match", keyword.name)));
            }
            match keyword.form {
                Form::Match => {
                    let has_arguments = !line.arguments.is_empty();
                    let criteria = criteria::parse(&line.rest, has_arguments, self.around).map_err(refuse)?;
                    *active = !never && criteria::hold_without_connection(&criteria);
                    nodes.push(Node::Match(criteria));
                }
                Form::Include => nodes.push(self.include(&line, &origin, depth, *active)?),
                _ => {
                    let values = value::parse(keyword, &line, self.around).map_err(refuse)?;
                    let number = self.set(keyword, values, origin.clone(), *active).map_err(refuse)?;
                    nodes.push(Node::Set(number));
                }
            }
            if self.directives.len() > MAX_DIRECTIVES {
                let cause = Cause::TooMany { limit: MAX_DIRECTIVES };
                return Err(ConfigError::Unreadable(Unreadable::new(path, cause)));
            }
        }
        Ok(nodes)
    }

    fn keyword(&self, line: &Line, origin: &Origin) -> Result<(&'static Keyword, Place), ConfigError> {
        if let Some(found) = keyword::find(&line.keyword, self.around.release) {
            return Ok(found);
        }
        let word = Text::from_bytes_within(&line.keyword, 60);
        let version = self.around.version;
        if version > NEWEST_KNOWN || self.around.release.has_word(&line.keyword) {
            let what = format!("guestward does not know the option '{word}' of this OpenSSH {version}");
            let path = match origin {
                Origin::Line { file, line } => PathBuf::from(format!("{}:{line}", file.display())),
                _ => PathBuf::from("sshd"),
            };
            return Err(ConfigError::Unreadable(Unreadable::new(path, Cause::Unsupported(what))));
        }
        let what = format!("OpenSSH {version} has no option '{word}'");
        Err(ConfigError::Invalid(Defect { origin: origin.clone(), what }))
    }

    fn set(
        &mut self,
        keyword: &'static Keyword,
        values: Values,
        origin: Origin,
        active: bool,
    ) -> Result<usize, String> {
        let number = self.directives.len();
        if keyword.name == "AuthenticationMethods" {
            self.check_any(&values, active)?;
        }
        if keyword.name == "Subsystem" && active {
            let defined = self.global.directives("Subsystem");
            if defined.iter().any(|&other| self.directives[other].values[0] == values[0]) {
                return Err("this subsystem is already defined".to_owned());
            }
        }
        self.directives.push(Directive { keyword, values, origin });
        if active && !(keyword.name == "Port" && self.ports_are_fixed) {
            self.global.add(keyword, number, &self.directives, self.around.version);
        }
        Ok(number)
    }

    /// "any" stands alone; up to 9.2 that counts what other lines have set.
    fn check_any(&self, values: &Values, active: bool) -> Result<(), String> {
        let mut set = match self.global.directives("AuthenticationMethods").first() {
            Some(&number) => self.directives[number].values.len(),
            None => 0,
        };
        let unset = set == 0;
        if !unset && self.around.version > ANY_LOOKS_AT_OTHER_LINES {
            return Ok(());
        }
        for value in values {
            if value == b"any" && set > 0 {
                return Err("\"any\" must stand alone".to_owned());
            }
            if unset && active {
                set += 1;
            }
        }
        Ok(())
    }

    fn include(
        &mut self,
        line: &Line,
        origin: &Origin,
        depth: usize,
        active: bool,
    ) -> Result<Node, ConfigError> {
        let refuse =
            |what: &str| ConfigError::Invalid(Defect { origin: origin.clone(), what: what.to_owned() });
        if line.arguments.is_empty() || line.arguments.iter().any(Vec::is_empty) {
            return Err(refuse("Include names no file"));
        }
        let mut included = Vec::new();
        for argument in &line.arguments {
            let pattern = match argument.first() {
                Some(b'/') => argument.clone(),
                Some(b'~') => self.around.homes.expand(argument).map_err(|what| refuse(&what))?,
                _ => [CONFIG_DIRECTORY.as_bytes(), b"/", argument].concat(),
            };
            self.look_into(&pattern);
            for path in glob::expand(self.host, &pattern).map_err(ConfigError::Unreadable)? {
                let bytes = match self.host.read(&path, self.bytes_left) {
                    Ok(bytes) => bytes,
                    // sshd opens a directory and finds no line in it.
                    Err(Unreadable { cause: Cause::NotRegular(Kind::Directory), .. }) => Vec::new(),
                    Err(cause) if cause.is_absent() => {
                        return Err(refuse("it includes a file that cannot be opened"));
                    }
                    Err(cause) => return Err(ConfigError::Unreadable(cause)),
                };
                if depth >= MAX_DEPTH {
                    return Err(refuse("files include each other more than 16 deep"));
                }
                included.push(self.file(&path, &bytes, depth + 1, &mut { active }, !active)?);
            }
        }
        Ok(Node::Include(included))
    }

    /// Remembers where a pattern's files come from, for whoever asks who may put one there.
    fn look_into(&mut self, pattern: &[u8]) {
        let end = pattern.iter().rposition(|&byte| byte == b'/').unwrap_or(0).max(1);
        let directory = super::path_of(&pattern[..end]);
        if !self.directories.contains(&directory) {
            self.directories.push(directory);
        }
    }
}

/// What a relative Include is relative to.
pub(super) const CONFIG_DIRECTORY: &str = "/etc/ssh";
/// Newer releases may have options that nobody here has heard of.
const NEWEST_KNOWN: super::Version = super::Version::new(10, 5);
/// As deep as sshd goes.
const MAX_DEPTH: usize = 16;
/// sshd has no bound of its own; nobody has a configuration like that.
const MAX_FILES: usize = 4096;
/// All files together.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
const MAX_DIRECTIVES: usize = 200_000;
const ANY_LOOKS_AT_OTHER_LINES: super::Version = super::Version::new(9, 2);
