//! End-to-end and house tests: the built binary and the public rooms, on fixtures and on this very machine.
//!
//! Run by `tests/all`. They need root (fixtures have owners) and what `tests/all` installs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod accounts_differential;
mod apt_conf;
mod aws_double;
mod baseline;
mod baseline_store;
mod check_command;
mod controls;
mod credentials;
mod daemon;
mod dnf;
mod doctor;
mod enforce;
mod files_differential;
mod fixtures;
mod generated;
mod host;
mod hostile;
mod house;
mod identity;
mod imds;
mod journal;
mod journal_kill;
mod journal_verify;
mod licences;
mod network_differential;
mod ocsf;
mod packages;
mod pages;
mod policy;
mod processes;
mod recorded_differential;
mod recorded_rpm;
mod registry;
mod rpm;
mod ship;
mod ship_bench;
mod ship_cloudwatch;
mod ship_ssm;
mod ssh_keys;
mod ssh_logins;
mod sshd_differential;
mod state;
mod sudoers_differential;
mod support;
mod surroundings;
mod system_differential;
mod tree;
mod units;
mod verify_log_group;
mod zypper;
