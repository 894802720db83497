//! What is to be told of one run of a package manager: one record for all that it accounts for, and one for each object
//! that it does not.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::noticed;
use super::{DriftState, OpenPackage, exact};
use crate::baseline::byproducts;
use crate::baseline::drift::{Change, Drift, Fields, Matter, Records};
use crate::baseline::live::Looked;
use crate::finding::Severity;
use crate::finding::wire::body::{
    Accounted, ActorBody, Applied, Byproduct, Claims, DriftBody, DriftChange, Explained, Noticed,
    ObjectDrift, Told, UpdateDrift, Updated, digest, digest_of_all,
};
use crate::watch::files::{OfUpdate, Update};

type AllTouched<'t> = BTreeMap<Vec<u8>, &'t OfUpdate>;

/// What one run came to, until it is told.
#[derive(Default)]
struct Run<'d> {
    packages: BTreeMap<Told, Vec<&'d Drift>>,
    byproducts: BTreeMap<&'static str, u64>,
    paths: Vec<Accounted>,
    /// What is to be told by itself.
    objects: Vec<DriftBody>,
    unexplained: u64,
    added: u64,
    removed: u64,
    modified: u64,
}

/// Who accounts for a difference.
enum By {
    Package(Told),
    /// By what it is.
    Update(&'static str),
    Nobody,
}

impl DriftState {
    /// One record of the run, in as many parts as it needs; before it, what it does not explain.
    /// `vouched` says what stands behind the records of a package.
    pub fn update(
        &mut self,
        looked: &Looked,
        update: &Update,
        vouched: &Vouchers,
        now: Timestamp,
    ) -> Vec<DriftBody> {
        let now = exact(now);
        let touched: AllTouched<'_> = update.touched.iter().map(|of| (of.touched.path.clone(), of)).collect();
        let mut run = Run::default();
        for drift in &looked.drifts {
            self.one_of(&mut run, drift, touching(&touched, &drift.path), now);
        }
        let mut objects = std::mem::take(&mut run.objects);
        self.left_out = self.left_out.max(self.without_room(&mut objects));
        objects.extend(self.ended_at(looked, |path| told(touching(&touched, path))));
        // What nobody accounts for is urgent.
        let mut changes = self.finish(objects);
        if !update.touched.is_empty() || update.is_cut {
            let parts: Vec<DriftBody> =
                run.told(update, vouched).in_parts().into_iter().map(DriftBody::Update).collect();
            self.take_in(&parts);
            changes.extend(parts);
        }
        changes
    }

    /// What others than the package manager did where it matters most, while their run goes on: a shell out of a package
    /// manager, and whoever a script left behind, are not to be silent until it ends. Everything else is told then, when
    /// all packages are what they are to be; and so is whatever is put aside for the time of the run.
    pub fn meanwhile(&mut self, looked: &Looked, done: &[OfUpdate], now: Timestamp) -> Vec<DriftBody> {
        let now = exact(now);
        let touched: AllTouched<'_> = done.iter().map(|of| (of.touched.path.clone(), of)).collect();
        let mut run = Run::default();
        for drift in looked.drifts.iter().filter(|drift| is_urgent(drift)) {
            let touched = touching(&touched, &drift.path);
            if touched.is_some() && matches!(by(drift, touched), By::Nobody) {
                self.one_of(&mut run, drift, touched, now);
            }
        }
        let mut objects = run.objects;
        self.left_out = self.left_out.max(self.without_room(&mut objects));
        self.finish(objects)
    }

    fn one_of<'d>(&self, run: &mut Run<'d>, drift: &'d Drift, touched: Option<&OfUpdate>, now: Timestamp) {
        let digest = digest(drift);
        let open = self.open.get(&drift.path);
        let is_itself = touched.is_some_and(|of| of.touched.path == drift.path);
        if !is_itself && open.is_some_and(|open| open.digest.as_str() == digest) {
            // It was told when somebody else did it, in a directory that is the update's.
            return;
        }
        let by = by(drift, touched);
        if matches!(by, By::Nobody) {
            if self.is_accounted(&drift.path, &digest) {
                return;
            }
            run.unexplained += 1;
            if open.is_some_and(|open| open.digest.as_str() == digest) {
                // It was told while the run went on.
                return;
            }
        } else {
            run.count(drift.change);
        }
        let explained = match by {
            By::Package(package) => {
                let records = Told::new(Records::Same.name());
                run.packages.entry(package.clone()).or_default().push(drift);
                Some(Explained { package, records })
            }
            By::Update(kind) => {
                *run.byproducts.entry(kind).or_default() += 1;
                run.paths.push(Accounted::new(&drift.path, &digest));
                Some(Explained { package: Told::new(kind), records: Told::new("made") })
            }
            By::Nobody => None,
        };
        let (change, since) = match open {
            Some(open) => (DriftChange::Changed, open.since),
            // It is told with the update.
            None if explained.is_some() => return,
            None => (DriftChange::New, now),
        };
        let object = ObjectDrift::of(change, drift, since, &digest);
        let severity = match (&explained, drift.fields) {
            (Some(_), _) => Severity::Informational,
            (None, Fields::MTIME) => drift.severity,
            (None, _) => drift.severity.max(Severity::High),
        };
        let noticed = told(touched);
        run.objects.push(DriftBody::Object(Box::new(ObjectDrift { severity, explained, noticed, ..object })));
    }

