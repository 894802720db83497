//! The matcher against one that anybody can read, and what the built-in rules say of the places that matter.

use proptest::prelude::*;

use super::*;
use crate::host::glob;

fn rule(compare: Compare, paths: &[&str]) -> Rule {
    Rule {
        paths: paths.iter().map(|path| Pattern::new(path).unwrap()).collect(),
        compare,
        severity: Severity::High,
        text_diff: false,
        per_host: false,
        origin: None,
        name: paths.join(" "),
    }
}

fn rules(paths: &[&str]) -> Rules {
    Rules::new(paths.iter().map(|path| rule(Compare::Content, &[path])).collect())
}

#[track_caller]
fn matches(pattern: &str, path: &str, expected: bool) {
    assert_eq!(rules(&[pattern]).of_path(path.as_bytes()).is_some(), expected, "{pattern} {path}");
}

#[test]
fn two_stars_are_any_number_of_directories_and_also_none() {
    matches("/etc/**", "/etc", true);
    matches("/etc/**", "/etc/a/b/c", true);
    matches("/etc/**", "/etcetera", false);
    matches("/etc/**/*.conf", "/etc/a.conf", true);
    matches("/etc/**/*.conf", "/etc/a/b/c.conf", true);
    matches("/etc/**/b/**/c", "/etc/b/c", true);
    matches("/etc/**/b/**/c", "/etc/b/x/b/y/c", true);
    matches("/etc/**/b/**/c", "/etc/c", false);
    matches("/**", "/", true);
    matches("/**", "/a/b", true);
}

#[test]
fn one_star_stays_within_a_name_and_takes_a_dot_at_its_beginning() {
    matches("/home/*/.ssh", "/home/bob/.ssh", true);
    matches("/home/*/.ssh", "/home/a/b/.ssh", false);
    matches("/etc/*", "/etc/.hidden", true);
    matches("/etc/*", "/etc/a/b", false);
    matches("/etc/*", "/etc", false);
    matches("/etc/a[0-9]?", "/etc/a1x", true);
    matches("/etc/\\*", "/etc/*", true);
    matches("/etc/\\*", "/etc/a", false);
    matches("/", "/", true);
    matches("/", "/etc", false);
    matches("/*", "/", false);
}

#[test]
fn a_pattern_that_means_nothing_is_refused() {
    for (pattern, why) in [
        ("", BadPattern::Relative),
        ("etc/**", BadPattern::Relative),
        ("/etc/", BadPattern::Empty),
        ("/etc//a", BadPattern::Empty),
        ("//", BadPattern::Empty),
        ("/etc/../shadow", BadPattern::Dots),
        ("/./etc", BadPattern::Dots),
        ("/etc/a**", BadPattern::Stars),
        ("/etc/***", BadPattern::Stars),
        ("/etc/[a", BadPattern::Bracket),
        ("/etc/[z-a]", BadPattern::Bracket),
        ("/etc/[]", BadPattern::Bracket),
        ("/etc/a\\", BadPattern::Escape),
        ("/etc/a\nb", BadPattern::Unshowable),
        ("/etc/\u{202e}", BadPattern::Unshowable),
    ] {
        assert_eq!(Pattern::new(pattern), Err(why), "{pattern}");
    }
    assert_eq!(Pattern::new(&format!("/{}", "a".repeat(4096))), Err(BadPattern::TooLong));
}

#[test]
fn the_last_rule_that_matches_decides() {
    let rules = Rules::new(vec![
        rule(Compare::Content, &["/srv/**"]),
        rule(Compare::Nothing, &["/srv/cache/**", "/srv/**/*.tmp"]),
        rule(Compare::Log, &["/srv/cache/keep"]),
    ]);
    let compare = |path: &str| rules.of_path(path.as_bytes()).map(|rule| rule.compare);
    assert_eq!(compare("/srv/a"), Some(Compare::Content));
    assert_eq!(compare("/srv/a/b.tmp"), None);
    assert_eq!(rules.last(b"/srv/a/b.tmp").unwrap().compare, Compare::Nothing);
    assert_eq!(compare("/srv/cache/keep"), Some(Compare::Log));
    assert_eq!(compare("/srv/cache/gone"), None);
    assert_eq!(compare("/other"), None);
}

#[test]
fn no_walk_goes_where_nothing_is_compared() {
    let rules = Rules::new(vec![
        rule(Compare::Content, &["/srv/**", "/home/*/.ssh/**"]),
        rule(Compare::Nothing, &["/srv/cache/**"]),
    ]);
    assert!(rules.within(b"/srv/a/b").is_some());
    assert!(rules.within(b"/srv/cache").is_none());
    assert!(rules.within(b"/home/bob").is_some());
    assert!(rules.within(b"/home/bob/src").is_none());
    assert!(rules.within(b"/var").is_none());
    assert!(rules.within(b"/").is_some());
}

