//! The outside requirements that checks serve: which are covered, which not yet, and which no guest can show.
//!
//! One table, `controls.tsv`, holds every known item with its title. A check cites `FRAMEWORK:ID`; what it covers is
//! read off the registry, so the table says nothing about checks. `tests/controls.rs` refuses a citation that is
//! not in the table and an item that is both covered and out of reach.

use std::collections::BTreeMap;

use super::{Check, all};

/// A benchmark or catalogue, with its items in the order in which it was published.
#[derive(Debug, Clone)]
pub struct Framework {
    /// As a check cites it: `CIS-Debian12`.
    pub id: &'static str,
    pub name: &'static str,
    /// The edition whose numbers and titles these are.
    pub source: &'static str,
    pub items: Vec<Item>,
}

/// One requirement.
#[derive(Debug, Clone)]
pub struct Item {
    /// Within its framework: `5.1.20`, `AC-6`.
    pub id: &'static str,
    pub title: &'static str,
    pub coverage: Coverage,
}

#[derive(Debug, Clone)]
pub enum Coverage {
    /// The checks that bear on it, in the registry's order.
    Covered(Vec<&'static Check>),
    NotYet,
    /// No machine can show it from within; the reason.
    OutOfReach(&'static str),
}

impl Coverage {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Covered(_) => "covered",
            Self::NotYet => "not_covered",
            Self::OutOfReach(_) => "out_of_reach",
        }
    }

    pub fn checks(&self) -> &[&'static Check] {
        match self {
            Self::Covered(checks) => checks,
            Self::NotYet | Self::OutOfReach(_) => &[],
        }
    }
}

/// How much of a framework the checks cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub covered: usize,
    pub not_yet: usize,
    pub out_of_reach: usize,
}

impl Tally {
    pub fn items(self) -> usize {
        self.covered + self.not_yet + self.out_of_reach
    }
}

impl Framework {
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for item in &self.items {
            match item.coverage {
                Coverage::Covered(_) => tally.covered += 1,
                Coverage::NotYet => tally.not_yet += 1,
                Coverage::OutOfReach(_) => tally.out_of_reach += 1,
            }
        }
        tally
    }

    /// The item's name as a check cites it.
    pub fn cite(&self, item: &Item) -> String {
        format!("{}:{}", self.id, item.id)
    }
}

/// Every framework with every item, and what the registry covers.
pub fn frameworks() -> Vec<Framework> {
    let mut cited: BTreeMap<&str, Vec<&'static Check>> = BTreeMap::new();
    for (_, check) in all() {
        for control in check.controls {
            cited.entry(control).or_default().push(check);
        }
    }
    let mut frameworks: Vec<Framework> = Vec::new();
    for row in rows() {
        match (row, frameworks.last_mut()) {
            (Row::Framework { id, name, source }, _) => {
                frameworks.push(Framework { id, name, source, items: Vec::new() });
            }
            (Row::Item { id, title, reason }, Some(framework)) => {
                let checks = cited.remove(format!("{}:{id}", framework.id).as_str());
                let coverage = match (checks, reason) {
                    (Some(checks), _) => Coverage::Covered(checks),
                    (None, Some(reason)) => Coverage::OutOfReach(meaning(reason)),
                    (None, None) => Coverage::NotYet,
                };
                framework.items.push(Item { id, title, coverage });
            }
            (Row::Item { .. }, None) => {}
        }
    }
    frameworks
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    Framework {
        id: &'static str,
        name: &'static str,
        source: &'static str,
    },
    /// An item of the framework above it, with a word for why it is out of reach.
    Item {
        id: &'static str,
        title: &'static str,
        reason: Option<&'static str>,
    },
}

/// The table, row by row; a column that is missing is empty, which `tests/controls.rs` does not let pass.
pub fn rows() -> impl Iterator<Item = Row> {
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let mut columns = line.split('\t');
        let first = columns.next().unwrap_or_default();
        let second = columns.next().unwrap_or_default();
        let third = columns.next();
        match first.strip_prefix('[').and_then(|first| first.strip_suffix(']')) {
            Some(id) => Row::Framework { id, name: second, source: third.unwrap_or_default() },
            None => Row::Item { id: first, title: second, reason: third },
        }
    })
}

/// What a reason's word stands for.
pub fn meaning(word: &str) -> &'static str {
    REASONS.iter().find(|(known, _)| *known == word).map_or("", |(_, meaning)| meaning)
}

const TABLE: &str = include_str!("controls.tsv");

/// Why a guest cannot show an item, by the word that the table uses.
const REASONS: &[(&str, &str)] = &[
    (
        "account",
        "decided in the AWS account: root user, IAM, Organizations, service control policies, regions",
    ),
    ("application", "a property of the applications, not of the machine below them"),
    ("hardware", "hardware, radio or hypervisor, which AWS keeps and a guest does not see"),
    ("network", "decided in the VPC: subnets, security groups, Network Firewall, WAF"),
    ("people", "people: hiring, training, agreements and duties"),
    ("physical", "buildings, media and machines, AWS's half of the model"),
    ("privacy", "the handling of personal data, decided by the organisation and its applications"),
    ("procedure", "a plan, procedure or decision of the organisation, which no machine shows"),
    (
        "services",
        "other AWS services and what encrypts beneath the guest: EBS, S3, KMS, Route 53, CloudTrail, GuardDuty, Config",
    ),
    ("supply", "how software and systems are bought, built and delivered"),
];
