//! The sensor, the shipper and the status as an operator meets them: the built binary, in a state directory of its own.

mod changes;
mod clock;
mod confined;
mod copied;
mod delivery;
mod disk;
mod first_key;
mod identity;
mod integrity;
mod kept;
mod live;
mod modes;
mod own_key;
mod patches;
mod pipe;
mod quiet;
mod reload;
mod rig;
mod runs;
mod status;
mod systemd;
mod updates;
#[path = "daemon/updates_rpm.rs"]
mod updates_rpm;
mod watched;
