//! Password fields against crypt(3), and account files against libc, each asked through an interpreter.

use std::process::Command;

use guestward::host::accounts::{Password, Scheme};
use guestward::host::{Facts, Host, Wanted};
use proptest::prelude::*;

use crate::support::tree;

/// What crypt(3) makes of "password" with each setting, as perl's `crypt` hands it over.
fn crypt(settings: &[String]) -> Vec<String> {
    let script =
        r#"for (@ARGV) { my $hash = crypt("password", $_); print defined $hash ? $hash : "*", "\n" }"#;
    let output = Command::new("perl").args(["-e", script]).args(settings).output().expect("perl");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

const SETTINGS: &[&str] = &[
    "ab",
    "_J9..rasm",
    "$1$saltsalt$",
    "$1$$",
    "$2b$05$abcdefghijklmnopqrstuu",
    "$2a$05$abcdefghijklmnopqrstuu",
    "$2y$05$abcdefghijklmnopqrstuu",
    "$3$",
    "$5$saltstring",
    "$5$rounds=1400$salt",
    "$6$saltstring",
    "$6$rounds=1000$s",
    "$7$C6..../....SodiumChloride",
    "$y$j9T$F5Jx5fExrKuPp53xLKQ..1",
    "$gy$j9T$F5Jx5fExrKuPp53xLKQ..1",
    "$sha1$1000$saltsalt",
    "$md5,rounds=904$saltsalt$",
    "$md5$saltsalt$",
];

#[test]
fn every_hash_that_crypt_makes_is_usable() {
    let settings: Vec<String> = SETTINGS.iter().map(|setting| (*setting).to_owned()).collect();
    let mut known = 0;
    for (setting, hash) in settings.iter().zip(crypt(&settings)) {
        // A libcrypt built without a scheme answers with a star.
        if hash.starts_with('*') {
            continue;
        }
        known += 1;
        assert!(Password::of(hash.as_bytes()).is_usable(), "{setting} makes {hash}");
        assert_eq!(
            Password::of(format!("!{hash}").as_bytes()),
            Password::Locked { behind: Scheme::of(hash.as_bytes()) }
        );
    }
    assert!(known >= 5, "crypt(3) knows hardly any scheme here");
}

#[test]
fn what_matches_no_password_by_shape_matches_none_in_crypt() {
    let settings: Vec<String> = SETTINGS.iter().map(|setting| (*setting).to_owned()).collect();
    let mut damaged = vec!["x".to_owned(), "garbage".to_owned(), "*0".to_owned(), "$9$a$b".to_owned()];
    for hash in crypt(&settings).iter().filter(|hash| !hash.starts_with('*')) {
        for cut in 1..hash.len() {
            damaged.push(hash[..cut].to_owned());
        }
        damaged.push(format!("{hash}a"));
        damaged.push(hash.replacen('$', "%", 1));
    }
    for (field, hash) in damaged.iter().zip(crypt(&damaged)) {
        if !Password::of(field.as_bytes()).is_usable() {
            assert_ne!(field, &hash, "crypt(3) gives this for a password");
        }
    }
}

#[test]
fn this_machine_has_the_accounts_that_getent_lists() {
    let host = Host::at("/").unwrap();
    let accounts = guestward::host::accounts::Accounts::of(&host);
    let getent = Command::new("getent").args(["-s", "files", "passwd"]).output().unwrap();
    let listed = String::from_utf8(getent.stdout).unwrap();
    let ours: Vec<String> = accounts
        .users
        .unwrap()
        .iter()
        .map(|user| format!("{}:{}:{}", String::from_utf8_lossy(&user.name), user.uid, user.gid))
        .collect();
    let theirs: Vec<String> = listed
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            format!("{}:{}:{}", fields[0], fields[2], fields[3])
        })
        .collect();
    assert_eq!(ours, theirs);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn no_bytes_make_an_account_file_fail(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let root = tree::base("debian12");
        for name in ["passwd", "shadow", "group", "sudoers", "nsswitch.conf"] {
            std::fs::write(root.path().join("etc").join(name), &bytes).unwrap();
        }
        let host = Host::at(root.path()).unwrap();
        let wanted = Wanted { accounts: true, sudo: true, ..Wanted::NONE };
        let facts = Facts::gather(&host, wanted, jiff::Timestamp::UNIX_EPOCH, &mut |_| {});
        prop_assert!(facts.accounts.users.is_ok());
    }

    #[test]
    fn no_password_field_makes_the_classification_fail(field in proptest::collection::vec(any::<u8>(), 0..120)) {
        let _ = Password::of(&field);
        let _ = Password::of(&[b"$6$rounds=".as_slice(), &field].concat());
    }
}
