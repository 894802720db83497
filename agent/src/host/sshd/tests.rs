//! What the installed sshd cannot be asked: other releases, what nobody may log in by, and bytes of any kind.

use std::fs;

use proptest::prelude::*;

use super::*;

fn read(version: Version, main: &[u8]) -> Result<Config, ConfigError> {
    let tree = tempfile::tempdir().unwrap();
    fs::create_dir_all(tree.path().join("etc/ssh")).unwrap();
    fs::write(tree.path().join("etc/ssh/sshd_config"), main).unwrap();
    let host = Host::at(tree.path()).unwrap();
    Config::read(&host, Release::plain(version), &Homes::default(), &Invocation::default())
}

#[track_caller]
fn config(version: Version, main: &str) -> Config {
    read(version, main.as_bytes()).unwrap_or_else(|error| panic!("{main}: {error:?}"))
}

fn bob() -> Context {
    Context {
        user: b"bob".to_vec(),
        groups: vec![b"bob".to_vec(), b"staff".to_vec()],
        address: b"203.0.113.9".to_vec(),
        host: b"203.0.113.9".to_vec(),
        local_address: b"10.0.0.5".to_vec(),
        local_port: 22,
        ..Context::default()
    }
}

const V7_4: Version = Version::new(7, 4);
const V8_7: Version = Version::new(8, 7);
const V9_2: Version = Version::new(9, 2);
const V9_9: Version = Version::new(9, 9);
const V10_0: Version = Version::new(10, 0);

#[test]
fn before_8_7_the_other_keyword_turns_keyboard_interactive_on_again() {
    let both = "KbdInteractiveAuthentication no\nChallengeResponseAuthentication no\n";
    for (version, text, on) in [
        (V7_4, "KbdInteractiveAuthentication no\n", true),
        (V7_4, "ChallengeResponseAuthentication no\n", false),
        (V7_4, both, false),
        (
            V7_4,
            "ChallengeResponseAuthentication no\nMatch User bob\nKbdInteractiveAuthentication yes\n",
            true,
        ),
        (V8_7, "KbdInteractiveAuthentication no\n", false),
        (V8_7, "ChallengeResponseAuthentication no\n", false),
        (V8_7, "", true),
    ] {
        let config = config(version, text);
        assert_eq!(config.evaluate(&bob()).unwrap().keyboard_interactive().0, on, "{version}: {text}");
    }
}

#[test]
fn releases_differ_in_what_they_accept() {
    for (text, version, accepted) in [
        ("PermitRootLogin no#x", V7_4, true),
        ("PermitRootLogin no#x", V8_7, false),
        ("Include /etc/x", V7_4, false),
        ("Include /etc/x", V8_7, true),
        ("Match invalid-user\nPermitTTY no", V9_2, false),
        ("Match invalid-user\nPermitTTY no", V9_9, true),
        ("AuthenticationMethods publickey\nMatch User bob\nAuthenticationMethods any", V9_2, false),
        ("AuthenticationMethods publickey\nMatch User bob\nAuthenticationMethods any", V9_9, true),
        ("RefuseConnection yes", V9_2, false),
        ("RefuseConnection yes", V9_9, true),
        ("Ciphers arcfour", V7_4, true),
        ("Ciphers arcfour", V9_2, false),
        ("KexAlgorithms mlkem768x25519-sha256", V9_2, false),
        ("KexAlgorithms mlkem768x25519-sha256", V9_9, true),
        ("PubkeyAcceptedAlgorithms +ssh-dss", V9_9, true),
        ("PubkeyAcceptedAlgorithms +ssh-dss", V10_0, false),
        ("PubkeyAcceptedKeyTypes ssh-rsa", V7_4, true),
    ] {
        assert_eq!(read(version, text.as_bytes()).is_ok(), accepted, "{version}: {text}");
    }
}

