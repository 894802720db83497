//! What zypper says with `--xmlout`: lists of updates, and messages among them (zypper's `xmlout.rnc`).

use std::collections::BTreeSet;

use crate::host::packages::dnf::xml::{Attributes, Node, each_node};

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) packages: Vec<Update>,
    /// The ids of the security patches.
    pub(super) security: BTreeSet<String>,
    /// The first thing that it had no success with: its lists are not whole then.
    pub(super) trouble: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) name: String,
    pub(super) architecture: String,
    pub(super) edition: String,
}

impl Said {
    /// The output is bounded by who read it.
    pub(super) fn parse(output: &str) -> Result<Self, String> {
        let mut said = Self::default();
        let mut kind = String::new();
        each_node(output.as_bytes(), |node| {
            match node {
                Node::Open { name: "update", attributes, .. } => said.update(&attributes)?,
                Node::Open { name: "message", attributes, .. } => kind = attributes.needed("type")?,
                Node::Close { name: "message", text, .. } => said.message(&kind, text),
                _ => {}
            }
            Ok(())
        })?;
        Ok(said)
    }

    fn update(&mut self, attributes: &Attributes<'_>) -> Result<(), String> {
        let name = attributes.needed("name")?;
        match attributes.needed("kind")?.as_str() {
            "package" => {
                let (architecture, edition) = (attributes.needed("arch")?, attributes.needed("edition")?);
                self.packages.push(Update { name, architecture, edition });
            }
            "patch" if attributes.get("category")?.as_deref() == Some("security") => {
                self.security.insert(name);
            }
            _ => {}
        }
        Ok(())
    }

    fn message(&mut self, kind: &str, text: &str) {
        // A repository whose file it may not read is passed over with no more than a warning.
        let is_trouble = kind == "error" || (kind == "warning" && text.contains("Cannot read"));
        if is_trouble && self.trouble.is_none() {
            let words: Vec<&str> = text.split_whitespace().take(MAX_WORDS).collect();
            self.trouble = Some(words.join(" "));
        }
    }
}

const MAX_WORDS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_messages_are_told_apart() {
        // What zypper 1.14 wrote, shortened.
        let text = "<?xml version='1.0'?>\n<stream>\n<message type=\"info\">Loading repository data...</message>\n\
                    <progress id=\"2\" name=\"Building repository &apos;one&apos; cache\" value=\"0\"/>\n\
                    <update-status version=\"0.6\">\n<update-list>\n\
                    <update kind=\"package\" name=\"a\" edition=\"1:1.1-1\" arch=\"x86_64\" edition-old=\"1.0-1\">\
                    <summary>x</summary><license/><source url=\"file:/r\" alias=\"one\"/></update>\
                    <update kind=\"patch\" name=\"S-1\" edition=\"1\" arch=\"noarch\" category=\"security\"/></update-list>\n\
                    <blocked-update-list><update kind=\"patch\" name=\"S-2\" edition=\"1\" category=\"security\"/>\
                    <update kind=\"patch\" name=\"R-1\" edition=\"1\" category=\"recommended\"/></blocked-update-list>\
                    </update-status>\n</stream>\n";
        let said = Said::parse(text).unwrap();
        let row = Update { name: "a".into(), architecture: "x86_64".into(), edition: "1:1.1-1".into() };
        assert_eq!(said.packages, [row]);
        assert_eq!(said.security, BTreeSet::from(["S-1".to_owned(), "S-2".to_owned()]));
        assert_eq!(said.trouble, None);
    }

    #[test]
    fn what_it_could_not_read_is_trouble() {
        for (kind, text, told) in [
            ("error", "Error building\n the cache:", Some("Error building the cache:")),
            ("warning", "Cannot read repo file &apos;x&apos;: no", Some("Cannot read repo file 'x': no")),
            ("warning", "Repository &apos;x&apos; appears to be outdated.", None),
        ] {
            let said =
                Said::parse(&format!("<stream><message type=\"{kind}\">{text}</message></stream>")).unwrap();
            assert_eq!(said.trouble.as_deref(), told);
        }
        assert!(Said::parse("usage: zypper").is_err());
        assert!(Said::parse("<stream><update kind=\"package\" name=\"a\"/></stream>").is_err());
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_nothing_panics(
            text in "<s>(<(update|message|/message|x)( (kind|type|name|arch)=\"[a-z&;]{0,9}\"){0,3}/?>|\\PC{0,5}){0,9}(</s>)?"
        ) {
            let _ = Said::parse(&text);
        }

        #[test]
        fn every_update_comes_back(names in proptest::collection::vec("[a-z][a-z0-9+.-]{0,9}", 0..9)) {
            let rows = names.iter().map(|name| {
                format!("<update kind=\"package\" name=\"{name}\" edition=\"1-1\" arch=\"noarch\"><summary>&lt;</summary></update>")
            });
            let text = format!("<stream><update-list>{}</update-list></stream>", rows.collect::<String>());
            let said = Said::parse(&text).unwrap();
            let found: Vec<String> = said.packages.into_iter().map(|update| update.name).collect();
            proptest::prop_assert_eq!(found, names);
        }
    }
}
