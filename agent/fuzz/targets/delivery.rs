//! What the shipper says stands in the way of delivery.

#![no_main]

guestward_fuzz::file_target!("var/lib/guestward/cursors/delivery.json", ["logging"], "");
