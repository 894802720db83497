//! guestward keeps the customer's half of the shared-responsibility model inside an EC2 instance.
//!
//! The map. Facts flow one way, and each room knows only the rooms before it:
//!
//! ```text
//!          policy                        what the operator wants
//!            |
//! host -> check -> finding               what is true, whether that is good, and how it is told
//!                     |
//!  watch -> daemon: state -> journal     when to look, what changed, and what is kept
//!                               |
//!                              ship      out of the box
//!                              fleet     what arrived there
//! ```
//!
//! - [`sys`] asks the kernel what no file tells, and holds what a daemon needs of it.
//! - [`host`] turns the machine below a root directory into types. Facts only.
//! - [`watch`] waits for what a posture depends on to change.
//! - [`finding`] has the words: verdict, severity, evidence, finding; `finding/wire.rs` their JSON.
//! - [`baseline`] holds what was agreed of the files, and says how they differ from it.
//! - [`policy`] says what the operator wants; `policy/file.rs` reads how it was written.
//! - [`state`] remembers what is open: posture after posture becomes changes.
//! - [`check`] holds the opinions, as pure functions of facts, and the one list of them.
//! - [`journal`] keeps what was found: on the disk before anybody is told.
//! - [`ship`] carries the journal to where it is kept.
//! - [`fleet`] asks CloudWatch what arrived there.
//! - [`enforce`] changes what the policy asks for, when a person says so, and takes it back.
//! - [`daemon`] decides when: the sensor's threads, channels and its one loop.
//! - [`cli`] parses the command line, asks the rooms above, prints, and picks the exit code.

pub mod baseline;
pub mod check;
pub mod cli;
pub mod daemon;
pub mod enforce;
pub mod finding;
pub mod fleet;
pub mod host;
pub mod journal;
pub mod policy;
pub mod ship;
pub mod state;
pub mod sys;
pub mod watch;
