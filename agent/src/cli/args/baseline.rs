//! The command line of `guestward baseline`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::{FormatArg, PolicyArg, TargetArgs};

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct BaselineArgs {
    #[command(subcommand)]
    pub(in crate::cli) action: BaselineAction,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BaselineAction {
    /// Record the state of every file that a rule is about: what is there now is what was agreed
    #[command(long_about = CREATE)]
    Create(CreateArgs),
    /// Compare everything with the baseline: what differs, and whether a package accounts for it
    #[command(long_about = DIFF, after_help = DIFF_CODES)]
    Diff(DiffArgs),
    /// Take what differs into the baseline, with your name and reason
    #[command(long_about = ACCEPT)]
    Accept(AcceptArgs),
    /// Sign the baseline, so that who has the public key knows what the builder of an image saw
    #[command(long_about = SEAL)]
    Seal(SealArgs),
    /// Prove that the baseline is whole, is the one that the journal names, and carries its seal
    Verify(VerifyArgs),
    /// Show what was agreed of a path and how it was last verified; or the whole baseline's particulars
    Show(ShowArgs),
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct CreateArgs {
    /// Replace the baseline that is there. What was agreed before is forgotten, and the reason is recorded
    #[arg(long, requires = "reason")]
    pub(in crate::cli) replace: bool,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(in crate::cli) reason: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) target: TargetArgs,
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArg,
    #[command(flatten)]
    pub(in crate::cli) format: FormatArg,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct DiffArgs {
    /// Only what is at or below these paths, absolute below the root
    #[arg(value_name = "PATH")]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// Do not read what has the inode, size, ctime and flags that were agreed: as fast as a walk, and verified by metadata only
    #[arg(long)]
    pub(in crate::cli) quick: bool,
    /// List what a package accounts for, and what differs in its times only, one by one
    #[arg(long)]
    pub(in crate::cli) all: bool,
    #[command(flatten)]
    pub(in crate::cli) target: TargetArgs,
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArg,
    #[command(flatten)]
    pub(in crate::cli) format: FormatArg,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct AcceptArgs {
    /// What differs at or below these paths, absolute below the root
    #[arg(value_name = "PATH", required_unless_present_any = ["package", "all"], conflicts_with_all = ["package", "all"])]
    pub(in crate::cli) paths: Vec<PathBuf>,
    /// What differs and is as this package records it, or went with it; may be given more than once
    #[arg(long, value_name = "PACKAGE", conflicts_with = "all")]
    pub(in crate::cli) package: Vec<String>,
    /// Whatever differs
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// Why; it is recorded with your name and the time
    #[arg(long, value_name = "TEXT", required = true, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(in crate::cli) reason: String,
    #[command(flatten)]
    pub(in crate::cli) target: TargetArgs,
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArg,
    #[command(flatten)]
    pub(in crate::cli) format: FormatArg,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct SealArgs {
    /// An Ed25519 private key in PEM, as `openssl genpkey -algorithm ed25519` writes it. Keep it off the machine
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) key: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) target: TargetArgs,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct VerifyArgs {
    /// The public key that must have sealed it, in PEM [default: files.seal-key of the policy]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) key: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) target: TargetArgs,
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArg,
    #[command(flatten)]
    pub(in crate::cli) format: FormatArg,
}

#[derive(Debug, ClapArgs)]
pub(in crate::cli) struct ShowArgs {
    /// A path, absolute below the root
    #[arg(value_name = "PATH")]
    pub(in crate::cli) path: Option<PathBuf>,
    /// The digest of each directory down to so many levels: two machines compare them to find where they differ
    #[arg(long, value_name = "LEVELS", num_args = 0..=1, default_missing_value = "1")]
    pub(in crate::cli) digests: Option<usize>,
    #[command(flatten)]
    pub(in crate::cli) target: TargetArgs,
    #[command(flatten)]
    pub(in crate::cli) format: FormatArg,
}

const CREATE: &str = "Record the full state of every object that a rule of the policy is about: content by its hash, type, \
    permissions, owner, links, extended attributes, flags, times, and the package that it belongs to. What is there now is \
    what was agreed, so make it while you trust the machine. A baseline that is there is never replaced without being \
    asked: accept what changed instead. One that was interrupted goes on where it was, if nothing speaks against it";

const DIFF: &str = "Compare everything with the baseline, at the speed of the disk. What differs is grouped by what accounts \
    for it: nothing; a configuration file changed by hand; a package that records just this content. Each content is read; \
    with --quick only what has another inode, size, time of last change or flags than was agreed, which finds every change \
    but one that hides behind a clock that was set back, or that went past the file system: such files are told as verified \
    by metadata, never by hash. What changes while it is read is read again, and told as unstable";

const DIFF_CODES: &str = "Exit codes: 0 nothing differs; 1 something does; 2 usage or policy error, no baseline, or one that \
    is damaged; 3 something could not be looked at, and nothing differs";

const ACCEPT: &str = "Take what differs into the baseline: everything at or below some paths, what a package's update accounts \
    for, or all of it. Who, why and when become part of the baseline, and a record of the journal. What is accepted is what \
    is there when it is read now, and it is shown";

const SEAL: &str = "Sign the baseline at the end of building an image. Every machine that starts from the image and has the \
    public key (files.seal-key of its policy) compares itself with what the builder saw, and says so when the baseline was \
    replaced. What is accepted afterwards is told apart. openssl genpkey -algorithm ed25519 -out baseline.key; openssl pkey \
    -in baseline.key -pubout -out baseline.pub";
