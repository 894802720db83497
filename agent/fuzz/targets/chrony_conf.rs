//! chrony.conf(5).

#![no_main]

guestward_fuzz::file_target!("etc/chrony/chrony.conf", ["logging"], "");
