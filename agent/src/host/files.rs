//! Who may change system files, which programs run as somebody else, and how temporary directories are mounted: the facts.
//!
//! One walk serves them all. There is no memory of an earlier one: a chmod changes the time of the file and not that of
//! its directory, so only a look at every file shows that none has become set-uid.

pub mod capabilities;
mod guarded;
pub mod ids;
pub mod mounts;
pub mod owners;
pub mod preload;
pub mod survey;
mod walk;

use std::path::Path;

pub use capabilities::Capabilities;
pub use guarded::Guarded;
pub use ids::ForeignIds;
pub use mounts::{Mount, Mounts};
pub use owners::{Override, Owners};
pub use preload::Preload;
pub use survey::{Capable, Kept, Object, Owned, Reach, Survey};

use super::{Host, Unreadable};

#[derive(Debug)]
pub struct Files {
    /// Empty where nothing runs below this root.
    pub mounts: Mounts,
    pub survey: Survey,
    /// Of the programs and the set-id files; `None` where no package manager is.
    pub owners: Result<Option<Owners>, Unreadable>,
    pub foreign_ids: Result<ForeignIds, Unreadable>,
    pub cron: Guarded,
    pub units: Guarded,
    pub profile: Guarded,
    pub loader: Guarded,
    pub preload: Result<Vec<Preload>, Unreadable>,
}

impl Files {
    /// Without knowing the mounts nothing is walked: a dead network file system would hold us for ever.
    pub fn of(host: &Host, progress: &mut dyn FnMut(&str)) -> Result<Self, Unreadable> {
        let mounts = Mounts::of(host)?;
        let survey = Survey::of(host, &mounts, progress);
        let preload = preload::of(host);
        let set_id = survey.set_id.list.iter().map(|object| object.path.as_path());
        let capable = survey.capable.list.iter().map(|file| file.path.as_path());
        let programs = survey.programs.list.iter().map(std::path::PathBuf::as_path);
        let libraries = preload.iter().flatten().map(|library| library.path.as_path());
        let owners = Owners::of(host, set_id.chain(capable).chain(programs).chain(libraries));
        let mut files = Self {
            survey,
            owners,
            foreign_ids: ForeignIds::of(host),
            cron: Guarded::of(host, &mounts, guarded::CRON),
            units: Guarded::of(host, &mounts, guarded::UNITS),
            profile: Guarded::of(host, &mounts, guarded::PROFILE),
            loader: Guarded::of(host, &mounts, guarded::LOADER),
            preload,
            mounts,
        };
        files.forget_owned_programs();
        Ok(files)
    }

    /// The package of a file that was looked up.
    pub fn package(&self, path: &Path) -> Option<&super::Text> {
        self.owners.as_ref().ok()?.as_ref()?.package(path)
    }

    /// Only those without a package are of any interest; the others would lie in memory for nothing.
    fn forget_owned_programs(&mut self) {
        let Ok(Some(owners)) = &self.owners else {
            self.survey.programs.list = Vec::new();
            return;
        };
        self.survey.programs.list.retain(|path| owners.package(path).is_none());
        self.survey.programs.list.shrink_to_fit();
        self.survey.programs.list.sort_unstable();
    }
}
