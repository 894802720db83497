//! The words of the house: what a check answers and what is worth telling.
//!
//! No I/O and no opinions here. How these words look on the wire is `finding/wire.rs`.

pub mod need;
pub mod patch;
pub mod wire;

use std::fmt;
use std::path::Path;

pub use crate::host::Text;
use crate::host::Unreadable;

/// How bad a failed check is. The order is the order of urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: [Self; 5] = [Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical];

    pub fn name(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The answer to a check. `Unknown` is an answer: never a pass, never a skip (XCCDF keeps them apart too).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    Pass,
    Fail,
    NotApplicable,
    Unknown,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotApplicable => "not_applicable",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Where something was observed: a file with a line, a process, a list of packages.
///
/// The exact bytes of a path that is not UTF-8 are kept for the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    text: Text,
    exact_path: Option<Vec<u8>>,
}

impl Source {
    /// A whole file or directory.
    pub fn path(path: impl AsRef<Path>) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let bytes = path.as_ref().as_os_str().as_bytes();
        let exact_path = std::str::from_utf8(bytes).is_err().then(|| bytes.to_vec());
        Self { text: Text::from_bytes(bytes), exact_path }
    }

    /// One line of a file, counted from 1.
    pub fn line(path: impl AsRef<Path>, line: usize) -> Self {
        let mut source = Self::path(path);
        source.text = Text::new(&format!("{}:{line}", source.text));
        source
    }

    /// Something that is not a file: `"compiled-in default of OpenSSH 9.2"`.
    pub fn named(name: &str) -> Self {
        Self { text: Text::new(name), exact_path: None }
    }

    pub fn text(&self) -> &Text {
        &self.text
    }

    /// The path's bytes, when the text cannot carry them.
    pub fn exact_path(&self) -> Option<&[u8]> {
        self.exact_path.as_deref()
    }
}

/// One observation that a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub source: Source,
    pub observed: Text,
    pub expected: Text,
    /// A concrete case in which the observation bites: `user=bob,addr=203.0.113.9,lport=22`.
    pub witness: Option<Text>,
}

impl Evidence {
    pub fn new(source: Source, observed: impl Into<Text>, expected: impl Into<Text>) -> Self {
        Self { source, observed: observed.into(), expected: expected.into(), witness: None }
    }

    #[must_use]
    pub fn with_witness(mut self, witness: impl Into<Text>) -> Self {
        self.witness = Some(witness.into());
        self
    }
}

/// What a check's `evaluate` returns: one verdict about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub verdict: Verdict,
    /// What the verdict is about: `sshd:22`, `user:bob`, `package:openssl:amd64`.
    pub subject: Text,
    /// The headline of a failure; other verdicts carry the check's own title.
    pub headline: Option<Text>,
    /// When this case is worse or better than the check's usual severity.
    pub severity: Option<Severity>,
    pub evidence: Vec<Evidence>,
    /// Why there is no verdict (unknown), or why none is due (not applicable).
    pub reason: Option<Text>,
    /// Whether running as root would have shown more.
    pub denied: bool,
}

impl Outcome {
    pub fn pass(subject: impl Into<Text>) -> Self {
        Self::new(Verdict::Pass, subject)
    }

    pub fn fail(subject: impl Into<Text>, headline: impl Into<Text>) -> Self {
        Self { headline: Some(headline.into()), ..Self::new(Verdict::Fail, subject) }
    }

    pub fn not_applicable(subject: impl Into<Text>, reason: impl Into<Text>) -> Self {
        Self { reason: Some(reason.into()), ..Self::new(Verdict::NotApplicable, subject) }
    }

    pub fn unknown(subject: impl Into<Text>, reason: impl Into<Text>) -> Self {
        Self { reason: Some(reason.into()), ..Self::new(Verdict::Unknown, subject) }
    }

    /// "Could not look": the reason is what stood in the way.
    pub fn unreadable(subject: impl Into<Text>, cause: &Unreadable) -> Self {
        Self { denied: cause.is_denied(), ..Self::unknown(subject, cause.to_string()) }
    }

    #[must_use]
    pub fn with(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    #[must_use]
    pub fn with_all(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    #[must_use]
    pub fn at(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    fn new(verdict: Verdict, subject: impl Into<Text>) -> Self {
        Self {
            verdict,
            subject: subject.into(),
            headline: None,
            severity: None,
            evidence: Vec::new(),
            reason: None,
            denied: false,
        }
    }
}

/// An operator's recorded decision, as it bears on one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    pub who: Text,
    pub why: Text,
    /// The last day on which it silences, as `2026-12-31`.
    pub until: String,
    /// An expired suppression silences nothing and is told.
    pub expired: bool,
}

/// Something worth telling: an outcome, with everything its check says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub check: &'static str,
    pub topic: &'static str,
    pub verdict: Verdict,
    pub severity: Severity,
    pub subject: Text,
    pub title: Text,
    pub evidence: Vec<Evidence>,
    pub why: &'static str,
    pub remediation: &'static str,
    pub controls: &'static [&'static str],
    pub reason: Option<Text>,
    pub suppressed: Option<Suppressed>,
    pub denied: bool,
}

impl Finding {
    /// A failure that nobody has decided to accept.
    pub fn is_open_failure(&self) -> bool {
        self.verdict == Verdict::Fail && !self.is_silenced()
    }

    pub fn is_silenced(&self) -> bool {
        self.suppressed.as_ref().is_some_and(|suppressed| !suppressed.expired)
    }
}

/// The counts of a posture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    pub pass: usize,
    pub fail: usize,
    pub unknown: usize,
    pub not_applicable: usize,
    /// Failures that a suppression silences; not counted in `fail`.
    pub suppressed: usize,
    /// The worst open failure.
    pub worst: Option<Severity>,
}

impl Summary {
    pub fn of(findings: &[Finding]) -> Self {
        let mut summary = Self::default();
        findings.iter().for_each(|finding| summary.count(finding));
        summary
    }

    pub fn count(&mut self, finding: &Finding) {
        match finding.verdict {
            Verdict::Pass => self.pass += 1,
            Verdict::Unknown => self.unknown += 1,
            Verdict::NotApplicable => self.not_applicable += 1,
            Verdict::Fail if finding.is_silenced() => self.suppressed += 1,
            Verdict::Fail => {
                self.fail += 1;
                self.worst = self.worst.max(Some(finding.severity));
            }
        }
    }

    /// Of both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            pass: self.pass + other.pass,
            fail: self.fail + other.fail,
            unknown: self.unknown + other.unknown,
            not_applicable: self.not_applicable + other.not_applicable,
            suppressed: self.suppressed + other.suppressed,
            worst: self.worst.max(other.worst),
        }
    }
}
