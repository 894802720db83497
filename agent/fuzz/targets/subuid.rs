//! subuid(5).

#![no_main]

guestward_fuzz::file_target!("etc/subuid", ["files"], "");
