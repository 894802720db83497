//! Access keys that lie about: every form in which one was ever found is found, nothing else is, and no secret comes
//! out again.

mod forms;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use guestward::check;
use guestward::host::credentials::{Kind, keys};
use guestward::host::{Facts, Host};
use guestward::policy::Policy;

use crate::support::binary::{guestward, text};
use crate::support::keys::{ACCOUNT, Pair};
use crate::support::tree;
use forms::{FORMS, MISSED};

/// Pairs in each form, every day and in the long run.
const PAIRS: usize = 20;
const MANY_PAIRS: usize = 500;

#[test]
fn every_key_in_every_form_is_found() {
    let mut missed = Vec::new();
    for (form, write) in FORMS {
        for pair in pairs("AKIA", form) {
            let found = keys(&write(&pair));
            let is_found = found.len() == 1
                && found[0].id.to_string() == pair.id
                && found[0].kind == Kind::LongLived
                && found[0].id.account().is_some_and(|account| account.to_string() == ACCOUNT);
            if !is_found {
                missed.push(format!("{form}: {} {} gives {found:?}", pair.id, pair.secret));
            }
        }
    }
    // One secret in four thousand looks like words by chance, and none of those of every day.
    let total = FORMS.len() * many();
    let tolerated = if is_long() { total / 1_000 } else { 0 };
    println!("{} of {total} missed", missed.len());
    assert!(missed.len() <= tolerated, "{} of {total} missed:\n{}", missed.len(), missed.join("\n"));
}

/// A row that begins to be found is no failure of the code, but of the row.
#[test]
fn what_is_not_found_is_known_and_has_a_reason() {
    for (form, reason, write) in MISSED {
        assert!(reason.len() > 20, "{form} needs a reason");
        let found = pairs("AKIA", form).filter(|pair| !keys(&write(pair)).is_empty()).count();
        assert_eq!(found, 0, "{form} is found {found} times: no longer a row");
    }
}

#[test]
fn the_same_key_has_one_fingerprint_in_all_forms_and_another_key_another() {
    let pair = Pair::of("AKIA", "one");
    let prints: HashSet<String> = FORMS
        .iter()
        .flat_map(|(_, write)| keys(&write(&pair)))
        .map(|key| key.fingerprint.to_string())
        .collect();
    assert_eq!(prints.len(), 1, "{prints:?}");
    let all: HashSet<String> = pairs("AKIA", "many")
        .flat_map(|pair| keys(&forms::ini(&pair)))
        .map(|key| key.fingerprint.to_string())
        .collect();
    assert_eq!(all.len(), many());
}

#[test]
fn keys_that_stand_together_are_told_apart() {
    for (name, write) in [
        ("id first", forms::ini as fn(&Pair) -> Vec<u8>),
        ("secret first", |pair: &Pair| {
            format!("secret_key={}\naccess_key={}\n\n", pair.secret, pair.id).into_bytes()
        }),
    ] {
        let all: Vec<Pair> = pairs("AKIA", "crowd").take(PAIRS).collect();
        let file: Vec<u8> = all.iter().flat_map(write).collect();
        let alone: Vec<_> =
            all.iter().flat_map(|pair| keys(&write(pair))).map(|key| key.fingerprint).collect();
        let together: Vec<_> = keys(&file).into_iter().map(|key| key.fingerprint).collect();
        assert_eq!(together, alone, "{name}");
    }
}

#[test]
fn a_temporary_key_is_told_as_one() {
    for pair in pairs("ASIA", "temporary") {
        let with_token = format!(
            "aws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
            pair.id, pair.secret, pair.token
        );
        assert_eq!(keys(with_token.as_bytes())[0].kind, Kind::Temporary { has_token: true });
        assert_eq!(keys(&forms::ini(&pair))[0].kind, Kind::Temporary { has_token: false });
        assert_eq!(keys(&forms::base64(&pair))[0].kind, Kind::Temporary { has_token: false });
    }
}

