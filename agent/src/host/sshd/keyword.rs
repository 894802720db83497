//! The keywords of sshd_config: how each is written, where it may stand, and how several lines of it add up.

use super::algorithms::Family;
use super::{Release, Version};

/// A keyword, by its present name.
#[derive(Debug)]
pub struct Keyword {
    pub name: &'static str,
    pub(super) form: Form,
    pub(super) fold: Fold,
    pub(super) place: Place,
    pub(super) since: Version,
}

/// How several lines of one keyword add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    First,
    Last,
    Append,
    /// Two values, each of them first come, first served.
    Rekey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Not below `Match`.
    Global,
    Anywhere,
}

/// What may follow a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Flag,
    /// Written and meant, any case.
    Choice(&'static [(&'static str, &'static str)]),
    ExactChoice(&'static [&'static str]),
    Integer,
    Time,
    TimeOrNone,
    Path,
    PathOr(&'static str),
    KeyFiles,
    TildePath,
    Word,
    Rest,
    VersionAddendum,
    Command,
    UserPatterns,
    Patterns,
    EnvironmentNames,
    EnvironmentPairs,
    Methods,
    Opens,
    Listens,
    Algorithms(Family),
    Port,
    ListenAddress,
    Subsystem,
    MaxStartups,
    IntegerOrNone,
    NetBlockSize,
    Rekey,
    IpQos,
    Mask,
    FingerprintHash,
    Facility,
    Level,
    UserEnvironment,
    PubkeyOptions,
    Timeouts,
    LogVerbose,
    /// Known, but nothing here asks for it: any arguments.
    Words,
    /// Understood once; sshd warns and goes on.
    Ignored,
    /// Known and refused on Linux.
    Refused,
    Include,
    Match,
}

/// The keyword for a word of a file, and where that spelling may stand.
pub(super) fn find(word: &[u8], release: &Release) -> Option<(&'static Keyword, Place)> {
    let version = release.version;
    let is = |name: &str| name.as_bytes().eq_ignore_ascii_case(word);
    if is("ChallengeResponseAuthentication") || is("SkeyAuthentication") {
        // An option of its own before 8.7, another name for keyboard-interactive since.
        return if version < ONE_KEYBOARD_OPTION {
            by_name("ChallengeResponseAuthentication").map(|keyword| (keyword, Place::Global))
        } else {
            by_name("KbdInteractiveAuthentication").map(|keyword| (keyword, Place::Anywhere))
        };
    }
    if let Some((_, name, place)) = ALIASES.iter().find(|(alias, _, _)| is(alias)) {
        return by_name(name).map(|keyword| (keyword, *place));
    }
    let keyword = KEYWORDS.iter().find(|keyword| is(keyword.name))?;
    // A distribution may have brought it back to an older release.
    (keyword.since <= version || release.has_word(word)).then_some((keyword, keyword.place_in(version)))
}

