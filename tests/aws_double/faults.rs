//! What goes wrong does so as often as it should, and commits what it should.

use std::time::Duration;

use super::clients::{Clients, Said, code};
use super::{ACCOUNT, GROUP, double};
use crate::support::aws::{Aws, Fault, Kind, Metadata};

#[test]
fn each_fault_shows_itself_and_commits_or_not() {
    let aws = double();
    for (kind, said, status, kept) in [
        (Kind::Throttle(None), "ThrottlingException", 400, 0),
        (Kind::Throttle(Some(7)), "ThrottlingException", 400, 0),
        (Kind::Failure, "InternalFailure", 500, 0),
        (Kind::Unavailable, "ServiceUnavailableException", 503, 0),
        (Kind::RefuseAll, "InvalidParameterException", 400, 0),
        (Kind::Refuse(400, "InvalidResourceId", "no"), "InvalidResourceId", 400, 0),
        (Kind::ExpiredToken, "ExpiredTokenException", 400, 0),
        (Kind::Reset, "nobody", 0, 0),
        (Kind::LostReply, "nobody", 0, 1),
        (Kind::Page(502), "", 502, 0),
        (Kind::Page(400), "", 400, 0),
        (Kind::Page(200), "", 200, 0),
        (Kind::Truncated, "", 200, 1),
        (Kind::Cut, "nobody", 200, 1),
        (Kind::Slow(Duration::from_millis(1)), "fine", 200, 1),
        // The SDK takes nothing for a success: what tells them apart is the request's id, which is not there.
        (Kind::Empty, "fine", 200, 0),
    ] {
        aws.forget_calls();
        let before = aws.count(GROUP);
        aws.faults().push(Fault::times(1, kind.clone()).on("PutLogEvents"));
        // A client of its own, so that no pool tries another connection.
        let clients = Clients::of(&aws);
        let outcome = put(&aws, &clients).map_or_else(|(code, _)| code, |()| "fine".to_owned());
        assert_eq!((outcome.as_str(), aws.count(GROUP) - before), (said, kept), "{kind:?}");
        assert_eq!(aws.calls().iter().map(|call| call.status).collect::<Vec<_>>(), [status], "{kind:?}");
        assert_eq!(put(&aws, &clients), Ok(()), "{kind:?} happens once");
    }
}

#[test]
fn a_fault_is_of_one_action_lasts_until_it_is_taken_back_and_may_come_while_running() {
    let aws = double();
    let clients = Clients::of(&aws);
    aws.faults().push(Fault::always(Kind::Unavailable).on("PutLogEvents"));
    for _ in 0..3 {
        assert_eq!(code(put(&aws, &clients)), "ServiceUnavailableException");
    }
    assert!(clients.ask(clients.sts.get_caller_identity().send()).is_ok());
    aws.faults().set([Fault::times(2, Kind::Throttle(None)), Fault::always(Kind::Failure)]);
    let codes: Vec<_> = (0..3).map(|_| code(put(&aws, &clients))).collect();
    assert_eq!(codes, ["ThrottlingException", "ThrottlingException", "InternalFailure"]);
    assert_eq!(code(clients.ask(clients.sts.get_caller_identity().send())), "InternalFailure");
    aws.faults().clear();
    assert_eq!(put(&aws, &clients), Ok(()));
}

#[test]
fn poison_spoils_the_batch_that_it_is_in() {
    let aws = double();
    let clients = Clients::of(&aws);
    aws.faults().push(Fault::always(Kind::Poison("POISON")));
    let now = aws.now();
    assert_eq!(code(clients.put(GROUP, "s", &[(now, "x"), (now, "a POISON")])), "InvalidParameterException");
    assert_eq!(aws.count(GROUP), 0);
    assert_eq!(clients.put(GROUP, "s", &[(now, "x")]), Ok([None; 3]));
}

#[test]
fn wrong_indexes_come_with_a_batch_that_was_taken() {
    let aws = double();
    aws.faults().push(Fault::always(Kind::WrongIndexes));
    let rejected = Clients::of(&aws).put(GROUP, "s", &[(aws.now(), "x")]);
    assert_eq!((rejected, aws.count(GROUP)), (Ok([Some(-7), Some(1_000_000), Some(i32::MAX)]), 1));
}

#[test]
fn a_server_that_never_answers_ends_with_the_double() {
    let aws = double();
    aws.faults().push(Fault::always(Kind::Silent));
    let clients = Clients::of(&aws);
    let waiting = std::thread::spawn(move || code(clients.put(GROUP, "s", &[(1, "x")])));
    while aws.calls().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!waiting.is_finished());
    drop(aws);
    assert_eq!(waiting.join().unwrap(), "nobody");
}

