//! What guestward makes of a network, against those who know: `nft` for the rules, real packets between two
//! namespaces for what they mean, `ss` for what listens and `sysctl` for the settings.
//!
//! `GUESTWARD_NETWORK_CASES=N` makes up N rulesets of each kind, `GUESTWARD_NETWORK_SEED=N` others.

mod rules;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use guestward::host::Host;
use guestward::host::network::fate::Fate;
use guestward::host::network::links;
use guestward::host::network::nftables::{Expression, Family, Hook, Ruleset, Verdict};
use guestward::host::network::outside::{self, Unlisted};
use guestward::host::network::packet::Packet;
use guestward::host::network::sockets::Listeners;
use guestward::host::network::{Ip, Protocol};
use guestward::sys::netlink::{self, Part};
use serde_json::Value;

use crate::support::namespace::{inside, nft, shell};
use rules::Dice;
use wire::{OWN, PORTS, SOURCES, Wire, between};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn cases() -> u64 {
    number("GUESTWARD_NETWORK_CASES", 40)
}

fn dice() -> Dice {
    Dice(0x9e37_79b9_7f4a_7c15 ^ number("GUESTWARD_NETWORK_SEED", 1))
}

/// Loads a case of either kind into an empty filter, without the lines that contradict themselves (a packet of IPv4
/// with an address of IPv6), which the tools refuse. What was loaded.
fn load(rules: &str) -> String {
    nft("flush ruleset");
    let mut lines: Vec<&str> = rules.lines().collect();
    let program = if rules.starts_with('*') { "iptables-nft-restore" } else { "nft -f -" };
    loop {
        let text = lines.join("\n") + "\n";
        let mut command = Command::new("sh");
        command.args(["-c", &format!("/usr/sbin/{program}")]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            return text;
        }
        let refusal = String::from_utf8_lossy(&output.stderr).into_owned();
        // "/dev/stdin:13:19-27: Error: …", and "… line 7 failed" or "Error occurred at line: 7".
        let at = refusal
            .split(|c: char| !c.is_ascii_digit())
            .find_map(|word| word.parse::<usize>().ok())
            .filter(|at| lines.len() > 3 && (1..=lines.len()).contains(at));
        match at {
            Some(at) if rules.starts_with("flush") || rules.contains(":sub - ") => lines.remove(at - 1),
            _ => panic!("{text}{refusal}"),
        };
    }
}

fn all_rules() -> Vec<(String, String)> {
    let known = rules::NFT.iter().chain(rules::IPTABLES);
    let mut all: Vec<_> = known.map(|known| (known.name.to_owned(), known.rules.to_owned())).collect();
    let mut dice = dice();
    for number in 0..cases() {
        all.push((format!("made up, {number}"), dice.nft()));
        all.push((format!("made up for iptables, {number}"), dice.iptables()));
    }
    all
}

#[test]
fn rules_are_read_as_nft_tells_them() {
    inside(|| {
        for (name, rules) in all_rules() {
            let rules = load(&rules);
            let output = Command::new("/usr/sbin/nft").args(["-j", "list", "ruleset"]).output().unwrap();
            let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(ours(&Ruleset::read().unwrap()), told(&theirs), "{name}\n{rules}");
        }
    });
}

/// Each chain, with how it is hooked and how each of its rules ends.
type Chains = BTreeMap<(String, String, String), (Option<(String, i64, String, String)>, Vec<String>)>;

fn ours(ruleset: &Ruleset) -> Chains {
    let mut chains = Chains::new();
    for table in &ruleset.tables {
        for chain in table.chains.values() {
            let base = chain.base.as_ref().map(|base| {
                let hook = match base.hook {
                    Hook::Prerouting => "prerouting",
                    Hook::Input => "input",
                    Hook::Forward => "forward",
                    Hook::Output => "output",
                    Hook::Postrouting => "postrouting",
                    Hook::Other(_) => "other",
                };
                let policy = if base.drops { "drop" } else { "accept" };
                (hook.to_owned(), i64::from(base.priority), base.kind.to_string(), policy.to_owned())
            });
            let ends = chain.rules.iter().map(|rule| ending(&rule.expressions)).collect();
            let key = (table.family.name().to_owned(), table.name.to_string(), chain.name.to_string());
            chains.insert(key, (base, ends));
        }
    }
    chains
}

