//! The instance identity document: what is believed and what is not, beside openssl(1) on signatures that it made, and
//! from a metadata service of our own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use guestward::host::imds::{Document, Endpoint, NoReply, Unverified, document};
use sha2::{Digest as _, Sha256};

use crate::support::metadata_loopback::{
    self, AS_AWS, Credentials, Fault, INSTANCE, Metadata, ROLE, Signer, wrapped,
};

#[test]
fn whatever_form_a_good_signature_has_it_is_understood() {
    let signer = Signer::new();
    let content = content();
    for form in FORMS {
        let cms = signer.cms(content.as_bytes(), form);
        assert!(openssl_verifies(&signer, form, &cms, &content), "{form}: openssl");
        assert_eq!(verified(&signer, content.as_bytes(), &cms), Ok(expected()), "{form}");
    }
}

#[test]
fn what_was_changed_in_content_hash_or_signature_is_refused_as_openssl_does() {
    let signer = Signer::new();
    let content = content();
    let hash = Sha256::digest(content.as_bytes());
    for form in FORMS {
        let cms = signer.cms(content.as_bytes(), form);
        // From the end: certificates lie before the signature, and the hash among the attributes.
        let at = |part: &[u8]| memchr::memmem::rfind(&cms, part);
        let end = cms.iter().rposition(|&byte| byte != 0).unwrap();
        let places =
            [at(content.as_bytes()).map(|at| at + IN_CONTENT), at(&hash).map(|at| at + 7), Some(end - 90)];
        for place in places.into_iter().flatten() {
            let mut broken = cms.clone();
            broken[place] ^= 1;
            // The service gives what lies in the signature, or it would be refused for that alone.
            let mut beside = content.clone().into_bytes();
            if Some(place) == places[0] {
                beside[IN_CONTENT] ^= 1;
            }
            let beside = String::from_utf8(beside).unwrap();
            assert!(!openssl_verifies(&signer, form, &broken, &beside), "{form}: openssl at {place}");
            assert!(verified(&signer, beside.as_bytes(), &broken).is_err(), "{form}: at {place}");
        }
        let other = content.replace("111122223333", "111122223334");
        let refused = verified(&signer, other.as_bytes(), &cms);
        assert!(
            matches!(refused, Err(Unverified::Differs | Unverified::Forged { .. })),
            "{form}: {refused:?}"
        );
    }
}

#[test]
fn wherever_a_byte_was_changed_nothing_is_believed_that_openssl_would_not_believe() {
    let signer = Signer::new();
    let content = content();
    let mut agreed = 0;
    for form in ["-nodetach -stream -nocerts", "-nodetach -noattr -nocerts"] {
        let cms = signer.cms(content.as_bytes(), form);
        for place in (0..cms.len()).step_by(23) {
            let mut broken = cms.clone();
            broken[place] ^= 0x10;
            match (
                openssl_verifies(&signer, form, &broken, &content),
                verified(&signer, content.as_bytes(), &broken),
            ) {
                (true, Ok(_)) | (false, Err(_)) => agreed += 1,
                // We are stricter about what the structure may be.
                (true, Err(Unverified::NoSignature(_))) => {}
                // Who signed is told by the key; openssl looks for the name beside it.
                (false, Ok(document)) => assert_eq!(document, expected(), "{form}: at {place}"),
                (true, Err(why)) => panic!("{form}: at {place}: openssl believes it, and we do not: {why}"),
            }
        }
    }
    assert!(agreed > 50, "{agreed}");
}

#[test]
fn a_signature_that_is_cut_short_or_longer_is_no_signature() {
    let signer = Signer::new();
    let content = content();
    let cms = signer.cms(content.as_bytes(), AS_AWS);
    for end in (0..cms.len()).step_by(7) {
        let refused = verified(&signer, content.as_bytes(), &cms[..end]);
        assert!(matches!(refused, Err(Unverified::NoSignature(_))), "{end}: {refused:?}");
    }
    let longer = [&cms[..], b"\0"].concat();
    assert!(verified(&signer, content.as_bytes(), &longer).is_err());
}

#[test]
fn the_service_says_who_we_are_with_a_token_and_nothing_else_is_asked() {
    let service = Metadata::start("111122223333", "eu-central-1");
    assert_eq!(asked(&service), Ok(expected()));
    assert_eq!(
        service.asked(),
        [
            "PUT /latest/api/token",
            "GET /latest/dynamic/instance-identity/document",
            "GET /latest/dynamic/instance-identity/rsa2048",
        ]
    );
}

#[test]
fn without_the_policys_certificate_only_aws_itself_is_believed() {
    let service = Metadata::start("111122223333", "eu-central-1");
    let refused = document(endpoint(&service), None).unwrap_err();
    assert_eq!(refused, Unverified::Forged { region: "eu-central-1".into() });
    assert!(refused.to_string().contains("[aws] identity-certificate"), "{refused}");
    let refused = document(endpoint(&service), Some(b"no certificate")).unwrap_err();
    assert!(matches!(refused, Unverified::Certificate(_)), "{refused}");
}

