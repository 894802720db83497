//! rsyslog.conf(5), both of its languages.

#![no_main]

guestward_fuzz::file_target!("etc/rsyslog.conf", ["logging"], "");
