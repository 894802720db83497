//! guestward in guests that boot, break and lose their power.
//!
//! A test is a function of a [`Suite`] that panics when a promise is broken, and a row in [`tests`]. It stands on
//! [`ec2::Ec2`], an instance with AWS around it:
//!
//! ```ignore
//! pub(crate) fn a_stopped_sensor_starts_again(suite: Suite) {
//!     let ec2 = Ec2::installed(suite);
//!     ec2.guest.sh("systemctl kill --signal=KILL guestward");
//!     ec2.until_active();
//! }
//! ```
//!
//! `cargo test -p vm-tests -- NAME…` runs those whose names have a word in them. `GUESTWARD_PACKAGES` names a
//! directory with packages to test; without it they are made first.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod clock;
mod disk;
mod ec2;
mod figures;
mod files;
mod golden;
mod install;
mod link;
mod live;
mod made;
mod packages;
mod power;
mod processes;
mod support;
mod time;
mod upgrade;

use std::any::type_name;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Trial};
use vm_tests::Suite::{self, Bookworm, Bullseye, Trixie};
use vm_tests::{need, network};

fn tests() -> Vec<Trial> {
    [
        on_the_host(packages::lintian_has_nothing_to_say),
        on_the_host(packages::rpmlint_has_nothing_to_say),
        on_the_host(packages::every_exception_has_its_reason),
        on_the_host(packages::each_file_is_where_it_belongs_with_root_for_its_owner),
        on_the_host(packages::settings_are_never_overwritten),
        on_the_host(packages::both_hold_the_same_program),
        on_the_host(packages::the_program_needs_no_glibc_after_2_17),
        on_the_host(packages::the_program_does_not_tell_where_it_was_built),
        on_the_host(packages::amazon_linux_2_can_read_the_rpm),
        on_the_host(packages::the_policy_that_comes_along_changes_nothing),
        on_the_host(packages::each_line_of_the_policy_shows_what_holds_without_it),
        on_the_host(packages::the_same_program_makes_the_same_packages),
        on_the_host(packages::an_image_gets_the_program_and_no_state),
        on_the_host(packages::a_system_without_sysusers_gets_the_users_all_the_same),
        on_the_host(packages::a_service_that_does_not_start_breaks_nothing),
        on_the_host(packages::whoever_forbids_services_to_start_is_obeyed),
        on_the_host(packages::an_upgrade_and_a_removal_keep_what_was_recorded_and_purge_does_not),
        on_the_host(packages::what_was_turned_off_stays_off_and_removal_forgets_nothing),
        on_the_host(packages::the_rpm_installs_upgrades_and_goes),
        // What nobody else can tell comes first, for the time may be short.
        in_guests(install::the_package_is_all_it_takes, &[Bookworm]),
        in_guests(files::the_sensor_tells_what_differs_from_what_root_agreed_on, &[Bookworm]),
        in_guests(live::whoever_changes_a_file_is_named, &[Bookworm]),
        in_guests(files::a_sealed_file_is_known_by_what_the_kernel_measured, &[Bookworm]),
        in_guests(power::what_was_accepted_survives_power_cuts, &[Bookworm]),
        in_guests(
            processes::a_daemon_that_is_killed_starved_or_hangs_is_back_and_nothing_is_lost,
            &[Bookworm],
        ),
        in_guests(
            disk::a_disk_that_is_full_read_only_or_fails_costs_nothing_that_memory_can_hold,
            &[Bookworm],
        ),
        in_guests(link::records_wait_for_the_link, &[Bookworm]),
        in_guests(golden::two_instances_of_an_image_are_two_agents, &[Bookworm]),
        in_guests(upgrade::an_upgrade_loses_nothing_a_removal_keeps_and_a_purge_leaves_nothing, &[Bookworm]),
        in_guests(clock::two_days_back_and_a_year_ahead, &[Bookworm]),
        in_guests(install::the_package_is_all_it_takes, &[Bullseye, Trixie]),
        // Twice the time for the same scripts.
        in_guests(
            upgrade::an_upgrade_loses_nothing_a_removal_keeps_and_a_purge_leaves_nothing,
            if figures::is_long() { &[Bullseye] } else { &[] },
        ),
        in_guests(figures::what_it_costs, &[Bookworm]),
        // Minutes each.
        in_guests(
            live::whoever_changes_a_file_is_named,
            if figures::is_long() { &[Bullseye, Trixie] } else { &[] },
        ),
        in_guests(live::patch_day_is_one_record, if figures::is_long() { &[Bookworm] } else { &[] }),
        in_guests(live::a_flood_hides_nothing, if figures::is_long() { &[Bookworm] } else { &[] }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A test that needs no guest.
fn on_the_host<T: Fn() + Copy + Send + 'static>(test: T) -> Vec<Trial> {
    let run = move || {
        test();
        Ok(())
    };
    vec![Trial::test(type_name::<T>().trim_start_matches("guests::"), run)]
}

/// A test, in a guest of each suite and on a network of its own.
fn in_guests<T: Fn(Suite) + Copy + Send + 'static>(test: T, suites: &'static [Suite]) -> Vec<Trial> {
    // `guests::install::the_package_is_all_it_takes`, as the compiler calls the function.
    let name = type_name::<T>().trim_start_matches("guests::");
    let one = |&suite: &Suite| {
        let name = format!("{suite}::{name}");
        Trial::ignorable_test(name.clone(), move || {
            if is_late() {
                return Ok(Completion::ignored_with("no time left (GUESTWARD_VM_MINUTES)"));
            }
            network::inside(&name, move || test(suite));
            Ok(Completion::Completed)
        })
    };
    suites.iter().map(one).collect()
}

/// Whether the minutes that guests were given are over. Emulated, they take five times as long on a machine that has
/// other work, and whoever waits for the rest of a run may have a limit; what gets no turn counts as skipped.
fn is_late() -> bool {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let minutes = std::env::var("GUESTWARD_VM_MINUTES").ok();
    let minutes: Option<u64> = minutes.map(|minutes| minutes.parse().expect("GUESTWARD_VM_MINUTES: minutes"));
    let began = BEGAN.get_or_init(Instant::now);
    minutes.is_some_and(|minutes| began.elapsed() > Duration::from_secs(minutes * 60))
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // The minutes begin.
    is_late();
    let mut tests = tests();
    let missing = need::missing();
    if !missing.is_empty() && !arguments.list {
        let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        let _ = writeln!(io::stderr(), "no guest can run here; missing: {}", missing.join("; "));
        if is_ci {
            return ExitCode::FAILURE;
        }
        tests = tests.into_iter().map(|test| test.with_ignored_flag(true)).collect();
    }
    libtest_mimic::run(&arguments, tests).exit_code()
}