fn ending(expressions: &[Expression]) -> String {
    match expressions.last() {
        Some(Expression::Verdict(Verdict::Accept)) => "accept".into(),
        Some(Expression::Verdict(Verdict::Drop)) => "drop".into(),
        Some(Expression::Verdict(Verdict::Return)) => "return".into(),
        Some(Expression::Verdict(Verdict::Jump(chain))) => format!("jump {chain}"),
        Some(Expression::Verdict(Verdict::Goto(chain))) => format!("goto {chain}"),
        Some(Expression::Lookup { to: Some(_), .. }) => "vmap".into(),
        _ => "goes on".into(),
    }
}

fn told(theirs: &Value) -> Chains {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut chains = Chains::new();
    for object in theirs["nftables"].as_array().unwrap() {
        if let Some(chain) = object.get("chain") {
            let base = chain.get("hook").map(|hook| {
                (text(hook), chain["prio"].as_i64().unwrap(), text(&chain["type"]), text(&chain["policy"]))
            });
            chains.insert(
                (text(&chain["family"]), text(&chain["table"]), text(&chain["name"])),
                (base, Vec::new()),
            );
        }
        if let Some(rule) = object.get("rule") {
            let key = (text(&rule["family"]), text(&rule["table"]), text(&rule["chain"]));
            let ends = match rule["expr"].as_array().unwrap().last().and_then(Value::as_object) {
                None => "goes on".to_owned(),
                Some(last) => match last.iter().next().unwrap() {
                    (word, _) if ["accept", "drop", "return", "vmap"].contains(&word.as_str()) => {
                        word.clone()
                    }
                    (word, target) if word == "jump" || word == "goto" => {
                        format!("{word} {}", text(&target["target"]))
                    }
                    (word, _) if word == "reject" => "drop".to_owned(),
                    _ => "goes on".to_owned(),
                },
            };
            chains.get_mut(&key).unwrap().1.push(ends);
        }
    }
    chains
}

#[test]
fn packets_fare_as_foretold() {
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    between(|wire| {
        let index = links::read().unwrap().iter().find(|link| link.name.as_str() == "d0").unwrap().index;
        for (name, rules) in all_rules() {
            let rules = load(&rules);
            let ruleset = Ruleset::read().unwrap();
            for source in SOURCES {
                for protocol in [Protocol::Tcp, Protocol::Udp] {
                    for port in PORTS {
                        let source: IpAddr = source.parse().unwrap();
                        let packet = Packet {
                            interface: "d0".into(),
                            interface_index: index,
                            source,
                            destination: OWN[usize::from(source.is_ipv6())].parse().unwrap(),
                            protocol,
                            port,
                        };
                        let fate = ruleset.fate(&packet, &mut 100_000);
                        // Of the many, a few are enough; which, differs from case to case.
                        if (tally.values().sum::<usize>() + usize::from(port)) % 3 != 0 {
                            *tally.entry("not tried").or_default() += 1;
                            continue;
                        }
                        *tally
                            .entry(agrees(wire, &packet, &fate, &format!("{name}\n{rules}")))
                            .or_default() += 1;
                    }
                }
            }
        }
    });
    println!("{tally:?}");
    let undecided = tally.get("undecided").copied().unwrap_or(0);
    assert!(undecided * 4 < tally["denied"] + tally["accepted"], "too little is known: {tally:?}");
}

/// Panics unless what happens to a packet is what was foretold.
fn agrees(wire: &Wire, packet: &Packet, fate: &Fate, case: &str) -> &'static str {
    let through = |patience| {
        wire.gets_through(packet.source, packet.destination, packet.protocol, packet.port, patience)
    };
    match fate {
        Fate::Denied { by } => {
            assert!(!through(SHORT), "{packet} should have been denied by {by}:\n{case}");
            "denied"
        }
        Fate::Accepted { by } => {
            // A busy machine is no filter.
            assert!(through(SHORT) || through(LONG), "{packet} should have been accepted by {by}:\n{case}");
            "accepted"
        }
        Fate::Undecided { .. } => "undecided",
    }
}

#[test]
fn what_is_known_of_rules_is_what_is_said_of_them() {
    between(|wire| {
        for known in rules::NFT.iter().chain(rules::IPTABLES) {
            load(known.rules);
            for (ip, denies) in [(Ip::V4, known.denies[0]), (Ip::V6, known.denies[1])] {
                let said = unlisted(ip);
                match denies {
                    true => assert!(matches!(said, Unlisted::Denied(_)), "{}, {ip:?}: {said:?}", known.name),
                    false => {
                        assert!(matches!(said, Unlisted::Accepted { .. }), "{}, {ip:?}: {said:?}", known.name)
                    }
                }
                assert_eq!(is_let_in(wire, ip), !denies, "{}, {ip:?}", known.name);
            }
        }
    });
}

