//! Pages that stand alone: no framework, no request, nothing that a browser must be trusted to load.
//!
//! A page is written as it is made, so it never stands in memory as a whole. Every word goes through [`Page::text`]
//! or an attribute, which escape; only the names of elements are written as they are, and those are literals.
//! The policy in the head lets nothing run or load but the one style and the one script whose hashes it names.

mod coverage;
mod finding;
mod frame;
mod index;
mod patches;
mod posture;

use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};

pub(super) use coverage::coverage;
pub(super) use posture::{Posture, posture};

/// Names and values, in the order in which they are written.
type Attributes<'a> = &'a [(&'static str, &'a dyn Display)];

struct Page<'w> {
    out: &'w mut dyn Write,
}

impl Page<'_> {
    /// An element with what `inside` writes into it.
    fn element(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        self.open(name, attributes)?;
        inside(self)?;
        write!(self.out, "</{name}>")?;
        // Lines keep the source readable; inside a line of text a break would be a space too many.
        if BLOCKS.contains(&name) { self.out.write_all(b"\n") } else { Ok(()) }
    }

    /// An element that holds only text.
    fn leaf(&mut self, name: &'static str, attributes: Attributes<'_>, text: impl Display) -> io::Result<()> {
        self.element(name, attributes, |page| page.text(text))
    }

    /// An element that has no end: `input`, `meta`.
    fn void(&mut self, name: &'static str, attributes: Attributes<'_>) -> io::Result<()> {
        self.open(name, attributes)
    }

    fn text(&mut self, text: impl Display) -> io::Result<()> {
        self.escaped(&text)
    }

    fn open(&mut self, name: &'static str, attributes: Attributes<'_>) -> io::Result<()> {
        write!(self.out, "<{name}")?;
        for (attribute, value) in attributes {
            write!(self.out, " {attribute}=\"")?;
            self.escaped(value)?;
            self.out.write_all(b"\"")?;
        }
        self.out.write_all(b">")
    }

    fn escaped(&mut self, value: &dyn Display) -> io::Result<()> {
        let mut escape = Escape { out: self.out, broken: None };
        match write!(escape, "{value}") {
            Ok(()) => Ok(()),
            Err(fmt::Error) => Err(escape.broken.unwrap_or_else(|| io::Error::other("a text that fails"))),
        }
    }
}

/// Turns what HTML reads as its own into what it shows; right for text and for quoted attributes alike.
struct Escape<'w> {
    out: &'w mut dyn Write,
    /// fmt has no room for the error that stopped it.
    broken: Option<io::Error>,
}

impl fmt::Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            let (plain, from) = rest.split_at(at);
            self.put(plain)?;
            self.put(match from.as_bytes().first() {
                Some(b'&') => "&amp;",
                Some(b'<') => "&lt;",
                Some(b'>') => "&gt;",
                Some(b'"') => "&quot;",
                _ => "&#39;",
            })?;
            rest = from.get(1..).unwrap_or_default();
        }
        self.put(rest)
    }
}

impl Escape<'_> {
    fn put(&mut self, text: &str) -> fmt::Result {
        self.out.write_all(text.as_bytes()).map_err(|error| {
            self.broken = Some(error);
            fmt::Error
        })
    }
}

/// Elements after which the source gets a new line.
const BLOCKS: &[&str] = &[
    "article", "body", "caption", "dd", "details", "div", "dl", "dt", "fieldset", "footer", "h1", "h2", "h3",
    "h4", "head", "header", "html", "li", "main", "nav", "ol", "p", "pre", "section", "style", "script",
    "summary", "table", "tbody", "thead", "title", "tr", "ul",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Page<'_>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut Page { out: &mut out }).expect("a vector takes everything");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn text_and_attributes_cannot_leave_their_place() {
        let hostile = "\"><script>alert('x')</script>&amp;";
        let page = written(|page| page.leaf("b", &[("title", &hostile)], hostile));
        let safe = "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;";
        assert_eq!(page, format!("<b title=\"{safe}\">{safe}</b>"));
    }

    #[test]
    fn an_error_of_the_reader_is_told_as_it_is() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = Page { out: &mut Full }.text("x").expect_err("a full disk");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_back_as_itself(text in any::<String>()) {
            let page = written(|page| page.text(&text));
            prop_assert!(!page.contains(['<', '>', '"', '\'']));
            let read = page.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"")
                .replace("&#39;", "'").replace("&amp;", "&");
            prop_assert_eq!(read, text);
        }
    }
}
