//! What every target does with its bytes: they become one file of a well-kept server, the server is looked at and
//! judged, and the answer must be whole. A parser is so reached the way an attacker reaches it: through the file.

#[path = "../../../tests/support/keys.rs"]
#[allow(dead_code, unreachable_pub, missing_debug_implementations, reason = "written for the tests; we need a part")]
mod keys;
#[path = "../../../tests/support/tree.rs"]
#[allow(dead_code, unreachable_pub, missing_debug_implementations, reason = "written for the tests; we need a part")]
mod tree;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use guestward::check;
use guestward::finding::{Finding, wire};
use guestward::host::packages::rpm::{Installed, Package};
use guestward::host::{Facts, Host};
use guestward::policy::Policy;

/// One file of the server, and the topics that read it.
#[derive(Debug)]
pub struct Place {
    root: tempfile::TempDir,
    file: PathBuf,
    topics: Vec<String>,
}

impl Place {
    /// `steps` are added to the server, in the words of the fixtures.
    pub fn new(file: &str, topics: &[&str], steps: &str) -> Self {
        let root = tree::build(&tree::steps(&format!("use server\n{steps}")));
        let place = Self {
            file: root.path().join(file),
            root,
            topics: topics.iter().map(|&topic| topic.to_owned()).collect(),
        };
        fs::create_dir_all(place.file.parent().expect("a folder")).expect("a folder");
        place
    }

    pub fn judge(&self, bytes: &[u8]) {
        fs::write(&self.file, bytes).expect("a file");
        fs::set_permissions(&self.file, fs::Permissions::from_mode(0o600)).expect("a mode");
        let host = Host::at(self.root.path()).expect("a tree");
        let policy = Policy::default();
        let selected = check::select(&self.topics, &policy);
        let facts = Facts::gather(&host, check::wanted(&selected), jiff::Timestamp::UNIX_EPOCH, &mut |_| {});
        let findings = check::judge(&facts, &policy, &selected);
        assert!(findings.len() >= selected.len(), "every check answers");
        let document = wire::Posture::new(facts.now, &facts.identity, &findings);
        let written = serde_json::to_string(&document).expect("a document");
        assert!(!written.bytes().any(|byte| byte < 0x20 || byte == 0x7f), "no raw control byte is told");
        findings.iter().for_each(unknown_has_a_reason);
    }
}

fn unknown_has_a_reason(finding: &Finding) {
    let verdict = finding.verdict.name();
    let is_silent = matches!(verdict, "unknown" | "not_applicable") && finding.reason.is_none();
    assert!(!is_silent, "{} is {verdict} for no reason", finding.check);
}

/// A few packages, as rpm's database would have them.
pub fn installed() -> &'static Installed {
    static INSTALLED: OnceLock<Installed> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let package = |name: &str| Package {
            name: name.to_owned(),
            epoch: 0,
            version: "1".to_owned(),
            release: "1".to_owned(),
            architecture: "x86_64".to_owned(),
            source_rpm: String::new(),
            vendor: String::new(),
            installed: None,
            module: None,
        };
        Installed { packages: ["a", "b", "nodejs"].map(package).into(), ..Installed::default() }
    })
}

/// Judges `bytes` in the place that `make` makes once.
pub fn judge(place: &'static OnceLock<Place>, make: fn() -> Place, bytes: &[u8]) {
    place.get_or_init(make).judge(bytes);
}

/// A target: which file its bytes become, who reads it, and what else the server has.
#[macro_export]
macro_rules! file_target {
    ($file:literal, $topics:expr, $steps:expr) => {
        static PLACE: std::sync::OnceLock<$crate::Place> = std::sync::OnceLock::new();
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            $crate::judge(&PLACE, || $crate::Place::new($file, &$topics, $steps), bytes);
        });
    };
}
