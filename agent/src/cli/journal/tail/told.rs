//! What happened to files in one line: what, where, and who did it.

use serde_json::Value;

/// The line of a `drift` record; `None` for what has no line of its own.
pub(super) fn drift(body: &Value) -> Option<String> {
    match body["about"].as_str()? {
        "object" => object(body),
        "update" => update(body),
        "recheck" => recheck(body),
        _ => None,
    }
}

/// The line of a `detection` record.
pub(super) fn detection(body: &Value) -> Option<String> {
    let path = body["path"].as_str()?;
    match body["detection"].as_str()? {
        "decoy" => {
            let times = match body["count"].as_u64() {
                Some(count) if count > 1 => format!(" {count} times"),
                _ => String::new(),
            };
            Some(format!("{}  {path} opened{times}{}", column("decoy"), by(&body["actor"])))
        }
        "mount-over" => {
            let kind = body["kind"].as_str().map_or_else(String::new, |kind| format!(" by {kind}"));
            Some(format!("{}  {path} was mounted over{kind}", column("mounted")))
        }
        _ => None,
    }
}

fn object(body: &Value) -> Option<String> {
    let change = body["change"].as_str()?;
    let mut line = format!("{}  {}", column(change), body["path"].as_str()?);
    if let Some(drift) = body["drift"].as_str() {
        line.push_str(&format!(" {drift}"));
    }
    if let Some(matter) = body["matter"].as_str() {
        line.push_str(&format!(" ({matter})"));
    }
    let fields = words(&body["fields"]);
    if !fields.is_empty() {
        line.push_str(&format!(": {}", fields.join(", ")));
    }
    // Where nobody saw it happen there is no actor, and that is no news.
    if !body["actor"].is_null() {
        line.push_str(&by(&body["actor"]));
    }
    let more = body["more_actors"].as_u64().unwrap_or(0);
    let others = body["others"].as_array().map_or(0, Vec::len) as u64 + more;
    if others > 0 {
        line.push_str(&format!(" and {others} others"));
    }
    if let Some(package) = body["explained"]["package"].as_str() {
        line.push_str(&format!("; as {package} records it"));
    } else if let Some(package) = body["package"]["name"].as_str() {
        let records = body["package"]["records"].as_str().unwrap_or("?");
        line.push_str(&format!("; of {package}, whose record {records}"));
    }
    if body["claims"] == "update" {
        line.push_str("; came with an update that does not explain it");
    }
    if body["disputed"] == true {
        line.push_str("; as a package records it, but no package manager wrote it");
    }
    Some(line)
}

