//! The command line, as it was typed. The man page and the shell completions are generated from it.

mod baseline;
mod enforce;
mod since;

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, CommandFactory as _, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::check;
use crate::finding::Severity;
use crate::finding::wire::record::{Id, Kind};
use crate::host::imds::Endpoint;
pub(super) use baseline::{
    AcceptArgs, BaselineAction, BaselineArgs, CreateArgs, DiffArgs, SealArgs, ShowArgs,
    VerifyArgs as VerifyBaselineArgs,
};
pub(super) use enforce::{EnforceAction, EnforceArgs, EnforceWhat};

/// The command with everything in it, for the manual and the completions.
pub fn command() -> clap::Command {
    Args::command()
}

#[derive(Debug, Parser)]
#[command(
    name = "guestward",
    version,
    about = "Keeps the customer's half of the shared-responsibility model inside an EC2 instance",
    long_about = "guestward looks at the half of an EC2 instance that AWS leaves to its customer: who can get in, \
                  who can become root, what listens, which keys lie about, which updates are missing. It says what \
                  is wrong, proves it with the file and line, tells why it matters and how to mend it. `guestward \
                  check` needs no root and no configuration; on EC2 it asks the instance's own metadata service, and \
                  otherwise it uses no network.",
    after_help = "Exit codes: 0 nothing failed at or above --fail-on; 1 something did; 2 usage, policy or internal \
                  error; 3 something could not be looked at, and nothing failed at or above --fail-on. For \
                  `packages`, 1 means that a security update is outstanding; for `status`, that a daemon does not run or \
                  is in trouble; for `journal verify`, that something was changed, and 3 that there was no record."
)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Look at this machine now and say what is wrong, worst first
    Check(CheckArgs),
    /// List every check, and how much of CIS, NIST 800-53, AWS Well-Architected and NCSC they cover
    Checks(ListArgs),
    /// Say everything about one check: why it matters, how to mend it, what it serves
    Explain(ExplainArgs),
    /// File integrity: record what is agreed, compare with it, accept what changed
    Baseline(BaselineArgs),
    /// Show installed and pending packages, and what still runs old code
    Packages(PackagesArgs),
    /// Deliver what the journal holds, in the foreground, until SIGTERM
    Ship(ShipArgs),
    /// Validate a policy, or show the one in force
    Policy(PolicyArgs),
    /// Watch this machine: the sensor, in the foreground
    Run(RunArgs),
    /// Change what the policy asks for, and take it back: decoys
    Enforce(EnforceArgs),
    /// Say what this host needs to see, to keep and to ship, whether it is there, and what mends it
    #[command(long_about = DOCTOR, after_help = DOCTOR_CODES)]
    Doctor(DoctorArgs),
    /// Show how both daemons are: last record, backlog, gaps, memory
    Status(FormatArg),
    /// Read the durable record, prove it, and make the key that seals it
    Journal(JournalArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct CheckArgs {
    /// Topics or check ids; all of them when none is given
    #[arg(value_name = "TOPIC or ID", value_parser = topics_and_ids(), hide_possible_values = true)]
    pub(super) names: Vec<String>,
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) policy: PolicyArg,
    /// Exit with 1 when a failure is at least this severe [default: high, or what the policy says]
    #[arg(long, value_name = "SEVERITY", value_parser = severities())]
    pub(super) fail_on: Option<Severity>,
    /// List what passes and what does not apply, too
    #[arg(long)]
    pub(super) all: bool,
    /// Ask for instance metadata there, on EC2 or not: http:// and an address [default: the addresses that EC2 has]
    #[arg(long, value_name = "URL")]
    pub(super) imds_endpoint: Option<Endpoint>,
    /// How to tell it
    #[arg(long, value_enum, default_value_t = PostureFormat::Text)]
    pub(super) format: PostureFormat,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ListArgs {
    /// List every item of CIS, NIST, AWS and NCSC, too: covered by which checks, not yet, or out of reach and why
    #[arg(long)]
    pub(super) controls: bool,
    /// How to tell it
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub(super) format: ListFormat,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ExplainArgs {
    /// The check's id, as `guestward checks` lists it
    #[arg(value_name = "ID", value_parser = ids(), hide_possible_values = true)]
    pub(super) id: String,
    #[command(flatten)]
    pub(super) format: FormatArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct PackagesArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// Ask the package manager itself as well, and say where its list is another one
    #[arg(long, conflicts_with = "format")]
    pub(super) self_check: bool,
    /// Keep what came of it in the agent's state, for the check packages-self-check
    #[arg(long, requires = "self_check")]
    pub(super) record: bool,
    #[command(flatten)]
    pub(super) format: FormatArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ShipArgs {
    #[command(flatten)]
    pub(super) policy: PolicyArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    pub(super) policy: PolicyArg,
    /// Print only the IAM policy that the instance's role needs, least privilege, as JSON
    #[arg(long, conflicts_with = "format")]
    pub(super) iam_policy: bool,
    #[command(flatten)]
    pub(super) format: FormatArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct JournalArgs {
    #[command(subcommand)]
    pub(super) action: JournalAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum JournalAction {
    /// Print the records as JSON lines, each its exact bytes, oldest first
    Export(ExportArgs),
    /// Print the last records, and those that come
    Tail(TailArgs),
    /// Prove that an export of records is whole and unchanged, or name what is not
    #[command(long_about = VERIFY, after_help = NOT_PROVED)]
    Verify(VerifyArgs),
    /// Make the key that seals checkpoints, and write its first state to a file, once
    #[command(long_about = INIT_KEY)]
    InitKey(InitKeyArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct ExportArgs {
    /// Leave out the records before this seq, in each epoch
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    pub(super) from: u64,
    /// Only records of this kind; may be given more than once
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    pub(super) kind: Vec<Kind>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct TailArgs {
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub(super) lines: usize,
    /// Go on with each record as it is made, until interrupted
    #[arg(short, long)]
    pub(super) follow: bool,
    #[command(flatten)]
    pub(super) format: FormatArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct PolicyArgs {
    #[command(subcommand)]
    pub(super) action: PolicyAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum PolicyAction {
    /// Say everything that is wrong with a policy, with file, line and column
    Check(PolicyTarget),
    /// Print the policy in force as TOML, and where each value came from
    Show(PolicyTarget),
}

#[derive(Debug, ClapArgs)]
pub(super) struct PolicyTarget {
    /// The policy, as with --policy
    #[arg(value_name = "FILE", conflicts_with = "policy")]
    pub(super) file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) policy: PolicyArg,
    #[command(flatten)]
    pub(super) format: FormatArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) policy: PolicyArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct InitKeyArgs {
    /// Where the first key goes; the file must not exist
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Begin a new epoch, where this one has a key already
    #[arg(long)]
    pub(super) new_epoch: bool,
    #[command(flatten)]
    pub(super) policy: PolicyArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct VerifyArgs {
    /// Records, one a line, in any order, as CloudWatch Logs or the local file has them; - is standard input
    #[arg(value_name = "FILE", required_unless_present = "log_group")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) group: LogGroupArgs,
    /// The first key of an epoch, as `init-key` wrote it; once for each epoch
    #[arg(long = "key", value_name = "FILE")]
    pub(super) keys: Vec<PathBuf>,
    /// The first key in this parameter's NAME/key, as the agent put it there. {agent} {epoch} {instance} {region} are filled
    /// in for each epoch that is found; may be given more than once
    #[arg(long = "key-parameter", value_name = "NAME")]
    pub(super) key_parameters: Vec<String>,
    /// Only the records of this agent
    #[arg(long, value_name = "ID")]
    pub(super) agent: Option<Id>,
    #[command(flatten)]
    pub(super) format: FormatArg,
}

#[derive(Debug, ClapArgs)]
pub(super) struct LogGroupArgs {
    /// The records that this log group of CloudWatch holds, with whatever AWS credentials you have
    #[arg(long, value_name = "GROUP")]
    pub(super) log_group: Option<String>,
    /// Only the group's streams whose names begin so
    #[arg(long, value_name = "PREFIX", requires = "log_group")]
    pub(super) log_stream_prefix: Option<String>,
    /// Only the group's events from this time on: RFC 3339, or so long ago as 30d, 12h
    #[arg(long, value_name = "TIME", value_parser = since::parse, requires = "log_group")]
    pub(super) since: Option<Timestamp>,
    /// Ask Logs Insights, as is done by itself for groups of the class INFREQUENT_ACCESS
    #[arg(long, requires = "log_group")]
    pub(super) insights: bool,
    /// The region of the group and the parameters, instead of $AWS_REGION or the profile's
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct TargetArgs {
    /// Look at the machine below this directory
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(super) root: PathBuf,
}

impl PolicyTarget {
    /// The file that was named, either way.
    pub(super) fn file(&self) -> Option<&PathBuf> {
        self.file.as_ref().or(self.policy.policy.as_ref())
    }
}

#[derive(Debug, ClapArgs)]
pub(super) struct PolicyArg {
    /// The policy, instead of $GUESTWARD_POLICY or /etc/guestward/policy.toml with policy.d/*.toml
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct FormatArg {
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

/// How a posture may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PostureFormat {
    /// For people, on a screen
    Text,
    /// For programs: one document, guestward.posture/1
    Json,
    /// For security data lakes: JSON lines, each an OCSF 1.5.0 Compliance Finding, passes included
    Ocsf,
    /// For auditors: one page that needs no network and no other file
    Html,
}

/// How the registry may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// For people, on a screen
    Text,
    /// For programs: one document, guestward.checks/1, always with every control
    Json,
    /// For auditors: one page with every control and every check, both ways
    Html,
}

fn topics_and_ids() -> PossibleValuesParser {
    PossibleValuesParser::new(
        check::TOPICS.iter().map(|topic| topic.name).chain(check::all().map(|(_, check)| check.id)),
    )
}

fn ids() -> PossibleValuesParser {
    PossibleValuesParser::new(check::all().map(|(_, check)| check.id))
}

fn severities() -> impl clap::builder::TypedValueParser<Value = Severity> {
    use clap::builder::TypedValueParser as _;
    PossibleValuesParser::new(Severity::ALL.map(Severity::name))
        .map(|name| Severity::from_name(&name).unwrap_or(Severity::High))
}

fn kinds() -> impl clap::builder::TypedValueParser<Value = Kind> {
    use clap::builder::TypedValueParser as _;
    PossibleValuesParser::new(Kind::ALL.map(Kind::name))
        .map(|name| Kind::from_name(&name).unwrap_or(Kind::Finding))
}

const DOCTOR: &str = "Say what this host needs to run the agent, to see, to keep and to ship, whether it is there, what is \
    lost without it, and what mends it. Features of the kernel are tried and nothing of them is kept; what is written to try \
    the disk has no name and is gone again. What the agent can do without is degraded where it is not there. Only root can \
    try everything: for others the rest is unknown. Nothing is asked of AWS but what the policy turns on: the way to each \
    service is gone step by step, the credentials are shown to be the pinned account's, and every permission is tried for \
    real and without effect: by an event that is too old to be stored, a parameter that breaks its own pattern, a hash \
    without its content. Only the log stream is made, as the shipper would make it. An outage makes a need unknown and never \
    ok. It ends within 35 seconds";

const DOCTOR_CODES: &str = "Exit codes: 0 nothing is missing, though something may be degraded; 1 something is; 2 usage or policy error; 3 something could \
    not be told, and nothing is missing";

const INIT_KEY: &str = "Make the key that seals the journal's checkpoints, and write its first state to a file, once. Each \
    checkpoint is sealed with the key's present state, which is then replaced by one that does not tell it: whoever takes the \
    machine can seal what comes, and not what was. With the first state, kept away from the machine, `journal verify` opens \
    every seal. Stop `guestward run` for it. Without a key checkpoints are chained and not sealed, and a chain can be written \
    anew by whoever can write all of it";

const VERIFY: &str = "Prove that an export of records is whole and unchanged, or name what is not. Each record carries the \
    hash of the one before it, and each checkpoint is sealed with a key that is erased once it was used. Records may come \
    in any order, from several files, more than once, and from several agents and epochs. With the first key of an epoch \
    every seal is opened with the key of its own turn; without it only the chain is looked at, which whoever writes all of \
    it anew can forge. Instead of files or beside them, --log-group reads what CloudWatch holds. A shipper's notes of what a \
    destination did not take (too old, or refused) explain what is missing, and are shown apart from the sensor's own gaps: \
    nobody seals them. Exit codes: 0 all that is there verifies; 1 something does not; 2 usage or input error; 3 there was \
    no record";

const NOT_PROVED: &str = "What this cannot prove: that records written after somebody became root are true, for from then on \
    they are that person's words, and so is a gap that says what was lost (every gap is shown with what it gives up); that a \
    shipper's note is true beyond what is here; that \
    nothing followed the last record here; that records after the last sealed checkpoint are unchanged, for they are only \
    chained; and, unless a first key is given that was kept away from the machine, anything beyond the chain";
