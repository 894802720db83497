//! Who did what, and what an update came to, as the literal texts that readers rely on.

use jiff::Timestamp;

use super::*;
use crate::host::Text;
use crate::host::actor::{Actor, Ancestor, Hand, Program};

#[track_caller]
fn pinned(body: &DriftBody, literal: &str) {
    assert_eq!(body.to_json(), literal);
    assert_eq!(DriftBody::parse(literal).as_ref(), Ok(body));
}

fn time() -> Timestamp {
    "2026-11-22T01:02:03.004Z".parse().unwrap()
}

fn actor() -> Actor {
    Actor {
        pid: 7,
        began: Some("2026-11-22T01:02:03.004567Z".parse().unwrap()),
        program: Some(Program {
            path: b"/usr/bin/vi".to_vec(),
            device: 1,
            inode: 9,
            digest: Some([1; 32]),
            package: Some(Text::new("vim-tiny:amd64")),
        }),
        command: Some(Text::new("vi /etc/passwd")),
        uid: Some(0),
        euid: Some(0),
        login_uid: Some(1000),
        unit: Some(Text::new("session-3.scope")),
        container: None,
        terminal: Some(Text::new("pts/0")),
        ssh: Some(Text::new("203.0.113.9 port 51234")),
        hand: Some(Hand::Ssm { command: Some(Text::new("c0ffee")) }),
        parents: vec![Ancestor { pid: 6, path: Some(b"/bin/sh".to_vec()), command: Some(Text::new("-sh")) }],
        unknown: None,
    }
}

#[test]
fn who_did_it_stands_behind_what_is() {
    let noticed = Noticed {
        actor: Some(Box::new(ActorBody::of(&actor()))),
        others: vec![OtherActor::of(&Actor { pid: 8, uid: Some(1), ..Actor::default() })],
        more_actors: 2,
        how: vec!["written".into()],
        count: Some(3),
        seen: Some(Seen::Event),
        first: Some(time()),
        last: Some(time()),
        alias: Some("/tmp/x".into()),
        claims: Some(Claims::Update),
        by_manager: Some(false),
        disputed: true,
    };
    let told = ObjectDrift {
        matter: Some("sudoers".into()),
        noticed,
        ..ObjectDrift::ended(DriftChange::Passed, b"/etc/sudoers", time(), "abc")
    };
    let sha = "01".repeat(32);
    pinned(
        &DriftBody::Object(Box::new(told)),
        &format!(
            r#"{{"about":"object","change":"passed","path":"/etc/sudoers","drift":null,"severity":"informational","matter":"sudoers","explained":null,"package":null,"before":null,"after":null,"since":"2026-11-22T01:02:03.004Z","digest":"abc","actor":{{"pid":7,"began":"2026-11-22T01:02:03.004Z","program":{{"path":"/usr/bin/vi","inode":9,"sha256":"{sha}","package":"vim-tiny:amd64"}},"command":"vi /etc/passwd","uid":0,"euid":0,"login_uid":1000,"unit":"session-3.scope","terminal":"pts/0","ssh":"203.0.113.9 port 51234","hand":{{"name":"ssm","command":"c0ffee"}},"parents":[{{"pid":6,"path":"/bin/sh","command":"-sh"}}]}},"others":[{{"pid":8,"uid":1}}],"more_actors":2,"how":["written"],"count":3,"seen":"event","first":"2026-11-22T01:02:03.004Z","last":"2026-11-22T01:02:03.004Z","alias":"/tmp/x","claims":"update","by_manager":false,"disputed":true}}"#
        ),
    );
}

fn update() -> UpdateDrift {
    UpdateDrift {
        change: Applied::Applied,
        manager: "dpkg".into(),
        severity: Severity::Informational,
        actor: Box::new(ActorBody { pid: 7, ..ActorBody::default() }),
        began: time(),
        ended: time(),
        part: 1,
        parts: 1,
        count: 2,
        added: 0,
        removed: 0,
        modified: 2,
        unexplained: 1,
        is_cut: false,
        packages: vec![Updated {
            package: "openssl:amd64 3".into(),
            count: 1,
            digest: "d".into(),
            vouched: None,
        }],
        byproducts: vec![Byproduct { kind: "initramfs".into(), count: 1 }],
        paths: vec![Accounted::new(b"/boot/\xff", "e")],
    }
}

#[test]
fn an_update_and_a_look_after_a_loss_have_fixed_words() {
    pinned(
        &DriftBody::Update(update()),
        r#"{"about":"update","change":"applied","manager":"dpkg","severity":"informational","actor":{"pid":7},"began":"2026-11-22T01:02:03.004Z","ended":"2026-11-22T01:02:03.004Z","count":2,"added":0,"removed":0,"modified":2,"unexplained":1,"packages":[{"package":"openssl:amd64 3","count":1,"digest":"d"}],"byproducts":[{"kind":"initramfs","count":1}],"paths":[{"path":"/boot/\\xff","path_b64":"L2Jvb3Qv/w==","digest":"e"}]}"#,
    );
    let recheck = Recheck::of(
        "the queue was full",
        &[b"/etc".to_vec()],
        time(),
        Duration::from_micros(1_234_567),
        (9, 1),
    );
    pinned(
        &DriftBody::Recheck(recheck),
        r#"{"about":"recheck","change":"looked","severity":"informational","why":"the queue was full","places":["/etc"],"began":"2026-11-22T01:02:03.004Z","took_s":1.235,"objects":9,"drifts":1}"#,
    );
}

#[test]
fn no_process_makes_a_body_too_long() {
    for nasty in ["\"", "\\", "\u{1}", "\u{10fffd}"] {
        let long = Text::new(&nasty.repeat(5_000));
        let path = nasty.repeat(4_096 / nasty.len()).into_bytes();
        let parent = Ancestor { pid: 1, path: Some(path.clone()), command: Some(long.clone()) };
        let actor = Actor {
            program: Some(Program { path: path.clone(), package: Some(long.clone()), ..Program::default() }),
            command: Some(long.clone()),
            unit: Some(long.clone()),
            container: Some(long.clone()),
            terminal: Some(long.clone()),
            ssh: Some(long.clone()),
            hand: Some(Hand::Ssm { command: Some(long.clone()) }),
            parents: vec![parent; 100],
            unknown: Some(long.clone()),
            ..actor()
        };
        let noticed = Noticed {
            actor: Some(Box::new(ActorBody::of(&actor))),
            others: vec![OtherActor::of(&actor); 2],
            alias: Some(Told::from(&long)),
            ..Noticed::default()
        };
        let size = serde_json::to_string(&noticed).unwrap().len();
        // An object with all that it has leaves so much, as the tests of drift hold.
        assert!(size < 32 * 1024, "{size}");
        let actor = Box::new(ActorBody::of(&actor));
        let packages = vec![
            Updated {
                package: Told::from(&long),
                count: 1,
                digest: Told::from(&long),
                vouched: Some("unlisted".into())
            };
            1_000
        ];
        let whole =
            UpdateDrift { actor, packages, paths: vec![Accounted::new(&path, "e"); 1_000], ..update() };
        let parts = whole.clone().in_parts();
        let of_all = |count: fn(&UpdateDrift) -> usize| parts.iter().map(count).sum::<usize>();
        assert_eq!((of_all(|part| part.packages.len()), of_all(|part| part.paths.len())), (1_000, 1_000));
        assert!(parts.iter().all(|part| json(part).len() + 32 < MAX_BODY));
        assert_eq!(parts.last().unwrap().part, u32::try_from(parts.len()).unwrap());
    }
}
