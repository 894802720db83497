//! Databases of packages.
