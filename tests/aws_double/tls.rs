//! The double at an address of a test's choice: its certificate, judged by openssl and by rustls, whatever the date.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::{ACCOUNT, GROUP};
use crate::support::aws::{Aws, Metadata};
use crate::support::binary::text;
use crate::support::namespace::{inside, shell};

const NAMES: [&str; 3] =
    ["logs.eu-central-1.amazonaws.com", "ssm.eu-central-1.amazonaws.com", "sts.eu-central-1.amazonaws.com"];

#[test]
fn a_double_at_a_given_address_has_a_certificate_for_it_and_for_its_names() {
    inside(|| {
        shell("ip addr add 10.0.0.1/24 dev lo");
        let aws = Aws::start_tls_at(ACCOUNT, "10.0.0.1:443".parse().unwrap(), &NAMES);
        assert_eq!(aws.url(), "https://10.0.0.1:443");
        let authority = aws.authority().unwrap();
        let connect = |wanted: &[&str]| {
            let line = "s_client -connect 10.0.0.1:443 -verify_return_error -x509_strict -brief -CAfile";
            let mut command = Command::new("openssl");
            command.args(line.split(' ')).arg(&authority).args(wanted);
            let output = command.stdin(std::process::Stdio::null()).output().unwrap();
            (output.status.success(), text(&output.stderr))
        };
        for name in NAMES {
            let (is_trusted, said) = connect(&["-servername", name, "-verify_hostname", name]);
            assert!(is_trusted, "{name}: {said}");
        }
        assert!(connect(&["-verify_ip", "10.0.0.1"]).0);
        assert!(!connect(&["-verify_hostname", "ec2.eu-central-1.amazonaws.com"]).0);
        assert!(!connect(&["-verify_ip", "10.0.0.2"]).0);
    });
}

#[test]
fn the_certificate_holds_for_clients_whose_clock_is_wrong_by_days_or_a_year() {
    let aws = Aws::start_tls_at(ACCOUNT, "127.0.0.1:0".parse().unwrap(), &NAMES);
    let authority = aws.authority().unwrap();
    let leaf = authority.with_file_name("leaf.pem");
    let certificate = |file: &std::path::Path| CertificateDer::from_pem_file(file).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate(&authority)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    for (time, is_good) in [
        (now - 2 * DAY, true),
        (now, true),
        (now + 366 * DAY, true),
        (now - 400 * DAY, false),
        (now + 4000 * DAY, false),
    ] {
        for name in NAMES.into_iter().chain(["127.0.0.1"]) {
            let name = ServerName::try_from(name).unwrap();
            let at = UnixTime::since_unix_epoch(time);
            let verified = verifier.verify_server_cert(&certificate(&leaf), &[], &name, &[], at);
            assert_eq!(verified.is_ok(), is_good, "{name:?} at {time:?}: {verified:?}");
        }
        let mut command = Command::new("openssl");
        command.args(["verify", "-x509_strict", "-attime", &time.as_secs().to_string(), "-CAfile"]);
        let output = command.arg(&authority).arg(&leaf).output().unwrap();
        assert_eq!(output.status.success(), is_good, "{time:?}: {}", text(&output.stderr));
    }
}

#[test]
fn a_double_in_a_namespace_of_its_own_may_be_asked_and_dropped_from_elsewhere() {
    let (aws, metadata) = inside(|| {
        shell("ip addr add 169.254.169.254/32 dev lo");
        let aws = Aws::start_tls_at(ACCOUNT, "127.0.0.1:443".parse().unwrap(), &NAMES);
        let metadata = Metadata::start_at(&aws, "169.254.169.254:80".parse().unwrap());
        let mut stream = TcpStream::connect("169.254.169.254:80").unwrap();
        stream.write_all(b"GET /latest/ HTTP/1.1\r\n\r\n").unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.starts_with("HTTP/1.1 401 "), "{said}");
        (aws, metadata)
    });
    aws.group(GROUP);
    assert_eq!(metadata.asked().len(), 1);
    // This would wait for ever if it needed a way to there.
    drop((aws, metadata));
}

const DAY: Duration = Duration::from_secs(86_400);
