//! The double of the metadata service, rule by rule, and read by AWS's own Python as an instance reads EC2's.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, SocketAddrV4, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use guestward::sys::packets::Overheard;

use super::witness::python;
use super::{ACCOUNT, double};
use crate::support::aws::{Aws, Metadata, Tokens};
use crate::support::binary::text;
use crate::support::namespace::{inside, shell};

#[test]
fn a_token_is_for_a_put_that_came_straight_and_says_for_how_long() {
    let (_aws, metadata) = service();
    for seconds in ["0", "-1", "21601", "x", "1.5", "", "4294967297"] {
        assert_eq!(put(&metadata, &format!("{TTL}: {seconds}\r\n")).status, 400, "{seconds}");
    }
    assert_eq!(put(&metadata, "").status, 400);
    for seconds in ["1", "21600"] {
        let answer = put(&metadata, &format!("{TTL}: {seconds}\r\n"));
        assert_eq!((answer.status, answer.header(TTL)), (200, Some(seconds)));
        assert!(answer.body.len() == 56 && answer.body.starts_with("AQAE"), "{}", answer.body);
    }
    let forwarded = put(&metadata, &format!("{TTL}: 60\r\nx-forwarded-for: 192.0.2.1\r\n"));
    assert_eq!((forwarded.status, forwarded.body.as_str()), (403, ""));
    let got = ask(&metadata, "GET", TOKEN, &format!("{TTL}: 60\r\n"));
    assert_eq!((got.status, got.header("allow")), (405, Some("OPTIONS, PUT")));
    assert_eq!(ask(&metadata, "PUT", ID, &with(&token(&metadata, 60))).status, 405);
}

#[test]
fn many_tokens_are_good_at_once_and_none_is_like_another() {
    let (_aws, metadata) = service();
    let tokens: Vec<_> = (0..20).map(|_| token(&metadata, 21_600)).collect();
    for (place, token) in tokens.iter().enumerate() {
        assert!(!tokens[..place].contains(token), "{token}");
        assert_eq!(ask(&metadata, "GET", ID, &with(token)).status, 200);
    }
}

#[test]
fn a_token_has_an_end_and_until_then_each_answer_says_when() {
    let (_aws, metadata) = service();
    let (long, short) = (with(&token(&metadata, 21_600)), with(&token(&metadata, 1)));
    let until = Instant::now() + Duration::from_secs(60);
    while ask(&metadata, "GET", ID, &short).status != 401 {
        assert!(Instant::now() < until, "a token that lives for ever");
    }
    let answer = ask(&metadata, "GET", ID, &long);
    let left: u32 = answer.header(TTL).unwrap().parse().unwrap();
    assert!(answer.status == 200 && (1..21_600).contains(&left), "{left}");
    metadata.tokens(Tokens::Optional);
    assert_eq!(ask(&metadata, "GET", ID, &short).status, 401, "also where none is needed");
}

#[test]
fn tokens_are_required_or_optional_or_everything_is_off() {
    let (_aws, metadata) = service();
    let good = with(&token(&metadata, 60));
    let bad = with("made-up");
    for (tokens, statuses) in [
        (Tokens::Required, [401, 401, 200, 200]),
        (Tokens::Optional, [200, 401, 200, 200]),
        (Tokens::Off, [403, 403, 403, 403]),
        (Tokens::Required, [401, 401, 200, 200]),
    ] {
        metadata.tokens(tokens);
        let status = |headers: &str| ask(&metadata, "GET", ID, headers).status;
        let made = put(&metadata, &format!("{TTL}: 60\r\n")).status;
        assert_eq!([status(""), status(&bad), status(&good), made], statuses, "{tokens:?}");
    }
    metadata.tokens(Tokens::Optional);
    let answer = ask(&metadata, "GET", ID, "x-forwarded-for: 192.0.2.1\r\n");
    assert_eq!((answer.status, answer.header(TTL)), (200, None), "the header stops tokens alone");
}

#[test]
fn only_the_answer_with_a_token_is_held_to_the_hop_limit() {
    inside(|| {
        shell("ip addr add 169.254.169.254/32 dev lo");
        let at: SocketAddrV4 = "169.254.169.254:80".parse().unwrap();
        let aws = double();
        let metadata = Metadata::start_at(&aws, at.into());
        let heard = |headers: &str, method: &str, path: &str| {
            let ears = Overheard::from(at).unwrap();
            let answer = ask(&metadata, method, path, headers);
            let status = format!("HTTP/1.1 {}", answer.status);
            // It is there by now: the client has read it.
            (answer.status, ears.time_to_live(|payload| payload.starts_with(status.as_bytes())).unwrap())
        };
        let good = format!("{TTL}: 60\r\n");
        assert_eq!(heard(&good, "PUT", TOKEN), (200, Some(1)), "one hop is what EC2 begins with");
        for hops in [2, 64, 3, 1] {
            metadata.hops(hops);
            assert_eq!(heard(&good, "PUT", TOKEN), (200, Some(hops)));
            assert_eq!(heard("", "PUT", TOKEN), (400, Some(64)), "no token, no limit");
            assert_eq!(heard("", "GET", ID), (401, Some(64)));
            let with = with(&token(&metadata, 60));
            assert_eq!(heard(&with, "GET", ID), (200, Some(64)));
        }
    });
}

