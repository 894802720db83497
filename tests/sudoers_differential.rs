//! sudoers(5) against the programs that own the format: what `cvtsudoers` makes of a file must be what guestward
//! makes of it, and what `visudo` refuses guestward must refuse.
//!
//! Deliberate differences, which the generator keeps away from:
//! - `APPARMOR_PROFILE=` is read although this sudo was built without it: later ones have it.
//! - regular expressions are not compiled, so a wrong one is taken for a command.
//! - names and types of settings are not judged.
//! - `\r\n` right behind a command is taken for a line's end, as later releases take it; 1.9.13 drops such a line.
//! - cvtsudoers shows ROLE and TYPE only where both are set, so the generator always sets both.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;

use guestward::host::sudoers::{
    AliasKind, Command, DefectKind, Listed, Members, Rule, Scope, Sudoers, Value as Setting, What, Where, Who,
};
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};

fn cases(default: u32) -> Config {
    let cases = std::env::var("GUESTWARD_SUDOERS_CASES").ok().and_then(|text| text.parse().ok());
    Config { failure_persistence: None, max_shrink_iters: 0, ..Config::with_cases(cases.unwrap_or(default)) }
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn a_file_means_what_cvtsudoers_says(seed in any::<u64>()) {
        let text = Dice(seed | 1).file();
        let sudoers = Sudoers::of_bytes(Path::new("/etc/sudoers"), text.as_bytes());
        let refused: Vec<_> = sudoers.defects.iter().filter(|d| d.kind == DefectKind::Syntax).collect();
        let refusal = visudo_refusal(&text);
        prop_assert!(refusal.is_none(), "the generator wrote what visudo refuses:\n{text}{}", refusal.unwrap());
        prop_assert!(refused.is_empty(), "{refused:?}\n{text}");
        prop_assert_eq!(difference(&ours(&sudoers), &theirs(&text)), None, "{}", text);
    }

    #[test]
    fn what_visudo_refuses_is_refused(seed in any::<u64>()) {
        let mut dice = Dice(seed | 1);
        let text = dice.file();
        let text = dice.damage(text.replace('\r', ""));
        let sudoers = Sudoers::of_bytes(Path::new("/etc/sudoers"), text.as_bytes());
        let accepted = !sudoers.defects.iter().any(|defect| defect.kind == DefectKind::Syntax);
        let refusal = visudo_refusal(&text);
        // What only a table of settings can know is not ours to judge.
        if !refusal.as_deref().is_some_and(is_not_ours) {
            prop_assert_eq!(accepted, refusal.is_none(), "{}\n{:?}\n{:?}", text, sudoers.defects, refusal);
            if accepted {
                prop_assert_eq!(difference(&ours(&sudoers), &theirs(&text)), None, "{}", text);
            }
        }
    }

    #[test]
    fn no_bytes_make_the_reader_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Sudoers::of_bytes(Path::new("/etc/sudoers"), &bytes);
    }

    #[test]
    fn no_soup_of_words_makes_the_reader_fail(words in proptest::collection::vec(0..SOUP.len(), 0..60)) {
        let text: String = words.iter().map(|&word| SOUP[word]).collect();
        let _ = Sudoers::of_bytes(Path::new("/etc/sudoers"), text.as_bytes());
    }
}

const SOUP: &[&str] = &[
    "Defaults",
    "User_Alias",
    "Cmnd_Alias",
    " ",
    " ",
    "\n",
    "\\\n",
    "\\",
    "\"",
    "#",
    "#5",
    "!",
    ",",
    ":",
    "=",
    "(",
    ")",
    "ALL",
    "A",
    "bob",
    "/bin/ls",
    "/",
    "^a$",
    "^",
    "$",
    "sha224",
    "sudoedit",
    "list",
    "%",
    "+",
    "+=",
    "-=",
    "@include",
    "#include ",
    "CWD",
    "TIMEOUT",
    "NOPASSWD:",
    "1.2.3.4",
    "::",
    "fe80::1",
    "\t",
    "\r\n",
    "\0",
    "*",
];

