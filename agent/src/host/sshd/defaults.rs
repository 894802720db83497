//! What counts where nobody said anything, release by release.

use super::Version;

/// The default of a keyword, as values. Algorithm lists are in `algorithms.rs`.
pub(super) fn of(name: &str, version: Version) -> &'static [&'static str] {
    let at_least = |major, minor| version >= Version::new(major, minor);
    match name {
        "Port" => &["22"],
        "AddressFamily" => &["any"],
        "LoginGraceTime" => &["120"],
        "X11DisplayOffset" | "MaxSessions" => &["10"],
        "MaxAuthTries" => &["6"],
        "ClientAliveInterval" => &["0"],
        "ClientAliveCountMax" => &["3"],
        "RequiredRSASize" => &["1024"],
        "StreamLocalBindMask" => &["0177"],
        "PermitRootLogin" => &["without-password"],
        "SecurityKeyProvider" => &["internal"],
        "FingerprintHash" => &["SHA256"],
        "PidFile" => &["/run/sshd.pid"],
        "ModuliFile" => &["/etc/ssh/moduli"],
        "XAuthLocation" => &["/usr/bin/xauth"],
        "LogLevel" => &["INFO"],
        "SyslogFacility" => &["AUTH"],
        "AuthorizedKeysFile" => &[".ssh/authorized_keys", ".ssh/authorized_keys2"],
        "HostKey" => HOST_KEYS,
        "AuthenticationMethods" | "PermitOpen" | "PermitListen" => &["any"],
        "MaxStartups" => &["10:30:100"],
        "PerSourceNetBlockSize" => &["32:128"],
        "RekeyLimit" => &["0", "0"],
        "IPQoS" => &["lowdelay", "throughput"],
        "PubkeyAuthentication"
        | "KerberosOrLocalPasswd"
        | "KerberosTicketCleanup"
        | "GSSAPICleanupCredentials"
        | "GSSAPIStrictAcceptorCheck"
        | "PasswordAuthentication"
        | "PrintMotd"
        | "PrintLastLog"
        | "X11UseLocalhost"
        | "PermitTTY"
        | "PermitUserRC"
        | "StrictModes"
        | "TCPKeepAlive"
        | "Compression"
        | "AllowTcpForwarding"
        | "AllowAgentForwarding"
        | "AllowStreamLocalForwarding"
        | "IgnoreRhosts"
        | "ChallengeResponseAuthentication"
        | "DebianBanner" => &["yes"],
        "KbdInteractiveAuthentication" if at_least(8, 7) => &["yes"],
        "KbdInteractiveAuthentication"
        | "UsePAM"
        | "IgnoreUserKnownHosts"
        | "HostbasedAuthentication"
        | "HostbasedUsesNameFromPacketOnly"
        | "KerberosAuthentication"
        | "GSSAPIAuthentication"
        | "GSSAPIKeyExchange"
        | "GSSAPIStoreCredentialsOnRekey"
        | "X11Forwarding"
        | "PermitEmptyPasswords"
        | "GatewayPorts"
        | "UseDNS"
        | "DisableForwarding"
        | "StreamLocalBindUnlink"
        | "ExposeAuthInfo"
        | "PermitUserEnvironment"
        | "PermitTunnel"
        | "RefuseConnection" => &["no"],
        "Banner"
        | "ForceCommand"
        | "ChrootDirectory"
        | "TrustedUserCAKeys"
        | "RevokedKeys"
        | "AuthorizedPrincipalsFile"
        | "VersionAddendum"
        | "AuthorizedKeysCommand"
        | "AuthorizedKeysCommandUser"
        | "AuthorizedPrincipalsCommand"
        | "AuthorizedPrincipalsCommandUser"
        | "HostKeyAgent"
        | "UnusedConnectionTimeout"
        | "PerSourceMaxStartups"
        | "PubkeyAuthOptions" => &["none"],
        _ => &[],
    }
}

const HOST_KEYS: &[&str] =
    &["/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ed25519_key"];
