//! Where the marks belong: what is mounted, and what can be marked of it.

use jiff::Timestamp;

use super::{MAX_OUT, MAX_PENDING, Watch};
use crate::host::Text;
use crate::watch::files::fallback::Fallback;
use crate::watch::files::kernel::Kernel;
use crate::watch::files::{Noticed, Why, disks};

impl Watch {
    /// Puts every mark where it belongs now.
    pub(super) fn place(&mut self) {
        let Some(mounts) = disks::mounts() else { return };
        let mask = self.kernel.mask();
        let Kernel { group, disks, names, marked, .. } = &mut self.kernel;
        let leads_on = |path: &[u8]| self.interest.leads_on(path) || marked.leads_on(path);
        disks.plan(&mounts, leads_on, &self.kinds);
        disks.mark(group.as_ref(), mask);
        names.forget();
        if let Ok(group) = group {
            marked.renew_all(group);
        }
        self.table.update(mounts);
    }

    /// What cannot be watched as a whole is watched directory by directory, if that can be.
    pub(super) fn stand_in(&mut self) {
        let refused: Vec<(Vec<u8>, Text)> =
            self.kernel.disks.refused().map(|(point, why)| (point.to_vec(), why)).collect();
        for (point, why) in refused {
            if self.fallback.as_ref().is_some_and(|fallback| fallback.count(&point).is_some()) {
                continue;
            }
            if self.fallback.is_none() {
                self.fallback = Fallback::start(self.waker()).ok();
            }
            let covered = match &mut self.fallback {
                Some(fallback) => fallback.cover(&point, &*self.interest),
                None => Err(why),
            };
            if let Err(why) = covered {
                self.losses.add(Why::Unwatched(why), Some(&point), Timestamp::now());
            }
        }
    }

    pub(super) fn tell_mounts(&mut self) {
        let mut mounted = self.table.take();
        if let Some(fallback) = &mut self.fallback {
            mounted.iter().for_each(|mounted| fallback.uncover(&mounted.point));
        }
        mounted
            .retain(|mounted| self.interest.wants(&mounted.point) || self.interest.leads_on(&mounted.point));
        if mounted.is_empty() {
            return;
        }
        let has_room = self.out.len() < MAX_OUT;
        match self.out.back_mut() {
            Some(Noticed::Mounted(list)) if list.len() < MAX_PENDING => list.append(&mut mounted),
            _ if has_room => self.out.push_back(Noticed::Mounted(mounted)),
            _ => self.losses.add(Why::Room, None, Timestamp::now()),
        }
    }
}
