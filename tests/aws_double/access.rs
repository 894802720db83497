//! Who may call: signatures, their time, tokens, permissions; in the words of each service.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::clients::{Clients, Said, code};
use super::{ACCOUNT, GROUP, double};
use crate::support::aws::{Aws, Service};

#[test]
fn a_signature_is_good_for_five_minutes_on_both_sides() {
    let aws = double();
    aws.freeze_clock();
    let now = aws.now();
    for (seconds, said) in [
        (0, None),
        (-300, None),
        (300, None),
        (-301, Some("Signature expired: ")),
        (301, Some("Signature not yet current: ")),
        (-86_400, Some("Signature expired: ")),
    ] {
        let clients = Clients::at(&aws, now + seconds * 1000);
        let (put, who) = (clients.put(GROUP, "s", &[(now, "x")]), identity(&clients));
        let Some(said) = said else {
            assert_eq!((put, who), (Ok([None; 3]), Ok(ACCOUNT.id.to_owned())), "{seconds}");
            continue;
        };
        let ((code, text), (code_of_sts, _)) = (put.unwrap_err(), who.unwrap_err());
        assert_eq!(
            (code.as_str(), code_of_sts.as_str()),
            ("InvalidSignatureException", "SignatureDoesNotMatch")
        );
        assert!(text.starts_with(said) && text.ends_with("5 min.)"), "{seconds}: {text}");
    }
}

#[test]
fn the_doubles_clock_is_the_one_that_counts_and_stands_in_each_answer() {
    let aws = double();
    aws.freeze_clock();
    let host = aws.now();
    aws.clock_offset(3 * 3_600_000);
    assert_eq!(code(Clients::at(&aws, host).put(GROUP, "s", &[(host, "x")])), "InvalidSignatureException");
    let ahead = aws.now();
    assert_eq!(Clients::at(&aws, ahead).put(GROUP, "s", &[(ahead, "x")]), Ok([None; 3]));
    let head = raw(&aws, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let date = jiff::Timestamp::from_millisecond(ahead).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT");
    assert!(head.contains(&format!("\r\ndate: {date}\r\n")), "{head}");
    assert!(head.contains("\r\nx-amzn-requestid: "), "{head}");
}

#[test]
fn another_key_secret_or_token_is_refused() {
    let aws = double();
    let (id, secret, token) = aws.credentials();
    let wrong = || "AKIAOTHER".to_owned();
    for (keys, said, sts) in [
        ((wrong(), secret.clone(), token.clone()), "UnrecognizedClientException", "InvalidClientTokenId"),
        ((id.clone(), wrong(), token.clone()), "InvalidSignatureException", "SignatureDoesNotMatch"),
        ((id, secret, wrong()), "UnrecognizedClientException", "InvalidClientTokenId"),
    ] {
        let clients = Clients::with(&aws.url(), keys);
        assert_eq!(code(clients.put(GROUP, "s", &[(aws.now(), "x")])), said);
        assert_eq!(code(identity(&clients)), sts);
    }
    assert_eq!(aws.count(GROUP), 0);
}

#[test]
fn expired_credentials_are_named_as_such_and_new_ones_work() {
    let aws = double();
    let old = Clients::of(&aws);
    assert_eq!(identity(&old), Ok(ACCOUNT.id.to_owned()));
    aws.expire();
    assert_eq!(code(old.put(GROUP, "s", &[(aws.now(), "x")])), "ExpiredTokenException");
    assert_eq!(code(identity(&old)), "ExpiredToken");
    assert_eq!(Clients::of(&aws).put(GROUP, "s", &[(aws.now(), "x")]), Ok([None; 3]));
}

#[test]
fn what_is_denied_is_denied_alone() {
    let aws = double();
    let clients = Clients::of(&aws);
    let put = || clients.put(GROUP, "s", &[(aws.now(), "x")]);
    aws.deny("logs:PutLogEvents");
    let (code, text) = put().unwrap_err();
    assert_eq!(code, "AccessDeniedException");
    assert!(
        text.starts_with("User: arn:aws:sts::111122223333:assumed-role/")
            && text.contains(" logs:PutLogEvents ")
    );
    assert!(identity(&clients).is_ok());
    aws.allow("logs:PutLogEvents");
    assert!(put().is_ok());
    aws.deny("sts:GetCallerIdentity");
    assert_eq!(identity(&clients).unwrap_err().0, "AccessDenied");
}

#[test]
fn credentials_of_another_account_say_so_and_can_do_nothing() {
    let aws = double();
    let clients = Clients::with(&aws.url(), aws.foreign_credentials("444455556666"));
    assert_eq!(identity(&clients), Ok("444455556666".to_owned()));
    assert_eq!(code(clients.put(GROUP, "s", &[(aws.now(), "x")])), "AccessDeniedException");
    assert_eq!(identity(&Clients::of(&aws)), Ok(ACCOUNT.id.to_owned()), "ours are still ours");
}

#[test]
fn every_request_is_in_the_log_with_its_outcome() {
    let aws = double();
    let clients = Clients::of(&aws);
    let before = std::time::Instant::now();
    clients.put(GROUP, "s", &[(aws.now(), "x")]).unwrap();
    clients.put(GROUP, "none", &[(aws.now(), "x")]).unwrap_err();
    identity(&clients).unwrap();
    let calls = aws.calls();
    let shown: Vec<_> = calls
        .iter()
        .map(|call| (call.service, call.action.as_str(), call.status, call.code.as_deref()))
        .collect();
    let wanted = [
        (Service::Logs, "PutLogEvents", 200, None),
        (Service::Logs, "PutLogEvents", 400, Some("ResourceNotFoundException")),
        (Service::Sts, "GetCallerIdentity", 200, None),
    ];
    assert_eq!(shown, wanted);
    assert!(calls.iter().all(|call| call.bytes > 30 && call.at >= before));
}

#[test]
fn a_request_is_http_or_the_connection_ends() {
    let aws = double();
    let head = "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: Logs_20140328.PutLogEvents\r\n";
    let chunks = "transfer-encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3;x=y\r\n:1}\r\n0\r\n\r\n";
    // Two on one connection: the second is read from where the first ends.
    let twice = format!("{head}{chunks}{head}connection: close\r\ncontent-length: 2\r\n\r\n{{}}");
    let said = raw(&aws, &twice);
    assert_eq!(said.matches("MissingAuthenticationTokenException").count(), 2, "{said}");
    assert_eq!(aws.calls().iter().map(|call| call.bytes).collect::<Vec<_>>(), [7, 2]);
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), "400"),
        (format!("{head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"), "400"),
        (format!("{head}content-length: -1\r\n\r\n"), "400"),
        (format!("{head}content-length: 99999999999\r\n\r\n"), "413"),
        (format!("{head}x: {}", "x".repeat(70_000)), "431"),
    ] {
        let said = raw(&aws, &request);
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{request:.80}: {said}");
    }
    assert_eq!(aws.calls().len(), 2);
}

/// The account, as STS says it.
fn identity(clients: &Clients) -> Result<String, Said> {
    let caller = clients.ask(clients.sts.get_caller_identity().send())?;
    Ok(caller.account().unwrap().to_owned())
}

/// All that comes back until the double closes.
fn raw(aws: &Aws, request: &str) -> String {
    let mut stream = TcpStream::connect(aws.url().trim_start_matches("http://")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut said = Vec::new();
    // A server that closes with something unread resets the connection, after its answer.
    let _ = stream.read_to_end(&mut said);
    String::from_utf8(said).unwrap()
}
