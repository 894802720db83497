//! The doubles at the end of a link, as a guest has them, and the agent's own checks and clients on the other.

use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use guestward::check;
use guestward::finding::Verdict::{self, Fail, NotApplicable, Pass};
use guestward::host::{Facts, Host};
use guestward::policy::Policy;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::gettid;

use super::clients::Clients;
use super::{ACCOUNT, GROUP};
use crate::support::aws::{Aws, Metadata, Tokens};
use crate::support::namespace::{inside, shell};
use crate::support::tree;

#[test]
fn the_agent_sees_from_the_other_end_of_a_link_what_was_switched() {
    let aws_at = "10.0.0.1:443".parse().unwrap();
    inside(|| {
        for address in ["169.254.169.254/32", "10.0.0.1/32"] {
            shell(&format!("ip addr add {address} dev lo"));
        }
        let aws = Aws::start_tls_at(ACCOUNT, aws_at, &["logs.eu-central-1.amazonaws.com"]);
        let metadata = Metadata::start_at(&aws, "169.254.169.254:80".parse().unwrap());
        with_a_guest(|| {
            for (tokens, hops, v1, token, hop) in [
                (Tokens::Required, 1, Pass, Pass, Pass),
                (Tokens::Required, 3, Pass, Pass, Fail),
                (Tokens::Optional, 2, Fail, Pass, Pass),
                (Tokens::Optional, 64, Fail, Pass, Fail),
                (Tokens::Off, 1, NotApplicable, NotApplicable, NotApplicable),
            ] {
                metadata.tokens(tokens);
                metadata.hops(hops);
                let verdicts = judge(&["imds-v1-refused", "imds-token", "imds-hop-limit"]);
                assert_eq!(verdicts, [v1, token, hop], "{tokens:?}, {hops} hops");
            }
            aws.group(GROUP).stream("s");
            let clients = Clients::trusting(&aws, &aws.authority().unwrap());
            assert_eq!(clients.put(GROUP, "s", &[(aws.now(), "from a guest")]), Ok([None; 3]));
        });
    });
}

/// Runs `work` in a namespace with a link to the calling thread's, which is where the doubles are.
fn with_a_guest(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let (tell, hear) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let guest = scope.spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace: these tests run as root");
            tell.send(gettid()).unwrap();
            wait.recv().unwrap();
            GUEST.iter().for_each(|line| shell(line));
            wait_for_the_way();
            work();
        });
        let id = hear.recv().unwrap();
        shell(&format!("ip link add tap0 address {HOST_MAC} type veth peer name eth0 netns {id}"));
        shell("ip addr add 10.0.0.2/24 dev tap0");
        shell("ip link set tap0 up");
        go.send(()).unwrap();
        guest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// A link loses packets in its first moments. A connection without a request is not in the log.
fn wait_for_the_way() {
    let address = "169.254.169.254:80".parse().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
        assert!(Instant::now() < until, "there is no way to {address}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The verdicts on an instance with this kernel, in the order of the checks' names.
fn judge(names: &[&str]) -> Vec<Verdict> {
    let tree = tree::base("ec2");
    let host = Host::at(tree.path()).unwrap().with_kernel();
    let policy = Policy::default();
    let selected = check::select(&["imds".to_owned()], &policy);
    let now = "2026-11-22T00:00:00Z".parse().unwrap();
    let facts = Facts::gather(&host, check::wanted(&selected), now, &mut |_| {});
    let findings = check::judge(&facts, &policy, &selected);
    let verdict = |name: &&str| findings.iter().find(|finding| finding.check == *name).unwrap().verdict;
    names.iter().map(verdict).collect()
}

const HOST_MAC: &str = "02:00:00:00:00:01";
const GUEST: &[&str] = &[
    "ip link set lo up",
    "ip link set eth0 address 02:00:00:00:00:05",
    "ip addr add 10.0.0.5/24 dev eth0",
    "ip link set eth0 up",
    "ip route add 169.254.169.254 dev eth0 scope link",
    "ip neigh replace 169.254.169.254 lladdr 02:00:00:00:00:01 dev eth0 nud permanent",
    "ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent",
];
