//! Locks in every form; tests/zypper asks zypper about the same.

use super::*;

fn evr(version: &str, release: &str) -> Evr {
    Evr::new(None, version, release).unwrap()
}

fn place(text: &str, name: &str, version: &str, repo: Option<&str>) -> Option<String> {
    let evr = evr(version, "1");
    Locks::parse(Path::new("l"), text).place(&Asked { name, evr: &evr, repo })
}

#[test]
fn a_stanza_is_a_question_and_every_line_of_it_counts() {
    let one = "\ntype: package\nmatch_type: glob\ncase_sensitive: on\nsolvable_name: b*\n\n";
    assert_eq!(place(one, "bc", "1", None).as_deref(), Some("l:2"));
    assert!(place(one, "Bc", "1", None).is_none());
    let patch = "type: patch\nsolvable_name: b\n";
    assert!(place(patch, "b", "1", None).is_none());
    // Without more words a part of the name will do, in any case of its letters.
    assert!(place("solvable_name: SUB\n", "a-sub-x", "1", None).is_some());
    let newer = "type: package\nmatch_type: exact\nsolvable_name: a\nversion: > 1\n";
    assert!(place(newer, "a", "1", None).is_none());
    assert!(place(newer, "a", "2", Some("r")).is_some());
    let there = "repo: r\nmatch_type: exact\nsolvable_name: a >= 2-1\n";
    assert!(place(there, "a", "2", Some("r")).is_some());
    assert!(place(there, "a", "2", Some("s")).is_none() && place(there, "a", "2", None).is_none());
    assert!(place(there, "a", "1", Some("r")).is_none());
}

#[test]
fn what_is_not_understood_is_told() {
    for text in ["match_type: regex\nsolvable_name: ^a\n", "query_string: a\n", "solvable_name: a b\n"] {
        let locks = Locks::parse(Path::new("l"), text);
        assert_eq!((locks.unsure.len(), locks.locks.len()), (1, 0), "{text}");
    }
    // Those of patches hold no package.
    assert!(Locks::parse(Path::new("l"), "type: patch\nquery_string: a\n").unsure.is_empty());
}

proptest::proptest! {
    #[test]
    fn whatever_comes_nothing_panics(
        text in "((type|repo|version|solvable_name|match_type|case_sensitive): ?[a-z<>=!:*\\[é0-9 .-]{0,8}\n|\n|\\PC{0,9}\n){0,9}"
    ) {
        place(&text, "aé", "1", None);
        place(&text, "aé", "1", Some("r"));
    }
}
