//! The list of a package's files.

#![no_main]

guestward_fuzz::file_target!("var/lib/dpkg/info/fuzzed.list", ["files"], "");
