//! The patterns that name packages in exclusions and locks, as dnf understands them.
//!
//! `name`, `name.arch`, `name-[epoch:]version`, with a release, and with an architecture; each part may have the
//! wildcards of fnmatch(3). A text may be understood in several ways, and dnf tries each (libdnf/nevra.cpp).

use crate::host::glob;

/// What can be named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) epoch: u32,
    pub(super) version: &'a str,
    pub(super) release: &'a str,
    pub(super) architecture: &'a str,
}

/// One way to understand a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Form {
    name: String,
    epoch: Option<u32>,
    version: Option<String>,
    release: Option<String>,
    architecture: Option<String>,
    /// Whether it means itself, whatever signs are in it, in capitals or not.
    is_literal: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Pattern {
    forms: Vec<Form>,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let mut forms = Vec::new();
        // Names have none of these, so that the text may be about a file or what a package provides; no name then.
        if !text.is_empty() && !text.contains(['(', '/', '=', '<', '>', ' ']) {
            let (text, epoch) = yums_epoch(text);
            let with_epoch = |mut form: Form| {
                form.epoch = form.epoch.or(epoch);
                form
            };
            forms.extend(all_forms(text).into_iter().map(with_epoch));
        }
        Self { forms }
    }

    /// `[epoch:]name-version-release.arch` of yum's plugin versionlock: of every architecture, with no wildcards, and
    /// without an epoch that of 0; cut up as yum's `splitFilename` does it (rpmUtils/miscutils.py). `None` where that is
    /// no name at all.
    pub(super) fn of_yum(line: &str) -> Option<Self> {
        let line = line.trim_end();
        let (rest, _) = line.strip_suffix(".rpm").unwrap_or(line).rsplit_once('.')?;
        let (rest, release) = rest.rsplit_once('-')?;
        let (rest, version) = rest.rsplit_once('-')?;
        let (epoch, name) = match rest.split_once(':') {
            Some((epoch, name)) => (epoch, name),
            // The first colon begins the name, and here it would end before that.
            None if line.contains(':') => return None,
            None => ("0", rest),
        };
        let plain = |text: &str| Some(text.to_owned());
        // What is no epoch locks as well, and no version is the one that is locked.
        let (epoch, version) = match epoch.parse() {
            Ok(epoch) => (Some(epoch), plain(version)),
            Err(_) => (None, Some(String::new())),
        };
        let name = name.to_owned();
        let form =
            Form { name, epoch, version, release: plain(release), architecture: None, is_literal: true };
        Some(Self { forms: vec![form] })
    }

    pub(super) fn matches(&self, package: &Named<'_>) -> bool {
        self.forms.iter().any(|form| form.matches(package))
    }

    /// Whether it says anything of packages with that name.
    pub(super) fn names(&self, name: &str) -> bool {
        self.forms.iter().any(|form| form.fits(&form.name, name))
    }
}

impl Form {
    fn matches(&self, package: &Named<'_>) -> bool {
        let said =
            |pattern: &Option<String>, text| pattern.as_ref().is_none_or(|pattern| self.fits(pattern, text));
        self.fits(&self.name, package.name)
            && self.epoch.is_none_or(|epoch| epoch == package.epoch)
            && said(&self.version, package.version)
            && said(&self.release, package.release)
            && said(&self.architecture, package.architecture)
    }

    fn fits(&self, pattern: &str, text: &str) -> bool {
        match self.is_literal {
            true => pattern.eq_ignore_ascii_case(text),
            false => glob::matches(pattern.as_bytes(), text.as_bytes()),
        }
    }
}

/// `0:name-version-release.*`, as yum's own plugin writes it.
fn yums_epoch(text: &str) -> (&str, Option<u32>) {
    match text.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
            (rest, epoch.parse().ok())
        }
        _ => (text, None),
    }
}

fn all_forms(text: &str) -> Vec<Form> {
    let plain = |name: &str| Form {
        name: name.to_owned(),
        epoch: None,
        version: None,
        release: None,
        architecture: None,
        is_literal: false,
    };
    let mut forms = vec![plain(text)];
    if let Some((name, architecture)) = split(text, '.') {
        forms.push(Form { architecture: Some(architecture.to_owned()), ..plain(name) });
    }
    if let Some((name, version)) = split(text, '-') {
        forms.extend(with_version(plain(name), version, None));
        if let Some((name, middle)) = split(name, '-') {
            let release = version;
            forms.extend(with_version(plain(name), middle, Some(release)));
            if let Some((release, architecture)) = split(release, '.') {
                let form = Form { architecture: Some(architecture.to_owned()), ..plain(name) };
                forms.extend(with_version(form, middle, Some(release)));
            }
        }
    }
    forms.retain(|form| !form.name.contains(':'));
    forms
}