#[test]
fn releases_differ_in_what_they_offer() {
    let kex = |version| config(version, "").outside_match().algorithms("KexAlgorithms");
    assert!(kex(V7_4).contains(&"diffie-hellman-group14-sha1".to_owned()));
    assert!(!kex(V8_7).iter().any(|name| name.starts_with("sntrup") || name.ends_with("-sha1")));
    assert_eq!(kex(V9_9)[2], "mlkem768x25519-sha256");
    assert_eq!(kex(V10_0)[0], "mlkem768x25519-sha256");
    assert!(!kex(V10_0).iter().any(|name| name.starts_with("diffie-hellman")));
    let keys = |version| config(version, "").outside_match().algorithms("PubkeyAcceptedAlgorithms");
    assert!(keys(V8_7).contains(&"ssh-rsa".to_owned()));
    assert!(!keys(V9_2).contains(&"ssh-rsa".to_owned()));
}

#[test]
fn a_defect_is_named_with_its_line() {
    let Err(ConfigError::Invalid(defect)) = read(V9_2, b"\n# x\nPort 22\nPort x\n") else {
        panic!("accepted")
    };
    assert_eq!(defect.origin.to_string(), "/etc/ssh/sshd_config:4");
}

#[test]
fn every_value_knows_where_it_was_set() {
    let config = config(V9_2, "PermitRootLogin no\nPermitRootLogin yes\nMatch User bob\nMaxAuthTries 3\n");
    let effective = config.evaluate(&bob()).unwrap();
    assert_eq!(effective.origin("PermitRootLogin").to_string(), "/etc/ssh/sshd_config:1");
    assert_eq!(effective.origin("MaxAuthTries").to_string(), "/etc/ssh/sshd_config:4");
    assert_eq!(effective.origin("StrictModes").to_string(), "default of OpenSSH 9.2");
}

#[test]
fn options_of_the_command_line_come_first() {
    let tree = tempfile::tempdir().unwrap();
    fs::write(tree.path().join("x"), "Port 22\nPasswordAuthentication no\n").unwrap();
    let host = Host::at(tree.path()).unwrap();
    let invocation = Invocation {
        file: Some("/x".into()),
        options: vec![b"PasswordAuthentication=yes".to_vec(), b"Port=2222".to_vec()],
        ports_are_fixed: true,
    };
    let config = Config::read(&host, Release::plain(V9_2), &Homes::default(), &invocation).unwrap();
    let effective = config.evaluate(&bob()).unwrap();
    assert!(effective.is_on("PasswordAuthentication"));
    assert_eq!(effective.origin("PasswordAuthentication"), Origin::CommandLine);
    assert_eq!(config.ports(), [2222]);
}

#[test]
fn a_list_that_needs_a_key_makes_a_password_harmless() {
    for (methods, enough) in [
        ("any", true),
        ("password", true),
        ("publickey,password", false),
        ("password,publickey", false),
        ("publickey password", true),
        ("publickey", false),
        ("password,keyboard-interactive:pam", true),
        ("password,hostbased publickey", false),
    ] {
        let config = config(V9_2, &format!("AuthenticationMethods {methods}\n"));
        assert_eq!(config.outside_match().password_suffices("password"), enough, "{methods}");
    }
}

#[test]
fn those_who_are_not_let_in_are_told_by_which_line() {
    for (text, turned_away) in [
        ("AllowUsers alice", Some("AllowUsers")),
        ("AllowUsers alice\nAllowUsers b*", None),
        ("AllowUsers bob@10.0.0.0/8", Some("AllowUsers")),
        ("AllowUsers bob@203.0.113.*", None),
        ("DenyUsers bob\nAllowUsers bob", Some("DenyUsers")),
        ("AllowGroups wheel", Some("AllowGroups")),
        ("AllowGroups wheel st*", None),
        ("DenyGroups staff", Some("DenyGroups")),
        ("AllowUsers alice\nMatch Address 203.0.113.0/24\nAllowUsers bob", None),
    ] {
        let config = config(V9_2, text);
        let found = config.evaluate(&bob()).unwrap().turns_away(&bob()).map(|away| away.keyword);
        assert_eq!(found, turned_away, "{text}");
    }
}

