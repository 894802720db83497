//! Who exists, with what password, and who may become root.

use super::{Check, Thresholds, Topic};
use crate::finding::{Evidence, Outcome, Severity, Source, Text};
use crate::host::accounts::{PASSWD, User};
use crate::host::{Facts, Wanted};

pub(super) const TOPIC: Topic = Topic {
    name: "accounts",
    title: "Accounts and sudo",
    needs: Wanted { accounts: true, ..Wanted::NONE },
    checks: CHECKS,
};

const CHECKS: &[Check] = &[Check {
    id: "accounts-extra-uid-0",
    title: "root is the only account with uid 0",
    why: "An account with uid 0 is root under another name: it bypasses every rule written for the name root, \
          and what it does is logged as root. Intruders add one as a back door because few people count uids.",
    severity: Severity::Critical,
    controls: &["CIS-AL2023:6.2.9", "CIS-Debian12:5.4.2.1", "NIST-800-53:CM-8", "AWS-WA:SEC03-BP02"],
    remediation: "Find out who made the account, then give it a uid of its own (usermod -u NEWUID NAME) \
                  or remove it (userdel NAME).",
    parameters: &[],
    evaluate: extra_uid_0,
}];

fn extra_uid_0(facts: &Facts, _: &Thresholds<'_>) -> Vec<Outcome> {
    let users = match &facts.accounts.users {
        Ok(users) => users,
        Err(cause) => return vec![Outcome::unreadable("accounts", cause)],
    };
    let extra: Vec<Outcome> = users
        .iter()
        .filter(|user| user.uid == 0 && user.name != b"root")
        .map(|user| {
            let name = Text::from_bytes(&user.name);
            Outcome::fail(subject(user), format!("{name} has uid 0, so it is root under another name"))
                .with(Evidence::new(Source::line(PASSWD, user.line), "uid 0", "a uid of its own"))
        })
        .collect();
    if extra.is_empty() { vec![Outcome::pass("accounts")] } else { extra }
}

fn subject(user: &User) -> String {
    format!("user:{}", Text::from_bytes(&user.name))
}
