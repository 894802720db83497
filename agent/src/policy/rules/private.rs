//! Files whose text is never kept, whatever a rule asks for: they are there to hold a secret.

use crate::host::glob;
use crate::host::object::split;

/// Whether a path is where secrets are kept.
pub fn is_private(path: &[u8]) -> bool {
    let (directory, name) = split(path);
    let is_named = NAMES.iter().any(|pattern| glob::matches(pattern.as_bytes(), name));
    let is_public = name.ends_with(b".pub");
    let is_within = |place: &str| {
        let inner = [b"/", place.as_bytes(), b"/"].concat();
        let directory = [directory, b"/"].concat();
        memchr::memmem::find(&directory, &inner).is_some()
    };
    (is_named && !is_public) || DIRECTORIES.iter().any(|place| is_within(place))
}

/// Names of files, glob(7).
const NAMES: &[&str] = &[
    "shadow",
    "shadow-",
    "gshadow",
    "gshadow-",
    "shadow.*",
    "opasswd",
    "*.key",
    "*.pem",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keytab",
    "*.kdbx",
    "*.gpg",
    "*.asc",
    "id_*",
    "*_key",
    "ssh_host_*",
    "identity",
    ".netrc",
    "netrc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".dockercfg",
    ".htpasswd",
    "htpasswd",
    "credentials",
    "credentials.*",
    "wpa_supplicant*",
    "*-secrets",
    "*.secret",
    "*.secrets",
    "secrets",
    "chrony.keys",
    "ntp.keys",
    "rndc.key",
    "auth.conf",
    "sssd.conf",
    "kubeconfig",
    "*.nmconnection",
];

/// Directories, anywhere in a path.
const DIRECTORIES: &[&str] = &[
    "private",
    "system-connections",
    "auth.conf.d",
    ".aws",
    ".gnupg",
    ".kube",
    ".docker",
    "letsencrypt",
    "wireguard",
    "ipsec.d",
    "credstore",
    "credstore.encrypted",
];
