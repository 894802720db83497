//! The double of AWS, judged: every rule on both sides of its boundary, driven by AWS's own SDK; and by moto, an
//! emulator of others, as far as that knows the rules (`aws_double/witness.rs`).

mod access;
mod clients;
mod faults;
mod instance;
mod logs;
mod metadata;
mod reading;
mod ssm;
mod tls;
mod witness;

use crate::support::aws::{Account, Aws};

const ACCOUNT: Account = Account { id: "111122223333", region: "eu-central-1" };
const GROUP: &str = "/guestward/records";

/// A double with one group and one stream, `s`.
fn double() -> Aws {
    let aws = Aws::start(ACCOUNT);
    aws.group(GROUP).stream("s");
    aws
}
