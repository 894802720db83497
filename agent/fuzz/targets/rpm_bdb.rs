//! rpm's database in a hash of Berkeley DB.

#![no_main]

guestward_fuzz::file_target!("var/lib/rpm/Packages", ["packages"], "remove var/lib/dpkg\n");
