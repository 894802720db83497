//! Whether a unit starts by itself, in the words of `systemctl is-enabled`.

use std::path::Path;

use super::{Entry, Folder, Located, Units, name};
use crate::host::Unreadable;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enablement {
    Enabled,
    /// Until the next start of the machine.
    EnabledRuntime,
    /// Its file lies outside of the search path.
    Linked,
    LinkedRuntime,
    /// Another name of a unit.
    Alias,
    Masked,
    MaskedRuntime,
    /// It cannot be enabled: something else starts it.
    Static,
    /// It has nothing to enable but what it brings along (`Also=`).
    Indirect,
    Disabled,
    Generated,
    Transient,
    Missing,
}

impl Enablement {
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::EnabledRuntime => "enabled-runtime",
            Self::Linked => "linked",
            Self::LinkedRuntime => "linked-runtime",
            Self::Alias => "alias",
            Self::Masked => "masked",
            Self::MaskedRuntime => "masked-runtime",
            Self::Static => "static",
            Self::Indirect => "indirect",
            Self::Disabled => "disabled",
            Self::Generated => "generated",
            Self::Transient => "transient",
            Self::Missing => "not-found",
        }
    }

    pub fn is_enabled(self) -> bool {
        matches!(self, Self::Enabled | Self::EnabledRuntime)
    }

    pub fn is_masked(self) -> bool {
        matches!(self, Self::Masked | Self::MaskedRuntime)
    }
}

impl Units<'_> {
    pub fn enablement(&self, queried: &str) -> Result<Enablement, Unreadable> {
        let (name, path) = match self.locate(queried)? {
            Located::Missing => return Ok(Enablement::Missing),
            Located::Masked { folder } if self.folders[folder].is_runtime() => {
                return Ok(Enablement::MaskedRuntime);
            }
            Located::Masked { .. } => return Ok(Enablement::Masked),
            Located::Regular { name, path, .. } => (name, path),
        };
        if name != queried && !name::is_instance(&name) {
            return Ok(Enablement::Alias);
        }
        let own = path.parent().and_then(Path::to_str).unwrap_or_default();
        if own.starts_with(super::GENERATED) {
            return Ok(Enablement::Generated);
        }
        if own == TRANSIENT {
            return Ok(Enablement::Transient);
        }
        // systemctl heeds a unit's own drop-ins here, and neither its prefix's nor its type's.
        let stems = std::iter::once(name.clone()).chain(name::template_of(&name)).collect();
        let dropins = self.overlay(std::iter::once(stems));
        let install = Install::of(&self.assemble(name.clone(), path.clone(), dropins)?);
        let by_its_names = self.linked_as(&name, own, |link| install.knows(&name, link));
        Ok(match by_its_names {
            Some(state) => state,
            // Under a name that enabling would not give it, it may still be in use.
            None if self.linked_as(&name, own, |_| true).is_some() => Enablement::Indirect,
            None if install.has_rules => Enablement::Disabled,
            None if install.has_also => Enablement::Indirect,
            None => Enablement::Static,
        })
    }

    /// What the links say: those in /etc first, then those that the next start forgets.
    fn linked_as(&self, name: &str, own: &str, is_known: impl Fn(&str) -> bool) -> Option<Enablement> {
        let (mut runtime, mut elsewhere) = (false, false);
        let (mut same_in_etc, mut same_in_run) = (false, false);
        // A name below the unit's own directory does not count: the unit itself hides it.
        let mut is_below = false;
        for folder in &self.folders {
            let links = Links::of(folder, name, &is_known, is_below);
            if links.enable && folder.path == ETC {
                return Some(Enablement::Enabled);
            }
            if links.enable {
                runtime |= folder.is_runtime();
                elsewhere |= !folder.is_runtime();
            } else if links.same_name {
                same_in_etc |= folder.path == ETC;
                same_in_run |= folder.is_runtime();
            }
            is_below |= folder.path == own;
        }
        if runtime {
            return Some(Enablement::EnabledRuntime);
        }
        // A package that links an instance means it to run.
        if elsewhere && name::is_instance(name) {
            return Some(Enablement::Static);
        }
        match (same_in_etc, same_in_run) {
            (true, _) => Some(Enablement::Linked),
            (false, true) => Some(Enablement::LinkedRuntime),
            _ => None,
        }
    }
}

/// What the section `Install` offers.
struct Install {
    aliases: Vec<String>,
    /// The instance that enabling a template makes.
    instance: Option<String>,
    has_rules: bool,
    has_also: bool,
}

impl Install {
    fn of(unit: &super::Unit) -> Self {
        let words = |key: &str| -> Vec<String> {
            let values = unit.list("Install", key);
            values
                .iter()
                .flat_map(|setting| setting.value.split_ascii_whitespace())
                .map(str::to_owned)
                .collect()
        };
        let aliases = words("Alias");
        let default = super::ini::last(&unit.settings, "Install", "DefaultInstance");
        let template = name::is_template(&unit.name).then_some(&unit.name);
        let instance = default
            .zip(template)
            .map(|(default, template)| template.replacen("@.", &format!("@{}.", default.value), 1));
        Self {
            instance,
            has_rules: !aliases.is_empty()
                || ["WantedBy", "RequiredBy", "UpheldBy"].iter().any(|key| !words(key).is_empty()),
            has_also: !words("Also").is_empty(),
            aliases,
        }
    }

    fn knows(&self, name: &str, link: &str) -> bool {
        link == name
            || self.aliases.iter().any(|alias| alias == link)
            || self.instance.as_deref() == Some(link)
    }
}

/// What one directory of the search path links to a unit.
struct Links {
    enable: bool,
    same_name: bool,
}

impl Links {
    fn of(folder: &Folder, name: &str, is_known: &impl Fn(&str) -> bool, is_below: bool) -> Self {
        let is_named = |link: &str| link == name || name::template_of(link).as_deref() == Some(name);
        let enable = folder.pulled.keys().any(|link| is_named(link) && is_known(link));
        let mut links = Self { enable, same_name: false };
        for (link, entry) in &folder.entries {
            let Entry::Link(target) = entry else { continue };
            let leads_here = name::file_name(target) == Some(name);
            let is_same = link == name && !is_below;
            match (is_same, leads_here) {
                (true, true) => links.same_name = true,
                (false, false) => {}
                _ => links.enable |= is_known(link),
            }
        }
        links
    }
}

const ETC: &str = "/etc/systemd/system";
const TRANSIENT: &str = "/run/systemd/transient";
