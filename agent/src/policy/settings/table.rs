//! The list of everything that a policy may set of the agent itself.

use super::{Kind, Known, LOCAL_PATH, Rule};
use crate::policy::Unit;

/// Everything that may be set, in the order in which `policy show` prints it.
pub const SETTINGS: &[Known] = &[
    seconds("run", "posture-interval", HOUR, (5, WEEK), "the longest time between two looks at everything"),
    seconds("run", "heartbeat", HOUR, (1, DAY), "how often the agent says that it is there"),
    seconds("run", "inventory", DAY, (MINUTE, WEEK), "how often it tells every verdict"),
    seconds(
        "run",
        "checkpoint",
        MINUTE,
        (1, HOUR),
        "at most this long after a record, the journal is sealed",
    ),
    bytes("journal", "max-bytes", 256 * MIB, (16 * MIB, 64 * GIB), "the most that the journal takes on disk"),
    seconds(
        "journal",
        "max-age",
        30 * DAY,
        (HOUR, 3_650 * DAY),
        "the age at which what was delivered is freed; what was not is freed for room only",
    ),
    flag("ship.local", "enabled", true, "whether the records are also written to a file"),
    Known {
        table: "ship.local",
        key: "path",
        kind: Kind::Path { usual: LOCAL_PATH },
        help: "the file, one record a line",
    },
    bytes("ship.local", "max-bytes", 16 * MIB, (64 * KIB, GIB), "the size at which a new file is begun"),
    Known {
        table: "ship.local",
        key: "keep",
        kind: Kind::Number { default: 5, range: (0, 1_000), unit: Unit::Count },
        help: "how many older files are kept",
    },
    flag("ship.local", "stdout", false, "whether the records go to standard output, too"),
    Known {
        table: "aws",
        key: "credentials",
        kind: Kind::Word { default: "imds", words: &["imds", "default-chain"] },
        help: "whose credentials are used: the instance's role by IMDSv2 and nothing else, or, outside EC2, whatever the \
               environment and its profiles name",
    },
    name(
        "aws",
        "account",
        None,
        "123456789012",
        Rule::Account,
        "the only account that anything is sent to; on EC2 that of \
        the identity document, and if set here, too, both must agree",
    ),
    name(
        "aws",
        "region",
        None,
        "eu-central-1",
        Rule::Region,
        "the region; on EC2 that of the identity document",
    ),
    Known {
        table: "aws",
        key: "identity-certificate",
        kind: Kind::Path { usual: "/etc/guestward/identity.pem" },
        help: "one more certificate that may have signed the instance's identity document, for a region newer than this version",
    },
    flag("ship.cloudwatch", "enabled", false, "whether the records go to CloudWatch Logs"),
    name(
        "ship.cloudwatch",
        "group",
        Some("/guestward/records"),
        "/guestward/records",
        Rule::LogGroup,
        "the log group, made by \
        CloudFormation and never by the agent",
    ),
    name(
        "ship.cloudwatch",
        "stream",
        Some("{instance}/{epoch}"),
        "{instance}/{epoch}",
        Rule::LogStream,
        "the log stream, made \
        when it is missing; {instance} is the agent's id outside EC2",
    ),
    seconds(
        "ship.cloudwatch",
        "window",
        MINUTE,
        (0, HOUR),
        "deliveries of a fleet are spread over such a time, each host at \
        its own moment",
    ),
    Known {
        table: "ship.cloudwatch",
        key: "urgent",
        kind: Kind::Word { default: "critical", words: &["low", "medium", "high", "critical"] },
        help: "from this severity on a record does not wait for its host's moment",
    },
    Known {
        table: "ship.cloudwatch",
        key: "too-old",
        kind: Kind::Word { default: "send-now", words: &["send-now", "digest"] },
        help: "what becomes of records older than CloudWatch Logs takes: they are sent under the present time with their own \
               inside, or one digest says which they were",
    },
    name(
        "ship.cloudwatch",
        "alarm-group",
        None,
        "/guestward/alarms",
        Rule::LogGroup,
        "a second log group, of class STANDARD, \
        for critical findings and heartbeats alone",
    ),
    name(
        "ship.cloudwatch",
        "checkpoint-group",
        None,
        "/guestward/checkpoints",
        Rule::LogGroup,
        "a log group of their own for \
        checkpoints",
    ),
    name(
        "ship.cloudwatch",
        "metrics",
        None,
        "Guestward",
        Rule::Word,
        "the namespace of metrics that heartbeats carry (EMF), \
        in the alarm group if there is one",
    ),
    name(
        "ship.cloudwatch",
        "fleet",
        Some("default"),
        "default",
        Rule::Word,
        "the only dimension of those metrics: the fleet, \
        never the host",
    ),
    flag(
        "ship.ssm",
        "compliance",
        false,
        "whether Systems Manager gets each check that does not pass as a compliance item",
    ),
    flag("ship.ssm", "inventory", false, "whether its inventory gets the posture and the patch level"),
    name(
        "seal",
        "parameter",
        None,
        "/guestward/seal/{agent}/{epoch}",
        Rule::Parameter,
        "the parameter that an epoch's first key \
        is put in, once; with it each epoch is sealed by itself",
    ),
    flag(
        "files",
        "built-in-rules",
        true,
        "whether the rules that come with this version stand before those of the policy",
    ),
    flag("files", "live", true, "whether changes of files are told as they happen, with who made them"),
    seconds(
        "files",
        "sweep",
        MINUTE,
        (10, DAY),
        "how often the metadata of every file that has a rule are compared besides: what gives no event",
    ),
    seconds("files", "interval", HOUR, (5, WEEK), "how often every file that has a rule is looked at"),
    seconds(
        "files",
        "rehash",
        WEEK,
        (1, 365 * DAY),
        "no file counts as unchanged by its metadata alone for longer than this: its content is read again",
    ),
    bytes("files", "max-file", 4 * GIB, (KIB, 16_384 * GIB), "a larger file is told as not read"),
    bytes("files", "rate", 40 * MIB, (64 * KIB, 64 * GIB), "the sensor reads at most so much a second"),
    Known {
        table: "files",
        key: "cpu",
        kind: Kind::Number { default: 10, range: (1, 100), unit: Unit::Count },
        help: "the sensor takes at most so many percent of one processor for it",
    },
    Known {
        table: "files",
        key: "hash",
        kind: Kind::Word { default: "sha256", words: &["sha256", "blake3"] },
        help: "which hash a new baseline has; BLAKE3 takes a third of the time and is no standard of NIST's",
    },
    Known {
        table: "files",
        key: "seal-key",
        kind: Kind::Path { usual: "/etc/guestward/baseline.pub" },
        help: "a public key, PEM; where it is set, a baseline counts only with a seal by its private key",
    },
];

const fn name(
    table: &'static str,
    key: &'static str,
    default: Option<&'static str>,
    example: &'static str,
    rule: Rule,
    help: &'static str,
) -> Known {
    Known { table, key, kind: Kind::Name { default, example, rule }, help }
}

const fn seconds(
    table: &'static str,
    key: &'static str,
    default: u64,
    range: (u64, u64),
    help: &'static str,
) -> Known {
    Known { table, key, kind: Kind::Number { default, range, unit: Unit::Seconds }, help }
}

const fn bytes(
    table: &'static str,
    key: &'static str,
    default: u64,
    range: (u64, u64),
    help: &'static str,
) -> Known {
    Known { table, key, kind: Kind::Number { default, range, unit: Unit::Bytes }, help }
}

const fn flag(table: &'static str, key: &'static str, default: bool, help: &'static str) -> Known {
    Known { table, key, kind: Kind::Flag { default }, help }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
