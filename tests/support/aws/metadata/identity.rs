//! Who the instance is, in the words that EC2 signs.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Metadata;
use crate::support::aws::Account;
use crate::support::aws::tls::{openssl_in, signer_in};

/// The key of the region that an instance is in.
#[derive(Debug)]
pub(super) struct Identity {
    folder: tempfile::TempDir,
}

#[derive(Debug)]
pub(super) struct Signed {
    pub(super) document: String,
    pub(super) rsa2048: String,
    /// EC2 makes it with another key, of 1,024 bits.
    pub(super) signature: String,
}

impl Identity {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a directory for a certificate");
        signer_in(folder.path());
        Self { folder }
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.path().join("signer.pem")
    }

    pub(super) fn sign(&self, account: Account, instance: &str) -> Signed {
        let document = document(account, instance);
        std::fs::write(self.folder.path().join("document"), &document).expect("a document");
        // With the content, in pieces, and without the certificate, as EC2 does.
        let sign = ["cms", "-sign", "-binary", "-nodetach", "-stream", "-nocerts", "-md", "sha256"];
        let with = ["-signer", "signer.pem", "-inkey", "signer.key", "-in", "document", "-outform", "DER"];
        let rsa2048 = lines(&openssl_in(self.folder.path(), &[&sign[..], &with].concat()));
        let plain = ["dgst", "-sha256", "-sign", "signer.key", "document"];
        let signature = lines(&openssl_in(self.folder.path(), &plain));
        Signed { document, rsa2048, signature }
    }
}

fn lines(bytes: &[u8]) -> String {
    let digits = STANDARD.encode(bytes);
    let lines = digits.as_bytes().chunks(64).map(String::from_utf8_lossy);
    lines.collect::<Vec<_>>().join("\n")
}

/// As EC2 writes it: JSON with a space before each colon, names in this order.
fn document(account: Account, instance: &str) -> String {
    let Account { id, region } = account;
    let local = Metadata::LOCAL;
    format!(
        "{{\n  \"accountId\" : \"{id}\",\n  \"architecture\" : \"x86_64\",\n  \"availabilityZone\" : \"{region}a\",\n  \
         \"billingProducts\" : null,\n  \"devpayProductCodes\" : null,\n  \"marketplaceProductCodes\" : null,\n  \
         \"imageId\" : \"{IMAGE}\",\n  \"instanceId\" : \"{instance}\",\n  \"instanceType\" : \"{TYPE}\",\n  \
         \"kernelId\" : null,\n  \"pendingTime\" : \"2026-11-22T00:00:00Z\",\n  \"privateIp\" : \"{local}\",\n  \
         \"ramdiskId\" : null,\n  \"region\" : \"{region}\",\n  \"version\" : \"2017-09-30\"\n}}"
    )
}

pub(super) const IMAGE: &str = "ami-0123456789abcdef0";
pub(super) const TYPE: &str = "t3.micro";