#[test]
fn the_pages_are_those_of_the_instance() {
    let (aws, metadata) = service();
    let get = |path: &str| get(&metadata, path);
    for (path, body) in [
        ("meta-data/instance-id", "i-0123456789abcdef0"),
        ("meta-data/ami-id", "ami-0123456789abcdef0"),
        ("meta-data/instance-type", "t3.micro"),
        ("meta-data/placement/region", "eu-central-1"),
        ("meta-data/placement/availability-zone", "eu-central-1a"),
        ("meta-data/hostname", "ip-10-0-0-5.eu-central-1.compute.internal"),
        ("meta-data/local-ipv4", Metadata::LOCAL),
        ("meta-data/mac", Metadata::MAC),
        ("meta-data/services/domain", "amazonaws.com"),
    ] {
        let answer = get(&format!("/latest/{path}"));
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{path}");
        assert_eq!(get(&format!("/2021-07-15/{path}/")).body, body, "each version has it");
        assert_eq!(answer.header("server"), Some("EC2ws"));
        assert_eq!(answer.header("connection"), Some("close"));
    }
    for path in [
        "/latest/meta-data/none",
        "/latest/meta-data/instance-i",
        "/latest/none/",
        "/none/meta-data/",
        "/latest/user-data",
        "/latest/meta-data/tags/",
        "/latest/meta-data/tags/instance",
        "/latest/dynamic/instance-identity/pkcs7",
    ] {
        assert_eq!(get(path).status, 404, "{path}");
    }
    let info: serde_json::Value = serde_json::from_str(&get("/latest/meta-data/iam/info").body).unwrap();
    assert_eq!(info["InstanceProfileArn"], "arn:aws:iam::111122223333:instance-profile/web");
    metadata.instance(ACCOUNT, "i-00000000000000001");
    assert_eq!(get("/latest/meta-data/instance-id").body, "i-00000000000000001");
    aws.clock_offset(-1_000_000_000_000);
    assert!(!get("/latest/").header("date").unwrap().contains("2026"), "its time is the double's");
}

#[test]
fn a_listing_names_what_is_below_with_a_slash_where_there_is_more() {
    let (_aws, metadata) = service();
    let get = |path: &str| get(&metadata, path).body;
    assert_eq!(get("/latest/"), "dynamic\nmeta-data");
    metadata.user_data("#!/bin/sh\n");
    assert_eq!(get("/latest/"), "dynamic\nmeta-data\nuser-data");
    assert!(get("/").ends_with("\nlatest"));
    let all = get("/latest/meta-data/");
    for name in ["ami-id", "hostname", "iam/", "instance-id", "network/", "placement/", "services/"] {
        assert!(all.lines().any(|line| line == name), "{name}: {all}");
    }
    assert!(!all.contains("tags") && !all.ends_with('\n'), "{all}");
    for (path, listing) in [
        ("meta-data/placement", "availability-zone\nregion"),
        ("meta-data/iam", "info\nsecurity-credentials/"),
        ("meta-data/iam/security-credentials", "web"),
        ("dynamic/instance-identity", "document\nrsa2048\nsignature"),
        ("dynamic", "fws/\ninstance-identity/"),
        ("meta-data/network/interfaces/macs", &format!("{}/", Metadata::MAC)),
    ] {
        assert_eq!(get(&format!("/latest/{path}/")), listing);
        assert_eq!(get(&format!("/latest/{path}")), listing, "with the slash and without");
    }
    metadata.role(false);
    assert!(!get("/latest/meta-data/").contains("iam"));
}

#[test]
fn tags_and_user_data_are_there_when_somebody_gave_them() {
    let (_aws, metadata) = service();
    let get = |path: &str| get(&metadata, path);
    metadata.tags(&[("Name", "web one"), ("team:owner", "")]);
    assert_eq!(get("/latest/meta-data/tags/").body, "instance/");
    assert_eq!(get("/latest/meta-data/tags/instance").body, "Name\nteam:owner");
    assert_eq!(get("/latest/meta-data/tags/instance/Name").body, "web one");
    let empty = get("/latest/meta-data/tags/instance/team:owner");
    assert_eq!((empty.status, empty.body.as_str()), (200, ""));
    assert_eq!(get("/latest/meta-data/tags/instance/name").status, 404);
    for key in ["a b", "a/b", "", ".", "_index", "ü"] {
        let tags = || metadata.tags(&[(key, "x")]);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(tags)).is_err(), "{key}");
    }
    metadata.tags(&[]);
    assert_eq!(get("/latest/meta-data/tags/instance/").status, 404);
    metadata.user_data("#cloud-config\n");
    let data = get("/latest/user-data");
    assert_eq!(
        (data.body.as_str(), data.header("content-type")),
        ("#cloud-config\n", Some("application/octet-stream"))
    );
    metadata.user_data("");
    assert_eq!(get("/latest/user-data").status, 404);
}

