//! audit.rules(7).

#![no_main]

guestward_fuzz::file_target!("etc/audit/rules.d/exec.rules", ["logging"], "");
