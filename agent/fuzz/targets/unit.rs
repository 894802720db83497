//! systemd.syntax(7), systemd.service(5).

#![no_main]

guestward_fuzz::file_target!("usr/lib/systemd/system/cron.service", ["services", "credentials"], "");
