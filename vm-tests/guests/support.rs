//! What stands around a guest: the doubles of AWS and of its metadata service. `support/` is a link to that of the
//! end-to-end tests, which use them as well.

#![allow(dead_code, unused_imports, reason = "the end-to-end tests use the rest")]

pub(crate) mod aws;
pub(crate) mod keys;