#[test]
fn what_only_looks_like_a_key_is_none() {
    let pair = Pair::of("AKIA", "lookalike");
    let Pair { id, secret, .. } = &pair;
    let sha1 = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12";
    let alone = [
        format!("aws_access_key_id={id}\n"),
        format!("aws_secret_access_key={secret}\n"),
        format!("{id} {sha1}\n"),
        format!("{id} {}\n", sha1.to_uppercase()),
        format!("{id}\n{secret}{secret}\n"),
        format!("{id}\n\"integrity\": \"sha512-{secret}{secret}aB==\"\n"),
        format!("{id}\n{secret}=\n"),
        format!("{id}\n{}\n", &secret[..39]),
        format!("{id}\nsha-{secret}\n"),
        format!("{id}A {secret}\n"),
        format!("x{id} {secret}\n"),
        format!("{} {secret}\n", &id[..19]),
        format!("{} {secret}\n", id.replace("AKIA", "AROA")),
        format!("{} {secret}\n", id.replace("AKIA", "AIDA")),
        format!("{} {secret}\n", id.to_lowercase()),
        format!("{id}{}{secret}\n", " ".repeat(301)),
        format!("{id}\nserverless/StackForTheApp/BucketPolicyXy\n"),
        format!("{id}\n/opt/App1/Releases/20240101/Current/Main\n"),
        format!("{id}\nrun_TestThatTheBucketPolicyIsWritten2Twice\n"),
        format!("{id}\nusr/lib/x86/python3/site/Packages/boto3x\n"),
        format!("AKIAIOSFODNN7EXAMPLE {secret}\n"),
        format!("{id} wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"),
        format!("{id} je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY\n"),
        format!("{id} {}\n", "x".repeat(40)),
        format!("{id} {}\n", "YOURSECRETACCESSKEYyoursecretaccesskey12"),
        format!("AKIAXXXXXXXXXXXXXXXX {secret}\n"),
        format!("AKIA1234567890123456 {secret}\n"),
    ];
    for text in &alone {
        assert_eq!(keys(text.as_bytes()), [], "{text}");
    }
    // And the same text with a real one is found, so that each of these fails for its own reason.
    assert_eq!(keys(format!("{id} {secret}\n").as_bytes()).len(), 1);
}

#[test]
fn a_crowd_of_ids_and_runs_of_base64_take_no_time() {
    let Pair { id, secret, .. } = Pair::of("AKIA", "crowd");
    let hostile = [
        format!("{id} ").repeat(200_000),
        format!("/{id}/").repeat(150_000),
        format!("{id} {secret} ").repeat(60_000),
        format!("secret {secret} ").repeat(80_000) + &id,
        "QUtJQ".repeat(800_000),
        "QUtJQ ".repeat(600_000),
        "H4sI ".repeat(800_000),
        format!("{}\n", "A".repeat(76)).repeat(50_000),
        "\\".repeat(4_000_000),
        format!("{id}{}", "%".repeat(4_000_000)),
    ];
    for bytes in &hostile {
        let started = Instant::now();
        assert!(keys(bytes.as_bytes()).len() <= 100);
        // It takes a second at most without optimisation; a busy machine may take longer.
        assert!(started.elapsed().as_secs() < 60, "{}", &bytes[..80]);
    }
}

/// Whatever a distribution ships, none of it is somebody's key.
#[test]
fn no_file_of_a_package_is_taken_for_a_key() {
    // Most of the bytes are programs; most of the lookalikes are text.
    let (largest, mut budget) = if is_long() { (64 << 20, 4_u64 << 30) } else { (64 << 10, 24 << 20) };
    let started = Instant::now();
    let (mut files, mut bytes, mut hits) = (0, 0, Vec::new());
    for path in package_files() {
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        if !meta.is_file() || meta.len() > largest || meta.len() > budget {
            continue;
        }
        let Ok(content) = fs::read(&path) else { continue };
        budget -= meta.len();
        files += 1;
        bytes += content.len();
        if !keys(&content).is_empty() {
            hits.push(path);
        }
    }
    assert!(files > 1_500, "{files} files: this is a machine with packages");
    println!("{files} files, {bytes} bytes in {:?}", started.elapsed());
    assert!(hits.is_empty(), "{hits:?}");
}

