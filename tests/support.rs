//! What several tests need: small trees, and the binary under test.

pub(crate) mod aws;
pub(crate) mod binary;
pub(crate) mod browser;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod metadata_loopback;
pub(crate) mod metadata_service;
pub(crate) mod mounts;
pub(crate) mod namespace;
pub(crate) mod rpm;
pub(crate) mod tree;
