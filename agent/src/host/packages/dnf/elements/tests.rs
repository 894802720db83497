//! Elements of a document, against quick-xml's own reading of it.

use super::*;
use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event;

/// The pieces, read with so many bytes at a time.
fn pieces(text: &[u8], step: usize) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let source = Steps { bytes: text, step };
    each(source, "metadata", "package", |bytes| {
        found.push(String::from_utf8_lossy(bytes).into_owned());
        Ok(())
    })?;
    Ok(found)
}

struct Steps<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl Read for Steps<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.step.min(buffer.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.bytes = later;
        Ok(count)
    }
}

/// The same from quick-xml, which understands every tag.
fn theirs(text: &str) -> Option<Vec<String>> {
    let mut reader = Reader::from_str(text);
    let (mut found, mut depth, mut start, mut is_over) = (Vec::new(), 0, 0, false);
    loop {
        let before = usize::try_from(reader.buffer_position()).unwrap();
        let event = reader.read_event().ok()?;
        let after = usize::try_from(reader.buffer_position()).unwrap();
        match event {
            Event::Start(tag) if depth == 0 => {
                if is_over || tag.name().0 != "metadata" {
                    return None;
                }
                depth = 1;
            }
            Event::Start(tag) => {
                if depth == 1 && tag.name().0 != "package" {
                    return None;
                }
                if depth == 1 {
                    start = before;
                }
                depth += 1;
            }
            Event::Empty(tag) => match depth {
                0 if !is_over && tag.name().0 == "metadata" => is_over = true,
                1 if tag.name().0 == "package" => found.push(text[before..after].to_owned()),
                0 | 1 => return None,
                _ => {}
            },
            Event::End(_) => {
                depth -= 1;
                match depth {
                    0 => is_over = true,
                    1 => found.push(text[start..after].to_owned()),
                    _ => {}
                }
            }
            Event::Text(text) if depth < 2 && !text.trim().is_empty() => return None,
            Event::CData(_) | Event::GeneralRef(_) if depth < 2 => return None,
            Event::DocType(_) => return None,
            Event::Eof => return (is_over && depth == 0).then_some(found),
            _ => {}
        }
    }
}

#[test]
fn elements_come_whole_however_they_are_read() {
    let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- </metadata> --><metadata a='>'>\n<package b=\">\"><name>x</name></package>\n\
                <package/> <package >y<!-- </package> --></package ><package><![CDATA[</package>]]>z</package></metadata>\n<!-- -->\n";
    let expected = theirs(text).unwrap();
    assert_eq!(expected.len(), 4);
    for step in [1, 2, 3, 7, 100, 10_000] {
        assert_eq!(pieces(text.as_bytes(), step).unwrap(), expected, "{step}");
    }
}

#[test]
fn a_document_that_is_not_whole_is_refused_wherever_it_ends() {
    let text =
        b"<metadata><package><name>x</name></package><package>y<!-- </package> --></package></metadata>";
    for end in 0..text.len() {
        assert!(pieces(&text[..end], 16).is_err(), "{end}");
    }
    assert!(pieces(text, 16).is_ok());
}

#[test]
fn what_does_not_belong_is_refused() {
    for text in [
        "<!DOCTYPE metadata [<!ENTITY a 'b'>]><metadata/>",
        "<metadata><other/></metadata>",
        "<metadata>text</metadata>",
        "<metadata/><metadata/>",
        "<updates/>",
        "<metadata></metadata>\0",
        "<metadata><packages></packages></metadata>",
        "<metadata><package><package></package></package></metadata>",
        "<?xml version='1.0' encoding='utf-16'?><metadata/>",
        "\0\0\0\0",
    ] {
        assert!(pieces(text.as_bytes(), 16).is_err(), "{text}");
    }
    let endless = b"<metadata><package>".iter().copied().chain(std::iter::repeat_n(b'x', 2 * MAX_ELEMENT));
    assert!(pieces(&endless.collect::<Vec<u8>>(), PIECE).is_err());
}

#[test]
fn a_long_element_is_kept_and_then_forgotten() {
    let long = format!("<package>{}</package>", "x".repeat(3 * PIECE));
    let text = format!("<metadata>{}</metadata>", long.repeat(20));
    assert_eq!(pieces(text.as_bytes(), 1000).unwrap(), vec![long; 20]);
}

/// Documents that are right, or nearly.
fn documents() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<package>",
        "</package>",
        "<package a='>'>",
        "<name>x</name>",
        "<package/>",
        "<!-- </package> -->",
        "<![CDATA[</package>]]>",
        "<?pi </package>?>",
        "text",
        " ",
        "<packages>",
        "</packages>",
        "</package >",
        "&amp;",
    ]);
    prop::collection::vec(piece, 0..14)
        .prop_map(|pieces| format!("<metadata><package>{}</package></metadata>", pieces.concat()))
}

proptest! {
    #[test]
    fn what_is_found_is_what_quick_xml_finds(text in documents(), step in 1_usize..40) {
        // Where quick-xml finds the document right, the elements are its elements; and where an element is not right
        // within itself, whoever wants to understand it finds that.
        if let Some(expected) = theirs(&text) {
            // Only a package within a package may be refused instead: no list has one.
            match pieces(text.as_bytes(), step) {
                Err(_) => prop_assert!(text.matches("<package").count() > expected.len()),
                Ok(found) => prop_assert_eq!(found, expected),
            }
        } else if let Ok(found) = pieces(text.as_bytes(), step) {
            let bad = found.iter().any(|piece| super::super::xml::each_node(piece.as_bytes(), |_| Ok(())).is_err());
            prop_assert!(bad, "{} gave {:?}", text, found);
        }
    }

    #[test]
    fn whatever_comes_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = pieces(&bytes, 7);
    }
}
