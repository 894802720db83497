//! rpm's database in SQLite.

#![no_main]

guestward_fuzz::file_target!("var/lib/rpm/rpmdb.sqlite", ["packages"], "remove var/lib/dpkg\n");
