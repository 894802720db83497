//! Rulesets: some that are in use, and as many as wanted that are made up.

/// A number generator that gives the same cases for the same seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()]
    }

    /// A ruleset of nft(8): a table or two with base chains and chains to jump to.
    pub(crate) fn nft(&mut self) -> String {
        let mut text = String::from("flush ruleset\n");
        for table in 0..=self.roll(2) {
            let family = self.pick(&["inet", "inet", "ip", "ip6"]);
            text.push_str(&format!("table {family} t{table} {{\n"));
            text.push_str(
                "set ports { type inet_service; flags interval; elements = { 22, 80-90, 8000-9000 } }\n",
            );
            if family != "ip6" {
                text.push_str("set friends { type ipv4_addr; flags interval; elements = { 192.0.2.0/30, 10.0.0.0/8 } }\n");
                text.push_str("set pairs { type ipv4_addr . inet_service; flags interval; elements = { 192.0.2.2 . 22, 10.0.0.0/8 . 80-90, 81.0.0.0/8 . 24000-25000 } }\n");
            }
            // Chains may only jump to those before them, so that there are no loops.
            let mut before = Vec::new();
            for name in ["c0", "c1", "c2"] {
                text.push_str(&format!("chain {name} {{\n{}}}\n", self.rules(family, &before, 4, false)));
                before.push(name);
            }
            let priority = self.pick(&["-10", "0", "5", "filter", "mangle"]);
            let policy = self.pick(&["drop", "drop", "accept"]);
            let body = self.rules(family, &before, 7, false);
            text.push_str(&format!(
                "chain in {{\ntype filter hook input priority {priority}; policy {policy};\n{body}}}\n"
            ));
            if self.roll(4) == 0 {
                let priority = self.pick(&["-300", "-150"]);
                let body = self.rules(family, &[], 2, priority == "-300");
                text.push_str(&format!(
                    "chain pre {{\ntype filter hook prerouting priority {priority};\n{body}}}\n"
                ));
            }
            text.push_str("}\n");
        }
        text
    }

    fn rules(&mut self, family: &str, chains: &[&str], most: u64, is_raw: bool) -> String {
        let mut text = String::new();
        for _ in 0..self.roll(most + 1) {
            let mut rule = String::new();
            for _ in 0..self.roll(3) {
                rule.push_str(&self.condition(family, chains, is_raw));
                rule.push(' ');
            }
            // A map of verdicts ends a rule.
            if !rule.contains("vmap") {
                rule.push_str(&self.verdict(chains, is_raw));
            }
            text.push_str(rule.trim());
            text.push('\n');
        }
        text
    }

    fn condition(&mut self, family: &str, chains: &[&str], is_raw: bool) -> String {
        let any: &[&str] = &[
            "iifname \"d0\"",
            "iifname \"lo\"",
            "iif lo",
            "iifname != \"d0\"",
            "iifname \"d*\"",
            "iifname { \"lo\", \"eth0\" }",
            "meta l4proto tcp",
            "meta l4proto { tcp, udp }",
            "meta l4proto { icmp, ipv6-icmp }",
            "meta nfproto ipv4",
            "tcp dport 22",
            "tcp dport { 22, 80, 443 }",
            "tcp dport != 22",
            "tcp dport 1000-30000",
            "tcp dport != { 22, 1000-2000 }",
            "tcp dport @ports",
            "tcp dport > 1024",
            "tcp dport <= 1024",
            "udp dport 22",
            "udp dport { 80-90, 24103 }",
            "th dport 24103",
            "tcp sport 1024-65535",
            "tcp flags syn",
            "tcp flags & (fin|syn|rst|ack) == syn",
            "tcp flags & (fin|syn|rst|ack) == (fin|syn)",
            "limit rate 1000/second burst 1000 packets",
            "limit rate over 1000/second burst 1000 packets",
            "meta mark 0x1",
            "meta mark != 0x1",
            "meta pkttype host",
            "fib daddr type local",
            "fib saddr type local",
            "counter",
            "meta length > 20",
            "meta cpu < 4096",
            "iifname . tcp dport { \"d0\" . 22, \"d0\" . 24103 }",
        ];
        let tracked: &[&str] = &[
            "ct state new",
            "ct state established,related",
            "ct state { new, untracked }",
            "ct state invalid",
            "ct state != new",
            "ct direction original",
            "ct state vmap { established : accept, related : accept, invalid : drop }",
            "ct mark 0",
        ];
        let ipv4: &[&str] = &[
            "ip saddr 192.0.2.0/24",
            "ip saddr 192.0.2.2",
            "ip saddr != 10.0.0.0/8",
            "ip saddr { 10.0.0.0/8, 81.2.69.160 }",
            "ip saddr 10.0.0.0-10.0.0.255",
            "ip saddr @friends",
            "ip saddr != @friends",
            "ip saddr . tcp dport @pairs",
            "ip daddr 192.0.2.1",
            "ip daddr != 192.0.2.1",
            "ip protocol tcp",
            "ip saddr 128.0.0.0/1",
            "ip frag-off & 0x1fff != 0",
            "ip saddr & 255.0.0.255 == 81.0.0.160",
        ];
        let ipv6: &[&str] = &[
            "ip6 saddr 2001:db8:1::/64",
            "ip6 saddr 2a01:4f8::99",
            "ip6 saddr fe80::/10",
            "ip6 nexthdr tcp",
            "ip6 daddr 2001:db8:1::1",
        ];
        match self.roll(10) {
            0..=4 => self.pick(any).to_owned(),
            5 | 6 if !is_raw => self.pick(tracked).to_owned(),
            7 if !chains.is_empty() => {
                let chain = self.pick(chains);
                format!(
                    "tcp dport vmap {{ 22 : accept, 80 : jump {chain}, 443 : drop, 1000-30000 : goto {chain} }}"
                )
            }
            _ if family == "ip6" => self.pick(ipv6).to_owned(),
            8 if family == "inet" => self.pick(ipv6).to_owned(),
            _ => self.pick(ipv4).to_owned(),
        }
    }

    fn verdict(&mut self, chains: &[&str], is_raw: bool) -> String {
        match self.roll(12) {
            0..=3 => "accept".to_owned(),
            4 | 5 => "drop".to_owned(),
            6 if !is_raw => "reject".to_owned(),
            7 if is_raw => "notrack".to_owned(),
            7 | 8 if !chains.is_empty() => format!("jump {}", self.pick(chains)),
            9 if !chains.is_empty() => format!("goto {}", self.pick(chains)),
            10 if !chains.is_empty() => "return".to_owned(),
            11 => "meta mark set 0x1".to_owned(),
            _ => "counter".to_owned(),
        }
    }

    /// A ruleset of iptables(8), as iptables-restore reads it.
    pub(crate) fn iptables(&mut self) -> String {
        let policy = self.pick(&["DROP", "DROP", "ACCEPT"]);
        let mut text = format!(
            "*filter\n:INPUT {policy} [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:sub - [0:0]\n"
        );
        for chain in ["sub", "INPUT"] {
            for _ in 0..self.roll(6) {
                let mut rule = format!("-A {chain}");
                for _ in 0..self.roll(3) {
                    let condition = self.pick(&[
                        "-i d0",
                        "-i lo",
                        "! -i lo",
                        "-i d+",
                        "-s 192.0.2.0/24",
                        "! -s 10.0.0.0/8",
                        "-d 192.0.2.1",
                        "-m conntrack --ctstate RELATED,ESTABLISHED",
                        "-m conntrack --ctstate NEW",
                        "-m conntrack ! --ctstate INVALID",
                        "-m state --state NEW,ESTABLISHED",
                        "-m comment --comment remark",
                        "-m addrtype --dst-type LOCAL",
                        "-m addrtype --src-type LOCAL",
                        "-m iprange --src-range 10.0.0.1-10.0.0.20",
                        "-m iprange ! --src-range 81.2.69.1-81.2.69.200",
                        "-m mark --mark 0x1/0xff",
                        "-m mark ! --mark 0x1",
                        "-m pkttype --pkt-type unicast",
                        "-m limit --limit 1000/s --limit-burst 1000",
                        "-m cpu ! --cpu 9999",
                    ]);
                    let option = condition.trim_start_matches("! ").split(' ').next().unwrap();
                    // iptables takes each once.
                    if option == "-m" || !rule.contains(option) {
                        rule.push_str(&format!(" {condition}"));
                    }
                }
                rule.push_str(self.pick(&[
                    "",
                    "",
                    " -p tcp -m tcp --dport 22",
                    " -p tcp -m tcp ! --dport 1000:30000",
                    " -p tcp -m tcp --dport 1024:65535 --syn",
                    " -p tcp -m multiport --dports 22,80,24000:25000",
                    " -p tcp -m multiport ! --dports 22,443",
                    " -p udp -m udp --dport 24103",
                    " -p udp -m multiport --ports 22,24103",
                    " -p icmp -m icmp --icmp-type 8",
                ]));
                let jump: &[&str] = match chain {
                    "sub" => &["ACCEPT", "DROP", "RETURN", "REJECT", "MARK --set-mark 0x1"],
                    _ => &[
                        "ACCEPT",
                        "ACCEPT",
                        "DROP",
                        "sub",
                        "REJECT --reject-with icmp-port-unreachable",
                        "MARK --set-mark 0x1",
                    ],
                };
                text.push_str(&format!("{rule} -j {}\n", self.pick(jump)));
            }
        }
        text + "COMMIT\n"
    }
}

