//! git-config(1), as far as addresses of remotes go.

#![no_main]

guestward_fuzz::file_target!("srv/app/.git/config", ["credentials"], "");
