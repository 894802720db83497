//! dpkg's status.

#![no_main]

guestward_fuzz::file_target!("var/lib/dpkg/status", ["packages"], "");
