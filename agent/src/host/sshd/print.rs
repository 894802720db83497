//! The settings as `sshd -T` prints them, to be compared with it.

use std::borrow::Cow;

use super::evaluate::Effective;
use super::keyword::{Form, KEYWORDS, Keyword};

impl Effective<'_> {
    /// Every keyword that this release has, with its lines.
    pub fn print(&self) -> Vec<(&'static str, Vec<Vec<u8>>)> {
        KEYWORDS
            .iter()
            .filter(|keyword| {
                !matches!(keyword.form, Form::Ignored | Form::Refused | Form::Include | Form::Match)
            })
            .map(|keyword| (keyword.name, self.print_one(keyword)))
            .collect()
    }

    fn print_one(&self, keyword: &Keyword) -> Vec<Vec<u8>> {
        let values = self.values(keyword.name);
        let joined = |values: &[Cow<'_, [u8]>]| values.join(&b' ');
        match keyword.form {
            Form::Algorithms(_) => vec![self.algorithms(keyword.name).join(",").into_bytes()],
            Form::Subsystem => {
                self.directives(keyword.name).map(|directive| directive.values.join(&b' ')).collect()
            }
            Form::Rekey => vec![self.rekey()],
            Form::MaxStartups => vec![self.startups()],
            Form::IpQos
            | Form::KeyFiles
            | Form::Methods
            | Form::LogVerbose
            | Form::Opens
            | Form::Listens
            | Form::PubkeyOptions => {
                if values.is_empty() {
                    Vec::new()
                } else {
                    vec![joined(&values)]
                }
            }
            Form::Flag if keyword.name == "KbdInteractiveAuthentication" => {
                vec![if self.keyboard_interactive().0 { b"yes".to_vec() } else { b"no".to_vec() }]
            }
            Form::Level => vec![match &*self.value(keyword.name) {
                b"QUIET" => b"SILENT".to_vec(),
                level => level.to_vec(),
            }],
            Form::TildePath if self.is_local(keyword.name) => {
                values.into_iter().map(Cow::into_owned).collect()
            }
            // "none" clears these.
            Form::Path | Form::PathOr(_) | Form::Rest | Form::Word | Form::TildePath => values
                .into_iter()
                .map(|v| if v.eq_ignore_ascii_case(b"none") { b"none".to_vec() } else { v.into_owned() })
                .collect(),
            _ => values.into_iter().map(Cow::into_owned).collect(),
        }
    }

    /// Volume and interval are set apart.
    fn rekey(&self) -> Vec<u8> {
        let lines: Vec<_> = self.directives("RekeyLimit").map(|directive| &directive.values).collect();
        let volume = lines.first().and_then(|values| values.first());
        let interval = lines.iter().find_map(|values| values.get(1));
        let or_zero = |value: Option<&Vec<u8>>| value.cloned().unwrap_or_else(|| b"0".to_vec());
        [or_zero(volume), or_zero(interval)].join(&b' ')
    }

    fn startups(&self) -> Vec<u8> {
        let text = String::from_utf8_lossy(&self.value("MaxStartups")).into_owned();
        text.replace("::", ":30:").into_bytes()
    }
}
