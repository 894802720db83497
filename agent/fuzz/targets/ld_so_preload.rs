//! ld.so(8), /etc/ld.so.preload.

#![no_main]

guestward_fuzz::file_target!("etc/ld.so.preload", ["files"], "");
