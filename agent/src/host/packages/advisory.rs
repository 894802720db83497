//! What a vendor says of an update: which advisories it answers, how urgent they are, and since when it is there.

use jiff::Timestamp;

/// One of a vendor's notices: `ALAS2023-2026-123`, `RHSA-2026:1234`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Advisory {
    pub id: String,
    pub kind: Kind,
    /// `None` where the vendor does not say.
    pub urgency: Option<Urgency>,
    pub issued: Option<Timestamp>,
    /// Sorted, one each: `CVE-2026-1234`.
    pub cves: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Security,
    Bugfix,
    Enhancement,
    Other,
}

/// A vendor's severity, in the words that findings use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    Low,
    Medium,
    High,
    Critical,
}

impl Urgency {
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Red Hat and Amazon say important and moderate, SUSE important, Amazon Linux 2 also medium; in any case of letters.
    pub fn from_vendor(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "critical" => Some(Self::Critical),
            "important" | "high" => Some(Self::High),
            "moderate" | "medium" => Some(Self::Medium),
            "low" => Some(Self::Low),
            _ => None,
        }
    }
}

/// An update appeared between these; an end that is not known is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interval {
    /// It was not there yet.
    pub not_before: Option<Timestamp>,
    /// It was there.
    pub not_after: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_words_are_ours_in_any_case_and_others_are_none() {
        for (word, urgency) in [
            ("Critical", Some(Urgency::Critical)),
            ("important", Some(Urgency::High)),
            ("Moderate", Some(Urgency::Medium)),
            ("medium", Some(Urgency::Medium)),
            ("LOW", Some(Urgency::Low)),
            ("None", None),
            ("", None),
        ] {
            assert_eq!(Urgency::from_vendor(word), urgency, "{word}");
        }
        assert!(Urgency::Critical > Urgency::High && Urgency::Medium > Urgency::Low);
    }
}