#[test]
fn every_request_is_in_the_log_with_what_became_of_it() {
    let (_aws, metadata) = service();
    let began = Instant::now();
    let token = token(&metadata, 60);
    ask(&metadata, "GET", ID, &with(&token));
    ask(&metadata, "GET", ID, "");
    ask(&metadata, "GET", "/latest/none", &with("made-up"));
    let asked = metadata.asked();
    let lines: Vec<_> =
        asked.iter().map(|one| (one.method.as_str(), one.path.as_str(), one.has_token, one.status)).collect();
    assert_eq!(
        lines,
        [
            ("PUT", TOKEN, false, 200),
            ("GET", ID, true, 200),
            ("GET", ID, false, 401),
            ("GET", "/latest/none", true, 401),
        ]
    );
    let times: Vec<_> = asked.iter().map(|one| one.at).collect();
    assert!(times.is_sorted() && times[0] >= began && times[3] <= Instant::now());
}

#[test]
fn openssl_verifies_the_plain_signature_as_well() {
    use base64::Engine as _;
    let (_aws, metadata) = service();
    let get = |name: &str| get(&metadata, &format!("/latest/dynamic/instance-identity/{name}")).body;
    let folder = tempfile::tempdir().unwrap();
    let signature: String = get("signature").lines().collect();
    let signature = base64::engine::general_purpose::STANDARD.decode(signature).unwrap();
    std::fs::write(folder.path().join("signature"), signature).unwrap();
    std::fs::write(folder.path().join("document"), get("document")).unwrap();
    let openssl = |line: &str, file: &std::path::Path| {
        let words = line.split(' ');
        Command::new("openssl").args(words).arg(file).current_dir(folder.path()).output().unwrap()
    };
    let key = openssl("x509 -noout -pubkey -out public -in", &metadata.certificate());
    assert!(key.status.success(), "{}", text(&key.stderr));
    let line = "dgst -sha256 -verify public -signature signature";
    assert!(openssl(line, "document".as_ref()).status.success());
    std::fs::write(folder.path().join("other"), get("document") + " ").unwrap();
    assert!(!openssl(line, "other".as_ref()).status.success());
}

/// Credentials and region by IMDSv2 as botocore finds them, an empty object where it finds none.
const BOTOCORE: &str = "
import json, sys
from botocore.utils import InstanceMetadataFetcher, InstanceMetadataRegionFetcher
url = sys.argv[1] + '/'
found = InstanceMetadataFetcher(timeout=20, num_attempts=1, base_url=url).retrieve_iam_role_credentials()
region = InstanceMetadataRegionFetcher(timeout=20, num_attempts=1, base_url=url).retrieve_region()
print(json.dumps({'found': found, 'region': region}))
";

#[test]
fn botocore_finds_the_role_its_credentials_and_the_region() {
    let (aws, metadata) = service();
    let ask = || -> serde_json::Value {
        let output = Command::new(python()).args(["-c", BOTOCORE, &metadata.url()]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    for tokens in [Tokens::Required, Tokens::Optional] {
        metadata.tokens(tokens);
        let told = ask();
        let (id, secret, token) = aws.credentials();
        let found = &told["found"];
        assert_eq!(
            [&found["role_name"], &found["access_key"], &found["secret_key"], &found["token"]],
            [Metadata::ROLE, id.as_str(), secret.as_str(), token.as_str()]
        );
        assert_eq!(told["region"], "eu-central-1");
        assert!(found["expiry_time"].as_str().unwrap().ends_with('Z'), "{found}");
    }
    let asked = metadata.asked();
    assert!(asked.iter().all(|one| one.status == 200 && one.has_token == (one.method == "GET")), "{asked:?}");
    metadata.role(false);
    assert_eq!(ask(), serde_json::json!({"found": {}, "region": "eu-central-1"}));
    metadata.tokens(Tokens::Off);
    assert_eq!(ask(), serde_json::json!({"found": {}, "region": null}));
}

fn service() -> (Aws, Metadata) {
    let aws = double();
    let metadata = Metadata::start(&aws);
    (aws, metadata)
}

fn put(metadata: &Metadata, headers: &str) -> Answer {
    ask(metadata, "PUT", TOKEN, headers)
}

fn token(metadata: &Metadata, seconds: u32) -> String {
    put(metadata, &format!("{TTL}: {seconds}\r\n")).body
}

fn with(token: &str) -> String {
    format!("x-aws-ec2-metadata-token: {token}\r\n")
}

fn get(metadata: &Metadata, path: &str) -> Answer {
    ask(metadata, "GET", path, &with(&token(metadata, 21_600)))
}

fn ask(metadata: &Metadata, method: &str, path: &str, headers: &str) -> Answer {
    let address: SocketAddr = metadata.address();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    // The service ends the connection by itself.
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(is, _)| is.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

const TOKEN: &str = "/latest/api/token";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const ID: &str = "/latest/meta-data/instance-id";
