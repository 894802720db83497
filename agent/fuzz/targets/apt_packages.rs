//! apt's Packages index.

#![no_main]

guestward_fuzz::file_target!("var/lib/apt/lists/deb.example_debian-security_dists_bookworm-security_main_binary-amd64_Packages", ["packages"], "");
