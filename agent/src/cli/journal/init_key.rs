//! `guestward journal init-key`: a first key, in a file that is to be kept elsewhere.

use std::io::Write;

use super::super::args::InitKeyArgs;
use super::super::{Exit, Failure, policy};
use crate::daemon::init_key::init_key;
use crate::finding::Text;
use crate::journal::places::Places;

pub(super) fn run(args: &InitKeyArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let policy = policy::load(args.policy.policy.as_ref())?;
    let first =
        init_key(&Places::from_env(), &policy, &args.file, args.new_epoch).map_err(Failure::trouble)?;
    let file = Text::from_bytes(args.file.as_os_str().as_encoded_bytes());
    let written = writeln!(
        out,
        "wrote the first key of epoch {} to {file}. Move it off this machine, and delete it here: whoever has it can \
         seal as this agent does. `guestward journal verify --key {file}` needs it.",
        first.epoch
    );
    let noted = if policy.seal_parameter().is_some() { write!(out, "{NOTE}") } else { Ok(()) };
    written.and(noted).map_err(|error| Failure::output(error, Exit::Clean))?;
    Ok(Exit::Clean)
}

const NOTE: &str = "The policy's [seal] parameter has the sensor make a key by itself for each epoch without one, and keep \
                    its first state in Parameter Store. This epoch has yours, which goes nowhere by itself.\n";
