//! proc_pid_maps(5).

#![no_main]

guestward_fuzz::file_target!("proc/1/maps", ["packages"], "");
