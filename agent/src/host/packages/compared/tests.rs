//! Differences are told one by one, and what is kept comes back as it was.

use super::*;
use crate::host::packages::advisory::Interval;

fn update(name: &str, architecture: &str, candidate: &str, state: PendingState) -> Pending {
    Pending {
        name: name.to_owned(),
        architecture: architecture.to_owned(),
        installed: "1".to_owned(),
        candidate: candidate.to_owned(),
        is_security: name == "openssl",
        state,
        origin: String::new(),
        reason: None,
        hidden_fix: None,
        advisories: Vec::new(),
        available: Interval::default(),
    }
}

fn answer(newer: &[(&str, &str)]) -> Answer {
    let newer = newer.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned()));
    Answer { newer: newer.collect(), ..Answer::default() }
}

const TIME: &str = "2026-11-22T03:00:00Z";

fn compare(manager: Manager, ours: &[Pending], answer: Answer) -> Compared {
    Compared::new(manager, "amd64", ours, Ok(answer), TIME.parse().unwrap())
}

fn lines(compared: &Compared) -> Vec<&str> {
    match &compared.outcome {
        Outcome::Differs(lines) => lines.iter().map(Text::as_str).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn apts_names_have_an_architecture_only_where_it_is_foreign() {
    let ours = [
        update("openssl", "amd64", "2", PendingState::Pending),
        update("tzdata", "all", "2", PendingState::Held),
        update("x", "i386", "2", PendingState::Pending),
        update("hidden", "amd64", "2", PendingState::Pinned),
    ];
    let said = answer(&[("openssl", "2"), ("tzdata", "2"), ("x:i386", "2")]);
    assert_eq!(compare(Manager::Apt, &ours, said).outcome, Outcome::Agreed(3));
}

#[test]
fn every_difference_is_a_line() {
    let ours =
        [update("a", "amd64", "2", PendingState::Pending), update("b", "amd64", "2", PendingState::Pending)];
    let compared = compare(Manager::Apt, &ours, answer(&[("b", "3"), ("c", "1")]));
    assert_eq!(
        lines(&compared),
        [
            "a 2: the package manager does not list it",
            "b: we say 2, the package manager says 3",
            "c 1: we do not list it"
        ]
    );
    let removed = Answer { removed: ["a".to_owned()].into(), ..answer(&[("b", "2")]) };
    assert_eq!(compare(Manager::Apt, &ours, removed).outcome, Outcome::Agreed(1));
}

#[test]
fn dnf_also_tells_what_is_security() {
    let ours = [
        update("openssl", "x86_64", "2", PendingState::Pending),
        update("zlib", "x86_64", "2", PendingState::Pending),
        update("locked", "x86_64", "2", PendingState::Held),
    ];
    let newer = answer(&[("openssl:x86_64", "2"), ("zlib:x86_64", "2")]);
    let said = |security: &[&str]| Answer {
        security: Some(security.iter().map(|name| (*name).to_owned()).collect()),
        ..newer.clone()
    };
    let same = compare(Manager::Dnf, &ours, said(&["openssl:x86_64"]));
    assert_eq!(same.outcome, Outcome::Agreed(2));
    let other = compare(Manager::Dnf, &ours, said(&["zlib:x86_64"]));
    assert_eq!(lines(&other).len(), 2, "{other:?}");
}

#[test]
fn what_zypper_would_not_go_to_is_kept_back_night_after_night() {
    let other = |name: &str, state, reason: &str| Pending {
        reason: Some(reason.to_owned()),
        ..update(name, "x86_64", "2", state)
    };
    let mut ours = vec![
        update("plain", "x86_64", "2", PendingState::Pending),
        update("needs", "x86_64", "3", PendingState::Pending),
        update("lower", "x86_64", "3", PendingState::Pending),
        other("gone", PendingState::Pending, "new takes its place"),
        other("foreign", PendingState::KeptBack, "zypper does not change the vendor"),
    ];
    let beyond = [("needs", "3"), ("lower", "3"), ("plain", "2"), ("foreign", "2")];
    let beyond = beyond.map(|(name, version)| (name.to_owned(), version.to_owned()));
    let newer = answer(&[("plain:noarch", "2"), ("lower:x86_64", "2")]);
    let said = Answer { beyond: beyond.into(), ..newer };
    for _ in 0..2 {
        let compared = compare(Manager::Zypper, &ours, said.clone());
        assert_eq!(compared.outcome, Outcome::Agreed(3));
        let kept: Vec<&str> = compared.kept_back.keys().map(String::as_str).collect();
        assert_eq!(kept, ["lower:x86_64", "needs:x86_64"]);
        compared.mark(&mut ours);
        assert_eq!(ours[1].state, PendingState::KeptBack);
    }
    let none = Answer { beyond: BTreeMap::new(), ..said };
    assert_eq!(lines(&compare(Manager::Zypper, &ours, none)).len(), 2);
}

#[test]
fn zyppers_notices_are_compared_by_their_ids() {
    use crate::host::packages::advisory::{Advisory, Kind};
    let notice =
        |id: &str, kind| Advisory { id: id.to_owned(), kind, urgency: None, issued: None, cves: Vec::new() };
    let advisories = vec![notice("S-1", Kind::Security), notice("R-1", Kind::Bugfix)];
    let mut ours = [Pending { advisories, ..update("a", "x86_64", "2", PendingState::Pending) }];
    let said = |ids: &[&str]| Answer {
        notices: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
        ..answer(&[("a:x86_64", "2")])
    };
    assert_eq!(compare(Manager::Zypper, &ours, said(&["S-1"])).outcome, Outcome::Agreed(1));
    let differs = compare(Manager::Zypper, &ours, said(&["S-2"]));
    assert_eq!(
        lines(&differs),
        ["S-1: the package manager does not list this notice", "S-2: we do not list this notice"]
    );
    ours[0].hidden_fix = Some("3 by S-2 (no enabled repository has it)".to_owned());
    assert_eq!(compare(Manager::Zypper, &ours, said(&["S-1", "S-2"])).outcome, Outcome::Agreed(1));
}

#[test]
fn what_is_kept_back_is_marked_as_long_as_it_is_the_same_candidate() {
    let mut ours =
        [update("a", "amd64", "2", PendingState::Pending), update("b", "all", "2", PendingState::Pending)];
    let said = Answer { kept_back: ["b".to_owned()].into(), ..answer(&[("a", "2"), ("b", "2")]) };
    let compared = compare(Manager::Apt, &ours, said);
    compared.mark(&mut ours);
    assert_eq!([ours[0].state, ours[1].state], [PendingState::Pending, PendingState::KeptBack]);
    let mut newer = [update("b", "all", "3", PendingState::Pending)];
    compared.mark(&mut newer);
    assert_eq!(newer[0].state, PendingState::Pending);
}

#[test]
fn what_is_kept_comes_back_and_what_is_damaged_does_not() {
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("state");
    std::fs::create_dir_all(state.join("packages")).unwrap();
    let host = || Host::at(root.path()).unwrap().state_at("/state");
    assert_eq!(Compared::of(&host()), Ok(None));
    let ours = [update("a", "amd64", "2", PendingState::Pending)];
    for said in [Ok(answer(&[("a", "2")])), Ok(answer(&[])), Err("no \u{1b}[31m apt".to_owned())] {
        let compared = Compared::new(Manager::Apt, "amd64", &ours, said, TIME.parse().unwrap());
        std::fs::write(state.join(FILE), compared.to_json()).unwrap();
        let back = Compared::of(&host()).unwrap().unwrap();
        assert_eq!(back, Compared { path: back.path.clone(), ..compared });
    }
    for torn in ["", "{}", "[]", r#"{"schema":"guestward.compared/1"}"#] {
        std::fs::write(state.join(FILE), torn).unwrap();
        assert!(Compared::of(&host()).is_err(), "{torn}");
    }
    std::fs::remove_file(state.join(FILE)).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", state.join(FILE)).unwrap();
    assert!(Compared::of(&host()).is_err());
}
