//! The bodies of `detection` records: what somebody did that nobody has a reason to do. `detection` says which.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::object::{bytes_of, exact, text};
use super::actor::ActorBody;
use super::finding::Malformed;
use super::words::{Told, moment};
use crate::finding::Severity;
use crate::host::actor::Actor;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "detection", rename_all = "kebab-case")]
pub enum Detection {
    Decoy(Box<DecoyOpened>),
    MountOver(MountOver),
}

/// A file was opened that nobody has a reason to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecoyOpened {
    pub path: Told,
    /// The exact bytes, where the text is not all that there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
    pub severity: Severity,
    /// By whom; null where it cannot be known.
    pub actor: Option<ActorBody>,
    /// How often, until this was told.
    pub count: u64,
    /// The first time.
    #[serde(with = "moment")]
    pub at: Timestamp,
}

/// Something was mounted over a place that was agreed on: what is there is not what is on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountOver {
    pub path: Told,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
    pub severity: Severity,
    /// The file system's type; null where it is not known.
    pub kind: Option<Told>,
}

impl Detection {
    pub fn decoy(path: &[u8], severity: Severity, actor: Option<&Actor>, count: u64, at: Timestamp) -> Self {
        let actor = actor.map(ActorBody::of);
        let (path, path_b64) = (text(path), exact(path));
        Self::Decoy(Box::new(DecoyOpened { path, path_b64, severity, actor, count, at }))
    }

    pub fn mount_over(path: &[u8], severity: Severity, kind: Option<&str>) -> Self {
        let (path, path_b64, kind) = (text(path), exact(path), kind.map(Told::new));
        Self::MountOver(MountOver { path, path_b64, severity, kind })
    }

    pub fn to_json(&self) -> String {
        super::json(self)
    }

    /// Reads a body back.
    pub fn parse(json: &str) -> Result<Self, Malformed> {
        serde_json::from_str(json).map_err(|error| Malformed(error.to_string()))
    }

    pub fn severity(&self) -> Severity {
        match self {
            Self::Decoy(decoy) => decoy.severity,
            Self::MountOver(mount) => mount.severity,
        }
    }

    pub fn path_bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Decoy(decoy) => bytes_of(&decoy.path, decoy.path_b64.as_deref()),
            Self::MountOver(mount) => bytes_of(&mount.path, mount.path_b64.as_deref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::MAX_BODY;
    use super::*;
    use crate::host::Text;
    use crate::host::actor::{Ancestor, Hand, MAX_PARENTS, Program};
    use proptest::prelude::*;

    fn at() -> Timestamp {
        "2026-11-22T01:02:03.004Z".parse().unwrap()
    }

    #[test]
    fn a_decoy_that_was_opened_has_the_promised_members_in_their_order() {
        let unknown = Detection::decoy(b"/root/\xff", Severity::Critical, None, 3, at());
        assert_eq!(
            unknown.to_json(),
            r#"{"detection":"decoy","path":"/root/\\xff","path_b64":"L3Jvb3Qv/w==","severity":"critical","actor":null,"count":3,"at":"2026-11-22T01:02:03.004Z"}"#
        );
        let actor = Actor { pid: 7, uid: Some(0), ..Actor::default() };
        let known = Detection::decoy(b"/root/w", Severity::High, Some(&actor), 1, at()).to_json();
        let head = r#"{"detection":"decoy","path":"/root/w","severity":"high","actor":{"pid":7,"#;
        assert!(known.starts_with(head), "{known}");
        assert!(known.ends_with(r#"},"count":1,"at":"2026-11-22T01:02:03.004Z"}"#), "{known}");
        for body in [unknown.to_json(), known] {
            assert_eq!(Detection::parse(&body).unwrap().to_json(), body);
        }
        assert_eq!(unknown.path_bytes().as_deref(), Some(&b"/root/\xff"[..]));
    }

    #[test]
    fn a_mount_over_what_was_agreed_has_them_too() {
        let body = Detection::mount_over(b"/etc/pam.d", Severity::Critical, Some("tmpfs"));
        let literal =
            r#"{"detection":"mount-over","path":"/etc/pam.d","severity":"critical","kind":"tmpfs"}"#;
        assert_eq!(body.to_json(), literal);
        assert_eq!((Detection::parse(literal), body.severity()), (Ok(body), Severity::Critical));
        assert!(Detection::parse(r#"{"detection":"other"}"#).is_err());
    }

    #[test]
    fn no_actor_makes_a_body_too_long() {
        for nasty in ["\"".repeat(9_000), "\u{10fffd}".repeat(9_000), "\u{1}".repeat(9_000)] {
            let text = || Some(Text::new(&nasty));
            let (path, digest) = (vec![0xff; 5_000], Some([255; 32]));
            let program = Program { path: path.clone(), digest, package: text(), ..Program::default() };
            let parent = Ancestor { pid: u32::MAX, path: Some(path.clone()), command: text() };
            let actor = Actor {
                program: Some(program),
                command: text(),
                unit: text(),
                container: text(),
                terminal: text(),
                ssh: text(),
                hand: Some(Hand::Ssm { command: text() }),
                parents: vec![parent; MAX_PARENTS * 2],
                unknown: text(),
                ..Actor::default()
            };
            let body = Detection::decoy(&path, Severity::Critical, Some(&actor), u64::MAX, at()).to_json();
            assert!(body.len() < MAX_BODY, "{} bytes", body.len());
            let mount = Detection::mount_over(&path, Severity::Low, Some(&nasty)).to_json();
            assert!(mount.len() < MAX_BODY, "{} bytes", mount.len());
        }
    }

    proptest! {
        #[test]
        fn no_body_has_a_control_byte_and_each_is_read_back(path in proptest::collection::vec(any::<u8>(), 1..200), kind in "\\PC{0,20}") {
            for body in [
                Detection::decoy(&path, Severity::Low, None, 1, at()),
                Detection::mount_over(&path, Severity::Low, Some(&kind)),
            ] {
                prop_assert!(!body.to_json().chars().any(char::is_control));
                prop_assert_eq!(Detection::parse(&body.to_json()), Ok(body.clone()));
                prop_assert_eq!(body.path_bytes(), Some(path.clone()));
            }
        }
    }
}
