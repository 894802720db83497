//! The kernel's list of AppArmor profiles.

#![no_main]

guestward_fuzz::file_target!("sys/kernel/security/apparmor/profiles", ["kernel"], "");
