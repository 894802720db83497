//! dpkg's overrides of owners and modes.

#![no_main]

guestward_fuzz::file_target!("var/lib/dpkg/statoverride", ["files"], "");
