//! Lists of several days, looked at one after the other.

use super::*;
use crate::host::packages::PendingState;
use crate::host::packages::dpkg::Package;
use proptest::prelude::*;

fn day(day: u8) -> Timestamp {
    format!("2026-11-{day:02}T00:00:00Z").parse().unwrap()
}

fn pending(installed: &str, candidate: &str, is_security: bool, listed: u8) -> Pending {
    Pending {
        name: "openssl".into(),
        architecture: "amd64".into(),
        installed: installed.into(),
        candidate: candidate.into(),
        is_security,
        state: PendingState::Pending,
        origin: String::new(),
        reason: None,
        hidden_fix: None,
        advisories: Vec::new(),
        available: Interval { not_before: None, not_after: Some(day(listed)) },
    }
}

fn installed(version: &str) -> Database {
    let package = Package::whole("openssl".into(), "amd64".into(), version.into(), "x".into());
    Database { packages: vec![package], ..Database::default() }
}

/// Lists of two archives.
fn lists(main: u8, security: u8) -> Metadata {
    Metadata {
        newest: Some(day(main.max(security))),
        lists: [("main".to_owned(), day(main)), ("security".to_owned(), day(security))].into(),
        ..Metadata::default()
    }
}

fn updates(pending: &[Pending]) -> Updates {
    Updates { pending: pending.to_vec(), ..Updates::default() }
}

/// The memory after a look, and what that look is to say of the only update.
fn look(
    memory: &Appeared,
    seen: &[Pending],
    metadata: &Metadata,
    installed: &Database,
) -> (Appeared, Interval) {
    let mut updates = updates(seen);
    let memory = memory.after(&updates, metadata, installed);
    let memory = Appeared::from_bytes(&memory.to_bytes()).unwrap();
    memory.narrow(&mut updates);
    (memory, updates.pending.first().map(|pending| pending.available).unwrap_or_default())
}

fn between(before: u8, after: u8) -> Interval {
    Interval { not_before: Some(day(before)), not_after: Some(day(after)) }
}

#[test]
fn what_appears_between_two_lists_keeps_these_two_dates() {
    let at = installed("1");
    let (memory, _) = look(&Appeared::default(), &[], &lists(1, 10), &at);
    let (memory, first) = look(&memory, &[pending("1", "2", true, 11)], &lists(1, 11), &at);
    assert_eq!(first, between(10, 11));
    let (memory, later) = look(&memory, &[pending("1", "2", true, 20)], &lists(1, 20), &at);
    assert_eq!(later, between(10, 11), "lists of a later day do not make it younger");
    // A second fix replaces the first one in the lists; the hole of the first has been open as long as before.
    let (memory, both) = look(&memory, &[pending("1", "3", true, 22)], &lists(1, 22), &at);
    assert_eq!(both, between(10, 11));
    let (memory, second) = look(&memory, &[pending("2", "3", true, 22)], &lists(1, 22), &installed("2"));
    assert_eq!(second, between(20, 22), "with the first one installed, the second counts");
    let (memory, none) = look(&memory, &[], &lists(1, 23), &installed("3"));
    assert_eq!(none, Interval::default());
    assert!(memory.waiting.is_empty(), "what was installed is forgotten");
}

#[test]
fn what_may_have_been_there_before_has_no_beginning() {
    let at = installed("1");
    let update = [pending("1", "2", true, 11)];
    let unknown = Interval { not_before: None, not_after: Some(day(11)) };
    assert_eq!(look(&Appeared::default(), &update, &lists(1, 11), &at).1, unknown, "nobody looked before");
    let (memory, _) = look(&Appeared::default(), &[], &lists(1, 11), &at);
    assert_eq!(
        look(&memory, &update, &lists(1, 11), &at).1,
        unknown,
        "the same lists: a pin, or a package, changed"
    );
    let one = Metadata { lists: [("main".to_owned(), day(1))].into(), ..Metadata::default() };
    let (memory, _) = look(&Appeared::default(), &[], &one, &at);
    assert_eq!(look(&memory, &update, &lists(2, 11), &at).1, unknown, "a source that is new");
    let (memory, _) = look(&Appeared::default(), &[], &lists(1, 10), &installed("0"));
    assert_eq!(look(&memory, &update, &lists(1, 11), &at).1, unknown, "an old version was installed since");
}

#[test]
fn of_several_lists_that_changed_the_earliest_counts() {
    let at = installed("1");
    let (memory, _) = look(&Appeared::default(), &[], &lists(1, 10), &at);
    assert_eq!(look(&memory, &[pending("1", "2", false, 9)], &lists(9, 11), &at).1, between(1, 9));
}

