//! Our evaluator against the sshd that is installed: generated configurations and connections, and every keyword
//! that `sshd -T` prints must be the same, as must be what it refuses.
//!
//! `GUESTWARD_SSH_CASES` sets how many cases; each is one configuration and one connection.

mod generated;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use guestward::host::Host;
use guestward::host::accounts::Accounts;
use guestward::host::sshd::{Config, Context, Homes, Invocation, Release};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config as RunnerConfig, RngAlgorithm, TestRng, TestRunner};

use generated::{Case, case};

/// Where we differ on purpose: keyword, and why.
const DELIBERATE: &[(&str, &str)] = &[
    (
        "listenaddress",
        "sshd prints what the resolver made of it, per port and family; we keep what was written",
    ),
    ("hostkey", "the judge is handed a key of its own with -h"),
    ("channeltimeout", "only stored: nothing asks for it"),
];

#[test]
fn sshd_itself_agrees_on_every_keyword_and_on_what_it_refuses() {
    let judge = Judge::new();
    let cases = std::env::var("GUESTWARD_SSH_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let seed = std::env::var("GUESTWARD_SSH_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1_u8);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(RunnerConfig::default(), rng);
    let strategy = case();
    let (mut complaints, mut accepted) = (Vec::new(), 0);
    for number in 0..cases {
        let case = strategy.new_tree(&mut runner).unwrap().current();
        match judge.complaint(&case) {
            Ok(true) => accepted += 1,
            Ok(false) => {}
            Err(complaint) => complaints.push(format!("case {number}: {complaint}\n{}", case.shown())),
        }
        if complaints.len() >= 8 {
            break;
        }
    }
    assert!(complaints.is_empty(), "{} mismatches:\n{}", complaints.len(), complaints.join("\n"));
    // A generator that only makes rubbish would prove nothing.
    assert!(accepted * 4 > cases, "sshd accepted only {accepted} of {cases}");
}

struct Judge {
    tree: tempfile::TempDir,
    key: PathBuf,
    host: Host,
    homes: Homes,
    accounts: Accounts,
    release: Release,
}

impl Judge {
    fn new() -> Self {
        // sshd wants the directory of its privilege separation, which exists only while it runs.
        fs::create_dir_all("/run/sshd").unwrap();
        let tree = tempfile::Builder::new().prefix("sshd-").tempdir().unwrap();
        let key = tree.path().join("key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key)
            .status()
            .unwrap();
        assert!(made.success());
        fs::create_dir(tree.path().join("d")).unwrap();
        let host = Host::at("/").unwrap();
        let accounts = Accounts::of(&host);
        let release = Release::in_binary(fs::read(SSHD).unwrap()).unwrap();
        Self { tree, key, homes: Homes::of(&accounts), accounts, host, release }
    }

    /// Whether sshd accepted the configuration; an error is where we and sshd differ.
    fn complaint(&self, case: &Case) -> Result<bool, String> {
        let main = self.write(case);
        let theirs = self.ask_sshd(&main, &case.context);
        let ours = self.ask_ourselves(&main, &case.context);
        let (theirs, ours) = match (theirs, ours) {
            (Ok(theirs), Ok(ours)) => (theirs, ours),
            (Err(_), Err(_)) => return Ok(false),
            (Err(theirs), Ok(_)) => return Err(format!("sshd refuses it, we do not: {theirs}")),
            (Ok(_), Err(ours)) => return Err(format!("we refuse it, sshd does not: {ours}")),
        };
        let differing: Vec<String> = theirs
            .iter()
            .filter(|(keyword, _)| !DELIBERATE.iter().any(|(known, _)| known == keyword))
            .filter(|(keyword, values)| ours(keyword) != **values)
            .map(|(keyword, values)| format!("{keyword}: sshd {values:?}, we {:?}", ours(keyword)))
            .collect();
        if differing.is_empty() { Ok(true) } else { Err(differing.join("\n")) }
    }

    fn write(&self, case: &Case) -> PathBuf {
        let directory = self.tree.path().join("d");
        fs::remove_dir_all(&directory).unwrap();
        fs::create_dir(&directory).unwrap();
        let place = |text: &str| text.replace("@D@", directory.to_str().unwrap());
        for (name, text) in &case.dropins {
            fs::write(directory.join(name), place(text)).unwrap();
        }
        let main = self.tree.path().join("main");
        fs::write(&main, place(&case.main)).unwrap();
        main
    }

    fn ask_sshd(&self, main: &Path, context: &Context) -> Result<BTreeMap<String, Vec<String>>, String> {
        let output = Command::new(SSHD)
            .current_dir("/")
            .arg("-T")
            .arg("-h")
            .arg(&self.key)
            .arg("-f")
            .arg(main)
            .arg("-C")
            .arg(specification(context))
            .output()
            .unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let mut printed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
            printed.entry(keyword.to_ascii_lowercase()).or_default().push(value.to_owned());
        }
        Ok(printed)
    }

    fn ask_ourselves(
        &self,
        main: &Path,
        context: &Context,
    ) -> Result<impl Fn(&str) -> Vec<String> + use<>, String> {
        let invocation = Invocation { file: Some(main.to_owned()), ..Invocation::default() };
        let config = Config::read(&self.host, self.release.clone(), &self.homes, &invocation)
            .map_err(|error| format!("{error:?}"))?;
        let mut context = context.clone();
        match self.accounts.user(&context.user) {
            Some(user) => {
                let groups = self.accounts.groups_of(user).unwrap();
                context.groups = groups.into_iter().map(<[u8]>::to_vec).collect();
            }
            None => context.invalid_user = true,
        }
        let effective = config.evaluate(&context).map_err(|defect| defect.to_string())?;
        let printed: BTreeMap<String, Vec<String>> = effective
            .print()
            .into_iter()
            .map(|(keyword, lines)| {
                let lines = lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
                (keyword.to_ascii_lowercase(), lines)
            })
            .collect();
        Ok(move |keyword: &str| printed.get(keyword).cloned().unwrap_or_default())
    }
}

fn specification(context: &Context) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "user={},host={},addr={},laddr={},lport={}",
        text(&context.user),
        text(&context.host),
        text(&context.address),
        text(&context.local_address),
        context.local_port
    )
}

const SSHD: &str = "/usr/sbin/sshd";
