//! Paths in and out of mounts.

use super::*;
use proptest::prelude::*;

#[test]
fn paths_are_cut_at_their_slashes_only() {
    assert_eq!(below(b"/a/b", b"/a"), Some(&b"/b"[..]));
    assert_eq!(below(b"/a", b"/a"), Some(&b""[..]));
    assert_eq!(below(b"/ab", b"/a"), None);
    assert_eq!(below(b"/a", b"/"), Some(&b"/a"[..]));
    assert_eq!(below(b"/", b"/"), Some(&b""[..]));
    assert_eq!(below(b"(unreachable)/a", b"/"), None);
    assert_eq!(joined(b"/", b""), b"/");
    assert_eq!(joined(b"/m", b"/a"), b"/m/a");
    assert_eq!(child(b"/", b"a"), b"/a");
    assert_eq!(child(b"/a", b""), b"/a");
}

#[test]
fn only_what_the_kernel_calls_files_without_a_name_is_nameless() {
    assert!(is_nameless(b"#123"));
    for name in [&b"#"[..], b"123", b"#12a", b"#emacs#"] {
        assert!(!is_nameless(name));
    }
}

proptest! {
    #[test]
    fn what_is_below_a_directory_is_found_again(directory in "(/[a-c]{1,3}){0,3}", rest in "(/[a-c]{1,3}){0,3}") {
        let directory = if directory.is_empty() { "/" } else { &directory };
        let path = joined(directory.as_bytes(), rest.as_bytes());
        prop_assert_eq!(below(&path, directory.as_bytes()), Some(rest.as_bytes()));
    }
}
