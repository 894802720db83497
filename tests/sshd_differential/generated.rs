//! Configurations as people and machines write them, and worse; and connections to ask about.

use guestward::host::sshd::Context;
use proptest::prelude::*;

use super::specification;

#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) main: String,
    /// Name below the drop-in directory, and text.
    pub(super) dropins: Vec<(String, String)>,
    pub(super) context: Context,
}

impl Case {
    pub(super) fn shown(&self) -> String {
        let mut shown = format!("--- main\n{}\n", self.main);
        for (name, text) in &self.dropins {
            shown.push_str(&format!("--- {name}\n{text}\n"));
        }
        shown + &format!("--- {}", specification(&self.context))
    }
}

fn context() -> impl Strategy<Value = Context> {
    let user = prop::sample::select(vec!["root", "daemon", "nobody", "games", "sshd", "ghost", "www-data"]);
    let host = prop::sample::select(vec!["a.example", "B.Example", "10.0.0.7", "none"]);
    let address = prop::sample::select(vec![
        "10.0.0.7",
        "10.1.2.3",
        "192.168.1.1",
        "203.0.113.9",
        "127.0.0.1",
        "::1",
        "2001:db8::5",
        "fe80::1",
    ]);
    let local = prop::sample::select(vec!["10.0.0.1", "192.168.1.10", "::1", "2001:db8::1"]);
    let port = prop::sample::select(vec![22_u16, 2222, 443]);
    (user, host, address, local, port).prop_map(|(user, host, address, local, port)| Context {
        user: user.into(),
        host: host.into(),
        address: address.into(),
        local_address: local.into(),
        local_port: port,
        ..Context::default()
    })
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let dropin =
        prop::sample::select(vec!["10-a.conf", "9-b.conf", "a.conf", "Z.conf", ".h.conf", "a.conf.bak"]);
    let dropins = prop::collection::vec((dropin, file(true)), 0..4);
    (file(false), dropins, context()).prop_map(|(main, dropins, context)| Case {
        main,
        dropins: dropins.into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
        context,
    })
}

fn file(included: bool) -> impl Strategy<Value = String> {
    let line = prop_oneof![
        30 => directive(),
        6 => match_line(),
        // What is included includes only what cannot come back.
        3 => if included { Just("Include @D@/*.bak".to_owned()).boxed() } else { include().boxed() },
        3 => prop::sample::select(vec!["", "# x", "  ", "\t#Port 1", "#"]).prop_map(str::to_owned),
        1 => mischief(),
    ];
    let end = prop::sample::select(vec!["\n", "\n", "\n", "\r\n", " \n", "\x0c\n"]);
    prop::collection::vec((line, end), 0..9)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| format!("{line}{end}")).collect())
}

fn include() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "Include @D@/*.conf",
        "include \"@D@/*.conf\"",
        "Include @D@/a.conf @D@/*.conf",
        "Include @D@/[0-9]*.conf",
        "Include @D@/?.conf",
        "Include @D@/none/*",
        "Include @D@",
        "Include = @D@/*.conf # all",
        "Include @D@/.h.conf",
    ])
    .prop_map(str::to_owned)
}

fn directive() -> impl Strategy<Value = String> {
    (prop::sample::select(LINES.to_vec()), any::<prop::sample::Index>(), spacing(), case_of(), trailer())
        .prop_map(|((keyword, values), value, (indent, between), case, trailer)| {
            let keyword = case(keyword);
            let value = value.get(values);
            format!("{indent}{keyword}{between}{value}{trailer}")
        })
}

fn spacing() -> impl Strategy<Value = (&'static str, &'static str)> {
    (
        prop::sample::select(vec!["", "", "", " ", "\t", "  \t"]),
        prop::sample::select(vec![" ", " ", " ", "\t", "  ", "=", " = ", "\t=", "= "]),
    )
}

fn case_of() -> impl Strategy<Value = fn(&str) -> String> {
    prop::sample::select(vec![
        str::to_owned as fn(&str) -> String,
        str::to_owned as fn(&str) -> String,
        |word: &str| word.to_ascii_lowercase(),
        |word: &str| word.to_ascii_uppercase(),
        |word: &str| format!("\"{word}\""),
    ])
}

fn trailer() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        20 => Just(""),
        2 => Just(" # why"),
        2 => Just("  "),
        1 => Just(" #"),
        1 => Just("#x"),
        1 => Just(" extra"),
        1 => Just(" \"\""),
    ]
}

