//! sshd_config(5), as far as sshd itself reads it.

#![no_main]

guestward_fuzz::file_target!("etc/ssh/sshd_config", ["ssh"], "");
