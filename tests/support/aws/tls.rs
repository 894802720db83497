//! A certificate authority that lives as long as a test, and a server certificate for the names that its clients use.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

#[derive(Debug)]
pub(crate) struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    /// With a certificate for a server at that address, which is known by these names as well.
    pub(crate) fn new(address: IpAddr, names: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a directory for certificates");
        let names: String = names.iter().map(|name| format!(",DNS:{name}")).collect();
        let rules = format!("{RULES}subjectAltName = IP:{address}{names}\n");
        let elliptic = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
        let (subject, server) = ("/CN=A test's own authority", "/CN=A test's own server");
        certify(
            folder.path(),
            &rules,
            &Wish { name: "ca", key: &elliptic, subject, rules: "authority" },
            None,
        );
        let leaf = Wish { name: "leaf", key: &elliptic, subject: server, rules: "server" };
        certify(folder.path(), &rules, &leaf, Some("ca"));
        Self { folder }
    }

    /// For `SSL_CERT_FILE`.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        let own = |name: &str| self.folder.path().join(name);
        let chain = vec![CertificateDer::from_pem_file(own("leaf.pem")).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_file(own("leaf.key")).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions that ring knows")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a certificate and its key");
        Arc::new(config)
    }
}

/// A key and a certificate that `openssl ca` is to make: `NAME.key` and `NAME.pem`.
#[derive(Debug)]
struct Wish<'a> {
    name: &'a str,
    key: &'a [&'a str],
    subject: &'a str,
    /// The section of the rules with its extensions.
    rules: &'a str,
}

/// A self-signed certificate with a key of RSA, as EC2's regions have it: `signer.key` and `signer.pem`.
pub(super) fn signer_in(folder: &Path) {
    let wish =
        Wish { name: "signer", key: &["rsa:2048"], subject: "/CN=an instance's own region", rules: "signer" };
    certify(folder, RULES, &wish, None);
}

/// Of all commands of openssl 3.0 only `ca` can say from when on a certificate holds.
fn certify(folder: &Path, rules: &str, wish: &Wish<'_>, by: Option<&str>) {
    std::fs::write(folder.join("rules"), rules).expect("a file");
    std::fs::write(folder.join("index"), "").expect("a file");
    let Wish { name, key, subject, rules } = wish;
    let own = |kind: &str| format!("{name}.{kind}");
    let (own_key, request, certificate) = (own("key"), own("csr"), own("pem"));
    let new = ["req", "-new", "-config", "rules", "-noenc", "-subj", subject, "-newkey"];
    openssl_in(folder, &[&new[..], key, &["-keyout", &own_key, "-out", &request]].concat());
    let date = |days: i64| {
        let time = Timestamp::now() + SignedDuration::from_hours(24 * days);
        time.strftime("%Y%m%d%H%M%SZ").to_string()
    };
    let (from, until) = (date(-DAYS_BEFORE), date(DAYS_AFTER));
    let sign = ["ca", "-batch", "-notext", "-config", "rules", "-extensions", rules];
    let times = ["-startdate", &from, "-enddate", &until, "-in", &request, "-out", &certificate];
    let issuer = by.unwrap_or(name);
    let (issuer_key, issuer_certificate) = (format!("{issuer}.key"), format!("{issuer}.pem"));
    let with = ["-keyfile", &issuer_key];
    let is_by: &[&str] = if by.is_some() { &["-cert", &issuer_certificate] } else { &["-selfsign"] };
    openssl_in(folder, &[&sign[..], &times, &with, is_by].concat());
}

pub(super) fn openssl_in(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("/usr/bin/openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("openssl (package openssl)");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A client's clock may be behind by days, and ahead by a year.
const DAYS_BEFORE: i64 = 30;
const DAYS_AFTER: i64 = 800;

/// What `openssl ca` does, and last the extensions of a server, whose names come behind.
const RULES: &str = "\
[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
[signer]
subjectKeyIdentifier = hash
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
";
