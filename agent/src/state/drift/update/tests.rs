//! Runs of a package manager: what is told at once, and what no later look tells again.

use std::sync::Arc;

use super::*;
use crate::baseline::drift::Accounted as Says;
use crate::finding::wire::body::MAX_BODY;
use crate::host::actor::{Actor, Program};
use crate::state::drift::live::tests::{looked, touched};
use crate::state::drift::tests::{NOBODY, NOTHING, at, drift, lines, report};
use crate::watch::files::How;

fn of(path: &str, program: &str, by_manager: bool) -> OfUpdate {
    let program = Program { path: program.into(), ..Program::default() };
    let actor = Actor { pid: 9, program: Some(program), ..Actor::default() };
    let touched = touched(path, How::WRITTEN);
    OfUpdate {
        touched: crate::watch::files::Touched { actors: vec![Arc::new(actor)], ..touched },
        by_manager,
    }
}

fn update(touched: Vec<OfUpdate>) -> Update {
    Update { manager: "dpkg", by: Arc::default(), began: at(3), ended: at(4), touched, is_cut: false }
}

fn says(path: &str, package: &str, records: Records) -> Drift {
    Drift { package: Some(Says { package: package.into(), records }), ..drift(path) }
}

#[test]
fn one_record_has_all_that_the_run_accounts_for_and_no_sweep_tells_it_again() {
    let drifts = [
        says("/boot/initrd.img-6.1", "kernel 2", Records::Differs),
        says("/etc/evil", "openssl 3", Records::Configuration),
        says("/usr/bin/openssl", "openssl 3", Records::Same),
        says("/usr/lib/libssl.so", "openssl 3", Records::Listed),
        says("/usr/lib/link", "openssl 3", Records::Listed),
    ];
    let run = update(vec![
        of("/boot/initrd.img-6.1", "/usr/sbin/mkinitramfs", false),
        of("/etc/evil", "/usr/bin/dash", false),
        of("/usr/bin/openssl", "/usr/bin/dpkg", true),
        of("/usr/lib/libssl.so", "/usr/bin/dpkg", true),
        of("/usr/lib/link", "/usr/bin/dash", false),
    ]);
    let paths: Vec<&str> = drifts.iter().map(|drift| std::str::from_utf8(&drift.path).unwrap()).collect();
    let mut state = DriftState::new("e");
    let told = state.update(&looked(&drifts, &paths), &run, &Vouchers::new(), at(5));
    assert_eq!(
        lines(&told),
        ["new /etc/evil high", "new /usr/lib/link high", "applied dpkg 3 informational"]
    );
    let DriftBody::Object(evil) = &told[0] else { panic!() };
    assert_eq!((evil.noticed.claims, evil.noticed.by_manager), (Some(Claims::Update), Some(false)));
    let DriftBody::Update(told) = &told[2] else { panic!() };
    let kinds: Vec<_> = told.byproducts.iter().map(|one| (one.kind.as_str(), one.count)).collect();
    assert_eq!(kinds, [("initramfs", 1), ("listed", 1)]);
    assert_eq!((told.packages[0].package.as_str(), told.packages[0].count), ("openssl 3", 1));
    assert_eq!((told.unexplained, told.parts), (2, 1));
    assert_eq!(lines(&state.compare(&report(&drifts), &NOBODY, at(6))), NOTHING);
    let other = Drift { severity: Severity::Critical, ..drifts[0].clone() };
    let mut later = drifts.clone();
    later[0] = other;
    assert_eq!(
        lines(&state.compare(&report(&later), &NOBODY, at(6))),
        ["new /boot/initrd.img-6.1 critical"],
        "it is not as the update left it"
    );
}

#[test]
fn what_is_put_aside_waits_and_what_only_looks_so_does_not() {
    let urgent = |path: &str, matter| is_urgent(&Drift { matter: Some(matter), ..drift(path) });
    assert!(!urgent("/etc/cron.d/x.dpkg-remove", Matter::Cron));
    assert!(!urgent("/etc/cron.d/x.rpmsave", Matter::Cron));
    assert!(urgent("/etc/cron.d/x", Matter::Cron));
    assert!(
        urgent("/etc/cron.d/x;5f3b1c2d", Matter::Cron),
        "rpm's own name for what it writes, and cron reads it"
    );
    assert!(urgent("/etc/systemd/system/x.dpkg-new.service", Matter::Unit), "systemd reads it");
    assert!(urgent("/usr/bin/x.dpkg-new", Matter::SetId));
    assert!(!is_urgent(&drift("/etc/x")));
}

/// dpkg makes a directory once, and does not touch it when there is a next version.
#[test]
fn what_an_update_made_is_not_told_again_after_the_next() {
    let directory = |version: &str| says("/usr/share/shop", version, Records::Listed);
    let mut state = DriftState::new("e");
    let run = update(vec![of("/usr/share/shop", "/usr/bin/dpkg", true)]);
    let told =
        state.update(&looked(&[directory("shop 1")], &["/usr/share/shop"]), &run, &Vouchers::new(), at(5));
    assert_eq!(lines(&told), ["applied dpkg 1 informational"]);
    assert_eq!(lines(&state.compare(&report(&[directory("shop 2")]), &NOBODY, at(6))), NOTHING);
    let unread = says("/usr/share/shop", "the status is not there", Records::Unknown);
    assert_eq!(lines(&state.compare(&report(&[unread]), &NOBODY, at(7))), NOTHING);
}

