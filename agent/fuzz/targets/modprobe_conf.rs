//! modprobe.d(5).

#![no_main]

guestward_fuzz::file_target!("etc/modprobe.d/fuzzed.conf", ["network"], "");