/// A ruleset with what is true of it: whether connections that no rule provides for are kept out.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) rules: &'static str,
    /// By IPv4, by IPv6.
    pub(crate) denies: [bool; 2],
}

/// As distributions, tools and manuals write them.
pub(crate) const NFT: &[Known] = &[
    Known {
        name: "Debian's example for a workstation",
        rules: "table inet filter {
            chain input {
                type filter hook input priority 0;
                iif lo accept
                ct state established,related accept
                ip6 nexthdr icmpv6 icmpv6 type { nd-neighbor-solicit, nd-router-advert, nd-neighbor-advert } accept
                counter drop
            }
        }",
        denies: [true, true],
    },
    Known {
        name: "Debian's empty skeleton",
        rules: "table inet filter {
            chain input { type filter hook input priority filter; }
            chain forward { type filter hook forward priority filter; }
            chain output { type filter hook output priority filter; }
        }",
        denies: [false, false],
    },
    Known {
        name: "a server's rules from the nftables wiki",
        rules: "table inet firewall {
            chain inbound_ipv4 { icmp type echo-request limit rate 5/second accept
            }
            chain inbound_ipv6 { icmpv6 type { nd-neighbor-solicit, nd-router-advert, nd-neighbor-advert } accept
            }
            chain inbound {
                type filter hook input priority 0; policy drop;
                ct state vmap { established : accept, related : accept, invalid : drop }
                iifname lo accept
                meta protocol vmap { ip : jump inbound_ipv4, ip6 : jump inbound_ipv6 }
                tcp dport { 22, 80, 443 } accept
            }
            chain forward { type filter hook forward priority 0; policy drop; }
        }",
        denies: [true, true],
    },
    Known {
        name: "as firewalld writes them",
        rules: "table inet firewalld {
            chain mangle_PREROUTING {
                type filter hook prerouting priority -140; policy accept;
                meta nfproto ipv6 fib saddr . iif oif missing drop
            }
            chain filter_INPUT {
                type filter hook input priority 10; policy accept;
                ct state { established, related } accept
                ct status dnat accept
                iifname \"lo\" accept
                ct state invalid drop
                jump filter_INPUT_ZONES
                reject with icmpx admin-prohibited
            }
            chain filter_INPUT_ZONES { goto filter_IN_public
            }
            chain filter_IN_public {
                jump filter_IN_public_pre
                jump filter_IN_public_allow
                meta l4proto { icmp, ipv6-icmp } accept
                reject with icmpx admin-prohibited
            }
            chain filter_IN_public_pre { }
            chain filter_IN_public_allow {
                tcp dport 22 accept
                ip6 daddr fe80::/64 udp dport 546 accept
            }
        }",
        denies: [true, true],
    },
    Known {
        name: "firewalld's zone trusted",
        rules: "table inet firewalld {
            chain filter_INPUT {
                type filter hook input priority 10; policy accept;
                ct state { established, related } accept
                iifname \"lo\" accept
                jump filter_INPUT_ZONES
                reject with icmpx admin-prohibited
            }
            chain filter_INPUT_ZONES { goto filter_IN_trusted
            }
            chain filter_IN_trusted { accept
            }
        }",
        denies: [false, false],
    },
    Known {
        name: "docker's alone: it says nothing about what comes in",
        rules: "table ip nat {
            chain PREROUTING { type nat hook prerouting priority dstnat; policy accept; fib daddr type local counter jump DOCKER
            }
            chain DOCKER { iifname != \"docker0\" tcp dport 8080 counter dnat to 172.17.0.2:80
            }
        }
        table ip filter {
            chain FORWARD { type filter hook forward priority filter; policy drop; }
            chain DOCKER { }
        }",
        denies: [false, false],
    },
    Known {
        name: "a list of those that are banned, as fail2ban makes it",
        rules: "table inet f2b-table {
            set addr-set-sshd { type ipv4_addr; elements = { 198.51.100.7 }
            }
            chain f2b-chain { type filter hook input priority filter - 1; policy accept; tcp dport 22 ip saddr @addr-set-sshd reject with icmp port-unreachable
            }
        }",
        denies: [false, false],
    },
    Known {
        name: "rules for IPv4 that forget IPv6",
        rules: "table ip filter {
            chain input { type filter hook input priority 0; policy drop; ct state established,related accept; tcp dport 22 accept
            }
        }",
        denies: [true, false],
    },
    Known {
        name: "a drop in prerouting",
        rules: "table inet raw {
            chain pre { type filter hook prerouting priority raw; policy accept; iifname != lo tcp dport != 22 drop; iifname != lo meta l4proto udp drop
            }
        }",
        denies: [true, true],
    },
    Known {
        name: "one network is let in",
        rules: "table inet f {
            chain input { type filter hook input priority 0; policy drop; ip saddr 10.0.0.0/8 accept; iifname \"tailscale0\" accept
            }
        }",
        denies: [true, true],
    },
    Known {
        name: "the interface that faces the outside is let in",
        rules: "table inet f {
            chain input { type filter hook input priority 0; policy drop; iifname \"d0\" accept
            }
        }",
        denies: [false, false],
    },
    Known {
        name: "half of the world is let in",
        rules: "table inet f {
            chain input { type filter hook input priority 0; policy drop; ip saddr 0.0.0.0-127.255.255.255 accept
            }
        }",
        denies: [false, true],
    },
];

