//! What is to be told of the baseline itself: it never becomes another one in silence.

use super::DriftState;
use crate::baseline::diff::Identity;
use crate::baseline::standing::{Accepted, Sealed, Standing, Stands};
use crate::finding::wire::body::{
    Acceptance, Accepted as Word, BaselineChange, BaselineEvent, DriftBody, Told, first,
};
use crate::finding::wire::open_drift::{Known, Trouble};
use crate::finding::wire::record::Hash;
use crate::finding::wire::rfc3339_millis;

impl DriftState {
    /// What became of the baseline since it was told last. Each change is told once.
    pub fn stands(&mut self, stands: &Stands) -> Vec<DriftBody> {
        let told = match stands {
            Stands::None if self.known.is_none() => Vec::new(),
            Stands::None => self.trouble_anew(BaselineChange::Missing, "there was one, and it is gone"),
            Stands::Damaged(why) => self.trouble_anew(BaselineChange::Damaged, why),
            Stands::Sound(standing) => self.sound(standing),
        };
        for body in &told {
            self.apply(body);
        }
        told
    }

    /// What is wrong with the baseline, if anything is.
    pub fn trouble(&self) -> Option<(BaselineChange, &str)> {
        self.trouble.as_ref().map(|trouble| (trouble.change, trouble.reason.as_str()))
    }

    /// The baseline that was told last: what a checkpoint vouches for.
    pub fn known(&self) -> Option<Identity> {
        self.known.map(|Known { version, root, state }| Identity { version, root: root.0, state: state.0 })
    }

    fn trouble_anew(&self, change: BaselineChange, why: &str) -> Vec<DriftBody> {
        let trouble = Trouble { change, reason: Told::new(why) };
        if self.trouble.as_ref() == Some(&trouble) {
            return Vec::new();
        }
        vec![event(change, None, Some(why))]
    }

    fn sound(&self, standing: &Standing) -> Vec<DriftBody> {
        let Standing { identity, first_root, first_state, acceptances, .. } = standing;
        let at_first = Identity { version: identity.version, root: *first_root, state: *first_state };
        let is_out_of_sight = self.trouble.as_ref().is_some_and(|trouble| {
            matches!(trouble.change, BaselineChange::Missing | BaselineChange::Damaged)
        });
        let mut told = Vec::new();
        match self.known {
            None => {
                told.push(created(BaselineChange::Created, at_first, standing.entries, None));
                told.extend(accepted(at_first, acceptances));
            }
            Some(known) if identity.version > known.version => {
                let is_merged = at_first.root == known.root.0;
                let change = if is_merged { BaselineChange::Merged } else { BaselineChange::Created };
                let follows = standing.previous == Some(known.state.0);
                let strange = (!follows).then_some("it does not follow the one that was seen before it");
                told.push(created(change, at_first, standing.entries, strange));
                told.extend(accepted(at_first, acceptances));
            }
            Some(known) if identity.version < known.version => {
                let why = format!("version {} is where version {} was", identity.version, known.version);
                told.push(event(BaselineChange::RolledBack, Some(*identity), Some(&why)));
            }
            Some(known) => match since(known.state.0, standing) {
                Some((before, new)) => {
                    if is_out_of_sight {
                        told.push(event(BaselineChange::Restored, Some(before), None));
                    }
                    told.extend(accepted(before, new));
                }
                None => {
                    let why =
                        format!("version {} is not what it was, and no acceptance says why", known.version);
                    told.push(event(BaselineChange::RolledBack, Some(*identity), Some(&why)));
                }
            },
        }
        told.extend(self.sealed_anew(standing));
        told
    }

    fn sealed_anew(&self, standing: &Standing) -> Option<DriftBody> {
        let sealed = standing.sealed.as_ref()?;
        (self.seal != Some(seal(sealed))).then(|| {
            DriftBody::Baseline(BaselineEvent {
                who: Some(seal(sealed)),
                ..parts(BaselineChange::Sealed, Some(standing.identity), None)
            })
        })
    }

    pub(super) fn apply_acceptance(&mut self, acceptance: &Acceptance) {
        let Acceptance { version, root, state, .. } = *acceptance;
        self.known = Some(Known { version, root, state });
    }

    pub(super) fn apply_event(&mut self, event: &BaselineEvent) {
        let trouble = event.reason.clone().map(|reason| Trouble { change: event.change, reason });
        if let (Some(version), Some(root), Some(state)) = (event.version, event.root, event.state) {
            self.known = Some(Known { version, root, state });
        }
        match event.change {
            BaselineChange::Damaged | BaselineChange::Missing => self.trouble = trouble,
            // What stands there now is what the next is held against; that it came to stand there stays a trouble until
            // a newer one is made.
            BaselineChange::RolledBack => (self.trouble, self.seal) = (trouble, None),
            BaselineChange::Created | BaselineChange::Merged => (self.trouble, self.seal) = (None, None),
            BaselineChange::Restored => self.trouble = None,
            BaselineChange::Sealed => self.seal.clone_from(&event.who),
        }
    }
}

/// The acceptances that came after this state, and what stood before them; `None` if it never was a state of this one.
fn since(state: [u8; 32], standing: &Standing) -> Option<(Identity, &[Accepted])> {
    let version = standing.identity.version;
    if state == standing.first_state {
        let before = Identity { version, root: standing.first_root, state };
        return Some((before, &standing.acceptances));
    }
    let at = standing.acceptances.iter().position(|accepted| accepted.state == state)?;
    let before = Identity { version, root: standing.acceptances[at].root, state };
    Some((before, &standing.acceptances[at + 1..]))
}

fn accepted(from: Identity, acceptances: &[Accepted]) -> Vec<DriftBody> {
    let mut root = from.root;
    let mut told = Vec::with_capacity(acceptances.len());
    for accepted in acceptances {
        told.push(DriftBody::Acceptance(Acceptance {
            change: Word::Accepted,
            who: Told::new(&accepted.who),
            why: Told::new(&accepted.why),
            when: accepted.when,
            count: accepted.count,
            paths: first(accepted.paths.iter().map(Vec::as_slice)),
            version: from.version,
            root_before: Hash(root),
            root: Hash(accepted.root),
            state: Hash(accepted.state),
        }));
        root = accepted.root;
    }
    told
}

fn created(change: BaselineChange, identity: Identity, entries: u64, reason: Option<&str>) -> DriftBody {
    let entries = Some(entries);
    DriftBody::Baseline(BaselineEvent { entries, ..parts(change, Some(identity), reason) })
}

fn event(change: BaselineChange, identity: Option<Identity>, reason: Option<&str>) -> DriftBody {
    DriftBody::Baseline(parts(change, identity, reason))
}

fn parts(change: BaselineChange, identity: Option<Identity>, reason: Option<&str>) -> BaselineEvent {
    BaselineEvent {
        change,
        version: identity.map(|identity| identity.version),
        root: identity.map(|identity| Hash(identity.root)),
        state: identity.map(|identity| Hash(identity.state)),
        entries: None,
        who: None,
        reason: reason.map(Told::new),
    }
}

fn seal(sealed: &Sealed) -> Told {
    Told::new(&format!("{}, {}", sealed.by, rfc3339_millis(sealed.at)))
}
