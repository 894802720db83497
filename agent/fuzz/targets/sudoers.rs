//! sudoers(5).

#![no_main]

guestward_fuzz::file_target!("etc/sudoers", ["accounts"], "");
