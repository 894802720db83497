//! Expressions by themselves, and against the C library's regcomp(3), which bash's `=~` calls just as apt does.

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;

#[track_caller]
fn matches(pattern: &str, text: &str) -> bool {
    Expression::parse(pattern).unwrap().matches(text)
}

#[test]
fn what_occurs_anywhere_matches_whatever_its_case() {
    assert!(matches("SSL", "libssl3") && matches("^lib.*[0-9]$", "LIBssl3") && !matches("^ssl", "libssl3"));
    assert!(matches("", "x") && matches("a||b", "x") && matches("()", "x") && matches("x{0}", "y"));
    assert!(matches("^a{2,3}$", "aaa") && !matches("^a{2,3}$", "aaaa") && matches("^a{,1}b+?$", "b"));
    assert!(matches("a)", "a)") && matches("}", "}") && matches(r"g\+\+", "g++-12"));
}

#[test]
fn a_set_knows_no_escapes_and_may_begin_with_its_end() {
    assert!(matches(r"[\d]", r"\") && matches(r"[\d]", "D") && !matches(r"[\d]", "5"));
    assert!(matches("[]x]", "]") && !matches("[^]x]", "]x") && matches("^[a-]+$", "-a"));
    assert!(matches("^[[:lower:]]$", "A") && matches("[[:digit:].]", "."));
}

#[test]
fn what_the_c_library_refuses_matches_nothing() {
    for pattern in
        ["*a", "a|*b", "^*", "(a", "[a", "a{", "a{1", "a{2,1}", "{1}", "\\", "[Z-a-b]", "[b-a]", "+"]
    {
        assert!(Expression::parse(pattern).unwrap().0.is_none(), "{pattern}");
    }
    // A small letter behind a backslash is not put in capitals, as the text is.
    assert!(!matches(r"\e", "e") && !matches(r"\e", "E") && matches(r"\E", "e"));
}

#[test]
fn what_cannot_be_told_is_an_error() {
    for pattern in [r"(a)\1", "[[.a.]]", "[[=a=]]", r"\Bx", "[+-9]", "[_-z]", "é", "a{1\\}"] {
        assert!(Expression::parse(pattern).is_err(), "{pattern}");
    }
    let large = [
        "a".repeat(3000),
        "(".repeat(100),
        "((a{99}){99}){99}".to_owned(),
        "a*".repeat(900) + &"*".repeat(200),
    ];
    for pattern in large {
        assert_eq!(Expression::parse(&pattern).unwrap_err(), TOO_LARGE);
    }
}

/// Pieces that come next to each other in every order, so that most of what may go wrong does.
fn pattern() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b",
        "B",
        "x",
        "1",
        "2",
        "-",
        "+",
        ".",
        "*",
        "?",
        "(",
        ")",
        "(a",
        "|",
        "^",
        "$",
        "{",
        "}",
        "{1}",
        "{2}",
        "{,2}",
        "{1,}",
        "{0,1}",
        "{2,1}",
        "{a}",
        "{,}",
        "{}",
        "{1,2,3}",
        "\\",
        "\\.",
        "\\+",
        "\\w",
        "\\W",
        "\\s",
        "\\S",
        "\\a",
        "\\B1",
        "\\`",
        "\\'",
        "\\b",
        "\\<",
        "\\>",
        "[",
        "]",
        "[a-c]",
        "[^a-c]",
        "[]a]",
        "[^]a]",
        "[a-]",
        "[-a]",
        "[a-c-]",
        "[a-c-e]",
        "[0-9]",
        "[.+-]",
        "[[:alpha:]]",
        "[[:digit:]x]",
        "[^[:punct:]]",
        "[[:upper:]]",
        "[[:lower:]]",
        "[[:space:]]",
        "[[:ALPHA:]]",
        "[[:x:]]",
        "[[:alpha:]",
        "[a\\]",
        "[c-a]",
        "[A-z]",
        "[a-C]",
        "[[:xdigit:]-a]",
        "(ab|c)",
        "(|a)",
        "(a|)",
        "()",
        "a|b",
        ":",
        "~",
        "_",
        "[_]",
        "[[]",
        "[a[]",
        "[:a:]",
        "[[:blank:][:cntrl:]]",
        "[[:graph:]]",
        "[[:print:]]",
        "[[:alnum:]_]",
        "[a-b-]",
        "[--a]",
        "[a--]",
        "[a]-]",
        ",",
        "/",
    ]);
    prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

const TEXTS: [&str; 30] = [
    "",
    "a",
    "A",
    "b",
    "c",
    "x",
    "ab",
    "ba",
    "abc",
    "aab",
    "aa",
    "1",
    "12",
    "a1",
    "1:2.3-4+b1",
    "lib-ab2.0",
    "g++",
    "-",
    "a-b",
    "]",
    "[",
    "\\",
    "a)",
    "(",
    "{1}",
    "a}",
    "_",
    "~",
    "a b",
    "x.y|z^$*?",
];

/// What the C library says of each pattern: `-` where it refuses it, else a digit for each text.
fn judged(patterns: &[String]) -> Vec<String> {
    let mut bash = Command::new("bash")
        .args(["-c", JUDGE, "judge"])
        .args(TEXTS)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = bash.stdin.take().unwrap();
    let lines = patterns.join("\n") + "\n";
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = bash.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

const JUDGE: &str = r#"shopt -s nocasematch
while IFS= read -r pattern; do
  answer=
  for text; do
    [[ $text =~ $pattern ]]
    answer+=$?
  done
  echo "$answer"
done"#;

#[test]
fn the_c_library_agrees() {
    let mut runner = TestRunner::default();
    let patterns: Vec<String> =
        (0..5000).map(|_| pattern().new_tree(&mut runner).unwrap().current()).collect();
    let judged = judged(&patterns);
    assert_eq!(judged.len(), patterns.len());
    let (mut understood, mut refused, mut matched) = (0, 0, 0);
    for (pattern, judged) in patterns.iter().zip(judged) {
        let Ok(expression) = Expression::parse(pattern) else { continue };
        understood += 1;
        let ours: String = match &expression.0 {
            None => "2".repeat(TEXTS.len()),
            Some(_) => TEXTS.iter().map(|text| if expression.matches(text) { '0' } else { '1' }).collect(),
        };
        assert_eq!(ours, judged, "{pattern}");
        refused += usize::from(expression.0.is_none());
        matched += ours.bytes().filter(|&answer| answer == b'0').count();
    }
    eprintln!("{understood} understood, {refused} refused, {matched} matches");
    assert!(understood > 4000 && refused < understood * 2 / 3 && matched > understood);
}

proptest! {
    #[test]
    fn no_pattern_stops_it(pattern in "\\PC{0,60}", made_up in pattern(), text in "\\PC{0,40}") {
        for pattern in [pattern, made_up] {
            if let Ok(expression) = Expression::parse(&pattern) {
                let _ = expression.matches(&text);
            }
        }
    }
}
