//! Preferences by themselves; what they come to is judged by apt.

use super::*;
use proptest::prelude::*;

fn pins(text: &str) -> Result<Pins, Unreadable> {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::at(folder.path()).unwrap();
    let mut reader = Reader { host: &host, pins: Pins::default(), knows_source_versions: true, names: None };
    reader.read(text.as_bytes(), Path::new("x")).map(|()| reader.pins)
}

fn place(archive: &str, site: &str) -> Place {
    Place { archive: archive.to_owned(), site: site.to_owned(), ..Place::default() }
}

#[test]
fn a_record_pins_each_package_that_it_names() {
    let pins = pins(
        "Explanation: x\nPackage: nodejs lib*:any src:x\nPin: origin \"a.example\"\nPin-Priority: 600\n",
    );
    let pins = pins.unwrap();
    assert_eq!(pins.specific.len(), 3);
    let (name, pin) = &pins.specific[1];
    assert!(name.matches("libc6", "glibc", "i386", "amd64"));
    assert!(!pins.specific[0].0.matches("nodejs", "nodejs", "i386", "amd64"));
    assert!(pins.specific[2].0.matches("y", "x", "amd64", "amd64"));
    assert!(pin.is_about(&place("s", "a.example")) && !pin.is_about(&place("s", "b.example")));
}

#[test]
fn a_star_pins_whole_lists() {
    let pins = pins("Package: *\nPin: release a=stable*, l=\nPin-Priority: -1\n").unwrap();
    assert!(pins.specific.is_empty());
    assert!(pins.general[0].is_about(&place("stable-updates", "")));
    assert!(!pins.general[0].is_about(&place("testing", "")));
}

#[test]
fn what_is_not_understood_is_refused_with_its_line() {
    for text in [
        "\nPackage: /(a)\\1/\nPin: release *\nPin-Priority: 1\n",
        "\nPackage: x\nPin: version /[+-9]/\nPin-Priority: 1\n",
        "\nPackage: *\nPin: release n=/[[.a.]]/\nPin-Priority: 1\n",
        "\nPackage: x\nPin: origin [[:alpha:]]*\nPin-Priority: 1\n",
    ] {
        let error = pins(text).unwrap_err().to_string();
        assert!(error.contains("x: line 2 pins by ") && error.contains("not understood"), "{error}");
    }
    // dpkg's tables are not there.
    assert!(pins("Package: x:linux-any\nPin: release *\nPin-Priority: 1\n").is_err());
}

#[test]
fn what_apt_refuses_is_refused_and_what_it_passes_over_is_passed_over() {
    for text in [
        "Pin: release *\nPin-Priority: 1\n",
        "Package: x\nPin: version 1\n",
        "Package: x\nPin: version 1\nPin-Priority: high\n",
        "Package: x\nPin: version 1\nPin-Priority: 40000\n",
        "Package: x\nPin: version 1\nPin-Priority: never\n",
    ] {
        assert!(pins(text).is_err(), "{text}");
    }
    let none = pins("Package: x\nPin-Priority: 1\n\nPackage: *\nPin: version 1\nPin-Priority: 2\n").unwrap();
    assert!(none.specific.is_empty() && none.general.is_empty());
}

#[test]
fn expressions_are_about_names_versions_and_lists() {
    let pins =
        pins("Package: /^lib(ssl|c)/ src:/glibc$/:any\nPin: version /^2\\./\nPin-Priority: 600 # more\n");
    let pins = pins.unwrap();
    let (name, pin) = &pins.specific[0];
    assert!(name.matches("libssl3", "openssl", "amd64", "amd64"));
    assert!(!name.matches("openssl", "openssl", "amd64", "amd64"));
    assert!(pins.specific[1].0.matches("locales", "glibc", "i386", "amd64"));
    assert_eq!(pin.priority, 600);
    let matches = |version| pin.matches(version, "9", std::iter::empty());
    assert!(matches("2.36") && !matches("12.36"));
}

proptest! {
    #[test]
    fn no_bytes_stop_it(bytes in proptest::collection::vec(any::<u8>(), 0..200), pin in "[a-z=,*/ 0-9:()\\\\\\[\\]]{0,30}") {
        let _ = pins(&String::from_utf8_lossy(&bytes));
        let _ = pins(&format!("Package: {pin}\nPin: {pin}\nPin-Priority: 5\n"));
        let _ = pins(&format!("Package: x\nPin: release {pin}\nPin-Priority: {pin}\n"));
    }
}
