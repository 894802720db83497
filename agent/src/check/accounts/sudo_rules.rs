//! Who becomes root without proving who they are.

use std::collections::BTreeMap;

use super::{MAX_EVIDENCE, pass_if_all_was_read, sudoers};
use crate::check::{Check, Thresholds};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::Facts;
use crate::host::sudoers::alias::Aliases;
use crate::host::sudoers::{Command, Listed, Rule, Scope, Setting, Sudoers, Value, What, Who};

pub(super) const NOPASSWD: Check = Check {
    id: "sudo-nopasswd",
    title: "sudo asks everybody for a password",
    why: "With NOPASSWD whoever runs code as that account is root: a stolen key, a flaw in a service, a borrowed \
          terminal. A password is what stands between one account and the machine. On EC2 cloud-init writes such a \
          rule for the first account, which has no password to ask for; there the key is the only lock.",
    severity: Severity::High,
    controls: &[
        "CIS-AL2023:4.3.4",
        "CIS-Debian12:5.2.4",
        "CIS-Debian12:5.2.5",
        "CIS-Ubuntu22.04:5.2.5",
        "CIS-Ubuntu24.04:5.2.4",
        "CIS-Ubuntu24.04:5.2.5",
        "NIST-800-53:AC-6",
        "NCSC:10",
    ],
    remediation: "Remove NOPASSWD (or !authenticate) from the rule with visudo -f FILE, or limit the rule to the few \
                  commands that are needed, each with its whole path and arguments.",
    parameters: &[],
    evaluate: nopasswd,
};

type Found = BTreeMap<String, Vec<(Severity, Evidence)>>;

fn nopasswd(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let sudoers = match sudoers(facts) {
        Ok(sudoers) => sudoers,
        Err(outcomes) => return outcomes,
    };
    let mut found = Found::new();
    let aliases = Aliases::of(sudoers);
    let locked = without_password(facts);
    for rule in sudoers.rules.iter().filter(|rule| rule.tags.password == Some(false)) {
        rule_without_password(rule, &aliases, &locked, &mut found);
    }
    settings_without_password(sudoers, &aliases, &mut found);
    let mut outcomes: Vec<Outcome> = found.into_iter().map(outcome).collect();
    outcomes.extend(elsewhere(facts));
    if outcomes.is_empty() { vec![pass_if_all_was_read(sudoers)] } else { outcomes }
}

fn outcome((who, mut found): (String, Vec<(Severity, Evidence)>)) -> Outcome {
    found.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
    let severity = found.first().map_or(Severity::High, |(severity, _)| *severity);
    let headline = match severity {
        Severity::Low => format!("{who} needs no password for sudo, within limits"),
        _ => format!("{who} becomes root without a password"),
    };
    let evidence = found.into_iter().map(|(_, evidence)| evidence).take(MAX_EVIDENCE);
    Outcome::fail(who, headline).at(severity).with_all(evidence)
}

/// Rules that are kept in a directory service are not on this disk.
fn elsewhere(facts: &Facts) -> Option<Outcome> {
    match &facts.sudo.other_sources {
        Ok(sources) if sources.is_empty() => None,
        Ok(sources) => {
            let names: Vec<String> =
                sources.iter().map(|name| Text::from_bytes_within(name, 40).to_string()).collect();
            let reason = format!("/etc/nsswitch.conf sends sudo to {} for more rules", names.join(", "));
            Some(Outcome::unknown("sudo:other-sources", reason))
        }
        Err(cause) => Some(Outcome::unreadable("sudo:other-sources", cause)),
    }
}

fn rule_without_password(rule: &Rule, aliases: &Aliases<'_>, locked: &[&[u8]], found: &mut Found) {
    let commands = aliases.commands(&rule.command);
    let allowed: Vec<&Command> =
        commands.iter().filter(|command| !command.negated).map(|command| command.item).collect();
    if allowed.is_empty() {
        return;
    }
    let is_unlimited = allowed.iter().any(|command| is_unlimited(command));
    let as_root = reaches_root(rule, aliases);
    let severity = match (is_unlimited, as_root) {
        (true, true) => Severity::High,
        (true, false) | (false, true) => Severity::Medium,
        (false, false) => Severity::Low,
    };
    let is_cloud_init = rule.place.path.file_name().is_some_and(|name| name == CLOUD_INIT);
    for user in aliases.users(&rule.users).into_iter().filter(|user| !user.negated) {
        let Some(subject) = subject(user.item) else { continue };
        let is_norm =
            is_cloud_init && matches!(user.item, Who::User(name) if locked.contains(&name.as_slice()));
        let expected = if is_norm {
            "this is what cloud-init writes on EC2 for an account without a password; its key is the only lock"
        } else {
            "a password"
        };
        let observed = format!("NOPASSWD: {}", describe(&rule.command));
        let evidence = Evidence::new(Source::line(&rule.place.path, rule.place.line), observed, expected);
        let severity = if is_norm { Severity::Low } else { severity };
        found.entry(subject).or_default().push((severity, evidence));
    }
}