#[test]
fn nothing_is_said_to_deny_by_default_that_lets_strangers_in() {
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    between(|wire| {
        let mut dice = dice();
        for number in 0..cases() {
            let rules = if number % 3 == 2 { dice.iptables() } else { dice.nft() };
            let rules = load(&rules);
            for ip in [Ip::V4, Ip::V6] {
                let said = match unlisted(ip) {
                    Unlisted::Undecided { .. } => "undecided",
                    Unlisted::Denied(_) => {
                        assert!(!is_let_in(wire, ip), "{ip:?} is said to be denied:\n{rules}");
                        "denied"
                    }
                    Unlisted::Accepted { .. } => "accepted",
                };
                *tally.entry(said).or_default() += 1;
            }
        }
    });
    println!("{tally:?}");
    assert!(tally["denied"] > 3 && tally["accepted"] > 3, "{tally:?}");
}

fn unlisted(ip: Ip) -> Unlisted {
    outside::unlisted(&Ruleset::read().unwrap(), &links::read().unwrap(), ip)
}

/// Whether a stranger gets to most of the ports that no rule provides for, by either protocol.
fn is_let_in(wire: &Wire, ip: Ip) -> bool {
    let (source, own) = match ip {
        Ip::V4 => ("81.2.69.160", OWN[0]),
        Ip::V6 => ("2a01:4f8::99", OWN[1]),
    };
    [Protocol::Tcp, Protocol::Udp].into_iter().any(|protocol| {
        let through = PORTS[2..].iter().filter(|port| {
            wire.gets_through(source.parse().unwrap(), own.parse().unwrap(), protocol, **port, SHORT)
        });
        through.count() == PORTS[2..].len()
    })
}

#[test]
fn listeners_are_those_that_ss_tells() {
    inside(|| {
        let tcp: Vec<_> = ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0", "127.0.0.53:5353"]
            .map(|place| std::net::TcpListener::bind(place).unwrap())
            .into_iter()
            .collect();
        let udp: Vec<_> = ["127.0.0.1:0", "0.0.0.0:0", "[::]:0"]
            .map(|place| std::net::UdpSocket::bind(place).unwrap())
            .into_iter()
            .collect();
        // One that is connected, and so waits for one peer only.
        let connected = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        connected.connect(udp[0].local_addr().unwrap()).unwrap();
        let stream = std::net::TcpStream::connect(tcp[0].local_addr().unwrap()).unwrap();
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("proc/net")).unwrap();
        for table in ["tcp", "tcp6", "udp", "udp6"] {
            // /proc/net is the main thread's.
            let text = std::fs::read(format!("/proc/thread-self/net/{table}")).unwrap();
            std::fs::write(root.path().join("proc/net").join(table), text).unwrap();
        }
        let listeners = Listeners::of(&Host::at(root.path()).unwrap()).unwrap();
        let ours: BTreeSet<String> = listeners
            .sockets
            .iter()
            .map(|socket| format!("{socket} {} {}", socket.uid, socket.inode))
            .collect();
        let output = Command::new("/usr/bin/ss").args(["-Hlntue"]).output().unwrap();
        let theirs: BTreeSet<String> =
            String::from_utf8(output.stdout).unwrap().lines().filter_map(socket_of_ss).collect();
        assert_eq!(ours, theirs);
        assert_eq!(ours.len(), tcp.len() + udp.len());
        drop(stream);
    });
}

/// `tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* ino:4711 sk:1 …` as guestward writes it.
fn socket_of_ss(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let of = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
    let local = words[4].replace("*:", "[::]:");
    // Only ss sees that a datagram socket waits for one peer.
    words[5]
        .ends_with(":*")
        .then(|| format!("{local}/{} {} {}", words[0], of("uid:").unwrap_or("0"), of("ino:").unwrap()))
}

#[test]
fn the_owner_of_a_listener_is_found() {
    let socket = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let host = Host::at("/").unwrap();
    let listeners = Listeners::of(&host).unwrap();
    let port = socket.local_addr().unwrap().port();
    let own =
        listeners.sockets.iter().find(|listener| listener.port == port && listener.is_wildcard()).unwrap();
    assert_eq!(own.pids, [std::process::id()]);
}

