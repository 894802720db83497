//! apt_preferences(5).

#![no_main]

guestward_fuzz::file_target!("etc/apt/preferences", ["packages"], "");
