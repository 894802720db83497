//! The metadata service of an instance in the double's account, on the loopback: IMDSv2 alone, the role's credentials,
//! and an identity document that is signed as EC2 signs it, with a certificate of its own.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::clock;
use super::http::{Answer, Reply, Request};
use super::server::Server;
use super::state::State;
use super::tls::openssl_in;
use super::{Account, Aws};

/// The service, as long as it lives. `AWS_EC2_METADATA_SERVICE_ENDPOINT` is its [`Metadata::url`].
#[derive(Debug)]
pub(crate) struct Metadata {
    server: Server,
    told: Arc<Mutex<Told>>,
    folder: tempfile::TempDir,
}

/// What it answers besides the token.
#[derive(Debug)]
struct Told {
    document: String,
    signature: String,
    /// In place of the newest ones of the double.
    credentials: Option<(String, String, String)>,
    has_role: bool,
    /// Nobody gets more than 503.
    is_away: bool,
    asked: Vec<String>,
}

impl Metadata {
    /// Of an instance that belongs to the double's account.
    pub(crate) fn start(aws: &Aws) -> Self {
        let folder = tempfile::tempdir().expect("a directory for a certificate");
        // EC2's are RSA with 2,048 bits, too.
        let new = [
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-noenc",
            "-days",
            "2",
            "-subj",
            "/CN=an instance's own region",
        ];
        openssl_in(folder.path(), &[&new[..], &["-keyout", "key.pem", "-out", "certificate.pem"]].concat());
        let told = Told {
            document: String::new(),
            signature: String::new(),
            credentials: None,
            has_role: true,
            is_away: false,
            asked: Vec::new(),
        };
        let told = Arc::new(Mutex::new(told));
        let (state, telling) = (Arc::clone(&aws.state), Arc::clone(&told));
        let server = Server::start(None, move |request| {
            Reply::Whole(answer(&state, &mut telling.lock().expect("metadata"), &request))
        });
        let metadata = Self { server, told, folder };
        metadata.instance(aws.state.account, "i-0123456789abcdef0");
        metadata
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// The certificate that the identity document was signed with, for `[aws] identity-certificate`.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// Which instance of which account it says that this is, with a signature that fits.
    pub(crate) fn instance(&self, account: Account, instance: &str) {
        let document = document(account, instance);
        std::fs::write(self.folder.path().join("document"), &document).expect("a document");
        let sign = ["cms", "-sign", "-nodetach", "-binary", "-noattr", "-md", "sha256", "-in", "document"];
        let with = ["-signer", "certificate.pem", "-inkey", "key.pem", "-outform", "PEM"];
        let signed = openssl_in(self.folder.path(), &[&sign[..], &with].concat());
        let signed = String::from_utf8(signed).expect("PEM is text");
        // EC2 gives the lines between the dashes.
        let lines: Vec<&str> = signed.lines().filter(|line| !line.starts_with('-')).collect();
        let mut told = self.told.lock().expect("metadata");
        (told.document, told.signature) = (document, lines.join("\n"));
    }

    /// Other text than what was signed.
    pub(crate) fn forge(&self, document: &str) {
        document.clone_into(&mut self.told.lock().expect("metadata").document);
    }

    /// Somebody's credentials in place of the role's own; `None` for those again.
    pub(crate) fn credentials(&self, credentials: Option<(String, String, String)>) {
        self.told.lock().expect("metadata").credentials = credentials;
    }

    /// Whether the instance has a role.
    pub(crate) fn role(&self, has_role: bool) {
        self.told.lock().expect("metadata").has_role = has_role;
    }

    pub(crate) fn go_away(&self, is_away: bool) {
        self.told.lock().expect("metadata").is_away = is_away;
    }

    /// Paths of all requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.told.lock().expect("metadata").asked.clone()
    }
}

fn answer(state: &State, told: &mut Told, request: &Request) -> Answer {
    told.asked.push(request.path.clone());
    let plain = |status, body: &str| Answer::new(status, "text/plain", body);
    if told.is_away {
        return plain(503, "");
    }
    let seconds = request.header("x-aws-ec2-metadata-token-ttl-seconds").and_then(|text| text.parse().ok());
    match (request.method.as_str(), request.path.as_str()) {
        ("PUT", "/latest/api/token") => {
            let is_direct = request.header("x-forwarded-for").is_none();
            return match seconds {
                Some(1..=21_600_u32) if is_direct => {
                    let mut answer = plain(200, TOKEN);
                    let name = "x-aws-ec2-metadata-token-ttl-seconds";
                    answer.headers.push((name, seconds.unwrap_or_default().to_string()));
                    answer
                }
                _ => plain(if is_direct { 400 } else { 403 }, ""),
            };
        }
        ("GET", _) if request.header("x-aws-ec2-metadata-token") != Some(TOKEN) => return plain(401, ""),
        ("GET", _) => {}
        _ => return plain(405, ""),
    }
    let document = |name: &str| {
        let document: serde_json::Value = serde_json::from_str(&told.document).unwrap_or_default();
        document[name].as_str().unwrap_or_default().to_owned()
    };
    match request.path.trim_start_matches("/latest/") {
        "dynamic/instance-identity/document" => plain(200, &told.document),
        "dynamic/instance-identity/rsa2048" => plain(200, &told.signature),
        "meta-data/instance-id" => plain(200, &document("instanceId")),
        "meta-data/placement/region" => plain(200, &document("region")),
        "meta-data/iam/security-credentials/" | "meta-data/iam/security-credentials" if told.has_role => {
            plain(200, "web")
        }
        "meta-data/iam/security-credentials/web" if told.has_role => {
            let newest = || state.access.lock().expect("keys").newest();
            let (id, secret, token) = told.credentials.clone().unwrap_or_else(newest);
            let now = state.clock.now();
            let body = json!({
                "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": clock::rfc3339(now),
                "AccessKeyId": id, "SecretAccessKey": secret, "Token": token,
                "Expiration": clock::rfc3339(now + 6 * 3_600_000),
            });
            plain(200, &body.to_string())
        }
        _ => plain(404, ""),
    }
}

/// As EC2 writes it: JSON with a space before each colon, names in this order.
fn document(account: Account, instance: &str) -> String {
    let Account { id, region } = account;
    format!(
        "{{\n  \"accountId\" : \"{id}\",\n  \"architecture\" : \"x86_64\",\n  \"availabilityZone\" : \"{region}a\",\n  \
         \"billingProducts\" : null,\n  \"devpayProductCodes\" : null,\n  \"marketplaceProductCodes\" : null,\n  \
         \"imageId\" : \"ami-0123456789abcdef0\",\n  \"instanceId\" : \"{instance}\",\n  \
         \"instanceType\" : \"t3.micro\",\n  \"kernelId\" : null,\n  \
         \"pendingTime\" : \"2026-11-22T00:00:00Z\",\n  \"privateIp\" : \"10.0.0.5\",\n  \"ramdiskId\" : null,\n  \
         \"region\" : \"{region}\",\n  \"version\" : \"2017-09-30\"\n}}"
    )
}

const TOKEN: &str = "AQAEAFakeTokenOfATestOnTheLoopback0123456789abcdefghijklm==";