fn file_with(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// What visudo says against a file.
fn visudo_refusal(text: &str) -> Option<String> {
    let file = file_with(text);
    let output =
        Process::new("visudo").args(["-c", "-f"]).arg(file.path()).env("LC_ALL", "C").output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Whether a complaint is about the name or value of a setting, a regular expression or a file to include.
fn is_not_ours(complaint: &str) -> bool {
    let about = [
        "unknown defaults entry",
        "is invalid for option",
        "no value specified for",
        "does not take a value",
        "invalid operator",
        "regular expression",
        "Unmatched",
        "Invalid",
        "Trailing backslash",
        "No such file or directory",
        "option \"",
    ];
    let about_a_path = complaint.contains("must start with a '/'")
        && !["\"CWD\"", "\"CHROOT\""].iter().any(|option| complaint.contains(option));
    about_a_path || about.iter().any(|words| complaint.contains(words))
}

/// What cvtsudoers makes of a file, in a form that does not depend on how it groups things.
fn theirs(text: &str) -> Value {
    let file = file_with(text);
    let output =
        Process::new("cvtsudoers").args(["-f", "json"]).arg(file.path()).env("LC_ALL", "C").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // This cvtsudoers writes some members of arrays without the braces that make them objects.
    let bare = ["\"runcwd\":", "\"runchroot\":", "\"role\":", "\"type\":"];
    let mended: String = text
        .lines()
        .map(|line| {
            let trimmed = line.trim();
            if !bare.iter().any(|name| trimmed.starts_with(name)) {
                return format!("{line}\n");
            }
            let (body, comma) = trimmed.strip_suffix(',').map_or((trimmed, ""), |body| (body, ","));
            format!("{{ {body} }}{comma}\n")
        })
        .collect();
    let document: Value = if mended.trim().is_empty() {
        json!({})
    } else {
        serde_json::from_str(&mended).unwrap_or_else(|error| panic!("{error}\n{mended}"))
    };
    json!({
        "rules": their_rules(&document),
        "settings": their_settings(&document),
        "aliases": [
            document.get("User_Aliases").cloned().unwrap_or(json!({})),
            document.get("Runas_Aliases").cloned().unwrap_or(json!({})),
            document.get("Host_Aliases").cloned().unwrap_or(json!({})),
            document.get("Command_Aliases").cloned().unwrap_or(json!({})),
        ],
    })
}

fn list<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    value.get(key).and_then(Value::as_array).map(|list| list.iter().collect()).unwrap_or_default()
}

fn their_rules(document: &Value) -> Vec<Value> {
    let mut rules = Vec::new();
    for specification in list(document, "User_Specs") {
        for commands in list(specification, "Cmnd_Specs") {
            let mut options = BTreeMap::new();
            for option in list(commands, "Options").into_iter().chain(list(commands, "SELinux_Spec")) {
                for (name, value) in option.as_object().unwrap() {
                    options.insert(name.clone(), value.clone());
                }
            }
            for command in list(commands, "Commands") {
                rules.push(json!({
                    "users": specification["User_List"],
                    "hosts": specification["Host_List"],
                    "runas_users": commands.get("runasusers"),
                    "runas_groups": commands.get("runasgroups"),
                    "options": options,
                    "command": command,
                }));
            }
        }
    }
    rules
}

fn their_settings(document: &Value) -> Vec<Value> {
    let mut settings = Vec::new();
    for entry in list(document, "Defaults") {
        for option in list(entry, "Options") {
            settings.push(json!({"scope": entry.get("Binding"), "option": option}));
        }
    }
    settings
}

fn ours(sudoers: &Sudoers) -> Value {
    let mut aliases = BTreeMap::from([
        (AliasKind::User, BTreeMap::new()),
        (AliasKind::Runas, BTreeMap::new()),
        (AliasKind::Host, BTreeMap::new()),
        (AliasKind::Command, BTreeMap::new()),
    ]);
    for alias in &sudoers.aliases {
        let members: Vec<Value> = match &alias.members {
            Members::Commands(list) => list.iter().map(command).collect(),
            Members::Hosts(list) => list.iter().map(host).collect(),
            Members::Runas(list) => list.iter().map(|who| user(who, "runasalias")).collect(),
            Members::Users(list) => list.iter().map(|who| user(who, "useralias")).collect(),
        };
        aliases.get_mut(&alias.members.kind()).unwrap().insert(text(&alias.name), members);
    }
    let settings: Vec<Value> = sudoers
        .settings
        .iter()
        .map(|setting| {
            let scope = match &setting.scope {
                Scope::Everyone => Value::Null,
                Scope::Commands(list) => list.iter().map(command).collect(),
                Scope::Hosts(list) => list.iter().map(host).collect(),
                Scope::Runas(list) => list.iter().map(|who| user(who, "runasalias")).collect(),
                Scope::Users(list) => list.iter().map(|who| user(who, "useralias")).collect(),
            };
            json!({"scope": scope, "option": option(&text(&setting.name), &setting.value)})
        })
        .collect();
    json!({
        "rules": our_rules(sudoers),
        "settings": settings,
        "aliases": [
            aliases[&AliasKind::User], aliases[&AliasKind::Runas], aliases[&AliasKind::Host],
            aliases[&AliasKind::Command],
        ],
    })
}

/// The first lines in which two documents differ.
fn difference(ours: &Value, theirs: &Value) -> Option<String> {
    let parts = ["rules", "settings", "aliases"].into_iter().flat_map(|part| {
        let (ours, theirs) = (ours[part].as_array().unwrap(), theirs[part].as_array().unwrap());
        let longest = ours.len().max(theirs.len());
        (0..longest).map(|index| (ours.get(index), theirs.get(index))).collect::<Vec<_>>()
    });
    let mut differing = parts.into_iter().filter(|(ours, theirs)| ours != theirs);
    differing.next().map(|(ours, theirs)| format!("\nours:   {}\ntheirs: {}", show(ours), show(theirs)))
}

fn show(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

/// cvtsudoers shows commands together, with the options of the first, that differ only in their times or in the
/// SETENV that `ALL` brings with it.
fn our_rules(sudoers: &Sudoers) -> Vec<Value> {
    let mut rules: Vec<Value> = Vec::new();
    for (index, own) in sudoers.rules.iter().enumerate() {
        let mut shown = rule(own);
        let is_open = own.tags.set_environment.is_none() || own.tags.set_environment_is_implied;
        let before = index.checked_sub(1).map(|before| &sudoers.rules[before]);
        if before.is_some_and(|before| is_one_group(before, own)) {
            let mut left = rules[index - 1].clone();
            left["command"] = shown["command"].clone();
            let whole = left.clone();
            if without_floating(&mut left, is_open) == without_floating(&mut shown.clone(), is_open) {
                shown = whole;
            }
        }
        rules.push(shown);
    }
    rules
}

/// Neither another host list nor another target list was written in between, not even an equal one.
fn is_one_group(left: &Rule, right: &Rule) -> bool {
    let is_same = |left: &Option<Arc<[Listed<Who>]>>, right: &Option<Arc<[Listed<Who>]>>| match (left, right)
    {
        (Some(left), Some(right)) => Arc::ptr_eq(left, right),
        (left, right) => left.is_none() && right.is_none(),
    };
    let is_open = right.tags.set_environment.is_none() || right.tags.set_environment_is_implied;
    let is_kept =
        left.tags.set_environment == right.tags.set_environment && !left.tags.set_environment_is_implied;
    (is_open || is_kept)
        && Arc::ptr_eq(&left.hosts, &right.hosts)
        && is_same(&left.runas_users, &right.runas_users)
        && is_same(&left.runas_groups, &right.runas_groups)
}

fn without_floating(rule: &mut Value, setenv_is_open: bool) -> Value {
    let options = rule["options"].as_object_mut().unwrap();
    for name in ["command_timeout", "notbefore", "notafter"] {
        options.remove(name);
    }
    if setenv_is_open {
        options.remove("setenv");
    }
    rule.clone()
}

fn option(name: &str, value: &Setting) -> Value {
    let words = |value: &[u8]| text(value).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let is_list = name.starts_with("env_") && name != "env_reset";
    match value {
        Setting::Flag(on) => json!({name: on}),
        Setting::Set(value) if is_list => json!({"operation": "list_assign", name: words(value)}),
        Setting::Set(value) => json!({name: text(value)}),
        Setting::Add(value) => json!({"operation": "list_add", name: words(value)}),
        Setting::Remove(value) => json!({"operation": "list_remove", name: words(value)}),
    }
}

fn rule(rule: &Rule) -> Value {
    let mut options = BTreeMap::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            options.insert(name.to_owned(), value);
        }
    };
    let tags = &rule.tags;
    put("authenticate", tags.password.map(Value::from));
    put("noexec", tags.exec.map(|on| Value::from(!on)));
    put("sudoedit_follow", tags.follow.map(Value::from));
    put("intercept", tags.intercept.map(Value::from));
    put("log_input", tags.log_input.map(Value::from));
    put("log_output", tags.log_output.map(Value::from));
    put("send_mail", tags.mail.map(Value::from));
    put("setenv", tags.set_environment.map(Value::from));
    let own = &rule.options;
    let string = |value: &Option<Vec<u8>>| value.as_ref().map(|value| Value::from(text(value)));
    put("runcwd", string(&own.cwd));
    put("runchroot", string(&own.chroot));
    put("role", string(&own.role));
    put("type", string(&own.selinux_type));
    put("notbefore", string(&own.not_before));
    put("notafter", string(&own.not_after));
    // cvtsudoers leaves out the timeout that is none.
    put("command_timeout", own.timeout.filter(|seconds| *seconds > 0).map(Value::from));
    let targets =
        |list: &[Listed<Who>]| -> Value { list.iter().map(|who| user(who, "runasalias")).collect() };
    json!({
        "users": rule.users.iter().map(|who| user(who, "useralias")).collect::<Vec<_>>(),
        "hosts": rule.hosts.iter().map(host).collect::<Vec<_>>(),
        "runas_users": rule.runas_users.as_deref().map(targets),
        "runas_groups": rule.runas_groups.as_deref().map(|list| list.iter().map(group).collect::<Vec<_>>()),
        "options": options,
        "command": command(&rule.command),
    })
}

