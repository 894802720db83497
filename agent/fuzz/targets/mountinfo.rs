//! proc_pid_mountinfo(5).

#![no_main]

guestward_fuzz::file_target!("proc/1/mountinfo", ["files", "packages"], "");