fn update(body: &Value) -> Option<String> {
    let packages = body["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let first = packages.first().and_then(|package| package["package"].as_str()).unwrap_or("no package");
    let more = match packages.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let manager = body["manager"].as_str()?;
    let mut line = format!("{}  {manager}: {first}{more}, {} files", column("update"), number(body, "count"));
    if number(body, "unexplained") > 0 {
        line.push_str(&format!(", {} unexplained", number(body, "unexplained")));
    }
    if let (Some(part), Some(parts)) = (body["part"].as_u64(), body["parts"].as_u64()) {
        line.push_str(&format!(" (part {part} of {parts})"));
    }
    Some(format!("{line};{}", by(&body["actor"])))
}

fn recheck(body: &Value) -> Option<String> {
    let places = words(&body["places"]);
    let places = if places.is_empty() { "everything".to_owned() } else { places.join(", ") };
    let (objects, drifts) = (number(body, "objects"), number(body, "drifts"));
    let why = body["why"].as_str()?;
    Some(format!(
        "{}  {places} looked at again: {objects} objects, {drifts} differ; {why}",
        column("recheck")
    ))
}

/// ` by /usr/bin/vim (pid 4711, uid 0, login 1000, session-3.scope)`: the program, or what is known instead.
fn by(actor: &Value) -> String {
    if actor.is_null() {
        return " by whom is not known".to_owned();
    }
    let program = actor["program"]["path"].as_str().or_else(|| actor["command"].as_str());
    let mut known = vec![format!("pid {}", number(actor, "pid"))];
    let uid = actor["uid"].as_u64();
    known.extend(uid.map(|uid| format!("uid {uid}")));
    // As whom somebody logged in says more than the root that he became.
    known.extend(
        actor["login_uid"].as_u64().filter(|login| Some(*login) != uid).map(|login| format!("login {login}")),
    );
    known.extend(actor["unit"].as_str().map(str::to_owned));
    known.extend(actor["container"].as_str().map(|id| format!("container {}", start(id))));
    known.extend(actor["ssh"].as_str().map(|from| format!("ssh from {from}")));
    known.extend(actor["hand"]["name"].as_str().map(|hand| format!("for {hand}")));
    format!(" by {} ({})", program.unwrap_or("a program that is not known"), known.join(", "))
}

/// As `docker ps` shows an id.
fn start(id: &str) -> String {
    id.chars().take(12).collect()
}

fn words(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn number(body: &Value, key: &str) -> u64 {
    body[key].as_u64().unwrap_or(0)
}

/// So that paths stand below each other.
fn column(word: &str) -> String {
    format!("{word:<8}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn vim() -> Value {
        json!({
            "pid": 4711, "program": { "path": "/usr/bin/vim", "inode": 7 }, "command": "vim /etc/sudoers",
            "uid": 0, "euid": 0, "login_uid": 1000, "unit": "session-3.scope", "ssh": "203.0.113.9 port 51234",
        })
    }

    #[test]
    fn a_change_is_told_with_who_made_it() {
        let body = json!({
            "about": "object", "change": "new", "path": "/etc/sudoers", "drift": "modified",
            "fields": ["content", "mtime"], "severity": "critical", "matter": "sudoers", "explained": null,
            "package": { "name": "sudo:amd64 1.9", "records": "differs" }, "actor": vim(), "others": [{ "pid": 3 }],
            "more_actors": 2,
        });
        assert_eq!(
            drift(&body).unwrap(),
            "new       /etc/sudoers modified (sudoers): content, mtime by /usr/bin/vim (pid 4711, uid 0, login 1000, \
             session-3.scope, ssh from 203.0.113.9 port 51234) and 3 others; of sudo:amd64 1.9, whose record differs"
        );
        let found =
            json!({ "about": "object", "change": "reverted", "path": "/a", "drift": null, "actor": null });
        assert_eq!(drift(&found).unwrap(), "reverted  /a");
        let passed = json!({ "about": "object", "change": "passed", "path": "/a", "drift": "added", "actor": { "pid": 9, "unit": "cron.service" } });
        assert_eq!(
            drift(&passed).unwrap(),
            "passed    /a added by a program that is not known (pid 9, cron.service)"
        );
    }

    #[test]
    fn an_update_and_a_look_after_a_loss_are_one_line_each() {
        let body = json!({
            "about": "update", "change": "applied", "manager": "dpkg", "actor": { "pid": 5, "program": { "path": "/usr/bin/dpkg" }, "uid": 0 },
            "count": 214, "unexplained": 1, "packages": [{ "package": "a:amd64 1" }, { "package": "b:amd64 2" }],
        });
        assert_eq!(
            drift(&body).unwrap(),
            "update    dpkg: a:amd64 1 and 1 more, 214 files, 1 unexplained; by /usr/bin/dpkg (pid 5, uid 0)"
        );
        let body = json!({ "about": "recheck", "change": "looked", "why": "the queue was full", "objects": 9, "drifts": 2 });
        assert_eq!(
            drift(&body).unwrap(),
            "recheck   everything looked at again: 9 objects, 2 differ; the queue was full"
        );
    }

    #[test]
    fn a_detection_names_whoever_did_it_or_says_that_it_is_not_known() {
        let decoy = json!({ "detection": "decoy", "path": "/root/w", "severity": "critical", "actor": vim(), "count": 3 });
        assert!(
            detection(&decoy)
                .unwrap()
                .starts_with("decoy     /root/w opened 3 times by /usr/bin/vim (pid 4711"),
        );
        let decoy = json!({ "detection": "decoy", "path": "/root/w", "actor": null, "count": 1 });
        assert_eq!(detection(&decoy).unwrap(), "decoy     /root/w opened by whom is not known");
        let mount = json!({ "detection": "mount-over", "path": "/etc", "kind": "tmpfs" });
        assert_eq!(detection(&mount).unwrap(), "mounted   /etc was mounted over by tmpfs");
    }

    #[test]
    fn what_has_no_line_of_its_own_has_none() {
        for body in [json!({ "about": "package" }), json!({ "about": "object" }), json!({}), json!(null)] {
            assert_eq!((drift(&body), detection(&body)), (None, None), "{body}");
        }
    }
}