#[test]
fn each_fault_of_the_service_has_a_name() {
    let service = Metadata::start("111122223333", "eu-central-1");
    let forged = Unverified::Forged { region: "eu-central-1".into() };
    for (fault, why) in [
        (Fault::Silent, Unverified::NoAnswer(NoReply::Silent)),
        (Fault::Status(500), Unverified::NoAnswer(NoReply::Garbled("status 500".into()))),
        (Fault::Forged, forged),
        (Fault::Tampered, Unverified::Differs),
    ] {
        service.set_fault(Some(fault));
        assert_eq!(asked(&service), Err(why), "{fault:?}");
    }
    service.set_fault(None);
    service.set_account("444455556666");
    assert_eq!(asked(&service).unwrap().account, "444455556666");
    let endpoint = endpoint(&service);
    drop(service);
    assert_eq!(document(endpoint, None), Err(Unverified::NoAnswer(NoReply::Refused)));
}

#[test]
fn the_test_service_takes_nobody_without_a_token_and_gives_a_roles_credentials() {
    let service = Metadata::start("111122223333", "eu-central-1");
    let role = "/latest/meta-data/iam/security-credentials/";
    assert_eq!(fetch(&service, "GET", &[], role).0, 401);
    let seconds = "x-aws-ec2-metadata-token-ttl-seconds: 60";
    let (status, token) = fetch(&service, "PUT", &[seconds], "/latest/api/token");
    assert_eq!(status, 200);
    assert_eq!(fetch(&service, "PUT", &[], "/latest/api/token").0, 400, "a token without a time");
    assert_eq!(fetch(&service, "PUT", &[seconds, "x-forwarded-for: 192.0.2.1"], "/latest/api/token").0, 403);
    let header = format!("X-Aws-Ec2-Metadata-Token: {token}");
    let get = |path: &str| fetch(&service, "GET", &[&header], path);
    assert_eq!(get(role), (200, ROLE.into()));
    assert_eq!(get("/latest/meta-data/instance-id").1, INSTANCE);
    assert!(get("/latest/meta-data/iam/info").1.contains("arn:aws:iam::111122223333:instance-profile/"));
    let own = format!("{role}{ROLE}");
    assert_eq!(get(&own).0, 404, "a role without credentials");
    let credentials = |key_id: &str| Credentials {
        key_id: key_id.into(),
        secret: "secret".into(),
        token: "token".into(),
        expiration: "2099-01-01T00:00:00Z".into(),
    };
    for key_id in ["ASIAFIRST", "ASIASECOND"] {
        service.set_credentials(Some(credentials(key_id)));
        let answer: serde_json::Value = serde_json::from_str(&get(&own).1).unwrap();
        assert_eq!((&answer["Code"], &answer["AccessKeyId"]), (&"Success".into(), &key_id.into()));
    }
}

/// The status and body of one request, whose headers are these.
fn fetch(service: &Metadata, method: &str, headers: &[&str], path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(service.address()).unwrap();
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn asked(service: &Metadata) -> Result<Document, Unverified> {
    let pem = fs::read(service.certificate()).unwrap();
    document(endpoint(service), Some(&pem))
}

fn endpoint(service: &Metadata) -> Endpoint {
    let endpoint: Endpoint = service.url().parse().unwrap();
    assert_eq!(endpoint.address(), service.address());
    endpoint
}

fn verified(signer: &Signer, document: &[u8], cms: &[u8]) -> Result<Document, Unverified> {
    let pem = fs::read(&signer.certificate).unwrap();
    Document::verified(document, wrapped(cms).as_bytes(), Some(&pem))
}

/// Whether openssl believes it, of this content where it lies beside the signature.
fn openssl_verifies(signer: &Signer, form: &str, cms: &[u8], content: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cms"), cms).unwrap();
    fs::write(folder.path().join("content"), content).unwrap();
    let beside: &[&str] = if form.contains("-nodetach") { &[] } else { &["-content", "content"] };
    let output = Command::new("openssl")
        .args([
            "cms",
            "-verify",
            "-binary",
            "-inform",
            "DER",
            "-in",
            "cms",
            "-noverify",
            "-out",
            "out",
            "-certfile",
        ])
        .arg(&signer.certificate)
        .args(beside)
        .current_dir(folder.path())
        .output()
        .unwrap();
    output.status.success()
}

fn content() -> String {
    metadata_loopback::document("111122223333", "eu-central-1", INSTANCE)
}

fn expected() -> Document {
    Document { account: "111122223333".into(), region: "eu-central-1".into(), instance: INSTANCE.into() }
}

/// A digit of the account.
const IN_CONTENT: usize = 23;
/// The content within and beside, lengths with and without numbers, with and without attributes and certificates.
const FORMS: &[&str] = &[
    AS_AWS,
    "-nodetach -nocerts",
    "-nodetach",
    "-nodetach -stream",
    "-nodetach -noattr",
    "-nodetach -noattr -stream -nocerts",
    "-nocerts",
    "-noattr",
    "-nodetach -keyid",
    "-nodetach -nosmimecap",
];
