//! The body of an `inventory` record, read back: the worst verdict of every check.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::finding::Malformed;
use super::{Told, badness};
use crate::finding::Verdict;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InventoryBody {
    pub verdicts: BTreeMap<Told, Verdict>,
}

#[derive(Deserialize)]
struct Read {
    verdicts: Lists,
}

#[derive(Deserialize)]
struct Lists {
    fail: Vec<Told>,
    unknown: Vec<Told>,
    pass: Vec<Told>,
    not_applicable: Vec<Told>,
}

impl InventoryBody {
    pub fn parse(json: &str) -> Result<Self, Malformed> {
        let Read { verdicts } = serde_json::from_str(json).map_err(|error| Malformed(error.to_string()))?;
        let mut all: BTreeMap<Told, Verdict> = BTreeMap::new();
        for (checks, verdict) in [
            (verdicts.fail, Verdict::Fail),
            (verdicts.unknown, Verdict::Unknown),
            (verdicts.pass, Verdict::Pass),
            (verdicts.not_applicable, Verdict::NotApplicable),
        ] {
            for check in checks {
                let entry = all.entry(check).or_insert(verdict);
                if badness(verdict) > badness(*entry) {
                    *entry = verdict;
                }
            }
        }
        Ok(Self { verdicts: all })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Inventory;
    use super::*;

    #[test]
    fn what_the_sensor_writes_is_read_back() {
        let body = r#"{"digest":"x","verdicts":{"fail":["a"],"unknown":["b","a"],"pass":["c"],"not_applicable":["d"]}}"#;
        let read = InventoryBody::parse(body).unwrap();
        let wanted = [
            ("a", Verdict::Fail),
            ("b", Verdict::Unknown),
            ("c", Verdict::Pass),
            ("d", Verdict::NotApplicable),
        ];
        let wanted = wanted.into_iter().map(|(check, verdict)| (Told::new(check), verdict)).collect();
        assert_eq!(read.verdicts, wanted);
        assert_eq!(InventoryBody::parse(&Inventory::of(&[]).to_json()), Ok(InventoryBody::default()));
        for torn in ["", "{}", r#"{"verdicts":{}}"#, r#"{"verdicts":{"fail":"a"}}"#] {
            assert!(InventoryBody::parse(torn).is_err(), "{torn}");
        }
    }
}