#[test]
fn settings_are_those_that_sysctl_tells() {
    use guestward::host::network::stack::Stack;
    let stack = Stack::of(&Host::at("/").unwrap());
    let told = |name: &str| {
        let output = Command::new("/usr/sbin/sysctl").args(["-n", name]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse::<i64>().unwrap()
    };
    assert_eq!(stack.syn_cookies.unwrap(), told("net.ipv4.tcp_syncookies"));
    assert_eq!(stack.ip_forward.unwrap(), told("net.ipv4.ip_forward"));
    for (family, settings) in [(4, Some(stack.ipv4.unwrap())), (6, stack.ipv6.unwrap())] {
        let Some(settings) = settings else { continue };
        let all = std::iter::once(("all".to_owned(), &settings.all));
        let each = settings.interfaces.iter().map(|(name, values)| (name.to_string(), values));
        for (interface, values) in all.chain(each) {
            for (setting, value) in values {
                // A slash keeps the dots of an interface's name apart from sysctl's own.
                assert_eq!(*value, told(&format!("net/ipv{family}/conf/{interface}/{setting}")), "{setting}");
            }
        }
    }
}

/// Bytes that no kernel sends: one after the other of what it did send is changed.
#[test]
fn no_damaged_answer_makes_it_panic() {
    inside(|| {
        for (_, rules) in all_rules().into_iter().take(30) {
            load(&rules);
            // Tables, chains, rules and sets.
            let mut lists = [1_u16, 4, 7, 10]
                .map(|kind| netlink::dump(Part::Netfilter, 10 << 8 | kind, &[0; 4]).unwrap());
            let mut seed = Dice(7);
            for _ in 0..300 {
                let list = &mut lists[usize::try_from(seed.roll(4)).unwrap()];
                let Some(message) = (!list.is_empty()).then(|| seed.roll(list.len() as u64)) else {
                    continue;
                };
                let body = &mut list[usize::try_from(message).unwrap()].body;
                let at = usize::try_from(seed.roll(body.len() as u64)).unwrap();
                let old = std::mem::replace(&mut body[at], u8::try_from(seed.roll(256)).unwrap());
                let mut ruleset = Ruleset::default();
                let _ = ruleset.take(&lists[0], &lists[1], &lists[2], &lists[3]);
                let _ = outside::unlisted(&ruleset, &[], Ip::V4);
                // Damage adds up in every other case.
                if seed.roll(2) == 0 {
                    let list = lists.iter_mut().find(|list| list.len() as u64 > message);
                    if let Some(byte) =
                        list.and_then(|list| list[usize::try_from(message).unwrap()].body.get_mut(at))
                    {
                        *byte = old;
                    }
                }
            }
        }
    });
}

#[test]
fn a_large_filter_is_followed_in_time() {
    inside(|| {
        let mut rules =
            String::from("table inet f {\nset blocked { type ipv4_addr; flags interval; elements = {\n");
        for number in 0..20_000_u32 {
            rules.push_str(&format!(
                "{}.{}.{}.0/24,\n",
                60 + number / 65_536,
                number / 256 % 256,
                number % 256
            ));
        }
        rules.push_str(
            "} }\nchain input { type filter hook input priority 0; policy drop;\nip saddr @blocked drop\n",
        );
        for port in 1..2_000 {
            rules.push_str(&format!("ip saddr 10.1.{}.{} tcp dport {port} accept\n", port / 256, port % 256));
        }
        rules.push_str("}\n}\n");
        nft(&rules);
        shell("true");
        let began = Instant::now();
        assert!(matches!(unlisted(Ip::V4), Unlisted::Denied(_)));
        let took = began.elapsed();
        println!("{took:?}");
        // It takes a tenth of a second; the rest is for a busy machine.
        assert!(took < Duration::from_secs(20), "{took:?}");
    });
}

#[test]
fn every_family_has_its_own_name() {
    assert_eq!([Family::Inet, Family::Ip, Family::Ip6].map(Family::name), ["inet", "ip", "ip6"]);
}

/// Between two namespaces an answer takes microseconds.
const SHORT: Duration = Duration::from_millis(20);
/// For a machine that is busy: a first packet is sent again after a second.
const LONG: Duration = Duration::from_secs(5);
