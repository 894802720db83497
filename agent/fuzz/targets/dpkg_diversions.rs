//! dpkg's diversions.

#![no_main]

guestward_fuzz::file_target!("var/lib/dpkg/diversions", ["files"], "");
