//! Guests in QEMU, made to look like EC2 instances: what the tests in `guests/` stand on.
//!
//! From the bottom: [`need`] says what the host lacks; [`image`] makes a disk and a kernel of a Debian suite, once, in
//! [`cache`]; [`network`] gives a test a network namespace with nothing in it but the guest's cable; [`qemu`] is the
//! process and [`qmp`] its monitor; [`agent`] runs commands in the guest over a serial line, whatever its network
//! does; [`snapshot`] boots an image once and gives each test that running machine; [`guest`] is what a test holds.

pub mod agent;
pub mod cache;
pub mod guest;
pub mod image;
pub mod initrd;
pub mod line;
pub mod need;
pub mod network;
pub mod qemu;
pub mod qmp;
pub mod shell;
pub mod snapshot;
pub mod suite;

pub use guest::Guest;
pub use suite::Suite;