#[test]
fn no_secret_and_no_piece_of_one_comes_out_again() {
    let machine = tree::build(&tree::steps(include_str!("credentials/planted.txt")));
    let planted: Vec<Pair> =
        ["1", "2", "3"].iter().flat_map(|seed| [Pair::of("AKIA", seed), Pair::of("ASIA", seed)]).collect();
    let host = Host::at(machine.path()).unwrap();
    let policy = Policy::default();
    let selected = check::select(&["credentials".to_owned()], &policy);
    let now = "2026-11-22T00:00:00Z".parse().unwrap();
    let facts = Facts::gather(&host, check::wanted(&selected), now, &mut |_| {});
    let findings = check::judge(&facts, &policy, &selected);
    let mut told = vec![
        format!("{:?}", facts.credentials),
        format!("{:#?}", facts.credentials),
        format!("{findings:?}"),
    ];
    for arguments in [&["--format", "text"][..], &["--format", "json"], &["--format", "text", "--verbose"]] {
        let output = guestward()
            .args(["check", "credentials", "--root"])
            .arg(machine.path())
            .args(arguments)
            .output()
            .unwrap();
        told.push(text(&output.stdout) + &text(&output.stderr));
    }
    assert!(told.iter().take(5).all(|told| told.contains(&planted[0].id)), "the keys are told: {}", told[4]);
    for pair in &planted {
        for secret in [&pair.secret, &pair.token] {
            for piece in secret.as_bytes().windows(8) {
                let piece = std::str::from_utf8(piece).unwrap();
                assert!(!told.iter().any(|told| told.contains(piece)), "'{piece}' of a secret is told");
            }
        }
    }
    assert!(!told.iter().any(|told| told.contains("correct-horse")), "a password is told");
}

#[test]
fn every_place_of_a_planted_machine_is_looked_at() {
    let steps = tree::steps(include_str!("credentials/planted.txt"));
    let planted: Vec<PathBuf> = steps
        .iter()
        .filter_map(|step| match step {
            tree::Step::File { path, text, .. } if String::from_utf8_lossy(text).contains("AKIA") => {
                Some(path.clone())
            }
            _ => None,
        })
        .collect();
    assert!(planted.len() > 50, "{}", planted.len());
    let machine = tree::build(&steps);
    let host = Host::at(machine.path()).unwrap();
    let facts = guestward::host::credentials::Credentials::of(&host).unwrap();
    let groups = [&facts.homes, &facts.histories, &facts.system, &facts.cloud_init, &facts.applications];
    let mut found: HashSet<PathBuf> =
        groups.iter().flat_map(|looked| &looked.keys).map(|found| found.path.clone()).collect();
    let carried = &facts.environments.as_ref().unwrap().keys;
    found.extend(carried.iter().map(|carried| {
        let file = if carried.variable.is_some() { "environ" } else { "cmdline" };
        PathBuf::from(format!("/proc/{}/{file}", carried.pids[0]))
    }));
    let missed: Vec<_> = planted.iter().filter(|path| !found.contains(&Path::new("/").join(path))).collect();
    assert!(missed.is_empty(), "{} of {} missed: {missed:?}", missed.len(), planted.len());
}

fn pairs(prefix: &'static str, form: &str) -> impl Iterator<Item = Pair> {
    let form = form.to_owned();
    let seed = std::env::var("GUESTWARD_KEYS_SEED").unwrap_or_default();
    (0..many()).map(move |number| Pair::of(prefix, &format!("{seed} {form} {number}")))
}

fn many() -> usize {
    if is_long() { MANY_PAIRS } else { PAIRS }
}

fn is_long() -> bool {
    std::env::var_os("GUESTWARD_LONG").is_some()
}

fn package_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for list in fs::read_dir("/var/lib/dpkg/info").unwrap() {
        let list = list.unwrap().path();
        files.push(list.clone());
        if list.extension().is_some_and(|extension| extension == "list") {
            files.extend(fs::read_to_string(list).unwrap().lines().map(PathBuf::from));
        }
    }
    files.sort();
    files.dedup();
    // Spread over the whole machine rather than the first directories in order.
    files.sort_by_cached_key(|path| {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        hasher.finish()
    });
    files
}
