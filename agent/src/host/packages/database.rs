//! Databases on the disk, read without the programs that they belong to: bytes at positions, and never more of them than
//! there are.

pub(super) mod field;
pub(super) mod source;
pub(super) mod sqlite;