fn user(who: &Listed<Who>, alias: &str) -> Value {
    let (key, value) = match &who.item {
        Who::All => ("username", json!("ALL")),
        Who::Alias(name) => (alias, json!(text(name))),
        Who::Gid(gid) => ("usergid", json!(gid)),
        Who::Group(name) => ("usergroup", json!(text(name))),
        Who::Invoker => ("username", json!("")),
        Who::Netgroup(name) => ("netgroup", json!(text(name))),
        Who::NonUnixGroup(name) => match name.strip_prefix(b"#").map(|id| text(id).parse::<u32>()) {
            Some(Ok(gid)) => ("nonunixgid", json!(gid)),
            _ => ("nonunixgroup", json!(text(name))),
        },
        Who::Uid(uid) => ("userid", json!(uid)),
        Who::User(name) => ("username", json!(text(name))),
    };
    negated(key, value, who.negated)
}

fn group(who: &Listed<Who>) -> Value {
    let (key, value) = match &who.item {
        Who::All => ("usergroup", "ALL".to_owned()),
        Who::Alias(name) => ("runasalias", text(name)),
        Who::Gid(gid) => ("usergroup", format!("#{gid}")),
        Who::Group(name) => ("usergroup", text(name)),
        other => panic!("{other:?} among target groups"),
    };
    negated(key, json!(value), who.negated)
}

