//! rpm's database in its own form.

#![no_main]

guestward_fuzz::file_target!("usr/lib/sysimage/rpm/Packages.db", ["packages"], "remove var/lib/dpkg\n");