#[test]
fn an_ordinary_update_is_no_age_of_a_security_update() {
    let at = installed("1");
    let (memory, _) = look(&Appeared::default(), &[], &lists(1, 2), &at);
    let (memory, _) = look(&memory, &[pending("1", "2", false, 5)], &lists(5, 2), &at);
    let (memory, security) = look(&memory, &[pending("1", "3", true, 9)], &lists(5, 9), &at);
    assert_eq!(security, between(2, 9));
    let (_, ordinary) = look(&memory, &[pending("1", "4", false, 11)], &lists(5, 11), &at);
    assert_eq!(ordinary, between(1, 5));
}

#[test]
fn a_look_that_could_not_see_everything_changes_nothing() {
    let at = installed("1");
    let (memory, _) = look(&Appeared::default(), &[], &lists(1, 10), &at);
    let blind = Metadata { missing: vec!["a list".into()], ..lists(1, 11) };
    assert_eq!(memory.after(&updates(&[]), &blind, &at), memory);
    let unsure = Updates { unsure: vec![Unreadable::not_asked("x")], ..Updates::default() };
    assert_eq!(memory.after(&unsure, &lists(1, 11), &at), memory);
    let (_, seen) = look(&memory, &[pending("1", "2", true, 12)], &lists(1, 12), &at);
    assert_eq!(seen, between(10, 12), "and the one before it still counts");
}

#[test]
fn what_contradicts_the_lists_is_not_said() {
    let at = installed("1");
    let (memory, _) = look(&Appeared::default(), &[], &lists(1, 20), &at);
    let stated = Pending { available: between(5, 6), ..pending("1", "2", true, 6) };
    assert_eq!(look(&memory, &[stated], &lists(1, 21), &at).1, between(5, 6));
}

#[test]
fn what_is_no_memory_is_an_error() {
    for text in [
        "",
        "{}",
        r#"{"schema":"guestward.appeared/2","lists":{},"installed":"","waiting":[],"recorded":null}"#,
    ] {
        assert!(Appeared::from_bytes(text.as_bytes()).is_err(), "{text}");
    }
    let root = tempfile::tempdir().unwrap();
    let host = Host::at(root.path()).unwrap().state_at("/");
    assert_eq!(Appeared::of(&host), Ok(None));
    std::fs::create_dir(root.path().join(FOLDER)).unwrap();
    let path = root.path().join(FOLDER).join(NAME);
    std::fs::write(&path, Appeared::default().to_bytes()).unwrap();
    assert_eq!(Appeared::of(&host), Ok(Some(Appeared::default())));
    std::fs::write(&path, "{").unwrap();
    assert!(Appeared::of(&host).is_err());
}

proptest! {
    #[test]
    fn an_age_only_ever_becomes_more_exact(
        days in proptest::collection::vec((1u8..28, 1u8..28, 0u8..3, 0u8..4, any::<bool>()), 1..8)
    ) {
        let mut memory = Appeared::default();
        for (main, security, at, ahead, is_security) in days {
            let at = at.to_string();
            let seen = if ahead == 0 { vec![] } else { vec![pending(&at, &format!("{ahead}"), is_security, main)] };
            let said = seen.first().map(|pending| pending.available).unwrap_or_default();
            let (next, narrowed) = look(&memory, &seen, &lists(main, security), &installed(&at));
            prop_assert!(narrowed.not_before >= said.not_before);
            prop_assert!(narrowed.not_after <= said.not_after);
            prop_assert!(narrowed.not_before.zip(narrowed.not_after).is_none_or(|(a, b)| a <= b));
            memory = next;
        }
    }

    #[test]
    fn no_bytes_stop_it(at in 0usize..500, with in any::<u8>()) {
        let (memory, _) = look(&Appeared::default(), &[pending("1", "2", true, 3)], &lists(1, 3), &installed("1"));
        let mut bytes = memory.to_bytes();
        let at = at % bytes.len();
        bytes[at] = with;
        let _ = Appeared::from_bytes(&bytes);
        bytes.truncate(at);
        prop_assert!(Appeared::from_bytes(&bytes).is_err());
    }
}

#[test]
fn a_package_with_two_rows_is_remembered_with_both() {
    let at = installed("1");
    let (memory, _) = look(&Appeared::default(), &[], &lists(1, 10), &at);
    let pinned = Pending { state: PendingState::Pinned, ..pending("1", "3", true, 11) };
    let both = [pending("1", "2", false, 11), pinned];
    let (memory, _) = look(&memory, &both, &lists(2, 11), &at);
    let mut later = updates(&both);
    memory.after(&later, &lists(2, 20), &at).narrow(&mut later);
    assert!(later.pending.iter().all(|pending| pending.available == between(1, 11)), "{later:?}");
}
