//! proc_pid_status(5).

#![no_main]

guestward_fuzz::file_target!("proc/1/status", ["packages", "services"], "");