/// For iptables-nft-restore; of IPv6 they say nothing.
pub(crate) const IPTABLES: &[Known] = &[
    Known {
        name: "RHEL's old default",
        rules: "*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -j REJECT --reject-with icmp-host-prohibited
COMMIT
",
        denies: [true, false],
    },
    Known {
        name: "as ufw writes them",
        rules: "*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:ufw-before-input - [0:0]
:ufw-after-input - [0:0]
:ufw-logging-deny - [0:0]
:ufw-not-local - [0:0]
:ufw-skip-to-policy-input - [0:0]
:ufw-track-input - [0:0]
:ufw-user-input - [0:0]
:ufw-user-limit - [0:0]
:ufw-user-limit-accept - [0:0]
-A INPUT -j ufw-before-input
-A INPUT -j ufw-after-input
-A INPUT -j ufw-track-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT
-A ufw-before-input -j ufw-not-local
-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-after-input -p udp -m udp --dport 137 -j ufw-skip-to-policy-input
-A ufw-after-input -m addrtype --dst-type BROADCAST -j ufw-skip-to-policy-input
-A ufw-logging-deny -m conntrack --ctstate INVALID -m limit --limit 3/min --limit-burst 10 -j RETURN
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN
-A ufw-not-local -m addrtype --dst-type BROADCAST -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny
-A ufw-not-local -j DROP
-A ufw-skip-to-policy-input -j DROP
-A ufw-user-input -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --set --name DEFAULT
-A ufw-user-input -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --update --seconds 30 --hitcount 6 --name DEFAULT -j ufw-user-limit
-A ufw-user-input -p tcp -m tcp --dport 22 -j ufw-user-limit-accept
-A ufw-user-input -p tcp -m multiport --dports 80,443 -j ACCEPT
-A ufw-user-limit -j REJECT --reject-with icmp-port-unreachable
-A ufw-user-limit-accept -j ACCEPT
COMMIT
",
        denies: [true, false],
    },
    Known {
        name: "kube-proxy's and docker's, without anybody else's",
        rules: "*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-NODEPORTS - [0:0]
-A INPUT -m comment --comment \"kubernetes health check service ports\" -j KUBE-NODEPORTS
-A INPUT -j KUBE-FIREWALL
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment \"block incoming localnet connections\" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
COMMIT
",
        denies: [false, false],
    },
];
