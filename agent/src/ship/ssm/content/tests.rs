//! Items and rows of postures that are made up.

use jiff::Timestamp;

use super::*;
use crate::finding::wire::body::Told;
use crate::finding::wire::folded::Rest;
use crate::ship::ssm::Describe;

const DESCRIBE: Describe = |check| {
    check.starts_with("known").then_some(Described {
        topic: "packages",
        title: "What its check is called",
        severity: Severity::Medium,
    })
};

fn open(verdict: Verdict, severity: Severity, title: &str, day: i64) -> Open {
    let since = Timestamp::from_second(day * 86_400).unwrap();
    Open { verdict, severity, title: Told::new(title), since, is_suppressed: false }
}

fn standing(open: impl IntoIterator<Item = Open>) -> Standing {
    let open = open.into_iter().enumerate().map(|(index, open)| (index.to_string(), open)).collect();
    Standing { open, ..Standing::default() }
}

fn folded(checks: impl IntoIterator<Item = (String, Standing)>) -> Folded {
    let mut folded = Folded::default();
    folded.checks = checks.into_iter().map(|(check, standing)| (Told::new(&check), standing)).collect();
    folded
}

fn detail<'a>(item: &'a Item, name: &str) -> &'a str {
    item.details.get(name).map_or("", String::as_str)
}

#[test]
fn the_worst_subject_speaks_for_its_check() {
    let one = standing([
        open(Verdict::Unknown, Severity::Critical, "could not look", 1),
        open(Verdict::Fail, Severity::Low, "a small one", 2),
        open(Verdict::Fail, Severity::High, "a large one", 3),
    ]);
    let items = items(&folded([("ssh-root".to_owned(), one)]), DESCRIBE);
    let [item] = &items[..] else { panic!("{items:?}") };
    assert_eq!((item.id.as_str(), item.title.as_str()), ("ssh-root", "a large one"));
    assert_eq!((item.severity, item.is_compliant), (Some(Severity::High), false));
    assert_eq!((detail(item, "verdict"), detail(item, "subjects")), ("fail", "3"));
    assert_eq!(detail(item, "since"), "1970-01-03T00:00:00.000Z");
}

#[test]
fn what_passes_is_no_item_and_what_nobody_could_answer_is() {
    let settled = |verdict| Standing { settled: Some(verdict), ..Standing::default() };
    let posture = folded([
        ("a".to_owned(), settled(Verdict::Pass)),
        ("b".to_owned(), settled(Verdict::NotApplicable)),
        ("c".to_owned(), standing([open(Verdict::Unknown, Severity::Low, "c", 1)])),
    ]);
    let items = items(&posture, DESCRIBE);
    assert_eq!((items.len(), items[0].is_compliant, detail(&items[0], "verdict")), (1, false, "unknown"));
    assert_eq!(rows(&posture, DESCRIBE, None).len(), 3);
}

#[test]
fn what_is_suppressed_complies_until_something_else_about_its_check_does_not() {
    let silenced = |title| Open { is_suppressed: true, ..open(Verdict::Fail, Severity::Critical, title, 1) };
    let posture = folded([("a".to_owned(), standing([silenced("a")]))]);
    let told = items(&posture, DESCRIBE);
    assert_eq!(
        (told[0].is_compliant, detail(&told[0], "suppressed"), detail(&told[0], "verdict")),
        (true, "true", "fail")
    );
    let row = &rows(&posture, DESCRIBE, None)[0];
    assert_eq!((row["Verdict"].as_str(), row["Suppressed"].as_str()), ("fail", "1"));

    let both = standing([silenced("a"), open(Verdict::Unknown, Severity::Low, "b", 2)]);
    let told = items(&folded([("a".to_owned(), both)]), DESCRIBE);
    assert_eq!(
        (told[0].is_compliant, told[0].title.as_str(), detail(&told[0], "suppressed")),
        (false, "b", "")
    );

    let rest =
        Standing { rest: Some(Rest { count: 1, verdict: Verdict::Fail }), ..standing([silenced("a")]) };
    assert!(!items(&folded([("a".to_owned(), rest)]), DESCRIBE)[0].is_compliant);
}

#[test]
fn a_check_of_which_only_its_verdict_is_known_is_described_by_whoever_knows_it() {
    let rest = || Standing { rest: Some(Rest { count: 1, verdict: Verdict::Fail }), ..Standing::default() };
    let posture = folded([("known".to_owned(), rest()), ("other".to_owned(), rest())]);
    let told = items(&posture, DESCRIBE);
    assert_eq!(
        (told[0].title.as_str(), told[0].severity),
        ("What its check is called", Some(Severity::Medium))
    );
    assert_eq!((told[1].title.as_str(), told[1].severity), ("other", None));
    assert_eq!(rows(&posture, DESCRIBE, Some("packages")).len(), 1);
}

#[test]
fn what_has_no_room_is_counted_in_the_last_item() {
    let title = "\"\\".repeat(256);
    let check = |number: usize| {
        (
            format!("check-{number:05}{}", "x".repeat(490)),
            standing([open(Verdict::Fail, Severity::Low, &title, 1)]),
        )
    };
    let mut posture = folded((0..2_000).map(check));
    posture
        .checks
        .insert(Told::new("worst"), standing([open(Verdict::Fail, Severity::Critical, "worst", 1)]));
    let told = items(&posture, DESCRIBE);
    let size: usize = told.iter().map(|item| item.to_json().len() + 1).sum();
    assert!((700_000..800 * 1024).contains(&size), "{size}");
    assert_eq!(told[0].id, "worst");
    let last = told.last().unwrap();
    assert_eq!(
        (last.id.as_str(), detail(last, "left_out")),
        ("guestward-left-out", (2_001 - (told.len() - 1)).to_string().as_str())
    );
    assert!(told.iter().all(|item| item.title.chars().count() <= 500));
    let rows = rows(&posture, DESCRIBE, None);
    let size: usize = rows.iter().map(|row| json!(row).to_string().len() + 1).sum();
    assert!((150_000..200_000).contains(&size), "{size}");
    assert_eq!(rows.last().unwrap()["Subjects"], (2_001 - (rows.len() - 1)).to_string());
}

#[test]
fn the_same_posture_has_the_same_hash_and_another_has_another() {
    let of = |title: &str, day| {
        let posture = folded([("a".to_owned(), standing([open(Verdict::Fail, Severity::Low, title, day)]))]);
        hash(items(&posture, DESCRIBE).iter().map(Item::to_json))
    };
    assert_eq!(of("a", 1), of("a", 1));
    assert_eq!(of("a", 1).len(), 64);
    assert_ne!(of("a", 1), of("b", 1));
    assert_ne!(of("a", 1), of("a", 2));
    // Where one part ends counts.
    let parts = |parts: &[&str]| hash(parts.iter().map(|part| (*part).to_owned()));
    assert_ne!(parts(&["ab", "c"]), parts(&["a", "bc"]));
}
