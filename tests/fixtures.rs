//! Every check, on small trees: a case in which it passes, one in which it fails, one in which it cannot look.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use guestward::check;
use guestward::finding::{Finding, Text};
use guestward::host::{Facts, Host};
use guestward::policy::Policy;

use crate::support::metadata_service::{MetadataService, Options};
use crate::support::namespace;
use crate::support::tree::{self, Case, Expectation, KernelStep};

#[test]
fn every_check_passes_fails_and_admits_that_it_cannot_look() {
    let mut complaints = Vec::new();
    for (topic, check) in check::all() {
        let file = tree::folder().join(topic.name).join(format!("{}.txt", check.id));
        let Ok(text) = fs::read_to_string(&file) else {
            complaints.push(format!("{} has no fixtures: {} is missing", check.id, file.display()));
            continue;
        };
        let cases = tree::parse(&text, check.id);
        let shown: BTreeSet<&str> =
            cases.iter().flat_map(|case| &case.expectations).map(|e| e.verdict.as_str()).collect();
        for verdict in ["pass", "fail", "unknown"] {
            if !shown.contains(verdict) {
                complaints.push(format!("{} has no case for {verdict}", check.id));
            }
        }
        for case in &cases {
            complaints.extend(run(check.id, case));
        }
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn no_fixture_is_left_of_a_check_that_is_gone() {
    for topic in fs::read_dir(tree::folder()).unwrap().map(|entry| entry.unwrap()) {
        let name = topic.file_name().into_string().unwrap();
        if !check::TOPICS.iter().any(|topic| topic.name == name) {
            continue;
        }
        for file in fs::read_dir(topic.path()).unwrap() {
            let id = file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
            assert!(check::by_id(&id).is_some(), "{name}/{id}.txt belongs to no check");
        }
    }
}

/// What is wrong with a case; nothing, if all is well.
fn run(id: &str, case: &Case) -> Vec<String> {
    let tree = tree::build(&case.steps);
    let findings = findings(tree.path(), id, case);
    let shown = || findings.iter().map(describe).collect::<Vec<_>>().join("\n    ");
    let mut complaints = Vec::new();
    if case.expectations.is_empty() {
        complaints.push(format!("{id}, case '{}': expects nothing", case.name));
    }
    for expectation in &case.expectations {
        if !findings.iter().any(|finding| matches(finding, expectation)) {
            let line = expectation.line;
            complaints.push(format!("{id}:{line}, case '{}': not found among\n    {}", case.name, shown()));
        }
    }
    for finding in &findings {
        if !case.expectations.iter().any(|expectation| matches(finding, expectation)) {
            complaints.push(format!("{id}, case '{}': not expected\n    {}", case.name, describe(finding)));
        }
    }
    complaints
}

fn findings(root: &Path, id: &str, case: &Case) -> Vec<Finding> {
    let host = Host::at(root).unwrap();
    if case.kernel.is_empty() {
        return judge(&host, id, case);
    }
    namespace::inside(|| {
        // It answers as long as it is held.
        let mut services = Vec::new();
        for step in &case.kernel {
            match step {
                KernelStep::Imds(options) => {
                    services.push(MetadataService::beside_us(Options::parse(options)));
                }
                KernelStep::Nft(rules) => namespace::nft(rules),
                KernelStep::Run(line) => namespace::shell(line),
            }
        }
        judge(&host.with_kernel(), id, case)
    })
}

fn judge(host: &Host, id: &str, case: &Case) -> Vec<Finding> {
    let policy = Policy::default();
    let selected = check::select(&[id.to_owned()], &policy);
    let now = case.now.unwrap_or_else(|| "2026-11-22T00:00:00Z".parse().unwrap());
    let facts = Facts::gather(host, check::wanted(&selected), now, &mut |_| {});
    check::judge(&facts, &policy, &selected)
}

fn matches(finding: &Finding, expectation: &Expectation) -> bool {
    finding.verdict.name() == expectation.verdict
        && expectation.fields.iter().all(|(key, contains, wanted)| {
            values(finding, key)
                .iter()
                .any(|value| if *contains { value.contains(wanted) } else { value == wanted })
        })
}

fn values(finding: &Finding, key: &str) -> Vec<String> {
    let evidence =
        |part: fn(&guestward::finding::Evidence) -> String| finding.evidence.iter().map(part).collect();
    match key {
        "subject" => vec![finding.subject.to_string()],
        "severity" => vec![finding.severity.to_string()],
        "title" => vec![finding.title.to_string()],
        "reason" => finding.reason.iter().map(Text::to_string).collect(),
        "source" => evidence(|evidence| evidence.source.text().to_string()),
        "observed" => evidence(|evidence| evidence.observed.to_string()),
        "expected" => evidence(|evidence| evidence.expected.to_string()),
        "witness" => evidence(|e| e.witness.as_ref().map(Text::to_string).unwrap_or_default()),
        _ => panic!("a finding has no '{key}'"),
    }
}

fn describe(finding: &Finding) -> String {
    let mut line = format!("{} {} subject={}", finding.verdict, finding.severity, finding.subject);
    line.push_str(&format!(" title=\"{}\"", finding.title));
    for evidence in &finding.evidence {
        line.push_str(&format!(
            "\n      source={} observed=\"{}\" expected=\"{}\" witness={:?}",
            evidence.source.text(),
            evidence.observed,
            evidence.expected,
            evidence.witness.as_ref().map(Text::as_str)
        ));
    }
    if let Some(reason) = &finding.reason {
        line.push_str(&format!("\n      reason=\"{reason}\""));
    }
    line
}
