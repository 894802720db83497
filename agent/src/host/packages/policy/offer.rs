//! A version of a package, and the lists that offer it.

use jiff::Timestamp;

use super::super::preferences::Place;
use super::super::release::Release;
use super::super::sources::Source;

/// A list as apt's policy sees it. The first one is dpkg's status.
#[derive(Debug, Clone)]
pub(in super::super) struct File {
    pub(in super::super) place: Place,
    pub(in super::super) is_security: bool,
    pub(in super::super) name: String,
    pub(in super::super) date: Option<Timestamp>,
    /// Without and with the pins.
    pub(in super::super) default_priority: i32,
    pub(in super::super) priority: i32,
    /// Where the pin that decides is written.
    pub(in super::super) pinned_by: Option<String>,
}

/// A version of an installed package.
#[derive(Debug)]
pub(in super::super) struct Offer {
    pub(in super::super) version: String,
    pub(in super::super) source: String,
    pub(in super::super) source_version: String,
    /// Indexes of the lists that have it.
    pub(in super::super) files: Vec<usize>,
    pub(in super::super) phased: Option<u32>,
}

impl File {
    pub(in super::super) fn status() -> Self {
        let place = Place {
            archive: "now".to_owned(),
            component: "now".to_owned(),
            is_status: true,
            ..Place::default()
        };
        Self {
            place,
            is_security: false,
            name: "dpkg".to_owned(),
            date: None,
            default_priority: INSTALLED,
            priority: INSTALLED,
            pinned_by: None,
        }
    }

    pub(in super::super) fn of(
        source: &Source,
        release: Option<&Release>,
        component: &str,
        architecture: &str,
    ) -> Self {
        let none = Release::default();
        let release = release.unwrap_or(&none);
        let default_priority = match (release.is_not_automatic, release.is_but_automatic_upgrades) {
            (_, true) => BUT_AUTOMATIC_UPGRADES,
            (true, _) => NOT_AUTOMATIC,
            _ => USUAL,
        };
        Self {
            place: Place {
                archive: release.suite.clone(),
                codename: release.codename.clone(),
                version: release.version.clone(),
                origin: release.origin.clone(),
                label: release.label.clone(),
                component: component.to_owned(),
                architecture: architecture.to_owned(),
                site: source.site().to_owned(),
                is_status: false,
            },
            is_security: release.is_security(),
            name: release.name(),
            date: release.date,
            default_priority,
            priority: default_priority,
            pinned_by: None,
        }
    }
}

/// apt's priorities, apt_preferences(5).
const INSTALLED: i32 = 100;
const USUAL: i32 = 500;
const NOT_AUTOMATIC: i32 = 1;
const BUT_AUTOMATIC_UPGRADES: i32 = 100;
