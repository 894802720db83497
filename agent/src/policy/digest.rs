//! One number for all that a policy means, so that a checkpoint can say under which one it was made.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::decoys::{Decoy, Plant};
use super::settings::{Kind, Meant, SETTINGS};
use super::{Policy, Suppression, Vocabulary};

impl Policy {
    /// SHA-256 over what is meant: the same for two policies that mean the same, however and wherever they are written.
    pub fn digest(&self, vocabulary: &Vocabulary) -> [u8; 32] {
        Sha256::digest(self.canonical(vocabulary)).into()
    }

    /// Every value in force, a line each.
    fn canonical(&self, vocabulary: &Vocabulary) -> String {
        let mut text = format!("guestward.policy/1\nfail-on {}\n", self.fail_on());
        for known in SETTINGS {
            let value = match (self.in_force(known).0, known.kind) {
                (Some(Meant::Number(number)), _) => number.to_string(),
                (Some(Meant::Flag(flag)), _) => flag.to_string(),
                (Some(Meant::Path(path)), _) => part(&path.to_string_lossy()),
                (Some(Meant::Word(word)), _) => word.to_owned(),
                (Some(Meant::Name(name)), _) => part(&name),
                (None, Kind::Path { .. }) => "usual".to_owned(),
                (None, _) => String::new(),
            };
            let _ = writeln!(text, "{}.{} {value}", known.table, known.key);
        }
        for name in self.network_file_systems() {
            let _ = writeln!(text, "file system {}", part(name));
        }
        for path in self.files_hot() {
            let _ = writeln!(text, "hot {}", part(&path.to_string_lossy()));
        }
        // A set, as no path is there twice.
        let decoys: BTreeSet<String> = self.files_decoys().iter().map(decoy).collect();
        decoys.iter().for_each(|line| text.push_str(line));
        let rules: String = self.rules().digest().iter().map(|byte| format!("{byte:02x}")).collect();
        let _ = writeln!(text, "rules {rules}");
        for check in &vocabulary.checks {
            // Unset is not the check's own severity: that one gives way to what an outcome says of its case.
            let severity = self.severity(check.id).map_or("own", crate::finding::Severity::name);
            let _ = write!(text, "{} {} {severity}", check.id, self.is_enabled(check.topic, check.id));
            for parameter in check.parameters {
                let _ = write!(text, " {}={}", parameter.name, self.threshold(check.id, parameter));
            }
            text.push('\n');
        }
        // A set: neither their order nor saying one twice changes what is accepted.
        let suppressions: BTreeSet<String> = self.suppressions.iter().map(decision).collect();
        suppressions.iter().for_each(|line| text.push_str(line));
        text
    }
}

fn decoy(decoy: &Decoy) -> String {
    let plant = decoy.plant.map_or("nothing", Plant::name);
    let units: Vec<String> = decoy.units.iter().map(|unit| part(unit)).collect();
    let path = part(&decoy.path.to_string_lossy());
    format!("decoy {path} {plant} {} {}\n", decoy.severity, units.join(" "))
}

fn decision(suppression: &Suppression) -> String {
    let subject = suppression.subject.as_deref().map_or("every".to_owned(), part);
    let (who, why) = (part(&suppression.who), part(&suppression.why));
    format!("suppression {} {subject} {who} {why} {}\n", suppression.check, suppression.until)
}

/// With its length before it, so that no text can be taken for two.
fn part(text: &str) -> String {
    format!("{}:{text}", text.len())
}
