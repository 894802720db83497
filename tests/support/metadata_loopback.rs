//! A metadata service on loopback, for whoever asks it as an SDK does: token first, then the role's credentials and
//! the identity document, signed with a key of its own whose certificate a policy may name.
//!
//! `AWS_EC2_METADATA_SERVICE_ENDPOINT` = [`Metadata::url`]. It stops when it is dropped.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The credentials of the role [`ROLE`].
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) key_id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
    /// As in `2026-11-22T18:00:00Z`.
    pub(crate) expiration: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Takes the connection and says nothing.
    Silent,
    /// This status for every request.
    Status(u16),
    /// The document is signed, and with another key.
    Forged,
    /// The document names another account than the one that was signed.
    Tampered,
}

#[derive(Debug)]
pub(crate) struct Metadata {
    address: SocketAddr,
    signer: Signer,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    said: Mutex<Said>,
}

/// What it says, and what it was asked.
#[derive(Debug)]
struct Said {
    account: String,
    region: String,
    instance: String,
    document: String,
    rsa2048: String,
    signature: String,
    credentials: Option<Credentials>,
    fault: Option<Fault>,
    tokens: BTreeSet<String>,
    asked: Vec<String>,
}

impl Metadata {
    /// The service of an instance [`INSTANCE`] of this account, with a role but without credentials.
    pub(crate) fn start(account: &str, region: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let said = Said {
            account: account.to_owned(),
            region: region.to_owned(),
            instance: INSTANCE.to_owned(),
            document: String::new(),
            rsa2048: String::new(),
            signature: String::new(),
            credentials: None,
            fault: None,
            tokens: BTreeSet::new(),
            asked: Vec::new(),
        };
        let shared = Arc::new(Shared { stop: AtomicBool::new(false), said: Mutex::new(said) });
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve(&listener, &served));
        let service = Self { address, signer: Signer::new(), shared, thread: Some(thread) };
        service.set_fault(None);
        service
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// In PEM: what `[aws] identity-certificate` is to name.
    pub(crate) fn certificate(&self) -> &Path {
        &self.signer.certificate
    }

    /// From now on; `None` is a role without credentials, and a 404.
    pub(crate) fn set_credentials(&self, credentials: Option<Credentials>) {
        self.said().credentials = credentials;
    }

    /// Another account's document, rightly signed.
    pub(crate) fn set_account(&self, account: &str) {
        self.change(|said| account.clone_into(&mut said.account));
    }

    /// Another instance's document, rightly signed.
    pub(crate) fn set_instance(&self, instance: &str) {
        self.change(|said| instance.clone_into(&mut said.instance));
    }

    pub(crate) fn set_fault(&self, fault: Option<Fault>) {
        self.change(|said| said.fault = fault);
    }

    /// Every request so far: its method and path.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.said().asked.clone()
    }

    fn change(&self, change: impl FnOnce(&mut Said)) {
        let mut said = self.said();
        change(&mut said);
        let Said { account, region, instance, .. } = &*said;
        let document = document(account, region, instance);
        let other = (said.fault == Some(Fault::Forged)).then(Signer::new);
        let signer = other.as_ref().unwrap_or(&self.signer);
        said.rsa2048 = wrapped(&signer.cms(document.as_bytes(), AS_AWS));
        said.signature = wrapped(&signer.plain(document.as_bytes()));
        said.document = match said.fault {
            Some(Fault::Tampered) => document.replace(&said.account, "999999999999"),
            _ => document,
        };
    }

    fn said(&self) -> std::sync::MutexGuard<'_, Said> {
        self.shared.said.lock().expect("the service's words")
    }
}

impl Drop for Metadata {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A document as AWS writes it.
pub(crate) fn document(account: &str, region: &str, instance: &str) -> String {
    format!(
        "{{\n  \"accountId\" : \"{account}\",\n  \"architecture\" : \"x86_64\",\n  \"availabilityZone\" : \"{region}a\",\n  \
         \"billingProducts\" : null,\n  \"devpayProductCodes\" : null,\n  \"marketplaceProductCodes\" : null,\n  \
         \"imageId\" : \"ami-0123456789abcdef0\",\n  \"instanceId\" : \"{instance}\",\n  \"instanceType\" : \"t3.micro\",\n  \
         \"kernelId\" : null,\n  \"pendingTime\" : \"2026-11-22T12:00:00Z\",\n  \"privateIp\" : \"10.0.0.5\",\n  \
         \"ramdiskId\" : null,\n  \"region\" : \"{region}\",\n  \"version\" : \"2017-09-30\"\n}}"
    )
}

/// A key and its certificate, made by openssl(1).
#[derive(Debug)]
pub(crate) struct Signer {
    folder: tempfile::TempDir,
    pub(crate) certificate: PathBuf,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        openssl(
            folder.path(),
            "req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -days 3650 -subj /CN=guestward-test",
        );
        Self { certificate: folder.path().join("certificate"), folder }
    }

