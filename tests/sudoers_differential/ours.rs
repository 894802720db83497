//! What guestward makes of a sudoers file, in the form in which cvtsudoers tells it.

use super::*;

pub(super) fn ours(sudoers: &Sudoers) -> Value {
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
pub(super) fn difference(ours: &Value, theirs: &Value) -> Option<String> {
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
    // A time without a zone is the machine's, which is UTC for this judge, and it says so.
    let time = |value: &Option<Vec<u8>>| {
        value.as_ref().map(|value| {
            let is_bare = value.len() == 14 && value.iter().all(u8::is_ascii_digit);
            let value = text(value) + if is_bare { "Z" } else { "" };
            Value::from(in_calendar(&value).unwrap_or(value))
        })
    };
    put("notbefore", time(&own.not_before));
    put("notafter", time(&own.not_after));
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

/// As timegm(3), which sudo asks, takes what no calendar has: the 60th month of 2002 is December 2006.
fn in_calendar(time: &str) -> Option<String> {
    let digits = time.strip_suffix('Z').filter(|digits| digits.len() == 14)?;
    let part = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i64>().ok();
    let months = part(0..4)? * 12 + part(4..6)? - 1;
    let (year, month) =
        (i16::try_from(months.div_euclid(12)).ok()?, i8::try_from(months.rem_euclid(12)).ok()?);
    let seconds = part(8..10)? * 3600 + part(10..12)? * 60 + part(12..14)?;
    let span = jiff::SignedDuration::from_secs((part(6..8)? - 1) * 86_400 + seconds);
    let first = jiff::civil::Date::new(year, month + 1, 1).ok()?.at(0, 0, 0, 0);
    Some(first.checked_add(span).ok()?.strftime("%Y%m%d%H%M%SZ").to_string())
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

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
