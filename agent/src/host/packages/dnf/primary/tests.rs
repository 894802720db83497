//! Lists of packages, against a reading of everything in them.

use super::*;
use crate::host::packages::rpm::{Installed, Package};
use proptest::prelude::*;

pub(in super::super) fn installed(names: &[&str]) -> Installed {
    let package = |name: &&str| Package {
        name: (*name).to_owned(),
        epoch: 0,
        version: "1".to_owned(),
        release: "1".to_owned(),
        architecture: "x86_64".to_owned(),
        source_rpm: String::new(),
        vendor: String::new(),
        installed: None,
        module: None,
    };
    Installed { packages: names.iter().map(package).collect(), ..Installed::default() }
}

fn found(text: &[u8], names: &[&str]) -> io::Result<Vec<Offered>> {
    let installed = installed(names);
    let mut found = Vec::new();
    each(text, &Wanted::of(&installed), |offered| {
        found.push(offered);
        Ok(())
    })?;
    Ok(found)
}

/// The same by understanding every package there is.
fn slowly(text: &[u8], names: &[&str]) -> Vec<Offered> {
    let installed = installed(names);
    let wanted = Wanted::of(&installed);
    let mut found = Vec::new();
    elements::each(text, "metadata", "package", |bytes| {
        found.extend(understand(bytes)?);
        Ok(())
    })
    .unwrap();
    let replaces = |relation: &Relation| wanted.all(&relation.name).any(|(_, evr)| relation.meets(evr));
    found.retain(|offered| wanted.has(&offered.name) || offered.obsoletes.iter().any(replaces));
    found
}

fn package(name: &str, architecture: &str, rest: &str) -> String {
    format!(
        "<package type=\"rpm\">\n  <name>{name}</name>\n  <arch>{architecture}</arch>\n  \
         <version epoch=\"0\" ver=\"2\" rel=\"1\"/>\n  <summary>an &lt;x&gt; \u{e9}</summary>\n<format>\
         <rpm:vendor>V</rpm:vendor>{rest}</format></package>\n"
    )
}

fn list(packages: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata xmlns=\"http://linux.duke.edu/metadata/common\" \
         xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"3\">\n{packages}</metadata>"
    )
}

#[test]
fn what_is_installed_is_found_and_what_replaces_it() {
    let text = list(&[
        package("a", "x86_64", "<rpm:provides><rpm:entry name=\"p\"/><rpm:entry name=\"q\" flags=\"EQ\" ver=\"1\"/></rpm:provides>"),
        package("a", "src", ""),
        package("other", "noarch", ""),
        package("new", "noarch", "<rpm:obsoletes><rpm:entry name=\"a\" flags=\"LT\" epoch=\"0\" ver=\"2\"/></rpm:obsoletes>"),
        package("older", "noarch", "<rpm:obsoletes><rpm:entry name=\"a\" flags=\"LT\" epoch=\"0\" ver=\"1\"/></rpm:obsoletes>"),
        package("a&amp;b", "x86_64", ""),
        package("<!-- x -->b", "x86_64", ""),
    ]
    .concat());
    let ours = found(text.as_bytes(), &["a", "b", "a&b"]).unwrap();
    let names: Vec<&str> = ours.iter().map(|offered| offered.name.as_str()).collect();
    assert_eq!(names, ["a", "new", "a&b", "b"]);
    assert_eq!(ours[0].provides, ["p", "q"]);
    assert_eq!(ours[0].vendor, "V");
    assert_eq!(ours, slowly(text.as_bytes(), &["a", "b", "a&b"]));
}

#[test]
fn relations_compare_what_they_say() {
    let evr = |text: &str| {
        let (version, release) = text.split_once('-').unwrap();
        Evr::new(None, version, release).unwrap()
    };
    let relation = |flag: Flag, version: &str, release: Option<&str>| Relation {
        name: "a".to_owned(),
        versions: Some((
            flag,
            Evr::new(None, version, release.unwrap_or_default()).unwrap(),
            release.is_some(),
        )),
    };
    assert!(relation(Flag::Equal, "1", None).meets(&evr("1-7")));
    assert!(!relation(Flag::Equal, "1", Some("6")).meets(&evr("1-7")));
    assert!(relation(Flag::GreaterOrEqual, "1", Some("6")).meets(&evr("1-7")));
    assert!(!relation(Flag::Less, "1", None).meets(&evr("1-7")));
    assert!(relation(Flag::LessOrEqual, "1", None).meets(&evr("1-7")));
    assert!(relation(Flag::Greater, "0.9", None).meets(&evr("1-7")));
    assert!(Relation { name: "a".to_owned(), versions: None }.meets(&evr("1-7")));
}

#[test]
fn a_list_that_is_broken_is_an_error() {
    let good = list(&package("a", "x86_64", ""));
    for end in 0..good.len() {
        assert!(found(&good.as_bytes()[..end], &["a"]).is_err(), "{end}");
    }
    for (from, to) in
        [("<version epoch=\"0\" ver=\"2\" rel=\"1\"/>", ""), ("epoch=\"0\"", "epoch=\"x\""), ("</name>", "")]
    {
        assert!(found(good.replacen(from, to, 1).as_bytes(), &["a"]).is_err(), "{from}");
    }
    assert!(found(&[0; 4096], &["a"]).is_err());
}

fn packages() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "aa", "c", "a&amp;b", "<![CDATA[a]]>", " a "]);
    let rest = prop::sample::select(vec![
        "",
        "<rpm:obsoletes><rpm:entry name=\"a\"/></rpm:obsoletes>",
        "<rpm:obsoletes><rpm:entry name='c' flags='GE' epoch='1' ver='1' rel='2'/></rpm:obsoletes>",
        "<file>/usr/share/obsoletes</file>",
        "<!-- </package> -->",
    ]);
    prop::collection::vec((name, rest).prop_map(|(name, rest)| package(name, "x86_64", rest)), 0..8)
        .prop_map(|packages| list(&packages.concat()))
}

proptest! {
    #[test]
    fn nothing_is_gone_over_that_matters(text in packages()) {
        let names = ["a", "b", "a&b"];
        prop_assert_eq!(found(text.as_bytes(), &names).unwrap(), slowly(text.as_bytes(), &names));
    }
}

#[test]
fn two_thousand_changes_break_nothing() {
    let rest = "<rpm:obsoletes><rpm:entry name=\"b\" flags=\"LT\" epoch=\"0\" ver=\"2\"/></rpm:obsoletes>";
    let good = list(&(package("a", "x86_64", rest) + &package("c", "noarch", ""))).into_bytes();
    let mut random = 7_u64;
    for _ in 0..2000 {
        let mut bytes = good.clone();
        for _ in 0..=(random % 4) {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(random >> 33).unwrap() % bytes.len();
            bytes[at] = u8::try_from(random >> 56).unwrap();
        }
        let _ = found(&bytes, &["a", "b"]);
    }
}
