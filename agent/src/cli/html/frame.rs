//! What every page has: the head with its policy, the style, the script, the bar of filters.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use super::Page;

/// A whole page: `header` and `main` fill theirs.
pub(super) fn page(
    page: &mut Page<'_>,
    title: &str,
    header: impl FnOnce(&mut Page<'_>) -> io::Result<()>,
    main: impl FnOnce(&mut Page<'_>) -> io::Result<()>,
) -> io::Result<()> {
    page.out.write_all(b"<!doctype html>\n")?;
    page.element("html", &[("lang", &"en")], |page| {
        page.element("head", &[], |page| head(page, title))?;
        page.element("body", &[], |page| {
            page.leaf("a", &[("class", &"skip"), ("href", &"#main")], "Skip to the content")?;
            page.element("header", &[], header)?;
            page.element("main", &[("id", &"main")], main)?;
            page.element("footer", &[], |page| page.leaf("p", &[], FOOTER))?;
            raw_element(page, "script", SCRIPT)
        })
    })
}

fn head(page: &mut Page<'_>, title: &str) -> io::Result<()> {
    page.void("meta", &[("charset", &"utf-8")])?;
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    page.void("meta", &[("http-equiv", &"Content-Security-Policy"), ("content", &policy)])?;
    page.void("meta", &[("name", &"viewport"), ("content", &"width=device-width, initial-scale=1")])?;
    page.void("meta", &[("name", &"color-scheme"), ("content", &"light dark")])?;
    page.void("meta", &[("name", &"referrer"), ("content", &"no-referrer")])?;
    page.void("meta", &[("name", &"generator"), ("content", &GENERATOR)])?;
    page.leaf("title", &[], title)?;
    raw_element(page, "style", STYLE)
}

/// Our own style and script are the only things that are written as they are.
fn raw_element(page: &mut Page<'_>, name: &'static str, content: &'static str) -> io::Result<()> {
    page.element(name, &[], |page| page.out.write_all(content.as_bytes()))
}

fn hash(content: &str) -> String {
    format!("sha256-{}", BASE64.encode(Sha256::digest(content)))
}

/// A group of boxes of which any may be ticked.
pub(super) struct Group {
    /// The `data-` attribute of the items that it speaks about.
    pub(super) key: &'static str,
    pub(super) legend: &'static str,
    /// Value, label, how many items have it.
    pub(super) choices: Vec<(String, String, usize)>,
}

/// The bar of filters. Without a script it stays hidden, and everything is in sight.
pub(super) fn filters(page: &mut Page<'_>, things: &str, groups: &[Group]) -> io::Result<()> {
    page.element("section", &[("class", &"filters"), ("aria-label", &"Filter"), ("hidden", &"")], |page| {
        page.element("div", &[("class", &"search"), ("role", &"search")], |page| {
            page.leaf("label", &[("for", &"q")], format_args!("Search the {things}"))?;
            page.void(
                "input",
                &[("id", &"q"), ("type", &"search"), ("autocomplete", &"off"), ("spellcheck", &"false")],
            )
        })?;
        for group in groups {
            group_of_boxes(page, group)?;
        }
        page.element("p", &[("class", &"count")], |page| {
            page.leaf("output", &[("aria-live", &"polite"), ("data-things", &things)], "")?;
            page.leaf("button", &[("type", &"button"), ("id", &"clear")], "Show all")
        })
    })
}

fn group_of_boxes(page: &mut Page<'_>, group: &Group) -> io::Result<()> {
    page.element("fieldset", &[("data-group", &group.key)], |page| {
        page.leaf("legend", &[], group.legend)?;
        for (value, label, count) in &group.choices {
            page.element("label", &[], |page| {
                page.void("input", &[("type", &"checkbox"), ("value", value)])?;
                page.leaf("span", &[], label)?;
                page.text(" ")?;
                page.leaf("span", &[("class", &"number")], count)
            })?;
        }
        Ok(())
    })
}

/// A term and what it is, for the list in a header.
pub(super) fn term(page: &mut Page<'_>, term: &str, what: &str) -> io::Result<()> {
    page.element("div", &[], |page| {
        page.leaf("dt", &[], term)?;
        page.leaf("dd", &[], what)
    })
}

/// A table's head.
pub(super) fn columns(page: &mut Page<'_>, names: &[&str]) -> io::Result<()> {
    page.element("thead", &[], |page| {
        page.element("tr", &[], |page| {
            names.iter().try_for_each(|name| page.leaf("th", &[("scope", &"col")], name))
        })
    })
}

/// Words that are of one piece, so that nobody reads "1 findings".
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const GENERATOR: &str = concat!("guestward ", env!("CARGO_PKG_VERSION"));
const FOOTER: &str = concat!(
    "Written by guestward ",
    env!("CARGO_PKG_VERSION"),
    ". This page stands alone: it loads nothing and sends nothing."
);