fn match_line() -> impl Strategy<Value = String> {
    let criterion = (prop::sample::select(CRITERIA.to_vec()), any::<prop::sample::Index>(), spacing())
        .prop_map(|((name, values), value, (_, between))| format!("{name}{between}{}", value.get(values)));
    prop_oneof![
        12 => prop::collection::vec(criterion, 1..3).prop_map(|criteria| format!("Match {}", criteria.join(" "))),
        2 => prop::sample::select(vec![
            "Match all", "match ALL # x", "Match all user root", "Match user root all", "Match", "Match \"all\"",
            "Match # x", "Match User", "Match invalid-user", "Match User root # b", "Match=user root",
        ]).prop_map(str::to_owned),
    ]
}

fn mischief() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "PermitRootLogin",
            "PermitRootLogin \"yes",
            "PermitRootLogin 'yes'",
            "NoSuchOption yes",
            "=",
            "\"\" x",
            "PermitRootLogin ye\\s",
            "\u{feff}Port 22",
            "Port\u{a0}22",
            "Banner 'a b'",
            "Banner a\\ b",
            "Banner \"\"",
        ])
        .prop_map(str::to_owned),
        "[ -~\t]{0,24}",
        ("[A-Za-z]{3,8}", "[ -~]{0,16}").prop_map(|(keyword, rest)| format!("{keyword} {rest}")),
    ]
}

const CRITERIA: &[(&str, &[&str])] = &[
    (
        "User",
        &[
            "root",
            "*",
            "!root",
            "root,daemon",
            "!root,*",
            "ROOT",
            "r??t",
            "ghost",
            "\"root\"",
            "gh*,!ghost",
            "'root'",
            "root,",
            ",root",
        ],
    ),
    ("group", &["root", "daemon", "*", "!root,*", "nogroup", "www-*", "games,users"]),
    ("Host", &["*.example", "A.EXAMPLE", "!a.example,*", "none", "b.example", "10.*"]),
    (
        "Address",
        &[
            "10.0.0.0/8",
            "!10.0.0.0/8,*",
            "10.0.0.7",
            "::1",
            "2001:db8::/32",
            "10.*",
            "192.168.1.0/24,10.1.0.0/16",
            "0.0.0.0/0",
            "::/0",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "!10.0.0.7,10.0.0.0/8",
            "10.0.0.0/8,",
            "fe80::/10",
            "10.1",
            "127.1",
            "x",
        ],
    ),
    ("LocalAddress", &["10.0.0.1", "192.168.0.0/16", "*", "::1", "!::1,*", "1.2.3.4/0"]),
    ("LocalPort", &["22", "2222", "ssh", "0", "99999", "x"]),
    ("RDomain", &["*", "vrf1"]),
];

const YES: &[&str] = &["yes", "no", "YES", "No", "\"yes\"", "maybe", "'no'"];
const ALGORITHMS: &[&str] = &[
    "ssh-ed25519",
    "+ssh-rsa",
    "-ssh-ed25519*",
    "^ssh-ed25519",
    "-*",
    "ssh-*",
    "rsa",
    "nonsense",
    "*",
    "!ssh-rsa",
    "ssh-ed25519,ssh-ed25519",
    "+ssh-dss",
    "-rsa-sha2-512,rsa-sha2-256",
    "+*",
    "ssh-ed25519,",
    "ecdsa-*",
    "+",
    "^rsa-*,ssh-rsa",
];

