//! The handful of apt's settings that decide which update apt would choose.
//!
//! A setting that moves apt's files elsewhere is refused, because an answer from the wrong files is worse than none.

use crate::host::apt_conf::AptConf;
use crate::host::{Cause, Host, Text, Unreadable};

#[derive(Debug, Clone, Default)]
pub(super) struct Config(AptConf);

impl Config {
    pub(super) fn of(host: &Host) -> Result<Self, Unreadable> {
        let config = Self(AptConf::of(host)?);
        config.refuse_what_moves_files()?;
        Ok(config)
    }

    /// The value of a setting; none if it is empty, as apt takes it.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.0.value(name)).ok().filter(|value| !value.is_empty())
    }

    /// Where it is set: `/etc/apt/apt.conf:1`.
    pub(super) fn written(&self, name: &str) -> Option<String> {
        self.0.written(name).map(|(file, line)| format!("{}:{line}", file.display()))
    }

    /// Every value of a list.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.list(name).into_iter().filter_map(|value| std::str::from_utf8(value).ok())
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| {
            ["yes", "true", "with", "on", "enable", "1"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
        })
    }

    fn refuse_what_moves_files(&self) -> Result<(), Unreadable> {
        for (name, value) in self.0.items() {
            let name = String::from_utf8_lossy(&name).to_ascii_lowercase();
            let moves = name == "dir" || name == "rootdir" || name.starts_with("dir::");
            let is_harmless = HARMLESS.iter().any(|harmless| name.starts_with(harmless));
            if moves && !is_harmless && !value.is_empty() {
                let value = Text::from_bytes_within(&value, 100);
                let what =
                    format!("{name} is set to \"{value}\", so apt's files are not where they usually are");
                return Err(Unreadable::new("/etc/apt/apt.conf", Cause::Unsupported(what)));
            }
        }
        Ok(())
    }
}

/// Settings below `Dir` that move no file that is read here.
const HARMLESS: [&str; 6] =
    ["dir::cache", "dir::log", "dir::bin", "dir::media", "dir::ignore-files-silently", "dir::etc::trusted"];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn config(text: &str) -> Config {
        let mut conf = AptConf::default();
        conf.merge(Path::new("x"), text.as_bytes()).unwrap();
        Config(conf)
    }

    #[test]
    fn settings_are_found_whatever_their_case() {
        let config = config("APT { Default-Release \"stable\"; Architectures { \"amd64\"; \"i386\"; }; };\n");
        assert_eq!(config.value("apt::default-release"), Some("stable"));
        assert_eq!(config.values("apt::architectures").collect::<Vec<_>>(), ["amd64", "i386"]);
        assert_eq!(config.value("apt::nothing"), None);
    }

    #[test]
    fn a_setting_that_moves_files_is_refused() {
        assert!(config("Dir::State::Lists \"/elsewhere\";").refuse_what_moves_files().is_err());
        assert!(config("Dir::Cache::pkgcache \"\";").refuse_what_moves_files().is_ok());
    }
}