fn host(place: &Listed<Where>) -> Value {
    let (key, value) = match &place.item {
        Where::Address(address) => ("networkaddr", text(address)),
        Where::Alias(name) => ("hostalias", text(name)),
        Where::All => ("hostname", "ALL".to_owned()),
        Where::Host(name) => ("hostname", text(name)),
        Where::Netgroup(name) => ("netgroup", text(name)),
    };
    negated(key, json!(value), place.negated)
}

fn command(command: &Listed<Command>) -> Value {
    let (key, value) = match &command.item.what {
        What::Alias(name) => ("cmndalias", text(name)),
        What::All => ("command", "ALL".to_owned()),
        What::Command { path, arguments: None } => ("command", text(path)),
        What::Command { path, arguments: Some(arguments) } => {
            ("command", format!("{} {}", text(path), text(arguments)))
        }
    };
    let mut object = negated(key, json!(value), command.negated);
    for (kind, digest) in &command.item.digests {
        object[*kind] = json!(text(digest));
    }
    object
}

fn negated(key: &str, value: Value, negated: bool) -> Value {
    if negated { json!({key: value, "negated": true}) } else { json!({key: value}) }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A thrower of dice (xorshift) that writes sudoers files.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % sides as u64).unwrap()
    }

    fn one<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.roll(choices.len())]
    }

    fn file(&mut self) -> String {
        let mut text = String::new();
        for number in 0..=self.roll(7) {
            let kind = self.roll(10);
            let line = match kind {
                0..=4 => self.specification(),
                5 | 6 => self.settings(),
                7 | 8 => self.aliases(number),
                _ => self.one(&["# a remark", "#", "", "  \t", "#x \\", "# include /x"]).to_owned(),
            };
            text.push_str(&line);
            text.push_str(self.one(&["", "", "", " ", " # remark", "\t#remark \\ x", "#x"]));
            text.push_str(if (5..7).contains(&kind) { self.one(&["\n", "\n", "\n", "\r\n"]) } else { "\n" });
        }
        if self.roll(8) == 0 {
            text.pop();
        }
        text
    }

    fn gap(&mut self) -> &'static str {
        self.one(&["", "", "", " ", " ", "  ", "\t", " \\\n ", "\\\n"])
    }

    fn space(&mut self) -> &'static str {
        self.one(&[" ", " ", " ", "  ", "\t", " \\\n", " \\\n\t"])
    }

    fn listed(&mut self, item: fn(&mut Self) -> String) -> String {
        let mut text = String::new();
        for index in 0..=[0, 0, 0, 1, 2][self.roll(5)] {
            if index > 0 {
                text.push_str(self.gap());
                text.push(',');
                text.push_str(self.gap());
            }
            text.push_str(self.one(&["", "", "", "", "!", "!!", "!!!", "! "]));
            text.push_str(&item(self));
        }
        text
    }

    fn user(&mut self) -> String {
        self.one(&[
            "bob",
            "al",
            "ALL",
            "%wheel",
            "%#27",
            "#1000",
            "#0",
            "+ng",
            "%:DOM",
            "\"two words\"",
            "\"%a group\"",
            "bo\\,b",
            "OPS",
            "ADMINS_1",
            "\"+n g\"",
            "a.b-c_d$",
            "us\\x65r",
            "%:#12",
            "@odd",
            "\"a\\\"b\"",
            "#-1",
            "Alice",
            "ALL_OF",
            "list_",
            "*",
        ])
        .to_owned()
    }

    fn group(&mut self) -> String {
        self.one(&["adm", "ALL", "#5", "GRP", "\"a b\"", "x\\ y"]).to_owned()
    }

    fn host(&mut self) -> String {
        self.one(&[
            "ALL",
            "host",
            "h.example.org",
            "10.0.0.1",
            "10.0.0.0/8",
            "10.0.0.0/255.0.0.0",
            "+hosts",
            "WEB",
            "fe80::1",
            "2001:db8::/32",
            "::1",
            "1.2.3.400",
            "web*",
            "h-[0-9]",
            "10.1",
        ])
        .to_owned()
    }

    fn command(&mut self) -> String {
        let digest = match self.roll(12) {
            0 => format!("sha224:{}{}", "ab".repeat(28), self.space()),
            1 => format!("sha256 :{}{}{}", self.gap(), "Zm9v".repeat(10) + "Zm8=", self.space()),
            2 => format!("sha512:{},{}sha224:{} ", "0f".repeat(64), self.gap(), "12".repeat(28)),
            _ => String::new(),
        };
        let sign = self.one(&["", "", "", "", "!", "!!"]);
        let command = match self.roll(12) {
            0 | 1 => "ALL".to_owned(),
            2 if digest.is_empty() => self.one(&["CMDS", "SHELLS", "A1_"]).to_owned(),
            3 => "/bin/".to_owned(),
            4 => format!("sudoedit{}/etc/{}", self.space(), self.one(&["hosts", "*", "a\\ b"])),
            5 => self
                .one(&["^/bin/(a|b)$", "^/usr/.*\\#x$", "/bin/x ^-[ab] c$", "list", "sudoedit"])
                .to_owned(),
            _ => {
                let path = self.one(&[
                    "/bin/ls",
                    "/usr/bin/l\\:s",
                    "/opt/a\\ b/c",
                    "/x/*",
                    "/a/[a-z]?",
                    "/a!b(c)",
                    "/s\"q",
                ]);
                let mut line = path.to_owned();
                for _ in 0..[0, 0, 1, 2, 3][self.roll(5)] {
                    line.push_str(self.space());
                    line.push_str(self.one(&[
                        "-l", "*", "\\*", "a\\,b", "a=b", "\"\"", "\"x y\"", "a\\:b", "\\#x", "\\=", "[!a]",
                        "!x", "(a)", "\\[", "\\\\", "x=\\=y", "ALL", "NOPASSWD", "@a", "a'b", "$",
                    ]));
                }
                line
            }
        };
        format!("{digest}{sign}{command}")
    }

    fn plain_command(&mut self) -> String {
        self.one(&["/bin/ls", "/usr/bin/", "ALL", "CMDS", "sudoedit", "^/x.*$"]).to_owned()
    }

    fn command_rule(&mut self) -> String {
        let mut text = String::new();
        if self.roll(2) == 0 {
            text.push('(');
            text.push_str(self.gap());
            match self.roll(6) {
                0 => {}
                1 => text.push(':'),
                2 => text.push_str(&format!(":{}", self.listed(Self::group))),
                3 => text.push_str(&format!("{}:{}", self.listed(Self::user), self.listed(Self::group))),
                _ => text.push_str(&self.listed(Self::user)),
            }
            text.push_str(self.gap());
            text.push(')');
            text.push_str(self.gap());
        }
        for _ in 0..[0, 0, 0, 1, 2][self.roll(5)] {
            // Where cvtsudoers compares addresses instead of values, no two values may be the same.
            let number = self.roll(1_000_000);
            let unique = match self.roll(12) {
                0 => format!("CWD=/tmp{number}"),
                1 => format!("CWD = ~/{number}"),
                2 => format!("CHROOT=/srv\\ {number}"),
                3 => format!("ROLE=r{number} TYPE=t"),
                4 => format!("TYPE=t{number} \\\n ROLE=s"),
                _ => self
                    .one(&[
                        "TIMEOUT=30",
                        "TIMEOUT=1h30m",
                        "TIMEOUT=2d",
                        "NOTBEFORE=20260101000000Z",
                        "NOTAFTER=20301231235959Z",
                    ])
                    .to_owned(),
            };
            text.push_str(&unique);
            text.push_str(self.space());
        }
        for _ in 0..[0, 0, 0, 1, 2][self.roll(5)] {
            text.push_str(self.one(&[
                "NOPASSWD",
                "PASSWD",
                "NOEXEC",
                "EXEC",
                "SETENV",
                "NOSETENV",
                "LOG_INPUT",
                "NOLOG_INPUT",
                "LOG_OUTPUT",
                "NOLOG_OUTPUT",
                "MAIL",
                "NOMAIL",
                "FOLLOW",
                "NOFOLLOW",
                "INTERCEPT",
                "NOINTERCEPT",
            ]));
            text.push_str(self.one(&[":", ": ", " : "]));
        }
        text.push_str(&self.command());
        text
    }

    fn specification(&mut self) -> String {
        let mut text = self.listed(Self::user);
        for index in 0..=[0, 0, 0, 1][self.roll(4)] {
            text.push_str(if index == 0 { self.space() } else { " : " });
            text.push_str(&self.listed(Self::host));
            text.push_str(self.gap());
            text.push('=');
            text.push_str(self.gap());
            for index in 0..=[0, 0, 1, 2, 3][self.roll(5)] {
                if index > 0 {
                    text.push_str(self.one(&[",", ", ", " ,", " , ", ",\\\n  "]));
                }
                text.push_str(&self.command_rule());
            }
        }
        text
    }

    /// A list as it may stand right behind `Defaults`: a blank that belongs to no comma would end it.
    fn scope(&mut self, item: fn(&mut Self) -> String) -> String {
        let mut text = String::new();
        for index in 0..=self.roll(2) {
            if index > 0 {
                text.push_str(self.one(&[",", ", ", " ,", "\t, "]));
            }
            text.push_str(self.one(&["", "", "!", "!!"]));
            text.push_str(item(self).trim_start_matches(':'));
        }
        text
    }

    fn settings(&mut self) -> String {
        let scope = match self.roll(9) {
            0 => format!("@{}", self.scope(Self::host)),
            1 => format!(":{}", self.scope(Self::user)),
            2 => format!(">{}", self.scope(Self::user)),
            3 => format!("!{}", self.plain_command()),
            _ => String::new(),
        };
        let mut text = format!("{}Defaults{scope}", self.one(&["", "", " ", "\t"]));
        for index in 0..=self.roll(3) {
            text.push_str(if index > 0 {
                self.one(&[",", ", ", " , ", ",\\\n "])
            } else {
                self.one(&[" ", "\t", "  "])
            });
            text.push_str(self.one(&[
                "env_reset",
                "!env_reset",
                "use_pty",
                "! requiretty",
                "secure_path=/a:/b",
                "secure_path = \"/a b:/c\"",
                "passwd_tries=3",
                "env_keep += \"A B_* C\"",
                "env_keep+=D",
                "env_check -= \"X\"",
                "env_delete=\"A\\\n B\"",
                "logfile=/var/log/su\\ do.log",
                "badpass_message=\"No, \\\"you\\\" = # !\"",
                "!logfile",
                "lecture=never",
                "syslog=authpriv",
                "!syslog",
                "insults",
                "runas_default=bob",
            ]));
        }
        text
    }

    fn aliases(&mut self, number: usize) -> String {
        let (kind, item): (&str, fn(&mut Self) -> String) = match self.roll(5) {
            0 => ("User_Alias", Self::user),
            1 => ("Runas_Alias", Self::user),
            2 => ("Host_Alias", Self::host),
            3 => ("Cmnd_Alias", Self::plain_command),
            _ => ("Cmd_Alias", Self::plain_command),
        };
        let mut text = format!("{}{kind}", self.one(&["", "", " "]));
        for index in 0..=self.roll(2) {
            text.push_str(if index > 0 { " : " } else { self.space() });
            text.push_str(&format!("N{number}_{index}{}={}", self.gap(), self.gap()));
            text.push_str(&self.listed(item));
        }
        text
    }

    /// A few bytes lost, doubled or put in.
    fn damage(&mut self, text: String) -> String {
        let mut bytes = text.into_bytes();
        for _ in 0..=self.roll(3) {
            let at = self.roll(bytes.len() + 1);
            match self.roll(3) {
                0 if at < bytes.len() => {
                    bytes.remove(at);
                }
                1 if at < bytes.len() => bytes.insert(at, bytes[at]),
                _ => {
                    const SIGNS: &[u8] = b" \t\n\\,:=!()\"#%+@/aA5.^$*";
                    bytes.insert(at, SIGNS[self.roll(SIGNS.len())]);
                }
            }
        }
        String::from_utf8(bytes).unwrap()
    }
}