fn accounts() -> Accounts {
    let tree = tempfile::tempdir().unwrap();
    fs::create_dir_all(tree.path().join("etc")).unwrap();
    let passwd =
        "root:x:0:0::/root:/bin/sh\nbob:x:1:1::/:/bin/sh\namy:x:2:2::/:/bin/sh\nzed:x:3:2::/:/bin/sh\n";
    fs::write(tree.path().join("etc/passwd"), passwd).unwrap();
    fs::write(tree.path().join("etc/group"), "root:x:0:\nbob:x:1:\nstaff:x:2:bob\nops:x:3:zed\n").unwrap();
    fs::write(tree.path().join("etc/shadow"), "").unwrap();
    Accounts::of(&Host::at(tree.path()).unwrap())
}

fn block() -> impl Strategy<Value = String> {
    let network = prop::sample::select(vec![
        "10.0.0.0/8",
        "!10.0.0.0/16",
        "10.1.0.0/16",
        "!10.1.2.3",
        "*",
        "192.168.*",
        "2001:db8::/32",
        "::1",
        "!::/0",
        "0.0.0.0/0",
        "10.128.0.0/9",
    ]);
    let networks = prop::collection::vec(network, 1..4).prop_map(|list| list.join(","));
    let users = prop::sample::select(vec!["root", "b*", "!bob,*", "amy,zed", "?e?", "*"]);
    let groups = prop::sample::select(vec!["staff", "ops", "!ops,staff", "s*,root"]);
    let criterion = prop_oneof![
        networks.clone().prop_map(|list| format!("Address {list}")),
        networks.prop_map(|list| format!("LocalAddress {list}")),
        users.prop_map(|list| format!("User {list}")),
        groups.prop_map(|list| format!("Group {list}")),
        prop::sample::select(vec![22, 2222]).prop_map(|port| format!("LocalPort {port}")),
    ];
    (prop::collection::vec(criterion, 1..3), 1..10_u8)
        .prop_map(|(criteria, tries)| format!("Match {}\nMaxAuthTries {tries}\n", criteria.join(" ")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), new in any::<bool>()) {
        if let Ok(config) = read(if new { V9_2 } else { V7_4 }, &bytes) {
            let _ = config.evaluate(&bob()).map(|effective| effective.print());
        }
    }

    #[test]
    fn no_words_make_it_panic(
        lines in prop::collection::vec((0..keyword::KEYWORDS.len(), "[ -~]{0,40}"), 1..4),
        new in any::<bool>(),
    ) {
        let text: String =
            lines.iter().map(|(at, rest)| format!("{} {rest}\n", keyword::KEYWORDS[*at].name)).collect();
        if let Ok(config) = read(if new { V9_9 } else { V7_4 }, text.as_bytes()) {
            let _ = config.evaluate(&bob()).map(|effective| effective.print());
            prop_assert!(witness::witnesses(&config, &accounts()).is_ok());
        }
    }

    /// What nobody is asked about cannot be reported: some witness stands for every connection.
    #[test]
    fn every_connection_has_a_witness_with_the_same_answer(
        blocks in prop::collection::vec(block(), 1..4),
        user in prop::sample::select(vec!["root", "bob", "amy", "zed"]),
        (a, b) in (any::<u8>(), any::<u8>()),
        local in prop::sample::select(vec!["10.0.0.1", "10.1.9.9", "192.168.1.1", "::1", "172.16.0.1"]),
        port in prop::sample::select(vec![22_u16, 2222]),
    ) {
        let config = config(V9_2, &format!("Port 22\nPort 2222\n{}", blocks.concat()));
        let accounts = accounts();
        let context = Context {
            address: format!("10.{a}.{b}.3").into_bytes(),
            host: format!("10.{a}.{b}.3").into_bytes(),
            local_address: local.into(),
            local_port: port,
            ..Context::of_user(accounts.user(user.as_bytes()).unwrap(), &accounts).unwrap()
        };
        let answer = |context: &Context| config.evaluate(context).unwrap().number("MaxAuthTries");
        let wanted = answer(&context);
        let witnesses = witness::witnesses(&config, &accounts).unwrap();
        prop_assert!(
            witnesses.iter().any(|witness| answer(&witness.context) == wanted),
            "{:?} gives {:?}\n{}", context, wanted, blocks.concat()
        );
    }
}