const LINES: &[(&str, &[&str])] = &[
    (
        "PermitRootLogin",
        &["yes", "no", "prohibit-password", "without-password", "forced-commands-only", "Yes", "perhaps"],
    ),
    ("PermitRootLogin", &["yes", "no", "prohibit-password"]),
    ("PasswordAuthentication", YES),
    ("PasswordAuthentication", &["yes", "no"]),
    ("KbdInteractiveAuthentication", YES),
    ("ChallengeResponseAuthentication", YES),
    ("SkeyAuthentication", YES),
    ("PubkeyAuthentication", YES),
    ("DSAAuthentication", YES),
    ("HostbasedAuthentication", YES),
    ("HostbasedUsesNameFromPacketOnly", YES),
    ("KerberosAuthentication", YES),
    ("KerberosOrLocalPasswd", YES),
    ("KerberosGetAFSToken", YES),
    ("GSSAPIAuthentication", YES),
    ("GSSAPIKeyExchange", YES),
    ("GSSAPICleanupCreds", YES),
    ("GSSAPIStrictAcceptorCheck", YES),
    ("GSSAPIStoreCredentialsOnRekey", YES),
    ("GSSUseSessionCCache", YES),
    ("DebianBanner", YES),
    ("PermitEmptyPasswords", YES),
    ("PermitUserEnvironment", &["yes", "no", "LANG", "LC_*,X", "YES"]),
    ("StrictModes", YES),
    ("UsePAM", YES),
    ("UseDNS", YES),
    ("X11Forwarding", YES),
    ("X11UseLocalhost", YES),
    ("X11DisplayOffset", &["10", "0", "-1", "x"]),
    ("PermitTTY", YES),
    ("PermitUserRC", YES),
    ("PrintMotd", YES),
    ("PrintLastLog", YES),
    ("TCPKeepAlive", YES),
    ("KeepAlive", YES),
    ("IgnoreRhosts", &["yes", "no", "shosts-only", "Shosts-Only"]),
    ("IgnoreUserKnownHosts", YES),
    ("AllowAgentForwarding", YES),
    ("AllowTcpForwarding", &["yes", "all", "no", "local", "remote", "ALL"]),
    ("AllowStreamLocalForwarding", &["yes", "no", "local", "all"]),
    ("StreamLocalBindUnlink", YES),
    ("StreamLocalBindMask", &["0177", "077", "7", "888", "1000", "0"]),
    ("DisableForwarding", YES),
    ("ExposeAuthInfo", YES),
    ("GatewayPorts", &["yes", "no", "clientspecified", "CLIENTSPECIFIED"]),
    ("PermitTunnel", &["yes", "no", "ethernet", "point-to-point", "YES"]),
    ("Compression", &["yes", "no", "delayed", "Delayed"]),
    ("MaxAuthTries", &["6", "3", "0", "+4", "-4", "4x", "99999999999"]),
    ("MaxSessions", &["10", "0", "007"]),
    ("ClientAliveInterval", &["0", "60", "1m30s", "2h", "1x", "-1", "1d1"]),
    ("ClientAliveCountMax", &["3", "0"]),
    ("LoginGraceTime", &["2m", "60", "0", "1h30m", "90S", "m", "1w"]),
    ("RequiredRSASize", &["2048", "3072", "0"]),
    ("MaxStartups", &["10:30:60", "10", "10:30", "70:30:60", "10:0:60", "10:30:60x", "5:100:5"]),
    ("PerSourceMaxStartups", &["none", "5", "None", "x"]),
    ("PerSourceNetBlockSize", &["24:56", "32:128", "33:1", "24:129", "x"]),
    ("RekeyLimit", &["1G 1h", "default none", "512M", "default 30m", "1K", "15", "0 0", "1.5G", "x"]),
    ("IPQoS", &["lowdelay throughput", "af21", "cs1 0x20", "ef 0", "none", "0xff", "0x8 8", "le", "x"]),
    ("LogLevel", &["INFO", "verbose", "DEBUG", "DEBUG1", "DEBUG3", "QUIET", "loud"]),
    ("SyslogFacility", &["AUTH", "authpriv", "LOCAL7", "KERN"]),
    ("LogVerbose", &["a:b:1", "none", "x,y z", "x none"]),
    ("FingerprintHash", &["sha256", "MD5", "SHA512", "crc"]),
    (
        "Ciphers",
        &[
            "aes128-ctr",
            "+aes128-cbc",
            "-aes*",
            "^aes256-gcm@openssh.com",
            "aes128-ctr,3des-cbc",
            "arcfour",
            "-*",
            "+",
            "aes*",
        ],
    ),
    ("MACs", &["hmac-sha2-256", "+hmac-md5", "-hmac-sha1*,umac-64*", "^hmac-sha1", "hmac-md5-none"]),
    (
        "KexAlgorithms",
        &["curve25519-sha256", "+diffie-hellman-group1-sha1", "-diffie*", "^ecdh-sha2-nistp521", "nope"],
    ),
    ("GSSAPIKexAlgorithms", &["gss-group14-sha256-", "gss-group14-sha256-,gss-gex-sha1-"]),
    ("HostKeyAlgorithms", ALGORITHMS),
    ("PubkeyAcceptedAlgorithms", ALGORITHMS),
    ("PubkeyAcceptedKeyTypes", ALGORITHMS),
    ("HostbasedAcceptedKeyTypes", ALGORITHMS),
    ("CASignatureAlgorithms", ALGORITHMS),
    ("PubkeyAuthOptions", &["none", "touch-required", "verify-required touch-required", "x"]),
    (
        "AllowUsers",
        &[
            "root",
            "root daemon",
            "*@10.0.0.0/8",
            "a@b@10.0.0.1/8",
            "x@10.0.0.1/8",
            "!ghost *",
            "\"a b\"",
            "x@*.example",
        ],
    ),
    ("DenyUsers", &["ghost", "games@10.0.0.0/8", "a@10.0.0.0/8,!10.1.0.0/16"]),
    ("AllowGroups", &["root daemon", "wheel*", "\"\""]),
    ("DenyGroups", &["games", "a b c"]),
    (
        "AuthenticationMethods",
        &[
            "any",
            "publickey",
            "publickey,password password",
            "keyboard-interactive:pam",
            "any publickey",
            "publickey any",
            "nonsense",
            "publickey,",
            "none",
            "hostbased",
            "\"\"",
            "gssapi-with-mic publickey",
        ],
    ),
    (
        "AuthorizedKeysFile",
        &[".ssh/authorized_keys", "/etc/keys/%u .ssh/k", "none", "\"a b\" c", "~/x", "~nosuchuser/x"],
    ),
    ("AuthorizedKeysCommand", &["/bin/true %u", "none", "relative", "\"/bin/true\"", "/bin/true # x"]),
    ("AuthorizedKeysCommandUser", &["nobody", "root"]),
    ("AuthorizedPrincipalsCommand", &["/bin/true", "none"]),
    ("AuthorizedPrincipalsCommandUser", &["nobody"]),
    ("AuthorizedPrincipalsFile", &["/etc/p/%u", "none", "NONE", "~root/p"]),
    ("TrustedUserCAKeys", &["/etc/ssh/ca.pub", "none", "ca.pub", "None"]),
    ("RevokedKeys", &["/etc/ssh/revoked", "none"]),
    ("Banner", &["/etc/issue", "none", "issue", "\"/a b\"", "~/b"]),
    ("ChrootDirectory", &["/srv/%u", "none", "None"]),
    ("ForceCommand", &["/bin/true", "echo \"a  b\" # c", "none", "'x y'", "internal-sftp"]),
    ("VersionAddendum", &["none", "hello there", "None", "a # b"]),
    ("XAuthLocation", &["/usr/bin/xauth", "none"]),
    ("PidFile", &["/run/x.pid", "none"]),
    ("HostKeyAgent", &["none", "SSH_AUTH_SOCK", "/run/agent"]),
    ("SecurityKeyProvider", &["internal", "/lib/sk.so", "INTERNAL", "none"]),
    ("ModuliFile", &["/etc/ssh/moduli", "moduli"]),
    ("AcceptEnv", &["LANG LC_*", "A", "A=b", "\"\""]),
    ("SetEnv", &["A=b", "A=b C=d A=e", "\"A=b c\"", "A", "A= B=x"]),
    ("PermitOpen", &["any", "none", "host:22", "host:* [::1]:80", "host", "any host:1", "h:0", "a:ssh"]),
    ("PermitListen", &["any", "8080", "*:80 localhost:81", "none", "x", "none 1"]),
    ("Subsystem", &["sftp /usr/lib/sftp-server", "sftp internal-sftp -f AUTH", "x", "y  /bin/y  'a  b' # c"]),
    ("Port", &["22", "2222", "0", "65536", "ssh", "x"]),
    ("AddressFamily", &["any", "inet", "INET", "inet7"]),
    ("ListenAddress", &["0.0.0.0", "127.0.0.1:2222", "10.0.0.1:x", "127.0.0.1:0"]),
    ("UnusedConnectionTimeout", &["none", "5m", "0", "x"]),
    ("ChannelTimeout", &["session:*=5m", "none", "x", "session:*=x"]),
    ("RDomain", &["vrf1", "none"]),
    ("Protocol", &["2", "2,1", "x y"]),
    ("RSAAuthentication", YES),
    ("RhostsRSAAuthentication", YES),
    ("UsePrivilegeSeparation", &["sandbox", "yes"]),
    ("KeyRegenerationInterval", &["3600"]),
    ("UseLogin", YES),
    ("RefuseConnection", YES),
    ("PerSourcePenalties", &["no"]),
];
