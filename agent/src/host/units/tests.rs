//! What a unit means, and that no bytes stop the reading.

use std::path::Path;

use proptest::prelude::*;

use super::ini;

fn read(text: &str) -> Vec<(String, String, String, usize)> {
    let settings = ini::parse(Path::new("/x"), text.as_bytes()).expect("a file");
    settings.into_iter().map(|s| (s.section, s.key, s.value, s.line)).collect()
}

fn of(section: &str, key: &str, value: &str, line: usize) -> (String, String, String, usize) {
    (section.to_owned(), key.to_owned(), value.to_owned(), line)
}

#[test]
fn a_backslash_joins_lines_and_remarks_in_between_vanish() {
    let text = "[A]\nk = one \\\n# remark\n  two\n;x\nl=\\\\\n";
    assert_eq!(read(text), [of("A", "k", "one    two", 4), of("A", "l", "\\\\", 6)]);
}

#[test]
fn what_systemd_only_warns_of_is_left_out() {
    assert_eq!(read("k=before\n[A]\nnothing\n\u{feff}[B]\nk=v"), [of("B", "k", "v", 5)]);
    let settings = ini::parse(Path::new("/x"), b"[A]\nk=\xff\nl=1\n").expect("a file");
    assert_eq!(settings.len(), 1);
}

#[test]
fn a_header_without_an_end_is_no_file() {
    assert!(ini::parse(Path::new("/x"), b"[A\nk=v\n").is_err());
}

#[test]
fn an_empty_value_forgets_those_before_it() {
    let settings = ini::parse(Path::new("/x"), b"[A]\nk=1\nk=\nk=2\nk=3\n").expect("a file");
    let values: Vec<_> = ini::list(&settings, "A", "k").iter().map(|s| s.value.as_str()).collect();
    assert_eq!(values, ["2", "3"]);
}

#[test]
fn the_most_particular_dropins_come_first() {
    let stems = super::name::dropin_stems("a-b-c@d.service");
    assert_eq!(stems, ["a-b-c@d.service", "a-b-c@.service", "a-b-.service", "a-.service"]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = ini::parse(Path::new("/x"), &bytes);
        if let Ok(name) = std::str::from_utf8(&bytes) {
            let _ = (super::name::is_valid(name), super::name::dropin_stems(name), super::name::template_of(name));
        }
    }

    #[test]
    fn nor_do_the_signs_that_mean_something(text in "[\\[\\]=\\\\\n\r#; a@.-]{0,80}") {
        let _ = (ini::parse(Path::new("/x"), text.as_bytes()), super::name::dropin_stems(&text));
    }
}