#[test]
fn a_tree_of_one_rule_has_one_scope() {
    let rules = rules(&["/usr/**", "/usr/bin/x"]);
    let share = rules.within(b"/usr/share").unwrap();
    let deeper = rules.within(b"/usr/share/doc/x").unwrap();
    assert_eq!(format!("{share:?}"), format!("{deeper:?}"));
    assert_eq!(rules.of(&share, b"anything").unwrap().name, "/usr/**");
}

#[test]
fn no_built_in_pattern_is_wrong_and_no_name_is_there_twice() {
    let mut names = BTreeSet::new();
    for entry in built_in::entries() {
        assert!(names.insert(entry.0), "{} is there twice", entry.0);
        for path in entry.1 {
            Pattern::new(path).unwrap_or_else(|why| panic!("{path}: {why}"));
        }
    }
    // Nothing but the rules that compare nothing may be without a kept place in what is shown.
    assert!(built_in().iter().all(|rule| !rule.paths.is_empty()));
}

#[test]
fn the_built_in_rules_know_the_places_that_matter() {
    let rules = Rules::new(built_in());
    for (path, expected) in [
        ("/usr/sbin/sshd", "critical content"),
        ("/usr/lib/x86_64-linux-gnu/security/pam_unix.so", "critical content"),
        ("/usr/lib64/security/pam_unix.so", "critical content"),
        ("/etc/pam.d/sshd", "critical content text"),
        ("/etc/ld.so.preload", "critical content text"),
        ("/etc/sudoers.d/90-cloud-init-users", "critical content text"),
        ("/etc/ssh/sshd_config.d/50-redhat.conf", "critical content text"),
        ("/etc/ssh/ssh_host_ed25519_key", "critical content own"),
        ("/etc/shadow", "critical content"),
        ("/root/.ssh/authorized_keys", "critical content text"),
        ("/home/ec2-user/.ssh/authorized_keys", "high content text"),
        ("/usr/bin/ls", "high content"),
        ("/usr/lib/modules/6.1.0/kernel/fs/ext4/ext4.ko", "high content"),
        ("/boot/vmlinuz-6.1.0", "high content"),
        ("/usr/lib/systemd/system/ssh.service", "high content text"),
        ("/etc/systemd/system/x.service.d/a.conf", "high content text"),
        ("/var/spool/cron/crontabs/root", "high content text"),
        ("/etc/cron.d/x", "high content text"),
        ("/etc/ld.so.conf.d/x.conf", "high content text"),
        ("/usr/local/bin/x", "high content"),
        ("/opt/x/bin/y", "high content"),
        ("/etc/foo.conf", "medium content"),
        ("/etc/yum.repos.d/redhat.repo", "medium content text"),
        ("/usr/share/doc/bash/README", "low content"),
        ("/usr/share/man/man1/ls.1.gz", "low content"),
        ("/etc/ld.so.cache", "low permissions"),
        ("/etc/resolv.conf", "low permissions"),
        ("/boot/grub2/grubenv", "medium permissions"),
        ("/tmp", "medium permissions"),
        ("/", "medium permissions"),
        ("/etc/machine-id", "medium content own"),
        ("/etc/hosts", "high content text own"),
        ("/var/log/secure", "high log own"),
        ("/etc/.pwd.lock", "low existence"),
        ("/usr/lib/python3/dist-packages/x/__pycache__/y.cpython-311.pyc", "nothing"),
        ("/usr/lib/python3/dist-packages/x/__pycache__/y.so", "high content"),
        ("/root/.bash_history", "nothing"),
        ("/root/.cache/x", "nothing"),
        ("/var/lib/docker/overlay2/x", "nothing"),
        ("/proc/1/exe", "nothing"),
        ("/home/bob/src/x", "nothing"),
        ("/srv/www/index.html", "nothing"),
    ] {
        assert_eq!(told(rules.of_path(path.as_bytes())), expected, "{path}");
    }
}

fn told(rule: Option<&Rule>) -> String {
    let Some(rule) = rule else { return "nothing".to_owned() };
    let text = if rule.text_diff { " text" } else { "" };
    let own = if rule.per_host { " own" } else { "" };
    format!("{} {}{text}{own}", rule.severity, rule.compare)
}

#[test]
fn the_text_of_what_holds_secrets_is_never_kept() {
    let everything = Rules::new(vec![Rule { text_diff: true, ..rule(Compare::Content, &["/**"]) }]);
    for path in [
        "/etc/shadow",
        "/etc/shadow-",
        "/etc/security/opasswd",
        "/etc/ssl/private/x",
        "/etc/pki/tls/private/localhost.key",
        "/etc/x/y.pem",
        "/etc/ssh/ssh_host_rsa_key",
        "/root/.ssh/id_ed25519",
        "/root/.netrc",
        "/etc/wpa_supplicant/wpa_supplicant.conf",
        "/etc/NetworkManager/system-connections/wifi.nmconnection",
        "/etc/apt/auth.conf",
        "/etc/apt/auth.conf.d/x.conf",
        "/root/.aws/config",
    ] {
        assert!(!everything.keeps_text(path.as_bytes()), "{path}");
    }
    for path in ["/etc/ssh/sshd_config", "/etc/passwd", "/root/.ssh/id_ed25519.pub", "/etc/hosts"] {
        assert!(everything.keeps_text(path.as_bytes()), "{path}");
    }
}