pub(super) fn by_name(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

impl Keyword {
    fn place_in(&self, version: Version) -> Place {
        match self.name {
            "IgnoreRhosts" if version < Version::new(8, 2) => Place::Global,
            "LogLevel" if version < Version::new(7, 5) => Place::Global,
            // From 9.5 a Match block may have subsystems of its own.
            "Subsystem" if version >= Version::new(9, 5) => Place::Anywhere,
            _ => self.place,
        }
    }

    pub(super) fn fold_in(&self, version: Version) -> Fold {
        match self.name {
            "MaxStartups" | "PerSourceMaxStartups" | "PerSourceNetBlockSize"
                if version < FIRST_STARTUPS_WIN =>
            {
                Fold::Last
            }
            _ => self.fold,
        }
    }
}

/// From this release ChallengeResponseAuthentication and KbdInteractiveAuthentication are one.
pub(super) const ONE_KEYBOARD_OPTION: Version = Version::new(8, 7);
/// Before this release the last of several MaxStartups won.
const FIRST_STARTUPS_WIN: Version = Version::new(9, 4);

const fn any(name: &'static str, form: Form) -> Keyword {
    Keyword { name, form, fold: Fold::First, place: Place::Anywhere, since: OLDEST }
}

const fn global(name: &'static str, form: Form) -> Keyword {
    Keyword { name, form, fold: Fold::First, place: Place::Global, since: OLDEST }
}

impl Keyword {
    const fn fold(mut self, fold: Fold) -> Self {
        self.fold = fold;
        self
    }

    const fn since(mut self, major: u16, minor: u16) -> Self {
        self.since = Version::new(major, minor);
        self
    }
}

/// Nothing older than this is told apart.
const OLDEST: Version = Version::new(0, 0);

pub(super) const ROOT_LOGIN: &[(&str, &str)] = &[
    ("without-password", "without-password"),
    ("prohibit-password", "without-password"),
    ("forced-commands-only", "forced-commands-only"),
    ("yes", "yes"),
    ("no", "no"),
];
const RHOSTS: &[(&str, &str)] = &[("yes", "yes"), ("no", "no"), ("shosts-only", "shosts-only")];
const FAMILY: &[(&str, &str)] = &[("inet", "inet"), ("inet6", "inet6"), ("any", "any")];
const COMPRESSION: &[(&str, &str)] = &[("yes", "yes"), ("delayed", "yes"), ("no", "no")];
const GATEWAY: &[(&str, &str)] = &[("clientspecified", "clientspecified"), ("yes", "yes"), ("no", "no")];
const FORWARDING: &[(&str, &str)] =
    &[("yes", "yes"), ("all", "yes"), ("no", "no"), ("remote", "remote"), ("local", "local")];
const TUNNEL: &[&str] = &["no", "point-to-point", "ethernet", "yes"];

/// Spellings that mean another keyword, and where they may stand.
const ALIASES: &[(&str, &str, Place)] = &[
    ("HostDSAKey", "HostKey", Place::Global),
    ("HostbasedAcceptedKeyTypes", "HostbasedAcceptedAlgorithms", Place::Anywhere),
    ("PubkeyAcceptedKeyTypes", "PubkeyAcceptedAlgorithms", Place::Anywhere),
    ("DSAAuthentication", "PubkeyAuthentication", Place::Global),
    ("KeepAlive", "TCPKeepAlive", Place::Global),
    ("GSSAPICleanupCreds", "GSSAPICleanupCredentials", Place::Global),
    // Red Hat's name for it in its 8.7.
    ("RSAMinSize", "RequiredRSASize", Place::Anywhere),
];

pub(super) const KEYWORDS: &[Keyword] = &[
    global("UsePAM", Form::Flag),
    global("PAMAuthenticationViaKbdInt", Form::Ignored),
    global("Port", Form::Port).fold(Fold::Append),
    global("HostKey", Form::Path).fold(Fold::Append),
    global("HostKeyAgent", Form::PathOr("SSH_AUTH_SOCK")),
    global("HostCertificate", Form::Path).fold(Fold::Append),
    global("PidFile", Form::Path),
    global("ModuliFile", Form::Path).since(8, 4),
    global("ServerKeyBits", Form::Ignored),
    global("LoginGraceTime", Form::Time),
    global("KeyRegenerationInterval", Form::Ignored),
    any("PermitRootLogin", Form::Choice(ROOT_LOGIN)),
    global("SyslogFacility", Form::Facility),
    any("LogLevel", Form::Level),
    any("LogVerbose", Form::LogVerbose).since(8, 5),
    global("RhostsAuthentication", Form::Ignored),
    any("RhostsRSAAuthentication", Form::Ignored),
    any("HostbasedAuthentication", Form::Flag),
    any("HostbasedUsesNameFromPacketOnly", Form::Flag),
    any("HostbasedAcceptedAlgorithms", Form::Algorithms(Family::Key)).since(8, 5),
    global("HostKeyAlgorithms", Form::Algorithms(Family::Key)),
    any("RSAAuthentication", Form::Ignored),
    any("PubkeyAuthentication", Form::Flag),
    any("PubkeyAcceptedAlgorithms", Form::Algorithms(Family::Key)).since(8, 5),
    any("PubkeyAuthOptions", Form::PubkeyOptions).since(8, 2),
    any("KerberosAuthentication", Form::Flag),
    global("KerberosOrLocalPasswd", Form::Flag),
    global("KerberosTicketCleanup", Form::Flag),
    global("KerberosGetAFSToken", Form::Ignored),
    global("KerberosTgtPassing", Form::Ignored),
    global("AFSTokenPassing", Form::Ignored),
    global("KerberosUseKuserok", Form::Words),
    any("GSSAPIAuthentication", Form::Flag),
    global("GSSAPICleanupCredentials", Form::Flag),
    global("GSSAPIStrictAcceptorCheck", Form::Flag),
    global("GSSAPIKeyExchange", Form::Flag),
    global("GSSAPIStoreCredentialsOnRekey", Form::Flag),
    global("GSSAPIKexAlgorithms", Form::Algorithms(Family::GssKex)),
    global("GSSAPIEnablek5users", Form::Words),
    global("GSSUseSessionCCache", Form::Ignored),
    global("GSSAPIUseSessionCredCache", Form::Ignored),
    any("PasswordAuthentication", Form::Flag),
    any("KbdInteractiveAuthentication", Form::Flag),
    global("ChallengeResponseAuthentication", Form::Flag),
    global("CheckMail", Form::Ignored),
    global("ListenAddress", Form::ListenAddress).fold(Fold::Append),
    global("AddressFamily", Form::Choice(FAMILY)),
    global("PrintMotd", Form::Flag),
    global("PrintLastLog", Form::Flag),
    any("IgnoreRhosts", Form::Choice(RHOSTS)),
    global("IgnoreUserKnownHosts", Form::Flag),
    any("X11Forwarding", Form::Flag),
    any("X11DisplayOffset", Form::Integer),
    any("X11UseLocalhost", Form::Flag),
    global("XAuthLocation", Form::Path),
    global("StrictModes", Form::Flag),
    // Debian's, from the days of its weak keys.
    global("PermitBlacklistedKeys", Form::Ignored),
    any("PermitEmptyPasswords", Form::Flag),
    global("PermitUserEnvironment", Form::UserEnvironment),
    global("UseLogin", Form::Ignored),
    global("Compression", Form::Choice(COMPRESSION)),
    any("RekeyLimit", Form::Rekey).fold(Fold::Rekey),
    global("TCPKeepAlive", Form::Flag),
    any("AllowTcpForwarding", Form::Choice(FORWARDING)),
    any("AllowAgentForwarding", Form::Flag),
    any("AllowUsers", Form::UserPatterns).fold(Fold::Append),
    any("DenyUsers", Form::UserPatterns).fold(Fold::Append),
    any("AllowGroups", Form::Patterns).fold(Fold::Append),
    any("DenyGroups", Form::Patterns).fold(Fold::Append),
    global("Ciphers", Form::Algorithms(Family::Cipher)),
    global("MACs", Form::Algorithms(Family::Mac)),
    global("Protocol", Form::Ignored),
    any("GatewayPorts", Form::Choice(GATEWAY)),
    global("Subsystem", Form::Subsystem).fold(Fold::Append),
    global("MaxStartups", Form::MaxStartups),
    global("PerSourceMaxStartups", Form::IntegerOrNone).since(8, 5),
    global("PerSourceNetBlockSize", Form::NetBlockSize).since(8, 5),
    global("PerSourcePenalties", Form::Words).since(9, 8),
    global("PerSourcePenaltyExemptList", Form::Words).since(9, 8),
    any("MaxAuthTries", Form::Integer),
    any("MaxSessions", Form::Integer),
    any("Banner", Form::Path),
    global("UseDNS", Form::Flag),
    global("VerifyReverseMapping", Form::Ignored),
    global("ReverseMappingCheck", Form::Ignored),
    any("ClientAliveInterval", Form::Time),
    any("ClientAliveCountMax", Form::Integer),
    any("AuthorizedKeysFile", Form::KeyFiles),
    any("AuthorizedKeysFile2", Form::Ignored),
    global("UsePrivilegeSeparation", Form::Ignored),
    any("AcceptEnv", Form::EnvironmentNames).fold(Fold::Append),
    any("SetEnv", Form::EnvironmentPairs).since(7, 8),
    any("PermitTunnel", Form::ExactChoice(TUNNEL)),
    any("PermitTTY", Form::Flag),
    any("PermitUserRC", Form::Flag),
    any("Match", Form::Match),
    any("PermitOpen", Form::Opens),
    any("PermitListen", Form::Listens).since(7, 8),
    any("ForceCommand", Form::Rest),
    any("ChrootDirectory", Form::Word),
    any("RevokedKeys", Form::Path),
    any("TrustedUserCAKeys", Form::Path),
    any("AuthorizedPrincipalsFile", Form::TildePath),
    global("KexAlgorithms", Form::Algorithms(Family::Kex)),
    any("Include", Form::Include).since(8, 2),
    any("IPQoS", Form::IpQos).fold(Fold::Last),
    any("AuthorizedKeysCommand", Form::Command),
    any("AuthorizedKeysCommandUser", Form::Word),
    any("AuthorizedPrincipalsCommand", Form::Command),
    any("AuthorizedPrincipalsCommandUser", Form::Word),
    global("VersionAddendum", Form::VersionAddendum),
    any("AuthenticationMethods", Form::Methods),
    any("StreamLocalBindMask", Form::Mask).fold(Fold::Last),
    any("StreamLocalBindUnlink", Form::Flag),
    any("AllowStreamLocalForwarding", Form::Choice(FORWARDING)),
    global("FingerprintHash", Form::FingerprintHash).fold(Fold::Last),
    any("DisableForwarding", Form::Flag).since(7, 4),
    any("ExposeAuthInfo", Form::Flag).since(7, 6),
    any("RDomain", Form::Refused).since(7, 7),
    any("CASignatureAlgorithms", Form::Algorithms(Family::Signature)).since(7, 9),
    global("SecurityKeyProvider", Form::PathOr("internal")).since(8, 2),
    any("RequiredRSASize", Form::Integer),
    any("ChannelTimeout", Form::Timeouts).since(9, 2),
    any("UnusedConnectionTimeout", Form::TimeOrNone).since(9, 2),
    any("RefuseConnection", Form::Flag).since(9, 9),
    global("SshdSessionPath", Form::Path).since(9, 8),
    global("SshdAuthPath", Form::Path).since(9, 9),
    global("DebianBanner", Form::Flag),
    global("ShowPatchLevel", Form::Words),
];
