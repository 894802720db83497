//! A certificate authority that lives as long as a test, and a server certificate for the loopback.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

#[derive(Debug)]
pub(crate) struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a directory for certificates");
        let own = |name: &str| folder.path().join(name).display().to_string();
        let (ca, ca_key, leaf, leaf_key) = (own("ca.pem"), own("ca.key"), own("leaf.pem"), own("leaf.key"));
        let new =
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2"];
        openssl_in(
            folder.path(),
            &[&new[..], &["-subj", "/CN=A test's own authority", "-keyout", &ca_key, "-out", &ca]].concat(),
        );
        let names = "subjectAltName=IP:127.0.0.1,DNS:localhost";
        let signed = ["-subj", "/CN=localhost", "-CA", &ca, "-CAkey", &ca_key, "-addext", names];
        let is_leaf = ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", &leaf_key, "-out", &leaf];
        openssl_in(folder.path(), &[&new[..], &signed, &is_leaf].concat());
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

pub(super) fn openssl_in(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("/usr/bin/openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("openssl (package openssl)");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
