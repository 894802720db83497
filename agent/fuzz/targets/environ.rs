//! proc_pid_environ(5).

#![no_main]

guestward_fuzz::file_target!("proc/1/environ", ["credentials", "imds"], "");
