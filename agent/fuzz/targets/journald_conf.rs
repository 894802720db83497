//! journald.conf(5).

#![no_main]

guestward_fuzz::file_target!("etc/systemd/journald.conf", ["logging"], "");
