//! The metadata topic against a service of our own: what is sent, what is not, and what becomes of hostile answers.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use guestward::check;
use guestward::finding::{Finding, Verdict};
use guestward::host::imds::{Imds, Translations, in_config};
use guestward::host::{Facts, Host};
use guestward::policy::Policy;
use guestward::sys::netlink::{Message, Part, dump};

use crate::support::binary::{guestward, text};
use crate::support::metadata_service::{Asked, MetadataService, Options};
use crate::support::namespace::{inside, nft, shell};
use crate::support::tree;

#[test]
fn one_look_is_three_requests_and_one_of_them_without_a_token() {
    inside(|| {
        let service = MetadataService::beside_us(Options::parse("tokens=required"));
        let output = check_with(&[], &["--imds-endpoint", "http://169.254.169.254"]);
        assert!(text(&output.stdout).contains(r#""check":"imds-v1-refused","#), "{}", text(&output.stdout));
        let asked = service.asked();
        let lines: Vec<_> = asked.iter().map(line).collect();
        assert_eq!(
            lines,
            [
                "GET /latest/meta-data/instance-id",
                "PUT /latest/api/token",
                "GET /latest/meta-data/iam/security-credentials/ with a token",
            ]
        );
        let hello = &asked[0].headers;
        let version = concat!("guestward/", env!("CARGO_PKG_VERSION"));
        assert_eq!(hello["user-agent"], version, "whoever reads the service's log knows who asked");
        assert!(asked.iter().all(|asked| !asked.headers.contains_key("x-forwarded-for")));
    });
}

#[test]
fn over_ipv6_there_are_two_more_where_somebody_answers_and_never_a_credential() {
    for (options, count, tokenless) in
        [("ipv6=on", 5, 2), ("ipv6=off", 3, 1), ("ipv6=on tokens=optional", 5, 2)]
    {
        inside(|| {
            let service = MetadataService::beside_us(Options::parse(options));
            judge(&ec2().1);
            let asked = service.asked();
            assert_eq!(asked.len(), count, "{options}: {asked:?}");
            let without = asked.iter().filter(|asked| asked.method == "GET" && !asked.has_token);
            assert_eq!(without.count(), tokenless, "{options}: {asked:?}");
            for asked in &asked {
                let is_credential =
                    asked.path.contains("security-credentials/") && !asked.path.ends_with('/');
                assert!(!is_credential && !asked.path.contains("user-data"), "{options}: {asked:?}");
            }
        });
    }
}

#[test]
fn nothing_in_the_environment_moves_a_request() {
    inside(|| {
        let service = MetadataService::beside_us(Options::parse("tokens=required"));
        let elsewhere = "http://192.0.2.80";
        let names = [
            "http_proxy",
            "HTTP_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ];
        let mut variables: Vec<_> = names.iter().map(|name| (*name, elsewhere)).collect();
        variables.push(("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"));
        variables.push(("AWS_EC2_METADATA_DISABLED", "true"));
        check_with(&variables, &["--imds-endpoint", "http://169.254.169.254"]);
        let asked = service.asked();
        assert_eq!(asked.len(), 3, "{asked:?}");
        assert!(asked.iter().all(|asked| asked.at == IpAddr::from([169, 254, 169, 254])), "{asked:?}");
    });
}

#[test]
fn no_redirect_is_followed() {
    inside(|| {
        let service = MetadataService::beside_us(Options::parse("mood=redirecting"));
        judge(&ec2().1);
        let asked = service.asked();
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(asked.iter().all(|asked| asked.at == IpAddr::from([169, 254, 169, 254])), "{asked:?}");
    });
}

#[test]
fn elsewhere_than_on_ec2_nobody_is_asked() {
    inside(|| {
        let service = MetadataService::beside_us(Options::parse("tokens=optional ipv6=on"));
        let tree = tree::build(&tree::steps("use debian12\nuse running"));
        let findings = judge(&Host::at(tree.path()).unwrap().with_kernel());
        assert!(findings.iter().all(|finding| finding.verdict == Verdict::NotApplicable), "{findings:?}");
        assert_eq!(service.asked(), []);
        // The kernel's own word for it: the process opens no socket at all.
        let calls = tree.path().join("calls");
        let output = Command::new("/usr/bin/strace")
            .args(["-f", "-e", "trace=network", "-o"])
            .arg(&calls)
            .args([env!("CARGO_BIN_EXE_guestward"), "check", "imds", "--root"])
            .arg(tree.path())
            .output()
            .unwrap();
        let calls = std::fs::read_to_string(&calls).unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(!calls.contains("socket(") && calls.contains("exited with 0"), "{calls}");
    });
}

#[test]
fn whatever_the_service_does_the_look_ends_and_passes_nothing() {
    for mood in ["silent", "slow", "endless", "babbling", "garbage", "portal", "redirecting", "broken"] {
        inside(|| {
            let service = MetadataService::beside_us(Options::parse(&format!("ipv6=on mood={mood}")));
            let (_tree, host) = ec2();
            let began = Instant::now();
            let imds = Imds::of(&host).unwrap();
            // Three seconds are promised; the rest is for a busy machine.
            assert!(began.elapsed() < Duration::from_secs(8), "{mood}: {:?}", began.elapsed());
            drop(imds);
            for finding in judge(&host) {
                if ["imds-v1-refused", "imds-ipv6", "imds-token", "imds-hop-limit"].contains(&finding.check) {
                    assert!(
                        matches!(finding.verdict, Verdict::Unknown | Verdict::Fail),
                        "{mood}: {finding:?}"
                    );
                }
            }
            drop(service);
        });
    }
}

#[test]
fn the_hop_limit_is_the_time_to_live_of_the_tokens_answer_and_of_no_other() {
    for hops in [1, 2, 5, 63, 64, 255] {
        inside(|| {
            let _service = MetadataService::beside_us(Options::parse(&format!("hops={hops}")));
            let imds = Imds::of(&ec2().1).unwrap();
            assert_eq!(imds.answers.unwrap().main.hops, Ok(hops));
        });
    }
}

#[test]
fn without_the_right_to_listen_to_packets_the_hop_limit_is_unknown_and_the_rest_is_judged() {
    inside(|| {
        let _service = MetadataService::beside_us(Options::parse("hops=64"));
        let tree = tree::base("ec2");
        let output = Command::new("/usr/bin/setpriv")
            .args(["--bounding-set", "-net_raw,-net_admin", env!("CARGO_BIN_EXE_guestward"), "check", "imds"])
            .args(["--format", "json", "--imds-endpoint", "http://169.254.169.254", "--root"])
            .arg(tree.path())
            .output()
            .unwrap();
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = document["findings"].as_array().unwrap();
        let of = |id: &str| findings.iter().find(|finding| finding["check"] == id).unwrap().clone();
        assert_eq!(of("imds-hop-limit")["verdict"], "unknown", "{}", of("imds-hop-limit"));
        assert_eq!(of("imds-v1-refused")["verdict"], "pass");
    });
}

#[test]
fn an_endpoint_that_is_none_is_refused_with_the_way_out() {
    for (url, said) in [
        ("https://169.254.169.254", "it begins with http://"),
        ("http://metadata.example", "it is an address and no name"),
        ("http://169.254.169.254/latest", "it has no path"),
    ] {
        let output = guestward().args(["check", "imds", "--imds-endpoint", url]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
}

/// What our reading of a rule says of requests that this host sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Diverts,
    Unclear,
    Nothing,
}
use Reading::{Diverts, Nothing, Unclear};

/// Rules of an output chain, and what we make of them. 192.0.2.80 answers, too, and keeps the same log.
const OUTPUT_RULES: &[(&str, Reading)] = &[
    ("ip daddr 169.254.169.254 dnat to 192.0.2.80", Diverts),
    ("ip daddr 169.254.169.254 tcp dport 80 dnat to 192.0.2.80:80", Diverts),
    ("ip daddr 169.254.0.0/16 tcp dport 80 dnat to 192.0.2.80", Diverts),
    ("ip daddr 169.254.168.0/23 dnat to 192.0.2.80", Diverts),
    ("ip daddr 169.254.169.1-169.254.169.255 tcp dport 80 dnat to 192.0.2.80", Diverts),
    ("ip daddr != 169.254.169.1-169.254.169.255 dnat to 192.0.2.80", Nothing),
    ("tcp dport 81-90 redirect to :8080", Nothing),
    ("ip daddr != 10.0.0.0/8 tcp dport 80 dnat to 192.0.2.80", Diverts),
    ("tcp dport 80 redirect to :8080", Diverts),
    ("tcp dport < 1024 redirect to :8080", Diverts),
    ("meta l4proto tcp dnat to 192.0.2.80", Diverts),
    ("ip protocol tcp dnat to 192.0.2.80", Diverts),
    ("counter log dnat to 192.0.2.80", Diverts),
    ("fib daddr type unicast tcp dport 80 dnat to 192.0.2.80", Diverts),
    ("meta skuid 0 tcp dport 80 redirect to :8080", Unclear),
    ("oifname eth0 tcp dport 80 redirect to :8080", Unclear),
    ("meta skuid 0 ip daddr 169.254.169.254 dnat to 192.0.2.80", Diverts),
    // In doubt for whom, and yet it names the address.
    ("meta skuid 4242 ip daddr 169.254.169.254 dnat to 192.0.2.80", Diverts),
    ("tcp dport { 80, 443 } redirect to :8080", Unclear),
    ("tcp dport vmap { 80 : accept }\ntcp dport 80 redirect to :8080", Unclear),
    ("tcp dport vmap { 80 : jump named }", Unclear),
    ("ip daddr 169.254.169.254 accept\ntcp dport 80 redirect to :8080", Nothing),
    ("meta skuid 4242 accept\ntcp dport 80 redirect to :8080", Unclear),
    ("jump other\ntcp dport 80 redirect to :8080", Diverts),
    ("goto other\ntcp dport 80 redirect to :8080", Nothing),
    ("jump named", Diverts),
    ("ip daddr 192.0.2.9 jump named", Nothing),
    ("return\nip daddr 169.254.169.254 dnat to 192.0.2.80", Nothing),
    ("ip daddr 169.254.169.253 dnat to 192.0.2.80", Nothing),
    ("ip daddr 169.254.169.254 udp dport 53 dnat to 192.0.2.80", Nothing),
    ("tcp dport 8080 dnat to 192.0.2.80", Nothing),
    ("tcp dport > 80 dnat to 192.0.2.80", Nothing),
    ("ip daddr 127.0.0.0/8 tcp dport 80 redirect to :8080", Nothing),
    ("fib daddr type local tcp dport 80 redirect to :8080", Nothing),
    ("ip daddr & 0.0.0.1 == 0.0.0.1 dnat to 192.0.2.80", Nothing),
    ("ip daddr & 0.0.0.255 == 0.0.0.254 dnat to 192.0.2.80", Diverts),
];

#[test]
fn the_kernel_sends_requests_where_we_read_that_its_rules_do() {
    inside(|| {
        let service = MetadataService::beside_us(Options::parse("tokens=required"));
        for (rules, reading) in OUTPUT_RULES {
            nft(&format!(
                "flush ruleset\ntable ip t {{\n chain other {{\n }}\n chain named {{\n ip daddr 169.254.169.254 dnat to \
                 192.0.2.80\n }}\n chain c {{\n type nat hook output priority -100;\n{rules}\n}}\n}}"
            ));
            agree(&service, rules, *reading);
        }
    });
}

#[test]
fn rules_with_any_byte_changed_or_cut_anywhere_stop_nothing() {
    inside(|| {
        let chains: String = OUTPUT_RULES
            .iter()
            .enumerate()
            .map(|(n, (rules, _))| {
                format!("chain c{n} {{\n type nat hook output priority -100;\n{rules}\n}}\n")
            })
            .collect();
        nft(&format!("table ip t {{\n chain other {{\n }}\n chain named {{\n }}\n{chains}\n}}"));
        let all = |kind: u16| dump(Part::Netfilter, (10 << 8) | kind, &[0; 4]).unwrap();
        let (chains, rules) = (all(4), all(7));
        assert!(rules.len() > 30, "{}", rules.len());
        for rule in &rules {
            for place in 0..rule.body.len() {
                let mut cut = rule.clone();
                cut.body.truncate(place);
                let mut changed = rule.clone();
                changed.body[place] = !changed.body[place];
                let _ = Translations::among(&chains, &[cut, changed], false);
            }
        }
        for chain in &chains {
            for place in 0..chain.body.len() {
                let mut changed = chain.clone();
                changed.body[place] ^= 3;
                let _ = Translations::among(&[changed], &rules[..5], true);
            }
        }
        let cut: Vec<_> =
            rules.iter().map(|rule| Message { kind: 0, body: rule.body[..9].to_vec() }).collect();
        assert!(
            !Translations::among(&chains, &cut, false).unread.is_empty(),
            "half of a rule is not read as none"
        );
    });
}

#[test]
fn rules_of_iptables_on_top_of_nf_tables_are_read_as_the_kernel_takes_them() {
    for (arguments, reading) in [
        ("-d 169.254.169.254 -p tcp --dport 80 -j DNAT --to-destination 192.0.2.80:80", Diverts),
        ("-p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080", Diverts),
        ("-p tcp -m tcp --dport 81:90 -j REDIRECT --to-ports 8080", Nothing),
        ("-p tcp -m tcp ! --dport 80 -j REDIRECT --to-ports 8080", Nothing),
        ("-m addrtype --dst-type LOCAL -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080", Nothing),
        ("-m addrtype ! --dst-type LOCAL -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080", Unclear),
        ("-m owner --uid-owner 4242 -p tcp --dport 80 -j REDIRECT --to-ports 8080", Unclear),
    ] {
        inside(|| {
            let service = MetadataService::beside_us(Options::parse("tokens=required"));
            let line = format!("/usr/sbin/iptables-nft -t nat -A OUTPUT {arguments}");
            let tried = Command::new("sh").args(["-c", &line]).output().unwrap();
            // The matches of iptables are modules of the kernel, and not every kernel has them.
            if !tried.status.success() && text(&tried.stderr).contains("missing kernel module") {
                return;
            }
            assert!(tried.status.success(), "{line}: {}", text(&tried.stderr));
            agree(&service, arguments, reading);
        });
    }
}

/// That we read the rules so, and that the kernel, asked by a request, does not say otherwise.
#[track_caller]
fn agree(service: &MetadataService, rules: &str, reading: Reading) {
    let (_tree, host) = ec2();
    let translations = Imds::of(&host).unwrap().way.unwrap().translations;
    let read = match (translations.found.is_empty(), translations.unclear.is_empty()) {
        (false, _) => Diverts,
        (true, false) => Unclear,
        (true, true) => Nothing,
    };
    assert_eq!(read, reading, "{rules}: {translations:?}");
    let before = service.asked().len();
    let _ = get("169.254.169.254:80", "/latest/meta-data/instance-id", "");
    let asked = service.asked();
    let came = asked[before..].iter().any(|asked| asked.at == IpAddr::from([169, 254, 169, 254]));
    match read {
        Nothing => assert!(came, "{rules}: it did not arrive"),
        // A rule for another user alone diverts nothing of ours.
        Diverts => assert!(!came || rules.contains("4242"), "{rules}: it arrived"),
        Unclear => {}
    }
}

#[test]
fn our_service_is_as_strict_as_the_real_one() {
    inside(|| {
        let _service = MetadataService::at(&["127.0.0.1:80"], Options::parse("tokens=required"));
        let put = |headers: &str| request("127.0.0.1:80", "PUT", "/latest/api/token", headers);
        for (seconds, status) in [("0", 400), ("1", 200), ("21600", 200), ("21601", 400), ("x", 400)] {
            let (got, _) = put(&format!("X-aws-ec2-metadata-token-ttl-seconds: {seconds}\r\n"));
            assert_eq!(got, status, "{seconds}");
        }
        assert_eq!(put("").0, 400);
        let forwarded = "X-aws-ec2-metadata-token-ttl-seconds: 60\r\nX-Forwarded-For: 192.0.2.1\r\n";
        assert_eq!(put(forwarded).0, 403);
        let (_, token) = put("X-aws-ec2-metadata-token-ttl-seconds: 2\r\n");
        let with = format!("X-aws-ec2-metadata-token: {token}\r\n");
        let instance = |headers: &str| get("127.0.0.1:80", "/latest/meta-data/instance-id", headers).0;
        assert_eq!(instance(&with), 200);
        assert_eq!(instance(""), 401);
        assert_eq!(instance("X-aws-ec2-metadata-token: made-up\r\n"), 401);
        let began = Instant::now();
        while instance(&with) == 200 {
            assert!(began.elapsed() < Duration::from_secs(20), "a token has an end");
        }
        assert_eq!(instance(&with), 401, "and then it is refused");
    });
}

#[test]
fn an_unreachable_route_and_no_route_are_told_apart() {
    inside(|| {
        let _service = MetadataService::beside_us(Options::parse("tokens=required"));
        for (kind, said) in [
            ("prohibit", "a prohibit route"),
            ("unreachable", "an unreachable route"),
            ("blackhole", "a blackhole route"),
        ] {
            shell(&format!("ip route replace {kind} 169.254.169.254"));
            shell(&format!("ip -6 route replace {kind} fd00:ec2::254"));
            for finding in judge(&ec2().1) {
                if ["imds-v1-refused", "imds-ipv6"].contains(&finding.check) {
                    assert_eq!(finding.verdict, Verdict::Unknown, "{kind}: {finding:?}");
                    assert!(finding.reason.as_ref().unwrap().as_str().contains(said), "{kind}: {finding:?}");
                }
            }
        }
    });
}

#[test]
fn a_profile_says_to_us_what_it_says_to_python() {
    let key = "ec2_metadata_service_endpoint";
    for config in [
        format!("[default]\n{key} = http://a\n"),
        format!("[default]\n{key}=http://a:81/x\n"),
        format!("[default]\n{key}: http://a\n"),
        format!("[default]\n{key} : http://a = b\n"),
        format!("[profile x]\nregion=eu-west-1\n{} = http://b\n", key.to_uppercase()),
        format!("[default]\n  {key} = http://a\n"),
        format!("[default]\n  region = x\n  {key} = http://a\n"),
        format!("[default]\nregion = x\n  {key} = http://a\n"),
        format!("[default]\ns3 =\n  {key} = http://a\n  y = z\n{key} = http://c\n"),
        format!("[default]\ns3 =\n\n  {key} = http://a\n"),
        format!("[default]\n  s3 = x\n{key} = http://a\n"),
        format!("[default]\n# {key} = http://a\n; {key} = http://a\n  # {key} = http://a\n"),
        format!("[a]\nx = 1\n[b]\n  {key} = http://b\n"),
        format!("[a]\nx_{key} = http://b\n"),
        format!("[a]\r\n{key} = http://b\r\n"),
        format!("[a]\n{key} =\n"),
    ] {
        let reader = "import configparser, sys\n\
                      c = configparser.RawConfigParser(default_section=None, strict=False)\n\
                      c.read_string(sys.argv[1])\n\
                      k = 'ec2_metadata_service_endpoint'\n\
                      print('\\n'.join(c[s][k] for s in c.sections() if c[s].get(k)))";
        let output = Command::new("/usr/bin/python3").args(["-c", reader, &config]).output().unwrap();
        assert!(output.status.success(), "{config}: {}", text(&output.stderr));
        let theirs = text(&output.stdout);
        let theirs: Vec<_> = theirs.lines().filter(|line| !line.is_empty()).collect();
        let ours: Vec<_> =
            in_config(config.as_bytes()).into_iter().map(|found| found.2.to_string()).collect();
        assert_eq!(ours.len(), theirs.len(), "{config}: {ours:?} and {theirs:?}");
        // Ours is cut to scheme, host and port.
        assert!(ours.iter().zip(&theirs).all(|(our, their)| their.starts_with(our)), "{config}: {ours:?}");
    }
}

/// A tree that says it is an EC2 instance, with this kernel.
fn ec2() -> (tempfile::TempDir, Host) {
    let tree = tree::base("ec2");
    let host = Host::at(tree.path()).unwrap().with_kernel();
    (tree, host)
}

fn judge(host: &Host) -> Vec<Finding> {
    let policy = Policy::default();
    let selected = check::select(&["imds".to_owned()], &policy);
    let now = "2026-11-22T00:00:00Z".parse().unwrap();
    check::judge(&Facts::gather(host, check::wanted(&selected), now, &mut |_| {}), &policy, &selected)
}

/// `guestward check imds` as a program of its own, on a tree that is not EC2.
fn check_with(variables: &[(&str, &str)], args: &[&str]) -> Output {
    let tree = tree::build(&tree::steps("use debian12\nuse running"));
    check_tree(tree.path(), variables, args)
}

fn check_tree(root: &Path, variables: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = guestward();
    command.args(["check", "imds", "--format", "json"]).args(args).arg("--root").arg(root);
    command.envs(variables.iter().copied()).output().unwrap()
}

fn line(asked: &Asked) -> String {
    format!("{} {}{}", asked.method, asked.path, if asked.has_token { " with a token" } else { "" })
}

fn get(at: &str, path: &str, headers: &str) -> (u16, String) {
    request(at, "GET", path, headers)
}

/// Status and body; 0 where nobody answers.
fn request(at: &str, method: &str, path: &str, headers: &str) -> (u16, String) {
    let address: SocketAddr = at.parse().unwrap();
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(2)) else {
        return (0, String::new());
    };
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..count]);
        let answer = text(&answer);
        let Some((head, body)) = answer.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
        if body.len() >= length.parse().unwrap() {
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            return (status, body.to_owned());
        }
    }
    (0, String::new())
}