/// `version` may begin with an epoch.
fn with_version(form: Form, version: &str, release: Option<&str>) -> Option<Form> {
    let (epoch, version) = match version.split_once(':') {
        Some((epoch, version)) => (Some(epoch.parse().ok()?), version),
        None => (None, version),
    };
    let release = release.map(str::to_owned);
    let is_whole = !version.is_empty() && !version.contains(':');
    is_whole.then(|| Form { epoch, version: Some(version.to_owned()), release, ..form })
}

fn split(text: &str, at: char) -> Option<(&str, &str)> {
    text.rsplit_once(at).filter(|(before, after)| !before.is_empty() && !after.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGE: Named<'_> = Named {
        name: "python3-foo.bar",
        epoch: 2,
        version: "1.0",
        release: "3.amzn2023",
        architecture: "x86_64",
    };

    #[test]
    fn a_package_is_named_in_each_way() {
        for pattern in [
            "python3-foo.bar",
            "python3-*",
            "*",
            "*foo*",
            "python3-foo.bar.x86_64",
            "python3-foo.bar-1.0",
            "python3-foo.bar-2:1.0",
            "python3-foo.bar-1.0-3.amzn2023",
            "python3-foo.bar-2:1.0-3.amzn2023.x86_64",
            "python3-foo.bar-2:1.0-3.amzn2023.*",
            "python3-foo.bar-*",
            "2:python3-foo.bar-1.0-3.amzn2023.*",
            "python3-foo.bar-1.*",
        ] {
            assert!(Pattern::new(pattern).matches(&PACKAGE), "{pattern}");
        }
        for pattern in [
            "",
            "python3",
            "python3-foo.bar.aarch64",
            "python3-foo.bar-1.1",
            "python3-foo.bar-1:1.0",
            "python3-foo.bar-2:1.0-4.amzn2023.x86_64",
            "0:python3-foo.bar-1.0-3.amzn2023.*",
            "/usr/bin/foo",
            "python3-foo.bar = 1",
        ] {
            assert!(!Pattern::new(pattern).matches(&PACKAGE), "{pattern}");
        }
        assert!(Pattern::new("python3-foo.bar-9-9").names("python3-foo.bar"));
        assert!(!Pattern::new("other-9-9").names("python3-foo.bar"));
    }

    #[test]
    fn yum_cuts_a_line_in_its_own_way() {
        let of = |line: &str| Pattern::of_yum(line).is_some_and(|pattern| pattern.matches(&PACKAGE));
        for line in [
            "2:python3-foo.bar-1.0-3.amzn2023.*",
            "2:python3-foo.bar-1.0-3.amzn2023.aarch64",
            "2:Python3-foo.bar-1.0-3.AMZN2023.x86_64.rpm",
            "2:python3-foo.bar-1.0-3.amzn2023.x86_64 ",
        ] {
            assert!(of(line), "{line}");
        }
        for line in [
            "python3-foo.bar-1.0-3.amzn2023.*",
            "2:python3-foo.bar-1.*-3.amzn2023.*",
            "python3-foo.bar-2:1.0-3.amzn2023.*",
            // The architecture would be `amzn2023`.
            "2:python3-foo.bar-1.0-3.amzn2023",
            "python3-foo.bar",
            "",
        ] {
            assert!(!of(line), "{line}");
        }
        let names = |line: &str| Pattern::of_yum(line).is_some_and(|pattern| pattern.names(PACKAGE.name));
        assert!(names("python3-foo.bar-9-9.*") && names("x:python3-foo.bar-1.0-3.amzn2023.*"));
        for line in ["python3-*-1.0-3.*", "python3-foo.bar", "python3-foo.bar-2:1.0-3.amzn2023.*"] {
            assert!(!names(line), "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_nothing_panics(text in "[-a:.*\\[é1]{0,20}") {
            Pattern::new(&text).matches(&PACKAGE);
            if let Some(pattern) = Pattern::of_yum(&text) {
                pattern.matches(&PACKAGE);
            }
        }
    }
}