#[test]
fn the_digest_is_that_of_what_is_meant() {
    let one = Rules::new(vec![rule(Compare::Content, &["/a", "/b"])]).digest();
    let elsewhere = Rule {
        origin: Some(Origin::default()),
        name: "elsewhere".to_owned(),
        ..rule(Compare::Content, &["/b", "/a"])
    };
    assert_eq!(one, Rules::new(vec![elsewhere]).digest());
    let other = |change: fn(&mut Rule)| {
        let mut rule = rule(Compare::Content, &["/a", "/b"]);
        change(&mut rule);
        Rules::new(vec![rule]).digest()
    };
    let others = [
        other(|rule| rule.compare = Compare::Log),
        other(|rule| rule.severity = Severity::Low),
        other(|rule| rule.text_diff = true),
        other(|rule| rule.per_host = true),
        other(|rule| rule.paths.truncate(1)),
        Rules::new(vec![rule(Compare::Content, &["/a"]), rule(Compare::Content, &["/b"])]).digest(),
    ];
    for (index, digest) in others.iter().enumerate() {
        assert!(*digest != one && !others[..index].contains(digest), "{index}");
    }
}

/// The same question, answered slowly.
fn slow(pattern: &[&[u8]], path: &[&[u8]]) -> bool {
    match (pattern, path) {
        ([], path) => path.is_empty(),
        ([b"**", rest @ ..], path) => (0..=path.len()).any(|from| slow(rest, &path[from..])),
        ([part, rest @ ..], [name, below @ ..]) => glob::matches(part, name) && slow(rest, below),
        (_, []) => false,
    }
}

fn last_slow(rules: &[Rule], path: &str) -> Option<usize> {
    let parts = |text: &'_ str| -> Vec<Vec<u8>> {
        text.split('/').filter(|part| !part.is_empty()).map(|part| part.as_bytes().to_vec()).collect()
    };
    let path = parts(path);
    let path: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
    let is_match = |pattern: &Pattern| {
        let parts = parts(pattern.as_str());
        slow(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>(), &path)
    };
    rules.iter().rposition(|rule| rule.paths.iter().any(is_match))
}

const NAME: &str = "[ab]{1,2}|a\\.b|\\.a";
const PART: &str = "\\*\\*|\\*|a|b|ab|\\*b|a\\*|\\?|\\[ab\\]|\\*a\\*|\\*\\.b";

fn made_up() -> impl Strategy<Value = Vec<Rule>> {
    let path = proptest::collection::vec(PART, 0..5).prop_map(|parts| format!("/{}", parts.join("/")));
    let paths = proptest::collection::vec(path, 1..4);
    let compare = prop_oneof![Just(Compare::Content), Just(Compare::Nothing), Just(Compare::Log)];
    let rule = (paths, compare)
        .prop_map(|(paths, compare)| rule(compare, &paths.iter().map(String::as_str).collect::<Vec<_>>()));
    proptest::collection::vec(rule, 1..6)
}

proptest! {
    #[test]
    fn it_answers_as_a_matcher_that_anybody_can_read(
        rules in made_up(),
        names in proptest::collection::vec(proptest::collection::vec(NAME, 0..6), 1..8),
    ) {
        let ready = Rules::new(rules.clone());
        for names in names {
            let path = format!("/{}", names.join("/"));
            let expected = last_slow(&rules, &path).map(|index| &rules[index]);
            prop_assert_eq!(ready.last(path.as_bytes()), expected, "{}", &path);
            prop_assert_eq!(
                ready.of_path(path.as_bytes()),
                expected.filter(|rule| rule.compare != Compare::Nothing),
                "{}", &path
            );
        }
    }

    #[test]
    fn a_walk_that_steps_down_answers_as_one_question_does(
        rules in made_up(),
        names in proptest::collection::vec(NAME, 1..7),
    ) {
        let ready = Rules::new(rules);
        let mut scope = Some(ready.root());
        let mut path = String::new();
        for name in &names {
            path = format!("{path}/{name}");
            let stepped = scope.as_ref().and_then(|scope| ready.of(scope, name.as_bytes()));
            prop_assert_eq!(stepped, ready.of_path(path.as_bytes()), "{}", &path);
            scope = scope.and_then(|scope| ready.descend(&scope, name.as_bytes()));
        }
    }

    #[test]
    fn no_text_makes_a_pattern_panic(text in "[/*?\\[\\]!^\\\\ab.-]{0,20}", path in "[/ab*\\[\\].-]{0,20}") {
        if let Ok(pattern) = Pattern::new(&text) {
            prop_assert_eq!(pattern.as_str(), &text);
            let rules = Rules::new(vec![Rule { paths: vec![pattern], ..rule(Compare::Content, &["/x"]) }]);
            let _ = rules.of_path(path.as_bytes());
        }
        is_private(path.as_bytes());
    }
}
