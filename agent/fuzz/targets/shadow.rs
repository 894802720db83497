//! shadow(5).

#![no_main]

guestward_fuzz::file_target!("etc/shadow", ["accounts"], "");
