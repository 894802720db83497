//! apt.conf as guestward reads it, against `apt-config dump`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use guestward::host::apt_conf::AptConf;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[test]
fn what_apt_config_dumps_is_what_we_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut accepted = 0;
    // Each case starts a process: a few hundred take some seconds.
    let mut runner = TestRunner::new(Config { cases: 400, ..Config::default() });
    runner
        .run(&configuration(), |text| {
            let theirs = dumped(folder.path(), &text);
            prop_assert_eq!(read(&text), theirs, "{}", text);
            Ok(())
        })
        .unwrap();
    for text in EXAMPLES {
        let theirs = dumped(folder.path(), text);
        accepted += usize::from(theirs.is_some());
        assert_eq!(read(text), theirs, "{text}");
    }
    assert_eq!(accepted, EXAMPLES.len() - REFUSED);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = AptConf::default().merge(Path::new("/x"), &bytes);
    }

    #[test]
    fn nothing_that_looks_like_a_configuration_makes_it_panic(text in "[Gw:{};\"#/*%4a \\[\\]\n]{0,60}") {
        let _ = AptConf::default().merge(Path::new("/x"), text.as_bytes());
    }
}

/// Statements below one name, so that apt's own settings are no part of the comparison.
fn configuration() -> impl Strategy<Value = String> {
    let tag = prop_oneof![
        3 => Just("Gw".to_owned()),
        2 => "Gw::(a|b|A|B1)",
        2 => "Gw::(a|b)::(c|d)",
        1 => "(Gw|Gw::a|Gw::b)::",
        1 => "\"Gw::q x\"",
        1 => "Gw%3a%3az",
    ];
    let value = prop_oneof![
        "\"[a-z0-9 /;{}#]{0,6}\"",
        "[a-z0-9]{1,3}",
        Just("\"a\" \"b\"".to_owned()),
        Just("\"x // y /* z */\"".to_owned()),
        Just("\"100%41\"".to_owned()),
        Just(String::new()),
    ];
    let separator =
        prop_oneof![Just(" "), Just("\n"), Just("\t"), Just(" /* c */ "), Just(" // r\n"), Just(" # r\n")];
    let statement = (tag.clone(), separator.clone(), value.clone())
        .prop_map(|(tag, gap, value)| format!("{tag}{gap}{value};"));
    let inner = prop_oneof![
        4 => ("(a|b|c::d|::|e::)?", value.clone()).prop_map(|(tag, value)| format!("{tag} {value};")),
        1 => Just("#clear;".to_owned()),
        1 => Just("a { \"1\"; \"2\"; };".to_owned()),
        1 => Just("b { x \"1\"; }".to_owned()),
    ];
    let block = (tag.clone(), separator.clone(), proptest::collection::vec(inner, 0..4), prop::bool::ANY)
        .prop_map(|(tag, gap, inner, semicolon)| {
            format!("{tag}{gap}{{{}}}{}", inner.join(gap), if semicolon { ";" } else { "" })
        });
    let clear = tag.prop_map(|tag| format!("#clear {tag};"));
    let piece = prop_oneof![5 => statement, 3 => block, 1 => clear, 1 => Just("/* a\nb */".to_owned())];
    proptest::collection::vec((piece, separator), 0..6)
        .prop_map(|pieces| pieces.into_iter().map(|(piece, gap)| piece + gap).collect())
}

type Items = BTreeMap<String, Vec<String>>;

/// The items below `Gw`; nothing if it is refused.
fn read(text: &str) -> Option<Items> {
    let mut conf = AptConf::default();
    conf.merge(Path::new("/x"), text.as_bytes()).ok()?;
    let mut items = Items::new();
    for (name, value) in conf.items() {
        let (name, value) = (String::from_utf8(name).unwrap(), String::from_utf8(value).unwrap());
        if is_ours(&name) {
            items.entry(name).or_default().push(value);
        }
    }
    Some(items)
}

fn dumped(folder: &Path, text: &str) -> Option<Items> {
    let file = folder.join("apt.conf");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new("apt-config");
    command.args(["dump", "--format", "%f\x01%v\x02"]);
    let output = command.env("APT_CONFIG", &file).env("LC_ALL", "C").output().unwrap();
    if !output.status.success() {
        return None;
    }
    let mut items = Items::new();
    for entry in String::from_utf8(output.stdout).unwrap().split('\x02') {
        let (name, value) = entry.split_once('\x01').unwrap_or((entry, ""));
        if is_ours(name) {
            items.entry(name.to_owned()).or_default().push(value.to_owned());
        }
    }
    Some(items)
}

fn is_ours(name: &str) -> bool {
    name.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("gw"))
}

const EXAMPLES: &[&str] = &[
    "Gw::Periodic::Update-Package-Lists \"1\";\nGw::Periodic::Unattended-Upgrade \"1\";\n",
    "Gw {\n  Origins {\n    \"origin=Debian,codename=${distro_codename}\"; // why\n    \"x\";\n  };\n};\n",
    "Gw::a \"1\"; gw::A \"2\";",
    "Gw::l:: \"1\"; Gw::l:: \"2\"; #clear Gw::l; Gw::l:: \"3\";",
    "Gw::a \"1\" // open ended\n;",
    "Gw::a \"http://x/\"; # no remark inside quotes\n",
    "/* Gw::a \"1\"; */ Gw::b \"2\";",
    "Gw \"v\" { a \"1\"; };",
    "Gw::a true; Gw::b \"a\" \"b\"; Gw::c \"a\"\"b\";",
    "Gw::[x y]::z \"1\";",
    // What apt refuses.
    "Gw::a \"1\"",
    "{ a \"1\"; };",
    "Gw::a \"unclosed;\n",
    "Gw { l { \"1\"; }; l { #clear; \"2\"; }; };",
    "Gw { #clear Gw; };",
    "#frobnicate Gw;",
    "Gw::a b c;",
];
const REFUSED: usize = 6;
