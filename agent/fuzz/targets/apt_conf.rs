//! apt.conf(5).

#![no_main]

guestward_fuzz::file_target!("etc/apt/apt.conf", ["packages"], "");