#[test]
fn an_absurd_body_is_as_long_as_it_says() {
    use std::io::{Read as _, Write as _};
    let aws = double();
    aws.faults().push(Fault::always(Kind::Huge));
    let mut stream = std::net::TcpStream::connect(aws.url().trim_start_matches("http://")).unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").unwrap();
    let mut read = 0;
    let mut piece = vec![0; 1 << 20];
    loop {
        match stream.read(&mut piece).unwrap() {
            0 => break,
            length => read += length,
        }
    }
    assert!(read > 64 * 1024 * 1024, "{read}");
}

#[test]
fn tls_is_for_those_who_trust_the_authority() {
    let aws = Aws::start_tls(ACCOUNT);
    aws.group(GROUP).stream("s");
    assert!(aws.url().starts_with("https://127.0.0.1:"));
    let trusting = Clients::trusting(&aws, &aws.authority().unwrap());
    assert_eq!(put(&aws, &trusting), Ok(()));
    assert_eq!(code(put(&aws, &Clients::of(&aws))), "nobody");
    aws.faults().push(Fault::times(1, Kind::LostReply));
    assert_eq!((code(put(&aws, &trusting)), aws.count(GROUP)), ("nobody".to_owned(), 2));
    assert_eq!(double().authority(), None);
}

#[test]
fn the_metadata_service_has_the_roles_newest_credentials_for_those_with_a_token() {
    let aws = double();
    let metadata = Metadata::start(&aws);
    let role = "/latest/meta-data/iam/security-credentials/";
    assert_eq!(ask(&metadata, "GET", role, "").0, 401);
    assert_eq!(ask(&metadata, "PUT", "/latest/api/token", "").0, 400);
    let ttl = "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n";
    assert_eq!(ask(&metadata, "PUT", "/latest/api/token", &format!("{ttl}x-forwarded-for: 1\r\n")).0, 403);
    let (status, token) = ask(&metadata, "PUT", "/latest/api/token", ttl);
    assert_eq!(status, 200);
    let get = |path: &str| ask(&metadata, "GET", path, &format!("x-aws-ec2-metadata-token: {token}\r\n"));
    assert_eq!(get(role), (200, "web".to_owned()));
    let keys = || {
        let keys: serde_json::Value = serde_json::from_str(&get(&format!("{role}web")).1).unwrap();
        let text = |name: &str| keys[name].as_str().unwrap().to_owned();
        (text("AccessKeyId"), text("SecretAccessKey"), text("Token"))
    };
    let old = keys();
    aws.expire();
    assert_eq!(keys(), aws.credentials());
    assert_ne!(keys(), old);
    let foreign = aws.foreign_credentials("444455556666");
    metadata.credentials(Some(foreign.clone()));
    assert_eq!(keys(), foreign);
    metadata.role(false);
    assert_eq!(get(role).0, 404);
    assert_eq!(get("/latest/meta-data/instance-id").1, "i-0123456789abcdef0");
    metadata.go_away(true);
    assert_eq!(get("/latest/meta-data/placement/region").0, 503);
    assert_eq!(
        metadata.asked().len(),
        metadata.asked().iter().filter(|asked| asked.path.starts_with("/latest/")).count()
    );
}

#[test]
fn openssl_verifies_the_identity_document_and_no_forged_one() {
    let aws = double();
    let metadata = Metadata::start(&aws);
    assert_eq!(metadata.url(), format!("http://{}", metadata.address()));
    let token = "x-aws-ec2-metadata-token-ttl-seconds: 60\r\n";
    let token =
        format!("x-aws-ec2-metadata-token: {}\r\n", ask(&metadata, "PUT", "/latest/api/token", token).1);
    let get =
        |name: &str| ask(&metadata, "GET", &format!("/latest/dynamic/instance-identity/{name}"), &token).1;
    let verified = || {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("signature");
        let signature = format!("-----BEGIN PKCS7-----\n{}\n-----END PKCS7-----\n", get("rsa2048"));
        std::fs::write(&file, signature).unwrap();
        let output = std::process::Command::new("/usr/bin/openssl")
            .args(["smime", "-verify", "-inform", "PEM", "-noverify", "-in"])
            .arg(&file)
            .arg("-certfile")
            .arg(metadata.certificate())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(verified(), get("document"));
    assert!(verified().contains("\"accountId\" : \"111122223333\""));
    metadata.instance(ACCOUNT, "i-00000000000000001");
    assert!(verified().contains("i-00000000000000001"));
    metadata.forge("{}");
    assert_ne!(verified(), get("document"));
}

fn put(aws: &Aws, clients: &Clients) -> Result<(), Said> {
    clients.put(GROUP, "s", &[(aws.now(), "x")]).map(drop)
}

/// Status and body of one request.
fn ask(metadata: &Metadata, method: &str, path: &str, headers: &str) -> (u16, String) {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(metadata.address()).unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
