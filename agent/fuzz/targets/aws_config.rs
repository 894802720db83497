//! The configuration file of the AWS SDKs.

#![no_main]

guestward_fuzz::file_target!("root/.aws/config", ["credentials", "imds"], "");
