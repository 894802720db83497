//! authorized_keys, sshd(8).

#![no_main]

guestward_fuzz::file_target!("home/admin/.ssh/authorized_keys", ["ssh"], "");
