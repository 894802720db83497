//! The command line of `guestward enforce`.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{FormatArg, PolicyArg};

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct EnforceArgs {
    #[command(subcommand)]
    pub(in crate::cli) action: EnforceAction,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum EnforceAction {
    /// Show what would be written, and change nothing
    #[command(after_help = CODES)]
    Plan(EnforceWhat),
    /// Write what the policy asks for and is missing
    #[command(long_about = APPLY, after_help = CODES)]
    Apply(EnforceWhat),
    /// Remove what was written and is unchanged since
    #[command(long_about = UNDO, after_help = CODES)]
    Undo(EnforceWhat),
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct EnforceWhat {
    /// What to look after; everything when nothing is named
    #[arg(value_name = "WHAT", value_enum)]
    pub(in crate::cli) what: Vec<Part>,
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArg,
    #[command(flatten)]
    pub(in crate::cli) format: FormatArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Part {
    /// Files that nobody has a reason to open: [[files.decoys]] with plant
    Decoys,
}

const APPLY: &str = "Write what the policy asks for and is missing. A decoy is planted where nothing is: mode 0600, owned by \
    whoever has the directory, with content that is drawn for this machine and opens nothing. Nothing is written over, no \
    link is followed and no directory is made. What was planted is remembered, so that `undo` takes back exactly that and \
    `check` takes none of it for a key that leaked";

const UNDO: &str = "Remove what was written here and is unchanged since, whatever the policy asks for now. What somebody wrote \
    to, replaced or moved stays where it is, and is remembered no longer";

const CODES: &str = "Exit codes: 0 all is as the policy asks for, or was made so, or was taken back; 1 something would be \
    written (plan), or stands in the way; 2 usage, policy or internal error; 3 something could not be looked at (plan)";
