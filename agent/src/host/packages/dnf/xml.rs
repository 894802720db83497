//! A piece of XML, node by node: bounded in depth, without a document type, and with no entities but XML's own five.
//!
//! The piece lies in memory, so that no token can be larger than what the caller let in.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// One step through the piece; the outermost element is at depth 0. Names are told without their prefix.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    Open {
        depth: usize,
        name: &'a str,
        attributes: Attributes<'a>,
    },
    /// `text` is what stood directly in the element since its last child.
    Close {
        depth: usize,
        name: &'a str,
        text: &'a str,
    },
}

#[derive(Debug)]
pub(crate) struct Attributes<'a>(&'a BytesStart<'a>);

impl Attributes<'_> {
    /// The value of the attribute of that name, whatever its prefix; `None` where there is none.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>, String> {
        for attribute in self.0.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            if local(attribute.key.0) == name {
                let value: Cow<'_, str> =
                    attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
                return Ok(Some(value.into_owned()));
            }
        }
        Ok(None)
    }

    /// As [`Attributes::get`], where without it nothing can be said.
    pub(crate) fn needed(&self, name: &str) -> Result<String, String> {
        self.get(name)?.ok_or_else(|| format!("<{}> has no {name}", local(self.0.name().0)))
    }
}

/// Goes through one element, or a whole small document.
pub(crate) fn each_node(
    bytes: &[u8],
    mut each: impl FnMut(Node<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut depth: usize = 0;
    let mut has_root = false;
    let mut said = String::new();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                if depth == MAX_DEPTH || (depth == 0 && has_root) {
                    return Err("elements lie where none belong".to_owned());
                }
                has_root = true;
                said.clear();
                each(Node::Open { depth, name: local(start.name().0), attributes: Attributes(&start) })?;
                depth += 1;
            }
            Event::End(end) => {
                depth = depth.checked_sub(1).ok_or("an element ends that never began")?;
                each(Node::Close { depth, name: local(end.name().0), text: &said })?;
                said.clear();
            }
            Event::Text(text) => said.push_str(&text),
            Event::CData(text) => said.push_str(&text),
            Event::GeneralRef(reference) => {
                match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                    Some(character) => said.push(character),
                    None => said.push_str(
                        resolve_predefined_entity(&reference).ok_or("it has an entity of its own")?,
                    ),
                }
            }
            Event::DocType(_) => return Err("it has a document type".to_owned()),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    match (has_root, depth) {
        (true, 0) => Ok(()),
        (false, _) => Err("it has no element".to_owned()),
        _ => Err("it ends within an element".to_owned()),
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, name)| name)
}

/// Nothing that is read by it goes deeper than seven.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<Vec<String>, String> {
        let mut told = Vec::new();
        each_node(text.as_bytes(), |node| {
            told.push(match node {
                Node::Open { depth, name, attributes } => {
                    format!("{depth}{name} {}", attributes.get("a")?.unwrap_or_default())
                }
                Node::Close { depth, name, text } => format!("/{depth}{name} {text}"),
            });
            Ok(())
        })?;
        Ok(told)
    }

    #[test]
    fn elements_attributes_and_text() {
        let text =
            "<?xml version='1.0'?><!-- x --><r:x a='1 &amp; &#65;'>t<y/>u &lt;&#x42;<![CDATA[<z>]]></r:x>";
        assert_eq!(told(text).unwrap(), ["0x 1 & A", "1y ", "/1y ", "/0x u <B<z>"]);
    }

    #[test]
    fn what_is_no_whole_element_is_refused() {
        for text in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a b=1/>",
            "<a b='1' b='2'/>",
            "<a",
            "<a>&x;</a>",
        ] {
            let looked = each_node(text.as_bytes(), |node| match node {
                Node::Open { attributes, .. } => attributes.get("none").map(|_| ()),
                Node::Close { .. } => Ok(()),
            });
            assert!(looked.is_err(), "{text}");
        }
    }

    #[test]
    fn a_billion_laughs_are_refused_before_the_first() {
        let text = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><x>&b;</x>";
        assert!(told(text).unwrap_err().contains("document type"));
        assert!(told(&"<a>".repeat(100_000)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_nothing_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = each_node(&bytes, |_| Ok(()));
        }

        #[test]
        fn nor_does_it_on_what_looks_like_xml(text in "(<|>|/|a|b|=|'|\"|&|;|#|!|-|\\[|\\]| |x|1){0,60}") {
            let _ = each_node(text.as_bytes(), |node| match node {
                Node::Open { attributes, .. } => attributes.get("a").map(|_| ()),
                Node::Close { .. } => Ok(()),
            });
        }
    }
}