fn settings_without_password(sudoers: &Sudoers, aliases: &Aliases<'_>, found: &mut Found) {
    let is_off = |setting: &&Setting| setting.name == b"authenticate" && setting.value == Value::Flag(false);
    let mut object = |who: String, severity, setting: &Setting, observed: &str| {
        let source = Source::line(&setting.place.path, setting.place.line);
        found.entry(who).or_default().push((severity, Evidence::new(source, observed, "authenticate")));
    };
    if let Some(setting) = sudoers.global(b"authenticate").filter(is_off) {
        object("sudo:everybody".to_owned(), Severity::High, setting, "Defaults !authenticate");
    }
    for setting in sudoers.settings.iter().filter(is_off) {
        match &setting.scope {
            Scope::Everyone => {}
            Scope::Users(list) => {
                let users = aliases.users(list);
                for user in users.iter().filter(|user| !user.negated).filter_map(|user| subject(user.item)) {
                    object(user, Severity::High, setting, "!authenticate for a user");
                }
            }
            Scope::Commands(list) => {
                let commands = list.iter().flat_map(|command| aliases.commands(command));
                let unlimited = commands.into_iter().any(|c| !c.negated && is_unlimited(c.item));
                let severity = if unlimited { Severity::High } else { Severity::Medium };
                object("sudo:everybody".to_owned(), severity, setting, "!authenticate for a command");
            }
            Scope::Hosts(_) => {
                object("sudo:everybody".to_owned(), Severity::Medium, setting, "!authenticate for a host");
            }
            Scope::Runas(_) => {
                object("sudo:everybody".to_owned(), Severity::Medium, setting, "!authenticate for a target");
            }
        }
    }
}

/// The accounts that have no password that could be asked for.
fn without_password(facts: &Facts) -> Vec<&[u8]> {
    let credentials = facts.accounts.passwords().unwrap_or_default();
    credentials
        .iter()
        .filter(|credential| !credential.password.is_usable())
        .map(|credential| credential.user.name.as_slice())
        .collect()
}

/// `None` for root, who needs no sudo.
fn subject(who: &Who) -> Option<String> {
    let named = |kind: &str, name: &[u8]| Some(format!("{kind}:{}", Text::from_bytes(name)));
    match who {
        Who::All => Some("sudo:everybody".to_owned()),
        Who::Uid(0) => None,
        Who::User(name) if name == b"root" => None,
        Who::Alias(name) | Who::User(name) => named("user", name),
        Who::Gid(gid) => Some(format!("group:#{gid}")),
        Who::Group(name) | Who::NonUnixGroup(name) => named("group", name),
        Who::Invoker => None,
        Who::Netgroup(name) => named("netgroup", name),
        Who::Uid(uid) => Some(format!("user:#{uid}")),
    }
}

fn reaches_root(rule: &Rule, aliases: &Aliases<'_>) -> bool {
    // A rule with target groups alone runs as its user; `0` among them would be root's group and no more.
    let Some(list) = &rule.runas_users else { return rule.runas_groups.is_none() };
    aliases.targets(list).iter().filter(|target| !target.negated).any(|target| match target.item {
        Who::User(name) => name == b"root",
        Who::Uid(uid) => *uid == 0,
        Who::Invoker => false,
        // Groups and what cannot be resolved here may hold root.
        _ => true,
    })
}

/// Whether a command is as good as all of them: a whole directory, a wildcard, or a program that starts others.
fn is_unlimited(command: &Command) -> bool {
    let What::Command { path, arguments } = &command.what else { return command.what == What::All };
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let has_wildcard = path.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[')) || path.starts_with(b"^");
    let starts_others = STARTS_OTHERS.contains(&name) && arguments.as_ref().is_none_or(|a| a.contains(&b'*'));
    name.is_empty() || has_wildcard || starts_others
}

fn describe(command: &Listed<Command>) -> String {
    let text = match &command.item.what {
        What::All => Text::new("ALL"),
        What::Alias(name) => Text::from_bytes(name),
        What::Command { path, arguments } => {
            let mut line = path.clone();
            if let Some(arguments) = arguments {
                line.push(b' ');
                line.extend_from_slice(arguments);
            }
            Text::from_bytes_within(&line, MAX_COMMAND)
        }
    };
    format!("{}{text}", if command.negated { "!" } else { "" })
}

const CLOUD_INIT: &str = "90-cloud-init-users";
/// Programs that run whatever they are told, when no arguments hold them back.
const STARTS_OTHERS: &[&[u8]] = &[
    b"ash",
    b"awk",
    b"bash",
    b"busybox",
    b"chroot",
    b"dash",
    b"docker",
    b"ed",
    b"emacs",
    b"env",
    b"find",
    b"gdb",
    b"ksh",
    b"less",
    b"man",
    b"more",
    b"nano",
    b"nsenter",
    b"perl",
    b"php",
    b"podman",
    b"python",
    b"python3",
    b"ruby",
    b"sh",
    b"strace",
    b"su",
    b"sudo",
    b"systemd-run",
    b"tar",
    b"unshare",
    b"vi",
    b"view",
    b"vim",
    b"xargs",
    b"zsh",
];
/// One line on a screen.
const MAX_COMMAND: usize = 120;