    /// A SignedData in DER or BER, with more arguments of openssl-cms(1).
    pub(crate) fn cms(&self, content: &[u8], arguments: &str) -> Vec<u8> {
        fs::write(self.folder.path().join("content"), content).expect("a file");
        let sign =
            "cms -sign -binary -md sha256 -signer certificate -inkey key -in content -outform DER -out cms";
        openssl(self.folder.path(), &format!("{sign} {arguments}"));
        fs::read(self.folder.path().join("cms")).expect("a signature")
    }

    fn plain(&self, content: &[u8]) -> Vec<u8> {
        fs::write(self.folder.path().join("content"), content).expect("a file");
        openssl(self.folder.path(), "dgst -sha256 -sign key -out plain content");
        fs::read(self.folder.path().join("plain")).expect("a signature")
    }
}

/// The content in it, streamed, with attributes and without the certificate.
pub(crate) const AS_AWS: &str = "-nodetach -stream -nocerts";

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output();
    let output = output.expect("openssl starts");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Base64 in lines, as the service gives it.
pub(crate) fn wrapped(bytes: &[u8]) -> String {
    let digits = STANDARD.encode(bytes);
    let lines: Vec<&str> =
        digits.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join("\n")
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    listener.set_nonblocking(true).expect("a socket");
    let mut threads = Vec::new();
    while !shared.stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, _)) => {
                let shared = Arc::clone(shared);
                threads.push(std::thread::spawn(move || converse(stream, &shared)));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// One request, one answer; whatever goes wrong is the other side's to notice.
fn converse(mut stream: TcpStream, shared: &Shared) {
    stream.set_nonblocking(false).expect("a socket");
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a socket");
    let Some(head) = head(&mut stream, shared) else { return };
    let (status, body) = {
        let mut said = shared.said.lock().expect("the service's words");
        if said.fault == Some(Fault::Silent) {
            said.note(&head);
            drop(said);
            while !shared.stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            return;
        }
        said.answer(&head)
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{TTL}: 60\r\n\r\n{body}"
    );
    let _ = stream.write_all(answer.as_bytes());
}

fn head(stream: &mut TcpStream, shared: &Shared) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                if shared.stop.load(Ordering::Relaxed) {
                    return None;
                }
            }
            _ => return None,
        }
    }
    String::from_utf8(head).ok()
}

impl Said {
    fn note(&mut self, head: &str) -> (String, String) {
        let mut words = head.split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        self.asked.push(format!("{method} {path}"));
        (method, path)
    }

    fn answer(&mut self, head: &str) -> (u16, String) {
        let (method, path) = self.note(head);
        if let Some(Fault::Status(status)) = self.fault {
            return (status, String::new());
        }
        let header = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        if path == "/latest/api/token" {
            return match (method.as_str(), header(TTL).map(str::parse::<u32>)) {
                ("PUT", _) if header("x-forwarded-for").is_some() => (403, String::new()),
                ("PUT", Some(Ok(1..=21_600))) => {
                    let token = format!("AQAEATokenOfATestNumber{:033}", self.tokens.len());
                    self.tokens.insert(token.clone());
                    (200, token)
                }
                ("PUT", _) => (400, String::new()),
                _ => (405, String::new()),
            };
        }
        if !header("x-aws-ec2-metadata-token").is_some_and(|token| self.tokens.contains(token)) {
            return (401, String::new());
        }
        self.page(&path).map_or((404, String::new()), |body| (200, body))
    }

    fn page(&self, path: &str) -> Option<String> {
        let (folder, name) = path.rsplit_once('/')?;
        let credentials = || self.credentials.as_ref().filter(|_| name == ROLE).map(Credentials::to_json);
        match (folder, name) {
            ("/latest/meta-data", "instance-id") => Some(self.instance.clone()),
            ("/latest/meta-data/iam", "info") => Some(format!(
                "{{\"Code\":\"Success\",\"LastUpdated\":\"2026-11-22T12:00:00Z\",\"InstanceProfileArn\":\
                 \"arn:aws:iam::{}:instance-profile/{ROLE}\",\"InstanceProfileId\":\"AIPAEXAMPLE\"}}",
                self.account
            )),
            ("/latest/meta-data/iam/security-credentials", "") => Some(ROLE.to_owned()),
            ("/latest/meta-data/iam/security-credentials", _) => credentials(),
            ("/latest/dynamic/instance-identity", "document") => Some(self.document.clone()),
            ("/latest/dynamic/instance-identity", "rsa2048") => Some(self.rsa2048.clone()),
            ("/latest/dynamic/instance-identity", "signature") => Some(self.signature.clone()),
            _ => None,
        }
    }
}

impl Credentials {
    fn to_json(&self) -> String {
        let Self { key_id, secret, token, expiration } = self;
        format!(
            "{{\"Code\":\"Success\",\"LastUpdated\":\"2026-11-22T12:00:00Z\",\"Type\":\"AWS-HMAC\",\
             \"AccessKeyId\":\"{key_id}\",\"SecretAccessKey\":\"{secret}\",\"Token\":\"{token}\",\
             \"Expiration\":\"{expiration}\"}}"
        )
    }
}

pub(crate) const INSTANCE: &str = "i-0123456789abcdef0";
pub(crate) const ROLE: &str = "guestward-test";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