#[test]
fn what_was_open_is_so_no_more_when_its_package_brings_it() {
    let mut state = DriftState::new("e");
    state.compare(&report(&[drift("/usr/a"), drift("/usr/b"), drift("/usr/gone")]), &NOBODY, at(1));
    let drifts = [says("/usr/a", "openssl 3", Records::Same), says("/usr/b", "openssl 3", Records::Listed)];
    let run = update(vec![of("/usr/a", "/usr/bin/dpkg", true), of("/usr/b", "/usr/bin/dpkg", true)]);
    let told =
        state.update(&looked(&drifts, &["/usr/a", "/usr/b", "/usr/gone"]), &run, &Vouchers::new(), at(5));
    let ended =
        ["changed /usr/a informational", "changed /usr/b informational", "reverted /usr/gone informational"];
    assert_eq!(lines(&told)[..3], ended);
    assert_eq!((state.count(), told.len()), (0, 4));
    assert_eq!(lines(&state.compare(&report(&drifts), &NOBODY, at(6))), NOTHING);
}

#[test]
fn the_next_version_takes_the_place_of_the_one_before() {
    let mut state = DriftState::new("e");
    for version in ["openssl:amd64 1", "openssl:amd64 2"] {
        let drifts = [says("/usr/a", version, Records::Same)];
        let run = update(vec![of("/usr/a", "/usr/bin/dpkg", true)]);
        assert_eq!(
            lines(&state.update(&looked(&drifts, &["/usr/a"]), &run, &Vouchers::new(), at(5))),
            ["applied dpkg 1 informational"]
        );
        assert_eq!(lines(&state.compare(&report(&drifts), &NOBODY, at(6))), NOTHING);
    }
    assert_eq!(state.packages().count(), 1);
}

#[test]
fn a_program_that_runs_as_another_user_is_told_whoever_brings_it() {
    let bad = Drift {
        matter: Some(Matter::SetId),
        severity: Severity::Critical,
        ..says("/usr/bin/su", "login 1", Records::Listed)
    };
    let run = update(vec![of("/usr/bin/su", "/usr/bin/dpkg", true)]);
    let told = DriftState::new("e").update(&looked(&[bad], &["/usr/bin/su"]), &run, &Vouchers::new(), at(5));
    assert_eq!(lines(&told)[0], "new /usr/bin/su critical");
}

#[test]
fn what_somebody_else_did_in_a_directory_of_the_update_stays_his() {
    let mut state = DriftState::new("e");
    let drifts = [says("/usr/new/x", "openssl 3", Records::Same)];
    let by_hand = touched("/usr/new/x", How::WRITTEN);
    let of_hand = BTreeMap::from([(by_hand.path.clone(), &by_hand)]);
    state.live(&looked(&drifts, &["/usr/new/x"]), &of_hand, at(4));
    let mut folder = of("/usr/new", "/usr/bin/dpkg", true);
    folder.touched.is_tree = true;
    state.update(&looked(&drifts, &["/usr/new/"]), &update(vec![folder]), &Vouchers::new(), at(5));
    assert_eq!(state.count(), 1);
    let written = update(vec![of("/usr/new/x", "/usr/bin/dpkg", true)]);
    state.update(&looked(&drifts, &["/usr/new/x"]), &written, &Vouchers::new(), at(5));
    assert_eq!(state.count(), 0, "its package brought it anew");
}

#[test]
fn a_run_that_fills_several_records_is_whole_when_they_are_read_back() {
    let paths: Vec<String> = (0..4_000).map(|number| format!("/usr/lib/some/where/{number:05}")).collect();
    let drifts: Vec<Drift> =
        paths.iter().map(|path| says(path, &format!("p{} 1", &path[22..]), Records::Listed)).collect();
    let explained: Vec<Drift> =
        paths.iter().map(|path| says(path, &format!("p{path} 1"), Records::Same)).collect();
    for drifts in [drifts, explained] {
        let run = update(paths.iter().map(|path| of(path, "/usr/bin/dpkg", true)).collect());
        let mut state = DriftState::new("e");
        let names: Vec<&str> = paths.iter().map(String::as_str).collect();
        let told = state.update(&looked(&drifts, &names), &run, &Vouchers::new(), at(5));
        assert!(told.len() > 1, "{}", told.len());
        let mut back = DriftState::new("e");
        for (seq, body) in (1..).zip(&told) {
            let json = body.to_json();
            assert!(json.len() < MAX_BODY, "{}", json.len());
            back.replay(seq, &DriftBody::parse(&json).unwrap());
        }
        assert_eq!((&back.accounted, &back.packages), (&state.accounted, &state.packages));
        assert_eq!(lines(&back.compare(&report(&drifts), &NOBODY, at(6))), NOTHING);
    }
}
