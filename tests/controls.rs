//! The table of outside requirements: every citation is in it, every row is whole, and nothing is both covered and
//! out of reach; and `guestward checks` tells the same in text, JSON and HTML.

use std::collections::{BTreeMap, BTreeSet};

use guestward::check;
use guestward::check::controls::{self, Coverage, Row};

use crate::support::binary::{guestward, text};

#[test]
fn every_control_that_a_check_cites_is_in_the_table() {
    let known: BTreeSet<String> = controls::frameworks()
        .iter()
        .flat_map(|framework| framework.items.iter().map(|item| framework.cite(item)))
        .collect();
    for (_, check) in check::all() {
        let strange: Vec<_> = check.controls.iter().filter(|control| !known.contains(**control)).collect();
        assert!(strange.is_empty(), "{} cites {strange:?}, which check/controls.tsv does not have", check.id);
        let cited: BTreeSet<_> = check.controls.iter().collect();
        assert_eq!(cited.len(), check.controls.len(), "{} cites a control twice", check.id);
    }
}

#[test]
fn every_row_has_a_title_and_a_source_and_every_reason_a_meaning() {
    let mut seen = BTreeSet::new();
    let mut framework = None;
    for row in controls::rows() {
        match row {
            Row::Framework { id, name, source } => {
                assert!(!id.is_empty() && !name.is_empty() && source.len() > 10, "{row:?}");
                framework = Some(id);
            }
            Row::Item { id, title, reason } => {
                let framework = framework.expect("an item stands below a framework");
                assert!(!id.is_empty() && title.len() > 5 && title == title.trim(), "{row:?}");
                assert!(seen.insert((framework, id)), "{framework}:{id} is there twice");
                if let Some(reason) = reason {
                    assert!(controls::meaning(reason).len() > 20, "{reason:?} means nothing: {row:?}");
                }
            }
        }
    }
    assert!(seen.len() > 1000, "the table is whole");
}

#[test]
fn nothing_is_both_covered_and_out_of_reach() {
    let cited: BTreeSet<&str> = check::all().flat_map(|(_, check)| check.controls).copied().collect();
    let mut framework = "";
    for row in controls::rows() {
        match row {
            Row::Framework { id, .. } => framework = id,
            Row::Item { id, reason: Some(reason), .. } => {
                let cite = format!("{framework}:{id}");
                assert!(
                    !cited.contains(cite.as_str()),
                    "{cite} is cited by a check and '{reason}' in the table"
                );
            }
            Row::Item { .. } => {}
        }
    }
}

#[test]
fn the_table_stays_small_enough_to_carry() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/check/controls.tsv");
    let size = std::fs::metadata(path).unwrap().len();
    assert!(size < 150_000, "{size} bytes are in every binary");
}

#[test]
fn coverage_is_the_registry_read_the_other_way_round() {
    let mut there: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for framework in controls::frameworks() {
        for item in &framework.items {
            for check in item.coverage.checks() {
                there.entry(check.id).or_default().insert(framework.cite(item));
            }
            if let Coverage::OutOfReach(reason) = item.coverage {
                assert!(!reason.is_empty());
            }
        }
        let tally = framework.tally();
        assert_eq!(tally.items(), framework.items.len());
        assert!(tally.covered > 0, "nothing serves {}", framework.id);
    }
    for (_, check) in check::all() {
        let cited: BTreeSet<String> = check.controls.iter().map(ToString::to_string).collect();
        assert_eq!(there.remove(check.id).unwrap_or_default(), cited, "{}", check.id);
    }
}

#[test]
fn the_list_of_checks_ends_with_the_coverage() {
    let shown = list(&[]);
    for (_, check) in check::all() {
        assert!(shown.contains(check.id), "{}", check.id);
    }
    for framework in controls::frameworks() {
        let row = shown.lines().find(|line| line.contains(framework.name)).expect(framework.name);
        let numbers: Vec<usize> =
            row.replace(framework.name, "").split_whitespace().map(|word| word.parse().unwrap()).collect();
        let tally = framework.tally();
        assert_eq!(numbers, [tally.items(), tally.covered, tally.not_yet, tally.out_of_reach], "{row}");
    }
}

#[test]
fn every_item_can_be_listed_with_its_checks_or_the_reason() {
    let shown = list(&["--controls"]);
    for framework in controls::frameworks() {
        let heading = format!("{}: {}\n", framework.id, framework.source);
        let (_, rest) = shown.split_once(&heading).unwrap_or_else(|| panic!("{heading}"));
        let rows: Vec<&str> = rest.lines().take_while(|line| !line.is_empty()).collect();
        assert_eq!(rows.len(), framework.items.len(), "{}", framework.id);
        for (row, item) in rows.iter().zip(&framework.items) {
            assert!(row.starts_with(&format!("  {} ", item.id)) && row.contains(item.title), "{row}");
            let told = match &item.coverage {
                Coverage::Covered(checks) => checks.iter().all(|check| row.contains(check.id)),
                Coverage::NotYet => row.ends_with(": not covered yet"),
                Coverage::OutOfReach(reason) => row.ends_with(&format!(": out of reach: {reason}")),
            };
            assert!(told, "{row}");
        }
    }
}

#[test]
fn the_document_has_the_coverage_too() {
    let document: serde_json::Value = serde_json::from_str(&list(&["--format", "json"])).unwrap();
    assert_eq!(document["schema"], "guestward.checks/1");
    assert_eq!(document["checks"].as_array().unwrap().len(), check::all().count());
    let told = document["coverage"].as_array().unwrap();
    let frameworks = controls::frameworks();
    assert_eq!(told.len(), frameworks.len());
    for (told, framework) in told.iter().zip(&frameworks) {
        assert_eq!(told["id"], framework.id);
        assert_eq!(told["source"], framework.source);
        assert_eq!(told["covered"], framework.tally().covered);
        let items = told["items"].as_array().unwrap();
        assert_eq!(items.len(), framework.items.len());
        for (told, item) in items.iter().zip(&framework.items) {
            assert_eq!(told["state"], item.coverage.name());
            assert_eq!(
                told["reason"].is_string(),
                matches!(item.coverage, Coverage::OutOfReach(_)),
                "{told}"
            );
            assert_eq!(told["checks"].as_array().unwrap().len(), item.coverage.checks().len());
        }
    }
}

fn list(arguments: &[&str]) -> String {
    let output = guestward().arg("checks").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}