    pub(super) fn apply_update(&mut self, update: &UpdateDrift) {
        for Updated { package, count, digest, .. } in &update.packages {
            // No package is there in two versions: what the one before explained, this one does.
            let named = format!("{} ", name_of(package));
            let others = self.packages.range(Told::new(&named)..).map(|(other, _)| other);
            let others = others.take_while(|other| other.as_str().starts_with(&named));
            for other in others.filter(|other| *other != package).cloned().collect::<Vec<_>>() {
                self.packages.remove(&other);
            }
            let open = OpenPackage { count: *count, since: update.ended, digest: digest.clone() };
            self.packages.insert(package.clone(), open);
        }
        for accounted in &update.paths {
            let Some(path) = accounted.path_bytes() else { continue };
            self.open.remove(&path);
            if self.accounted.len() < MAX_ACCOUNTED || self.accounted.contains_key(&path) {
                self.accounted.insert(path, accounted.digest.clone());
            }
        }
    }
}

impl Run<'_> {
    fn count(&mut self, change: Change) {
        match change {
            Change::Added => self.added += 1,
            Change::Removed => self.removed += 1,
            Change::Modified | Change::Unstable => self.modified += 1,
        }
    }

    fn told(self, update: &Update, vouched: &Vouchers) -> UpdateDrift {
        let packages = self.packages.iter().map(|(package, drifts)| Updated {
            package: package.clone(),
            count: drifts.len() as u64,
            digest: Told::new(&digest_of_all(drifts.iter().copied())),
            vouched: vouched.get(package.as_str()).copied().map(Told::new),
        });
        let is_forged = vouched.values().any(|vouched| *vouched == DIFFERS);
        let byproducts =
            self.byproducts.iter().map(|(kind, count)| Byproduct { kind: Told::new(kind), count: *count });
        UpdateDrift {
            change: Applied::Applied,
            manager: Told::new(update.manager),
            severity: match (is_forged, update.is_cut) {
                (true, _) => Severity::Critical,
                (false, true) => Severity::Low,
                (false, false) => Severity::Informational,
            },
            actor: Box::new(ActorBody::of(&update.by)),
            began: exact(update.began),
            ended: exact(update.ended),
            part: 1,
            parts: 1,
            count: self.added + self.removed + self.modified,
            added: self.added,
            removed: self.removed,
            modified: self.modified,
            unexplained: self.unexplained,
            is_cut: update.is_cut,
            packages: packages.collect(),
            byproducts: byproducts.collect(),
            paths: self.paths,
        }
    }
}

/// Whether a difference is worth telling before it is known what the run comes to.
pub fn is_urgent(drift: &Drift) -> bool {
    let name = drift.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let ending = name.iter().rposition(|byte| *byte == b'.').map_or(&b""[..], |dot| &name[dot..]);
    let is_aside = ending.starts_with(ASIDE) || ASIDE_BY_RPM.contains(&ending);
    let is_aside = is_aside && drift.matter != Some(Matter::SetId);
    drift.matter.is_some() && drift.change != Change::Removed && !is_aside
}

fn by(drift: &Drift, touched: Option<&OfUpdate>) -> By {
    let Some(touched) = touched else { return By::Nobody };
    if let Some(accounted) = drift.package.as_ref().filter(|_| drift.is_explained()) {
        return By::Package(Told::new(&accounted.package));
    }
    let actors = touched.touched.actors.iter().map(|actor| &**actor);
    if let Some(kind) = byproducts::kind(drift, actors, touched.by_manager) {
        return By::Update(kind);
    }
    // A link, a directory, or another mode: as the package brought it, for its manager did it.
    let is_listed = drift.package.as_ref().is_some_and(|accounted| accounted.records == Records::Listed);
    match is_listed && touched.by_manager && drift.matter != Some(Matter::SetId) {
        true => By::Update(LISTED),
        false => By::Nobody,
    }
}

fn told(touched: Option<&OfUpdate>) -> Noticed {
    let claims = touched.map(|_| Claims::Update);
    let by_manager = touched.map(|touched| touched.by_manager);
    Noticed { claims, by_manager, ..noticed::told(touched.map(|touched| &touched.touched)) }
}

fn touching<'t>(touched: &AllTouched<'t>, path: &[u8]) -> Option<&'t OfUpdate> {
    noticed::of(touched, path, |of| of.touched.is_tree)
}

/// `openssl:amd64` of `openssl:amd64 3.0.17-1`.
fn name_of(package: &Told) -> &str {
    package.as_str().split(' ').next().unwrap_or_default()
}

/// By package, one of the names of `host::packages::vouched::Vouched`.
pub type Vouchers = BTreeMap<String, &'static str>;

/// The archive that the index vouches for says something else than what is recorded here.
const DIFFERS: &str = "differs";
const LISTED: &str = "listed";
/// What ends so neither sudo nor cron nor systemd reads; dpkg-maintscript-helper(1) puts there what is removed at the end.
const ASIDE: &[u8] = b".dpkg-";
/// What rpm and the scripts of its packages put beside a configuration file.
const ASIDE_BY_RPM: [&[u8]; 3] = [b".rpmnew", b".rpmsave", b".rpmorig"];
/// As many as may be open; the rest is told object by object.
const MAX_ACCOUNTED: usize = 100_000;

#[cfg(test)]
mod tests;
