//! /proc/net/tcp, proc_net(5).

#![no_main]

guestward_fuzz::file_target!("proc/net/tcp", ["network"], "");
